"""All of the buffer that lies on the disk: segments in order, cursors, ballast; what is synced and what is unlinked.

What is changed in memory is changed between two awaits, after the disk has confirmed it. ``commits`` stores, ``upkeep``
gives way and rewrites; both are run by tasks of the buffer that are never cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.buffer import content, directory, policy, rewriting
from gateway.buffer.clock import BufferClock
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content, Extent
from gateway.buffer.lane import Lane
from gateway.buffer.lanes import Lanes
from gateway.buffer.losses import Damage, Episode, Losses
from gateway.buffer.meta import Changes, Meta, Sealed
from gateway.buffer.policy import Sizes
from gateway.buffer.port import BufferFull, BufferSettings, BufferTrouble, Loss
from gateway.buffer.rates import Durations
from gateway.buffer.segments import Place, Segment
from gateway.buffer.shelf import Shelf
from gateway.model import Priority

log = logging.getLogger("fieldgate")

_GIVEN_UP = {
    "quota": "the quota is used up: the oldest messages are dropped, as buffer: on_full says",
    "thinned": "the quota is used up: of old messages only some are kept, as buffer: on_full: thin says",
    "expired": "messages have become older than buffer: keep lets them, and are dropped",
}


class Disk:
    """The open directory."""

    def __init__(self, folder: Path, settings: BufferSettings, sizes: Sizes, meta: Meta, clock: BufferClock) -> None:
        self.folder = folder
        self.settings = settings
        self.sizes = sizes
        """As they follow from what the disk can give of the quota."""
        self.clock = clock
        self.lanes = Lanes()
        self.losses = Losses()
        self.shelves = {priority: Shelf(folder, priority) for priority in Priority}
        self.epoch = meta.saved.epoch
        self.saved = meta.saved
        self.disk_full = False
        """The disk had no room for something, or less than what shall stay free; until there is room again."""
        self.syncs = Durations()
        """Of commits: from the insert to its return."""
        self.episode: Episode | None = None
        self._meta = meta
        self._dirty: set[tuple[str, Priority]] = set()
        self._sealed: dict[Place, Segment] = {}
        self._gone: list[Segment] = []
        self._unlisted: list[Place] = []
        self._failing_to_unlink = ""
        self._clock_due = False
        self._syncing = asyncio.Lock()
        self._tidying = asyncio.Lock()
        self._ballast_bytes = 0
        self.shaping = asyncio.Lock()
        """Held by who drops or rewrites segments."""

    # What lies there.

    def used_bytes(self) -> int:
        """Bytes on the disk that count against the quota: all but what was set aside."""
        held = sum(shelf.used_bytes() for shelf in self.shelves.values())
        going = sum(segment.size_bytes for segment in self._gone)
        return held + going + directory.size(self._meta.path) + self._ballast_bytes

    def class_bytes(self, priority: Priority) -> int:
        """Those of one class."""
        return self.shelves[priority].used_bytes()

    def holding(self, priority: Priority, frame: int) -> Segment | None:
        """The first segment of this class that can have this frame or a later one."""
        return self.shelves[priority].holding(frame)

    def refuses(self, priority: Priority) -> str:
        """Why nothing more of this class can be stored now: ``quota`` or ``disk``; empty while there is room."""
        least = policy.growth(0)
        if self.disk_full and priority is not Priority.ALARM and not self.disk_has_room(least):
            return "disk"
        if not self.shelves[priority].refused or self.fits(least, priority, refusing=True):
            return ""
        return self.limit

    def fits(self, coming: int, priority: Priority, *, refusing: bool) -> bool:
        """Whether a commit of so many bytes stays within the quota."""
        self.lift_quota()
        return policy.fits(self.sizes, self.used_bytes(), coming, priority, refusing=refusing)

    def done_with(self, lane: Lane, frames: Mapping[int, int]) -> None:
        """So many messages of each of these frames were acknowledged."""
        self._dirty.add((lane.identity, lane.priority))
        for frame, count in frames.items():
            segment = self.holding(lane.priority, frame)
            # A frame whose segment has vanished is counted nowhere: the next segment's messages are not gone with it.
            if segment is not None and segment.first <= frame:
                segment.remaining -= count

    def touch(self, lanes: Iterable[Lane] | None = None) -> None:
        """These lanes, or all, are written with the next sync."""
        self._dirty |= {(lane.identity, lane.priority) for lane in (self.lanes if lanes is None else lanes)}

    def touched(self, priority: Priority, identities: Iterable[str]) -> None:
        """The lanes of these are written with the next sync."""
        self._dirty.update([(identity, priority) for identity in identities])

    def count(self, loss: Loss, damage: Damage | None = None) -> None:
        """Remember a loss, in memory now and in the file with the next sync; damage that was counted before is not."""
        self.losses.add(loss, damage)

    def give_up(self, loss: Loss) -> None:
        """The policy gave these up: counted, said in the log when it begins and summed up when it ends."""
        if self.episode is None:
            self.episode = Episode()
            log.warning("buffer: %s (bring the upstream back, or give the buffer more room)", _GIVEN_UP[loss.reason])
        self.episode.note(loss)
        self.count(loss)

    def touch_clock(self) -> None:
        """The clock is written with the next sync, if nothing else is."""
        self._clock_due = True

    def end_episode(self) -> None:
        """Sum up in the log what was dropped, if anything was."""
        if self.episode is not None:
            log.warning("buffer: no more is dropped; it was %s", self.episode.summary())
            self.episode = None

    # Room on the disk.

    def settle(self, settings: BufferSettings) -> None:
        """Work with other settings from now on. The ballast keeps its size until it is taken anew."""
        self.settings = settings
        self.limit_quota()

    def limit_quota(self) -> None:
        """A quota that is larger than the disk would never come to its end before the disk does."""
        self._set_quota(self._can_give())
        if self.limit == "disk":
            log.warning(
                "buffer: %s: the disk has only %d MB for a quota of %d MB: that is what counts",
                self.folder,
                self.sizes.quota // 1_000_000,
                self.settings.quota_bytes // 1_000_000,
            )

    def lift_quota(self) -> None:
        """The disk may give more by now. Others that fill it do not lessen the quota: nothing is dropped for them."""
        if self.limit == "disk":
            self._set_quota(max(self.sizes.quota, self._can_give()))

    def _set_quota(self, can_give: int) -> None:
        self.sizes = policy.sizes(max(policy.QUOTA_MINIMUM, min(self.settings.quota_bytes, can_give)))

    def _can_give(self) -> int:
        free = directory.free_bytes(self.folder) - self.settings.min_free_bytes
        return self.used_bytes() + max(0, free)

    @property
    def limit(self) -> str:
        """What is at its end when the quota is."""
        return "quota" if self.sizes.quota == self.settings.quota_bytes else "disk"

    def disk_has_room(self, coming: int) -> bool:
        """Whether a disk that was full has room for the ballast, what shall stay free, and so much more."""
        free = directory.free_bytes(self.folder) - self.settings.min_free_bytes
        return policy.disk_has_room(self.sizes, free, coming)

    async def take_ballast(self) -> bool:
        """Hold back the bytes that draining will need when the disk is full; False where there are none."""
        held = await asyncio.to_thread(directory.take_ballast, self.folder, self.sizes.ballast)
        self._ballast_bytes = self.sizes.ballast if held else 0
        return held

    async def drop_ballast(self) -> None:
        """The disk is full: give it to whoever writes next, which is the cursors."""
        self.disk_full = True
        self._ballast_bytes = 0
        await asyncio.to_thread(directory.drop_ballast, self.folder)

    # Segments.

    def segment(self, path: Path) -> Segment:
        """One that lies there sealed."""
        return Segment(path, self._load)

    async def _load(self, segment: Segment) -> Content:
        try:
            return content.from_bytes(await self._meta.read_content(segment.place))
        except TableDamaged:
            log.warning("buffer: %s: what it holds is not known any more and is read from it", segment.path)
        if segment.place.generation:
            about = await asyncio.to_thread(rewriting.read_about, segment.path, segment.priority)
            if about is not None:
                return about.content
        return await self.segment(segment.path).scan()

    async def seal(self, shelf: Shelf) -> None:
        """The segment that is written takes nothing more; one without a frame goes at once. Nothing is copied."""
        segment = await self._closed(shelf)
        if segment is None:
            return
        if segment.last < segment.first:
            shelf.next_frame = max(shelf.next_frame, segment.first + 1)  # no name is used twice
            await self.forget(segment)
            return
        shelf.page_size = policy.page_size(segment.size_bytes / segment.facts.frames)
        self.sealed(segment)

    async def seal_in_doubt(self, shelf: Shelf) -> None:
        """Seal it where its last commit may be in the log or not: it is known, before anything follows, without it."""
        segment = await self._closed(shelf)
        if segment is not None:
            segment.doubtful = True
            self.sealed(segment)

    async def _closed(self, shelf: Shelf) -> Segment | None:
        """What was written on this shelf, not open any more; None if nothing was."""
        segment, shelf.writing = shelf.writing, None
        if segment is not None:
            await segment.close()
            segment.measure()
            shelf.resized()
        return segment

    def sealed(self, segment: Segment) -> None:
        """What it holds is written with the next sync."""
        segment.load_with(self._load)
        self._sealed[segment.place] = segment

    async def trimmed(self, segment: Segment, held: Content) -> Content:
        """The content, where the sequences of what waits have holes with the number that really waits."""
        holed = [one for one, (first, last, messages, *_) in held.items() if messages <= last - first]
        acked = {identity: self.lanes.lane(identity, segment.priority).acked for identity in holed}
        partly = {identity: at for identity, at in acked.items() if held[identity].first <= at < held[identity].last}
        if not partly:
            return held
        counted = await asyncio.to_thread(rewriting.count_after, segment.path, partly)
        return held | {
            identity: held[identity]._replace(first=at + 1, messages=counted[identity])
            for identity, at in partly.items()
        }

    def unlist(self, one: Place) -> None:
        """Its file is gone; so is what stands about it, with the next sync."""
        self._unlisted.append(one)

    def written_down(self, segment: Segment) -> bool:
        """Whether it may go: what was rewritten or is in doubt has to be known first, should it come back."""
        return segment.place not in self._sealed or not (segment.place.generation or segment.doubtful)

    def waiting(self, segment: Segment, held: Mapping[str, Extent]) -> int:
        """How many messages of this content are not acknowledged."""
        lanes = self.lanes
        return sum(lanes.waiting(lanes.lane(identity, segment.priority), one) for identity, one in held.items())

    def leave(self, segments: Iterable[Segment], *, replaced: bool = False) -> None:
        """These are not on their shelves any more: they go when the next sync has succeeded."""
        for segment in segments:
            shelf = self.shelves[segment.priority]
            shelf.remove(segment)
            self._sealed.pop(segment.place, None)
            if replaced:
                # What stands about it goes in the transaction that lists what took its place, before its file does: a
                # row without a file would count as messages that somebody has taken away.
                self._unlisted.append(segment.place)
            self._gone.append(segment)

    # Keeping house.

    @property
    def changed(self) -> bool:
        """Whether something waits to be synced."""
        return bool(self._dirty or self._sealed or self.losses.changed or self._gone or self._clock_due)

    async def sync(self) -> None:
        """Cursors, highest sequences, losses and what was sealed are on the disk as they stand now when this returns.

        Raises BufferFull or BufferUnavailable; what was not written is written the next time.
        """
        async with self._syncing:
            dirty, self._dirty = self._dirty, set()
            sealed, self._sealed = self._sealed, {}
            unlisted, self._unlisted = self._unlisted, []
            lost, damaged = self.losses.changes()
            self._clock_due = False
            changes = Changes(
                epoch=self.epoch,
                clock=self.clock.mark(),
                frames={priority: shelf.next_frame - 1 for priority, shelf in self.shelves.items()},
                written={one: shelf.writing.last if shelf.writing else 0 for one, shelf in self.shelves.items()},
                cursors=[self.lanes.lane(*key).cursor for key in dirty],
                losses=[self.losses.all[key] for key in lost],
                untold=[self.losses.untold[key] for key in lost if key in self.losses.untold],
                told=[(priority, reason, identity) for reason, identity, priority in lost],
                damage=list(damaged),
                sealed=[_as_kept(segment) for segment in sealed.values()],
                gone=unlisted,
            )
            try:
                await self._write_meta(changes)
            except BufferTrouble:
                self._dirty |= dirty
                self._unlisted += unlisted
                left = set(self._unlisted)
                self._sealed = {at: one for at, one in (sealed | self._sealed).items() if at not in left}
                self.losses.again(lost, damaged)
                raise
            for segment in sealed.values():
                segment.content, segment.sealed_facts = None, True

    async def _write_meta(self, changes: Changes) -> None:
        try:
            if changes.gone:
                # Not known any more, and there again after a power cut: what was left out of it would come back.
                await asyncio.to_thread(directory.sync, self.folder)
            await self._meta.write(changes)
        except sqlite3.Error as error:
            trouble = directory.translated(error, self._meta.path)
            if not isinstance(trouble, BufferFull) or not self._ballast_bytes:
                raise trouble from error
        except OSError as error:
            raise directory.translated(error, self._meta.path) from error
        else:
            return
        await self.drop_ballast()
        await self._write_meta(changes)

    async def tidy(self) -> None:
        """Sync what is not synced, then unlink what is drained: in this order, or a sequence could be used twice."""
        async with self._tidying:
            drained = await self._drained()
            self.leave([segment for segment in drained if not segment.held.locked()])
            # What leaves while this is synced goes the next time.
            left = list(self._gone)
            try:
                if self.changed:
                    await self.sync()
            except BufferFull:
                await self._sacrifice([segment for segment in left if not segment.damaged])
            await self._unlink(left)

    async def _drained(self) -> list[Segment]:
        found: list[Segment] = []
        for shelf in self.shelves.values():
            for segment in shelf.sealed:
                if segment.remaining > 0 or not self.written_down(segment):
                    continue
                # Counting is quick and may be wrong where something was damaged; the cursors are asked before it goes.
                try:
                    segment.remaining = self.waiting(segment, await segment.read_content())
                except sqlite3.Error as error:
                    raise directory.translated(error, segment.path) from error
                if segment.remaining <= 0:
                    found.append(segment)
        return found

    async def _sacrifice(self, drained: Sequence[Segment]) -> None:
        """The disk has no byte for the cursors, and only unlinking would make one: a drained segment goes before them.

        Until they are written a mark lies there: whoever opens the directory with it begins a new epoch.
        """
        for segment in drained:
            if segment not in self._gone:
                continue
            self._gone.remove(segment)
            await segment.end()
            try:
                mark = await asyncio.to_thread(directory.sacrifice, segment.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._gone.append(segment)
                raise directory.translated(error, segment.path) from error
            await self.sync()
            with suppress(OSError):  # it lies there until the next start then, which begins a new epoch
                await asyncio.to_thread(directory.remove, mark)
            return
        raise BufferFull("disk")

    async def _unlink(self, left: Sequence[Segment]) -> None:
        """What has gone from the shelves goes from the disk; what the disk does not let go is tried again."""
        kept = False
        for segment in [segment for segment in left if segment in self._gone]:
            try:
                await self._unlink_one(segment)
            except OSError as error:
                kept = True
                if not self._failing_to_unlink:
                    log.warning("buffer: %s cannot be removed (%s); it will be tried again", segment.path, error)
                self._failing_to_unlink = str(error)
        if not kept and self._failing_to_unlink:
            log.info("buffer: drained segments are removed again (was: %s)", self._failing_to_unlink)
            self._failing_to_unlink = ""

    async def _unlink_one(self, segment: Segment) -> None:
        await segment.end()
        if any(other.path == segment.path for other in self.shelves[segment.priority].segments):
            pass  # one without a frame, whose name another has got meanwhile
        elif segment.damaged:
            aside = await asyncio.to_thread(directory.set_aside, segment.path, self.clock.clocks.wall_ns())
            log.error("buffer: %s was damaged; what could be read is kept in use, the file as %s", segment.path, aside)
        else:
            await asyncio.to_thread(directory.remove, segment.path)
        if segment in self._gone:
            self._gone.remove(segment)
            self._unlisted.append(segment.place)

    async def forget(self, segment: Segment) -> None:
        """The segment holds nothing that is waited for: it goes now. Raises BufferUnavailable."""
        self.leave([segment])
        shelf = self.shelves[segment.priority]
        if segment is shelf.writing:
            shelf.writing = None
        await self._unlink([segment])

    async def close(self) -> None:
        """Leave everything whole on the disk; every connection is closed, whatever the disk says."""
        try:
            self.end_episode()
            for shelf in self.shelves.values():
                await self.seal(shelf)
            await self.tidy()
            await self.sync()
        except BufferTrouble as error:
            log.warning("buffer: closed without the last cursors (%s): duplicates after the next start", error)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Close every connection and write nothing."""
        for shelf in self.shelves.values():
            for segment in shelf.segments:
                await segment.end()
        for segment in self._gone:
            await segment.end()
        await self._meta.close()


def _as_kept(segment: Segment) -> Sealed:
    return Sealed(segment.place, segment.facts, segment.size_bytes, content.to_bytes(segment.content or {}))
