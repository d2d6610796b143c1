"""Rates on a slow living line: what one dead unit of ten may cost the other nine."""

from __future__ import annotations

import asyncio
import os

import pytest

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address as Place
from simulators.modbus.points import Point as Shown
from tests.adapters.modbus.device import Device, Unit

pytestmark = pytest.mark.slow

UNITS = range(1, 11)
DEAD = 4
SECONDS = 6.0


async def scans(endpoint: str, every_s: float, timeout: float, baud: int = 19200) -> dict[str, list[float]]:
    """When each unit had a GOOD scan in ``SECONDS``, from the moment on at which the line is opened."""
    given = [
        Point(
            f"unit-{number}",
            Connect(modbus=endpoint, unit_id=number, timeout=timeout, baud=baud),
            "p",
            Address(at=0, type="string", length=10),
            every_s,
        )
        for number in UNITS
    ]
    poller = Poller(given)
    await poller.open()
    seen: dict[str, list[float]] = {point.device: [] for point in given}
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    while loop.time() < end:
        for reading in (await poller.read()).readings:
            if reading.value is not None:
                seen[given[reading.point].device].append(loop.time())
    await poller.close()
    return seen


def keep_their_rate(seen: dict[str, list[float]], every_s: float) -> None:
    """From the first scan of a unit to its last: where in its period a unit begins is its phase, not its rate."""
    assert seen.pop(f"unit-{DEAD}") == []
    assert len(seen) == 9
    rates = {unit: (len(times) - 1) / (times[-1] - times[0]) for unit, times in seen.items()}
    assert min(rates.values()) >= 0.95 / every_s, rates
    assert min(len(times) for times in seen.values()) >= 0.85 * SECONDS / every_s


@pytest.mark.parametrize("timeout", [0.05, 0.1])
async def test_behind_a_box_that_takes_8_ms_for_a_request(timeout: float) -> None:
    """The line is busy for 40 % of the time, and a timeout takes as long as 6 or 12 requests."""
    box = Device({number: Unit() for number in UNITS})
    for unit in box.units.values():
        unit.put(3, 0, b"7" * 20)
    box.mangle = lambda request, answer: [0.008, answer]
    box.silent.add(DEAD)
    await box.plug()
    seen = await scans(box.endpoint, 0.2, timeout)
    await box.unplug()
    keep_their_rate(seen, 0.2)


async def test_on_a_serial_line_of_19200_baud() -> None:
    """With the time that every character takes: busy for half of the time."""
    text = Shown("p", Place(0, "holding", "string", length=10))
    units = {number: Memory([text]) for number in UNITS}
    for memory in units.values():
        memory.show(["7" * 20])
    line = Line(Endpoint("rtu", path=f"/dev/shm/fieldgate-{os.getpid()}-rates", baud=19200), units, timed=True)
    line.silent.add(DEAD)
    await line.plug()
    seen = await scans(line.address, 0.5, 0.2)
    line.unplug()
    keep_their_rate(seen, 0.5)
