"""What gives way when room is scarce, and what is done without haste: ageing out, packing, freeing what is held up.

Whoever drops or rewrites holds ``disk.shaping``: one at a time.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from gateway.buffer import directory, policy, reshaping
from gateway.buffer.disk import Disk
from gateway.buffer.port import BufferTrouble, Loss
from gateway.buffer.segments import Segment
from gateway.buffer.shelf import Shelf
from gateway.model import Priority

log = logging.getLogger("fieldgate")

EVERY_S = 1.0
PACK_EVERY_S = 10.0
"""Two looks at the same segment in which nothing was taken out of it make it one that lies."""
MARK_EVERY_S = 60.0
"""How often the clock is kept at least."""


async def give_way(disk: Disk, coming: Priority) -> bool:
    """Make some room for this class: what has aged, then what can be packed, then as the policies say.

    False where nothing may go. Raises BufferFull or BufferUnavailable.
    """
    async with disk.shaping:
        if await _expire(disk) or await _pack(disk, pressed=True):
            await disk.tidy()
            return True
        for priority in policy.givers(disk.settings.on_full, coming):
            shelf = disk.shelves[priority]
            if priority is not coming and not shelf.sealed:
                await disk.seal(shelf)
            if await _give(disk, shelf, spare_newest=priority is coming):
                await disk.tidy()
                return True
    return False


async def _give(disk: Disk, shelf: Shelf, *, spare_newest: bool) -> bool:
    sealed = shelf.sealed
    if not sealed or (spare_newest and len(shelf.segments) == 1):
        return False
    if disk.settings.on_full.get(shelf.priority) == "thin":
        index = policy.to_thin([(segment.size_bytes, segment.facts.thinned) for segment in sealed])
        if index is not None and await reshaping.thin(disk, shelf, sealed[index]):
            return True
    await drop(disk, sealed[0], "quota")
    return True


async def drop(disk: Disk, segment: Segment, reason: str) -> None:
    """Give a sealed segment up: what waits in it is counted as lost. It is unlinked by the next ``tidy``."""
    if not disk.written_down(segment):
        await disk.sync()
    try:
        held = await disk.trimmed(segment, await segment.read_content())
    except sqlite3.Error as error:
        raise directory.translated(error, segment.path) from error
    for identity, extent in held.items():
        lane = disk.lanes.lane(identity, segment.priority)
        gone = disk.lanes.drop(lane, extent, segment.last)
        disk.touch([lane])
        if gone is not None:
            times = extent.first_ns, extent.last_ns
            disk.give_up(Loss(reason, identity, segment.priority, gone.messages, gone.first, gone.last, *times))
    disk.leave([segment])


async def _expire(disk: Disk) -> bool:
    """What is older than its class may become goes, by segments."""
    now_s, some = disk.clock.seconds(), False
    for shelf in disk.shelves.values():
        keep_s = disk.settings.keep.get(shelf.priority)
        if keep_s is None:
            continue
        limit_s = policy.span_limit_s(keep_s) or 0.0
        writing = shelf.writing
        if writing is not None and writing.facts.frames and now_s - writing.facts.born_first > limit_s + keep_s / 2:
            await disk.seal(shelf)
        while shelf.sealed and shelf.sealed[0].facts.born_last + 1 + keep_s <= now_s:
            await drop(disk, shelf.sealed[0], "expired")
            some = True
    return some


async def _pack(disk: Disk, *, pressed: bool) -> bool:
    """Rewrite one run of neighbours that lie there and would take half the room, if there is one."""
    for shelf in disk.shelves.values():
        crumbs = _crumbs(shelf, disk.sizes.segment)
        if crumbs:
            return await reshaping.merge(disk, shelf, crumbs, disk.sizes.segment)
        run = _lying(shelf, disk.sizes.segment, pressed=pressed)
        if not run:
            continue
        if await reshaping.merge(disk, shelf, run):
            return True
        for segment in run:
            segment.unpackable = True
    return False


def _lying(shelf: Shelf, limit: int, *, pressed: bool) -> list[Segment]:
    """The oldest neighbours worth it: packed they are one segment at most, and at most half of what they are."""
    run: list[Segment] = []
    for segment in shelf.sealed:
        lies = pressed or segment.seen == segment.remaining
        packable = segment.sealed_facts and not (segment.damaged or segment.unpackable)
        if lies and packable and _packed(shelf, [*run, segment]) <= limit and _gains(shelf, [segment]):
            run.append(segment)
        elif run and _gains(shelf, run):
            return run
        else:
            run = []
    return run if run and _gains(shelf, run) else []


def _crumbs(shelf: Shelf, limit: int) -> list[Segment]:
    """The oldest neighbours that are many and small: thinned out, or left by many starts."""
    run: list[Segment] = []
    for segment in shelf.sealed:
        small = policy.is_crumb(segment.size_bytes, limit) and segment.sealed_facts and not segment.damaged
        if small and all(segment.facts.thinned == one.facts.thinned for one in run[-1:]):
            run.append(segment)
        else:
            run = []
        if policy.are_crumbs([one.size_bytes for one in run], limit):
            return run
    return []


def _gains(shelf: Shelf, run: Sequence[Segment]) -> bool:
    return policy.worth_packing(sum(segment.size_bytes for segment in run), _packed(shelf, run))


def _packed(shelf: Shelf, run: Sequence[Segment]) -> int:
    """About what these take when only what waits is kept; what was packed before is not packed better again."""
    raw = stored = 0
    for segment in run:
        share = min(1.0, max(0, segment.remaining) / max(1, segment.facts.messages))
        kept = int(segment.size_bytes * share)
        raw += int(segment.facts.raw_bytes * share) if not segment.place.generation else int(kept / shelf.ratio)
        stored += kept
    return policy.packed(raw, stored, shelf.ratio)


class Upkeep:
    """The task that does it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._closing = asyncio.Event()
        self._failing = ""

    def stop(self) -> None:
        """Let ``run`` return soon."""
        self._closing.set()

    async def run(self) -> None:
        """Serve until ``stop``."""
        loop = asyncio.get_running_loop()
        packed_s = marked_s = loop.time()
        while not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._closing.wait()
                    return
            now_s = loop.time()
            if now_s - marked_s >= MARK_EVERY_S:
                marked_s = now_s
                self._disk.touch_clock()
            pack = now_s - packed_s >= PACK_EVERY_S
            packed_s = now_s if pack else packed_s
            try:
                await self.once(pack=pack)
            except BufferTrouble as error:
                if not self._failing:
                    log.warning("buffer: the disk cannot be kept in order (%s); trying again", error)
                self._failing = str(error)
            else:
                self._failing = ""

    async def once(self, *, pack: bool) -> None:
        """Everything that is due. Raises BufferFull or BufferUnavailable."""
        disk = self._disk
        async with disk.shaping:
            await _expire(disk)
            if pack:
                await _pack(disk, pressed=False)
                await self._look(disk)
        if pack:
            for shelf in disk.shelves.values():
                for segment in [one for one in shelf.sealed if one.damaged and not one.hopeless and one.sealed_facts]:
                    await reshaping.salvage(disk, segment)
        if disk.changed:
            await disk.tidy()

    async def _look(self, disk: Disk) -> None:
        """Remember what lies; what was counted of the oldest is counted anew where nothing moves."""
        for shelf in disk.shelves.values():
            sealed = shelf.sealed
            if sealed and sealed[0].seen == sealed[0].remaining:
                oldest = sealed[0]
                held = await disk.trimmed(oldest, await oldest.read_content())
                oldest.remaining = disk.waiting(oldest, held)
            for segment in sealed:
                segment.seen = segment.remaining
