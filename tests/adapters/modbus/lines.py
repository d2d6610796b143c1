"""A line with two units on a raw device, and words for what came in from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from adapters.modbus.session import connect
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Batch, Point, Quality, Session
from tests.adapters.modbus.device import Device, Unit

LIMIT_S = 5.0
PERIOD_S = 0.05
TIMEOUT_S = 0.1
HELD = {1: 1111, 2: 2222}
"""What every register of a unit holds: an answer that went astray shows."""


def unit(value: int) -> Unit:
    made = Unit()
    for function in (3, 4):
        made.registers[function] = dict.fromkeys(range(40), value)
    return made


def points(
    device: Device,
    units: Iterable[int] = (1, 2),
    at: Iterable[int] = (0,),
    every_s: float = PERIOD_S,
    timeout: float = TIMEOUT_S,
) -> list[Point[Connect, Address]]:
    return [
        Point(
            f"unit-{number}",
            Connect(modbus=device.endpoint, unit_id=number, timeout=timeout),
            f"p{place}",
            Address(at=place),
            every_s,
        )
        for number in units
        for place in at
    ]


@asynccontextmanager
async def line(given: list[Point[Connect, Address]]) -> AsyncIterator[Session]:
    async with asyncio.timeout(LIMIT_S), connect(given) as session:
        yield session


def values(batch: Batch) -> list[object]:
    return [reading.value for reading in batch.readings]


def reasons(batch: Batch) -> set[str]:
    return {reading.status.reason for reading in batch.readings}


def nothing_false(batches: list[Batch]) -> None:
    """Every value is the one its unit holds, or None where it is BAD (points 0 and 1 are of units 1 and 2)."""
    for batch in batches:
        for reading in batch.readings:
            right = HELD[1 if reading.point == 0 else 2]
            assert reading.value == (None if reading.status.quality is Quality.BAD else right)
