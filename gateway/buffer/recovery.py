"""Opening the directory as a crash, a copy or a fault of the disk may have left it; it never refuses for damage.

What sealed segments hold stands in ``meta.db``: opening reads none of them. Read are those that ``meta.db`` does not
know (the one that was written last, one that was just rewritten, those of schema 1) or knows otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.buffer import content, directory, policy, rewriting, wal
from gateway.buffer.clock import BufferClock, Clocks
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content
from gateway.buffer.disk import Disk
from gateway.buffer.frames import FrameDamaged, read_head
from gateway.buffer.lane import restore
from gateway.buffer.losses import Damage
from gateway.buffer.meta import Sealed, another, open_meta
from gateway.buffer.port import BufferSettings, BufferTrouble, Loss
from gateway.buffer.segments import Place, Segment, place
from gateway.buffer.sources import Bad, Source
from gateway.model import Priority

log = logging.getLogger("fieldgate")

_CELLS = slice(3, 5)
"""Of a page of a table: how many rows are in it."""


async def open_disk(
    folder: Path,
    settings: BufferSettings,
    clocks: Clocks,
    random32: Callable[[], int] = lambda: secrets.randbits(32),
) -> Disk:
    """All that can be read is in its place. Raises BufferFull or BufferUnavailable where the disk does not let it."""
    sizes = policy.sizes(settings.quota_bytes)
    try:
        await asyncio.to_thread(directory.make, folder)
        # The ballast's bytes may be just what opening needs; it is taken again when all is open.
        await asyncio.to_thread(directory.drop_ballast, folder)
        meta = await open_meta(folder, clocks, random32)
    except (sqlite3.Error, OSError) as error:
        raise directory.translated(error, folder) from error
    disk = Disk(folder, settings, sizes, meta, BufferClock(clocks, meta.saved.clock))
    try:
        await _Opening(disk).run()
    except (sqlite3.Error, OSError) as error:
        await disk.abandon()
        raise directory.translated(error, folder) from error
    except BaseException:
        await disk.abandon()
        raise
    return disk


class _Opening:
    """One opening."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._known: dict[Place, Sealed] = {one.place: one for one in disk.saved.sealed}
        self._newest: dict[Priority, Place] = {}
        self._mark = disk.folder / directory.UNSYNCED
        self._doubtful = self._mark.exists()
        """Something that cannot be read may hold sequences above the highest that is known."""

    async def run(self) -> None:
        """Raises sqlite3.Error or OSError."""
        disk = self._disk
        saved = disk.saved
        disk.losses.restore(saved.losses, saved.untold, saved.damage)
        for cursor in saved.cursors:
            restore(disk.lanes.lane(cursor.identity, cursor.priority), cursor)
        found = {one: path for path in disk.folder.glob("p*.db") if (one := place(path)) is not None}
        leftovers = {one for one in found if any(other.replaces(one) for other in found)}
        self._newest = {one.priority: one for one in sorted(found)}
        for one in sorted(found):
            if one not in leftovers:
                await self._take_in(one, found[one])
        self._leave(leftovers, found)
        self._miss(found)
        disk.lanes.taken_in()
        self._touch_what_grew()
        for priority, shelf in disk.shelves.items():
            last = max((segment.last for segment in shelf.segments), default=0)
            # A name is never used twice, not even that of a segment without a frame: it may still be about to go.
            named = max((one.first for one in found if one.priority is priority), default=0)
            shelf.next_frame = max(saved.frames[priority], last, named) + 1
        if self._doubtful:
            # Never the same id twice.
            disk.epoch = another(disk.epoch)
            disk.touch()
        await self._settle()

    def _touch_what_grew(self) -> None:
        """What only a segment knows is to stand in ``meta.db`` before messages of it can be thinned out or dropped."""
        known = {(one.identity, one.priority): one.highest for one in self._disk.saved.cursors}
        lanes = self._disk.lanes
        self._disk.touch([lane for lane in lanes if lane.highest > known.get((lane.identity, lane.priority), 0)])

    async def _settle(self) -> None:
        disk = self._disk
        disk.touch_clock()
        disk.limit_quota()
        try:
            await disk.tidy()
            if self._doubtful:
                directory.remove(self._mark)
            if not await disk.take_ballast():
                log.warning("buffer: %s: the disk is nearly full: no room for the ballast", disk.folder)
        except BufferTrouble as error:
            log.warning("buffer: %s cannot be written yet: %s", disk.folder, error)

    async def _take_in(self, one: Place, path: Path) -> None:
        disk = self._disk
        segment = disk.segment(path)
        known = self._known.get(one)
        held = self._remembered(segment, known) if known else None
        if held is None and one.generation:
            held = await self._told_by_itself(segment)
        if held is None:
            opened = await self._read(segment)
            if opened is None:
                return
            segment, held = opened
        if not segment.facts.frames:
            disk.leave([segment])
            return
        shelf = disk.shelves[one.priority]
        shelf.add(segment)
        segment.remaining = disk.lanes.take_in_all(one.priority, await disk.trimmed(segment, held))

    def _remembered(self, segment: Segment, known: Sealed) -> Content | None:
        """What ``meta.db`` says of it; None if it does not look like that any more."""
        held = self._remembered_content(known)
        if held is None:
            return None
        # If all of it was acknowledged, it went when the power went, and perhaps not with all of its files.
        size = segment.measure()
        if size > known.size_bytes or (size < known.size_bytes and self._disk.waiting(segment, held)):
            return None
        segment.facts, segment.sealed_facts = known.facts, True
        return held

    async def _told_by_itself(self, segment: Segment) -> Content | None:
        """A rewritten file that ``meta.db`` does not know: the process ended just after it was made."""
        about = await asyncio.to_thread(rewriting.read_about, segment.path, segment.priority)
        if about is None:
            return None
        segment.facts = about.facts
        if segment.place not in self._known:
            for loss in about.losses:
                self._disk.count(loss)
        segment.content = about.content
        segment.measure()
        self._disk.sealed(segment)
        return about.content

    async def _read(self, segment: Segment) -> tuple[Segment, Content] | None:
        """Look into it; what is damaged is salvaged into a new file. None where nothing of it can be read."""
        known = self._known.get(segment.place)
        state = await asyncio.to_thread(_state_of_log, segment.path)
        if not state.pages and known is None and await asyncio.to_thread(_is_new, segment.path):
            return segment, {}  # the power went while it was made: nothing was ever committed
        # A torn end without a restart of the machine was no power cut: the page had been written.
        if state.broken or (state.torn and self._disk.clock.same_boot):
            return await self._salvage(segment, known)
        try:
            held = await segment.scan(known.facts.last if known else None)
        except sqlite3.Error as error:
            if not directory.damaged(error):
                raise
            segment.damaged = True
        await segment.close()
        fewer = known is not None and segment.facts.frames < known.facts.frames
        if fewer or segment.last < self._accepted_at_least(segment, known) or segment.damaged:
            return await self._salvage(segment, known)
        segment.measure()
        now = int(self._disk.clock.seconds())
        if segment.facts.born_last == 0:
            segment.facts = segment.facts._replace(born_first=now, born_last=now)  # of schema 1: it ages from now on
        segment.content = held
        if segment.facts.frames:
            self._disk.sealed(segment)
        return segment, held

    async def _salvage(self, segment: Segment, known: Sealed | None) -> tuple[Segment, Content] | None:
        disk = self._disk
        made = segment.path.with_name(f"{segment.path.name}{directory.NEW}")
        facts = known.facts if known else segment.facts._replace(last=self._accepted_at_least(segment, known))
        source = Source(segment.path, segment.first, facts, known is not None, disk.clock.same_boot)

        def work() -> rewriting.Made:
            priority, everything = segment.priority, rewriting.everything
            return rewriting.rewrite([source], made, priority, _never, everything, thinned=facts.thinned, salvage=True)

        try:
            result = await asyncio.to_thread(work)
        except sqlite3.Error as error:
            directory.remove(made)
            if not directory.damaged(error):
                raise
            await self._set_aside(segment, known, str(error))  # not even a page of it: only its file is kept
            return None
        self._doubtful |= known is None
        self._tell(segment, result.bad, result.content, known)
        for bad in result.bad:
            name = f"p{segment.priority}-{bad.number:012d}.frame"
            await asyncio.to_thread(directory.keep_damaged, disk.folder, name, bad.head + bad.body)
        if not result.facts.frames:
            directory.remove(made)
            await self._aside(segment)
            return None
        new = disk.segment(disk.folder / rewriting.next_place([segment.place], result.facts.last).name)
        await asyncio.to_thread(directory.settle, made, new.path)
        await self._aside(segment)
        new.facts, new.content = result.facts, result.content
        new.measure()
        disk.sealed(new)
        return new, result.content

    def _accepted_at_least(self, segment: Segment, known: Sealed | None) -> int:
        """Up to which frame it was written: ``meta.db`` speaks only of what was on the disk before."""
        newest = known is None and segment.place == self._newest[segment.priority]
        return self._disk.saved.written[segment.priority] if newest else segment.first - 1

    async def _aside(self, segment: Segment) -> None:
        self._disk.unlist(segment.place)
        aside = await asyncio.to_thread(directory.set_aside, segment.path, self._disk.clock.clocks.wall_ns())
        log.error("buffer: %s is damaged: what can be read of it is kept in use, the file as %s", segment.path, aside)

    async def _set_aside(self, segment: Segment, known: Sealed | None, why: str) -> None:
        log.error("buffer: nothing in %s can be read (%s)", segment.path, why)
        await self._aside(segment)
        self._doubtful |= known is None
        if known is not None:
            self._tell(segment, [], {}, known)
        else:
            key = Damage(segment.priority, segment.first, "")
            self._disk.count(Loss("damaged", "", segment.priority, 1, segment.first, segment.first, 0, 0), key)

    def _tell(self, segment: Segment, bad: list[Bad], kept: Mapping[str, content.Extent], known: Sealed | None) -> None:
        """Count what is lost, by identity where that is known."""
        held = self._remembered_content(known)
        if held is None:
            for frame in bad:
                self._tell_frame(segment, frame)
            return
        lanes = self._disk.lanes
        for identity, extent in held.items():
            lane = lanes.lane(identity, segment.priority)
            left = kept.get(identity)
            lost = lanes.waiting(lane, extent) - (lanes.waiting(lane, left) if left else 0)
            if lost > 0:
                lane.highest = max(lane.highest, extent.last)
                first, times = max(extent.first, lane.acked + 1), (extent.first_ns, extent.last_ns)
                loss = Loss("damaged", identity, segment.priority, lost, first, extent.last, *times)
                last_bad = max((frame.number for frame in bad), default=segment.last)
                self._disk.count(loss, Damage(segment.priority, last_bad, identity))

    def _remembered_content(self, known: Sealed | None) -> Content | None:
        if known is None:
            return None
        try:
            return content.from_bytes(known.content)
        except TableDamaged:
            return None

    def _tell_frame(self, segment: Segment, frame: Bad) -> None:
        try:
            sections = read_head(frame.head).sections
        except FrameDamaged:
            loss = Loss("damaged", "", segment.priority, frame.messages, frame.number, frame.number, 0, 0)
            self._disk.count(loss, Damage(segment.priority, frame.number, ""))
            return
        for section in sections:
            lane = self._disk.lanes.lane(section.identity, segment.priority)
            lane.highest = max(lane.highest, section.last)
            lost = min(section.messages, section.last - lane.acked)
            span = max(section.first, lane.acked + 1), section.last, section.first_ns, section.last_ns
            loss = Loss("damaged", section.identity, segment.priority, lost, *span)
            self._disk.count(loss, Damage(segment.priority, frame.number, section.identity))

    def _leave(self, leftovers: set[Place], found: Mapping[Place, Path]) -> None:
        """What others were made of goes with the next sync."""
        for one in leftovers:
            segment = self._disk.segment(found[one])
            segment.measure()
            self._disk.leave([segment], replaced=True)

    def _miss(self, found: Mapping[Place, Path]) -> None:
        """Segments whose files are not there: they went when they were drained, or somebody has removed them."""
        lanes = self._disk.lanes
        for one, known in self._known.items():
            if one in found or any(other.replaces(one) for other in found):
                continue
            self._disk.unlist(one)
            # Under the mark one went before the cursors were written: all of it had arrived.
            drained = self._mark.exists()
            for identity, extent in (self._remembered_content(known) or {}).items():
                lane = lanes.lane(identity, one.priority)
                lane.highest = max(lane.highest, extent.last)
                lost = 0 if drained else lanes.waiting(lane, extent)
                if lost > 0:
                    log.error("buffer: %s is gone: somebody removed it (%d messages of %s)", one.name, lost, identity)
                    first, times = max(extent.first, lane.acked + 1), (extent.first_ns, extent.last_ns)
                    loss = Loss("damaged", identity, one.priority, lost, first, extent.last, *times)
                    self._disk.count(loss, Damage(one.priority, extent.frame, identity))


def _state_of_log(path: Path) -> wal.Log:
    if not directory.has_log(path):
        return wal.examine(b"", policy.PAGE_SIZE)
    size = wal.page_size(directory.read_all(path), policy.PAGE_SIZE)
    return wal.examine(directory.read_log(path), size, begun_anew=False)


def _is_new(path: Path) -> bool:
    """Whether a file that has no log holds nothing: somebody may have copied the log into it and removed it."""
    if path.stat().st_size > 2 * policy.LARGE_PAGE_SIZE:
        return False
    database = directory.read_all(path)
    size = wal.page_size(database, policy.PAGE_SIZE)
    table = database[size:]
    return not table or (len(table) <= size and table[_CELLS] == bytes(2))


def _never(identity: str, sequence: int) -> bool:
    del identity, sequence
    return False
