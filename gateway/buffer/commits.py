"""Storing: what has gathered becomes frames, one commit per class, each on the disk before it counts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Mapping, Sequence
from io import SEEK_END, BytesIO
from typing import TypeAlias

from gateway.buffer import directory, policy, upkeep
from gateway.buffer.disk import Disk
from gateway.buffer.frames import Frame, encode
from gateway.buffer.meta import another
from gateway.buffer.port import BufferFull, BufferTrouble
from gateway.buffer.segments import Segment, create
from gateway.buffer.shelf import Shelf
from gateway.model import Message, Priority

log = logging.getLogger("fieldgate")

_THREAD_FROM_BYTES = 524_288
"""Packing a frame takes 0.1 ms per 100 kB: from here on it does not hold up the event loop."""

_SCRATCH_BYTES = 4 * 1024 * 1024
"""Of memory that is kept for the next frame."""

Group: TypeAlias = Sequence[tuple[Priority, Mapping[str, Sequence[Message]]]]
"""What is stored at a time: per frame its class, and the messages by identity, in order."""


class Commits:
    """What writes to the disk; one ``store`` at a time."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._scratch = BytesIO()

    async def store(self, group: Group) -> dict[Priority, BufferTrouble]:
        """One commit per class, alarms first; what returns is on the disk, or its class with why nothing of it is."""
        failed: dict[Priority, BufferTrouble] = {}
        for priority in sorted({one for one, _ in group}):
            try:
                await self._store(priority, [held for one, held in group if one is priority])
            except BufferTrouble as error:
                failed[priority] = error
        return failed

    async def _store(self, priority: Priority, group: Sequence[Mapping[str, Sequence[Message]]]) -> None:
        shelf = self._disk.shelves[priority]
        if shelf.doubtful:
            await self._leave_epoch()
        frames = await self._encode(shelf, group)
        coming = policy.growth(sum(len(frame.head) + len(frame.body) for frame in frames), shelf.page_size)
        await self._find_room(shelf, coming)
        try:
            segment = await self._write(shelf, frames, coming)
        except BufferFull:
            # Sealing and the policy may make room at once; where they do not, this raises.
            await self._disk_is_full()
            await self._find_room(shelf, coming)
            segment = await self._write_again(shelf, frames, coming)
        shelf.refused = False
        self._accepted(segment, frames, group)

    async def _write_again(self, shelf: Shelf, frames: Sequence[Frame], coming: int) -> Segment:
        try:
            return await self._write(shelf, frames, coming)
        except BufferFull:
            await self._disk_is_full()
            raise

    async def _encode(self, shelf: Shelf, group: Sequence[Mapping[str, Sequence[Message]]]) -> list[Frame]:
        frames: list[Frame] = []
        epoch, born = self._disk.epoch, int(self._disk.clock.seconds())
        following: dict[str, int] = {}
        for number, by_identity in enumerate(group, shelf.next_frame):
            held = self._numbered(shelf.priority, by_identity, following)
            what = number, epoch, held, shelf.priority, born, self._scratch
            if sum([len(one.body) for messages in by_identity.values() for one in messages]) >= _THREAD_FROM_BYTES:
                frames.append(await asyncio.to_thread(encode, *what))
            else:
                frames.append(encode(*what))
        if self._scratch.seek(0, SEEK_END) > _SCRATCH_BYTES:
            self._scratch = BytesIO()
        return frames

    def _numbered(
        self, priority: Priority, by_identity: Mapping[str, Sequence[Message]], following: dict[str, int]
    ) -> dict[str, tuple[int, Sequence[Message]]]:
        """With the sequence of the first of each identity; ``following``: the one after those in frames before this."""
        lane = self._disk.lanes.lane
        held: dict[str, tuple[int, Sequence[Message]]] = {}
        for identity, messages in by_identity.items():
            first = following.get(identity) or lane(identity, priority).highest + 1
            held[identity] = first, messages
            following[identity] = first + len(messages)
        return held

    async def _write(self, shelf: Shelf, frames: Sequence[Frame], coming: int) -> Segment:
        """Raises BufferFull where the disk is at its end, BufferUnavailable where it is out of order."""
        try:
            segment = await self._segment_for(shelf, frames[0], coming)
        except (sqlite3.Error, OSError) as error:
            raise directory.translated(error, self._disk.folder) from error
        began = time.perf_counter()
        try:
            await segment.insert(frames)
        except sqlite3.Error as error:
            trouble = directory.translated(error, segment.path)
            # A full disk fails a write before the commit's own record is in the log; any other error may come after.
            if not isinstance(trouble, BufferFull):
                await self._doubt(shelf, frames)
            raise trouble from error
        self._disk.syncs.note(time.perf_counter() - began)
        return segment

    async def _segment_for(self, shelf: Shelf, frame: Frame, coming: int) -> Segment:
        writing = shelf.writing
        if writing is not None and (writing.size_bytes + coming > self._disk.sizes.segment or self._too_old(writing)):
            await self._disk.seal(shelf)
        if shelf.writing is None:
            shelf.writing = await create(shelf.folder, shelf.priority, frame.number, shelf.page_size)
            shelf.add(shelf.writing)
        return shelf.writing

    def _too_old(self, segment: Segment) -> bool:
        """Whether what comes now would outlive what is in the segment by much."""
        limit_s = policy.span_limit_s(self._disk.settings.keep.get(segment.priority))
        born = segment.facts.born_first if segment.facts.frames else None
        return limit_s is not None and born is not None and self._disk.clock.seconds() - born > limit_s

    def _accepted(
        self, segment: Segment, frames: Sequence[Frame], group: Sequence[Mapping[str, Sequence[Message]]]
    ) -> None:
        disk = self._disk
        shelf = disk.shelves[segment.priority]
        shelf.next_frame = frames[-1].number + 1
        for frame, by_identity in zip(frames, group, strict=True):
            segment.accepted(frame)
            disk.lanes.committed(segment.priority, frame.number, frame.sections, by_identity)
            disk.touched(segment.priority, by_identity)
        segment.measure()

    async def _doubt(self, shelf: Shelf, frames: Sequence[Frame]) -> None:
        """A commit failed in a way that leaves open whether it is in the log: its sequences are never used again."""
        for frame in frames:
            for section in frame.sections:
                shelf.doubtful[section.identity] = section.last
        shelf.next_frame = frames[-1].number + 1
        await self._disk.seal_in_doubt(shelf)

    async def _leave_epoch(self) -> None:
        """What is in doubt may turn up when the directory is opened again: under the old epoch."""
        disk = self._disk
        epoch, disk.epoch = disk.epoch, another(disk.epoch)
        try:
            await disk.sync()
        except BufferTrouble:
            disk.epoch = epoch
            raise
        for shelf in disk.shelves.values():
            for identity, last in shelf.doubtful.items():
                disk.lanes.pass_over(disk.lanes.lane(identity, shelf.priority), last)
            shelf.doubtful.clear()

    # Room.

    async def _find_room(self, shelf: Shelf, coming: int) -> None:
        """Raises BufferFull where the policy has nothing more to give."""
        disk = self._disk
        if disk.disk_full and shelf.priority is not Priority.ALARM:
            await self._disk_again(coming)
        while not self._fits(shelf, coming):
            await disk.tidy()
            if self._fits(shelf, coming):
                break
            if not await upkeep.give_way(disk, shelf.priority):
                shelf.refused = True
                raise BufferFull(disk.limit)
        # What shall stay free is the alarms' too: they may take it.
        short = disk.settings.min_free_bytes and shelf.priority is not Priority.ALARM
        if short and directory.free_bytes(disk.folder) - coming < disk.settings.min_free_bytes:
            disk.disk_full = True
            raise BufferFull("disk")

    def _fits(self, shelf: Shelf, coming: int) -> bool:
        disk = self._disk
        if disk.episode is not None and policy.relieved(disk.sizes, disk.used_bytes()):
            disk.end_episode()
        return disk.fits(coming, shelf.priority, refusing=shelf.refused)

    async def _disk_again(self, coming: int) -> None:
        """The disk was full: see whether there is room by now, for the ballast first.

        Nothing is dropped for it, whatever the policy: others may have filled the disk, and what was accepted is not
        theirs to push out. Only the quota does that.
        """
        disk = self._disk
        await disk.tidy()
        if not disk.disk_has_room(coming) or not await disk.take_ballast():
            raise BufferFull("disk")
        disk.disk_full = False

    async def _disk_is_full(self) -> None:
        """Give the ballast to the cursors; what was written is sealed, so that it can go when it is drained."""
        await self._disk.drop_ballast()
        for shelf in self._disk.shelves.values():
            await self._disk.seal(shelf)
