"""Units that do not answer: what they cost the others of their line, and how soon one that is back is heard."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest

from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.session import Poller
from gateway.adapter import TIMEOUT, Choosing, LinkLost, Session
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import HELD, TIMEOUT_S, line, points, reasons, unit, values


async def until_lost(session: Session) -> None:
    while True:
        await session.read()


async def test_a_unit_that_times_out_is_bad_and_the_other_is_read(device: Device) -> None:
    device.silent.add(1)
    async with line(points(device)) as session:
        first, second = await session.read(), await session.read()
    assert [reading.status for reading in first.readings] == [TIMEOUT]
    assert values(second) == [2222]


async def test_a_silent_unit_is_probed_with_one_request_and_growing_pauses(device: Device) -> None:
    device.silent.add(1)
    loop = asyncio.get_running_loop()
    probes: list[float] = []
    short = TIMEOUT_S / 2
    fast, slow = points(device, [1], (0, 20), timeout=short), points(device, [1], (2,), every_s=60, timeout=short)
    async with line([*fast, *slow, *points(device, [2])]) as session:
        while len(probes) < SILENT_AFTER + 2:
            batch = await session.read()
            silent = {reading.point for reading in batch.readings if reading.status == TIMEOUT}
            if silent:
                probes.append(loop.time())
                if len(probes) > SILENT_AFTER:
                    assert silent == {0, 1, 2}, "all points of the unit are BAD at each probe"
    pauses = [later - earlier for earlier, later in pairwise(probes)][SILENT_AFTER - 1 :]
    assert pauses[0] >= 4 * short
    assert pauses[1] >= 8 * short
    assert sum(request[6] == 1 for request in device.requests) == len(probes)


async def test_a_unit_that_speaks_again_is_read_at_its_rate_with_all_its_scans(device: Device) -> None:
    device.silent.add(1)
    async with line([*points(device, [1, 2]), *points(device, [1], at=(5,), every_s=60)]) as session:
        failures = 0
        while failures < SILENT_AFTER:
            failures += TIMEOUT in {reading.status for reading in (await session.read()).readings}
        device.silent.clear()
        back: list[int] = []
        while len(back) < 4:
            batch = await session.read()
            back += [reading.point for reading in batch.readings if reading.value == 1111]
    assert sorted(set(back)) == [0, 2], "the slow scan did not wait for its minute"


async def test_a_unit_behind_a_gateway_that_does_not_reach_it_is_probed_too(device: Device) -> None:
    device.units[1].refuses = 11
    async with line(points(device)) as session:
        batches = [await session.read() for _ in range(20)]
    bad = [batch for batch in batches if reasons(batch) == {"exception 11: gateway target does not answer"}]
    assert len(bad) <= SILENT_AFTER + 1
    assert sum(values(batch) == [2222] for batch in batches) >= 16


async def test_a_line_on_which_nobody_answers_any_more_is_lost(device: Device) -> None:
    async with line(points(device)) as session:
        await session.read()
        device.silent |= {1, 2}
        with pytest.raises(LinkLost, match="no unit answers"):
            await until_lost(session)


@pytest.mark.parametrize("rarely_s", [3600.0, math.inf])
async def test_a_line_is_given_up_though_one_unit_of_it_is_read_rarely(device: Device, rarely_s: float) -> None:
    async with line([*points(device, [2]), *points(device, [1], every_s=rarely_s)]) as session:
        await session.read()
        await session.read()
        device.silent |= {1, 2}
        before = len(device.requests)
        with pytest.raises(LinkLost, match="no unit answers"):
            await until_lost(session)
    assert len(device.requests) - before <= 2 * SILENT_AFTER + 2


async def test_a_unit_that_is_read_rarely_and_is_well_keeps_the_line(device: Device) -> None:
    device.silent.add(2)
    async with line([*points(device, [2]), *points(device, [1], every_s=3600)]) as session:
        batches = [await session.read() for _ in range(SILENT_AFTER + 4)]
    assert sum(request[6] == 1 for request in device.requests) > 1, "it was asked before its hour was over"
    assert sum(values(batch) == [1111] for batch in batches) == 1, "but what is read once an hour is given out once"


async def test_a_line_is_given_up_though_nothing_is_to_be_read_of_one_unit_of_it(device: Device) -> None:
    async with line(points(device)) as session:
        assert isinstance(session, Choosing)
        session.leave({1})
        device.silent |= {1, 2}
        with pytest.raises(LinkLost, match="no unit answers"):
            await until_lost(session)


async def test_a_unit_that_is_read_rarely_is_not_given_up_for_one_silent_request(device: Device) -> None:
    device.mangle = lambda request, answer: [] if request[6:10] == b"\1\3\0\0" else [answer]
    device.silent.add(2)
    async with line([*points(device, [2]), *points(device, [1], at=(0, 20), every_s=3600)]) as session:
        for _ in range(2 * SILENT_AFTER):
            await session.read()


async def test_a_request_that_alone_is_not_answered_is_left_alone_and_the_others_keep_their_rate(
    device: Device,
) -> None:
    device.mangle = lambda request, answer: [] if request[6:10] == b"\1\3\0\x14" else [answer]
    given = [*points(device, [1], at=(0, 20), every_s=0.1), *points(device, [2], every_s=0.02)]
    loop = asyncio.get_running_loop()
    seen: dict[int, list[object]] = {0: [], 1: [], 2: []}
    async with line(given) as session:
        assert isinstance(session, Poller)
        begin = loop.time()
        while loop.time() < begin + 3.0:
            for reading in (await session.read()).readings:
                seen[reading.point].append(reading.value)
        timeouts = session.counters["timeouts"]
    assert timeouts <= SILENT_AFTER + 4, "after three of them with pauses of 0.4, 0.8, 1.6 s"
    assert set(seen[1]) == {None}
    assert seen[0].count(1111) >= 20
    assert set(seen[0]) <= {1111, None}
    assert len(seen[2]) >= 0.7 * 3.0 / 0.02


async def test_it_is_read_again_soon_after_it_is_answered(device: Device) -> None:
    device.mangle = lambda request, answer: [] if request[6:10] == b"\1\3\0\x14" else [answer]
    async with line(points(device, [1], at=(0, 20))) as session:
        while not (isinstance(session, Poller) and session.counters["held_back"]):
            await session.read()
        device.mangle = None
        while values(await session.read()) != [1111, 1111]:
            pass
        batches = [await session.read() for _ in range(5)]
    assert all(values(batch) == [1111, 1111] for batch in batches)


async def test_many_dead_units_do_not_starve_the_living_from_the_start_on(device: Device) -> None:
    living, dead = [1, 2], range(10, 20)
    for number in dead:
        device.units[number] = unit(9)
    device.silent |= set(dead)
    given = points(device, [*living, *dead], every_s=0.1, timeout=0.05)
    loop = asyncio.get_running_loop()
    good: list[float] = []
    async with line(given) as session:
        begin = loop.time()
        while loop.time() < begin + 4.0:
            for reading in (await session.read()).readings:
                if reading.value is not None:
                    assert reading.value == HELD[living[reading.point]]
                    good.append(loop.time() - begin)
        silent = isinstance(session, Poller) and len(session._breaker.silent)
    assert silent == len(dead)
    assert len(good) >= 0.75 * len(living) * 4.0 / 0.1
    assert sum(at > 3.0 for at in good) >= 0.9 * len(living) * 1.0 / 0.1


async def test_where_one_unit_is_back_the_others_are_tried_at_once(device: Device) -> None:
    numbers = range(10, 16)
    for number in numbers:
        device.units[number] = unit(number)
    device.silent |= set(numbers)
    given = points(device, [1, *numbers], every_s=0.05, timeout=0.05)
    loop = asyncio.get_running_loop()
    async with line(given) as session:
        assert isinstance(session, Poller)
        while len(session._breaker.silent) < len(numbers):
            await session.read()
        device.silent.clear()
        back_at: dict[int, float] = {}
        while len(back_at) < len(numbers):
            for reading in (await session.read()).readings:
                if reading.point and reading.value is not None:
                    back_at.setdefault(reading.point, loop.time())
    assert max(back_at.values()) - min(back_at.values()) <= 0.1, "in one go, not each with its own probe"
