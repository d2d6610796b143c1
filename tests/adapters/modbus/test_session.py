"""The line at work: one connection, one request at a time, units that fall silent, lines that break."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from itertools import pairwise

import pytest

from adapters.modbus.schedule import SILENT_AFTER
from adapters.modbus.session import Poller
from gateway.adapter import TIMEOUT, LinkLost, Quality, Session
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import PERIOD_S, TIMEOUT_S, line, points, reasons, values


async def until_lost(session: Session) -> None:
    while True:
        await session.read()


async def test_all_units_of_a_line_share_one_connection_and_wait_for_each_other(device: Device) -> None:
    under_way = 0

    async def slowly(request: bytes, answer: bytes) -> list[bytes | float]:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.005)
        under_way -= 1
        return [answer]

    device.mangle = slowly
    async with line(points(device)) as session:
        for _ in range(10):
            await session.read()
    assert device.accepted == 1
    assert Counter(request[6] for request in device.requests) == {1: 5, 2: 5}


async def test_transactions_count_up_and_are_never_0(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.modbus.session.secrets.randbelow", lambda limit: limit - 3)
    async with line(points(device, every_s=0.005)) as session:
        for _ in range(6):
            assert all(reading.value is not None for reading in (await session.read()).readings)
    assert [int.from_bytes(request[:2], "big") for request in device.requests[:6]] == [65534, 65535, 1, 2, 3, 4]


async def test_a_scan_is_all_points_of_a_device_with_one_rate_at_one_time(device: Device) -> None:
    fast, slow = points(device, [1], at=(0, 1, 30)), points(device, [1], at=(2,), every_s=60)
    async with line([*fast, *slow]) as session:
        scans = [await session.read() for _ in range(3)]
    assert sorted([reading.point for reading in scan.readings] for scan in scans[:2]) == [[0, 1, 2], [3]]
    assert all(len({reading.at_ns for reading in scan.readings}) == 1 for scan in scans)
    assert [reading.point for reading in scans[2].readings] == [0, 1, 2]


async def test_the_period_is_kept_whatever_an_answer_takes(device: Device) -> None:
    device.mangle = lambda request, answer: [0.02, answer]
    loop = asyncio.get_running_loop()
    async with line(points(device, [1])) as session:
        await session.read()
        begin = loop.time()
        for _ in range(10):
            await session.read()
        assert loop.time() - begin == pytest.approx(10 * PERIOD_S, abs=0.4 * PERIOD_S)


async def test_a_device_that_is_slower_than_its_period_is_read_as_often_as_it_can(device: Device) -> None:
    device.mangle = lambda request, answer: [1.5 * PERIOD_S, answer]
    async with line(points(device, [1])) as session:
        assert isinstance(session, Poller)
        for _ in range(5):
            assert values(await session.read()) == [1111]
        assert session.counters["late_scans"] >= 2
        assert session.counters["requests"] == 5


async def test_an_exception_is_bad_for_its_request_alone(device: Device) -> None:
    async with line(points(device, [1], at=(0, 500, 10))) as session:
        by_point = {reading.point: reading for reading in (await session.read()).readings}
    assert (by_point[0].value, by_point[1].value, by_point[2].value) == (1111, None, 1111)
    assert by_point[1].status == (Quality.BAD, "exception 2: illegal data address", 2)


async def test_an_address_that_is_passed_over_in_silence_does_not_hide_the_others(device: Device) -> None:
    device.mangle = lambda request, answer: [] if request[8:10] == b"\0\0" else [answer]
    seen: dict[int, set[object]] = {0: set(), 1: set()}
    async with line(points(device, [1], at=(0, 20))) as session:
        for _ in range(8):
            for reading in (await session.read()).readings:
                seen[reading.point].add(reading.value)
    assert seen == {0: {None}, 1: {None, 1111}}


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


async def test_a_refusing_device_is_no_lost_line(device: Device) -> None:
    device.units[1].refuses = 4
    async with line(points(device, [1], every_s=0.005)) as session:
        for _ in range(3 * SILENT_AFTER):
            assert reasons(await session.read()) == {"exception 4: device failure"}


async def test_a_connection_that_is_closed_while_nothing_is_due_is_lost_at_once(device: Device) -> None:
    async with line(points(device, [1], every_s=60)) as session:
        await session.read()
        waiting = asyncio.create_task(session.read())
        await asyncio.sleep(0)
        device.cut()
        with pytest.raises(LinkLost, match="connection"):
            await waiting


async def test_a_connection_that_is_closed_under_a_request_is_lost(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    async with line(points(device)) as session:
        with pytest.raises(LinkLost, match="connection"):
            await session.read()


async def test_nobody_listens(device: Device) -> None:
    await device.unplug()
    with pytest.raises(ConnectionRefusedError):
        async with line(points(device)):
            pytest.fail("connected to nothing")


async def test_a_host_that_does_not_answer_is_given_up_in_time(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_connection", nothing)
    begin = loop.time()
    with pytest.raises(TimeoutError):
        async with line(points(device)):
            pytest.fail("connected to nothing")
    assert loop.time() - begin < 5 * TIMEOUT_S


async def test_the_connection_notices_a_peer_that_vanished(device: Device) -> None:
    async with line(points(device)) as session:
        assert isinstance(session, Poller)
        raw: socket.socket = session._wire._transport.get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
