"""One link kept open: what is stored, what is said, how it waits, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway import link
from gateway.adapter import TIMEOUT, Adapter, Batch, LinkLost, Point, Quality, Reading, Session, Settings, Status
from gateway.retry import Backoff
from gateway.status.board import Health, State

LIMIT_S = 5.0
LINE = "tcp://plc:502"
GOOD_BATCH = Batch([Reading(0, 1, 1), Reading(1, 2, 1)])
SILENT_BATCH = Batch([Reading(0, None, 1, TIMEOUT)])
REFUSED_BATCH = Batch([Reading(0, None, 1, Status(Quality.BAD, "exception 2: illegal data address", 2))])

Step = Batch | Exception | Callable[[], Awaitable[Batch]]
"""What one ``read`` does."""


class Where(Settings):
    """No setting is needed."""


POINTS: list[Point[Where, Where]] = [
    Point("a", Where(), "one", Where(), 1.0),
    Point("b", Where(), "two", Where(), 1.0),
    Point("a", Where(), "three", Where(), 1.0),
]


class Played:
    """A line whose connections go by a script: an exception instead of a connection, or what its reads do.

    When a connection's script has ended, its next read waits for ever; when there are no more connections, too.
    """

    def __init__(self, *connections: Exception | list[Step]) -> None:
        self._connections = list(connections)
        self.opened = 0
        self.open = 0
        self.counters: Counter[str] = Counter()
        self.adapter: Adapter[Where, Where] = Adapter(
            settings=Where, address=Where, line=lambda _: LINE, connect=self._connect
        )

    @asynccontextmanager
    async def _connect(self, points: Sequence[Point[Where, Where]]) -> AsyncIterator[Session]:
        assert points is POINTS
        if not self._connections:
            await asyncio.Event().wait()
        script = self._connections.pop(0)
        if isinstance(script, Exception):
            raise script
        self.opened += 1
        self.open += 1
        self.counters = Counter()
        self._script = script
        try:
            yield self
        finally:
            self.open -= 1

    async def read(self) -> Batch:
        if not self._script:
            await asyncio.Event().wait()
        step = self._script.pop(0)
        self.counters["requests"] += 1
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Batch) else await step()


class Run:
    """The link at work on a played line."""

    def __init__(self, line: Played, store: Callable[[Batch], Awaitable[None]] | None = None) -> None:
        self.health = Health("line", LINE)
        self.stored: list[Batch] = []
        self.waits: list[float] = []
        self.arrived = asyncio.Event()
        self.task = asyncio.create_task(
            link.run(
                LINE,
                line.adapter,
                POINTS,
                store or self._store,
                self.health,
                backoff=Backoff(first_s=1, limit_s=8, uniform=lambda low, high: high),
                sleep=self._sleep,
                now_ns=lambda: 77,
            )
        )

    async def _store(self, batch: Batch) -> None:
        self.stored.append(batch)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let everything happen that happens without waiting."""
        for _ in range(200):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=LIMIT_S)
        assert self.task.cancelled()


async def played(*connections: Exception | list[Step]) -> Run:
    """The run of a script to its end, stopped."""
    line = Played(*connections)
    run = Run(line)
    await run.settle()
    await run.stop()
    assert line.open == 0
    return run


async def test_what_is_read_is_stored_in_order() -> None:
    run = await played([GOOD_BATCH, SILENT_BATCH, GOOD_BATCH])
    assert run.stored == [GOOD_BATCH, SILENT_BATCH, GOOD_BATCH]
    assert run.health.state is State.FLOWING
    assert run.waits == []


async def test_a_line_that_gives_nothing_but_wrong_answers_does_not_flow() -> None:
    status = Status(Quality.BAD, "wrong answer: unit 2 instead of 1")
    one, two = (Batch([Reading(point, None, 1, status)]) for point in (0, 1))
    run = await played([GOOD_BATCH, one, two, one, two, one])
    assert run.health.state is State.FLOWING, "the second device may be well yet"
    run = await played([GOOD_BATCH, one, two, one, two, one, two])
    assert run.health.state is State.STOPPED
    assert run.health.reason == "no device answers rightly: wrong answer: unit 2 instead of 1"
    run = await played([GOOD_BATCH, *[one, two] * 3, GOOD_BATCH, one])
    assert run.health.state is State.FLOWING


async def test_nothing_is_read_while_the_store_is_busy() -> None:
    busy = asyncio.Event()
    line = Played([GOOD_BATCH, GOOD_BATCH])

    async def store(_: Batch) -> None:
        await busy.wait()

    run = Run(line, store)
    await run.settle()
    assert line.counters["requests"] == 1
    busy.set()
    await run.settle()
    assert line.counters["requests"] == 2
    await run.stop()


@pytest.mark.parametrize(
    "loss", [LinkLost("the device closed the connection"), ConnectionResetError(errno.ECONNRESET, "x"), TimeoutError()]
)
async def test_a_lost_link_is_opened_again(loss: Exception) -> None:
    run = await played([GOOD_BATCH, loss], [GOOD_BATCH])
    assert [batch for batch in run.stored if batch is GOOD_BATCH] == [GOOD_BATCH] * 2
    assert run.health.state is State.FLOWING
    assert run.health.counters["connects"] == 2


async def test_an_outage_is_stored_once_for_all_points_and_device_by_device() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")
    run = await played([GOOD_BATCH, LinkLost("gone")], refused, refused, [GOOD_BATCH])
    assert len(run.stored) == 3
    assert run.stored[1] == Batch(
        [Reading(point, None, 77, Status(Quality.BAD, "link down: gone")) for point in (0, 2, 1)]
    )


async def test_a_line_that_was_never_up_says_so() -> None:
    run = await played(ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"))
    assert len(run.stored) == 1
    assert {reading.status.reason for reading in run.stored[0].readings} == {"link down: connection refused"}
    assert (run.health.state, run.health.reason) == (State.STOPPED, "connection refused")
    assert LINE in run.health.remedy


async def test_every_outage_is_told() -> None:
    run = await played([GOOD_BATCH, LinkLost("one")], [GOOD_BATCH, LinkLost("two")], [GOOD_BATCH])
    reasons = [batch.readings[0].status.reason for batch in run.stored if batch is not GOOD_BATCH]
    assert reasons == ["link down: one", "link down: two"]


async def test_a_connection_without_an_answer_is_not_the_end_of_the_outage() -> None:
    run = await played([SILENT_BATCH, LinkLost("no unit answers")], [SILENT_BATCH, LinkLost("no unit answers")], [])
    assert run.stored.count(SILENT_BATCH) == 2
    assert len(run.stored) == 3
    assert run.health.state is State.STOPPED


async def test_a_refusal_in_the_words_of_the_protocol_is_an_answer() -> None:
    run = await played([REFUSED_BATCH])
    assert run.health.state is State.FLOWING


async def test_waits_grow_until_something_answers() -> None:
    lost = LinkLost("gone")
    run = await played(lost, lost, [SILENT_BATCH, lost], lost, lost, [GOOD_BATCH, lost], lost)
    assert run.waits == [1, 2, 4, 8, 8, 1, 2]


async def test_the_log_says_once_that_it_broke_and_once_that_it_healed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fieldgate")
    lost = LinkLost("gone", "look after it")
    await played([GOOD_BATCH, lost], lost, lost, [GOOD_BATCH])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.records[0].getMessage() == f"line {LINE}: gone (look after it)"


async def test_what_the_session_counts_is_counted_for_the_line_over_all_connections() -> None:
    run = await played([GOOD_BATCH, GOOD_BATCH, LinkLost("gone")], [GOOD_BATCH])
    counters = run.health.counters
    assert (counters["batches"], counters["readings"], counters["requests"]) == (3, 6, 3)


async def test_a_bug_of_the_adapter_flies() -> None:
    line = Played([GOOD_BATCH, ZeroDivisionError()])
    with pytest.raises(ZeroDivisionError):
        await Run(line).task
    assert line.open == 0


async def test_an_error_of_the_store_is_not_taken_for_the_lines() -> None:
    async def store(_: Batch) -> None:
        raise OSError(errno.EIO, "disk")

    with pytest.raises(OSError, match="disk"):
        await Run(Played([GOOD_BATCH]), store).task


async def test_the_tasks_of_a_session_may_lose_the_link_together() -> None:
    async def lose() -> Batch:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(raises(LinkLost("gone")))
        raise AssertionError

    # On Python 3.11 this leaves a cancellation counted in the session's task; the link must not take it for its own.
    run = await played([lose], [GOOD_BATCH])
    assert run.stored[0].readings[0].status.reason == "link down: gone"
    assert run.stored[1] is GOOD_BATCH


async def test_a_bug_among_the_tasks_of_a_session_flies() -> None:
    def group() -> ExceptionGroup[Exception]:
        return ExceptionGroup("tasks", [LinkLost("gone"), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup, match="tasks"):
        await Run(Played([group()])).task


async def raises(error: Exception) -> None:
    raise error


# ---- shutdown never hangs --------------------------------------------------------------------------------------------


async def test_cancelled_while_waiting_to_try_again() -> None:
    run = Run(Played(*[LinkLost("gone")] * 3, []))
    while not run.waits:
        await asyncio.sleep(0)
    await run.stop()


async def test_a_task_group_in_a_session_that_swallows_the_cancellation() -> None:
    """As Python 3.11 does where a child fails in the moment in which the outer task is cancelled."""

    async def swallowing() -> Batch:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ExceptionGroup("unhandled errors in a TaskGroup", [LinkLost("gone")]) from None
        raise AssertionError

    line = Played([swallowing], [GOOD_BATCH], [GOOD_BATCH])
    run = Run(line)
    await run.settle()
    await run.stop()
    assert line.opened == 1


async def test_a_session_that_answers_its_cancellation_with_a_batch() -> None:
    async def stubborn() -> Batch:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return GOOD_BATCH
        raise AssertionError

    run = Run(Played([stubborn, stubborn, stubborn]))
    await run.settle()
    await run.stop()
    assert run.stored == []


async def test_a_child_that_fails_while_the_link_is_cancelled() -> None:
    """The same with a real task group, whichever way this Python goes."""
    failing = asyncio.Event()

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise LinkLost("gone in the last moment") from None

    async def grouped() -> Batch:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(child())
            failing.set()
            await asyncio.Event().wait()
        raise AssertionError

    line = Played([grouped], [])
    run = Run(line)
    await failing.wait()
    await run.settle()
    await run.stop()
    assert line.opened == 1


async def test_a_session_that_has_to_be_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf() -> Batch:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(link, "PATIENCE_S", 0.01)
    run = Run(Played([deaf]))
    await run.settle()
    run.task.cancel()
    with pytest.raises(AssertionError):
        await run.task


async def test_a_session_that_is_cancelled_from_within_is_a_lost_link() -> None:
    async def cancelled() -> Batch:
        future: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future

    run = await played([cancelled], [GOOD_BATCH])
    assert run.stored[0].readings[0].status.reason == "link down: the session was cancelled from within"
    assert run.stored[1] is GOOD_BATCH


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LinkLost("no unit answers"), "no unit answers"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 502)"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] x"), "connection refused"),
        (TimeoutError(), "no answer in time"),
        (OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)), "no answer in time"),
        (OSError(errno.EHOSTUNREACH, "x"), "no way to the device"),
        (OSError(errno.ENETUNREACH, "x"), "no way to the device"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "connection reset by the device"),
        (BrokenPipeError(errno.EPIPE, "x"), "connection reset by the device"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "host name not known"),
        (FileNotFoundError(errno.ENOENT, "x"), "there is no such port"),
        (PermissionError(errno.EACCES, "x"), "not permitted"),
        (OSError(errno.EMFILE, "x"), "too many open files"),
        (ExceptionGroup("x", [LinkLost("gone")]), "gone"),
        (OSError("something else"), "something else"),
        (OSError(), "OSError"),
    ],
)
def test_words_for_people(error: Exception, reason: str) -> None:
    assert link.words(error, LINE).reason == reason


def test_a_remedy_names_the_line() -> None:
    errors: list[Any] = [ConnectionRefusedError(errno.ECONNREFUSED, ""), TimeoutError(), socket.gaierror(-2, "")]
    assert all(LINE in link.words(error, LINE).remedy for error in errors)
    assert link.words(LinkLost("gone", "dig"), LINE) == ("gone", "dig")


async def test_a_session_is_told_before_each_read_what_it_need_not_read() -> None:
    class Sparing(Played):
        left: list[object]

        def leave(self, points: Collection[int]) -> None:
            self.left.append((points, len(self._script)))

    absent: Collection[int] = {1, 2}
    line = Sparing([GOOD_BATCH, GOOD_BATCH, GOOD_BATCH], [GOOD_BATCH])
    line.left = []
    stored = 0

    async def store(batch: Batch) -> None:
        nonlocal absent, stored
        stored += 1
        absent = {2} if stored < 3 else frozenset()

    running = link.run(LINE, line.adapter, POINTS, store, Health("line", LINE), absent=lambda: absent)
    task = asyncio.create_task(running)
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=LIMIT_S)
    assert line.left == [({1, 2}, 3), ({2}, 2), (frozenset(), 0)]


@pytest.mark.parametrize("record", [frozenset[str](), frozenset({"a"})])
async def test_a_session_is_told_once_whose_blocks_are_wanted(record: Collection[str]) -> None:
    class Kept(Played):
        def __init__(self, *connections: Exception | list[Step]) -> None:
            super().__init__(*connections)
            self.told: list[object] = []

        def record(self, devices: Collection[str]) -> None:
            self.told.append((devices, len(self._script)))

    line = Kept([GOOD_BATCH, LinkLost("gone")], [GOOD_BATCH])

    async def store(batch: Batch) -> None:
        pass

    async def at_once(seconds: float) -> None:
        pass

    running = link.run(LINE, line.adapter, POINTS, store, Health("line", LINE), record=record, sleep=at_once)
    task = asyncio.create_task(running)
    while line.opened < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=LIMIT_S)
    assert line.told == ([({"a"}, 2), ({"a"}, 1)] if record else [])
