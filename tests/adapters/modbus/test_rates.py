"""Rates on a living line: what one dead unit may cost the others, and how punctual many are."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point
from tests.adapters.modbus.device import Device, Unit

UNITS = range(1, 11)
DEAD = 4


class Bus(Device):
    """Units behind a box on one slow serial line: whoever asks waits for the wire, also where nobody answers."""

    def __init__(self, units: dict[int, Unit], takes_s: float) -> None:
        super().__init__(units)
        self.mangle = lambda request, answer: [takes_s, answer]


@pytest.mark.slow
@pytest.mark.parametrize("timeout", [0.05, 0.1])
async def test_one_of_ten_units_is_dead_and_the_nine_keep_their_rate(timeout: float) -> None:
    """At 0.2 s with 8 ms a request: the line is busy for 40 % of the time, and a timeout takes 6 or 12 turns."""
    every_s, seconds = 0.2, 6.0
    units = {number: Unit() for number in UNITS}
    for unit in units.values():
        unit.registers[3] = dict.fromkeys(range(20), 7)
    bus = Bus(units, 0.008)
    await bus.plug()
    bus.silent.add(DEAD)
    given = [
        Point(
            f"unit-{number}", Connect(modbus=bus.endpoint, unit_id=number, timeout=timeout), "p", Address(at=0), every_s
        )
        for number in UNITS
    ]
    poller = Poller(given)
    await poller.open()
    scans: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        for reading in (await poller.read()).readings:
            scans[reading.point] += reading.value is not None
    await poller.close()
    await bus.unplug()
    rates = [scans[index] * every_s / seconds for index in range(10) if index != DEAD - 1]
    assert min(rates) >= 0.95, rates
    assert scans[DEAD - 1] == 0
