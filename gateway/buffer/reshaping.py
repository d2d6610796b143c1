"""Segments that others take the place of: rewritten by ``rewriting``, swapped here, crash-safe at every step.

The new file is whole and named before anything stands about it elsewhere; it says itself what it holds and what was
lost in making it. Then ``meta.db`` learns of it; only then what it was made of is unlinked. Which of two files counts
can be read from their names at any moment in between.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.buffer import directory, policy, rewriting
from gateway.buffer.content import Content, Extent
from gateway.buffer.disk import Disk
from gateway.buffer.lane import Lane
from gateway.buffer.port import BufferTrouble, Loss
from gateway.buffer.rewriting import Keep, Lost, Made
from gateway.buffer.segments import Segment
from gateway.buffer.shelf import Shelf
from gateway.buffer.sources import SegmentDamaged, Source, is_sound

log = logging.getLogger("fieldgate")

_RULES: tuple[Callable[[], Keep], ...] = (rewriting.every_fourth, rewriting.one_a_minute)


def _nothing() -> None:
    """There is nothing to count."""


async def merge(disk: Disk, shelf: Shelf, segments: Sequence[Segment], limit_bytes: int | None = None) -> bool:
    """Neighbours become one file of what waits in them, packed better; False where that could not be done.

    ``limit_bytes``: how large it may become; half of what they are if nothing else is said.
    """
    async with _holding(shelf, segments) as all_there:
        if not all_there:
            return False
        lanes = await _lanes(disk, segments)
        thinned = min(segment.facts.thinned for segment in segments)
        half = sum(segment.size_bytes for segment in segments) // 2
        limit = min(half if limit_bytes is None else limit_bytes, disk.sizes.segment)
        made = await _rewritten(disk, shelf, segments, rewriting.everything, lanes, thinned=thinned, limit_bytes=limit)
        return made is not None and await _swap(disk, shelf, segments, made)


async def thin(disk: Disk, shelf: Shelf, segment: Segment) -> bool:
    """Of the messages that wait in it every fourth stays, the next time one a minute; what is in flight stays."""
    async with _holding(shelf, [segment]) as all_there:
        if not all_there:
            return False
        lanes = await _lanes(disk, [segment])
        claimed: dict[str, int] = {}
        for identity, lane in lanes.items():
            disk.lanes.unload(lane, segment.first)
            claimed[identity] = disk.lanes.claimed(lane)
        rule = _RULES[segment.facts.thinned]()

        def keep(identity: str, sequence: int, created_ns: int) -> bool:
            return rule(identity, sequence, created_ns) or sequence <= claimed[identity]

        thinned = segment.facts.thinned + 1
        made = await _rewritten(disk, shelf, [segment], keep, lanes, reason="thinned", thinned=thinned)
        if made is None:
            return False

        def given_up() -> None:
            for identity, lost in made.left_out.items():
                _leave_out(disk, lanes[identity], lost)

        return await _swap(disk, shelf, [segment], made, given_up)


def _leave_out(disk: Disk, lane: Lane, lost: Sequence[Lost]) -> None:
    start = 0
    for span in lane.spans:
        end = next((at for at in range(start, len(lost)) if lost[at].sequence > span.highest), len(lost))
        if end > start:
            disk.lanes.thinned(lane, end - start, lost[end - 1].sequence)
        start = end
    first, last = lost[0], lost[-1]
    times = first.created_ns, last.created_ns
    disk.give_up(Loss("thinned", lane.identity, lane.priority, len(lost), first.sequence, last.sequence, *times))


async def salvage(disk: Disk, segment: Segment) -> None:
    """A damaged segment: what can be read goes into a new one, the bytes of the rest are kept for people, all is told.

    Where there is no room for that, the segment is ``hopeless``: what cannot be read is passed over as it is met.
    """
    shelf = disk.shelves[segment.priority]
    async with disk.shaping, _holding(shelf, [segment]) as all_there:
        if not all_there or segment.writes:
            return
        if await asyncio.to_thread(is_sound, Source(segment.path, segment.first, segment.facts)):
            segment.damaged = False
            await segment.close()  # what SQLite has seen of it is forgotten
            return
        held = await segment.read_content()
        lanes = {identity: disk.lanes.lane(identity, segment.priority) for identity in held}
        claimed: dict[str, int] = {}
        for identity, lane in lanes.items():
            disk.lanes.unload(lane, segment.first)
            claimed[identity] = disk.lanes.claimed(lane)
        expected = {identity: _above(disk, lanes[identity], held, claimed[identity]) for identity in held}
        readable = _Readable(claimed)
        made = await _rewritten(disk, shelf, [segment], readable.keep, lanes, salvage=True)
        if made is None:
            segment.hopeless = True
            return
        segment.damaged = True
        await asyncio.to_thread(keep_bytes, disk, shelf, made)

        def told() -> None:
            for identity, extent in held.items():
                lost = expected[identity] - readable.counted.get(identity, 0)
                if lost > 0:
                    _tell_damage(disk, lanes[identity], extent, lost, readable, claimed[identity])
            total = sum(expected.values()) - sum(readable.counted.values())
            log.error("buffer: %s is damaged: %d messages in it cannot be read any more", segment.path, max(0, total))

        await _swap(disk, shelf, [segment], made, told)


class _Readable:
    """What was found beyond the messages in flight, and where something was missing."""

    def __init__(self, claimed: dict[str, int]) -> None:
        self.counted: dict[str, int] = {}
        self._claimed = claimed
        self._before: dict[str, int] = {}
        self._gap: dict[str, int] = {}

    def keep(self, identity: str, sequence: int, created_ns: int) -> bool:
        """All is kept."""
        del created_ns
        if sequence > self._claimed.get(identity, 0):
            self.counted[identity] = self.counted.get(identity, 0) + 1
        if sequence > self._before.get(identity, sequence - 1) + 1:
            self._gap[identity] = sequence - 1
        self._before[identity] = sequence
        return True

    def last_gap(self, identity: str, end: int) -> int:
        """The last sequence that is missing."""
        if self._before.get(identity, 0) < end:
            return end
        return self._gap.get(identity, end)


def _tell_damage(disk: Disk, lane: Lane, extent: Extent, lost: int, readable: _Readable, claimed: int) -> None:
    last = readable.last_gap(lane.identity, extent.last)
    first = max(extent.first, lane.acked + 1, claimed + 1)
    disk.lanes.thinned(lane, lost, last)
    times = extent.first_ns, extent.last_ns
    disk.count(Loss("damaged", lane.identity, lane.priority, lost, first, last, *times))


def _above(disk: Disk, lane: Lane, held: Content, claimed: int) -> int:
    """How many of a lane's messages in this content wait and are not in flight."""
    extent = held[lane.identity]
    in_flight = min(extent.last, claimed) - max(extent.first - 1, lane.acked)
    return disk.lanes.waiting(lane, extent) - max(0, in_flight)


def keep_bytes(disk: Disk, shelf: Shelf, made: Made) -> None:
    """The frames that could not be read, for people."""
    for bad in made.bad:
        directory.keep_damaged(disk.folder, f"p{shelf.priority}-{bad.number:012d}.frame", bad.head + bad.body)


async def _lanes(disk: Disk, segments: Sequence[Segment]) -> dict[str, Lane]:
    held: set[str] = set()
    for segment in segments:
        held |= set(await segment.read_content())
    return {identity: disk.lanes.lane(identity, segments[0].priority) for identity in held}


@asynccontextmanager
async def _holding(shelf: Shelf, segments: Sequence[Segment]) -> AsyncIterator[bool]:
    """Nobody reads from these meanwhile; whether they all are still there."""
    async with AsyncExitStack() as stack:
        for segment in segments:
            await stack.enter_async_context(segment.held)
        yield all(segment in shelf.segments and not segment.ended for segment in segments)


def _arrived(lanes: dict[str, Lane]) -> Callable[[str, int], bool]:
    """Whether a message was acknowledged, as it stands now: these lanes go on while others work with it."""
    spans = {identity: [(span.highest, span.acked) for span in lane.spans] for identity, lane in lanes.items()}

    def done(identity: str, sequence: int) -> bool:
        return any(sequence <= acked for highest, acked in spans.get(identity, ()) if sequence <= highest)

    return done


async def _rewritten(  # every option is said by name
    disk: Disk,
    shelf: Shelf,
    segments: Sequence[Segment],
    keep: Keep,
    lanes: dict[str, Lane],
    *,
    reason: str = "",
    thinned: int = 0,
    salvage: bool = False,
    limit_bytes: int | None = None,
) -> Made | None:
    """None where it could not be done; nothing is left of it then."""
    place = rewriting.next_place([segment.place for segment in segments], segments[-1].last)
    path = disk.folder / f"{place.name}{directory.NEW}"
    sources = [Source(segment.path, segment.first, segment.facts) for segment in segments]
    span_s, done = policy.span_limit_s(disk.settings.keep.get(shelf.priority)), _arrived(lanes)

    def work() -> Made:
        return rewriting.rewrite(
            sources,
            path,
            shelf.priority,
            done,
            keep,
            reason=reason,
            thinned=thinned,
            span_s=span_s,
            salvage=salvage,
            limit_bytes=limit_bytes,
        )

    try:
        # What is left out because it has arrived must be known to have arrived before the file without it counts.
        await disk.sync()
    except BufferTrouble as error:
        log.debug("buffer: %s is not rewritten now: %s", segments[0].path, error)
        return None
    try:
        return await asyncio.to_thread(work)
    except SegmentDamaged as error:
        log.error("buffer: %s", error)  # noqa: TRY400  # the operator has no use for the trace
        for segment in segments:
            segment.damaged |= segment.path == error.path
    except rewriting.NoGain:
        shelf.ratio = min(1.0, 2 * shelf.ratio)
    except (sqlite3.Error, OSError) as error:
        log.warning("buffer: %s cannot be rewritten: %s", segments[0].path, error)
    await asyncio.to_thread(directory.remove, path)
    return None


async def _swap(
    disk: Disk, shelf: Shelf, segments: Sequence[Segment], made: Made, then: Callable[[], None] = _nothing
) -> bool:
    """The new file takes its place on the shelf; what it was made of goes with the next sync."""
    place = rewriting.next_place([segment.place for segment in segments], segments[-1].last)
    path = disk.folder / place.name
    try:
        await asyncio.to_thread(directory.settle, made.path, path)
    except OSError as error:
        log.warning("buffer: %s cannot be written: %s", path, error)
        await asyncio.to_thread(directory.remove, made.path)
        return False
    then()
    new = disk.segment(path)
    new.facts, new.content = made.facts, made.content
    new.remaining = min(made.facts.messages, disk.waiting(new, made.content))
    new.measure()
    if new.facts.raw_bytes:
        shelf.ratio = min(1.0, max(0.02, new.size_bytes / new.facts.raw_bytes))
    shelf.replace(segments, new)
    for segment in segments:
        segment.ended = True
    disk.leave(segments, replaced=True)
    disk.sealed(new)
    return True
