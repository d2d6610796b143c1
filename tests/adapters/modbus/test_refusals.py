"""Illegal addresses on a living line: found beside the rhythm, named once, and all others are read."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter

import pytest

from adapters.modbus import quarantine
from adapters.modbus import session as sessions
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.replay import decode
from adapters.modbus.session import Poller
from gateway.adapter import Quality, Session
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import line, points, values

ILLEGAL = "exception 2: illegal data address"
COUNT = 40


async def settled(session: Session, scans: int = 20) -> dict[int, object]:
    """The value of every point after some scans."""
    found: dict[int, object] = {}
    for _ in range(scans):
        batch = await session.read()
        assert len({reading.point for reading in batch.readings}) == len(batch.readings), "one reading of each point"
        found |= {reading.point: reading.value for reading in batch.readings}
    return found


def of_unit(device: Device, unit: int) -> list[tuple[int, int]]:
    """First and count of what was asked of a unit."""
    return [
        (int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big"))
        for request in device.requests
        if request[6] == unit
    ]


async def test_one_illegal_address_is_bad_with_its_words_and_all_others_are_read(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.units[1].faults = {17: 2}
    with caplog.at_level(logging.INFO, "fieldgate"):
        async with line(points(device, [1], at=range(COUNT), every_s=0.005)) as session:
            assert isinstance(session, Poller)
            found = await settled(session)
            last = await session.read()
            counted = session.counters["quarantined"]
    assert found == {at: None if at == 17 else 1111 for at in range(COUNT)}
    assert {r.point: r.status for r in last.readings}[17] == (Quality.BAD, ILLEGAL, 2)
    assert of_unit(device, 1)[-2:] == [(0, 17), (18, 22)]
    assert counted == 1
    assert caplog.messages == [f"unit-1: not read, and tried again within the hour: p17 ({ILLEGAL})"]


async def test_the_search_costs_two_requests_a_scan_and_the_others_keep_their_rate(device: Device) -> None:
    device.units[1].faults = {17: 2}
    async with line([*points(device, [1], at=range(COUNT)), *points(device, [2])]) as session:
        batches = [await session.read() for _ in range(24)]
    scans = Counter(batch.readings[0].point == COUNT for batch in batches)
    assert scans == {True: 12, False: 12}
    assert len(of_unit(device, 1)) <= 12 + 2 * math.ceil(math.log2(COUNT)) + 12
    good = [sum(reading.value == 1111 for reading in batch.readings) for batch in batches if len(batch.readings) > 1]
    assert good[:3] == [0, 20, 30], "with each scan half of the rest is found to be well"
    assert good[-1] == COUNT - 1


async def test_what_nobody_asked_for_is_not_read_along_where_it_is_illegal(device: Device) -> None:
    del device.units[1].registers[3][4]
    async with line(points(device, [1], at=(0, 1, 2, 7, 8), every_s=0.005)) as session:
        assert await settled(session) == dict.fromkeys(range(5), 1111)
    assert of_unit(device, 1)[-2:] in ([(0, 2), (2, 7)], [(0, 3), (7, 2)])


async def test_a_device_whose_longest_read_nobody_wrote_down_is_read_in_shorter_blocks(device: Device) -> None:
    device.units[1].longest = 16
    async with line(points(device, [1], at=range(COUNT), every_s=0.005)) as session:
        assert await settled(session) == dict.fromkeys(range(COUNT), 1111)
        assert isinstance(session, Poller)
        assert session.counters["quarantined"] == 0


async def test_a_profile_that_does_not_fit_at_all_does_not_flood_the_line(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.units[1].refuses = 2
    async with line([*points(device, [1], at=range(COUNT)), *points(device, [2])]) as session:
        batches = [await session.read() for _ in range(40)]
    assert sum(values(batch) == [2222] for batch in batches) == 20
    assert len(of_unit(device, 1)) <= 2 * 20
    assert len(caplog.messages) <= 20


async def test_a_quarantined_address_that_becomes_legal_is_read_and_said_to_be(
    device: Device, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quarantine, "FIRST_PAUSE_S", 0.1)
    device.units[1].faults = {3: 2}
    with caplog.at_level(logging.INFO, "fieldgate"):
        async with line(points(device, [1], at=range(4), every_s=0.005)) as session:
            assert (await settled(session, 10))[3] is None
            device.units[1].faults = {}
            while None in values(await session.read()):
                pass
            await session.read()
    assert of_unit(device, 1)[-1] == (0, 4), "and with its neighbours again"
    assert caplog.messages[1:] == ["unit-1: read again: p3"]


async def test_a_refusal_of_the_moment_leaves_the_block_whole_and_no_point_is_read_twice_or_missing(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "FIRST_PAUSE_S", 0.1)
    device.units[1].faults = dict.fromkeys(range(COUNT), 2)
    async with line(points(device, [1], at=range(COUNT), every_s=0.005)) as session:
        await session.read()
        device.units[1].faults = {}
        before = len(of_unit(device, 1))
        while (0, COUNT) not in of_unit(device, 1)[before:]:
            batch = await session.read()
            assert sorted(reading.point for reading in batch.readings) == list(range(COUNT))
        batches = [await session.read() for _ in range(10)]
    assert all(values(batch) == [1111] * COUNT for batch in batches)
    assert of_unit(device, 1)[-9:] == [(0, COUNT)] * 9


async def test_a_block_that_is_too_long_is_tried_whole_now_and_then_and_spoils_nothing(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "FIRST_PAUSE_S", 0.05)
    device.units[1].longest = 16
    async with line(points(device, [1], at=range(COUNT), every_s=0.005)) as session:
        await settled(session)
        before = len(of_unit(device, 1))
        for _ in range(60):
            batch = await session.read()
            assert values(batch) == [1111] * COUNT
            assert sorted(reading.point for reading in batch.readings) == list(range(COUNT))
    tried = [count for _, count in of_unit(device, 1)[before:] if count > 16]
    assert 2 <= len(tried) <= 20


async def test_a_unit_that_was_away_is_asked_everything_anew(device: Device) -> None:
    device.units[1].faults = {3: 2}
    async with line(points(device, [1, 2], at=range(4), every_s=0.02, timeout=0.02)) as session:
        await settled(session, 20)
        device.silent.add(1)
        failures = 0
        while failures < SILENT_AFTER:
            failures += any(reading.status.reason == "timeout" for reading in (await session.read()).readings)
        device.silent.clear()
        device.units[1].faults = {}
        while values(await session.read()) != [1111] * 4:
            pass


async def test_a_slow_scan_is_searched_soon_and_not_at_its_own_rate(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SEARCH_S", 0.01)
    device.units[1].faults = {3: 2}
    for every_s in (3600.0, math.inf):
        async with line(points(device, [1], at=range(8), every_s=every_s)) as session:
            found = await settled(session, 4)
            assert found == {at: None if at == 3 else 1111 for at in range(8)}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await session.read()


async def test_another_exception_is_nobodys_address(device: Device) -> None:
    device.units[1].faults = {3: 4}
    async with line(points(device, [1], at=range(8), every_s=0.005)) as session:
        assert set((await settled(session, 4)).values()) == {None}
    assert of_unit(device, 1) == [(0, 8)] * 4


async def test_a_look_goes_round_an_illegal_address(device: Device) -> None:
    device.units[1].faults = {5: 2}
    asked = points(device, [1], at=range(8))
    async with line(asked) as session:
        assert isinstance(session, Poller)
        seen = await session.look()
    assert [(block.key, block.status.reason) for block in seen] == [
        ("holding 0..3", ""),
        ("holding 4", ""),
        ("holding 5", ILLEGAL),
        ("holding 6..7", ""),
    ]
    assert [reading.value for reading in decode(asked, seen)] == [1111] * 5 + [None] + [1111] * 2
