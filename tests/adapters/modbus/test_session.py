"""The line at work: one request at a time, units that fall silent, points that come in parts, and a look at it all."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from adapters.modbus import session as session_module
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.plan import Scan, scan_of
from adapters.modbus.replay import decode
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import GOOD, TIMEOUT, Choosing, LinkLost, Looking, Point, Quality, Recording, Session, encoding
from tests.adapters.modbus.device import Device, Unit
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


async def test_what_came_before_a_wrong_answer_in_the_same_scan_is_not_believed_either(device: Device) -> None:
    device.mangle = lambda request, answer: [answer if request[8:10] == b"\0\0" else answer[:6] + b"\x09" + answer[7:]]
    async with line(points(device, [1], at=(0, 20))) as session:
        batch = await session.read()
    assert [reading.status.reason for reading in batch.readings] == ["wrong answer: unit 9 instead of 1"] * 2


async def test_an_address_that_is_passed_over_in_silence_does_not_hide_the_others(device: Device) -> None:
    device.mangle = lambda request, answer: [] if request[8:10] == b"\0\0" else [answer]
    seen: dict[int, set[object]] = {0: set(), 1: set()}
    async with line(points(device, [1], at=(0, 20))) as session:
        for _ in range(8):
            for reading in (await session.read()).readings:
                seen[reading.point].add(reading.value)
    assert seen == {0: {None}, 1: {None, 1111}}


async def test_a_refusing_device_is_no_lost_line(device: Device) -> None:
    device.units[1].refuses = 4
    async with line(points(device, [1], every_s=0.005)) as session:
        for _ in range(3 * SILENT_AFTER):
            assert reasons(await session.read()) == {"exception 4: device failure"}


async def test_nobody_listens(device: Device) -> None:
    await device.unplug()
    with pytest.raises(ConnectionRefusedError):
        async with line(points(device)):
            pytest.fail("connected to nothing")


async def test_a_host_that_does_not_answer_is_given_up_in_time(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_connection", nothing)
    begin = loop.time()
    with pytest.raises(TimeoutError):
        async with line(points(device)):
            pytest.fail("connected to nothing")
    assert loop.time() - begin < 5 * TIMEOUT_S


def of_unit_1(
    device: Device, *addresses: Address, every_s: float = PERIOD_S, base: int = 0
) -> list[Point[Connect, Address]]:
    connect = Connect(modbus=device.endpoint, timeout=TIMEOUT_S, base=base)
    return [Point("unit-1", connect, f"p{index}", address, every_s) for index, address in enumerate(addresses)]


async def test_a_value_that_is_not_of_its_type_is_bad_and_its_neighbours_are_read(device: Device) -> None:
    device.units[1].put(3, 0, bytes.fromhex("ffff 0012 0034"))
    asked = of_unit_1(device, Address(at=0, type="bcd16"), Address(at=1, type="bcd32"))
    async with line(asked) as session:
        first, second = (await session.read()).readings
    assert (first.value, first.status) == (None, encoding.NOT_BCD)
    assert (second.value, second.status) == (120034, GOOD)


async def test_a_point_in_parts_is_joined_over_the_requests_of_its_scan(device: Device) -> None:
    device.units[1].put(3, 3, bytes.fromhex("3333"))
    device.units[1].put(3, 30, bytes.fromhex("4366"))
    asked = of_unit_1(device, Address(registers=(30, 3), type="float32"), Address(at=4))
    async with line(asked) as session:
        by_point = {reading.point: reading for reading in (await session.read()).readings}
    assert [by_point[0].value, by_point[1].value] == [230.1999969482422, 1111]
    assert len(device.requests) == 2
    assert by_point[0].at_ns == by_point[1].at_ns


async def test_a_point_of_which_a_part_is_refused_is_bad(device: Device) -> None:
    asked = of_unit_1(device, Address(registers=(500, 3), type="float32"), Address(at=4))
    async with line(asked) as session:
        by_point = {reading.point: reading for reading in (await session.read()).readings}
    assert by_point[0].value is None
    assert by_point[0].status.code == 2
    assert by_point[1].value == 1111


async def test_the_base_of_a_device_is_where_it_is_asked(device: Device) -> None:
    async with line(of_unit_1(device, Address(at=2), base=30)) as session:
        await session.read()
    assert device.requests[0][8:12] == bytes.fromhex("0020 0001")


async def test_what_is_read_once_is_asked_again_where_it_was_not_answered(device: Device) -> None:
    silences = iter([True])
    device.mangle = lambda request, answer: [] if next(silences, False) else [answer]
    async with line(of_unit_1(device, Address(at=0), every_s=math.inf)) as session:
        assert [reading.status for reading in (await session.read()).readings] == [TIMEOUT]
        assert values(await session.read()) == [1111]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4 * PERIOD_S):
                await session.read()
    assert len(device.requests) == 2


@pytest.mark.parametrize("code", [4, 6])
async def test_what_is_read_once_is_asked_again_where_it_was_refused(device: Device, code: int) -> None:
    """A device that boots refuses; growing pauses leave one alone that always will. (Illegal addresses: quarantine.)"""
    device.units[1].refuses = code
    loop = asyncio.get_running_loop()
    asked: list[float] = []
    every_s = [math.inf, 0.5]
    points = [
        Point("unit-1", Connect(modbus=device.endpoint, timeout=TIMEOUT_S / 4), f"p{at}", Address(at=at), every_s[at])
        for at in (0, 1)
    ]
    async with line(points) as session:
        while len(asked) < 4:
            batch = await session.read()
            asked += [loop.time() for reading in batch.readings if reading.point == 0]
            if len(asked) == 3:
                device.units[1].refuses = 0
        assert values(batch) == [1111]
        for _ in range(3):
            assert [reading.point for reading in (await session.read()).readings] == [1], "once is enough"
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses == [pytest.approx(TIMEOUT_S * 2**n, abs=0.5 * TIMEOUT_S) for n in range(3)]


async def test_a_look_asks_every_request_once_and_can_be_read_again(device: Device) -> None:
    asked = [*points(device, (1, 2), at=(0, 1, 30)), *points(device, [1], at=(5,), every_s=60)]
    async with line(asked) as session:
        assert isinstance(session, Looking)
        seen = await session.look()
        assert [(block.device, block.key, len(block.data)) for block in seen] == [
            ("unit-1", "holding 0..1", 4),
            ("unit-1", "holding 30", 2),
            ("unit-2", "holding 0..1", 4),
            ("unit-2", "holding 30", 2),
            ("unit-1", "holding 5", 2),
        ]
        assert len(device.requests) == len(seen)
        assert [reading.value for reading in decode(asked, seen)] == [1111] * 3 + [2222] * 3 + [1111]
        assert (await session.read()).readings, "the rhythm goes on"


async def test_what_a_look_does_not_get_is_a_block_with_its_reason(device: Device) -> None:
    device.silent.add(2)
    asked = points(device, (1, 2), at=(0, 500))
    async with line(asked) as session:
        assert isinstance(session, Looking)
        seen = await session.look()
    assert [(block.key, block.status.reason) for block in seen] == [
        ("holding 0", ""),
        ("holding 500", "exception 2: illegal data address"),
        ("holding 0", "timeout"),
        ("holding 500", "timeout"),
    ]
    assert [block.data for block in seen[1:]] == [b"", b"", b""]
    assert [reading.status.reason for reading in decode(asked, seen)] == [block.status.reason for block in seen]


async def test_a_look_does_not_wait_for_a_silent_unit_again_and_again(device: Device) -> None:
    device.silent.add(1)
    async with line([*points(device, [1], at=range(0, 100, 10)), *points(device, [2])]) as session:
        assert isinstance(session, Looking)
        seen = await session.look()
    assert [block.status for block in seen] == [TIMEOUT] * 10 + [GOOD]
    assert Counter(request[6] for request in device.requests) == {1: SILENT_AFTER, 2: 1}


async def test_a_look_goes_on_after_a_wrong_answer(device: Device) -> None:
    broken = iter([True])
    device.mangle = lambda request, answer: [answer[:6] + b"\x09" + answer[7:] if next(broken, False) else answer]
    async with line(points(device, [1], at=(0, 20))) as session:
        assert isinstance(session, Looking)
        first, second = await session.look()
    assert first.status.reason == "wrong answer: unit 9 instead of 1"
    assert (second.status, second.data) == (GOOD, (1111).to_bytes(2, "big"))


async def test_a_look_at_a_line_that_breaks_is_lost(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    async with line(points(device)) as session:
        assert isinstance(session, Looking)
        with pytest.raises(LinkLost, match="connection"):
            await session.look()


async def test_only_devices_that_are_recorded_cost_blocks(device: Device) -> None:
    async with line(points(device, at=(0, 1, 30))) as session:
        before = [await session.read() for _ in range(2)]
        assert isinstance(session, Recording)
        session.record({"unit-2"})
        after = [await session.read() for _ in range(4)]
    assert [batch.blocks for batch in before] == [(), ()]
    assert {(batch.readings[0].point, len(batch.blocks)) for batch in after} == {(0, 0), (3, 2)}
    [blocks, *_] = [batch.blocks for batch in after if batch.blocks]
    assert [(block.device, block.key, len(block.data)) for block in blocks] == [
        ("unit-2", "holding 0..1", 4),
        ("unit-2", "holding 30", 2),
    ]


async def test_what_is_left_out_after_a_refusal_is_recorded_as_refused(device: Device) -> None:
    del device.units[1].registers[3][5]
    given = points(device, [1], at=(0, 5, 30))
    async with line(given) as session:
        assert isinstance(session, Recording)
        session.record({"unit-1"})
        for _ in range(6):
            batch = await session.read()
            assert {*batch.readings} == {*decode(given, batch.blocks)}
    assert [reading.status.code for reading in sorted(batch.readings)] == [None, 2, None]


async def test_a_look_ends_where_nothing_of_a_scan_is_to_be_read(device: Device) -> None:
    asked = [*points(device, [1], at=(0,)), *points(device, [1], at=(5,), every_s=60)]
    async with line(asked) as session:
        assert isinstance(session, Choosing)
        assert isinstance(session, Looking)
        session.leave({1})
        assert [block.key for block in await session.look()] == ["holding 0"]


async def test_a_point_that_turns_out_to_be_there_is_read_though_its_only_turn_has_passed(device: Device) -> None:
    asked = [*points(device, [1], at=(0, 5), every_s=math.inf), *points(device, [1], at=(30,), every_s=0.05)]
    async with line(asked) as session:
        assert isinstance(session, Choosing)
        session.leave({1})
        before = {reading.point for _ in range(4) for reading in (await session.read()).readings}
        session.leave(frozenset())
        after = {reading.point for _ in range(4) for reading in (await session.read()).readings}
    assert before == {0, 2}
    assert after == {0, 1, 2}


def held_up(device: Device) -> tuple[asyncio.Event, asyncio.Event]:
    """The device waits with its answers: the first event tells that it was asked, the second lets it go on."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: bytes, answer: bytes) -> list[bytes | float]:
        asked.set()
        await go_on.wait()
        return [answer]

    device.mangle = slowly
    return asked, go_on


async def test_what_is_left_while_it_is_being_read_teaches_nothing_about_what_is_read_from_then_on() -> None:
    device = Device({1: Unit()})
    device.units[1].registers[3] = dict.fromkeys(range(40), 5)
    device.units[1].faults = {30: 2}
    asked, go_on = held_up(device)
    await device.plug()
    async with line(points(device, [1], at=(0, 1, 30), every_s=0.01)) as session:
        assert isinstance(session, Poller)
        reading = asyncio.create_task(session.read())
        await asyncio.wait_for(asked.wait(), 2)
        session.leave({2})
        go_on.set()
        await reading
        device.mangle = None
        for _ in range(3):
            assert [(one.point, one.value) for one in (await session.read()).readings] == [(0, 5), (1, 5)]
        assert session.counters["quarantined"] == 0
    await device.unplug()


@pytest.mark.parametrize("refuses", [2, 6])
async def test_what_is_read_once_is_read_also_where_something_was_left_during_its_only_turn(refuses: int) -> None:
    device = Device({1: Unit()})
    device.units[1].registers[3] = dict.fromkeys(range(40), 5)
    device.units[1].refuses = refuses
    asked, go_on = held_up(device)
    await device.plug()
    async with line(points(device, [1], at=(0, 1, 30), every_s=math.inf)) as session:
        assert isinstance(session, Poller)
        reading = asyncio.create_task(session.read())
        await asyncio.wait_for(asked.wait(), 2)
        session.leave({2})
        device.units[1].refuses = 0
        go_on.set()
        await reading
        device.mangle = None
        assert [(one.point, one.value) for one in (await session.read()).readings] == [(0, 5), (1, 5)]
    await device.unplug()


async def test_only_scans_of_which_something_is_left_are_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device({number: Unit() for number in range(1, 20)})
    await device.plug()
    planned: list[Sequence[int]] = []
    async with line(points(device, range(1, 20), at=(0, 1))) as session:
        assert isinstance(session, Poller)

        def noted(given: Any, members: Sequence[int], **more: Any) -> Scan:
            planned.append(members)
            return scan_of(given, members, **more)

        monkeypatch.setattr(session_module, "scan_of", noted)
        session.leave({5})
        session.leave({5, 8})
        session.leave({8})
        session.leave({8})
    await device.unplug()
    assert planned == [[4, 5], [8, 9], [4, 5]]
