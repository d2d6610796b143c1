"""The buffer on the local disk: what is appended together is committed together; what is claimed comes in order."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gateway.buffer import frames, policy
from gateway.buffer.clock import Clocks
from gateway.buffer.commits import Commits
from gateway.buffer.disk import Disk
from gateway.buffer.frames import MessageRefused
from gateway.buffer.lane import Bundle, Lane
from gateway.buffer.port import BufferSettings, BufferTrouble, BufferUnavailable, Claim, ClassStats, Loss, Stats
from gateway.buffer.quarantine import Quarantine
from gateway.buffer.rates import Durations, Rate
from gateway.buffer.reading import Reader
from gateway.buffer.recovery import open_disk
from gateway.buffer.unbroken import unbroken
from gateway.buffer.upkeep import Upkeep
from gateway.model import Message, Priority

log = logging.getLogger("fieldgate")

DRAINING_S = 60.0
"""An identity drains if something of it was acknowledged within so long."""
SYNC_EVERY_S = 0.1
"""Cursors are written this long after those before them: so much can come twice after a power cut."""


class Waiting(NamedTuple):
    """One append that waits for its commit."""

    messages: Sequence[Message]
    size: int
    asked_s: float
    stored: asyncio.Future[None]


@asynccontextmanager
async def open_buffer(
    folder: Path, settings: BufferSettings, *, clock: Clocks | None = None
) -> AsyncIterator[DiskBuffer]:
    """The buffer in this directory, made if it is not there; closed and whole on the disk when the block ends.

    Raises ValueError for a quota below 1 MB, BufferFull or BufferUnavailable where the disk does not let it open.
    One process at a time: who calls this holds the lock of the state directory.
    """
    buffer = DiskBuffer()
    try:
        await unbroken(buffer.start(folder, settings, clock or Clocks()))
        yield buffer
    finally:
        await unbroken(buffer.stop())


class DiskBuffer:
    """Implements ``port.Buffer``."""

    quarantine: Quarantine

    def __init__(self) -> None:
        self._gathered: deque[Waiting] = deque()
        self._something = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._stirred: dict[str, asyncio.Event] = {}
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._disk: Disk
        self._commits: Commits
        self._reader: Reader
        self._upkeep: Upkeep
        self._live_first = False
        self._now_s = asyncio.get_running_loop().time
        self._appended = Rate(self._now_s())
        self._drained = Rate(self._now_s())
        self._appends = Durations()

    async def start(self, folder: Path, settings: BufferSettings, clock: Clocks) -> None:
        """Recover what lies there and begin to work."""
        self.quarantine = Quarantine(folder, clock.wall_ns)
        self._disk = await open_disk(folder, settings, clock)
        await self.quarantine.open()
        self._commits = Commits(self._disk)
        self._live_first = settings.order == "live-first"
        self._reader = Reader(self._disk, self._disk.lanes, self._stir)
        self._upkeep = Upkeep(self._disk)
        for work in (self._write(), self._keep(), self._reader.run(), self._upkeep.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Commit what has gathered, write the cursors, close everything."""
        if not self._tasks:
            return
        self._closing.set()
        self._something.set()
        self._acknowledged.set()
        self._reader.stop()
        self._upkeep.stop()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.quarantine.close()
            await self._disk.close()
        finally:
            for event in self._stirred.values():
                event.set()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that ends by itself has met a bug: everybody who waits is told, nobody hangs."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self._closing.set()
        self._something.set()
        self._acknowledged.set()
        self._reader.stop()
        self._upkeep.stop()
        for waiting in self._gathered:
            _fail(waiting, error)
        for event in self._stirred.values():
            event.set()

    # Appending.

    async def append(self, messages: Sequence[Message]) -> None:
        """Store all or nothing; on disk when this returns. Raises BufferFull or BufferUnavailable.

        Cancelled, the messages are stored or not, as a whole; others in the same commit do not notice.
        MessageRefused (a ValueError) says that the messages break a limit and will never be taken.
        """
        if not messages:
            return
        size = sum(map(frames.check, messages))
        if size > self._disk.sizes.quota // 4:
            raise MessageRefused(f"{size} bytes at once; a quota of {self._disk.sizes.quota} takes a quarter of it")
        self._check_open()
        loop = asyncio.get_running_loop()
        waiting = Waiting(messages, size, loop.time(), loop.create_future())
        self._gathered.append(waiting)
        self._something.set()
        try:
            await waiting.stored
        except asyncio.CancelledError:
            with suppress(ValueError):  # it is in the commit under way
                self._gathered.remove(waiting)
            raise

    async def _write(self) -> None:
        """Commit after commit, each as soon as the one before has returned, with all that has gathered meanwhile."""
        while True:
            if not self._gathered:
                if self._closing.is_set():
                    return
                self._something.clear()
                await self._something.wait()
                continue
            group = _take_group(self._gathered)
            try:
                await self._commit(group)
            except BaseException as error:
                for waiting in group:
                    _fail(waiting, error)
                raise

    async def _commit(self, group: Sequence[Waiting]) -> None:
        by_frame = _by_frame([message for waiting in group for message in waiting.messages])
        failed = await self._commits.store(by_frame)
        now_s = self._now_s()
        for waiting in group:
            if failed and (trouble := _trouble(waiting.messages, failed)):
                _fail(waiting, trouble)
            elif not waiting.stored.done():
                waiting.stored.set_result(None)
        self._appends.note_all([now_s - waiting.asked_s for waiting in group])
        stored = [by_identity for priority, by_identity in by_frame if priority not in failed]
        self._appended.add(sum(len(held) for by_identity in stored for held in by_identity.values()), now_s)
        for identity in {identity for by_identity in stored for identity in by_identity}:
            self._stir(identity)

    # Claiming.

    async def claim(self, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        """The oldest messages (at least one) of the most important class that has any; waits until one has."""
        lanes = self._disk.lanes
        bundle = lanes.bundle(identity)
        stirred = self._stirred.setdefault(identity, asyncio.Event())
        while True:
            lanes.used(bundle)
            lane = self._turn(bundle) if bundle.claim is None else None
            if lane is not None and lane.window:
                break
            self._check_open()
            if lane is not None:
                self._reader.want(lane)
            stirred.clear()
            await stirred.wait()
        claim = bundle.take(lane, lanes.head(lane, max_messages, max_bytes))
        if lane.behind and len(lane.window) < 2 * len(claim.messages):
            self._reader.want(lane)  # the next ones come from the disk while these are on their way
        return claim

    def _turn(self, bundle: Bundle) -> Lane | None:
        """What the next claim is taken from; where new messages go first, what is far behind is put beside them."""
        if self._live_first:
            for lane in bundle.lanes:
                if lane is not None and self._disk.lanes.split(lane):
                    self._moved(lane, {})
        return bundle.turn()

    async def acknowledge(self, claim: Claim, count: int | None = None) -> None:
        """The first ``count`` messages of the claim (default: all) have arrived and may go; the rest is given back."""
        lane = self._release(claim)
        arrived = claim.messages[:count]
        if arrived:
            self._moved(lane, self._disk.lanes.acknowledge(lane, arrived[-1].sequence))
            now_s = self._now_s()
            self._disk.lanes.bundle(claim.identity).acked_s = now_s
            self._drained.add(len(arrived), now_s)

    async def give_back(self, claim: Claim) -> None:
        """Nothing of it arrived: the same messages stand at the head of their lane again."""
        self._release(claim)

    async def refuse(self, claim: Claim, reason: str, count: int = 1) -> None:
        """The upstream will never take the first ``count`` messages: they lie in the quarantine when this returns.

        The rest is given back. Raises BufferFull or BufferUnavailable: then all of the claim is given back.
        """
        await unbroken(self._refuse(claim, reason, count))

    async def _refuse(self, claim: Claim, reason: str, count: int) -> None:
        self._disk.lanes.bundle(claim.identity).check(claim)
        refused = claim.messages[:count]
        try:
            await self.quarantine.put(refused, reason)
        except BufferTrouble:
            self._release(claim)
            raise
        lane = self._release(claim)
        if not refused:
            return
        first, last = refused[0], refused[-1]
        span = first.sequence, last.sequence, first.created_ns, last.created_ns
        self._disk.count(Loss("refused", claim.identity, lane.priority, len(refused), *span))
        self._moved(lane, self._disk.lanes.acknowledge(lane, last.sequence))

    def _moved(self, lane: Lane, frames: Mapping[int, int]) -> None:
        """So many messages of these frames are done with, or the lane has been split: to be written soon."""
        self._disk.done_with(lane, frames)
        self._acknowledged.set()

    def _release(self, claim: Claim) -> Lane:
        lane = self._disk.lanes.bundle(claim.identity).release(claim)
        self._stir(claim.identity)
        return lane

    def _stir(self, identity: str) -> None:
        if identity in self._stirred:
            self._stirred[identity].set()

    async def park(self, identity: str, reason: str) -> None:
        """Refused or throttled upstream: its messages hold no memory and keep no disk that others could use."""
        self._disk.lanes.park(self._disk.lanes.bundle(identity), reason)

    # Losses.

    def gaps(self) -> Sequence[Loss]:
        """Losses that nobody upstream was told of yet, one per reason, identity and class."""
        return self._disk.losses.gaps()

    async def told(self, gaps: Sequence[Loss]) -> None:
        """These are in the buffer as messages by now; a restart does not bring them again."""
        self._disk.losses.told(gaps)
        await unbroken(self._disk.sync())

    # Keeping house.

    async def settle(self, settings: BufferSettings) -> None:
        """Work with these from now on; what waits stays until the next append or the next lifetime wants room.

        Raises ValueError for a quota below 1 MB: then nothing has changed.
        """
        policy.sizes(settings.quota_bytes)
        self._disk.settle(settings)
        self._live_first = settings.order == "live-first"

    async def _keep(self) -> None:
        """While something is acknowledged: cursors to the disk every 100 ms, drained segments off it."""
        failing = ""
        while not self._closing.is_set():
            self._acknowledged.clear()
            try:
                await self._disk.tidy()
            except BufferTrouble as error:
                if not failing:
                    log.warning("buffer: cursors cannot be written (%s); draining goes on, duplicates may come", error)
                failing = str(error)
                self._acknowledged.set()
            else:
                if failing:
                    log.info("buffer: cursors are written again (was: %s)", failing)
                failing = ""
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_EVERY_S):
                    await self._closing.wait()
            await self._acknowledged.wait()

    def stats(self) -> Stats:
        """Depth, age and losses; cheap enough for once a second."""
        disk, now_s = self._disk, self._now_s()
        waiting: dict[str, int] = {}
        counts: Counter[Priority] = Counter()
        oldest_ns: dict[Priority, int] = {}
        for lane in disk.lanes:
            if count := lane.all_waiting:
                waiting[lane.identity] = waiting.get(lane.identity, 0) + count
                counts[lane.priority] += count
                at_ns = lane.oldest_ns or 0
                oldest_ns[lane.priority] = min(at_ns, oldest_ns.get(lane.priority, at_ns))
        classes = {
            priority: ClassStats(
                messages=counts[priority],
                bytes_on_disk=disk.class_bytes(priority),
                oldest_ns=oldest_ns.get(priority),
                full=disk.refuses(priority),
            )
            for priority in Priority
        }
        return Stats(
            messages=counts.total(),
            bytes_on_disk=disk.used_bytes(),
            quota_bytes=disk.sizes.quota,
            oldest_ns=min(oldest_ns.values(), default=None),
            waiting=waiting,
            dropped=dict(disk.losses.since_opened),
            full=classes[Priority.TELEMETRY].full,
            classes=classes,
            parked=disk.lanes.parked(),
            draining=disk.lanes.draining(now_s - DRAINING_S),
            append_per_s=self._appended.per_s(now_s),
            drain_per_s=self._drained.per_s(now_s),
            append=self._appends.timing,
            fsync=disk.syncs.timing,
            quarantined=self.quarantine.messages,
        )

    def _check_open(self) -> None:
        if self._closing.is_set():
            for task in self._tasks:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    raise error
            raise BufferUnavailable("the buffer is closed")


def _take_group(gathered: deque[Waiting]) -> list[Waiting]:
    """The first append and as many after it as one frame takes."""
    group = [gathered.popleft()]
    count, size = len(group[0].messages), group[0].size
    while gathered:
        count += len(gathered[0].messages)
        size += gathered[0].size
        if count > frames.MESSAGES_LIMIT or size > frames.RAW_LIMIT:
            break
        group.append(gathered.popleft())
    return group


def _by_frame(messages: Sequence[Message]) -> list[tuple[Priority, dict[str, list[Message]]]]:
    """The messages by frame and identity: one frame per class unless a single append was larger than one."""
    by_class: dict[Priority, list[Message]] = {}
    for message in messages:
        by_class.setdefault(message.priority, []).append(message)
    frames_: list[tuple[Priority, dict[str, list[Message]]]] = []
    for priority in sorted(by_class):
        frames_ += [(priority, frame) for frame in _frames(by_class[priority])]
    return frames_


def _frames(messages: Sequence[Message]) -> list[dict[str, list[Message]]]:
    """Those of one class."""
    by_frame: list[dict[str, list[Message]]] = [{}]
    count = size = 0
    for message in messages:
        taken = len(message.body) + len(message.properties)
        if count and (count == frames.MESSAGES_LIMIT or size + taken > frames.RAW_LIMIT):
            by_frame.append({})
            count = size = 0
        by_frame[-1].setdefault(message.identity, []).append(message)
        count += 1
        size += taken
    return by_frame


def _trouble(messages: Sequence[Message], failed: Mapping[Priority, BufferTrouble]) -> BufferTrouble | None:
    """What an append is told of which some classes, or all, were not stored; None if all were."""
    classes = {message.priority for message in messages}
    lost = sorted(classes & failed.keys())
    if not lost:
        return None
    trouble = type(failed[lost[0]])(*failed[lost[0]].args)
    trouble.stored = frozenset(classes - failed.keys())
    return trouble


def _fail(waiting: Waiting, error: BaseException) -> None:
    if not waiting.stored.done():
        waiting.stored.set_exception(error)
