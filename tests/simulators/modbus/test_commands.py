"""What the lines are told over the control socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulators import modbus
from simulators.control import RequestInvalid
from simulators.modbus import Meters, Settings
from simulators.modbus.endpoint import Endpoint, tcp
from simulators.modbus.points import Address, Device, Point
from tests.simulators.modbus.frames import asked, request
from tests.simulators.modbus.ports import opened

HOST = "127.0.0.1"
POINTS = (Point("a", Address(0), held=42), Point("b", Address(1), held=43))


@pytest.fixture
async def meters(tmp_path: Path) -> AsyncIterator[Meters]:
    bus = Endpoint("rtu", path=str(tmp_path / "bus"))
    devices = [Device("a", tcp(HOST, 0), 1, POINTS), Device("b", tcp(HOST, 0), 2, POINTS), Device("c", bus, 1, POINTS)]
    async with modbus.serve(Settings(devices=devices)) as running:
        yield running
    await asyncio.sleep(0)


async def tell(meters: Meters, command: str, **more: Any) -> Any:
    return await modbus.commands(meters)[command]({"command": command} | more)


async def read(meters: Meters, unit: int, count: int = 1, wait_s: float = 5.0) -> bytes:
    (answer,) = await asked(HOST, meters.lines[0].port, request(unit, 3, 0, count), wait_s=wait_s)
    return answer


async def test_a_unit_answers_wrongly_until_it_is_told_otherwise(meters: Meters) -> None:
    await tell(meters, "wrong", how="no data", unit=1, line=meters.lines[0].address)
    assert [await read(meters, 1), await read(meters, 1), await read(meters, 2)] == [b"\3\0", b"\3\0", b"\3\2\0\x2a"]
    assert (await tell(meters, "stats"))["lines"][meters.lines[0].address]["wrong"] == {"1": "no data"}
    await tell(meters, "right", unit=1)
    assert await read(meters, 1) == b"\3\2\0\x2a"
    await tell(meters, "wrong", how="no data", count=1)
    assert [await read(meters, 2), await read(meters, 2)] == [b"\3\0", b"\3\2\0\x2a"]
    await tell(meters, "wrong", how="nothing", unit=1)
    await tell(meters, "right")
    assert await read(meters, 1) == b"\3\2\0\x2a"


async def test_addresses_are_refused_and_allowed_again(meters: Meters) -> None:
    await tell(meters, "refuse", unit=1, at=1, code=2)
    assert [await read(meters, 1), await read(meters, 1, 2), await read(meters, 2)] == [
        b"\3\2\0\x2a",
        b"\x83\2",
        b"\3\2\0\x2a",
    ]
    await tell(meters, "allow", unit=1, at=0, count=10)
    assert (await read(meters, 1, 2))[0] == 3


async def test_units_are_delayed(meters: Meters) -> None:
    clock = asyncio.get_running_loop().time
    await tell(meters, "delay", unit=1, seconds=0.2)
    began = clock()
    assert await read(meters, 1)
    assert clock() - began >= 0.2
    assert (await tell(meters, "stats"))["lines"][meters.lines[0].address]["delays"] == {"1": 0.2}
    await tell(meters, "delay", unit=1, seconds=0)
    assert (await tell(meters, "stats"))["lines"][meters.lines[0].address]["delays"] == {}


async def test_a_serial_line_becomes_slow_and_is_pulled_out(meters: Meters, tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    bus = meters.lines[1].address
    with opened(tmp_path / "bus") as port:
        await tell(meters, "slow", baud=1200, line=bus)
        began = clock()
        assert len(await port.asked(bytes.fromhex("01 03 0000 0001 840a"), 7)) == 7
        assert clock() - began >= 15 * 11 / 1200
        await tell(meters, "slow", baud=0, line=bus)
        assert len(await port.asked(bytes.fromhex("01 03 0000 0001 840a"), 7, 0.1)) == 7
    await tell(meters, "unplug", line=bus)
    assert not (tmp_path / "bus").exists()
    await tell(meters, "plug", line=bus)
    assert (tmp_path / "bus").exists()


async def test_connections_are_limited_and_idle_ones_closed(meters: Meters) -> None:
    await tell(meters, "limit", connections=0)
    reader, writer = await asyncio.open_connection(HOST, meters.lines[0].port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await tell(meters, "limit")
    await tell(meters, "idle", seconds=0.05)
    reader, writer = await asyncio.open_connection(HOST, meters.lines[0].port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("command", "more", "why"),
    [
        ("wrong", {"how": "sideways"}, "no way 'sideways' on .*; there are: another unit, "),
        ("wrong", {"how": "transaction 0"}, "no way 'transaction 0' on rtu://"),
        ("wrong", {}, "no way"),
        ("wrong", {"how": "text", "unit": 9}, "no unit 9; there are: 1, 2"),
        ("refuse", {"unit": 1, "at": 1}, "name the code"),
        ("refuse", {"unit": 1, "at": 1, "code": 9}, "code must be one of 1, 2, 3"),
        ("refuse", {"at": 1, "code": 2}, "name the unit"),
        ("refuse", {"unit": 1, "at": 1, "code": 2, "table": "holdings"}, "table must be one of coil, "),
        ("allow", {"unit": 1, "at": 65535, "count": 2}, "addresses end at 65535"),
        ("slow", {"baud": 9600, "line": "x"}, "no line x"),
        ("delay", {"seconds": -1}, "seconds must be a number"),
    ],
)
async def test_what_cannot_be_done_is_said(meters: Meters, command: str, more: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestInvalid, match=why):
        await tell(meters, command, **more)


async def test_nothing_is_wrong_on_any_line_where_one_of_them_does_not_know_the_way(meters: Meters) -> None:
    with pytest.raises(RequestInvalid):
        await tell(meters, "wrong", how="transaction 0")
    assert [line.faults.wrong for line in meters.lines] == [{}, {}]
