"""What every adapter must stand: the checks that each plug-in's own tests run against its own rig.

A rig is a line with devices on it that can be unplugged and fall silent. Two of its devices are on the same line; a
protocol that has one device per line leaves out the check about silence (``CHECKS_OF_ONE``). Whose sessions are
``Writable`` runs ``WRITE_CHECKS``, too, on a rig that counts what it is sent; whose sessions are ``Recording``, also
``RECORD_CHECKS``.
"""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple, Protocol

import pytest
from pydantic import ValidationError

from gateway import link
from gateway.adapter import (
    Adapter,
    Batch,
    LinkLost,
    NotWritten,
    Point,
    Quality,
    Reading,
    Recording,
    Session,
    Value,
    Writable,
)
from gateway.retry import Backoff
from gateway.status.board import Health

LIMIT_S = 5.0
"""No check waits longer for anything."""
CLOSED_WITHIN_S = 1.0
NOTICED_AFTER = 3
"""BAD scans of a silent device before its line must be back at its rate."""


class Rig(Protocol):
    """A line of devices that a test can treat badly."""

    @property
    def adapter(self) -> Adapter[Any, Any]:
        """The plug-in under test."""

    @property
    def points(self) -> Sequence[Point[Any, Any]]:
        """Of all devices of the line, polled several times a second, with a timeout below a second."""

    @property
    def values(self) -> Sequence[Value]:
        """What each point holds, as long as the rig stands."""

    @property
    def wrong(self) -> Mapping[str, Mapping[str, str]]:
        """Settings of ``connect:`` that must be refused, by the key that is wrong in them."""

    async def plug(self) -> None:
        """The devices can be reached."""

    async def unplug(self) -> None:
        """The connection breaks, and a new one is not possible."""

    def silence(self, device: str) -> None:
        """This device says nothing any more, while its line stays up."""

    def connections(self) -> int:
        """How many connections are open, as the devices see it."""


class Setpoint(NamedTuple):
    """A point of a device, and a value that it does not hold yet."""

    point: Point[Any, Any]
    value: Value


class WritableRig(Rig, Protocol):
    """A rig whose devices can be written to."""

    @property
    def setpoints(self) -> Sequence[Setpoint]:
        """Points of one device that take this value: one for each kind of write. They may be others than ``points``."""

    @property
    def refused(self) -> Setpoint:
        """The device refuses this one, and goes on holding what it holds (or has nothing there at all)."""

    def writes(self) -> int:
        """How many requests to write the devices have heard, carried out or not."""


def opened(rig: Rig) -> AbstractAsyncContextManager[Session]:
    """The link of the rig's line."""
    return _opened(rig, rig.points)


def _opened(rig: Rig, points: Sequence[Point[Any, Any]]) -> AbstractAsyncContextManager[Session]:
    assert rig.adapter.connect is not None, "nothing can be checked of an adapter that does not read yet"
    return rig.adapter.connect(points)


@asynccontextmanager
async def _writable(rig: WritableRig) -> AsyncIterator[Writable]:
    """The link of the points that can be written; the last one is refused."""
    async with _opened(rig, [one.point for one in (*rig.setpoints, rig.refused)]) as session:
        assert isinstance(session, Writable)
        yield session


async def reads_all_points(rig: Rig) -> None:
    """Every point gives the value that the device holds, GOOD, and scans share their time."""
    missing = set(range(len(rig.points)))
    async with asyncio.timeout(LIMIT_S), opened(rig) as session:
        while missing:
            batch = await session.read()
            for reading in batch.readings:
                assert reading.status.quality is Quality.GOOD, reading
                assert reading.value == rig.values[reading.point], reading
                missing.discard(reading.point)
            times = {(rig.points[r.point].device, rig.points[r.point].every_s, r.at_ns) for r in batch.readings}
            assert len(times) == len({time[:2] for time in times})


async def refuses_wrong_settings(rig: Rig) -> None:
    """A wrong setting is named, and the network is not touched."""
    assert rig.wrong
    for key, settings in rig.wrong.items():
        with pytest.raises(ValidationError) as caught:
            rig.adapter.settings.model_validate(settings)
        assert key in {error["loc"][0] for error in caught.value.errors()}
    assert rig.connections() == 0


async def says_that_it_is_unplugged(rig: Rig) -> None:
    """An unplugged line raises, at once and again when one tries to connect."""

    async def read_on() -> None:
        async with opened(rig) as session:
            await session.read()
            await rig.unplug()
            while True:
                await session.read()

    async with asyncio.timeout(LIMIT_S):
        with pytest.raises((LinkLost, OSError)):
            await read_on()
        with pytest.raises((LinkLost, OSError)):
            await read_on()


async def reads_again_after_plugging_in(rig: Rig) -> None:
    """The link says once that it is down, and flows again when the line is back."""
    async with _running(rig) as (arrived, health):
        await _until(arrived, _all_good)
        await rig.unplug()
        down = await _until(arrived, lambda batch: not _all_good(batch))
        assert {reading.point for reading in down.readings} == set(range(len(rig.points)))
        assert all(reading.status.reason.startswith("link down: ") for reading in down.readings)
        assert health.reason
        await rig.plug()
        assert _all_good(await _next(arrived)), "an outage is told once"
    assert not health.reason


async def keeps_the_others_going(rig: Rig) -> None:
    """One device that falls silent is BAD for itself; the others stay GOOD and keep their rate."""
    silent, *others = dict.fromkeys(point.device for point in rig.points)
    period = max(point.every_s for point in rig.points if point.device in others)
    kinds = {(point.device, point.every_s) for point in rig.points if point.device in others}
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT_S), opened(rig) as session:
        await session.read()
        rig.silence(silent)
        noticed = 0
        while noticed < NOTICED_AFTER:
            noticed += bool(_bad(await session.read(), rig, silent))
        begin = loop.time()
        scans = 0
        while loop.time() < begin + 20 * period:
            batch = await session.read()
            assert all(reading.status.reason for reading in _bad(batch, rig, silent)), "a BAD reading says why"
            assert not any(_bad(batch, rig, other) for other in others)
            scans += any(rig.points[reading.point].device in others for reading in batch.readings)
        assert scans >= 0.85 * len(kinds) * (loop.time() - begin) / period


async def closes_wherever_it_is_cancelled(rig: Rig) -> None:
    """Cancelled at its first await, its second, and so on: closed within a second, nothing left open."""

    async def work() -> None:
        async with opened(rig) as session:
            for _ in range(3):
                await session.read()

    before = asyncio.all_tasks()
    for place in range(1, 100):
        task = asyncio.create_task(_cancelled_at(work(), place))
        await asyncio.wait([task], timeout=LIMIT_S)
        assert task.done(), f"still running after its cancellation at await {place}"
        gone = asyncio.get_running_loop().time() + CLOSED_WITHIN_S
        while rig.connections() or asyncio.all_tasks() - before - {task}:
            assert asyncio.get_running_loop().time() < gone, f"left open by a cancellation at await {place}"
            await asyncio.sleep(0.001)
        if not task.cancelled():
            await task
            assert place > 3, "connecting and reading wait for nothing"
            break
    # What was not closed speaks up when it is collected, and warnings are errors here.
    gc.collect()


async def queues_nothing_behind_a_slow_store(rig: Rig) -> None:
    """What could not be taken in time is left out: after a pause there is one scan of each kind, not a backlog."""
    kinds = {(point.device, point.every_s) for point in rig.points}
    period = min(point.every_s for point in rig.points)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT_S), opened(rig) as session:
        for _ in range(3 * len(kinds)):
            await session.read()
        await asyncio.sleep(10 * period)
        begin = loop.time()
        taken = 0
        while loop.time() < begin + period / 2:
            await session.read()
            taken += 1
    assert taken <= 2 * len(kinds) + 1, f"{taken} batches were waiting after 10 missed periods"


async def runs_twice_side_by_side(rig: Rig) -> None:
    """Two links of one kind do not know of each other."""
    async with asyncio.timeout(LIMIT_S), opened(rig) as one:
        async with opened(rig) as other:
            batches = await asyncio.gather(one.read(), other.read())
            assert all(_all_good(batch) for batch in batches)
        assert _all_good(await one.read())


async def sets_points(rig: WritableRig) -> None:
    """What was written is there when ``write`` returns, for other connections too, and was sent once."""
    async with asyncio.timeout(LIMIT_S):
        async with _writable(rig) as session:
            for index, (point, value) in enumerate(rig.setpoints):
                assert (await session.fetch(index)).value != value, f"{point.name} holds it already"
                sent = rig.writes()
                await session.write(index, value)
                assert rig.writes() == sent + 1, point.name
                assert (await session.fetch(index))[:2] == (index, value), point.name
        async with _writable(rig) as session:
            for index, (point, value) in enumerate(rig.setpoints):
                assert (await session.fetch(index)).value == value, point.name


async def says_why_it_did_not_write(rig: WritableRig) -> None:
    """What the device refuses is NotWritten with its words, certainly; the point is as it was, the line goes on."""
    async with asyncio.timeout(LIMIT_S), _writable(rig) as session:
        refused = len(rig.setpoints)
        before = await session.fetch(refused)
        with pytest.raises(NotWritten) as caught:
            await session.write(refused, rig.refused.value)
        assert (caught.value.point, caught.value.unknown) == (rig.refused.point.name, False)
        assert caught.value.reason
        assert (await session.fetch(refused)).value == before.value
        await session.write(0, rig.setpoints[0].value)


async def refuses_what_a_point_cannot_hold(rig: WritableRig) -> None:
    """A value that is none of the point's is refused in words, and nothing is sent."""
    async with asyncio.timeout(LIMIT_S), _writable(rig) as session:
        for index, (point, _) in enumerate(rig.setpoints):
            with pytest.raises(NotWritten) as caught:
                await session.write(index, ("no", "such", "value"))
            assert (caught.value.point, caught.value.unknown) == (point.name, False)
    assert rig.writes() == 0


async def never_writes_twice(rig: WritableRig) -> None:
    """A device that says nothing may have heard it: the outcome is unknown, and nothing is sent again."""
    async with asyncio.timeout(LIMIT_S), _writable(rig) as session:
        await session.fetch(0)
        rig.silence(rig.setpoints[0].point.device)
        with pytest.raises(NotWritten) as caught:
            await session.write(0, rig.setpoints[0].value)
        assert caught.value.unknown
        assert rig.writes() == 1
        await asyncio.sleep(0.2)
    assert rig.writes() == 1


async def writes_nothing_while_it_is_unplugged(rig: WritableRig) -> None:
    """Where no device can be reached, that is said, and nothing is sent when the line is back."""
    async with asyncio.timeout(LIMIT_S), _writable(rig) as session:
        assert (await session.fetch(0)).value is not None
        await rig.unplug()
        with pytest.raises((NotWritten, LinkLost, OSError)):
            await session.write(0, rig.setpoints[0].value)
        await rig.plug()
        assert rig.writes() == 0


async def writes_while_it_reads(rig: WritableRig) -> None:
    """A write does not wait for the next scan, and scans go on after it."""
    async with asyncio.timeout(LIMIT_S), _writable(rig) as session:
        while not (await session.read()).readings:
            pass
        reading = asyncio.create_task(session.read())
        await session.write(0, rig.setpoints[0].value)
        assert (await session.fetch(0)).value == rig.setpoints[0].value
        assert (await reading).readings
        assert (await session.read()).readings


async def stays_in_order_where_a_write_is_cancelled(rig: WritableRig) -> None:
    """Cancelled at its first await, its second, and so on: sent once at the most, and the next write is right."""
    (point, value), *_ = rig.setpoints
    async with asyncio.timeout(4 * LIMIT_S), _writable(rig) as session:
        first = (await session.fetch(0)).value
        for place in range(1, 100):
            sent = rig.writes()
            task = asyncio.create_task(_cancelled_at(session.write(0, value), place))
            await asyncio.wait([task], timeout=CLOSED_WITHIN_S)
            assert task.done(), f"still running after its cancellation at await {place}"
            assert (await session.fetch(0)).value in (first, value), f"{point.name}: at await {place}"
            assert rig.writes() <= sent + 1, f"sent again after a cancellation at await {place}"
            await session.write(0, first)
            assert (await session.fetch(0)).value == first, f"{point.name}: after a cancellation at await {place}"
            if not task.cancelled():
                await task
                assert place > 1, "writing waits for nothing"
                break


async def hands_out_what_its_readings_came_from(rig: Rig) -> None:
    """Of a device that is recorded, ``decode`` makes the same readings of the blocks: values, times and doubts."""
    assert rig.adapter.decode is not None, "what is recorded must be read again"
    device = rig.points[0].device
    silent, good = False, 0
    async with asyncio.timeout(LIMIT_S), opened(rig) as session:
        assert isinstance(session, Recording)
        session.record({device})
        while True:
            batch = await session.read()
            own = {reading for reading in batch.readings if rig.points[reading.point].device == device}
            assert {block.device for block in batch.blocks} == ({device} if own else set())
            assert own <= {*rig.adapter.decode(rig.points, batch.blocks)}, own
            good += any(reading.status.quality is Quality.GOOD for reading in own)
            if silent and any(reading.status.quality is Quality.BAD for reading in own):
                break
            if good and not silent:
                silent = True
                rig.silence(device)


Check = Callable[[Rig], Awaitable[None]]
WriteCheck = Callable[[WritableRig], Awaitable[None]]
WRITE_CHECKS: tuple[WriteCheck, ...] = (
    sets_points,
    says_why_it_did_not_write,
    refuses_what_a_point_cannot_hold,
    never_writes_twice,
    writes_nothing_while_it_is_unplugged,
    writes_while_it_reads,
    stays_in_order_where_a_write_is_cancelled,
)
RECORD_CHECKS: tuple[Check, ...] = (hands_out_what_its_readings_came_from,)
CHECKS_OF_ONE: tuple[Check, ...] = (
    reads_all_points,
    refuses_wrong_settings,
    says_that_it_is_unplugged,
    reads_again_after_plugging_in,
    closes_wherever_it_is_cancelled,
    queues_nothing_behind_a_slow_store,
    runs_twice_side_by_side,
)
CHECKS: tuple[Check, ...] = (*CHECKS_OF_ONE, keeps_the_others_going)


@asynccontextmanager
async def _running(rig: Rig) -> AsyncIterator[tuple[asyncio.Queue[Batch], Health]]:
    """The link at work on the rig's line, and what it stores."""
    arrived: asyncio.Queue[Batch] = asyncio.Queue()
    health = Health("line", "rig")
    backoff = Backoff(first_s=0.01, limit_s=0.05)
    task = asyncio.create_task(link.run("rig", rig.adapter, rig.points, arrived.put, health, backoff=backoff))
    try:
        yield arrived, health
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=CLOSED_WITHIN_S)
        assert task.cancelled(), "the link does not stop"


async def _next(arrived: asyncio.Queue[Batch]) -> Batch:
    async with asyncio.timeout(LIMIT_S):
        return await arrived.get()


async def _until(arrived: asyncio.Queue[Batch], wanted: Callable[[Batch], bool]) -> Batch:
    while not wanted(batch := await _next(arrived)):
        pass
    return batch


def _all_good(batch: Batch) -> bool:
    return all(reading.status.quality is Quality.GOOD for reading in batch.readings)


def _bad(batch: Batch, rig: Rig, device: str) -> list[Reading]:
    return [r for r in batch.readings if rig.points[r.point].device == device and r.status.quality is Quality.BAD]


async def _cancelled_at(work: Coroutine[Any, Any, None], place: int) -> None:
    """Run, and cancel the running task when it comes to its ``place``-th await."""
    await _stepped(work, place)


@types.coroutine
def _stepped(work: Coroutine[Any, Any, None], place: int) -> Generator[Any, Any, None]:
    awaits = 0
    thrown: BaseException | None = None
    while True:
        try:
            waited = work.send(None) if thrown is None else work.throw(thrown)
        except StopIteration:
            return
        awaits += 1
        if awaits == place:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        thrown = None
        try:
            yield waited
        except BaseException as error:
            thrown = error
