"""Reading lanes back from the disk: one task fills the windows of those who wait, sharing each frame it unpacks."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from gateway.buffer import reshaping
from gateway.buffer.disk import Disk
from gateway.buffer.frames import FrameDamaged, Head, Section, read_body, read_section
from gateway.buffer.lane import BULK_TURN, Lane
from gateway.buffer.lanes import OVERHEAD_BYTES, Lanes
from gateway.buffer.losses import Damage
from gateway.buffer.port import Loss
from gateway.buffer.segments import Segment
from gateway.model import Priority

log = logging.getLogger("fieldgate")

_HEADS = 16
"""Heads per round: unpacking the directories of 16 full frames holds up the event loop for some 20 ms at worst."""
_RAW_BYTES = 2_000_000
"""Unpacked bodies per round."""
_THREAD_FROM_BYTES = 65_536
_SEGMENTS = 8
"""Segments per round that are passed by because they hold nothing of the lane."""
_OPEN_SEGMENTS = 4
"""Sealed segments whose connection is kept, each with its thread."""
_AGAIN_S = 1.0


class Reader:
    """The task and the lanes that want something from it: each in turn gets a round, the important ones first."""

    def __init__(self, disk: Disk, lanes: Lanes, stir: Callable[[str], None]) -> None:
        self._disk = disk
        self._lanes = lanes
        self._stir = stir
        """Called with the identity whose lane has changed."""
        self._wanted: list[OrderedDict[Lane, None]] = [OrderedDict() for _ in Priority]
        """By class, the one that waits longest first."""
        self._turns = 0
        self._something = asyncio.Event()
        self._open: OrderedDict[Segment, None] = OrderedDict()
        self._closing = False
        self._failing = ""

    def want(self, lane: Lane) -> None:
        """Read this lane's next messages back, after those of its class who asked before."""
        self._wanted[lane.priority].setdefault(lane)
        self._something.set()

    def stop(self) -> None:
        """Let ``run`` return after the read under way."""
        self._closing = True
        self._something.set()

    async def run(self) -> None:
        """Serve until ``stop``."""
        while not self._closing:
            lane = self._next()
            if lane is None:
                self._something.clear()
                await self._something.wait()
                continue
            try:
                more = await self.load(lane)
            except (sqlite3.Error, OSError) as error:
                await self._failed(lane, error)
            else:
                self._healed()
                if more:
                    self.want(lane)
            self._stir(lane.identity)

    def _next(self) -> Lane | None:
        """Whose turn it is: of the most important class, every 16th time of the least important one."""
        self._turns += 1
        for wanted in self._wanted if self._turns % BULK_TURN else reversed(self._wanted):
            if wanted:
                return wanted.popitem(last=False)[0]
        return None

    async def _failed(self, lane: Lane, error: Exception) -> None:
        if not self._failing:
            log.warning("buffer: the disk does not give back what was stored (%s); trying again", error)
        self._failing = str(error)
        self.want(lane)
        await asyncio.sleep(0 if self._closing else _AGAIN_S)

    def _healed(self) -> None:
        if self._failing:
            log.info("buffer: the disk gives back again what was stored (was: %s)", self._failing)
        self._failing = ""

    async def load(self, lane: Lane) -> bool:
        """One round for this lane; whether it lacks more after it. Raises sqlite3.Error or OSError.

        One round and not all that it lacks: others wait too, and one with a million messages shall not keep them.
        """
        share = self._lanes.share_bytes()
        for _ in range(_SEGMENTS):
            if not lane.behind or lane.window_bytes >= share or self._closing:
                return False
            segment = self._disk.holding(lane.priority, lane.position)
            if segment is None:
                self._ended(lane)
            elif await segment.vanished():
                log.error("buffer: %s is gone: somebody removed it", segment.path)
                await self._disk.forget(segment)
            elif await self._starts_here(lane, segment):
                await self._keep_open(segment)
                async with segment.held:
                    # Meanwhile the lane may have been sent back, or another file may have taken this one's place.
                    if not segment.ended and self._disk.holding(lane.priority, lane.position) is segment:
                        await self._round(lane, segment, share)
                if _mendable(segment):
                    await reshaping.salvage(self._disk, segment)
                break
        return lane.behind and lane.window_bytes < share

    def _ended(self, lane: Lane) -> None:
        """There is no more of it on the disk."""
        lane.loaded = lane.highest
        self._reckon(lane)

    def _reckon(self, lane: Lane) -> None:
        """All that can be read is in the window: what should be there as well is lost."""
        missing = lane.waiting - len(lane.window)
        if lane.behind or missing <= 0:
            return
        at_ns = lane.oldest_ns or 0
        self._lanes.lost(lane, lane.highest, missing, lane.position)
        self._disk.done_with(lane, {})
        first, last = lane.acked + 1, lane.highest
        self._disk.count(Loss("damaged", lane.identity, lane.priority, missing, first, last, at_ns, at_ns))
        log.error("buffer: %d messages of %s could not be read any more", missing, lane.identity)

    async def _starts_here(self, lane: Lane, segment: Segment) -> bool:
        """Whether to read on in this segment; on entering one, its content tells from where, or not at all."""
        if self._disk.holding(lane.priority, lane.position) is not segment:
            return False  # sent back meanwhile
        if lane.position > segment.first:
            return True
        position, loaded, last = lane.position, lane.loaded, segment.last
        extent = (await segment.read_content()).get(lane.identity)
        if (position, loaded) != (lane.position, lane.loaded):
            return False
        if extent is not None and extent.first > lane.highest:
            self._ended(lane)  # an older span: what follows is not its own
            return False
        here = extent is not None and extent.last > lane.loaded
        lane.position = extent.frame if extent and here else last + 1
        return here

    async def _keep_open(self, segment: Segment) -> None:
        if segment.writes:
            return
        self._open[segment] = None
        self._open.move_to_end(segment)
        while len(self._open) > _OPEN_SEGMENTS:
            oldest, _ = self._open.popitem(last=False)
            if not oldest.writes:
                await oldest.close()

    async def _round(self, lane: Lane, segment: Segment, share: int) -> None:
        """Some frames: their heads, then the bodies of those that have something for this lane."""
        position, loaded = lane.position, lane.loaded
        scan = await segment.heads(position, _HEADS)
        heads = [found.head for found in scan.found if found.head is not None]
        here, ended = _here(heads, lane)
        chosen = _choose(here, share - lane.window_bytes)
        bodies = await segment.bodies([head.number for head, _ in chosen]) if chosen else {}
        raws = [(head, section, await _unpack(head, bodies)) for head, section in chosen]
        if (position, loaded) != (lane.position, lane.loaded):
            return  # dropped or pushed out of the window meanwhile: what was read does not follow any more
        segment.damaged |= any(raw is None for _, _, raw in raws)
        if _mendable(segment):
            return
        for head, section, raw in raws:
            if raw is None:
                self._damaged(lane, head, section)
            else:
                self._hand_out(lane, head, section, raw)
        if len(chosen) < len(here):
            return
        lane.position = max(lane.position, scan.following)
        if ended:
            self._ended(lane)

    def _hand_out(self, lane: Lane, head: Head, section: Section, raw: bytes) -> None:
        """Into the window of this lane, and of every other that would come for the very same frame next."""
        self._lanes.make_room(lane, section.size + section.messages * OVERHEAD_BYTES)
        self._lanes.read_back(lane, head.number, list(read_section(head, raw, section)))
        self._reckon(lane)
        for other in head.sections:
            for held in self._lanes.lane(other.identity, lane.priority).spans:
                if held is not lane and self._lanes.wants(held, head.number, other.first, other.last):
                    self._lanes.read_back(held, head.number, list(read_section(head, raw, other)))
                    self._reckon(held)
                    self._stir(other.identity)

    def _damaged(self, lane: Lane, head: Head, section: Section) -> None:
        """The body is not what was written, and cannot be put aside: this lane goes on after it."""
        first, last = max(section.first, lane.loaded + 1), min(section.last, lane.highest)
        count = min(section.messages, last - first + 1)
        self._lanes.lost(lane, last, count, head.number)
        self._disk.done_with(lane, {head.number: count})
        times = section.first_ns, section.last_ns
        damage = Damage(lane.priority, head.number, lane.identity)
        self._disk.count(Loss("damaged", lane.identity, lane.priority, count, first, last, *times), damage)


def _mendable(segment: Segment) -> bool:
    """Whether what can be read of a damaged segment is to be put into a new one, before anything is passed over."""
    return segment.damaged and not (segment.hopeless or segment.writes or segment.ended)


def _here(heads: Sequence[Head], lane: Lane) -> tuple[list[tuple[Head, Section]], bool]:
    """The frames that have something for this lane, and whether what follows is beyond its last message."""
    here: list[tuple[Head, Section]] = []
    for head in heads:
        for section in head.sections:
            if section.identity == lane.identity:
                if section.first > lane.highest:
                    return here, True
                if section.last > lane.loaded:
                    here.append((head, section))
                break
    return here, False


def _choose(here: Sequence[tuple[Head, Section]], wanted: int) -> list[tuple[Head, Section]]:
    """The frames to unpack: at least one if there is one, then until there is what is wanted."""
    chosen: list[tuple[Head, Section]] = []
    size = raw = 0
    for head, section in here:
        raw += head.raw_size
        if chosen and (size >= wanted or raw > _RAW_BYTES):
            break
        size += section.size + section.messages * OVERHEAD_BYTES
        chosen.append((head, section))
    return chosen


async def _unpack(head: Head, bodies: Mapping[int, bytes]) -> bytes | None:
    """The raw body; None where it is damaged."""
    body = bodies.get(head.number)
    if body is None:
        return None
    try:
        if head.raw_size < _THREAD_FROM_BYTES:
            return read_body(head, body)
        return await asyncio.to_thread(read_body, head, body)
    except FrameDamaged:
        return None
