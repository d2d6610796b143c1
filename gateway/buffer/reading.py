"""Reading lanes back from the disk: one task fills the windows of those who wait, sharing each frame it unpacks."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from gateway.buffer.disk import Disk
from gateway.buffer.frames import FrameDamaged, Head, Section, read_body, read_section
from gateway.buffer.lanes import OVERHEAD_BYTES, Lane, Lanes
from gateway.buffer.losses import Loss
from gateway.buffer.segments import Segment

log = logging.getLogger("fieldgate")

_HEADS = 16
"""Heads per round: unpacking the directories of 16 full frames holds up the event loop for some 20 ms at worst."""
_RAW_BYTES = 2_000_000
"""Unpacked bodies per round."""
_THREAD_FROM_BYTES = 65_536
_OPEN_SEGMENTS = 4
"""Sealed segments whose connection is kept, each with its thread."""
_AGAIN_S = 1.0


class Reader:
    """The task and the lanes that want something from it."""

    def __init__(self, disk: Disk, lanes: Lanes, stir: Callable[[str], None]) -> None:
        self._disk = disk
        self._lanes = lanes
        self._stir = stir
        """Called with the identity whose lane has changed."""
        self._wanted: OrderedDict[str, Lane] = OrderedDict()
        self._something = asyncio.Event()
        self._open: OrderedDict[int, Segment] = OrderedDict()
        self._closing = False
        self._failing = ""

    def want(self, lane: Lane) -> None:
        """Read this lane's next messages back, after those who asked before."""
        self._wanted[lane.identity] = lane
        self._something.set()

    def stop(self) -> None:
        """Let ``run`` return after the read under way."""
        self._closing = True
        self._something.set()

    async def run(self) -> None:
        """Serve until ``stop``."""
        while not self._closing:
            if not self._wanted:
                self._something.clear()
                await self._something.wait()
                continue
            identity, lane = self._wanted.popitem(last=False)
            try:
                await self.load(lane)
            except (sqlite3.Error, OSError) as error:
                await self._failed(lane, error)
            else:
                self._healed()
            self._stir(identity)

    async def _failed(self, lane: Lane, error: Exception) -> None:
        if not self._failing:
            log.warning("buffer: the disk does not give back what was stored (%s); trying again", error)
        self._failing = str(error)
        self._wanted[lane.identity] = lane
        await asyncio.sleep(0 if self._closing else _AGAIN_S)

    def _healed(self) -> None:
        if self._failing:
            log.info("buffer: the disk gives back again what was stored (was: %s)", self._failing)
        self._failing = ""

    async def load(self, lane: Lane) -> None:
        """Read back until the lane has its share, or all there is. Raises sqlite3.Error or OSError."""
        share = self._lanes.share_bytes()
        while lane.behind and lane.window_bytes < share and not self._closing:
            segment = self._disk.holding(lane.position)
            if segment is None:
                lane.loaded = lane.highest
                self._reckon(lane)
            elif not segment.path.exists():
                log.error("buffer: %s is gone: somebody removed it", segment.path)
                await self._disk.forget(segment)
            elif await self._starts_here(lane, segment):
                await self._keep_open(segment)
                await self._round(lane, segment, share)

    def _reckon(self, lane: Lane) -> None:
        """All that can be read is in the window: what should be there as well is lost."""
        missing = lane.waiting - len(lane.window)
        if lane.behind or missing <= 0:
            return
        at_ns = lane.oldest_ns or 0
        self._lanes.lost(lane, lane.highest, missing, lane.position)
        self._disk.done_with(lane, {})
        self._disk.count(Loss("damaged", lane.identity, missing, lane.acked + 1, lane.highest, at_ns, at_ns))
        log.error("buffer: %d messages of %s could not be read any more", missing, lane.identity)

    async def _starts_here(self, lane: Lane, segment: Segment) -> bool:
        """Whether to read on in this segment; on entering one, its content tells from where, or not at all."""
        if lane.position > segment.first:
            return True
        position, loaded, last = lane.position, lane.loaded, segment.last
        extent = (await segment.read_content()).get(lane.identity)
        if (position, loaded) != (lane.position, lane.loaded):
            return False
        here = extent is not None and extent.last > lane.loaded
        lane.position = extent.frame if extent and here else last + 1
        return here

    async def _keep_open(self, segment: Segment) -> None:
        if segment is self._disk.writing:
            return
        self._open[segment.first] = segment
        self._open.move_to_end(segment.first)
        while len(self._open) > _OPEN_SEGMENTS:
            _, oldest = self._open.popitem(last=False)
            if oldest is not self._disk.writing:
                await oldest.close()

    async def _round(self, lane: Lane, segment: Segment, share: int) -> None:
        """Some frames: their heads, then the bodies of those that have something for this lane."""
        position, loaded = lane.position, lane.loaded
        scan = await segment.heads(position, _HEADS)
        heads = [found.head for found in scan.found if found.head is not None]
        chosen = _choose(heads, lane.identity, loaded, share - lane.window_bytes)
        bodies = await segment.bodies([head.number for head, _ in chosen]) if chosen else {}
        raws = [(head, section, await _unpack(head, bodies)) for head, section in chosen]
        if (position, loaded) != (lane.position, lane.loaded):
            return  # dropped or pushed out of the window meanwhile: what was read does not follow any more
        for head, section, raw in raws:
            if raw is None:
                self._damaged(lane, segment, head, section)
            else:
                self._hand_out(lane, head, section, raw)
        if len(chosen) == sum(_has(head, lane.identity, loaded) for head in heads):
            lane.position = max(lane.position, scan.following)

    def _hand_out(self, lane: Lane, head: Head, section: Section, raw: bytes) -> None:
        """Into the window of this lane, and of every other that would come for the very same frame next."""
        self._lanes.make_room(lane, section.size + section.messages * OVERHEAD_BYTES)
        self._lanes.read_back(lane, head.number, list(read_section(raw, section)))
        self._reckon(lane)
        for other in head.sections:
            held = self._lanes.lane(other.identity)
            if held is not lane and self._lanes.wants(held, head.number, other.first, other.last):
                self._lanes.read_back(held, head.number, list(read_section(raw, other)))
                self._reckon(held)
                self._stir(other.identity)

    def _damaged(self, lane: Lane, segment: Segment, head: Head, section: Section) -> None:
        """The body is not what was written: this lane goes on after it."""
        if not segment.damaged:
            log.error("buffer: %s: a damaged frame is passed over", segment.path)
        segment.damaged = True
        first = max(section.first, lane.loaded + 1)
        count = section.last - first + 1
        self._lanes.lost(lane, section.last, count, head.number)
        self._disk.done_with(lane, {head.number: count})
        times = section.first_ns, section.last_ns
        self._disk.count(Loss("damaged", lane.identity, count, first, section.last, *times))


def _has(head: Head, identity: str, loaded: int) -> bool:
    return any(section.identity == identity and section.last > loaded for section in head.sections)


def _choose(heads: Sequence[Head], identity: str, loaded: int, wanted: int) -> list[tuple[Head, Section]]:
    """The frames to unpack for this lane: at least one if there is one, then until it has what it wants."""
    chosen: list[tuple[Head, Section]] = []
    size = raw = 0
    for head in heads:
        section = next((part for part in head.sections if part.identity == identity and part.last > loaded), None)
        if section is None:
            continue
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
