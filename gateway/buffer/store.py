"""The buffer on the local disk: what is appended together is committed together; what is claimed comes in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from gateway.buffer import frames, policy
from gateway.buffer.disk import Disk
from gateway.buffer.frames import MessageRefused
from gateway.buffer.lanes import Lane
from gateway.buffer.policy import OnFull
from gateway.buffer.port import BufferTrouble, BufferUnavailable, Claim, Stats
from gateway.buffer.reading import Reader
from gateway.buffer.recovery import open_disk
from gateway.model import Message

log = logging.getLogger("fieldgate")

SYNC_EVERY_S = 0.1
"""Cursors are written this long after those before them: so much can come twice after a power cut."""


class Waiting(NamedTuple):
    """One append that waits for its commit."""

    messages: Sequence[Message]
    size: int
    stored: asyncio.Future[None]


@asynccontextmanager
async def open_buffer(
    folder: Path,
    *,
    quota_bytes: int,
    on_full: OnFull = "refuse",
    now_ns: Callable[[], int] = time.time_ns,
) -> AsyncIterator[DiskBuffer]:
    """The buffer in this directory, made if it is not there; closed and whole on the disk when the block ends.

    Raises ValueError for a quota below 1 MB, BufferFull or BufferUnavailable where the disk does not let it open.
    One process at a time: who calls this holds the lock of the state directory.
    """
    buffer = DiskBuffer()
    sizes = policy.sizes(quota_bytes)
    try:
        await _unbroken(buffer.start(folder, sizes, on_full, now_ns))
        yield buffer
    finally:
        await _unbroken(buffer.stop())


class DiskBuffer:
    """Implements ``port.Buffer``."""

    def __init__(self) -> None:
        self._gathered: deque[Waiting] = deque()
        self._something = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._stirred: dict[str, asyncio.Event] = {}
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._disk: Disk
        self._reader: Reader

    async def start(self, folder: Path, sizes: policy.Sizes, on_full: OnFull, now_ns: Callable[[], int]) -> None:
        """Recover what lies there and begin to work."""
        self._disk = await open_disk(folder, sizes, on_full, now_ns)
        self._reader = Reader(self._disk, self._disk.lanes, self._stir)
        for work in (self._write(), self._keep(), self._reader.run()):
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
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._disk.close()
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
        waiting = Waiting(messages, size, asyncio.get_running_loop().create_future())
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
            except BufferTrouble as error:
                for waiting in group:
                    _fail(waiting, type(error)(*error.args))
            except BaseException as error:
                for waiting in group:
                    _fail(waiting, error)
                raise

    async def _commit(self, group: Sequence[Waiting]) -> None:
        by_frame = _by_frame([message for waiting in group for message in waiting.messages])
        await self._disk.store(by_frame)
        for waiting in group:
            if not waiting.stored.done():
                waiting.stored.set_result(None)
        for identity in {identity for by_identity in by_frame for identity in by_identity}:
            self._stir(identity)

    # Claiming.

    async def claim(self, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        """The oldest messages of this identity (at least one); waits until there are any and no claim is out."""
        lanes = self._disk.lanes
        lane = lanes.lane(identity)
        stirred = self._stirred.setdefault(identity, asyncio.Event())
        lanes.used(lane)
        while lane.claim is not None or not lane.window:
            self._check_open()
            if not lane.window and lane.behind:
                self._reader.want(lane)
            stirred.clear()
            await stirred.wait()
        lanes.used(lane)
        lane.claim = Claim(identity, lanes.head(lane, max_messages, max_bytes))
        if lane.behind and len(lane.window) < 2 * len(lane.claim.messages):
            self._reader.want(lane)  # the next ones come from the disk while these are on their way
        return lane.claim

    async def acknowledge(self, claim: Claim, count: int | None = None) -> None:
        """The first ``count`` messages of the claim (default: all) have arrived and may go; the rest is given back."""
        lane = self._release(claim)
        arrived = claim.messages[:count]
        if arrived:
            self._disk.done_with(lane, self._disk.lanes.acknowledge(lane, arrived[-1].sequence))
            self._acknowledged.set()

    async def give_back(self, claim: Claim) -> None:
        """Nothing of it arrived: the same messages stand at the head of their lane again."""
        self._release(claim)

    def _release(self, claim: Claim) -> Lane:
        lane = self._disk.lanes.lane(claim.identity)
        if lane.claim is not claim:
            raise ValueError(f"{claim.identity}: this claim is not out")
        lane.claim = None
        self._stir(claim.identity)
        return lane

    def _stir(self, identity: str) -> None:
        if identity in self._stirred:
            self._stirred[identity].set()

    # Keeping house.

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
        disk = self._disk
        waiting = {lane.identity: lane.waiting for lane in disk.lanes if lane.waiting}
        times = [at_ns for lane in disk.lanes if (at_ns := lane.oldest_ns) is not None]
        return Stats(
            messages=sum(waiting.values()),
            bytes_on_disk=disk.used_bytes(),
            quota_bytes=disk.sizes.quota,
            oldest_ns=min(times, default=None),
            waiting=waiting,
            dropped=dict(disk.losses.since_opened),
            full=disk.refuses(),
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


def _by_frame(messages: Sequence[Message]) -> list[dict[str, list[Message]]]:
    """The messages by frame and identity: one frame unless a single append was larger than one."""
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


def _fail(waiting: Waiting, error: BaseException) -> None:
    if not waiting.stored.done():
        waiting.stored.set_exception(error)


async def _unbroken(work: Coroutine[Any, Any, None]) -> None:
    """Await the work to its end; a cancellation is honoured after it, so that no connection's thread stays behind."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
