"""All of the buffer that lies on the disk: segments in order, cursors, ballast; what may be written and what must go.

One task commits (``store``) and one keeps house (``tidy``); both are the buffer's own and never cancelled. What they
change in memory they change between two awaits, after the disk has confirmed it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.buffer import content, directory, policy
from gateway.buffer.frames import Frame, encode
from gateway.buffer.lanes import Lane, Lanes
from gateway.buffer.losses import Episode, Loss, Losses
from gateway.buffer.meta import Cursor, Meta, another
from gateway.buffer.policy import OnFull, Sizes
from gateway.buffer.port import BufferFull, BufferTrouble
from gateway.buffer.segments import Segment, create
from gateway.model import Message, Stored

log = logging.getLogger("fieldgate")

_THREAD_FROM_BYTES = 65_536
"""Packing a frame takes 0.7 ms per 100 kB: from here on it does not hold up the event loop."""

Group = Sequence[Mapping[str, Sequence[Message]]]
"""What one commit stores: per frame, the messages by identity, in order."""


class Disk:
    """The open directory."""

    def __init__(self, folder: Path, sizes: Sizes, on_full: OnFull, meta: Meta, *, now_ns: Callable[[], int]) -> None:
        self.folder = folder
        self.sizes = sizes
        self.on_full = on_full
        self.lanes = Lanes()
        self.losses = Losses()
        self.segments: list[Segment] = []
        """By number; the last one may be the one that is written."""
        self.writing: Segment | None = None
        self.next_frame = 1
        self.epoch = meta.saved.epoch
        self.full = ""
        """``quota`` or ``disk`` since something was refused; empty again when something was stored."""
        self.saved = meta.saved
        self._meta = meta
        self._now_ns = now_ns
        self._dirty: set[str] = set()
        self._lost: set[tuple[str, str]] = set()
        self._doubtful: dict[str, int] = {}
        self._episode: Episode | None = None
        self._syncing = asyncio.Lock()
        self._tidying = asyncio.Lock()
        self._ballast_bytes = 0
        for loss in meta.saved.losses:
            self.losses.all[loss.reason, loss.identity] = loss

    # What lies there.

    def used_bytes(self) -> int:
        """Bytes on the disk that count against the quota: all but what was set aside."""
        written = self.writing.measure() if self.writing else 0
        sealed = sum(segment.size_bytes for segment in self.segments if segment is not self.writing)
        return sealed + written + directory.size(self._meta.path) + self._ballast_bytes

    def holding(self, frame: int) -> Segment | None:
        """The first segment that can have this frame or a later one."""
        start = max(0, bisect_right(self.segments, frame, key=lambda segment: segment.first) - 1)
        return next((segment for segment in self.segments[start:] if segment.last >= frame), None)

    def refuses(self) -> str:
        """Why nothing more can be stored now; empty while there is room."""
        least = policy.growth(0)
        if self.full == "quota" and policy.fits(self.sizes, self.used_bytes(), least, refusing=True):
            return ""
        return "" if self.full == "disk" and self._disk_has_room(least) else self.full

    def done_with(self, lane: Lane, frames: Mapping[int, int]) -> None:
        """So many messages of each of these frames were acknowledged."""
        self._dirty.add(lane.identity)
        for frame, count in frames.items():
            segment = self.holding(frame)
            # A frame whose segment has vanished is counted nowhere: the next segment's messages are not gone with it.
            if segment is not None and segment.first <= frame:
                segment.remaining -= count

    # Storing.

    async def store(self, group: Group) -> None:
        """One commit; on the disk when this returns. Raises BufferFull or BufferUnavailable: nothing was stored."""
        if self._doubtful:
            await self._leave_epoch()
        frames = await self._encode(group)
        coming = policy.growth(sum(len(frame.head) + len(frame.body) for frame in frames))
        await self._find_room(coming)
        try:
            segment = await self._write(frames, coming)
        except BufferFull:
            # Sealing and the policy may make room at once; where they do not, this raises.
            await self._disk_is_full()
            await self._find_room(coming)
            segment = await self._write_again(frames, coming)
        self.full = ""
        self._accepted(segment, frames, group)

    async def _write_again(self, frames: Sequence[Frame], coming: int) -> Segment:
        try:
            return await self._write(frames, coming)
        except BufferFull:
            await self._disk_is_full()
            raise

    async def _encode(self, group: Group) -> list[Frame]:
        frames: list[Frame] = []
        following = {
            identity: self.lanes.lane(identity).highest + 1 for by_identity in group for identity in by_identity
        }
        for number, by_identity in enumerate(group, self.next_frame):
            held = {identity: (following[identity], messages) for identity, messages in by_identity.items()}
            size = sum(len(message.body) for messages in by_identity.values() for message in messages)
            if size >= _THREAD_FROM_BYTES:
                frames.append(await asyncio.to_thread(encode, number, self.epoch, held))
            else:
                frames.append(encode(number, self.epoch, held))
            for identity, messages in by_identity.items():
                following[identity] += len(messages)
        return frames

    async def _write(self, frames: Sequence[Frame], coming: int) -> Segment:
        """Raises BufferFull where the disk is at its end, BufferUnavailable where it is out of order."""
        try:
            segment = await self._segment_for(frames[0].number, coming)
        except (sqlite3.Error, OSError) as error:
            raise directory.translated(error, self.folder) from error
        try:
            await segment.insert(frames)
        except sqlite3.Error as error:
            trouble = directory.translated(error, segment.path)
            # A full disk fails a write before the commit's own record is in the log; any other error may come after.
            if not isinstance(trouble, BufferFull):
                await self._doubt(frames)
            raise trouble from error
        return segment

    async def _segment_for(self, frame: int, coming: int) -> Segment:
        if self.writing is not None and self.writing.filled_bytes + coming > self.sizes.segment:
            await self.seal()
        if self.writing is None:
            self.writing = await create(self.folder, frame, self.sizes.wal_pages)
            self.segments.append(self.writing)
        return self.writing

    def _accepted(self, segment: Segment, frames: Sequence[Frame], group: Group) -> None:
        self.next_frame = frames[-1].number + 1
        for frame, by_identity in zip(frames, group, strict=True):
            segment.accepted(frame.number, frame.sections)
            for section in frame.sections:
                messages = by_identity[section.identity]
                stored = [
                    Stored(section.identity, section.epoch, sequence, *message[1:])
                    for sequence, message in enumerate(messages, section.first)
                ]
                self.lanes.stored(self.lanes.lane(section.identity), frame.number, stored)
                self._dirty.add(section.identity)
        segment.measure()

    async def _doubt(self, frames: Sequence[Frame]) -> None:
        """A commit failed in a way that leaves open whether it is in the log: its sequences are never used again."""
        for frame in frames:
            for section in frame.sections:
                self._doubtful[section.identity] = section.last
        self.next_frame = frames[-1].number + 1
        await self.seal()

    async def _leave_epoch(self) -> None:
        """What is in doubt may turn up when the directory is opened again: under the old epoch."""
        epoch, self.epoch = self.epoch, another(self.epoch)
        try:
            await self.sync()
        except BufferTrouble:
            self.epoch = epoch
            raise
        for identity, last in self._doubtful.items():
            self.lanes.pass_over(self.lanes.lane(identity), last)
        self._doubtful.clear()

    async def seal(self) -> None:
        """The segment that is written takes nothing more; one without a frame goes at once."""
        segment, self.writing = self.writing, None
        if segment is None:
            return
        try:
            await segment.seal()
        except sqlite3.Error as error:
            log.debug("buffer: %s keeps its log: %s", segment.path, error)
        if segment.last < segment.first:
            await self.forget(segment)

    # Room.

    async def _find_room(self, coming: int) -> None:
        """Raises BufferFull where the policy has nothing more to give."""
        if self.full == "disk":
            await self._disk_again(coming)
        while not self._fits(coming):
            await self.tidy()
            if not self._fits(coming) and not await self._drop_oldest():
                self.full = "quota"
                raise BufferFull("quota")

    def _fits(self, coming: int) -> bool:
        used = self.used_bytes()
        if self._episode is not None and policy.relieved(self.sizes, used):
            self.end_episode()
        return policy.fits(self.sizes, used, coming, refusing=self.full == "quota")

    async def _disk_again(self, coming: int) -> None:
        """The disk was full: see whether there is room by now, for the ballast first.

        Nothing is dropped for it, whatever the policy: others may have filled the disk, and what was accepted is not
        theirs to push out. Only the quota does that.
        """
        await self.tidy()
        if not self._disk_has_room(coming) or not await self.take_ballast():
            raise BufferFull("disk")
        self.full = ""

    def _disk_has_room(self, coming: int) -> bool:
        return policy.disk_has_room(self.sizes, directory.free_bytes(self.folder), coming)

    async def take_ballast(self) -> bool:
        """Hold back the bytes that draining will need when the disk is full; False where there are none."""
        held = await asyncio.to_thread(directory.take_ballast, self.folder, self.sizes.ballast)
        self._ballast_bytes = self.sizes.ballast if held else 0
        return held

    async def _disk_is_full(self) -> None:
        """Give the ballast to the cursors; the segment that was written is sealed, so that it can go when drained."""
        self.full = "disk"
        self._ballast_bytes = 0
        await asyncio.to_thread(directory.drop_ballast, self.folder)
        await self.seal()

    async def _drop_oldest(self) -> bool:
        """Give the oldest segment up; False where the policy or the stock forbids it."""
        sealed = [segment for segment in self.segments if segment is not self.writing]
        if not policy.may_drop(self.on_full, len(self.segments), len(sealed)):
            return False
        oldest = sealed[0]
        try:
            held = await oldest.read_content()
        except sqlite3.Error as error:
            raise directory.translated(error, oldest.path) from error
        for identity, extent in held.items():
            lane = self.lanes.lane(identity)
            count = content.waiting(extent, lane.acked)
            first = max(extent.first, lane.acked + 1)
            self.lanes.cut(lane, extent.last, count, oldest.last, extent.last_ns)
            self._dirty.add(identity)
            if count:
                self._drop(Loss("quota", identity, count, first, extent.last, extent.first_ns, extent.last_ns))
        oldest.remaining = 0
        await self.tidy()
        return True

    def _drop(self, loss: Loss) -> None:
        if self._episode is None:
            self._episode = Episode()
            log.warning(
                "buffer: the quota is used up: the oldest messages are dropped, as buffer: on_full: drop-oldest says "
                "(bring the upstream back, or give the buffer more room)"
            )
        self._episode.note(loss)
        self.count(loss)

    def end_episode(self) -> None:
        """Sum up in the log what was dropped, if anything was."""
        if self._episode is not None:
            log.warning("buffer: no more is dropped; it was %s", self._episode.summary())
            self._episode = None

    def count(self, loss: Loss) -> None:
        """Remember a loss, in memory now and in the file with the next sync."""
        if self.losses.add(loss):
            self._lost.add((loss.reason, loss.identity))

    def touch(self) -> None:
        """Every lane is written with the next sync."""
        self._dirty |= {lane.identity for lane in self.lanes}

    # Keeping house.

    async def sync(self) -> None:
        """Cursors, highest sequences and losses as they stand now are on the disk when this returns.

        Raises BufferFull or BufferUnavailable; what was not written is written the next time.
        """
        async with self._syncing:
            dirty, self._dirty = self._dirty, set()
            lost, self._lost = self._lost, set()
            touched = [self.lanes.lane(identity) for identity in dirty]
            cursors = [Cursor(lane.identity, lane.acked, lane.highest) for lane in touched]
            losses = [self.losses.all[key] for key in lost]
            try:
                await self._write_meta(cursors, losses)
            except BufferTrouble:
                self._dirty |= dirty
                self._lost |= lost
                raise

    async def _write_meta(self, cursors: Sequence[Cursor], losses: Sequence[Loss]) -> None:
        try:
            await self._meta.write(self.epoch, self.next_frame - 1, cursors, losses)
        except sqlite3.Error as error:
            trouble = directory.translated(error, self._meta.path)
            if not isinstance(trouble, BufferFull) or not self._ballast_bytes:
                raise trouble from error
        else:
            return
        self.full, self._ballast_bytes = "disk", 0
        await asyncio.to_thread(directory.drop_ballast, self.folder)
        await self._write_meta(cursors, losses)

    async def tidy(self) -> None:
        """Sync what is not synced, then unlink what is drained: in this order, or a sequence could be used twice."""
        async with self._tidying:
            for segment in list(self.segments):
                if segment.damaged and segment is not self.writing:
                    await self._recount(segment)
            drained = [part for part in self.segments if part is not self.writing and part.remaining <= 0]
            try:
                if self._dirty or self._lost or drained:
                    await self.sync()
            except BufferFull:
                await self._sacrifice([segment for segment in drained if not segment.damaged])
            for segment in drained:
                await self.forget(segment)

    async def _sacrifice(self, drained: Sequence[Segment]) -> None:
        """The disk has no byte for the cursors, and only unlinking would make one: a drained segment goes before them.

        Until they are written a mark lies there: whoever opens the directory with it begins a new epoch.
        """
        if not drained:
            raise BufferFull("disk")
        segment = drained[0]
        await segment.end()
        mark = await asyncio.to_thread(directory.sacrifice, segment.path)
        await self.sync()
        await asyncio.to_thread(directory.remove, mark)

    async def _recount(self, segment: Segment) -> None:
        """What a damaged segment holds is not what it was thought to hold: ask the cursors."""
        try:
            held = await segment.read_content()
        except sqlite3.Error as error:
            raise directory.translated(error, segment.path) from error
        acked = {identity: self.lanes.lane(identity).acked for identity in held}
        segment.remaining = sum(content.waiting(extent, acked[identity]) for identity, extent in held.items())

    async def forget(self, segment: Segment) -> None:
        """The segment is done with: unlinked, or set aside where it is damaged."""
        if segment in self.segments:
            self.segments.remove(segment)
        if segment is self.writing:
            self.writing = None
        await segment.end()
        if segment.damaged:
            aside = await asyncio.to_thread(directory.set_aside, segment.path, self._now_ns())
            log.error(
                "buffer: %s was damaged; what could be read is delivered, the file kept as %s", segment.path, aside
            )
        else:
            await asyncio.to_thread(directory.remove, segment.path)

    async def close(self) -> None:
        """Leave everything whole on the disk; every connection is closed, whatever the disk says."""
        try:
            self.end_episode()
            await self.seal()
            await self.tidy()
        except BufferTrouble as error:
            log.warning("buffer: closed without the last cursors (%s): duplicates after the next start", error)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Close every connection and write nothing."""
        for segment in self.segments:
            await segment.end()
        await self._meta.close()
