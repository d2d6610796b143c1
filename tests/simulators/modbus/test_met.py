"""The faults of the simulator, met by the adapter on every kind of line: no false value, and the line recovers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address as Wanted
from adapters.modbus.settings import Connect
from gateway.adapter import Point as Polled
from gateway.adapter import Quality
from simulators.modbus.endpoint import Endpoint, Kind
from simulators.modbus.faults import Wrong
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.wrong import ways

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
HELD = {1: [0x1111, 0x2222], 2: [0x3333, 0x4444]}
TIMEOUT_S = 0.1
LIMIT_S = 20.0
KINDS: tuple[Kind, ...] = ("tcp", "udp", "rtu+tcp", "ascii+tcp", "rtu", "ascii")
HARMLESS = ("split", "doubled", "garbage after", "echo", "late", "wrong echo address", "wrong echo value")
"""The data in them are right; or they are of writes."""


@asynccontextmanager
async def line(kind: Kind, folder: Path) -> AsyncIterator[tuple[Line, Poller]]:
    memories = {}
    for unit, held in HELD.items():
        memories[unit] = Memory([Point("a", Address(0)), Point("b", Address(1))])
        memories[unit].show(held)
    serial = kind in ("rtu", "ascii")
    one = Line(Endpoint(kind, path=str(folder / "bus")) if serial else Endpoint(kind, HOST), memories)
    await one.plug()
    where = str((folder / "bus").resolve()) if serial else f"{HOST}:{one.port}"
    connect = {unit: Connect(modbus=f"{kind}://{where}", unit_id=unit, timeout=TIMEOUT_S) for unit in HELD}
    poller = Poller(
        [Polled(f"unit-{unit}", connect[unit], f"p{at}", Wanted(at=at), 0.03) for unit in HELD for at in range(2)]
    )
    await poller.open()
    try:
        yield one, poller
    finally:
        await poller.close()
        one.unplug()
        await asyncio.sleep(0)


@pytest.mark.parametrize(("kind", "how"), [(kind, how) for kind in KINDS for how in ways(Endpoint(kind))])
async def test_no_false_value_comes_out_and_the_line_recovers(how: str, kind: Kind, tmp_path: Path) -> None:
    proper = 0
    bad = 0
    async with line(kind, tmp_path) as (one, poller), asyncio.timeout(LIMIT_S):
        await poller.read()
        await poller.read()
        one.faults.wrong[1] = Wrong(how, ways(one.endpoint)[how], 2)
        while proper < 2:
            for reading in (await poller.read()).readings:
                unit, at = 1 + reading.point // 2, reading.point % 2
                good = reading.status.quality is Quality.GOOD
                assert reading.value == (HELD[unit][at] if good else None)
                assert good or unit == 1, f"unit 2 is well, yet: {reading.status.reason}"
                bad += not good
                proper += good and unit == 1 and at == 1 and not one.faults.wrong
    assert bad or how in HARMLESS or how.startswith("garbage before")


@pytest.mark.parametrize("kind", KINDS)
async def test_addresses_that_are_refused_leave_the_others_alone(kind: Kind, tmp_path: Path) -> None:
    async with line(kind, tmp_path) as (one, poller), asyncio.timeout(LIMIT_S):
        one.faults.refused[1, "holding", 1] = 2
        seen: dict[int, object] = {}
        while seen != {0: 0x1111, 1: None, 2: 0x3333, 3: 0x4444}:
            seen |= {reading.point: reading.value for reading in (await poller.read()).readings}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_slow_line_is_read(kind: Kind, tmp_path: Path) -> None:
    async with line(kind, tmp_path) as (one, poller), asyncio.timeout(LIMIT_S):
        one.faults.character_s = one.endpoint.character_s(9600)
        for _ in range(4):
            assert all(reading.status.quality is Quality.GOOD for reading in (await poller.read()).readings)
