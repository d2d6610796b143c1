"""Our adapter against devices that are programs of others: all types over TCP and a serial line, reads and writes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from adapters.modbus.writes import NotWritten
from gateway.adapter import GOOD, Point, Reading, Value
from tests.adapters.modbus.foreign import held
from tests.adapters.modbus.foreign.peers import BAUD, HOST, Where, asked, cable, served

pytestmark = pytest.mark.slow

PROGRAMS = ("libmodbus", "modbus_serial", "jsmodbus", "pymodbus")
UNIT = 17
LIMIT_S = 20.0


@asynccontextmanager
async def line(kind: str, folder: Path) -> AsyncIterator[tuple[Where, Where]]:
    """The device's end and ours."""
    if kind == "tcp":
        with socket.create_server((HOST, 0)) as probe:
            port = int(probe.getsockname()[1])
        yield Where(kind, HOST, port, UNIT), Where(kind, HOST, port, UNIT)
        return
    async with cable(folder) as (theirs, ours):
        yield Where(kind, theirs, BAUD, UNIT), Where(kind, ours, BAUD, UNIT)


def points(where: Where) -> list[Point[Connect, Address]]:
    connect = Connect(modbus=where.endpoint, unit_id=where.unit, timeout=1.0)
    return [Point("device", connect, point.name, point.address, 0.2) for point in held.ALL]


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[Poller]:
    poller = Poller(points(where))
    await poller.open()
    try:
        yield poller
    finally:
        await poller.close()


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
@pytest.mark.parametrize("program", PROGRAMS)
async def test_reads_all_types_from(program: str, kind: str, tmp_path: Path) -> None:
    found: dict[int, Reading] = {}
    async with (
        line(kind, tmp_path) as (theirs, ours),
        served(program, theirs, held.memory()),
        opened(ours) as poller,
        asyncio.timeout(LIMIT_S),
    ):
        while len(found) < len(held.ALL):
            found |= {reading.point: reading for reading in (await poller.read()).readings}
    read = {held.ALL[index].name: (reading.value, reading.status) for index, reading in found.items()}
    assert read == {point.name: (point.value, GOOD) for point in held.ALL}


SET: dict[str, tuple[Value, list[int]]] = {
    "uint16": (4711, [4711]),
    "int32": (-3, [0xFFFF, 0xFFFD]),
    "float32": (230.5, [0x4366, 0x8000]),
    "float32 CDAB": (230.5, [0x8000, 0x4366]),
    "uint64": (1, [0x0100, 0, 0, 0]),
    "bcd32": (20, [0, 0x20]),
    "signmag16": (-1, [0x8001]),
    "string": ("PM1", [0x504D, 0x3100, 0, 0]),
    "a field of bits": (5, [0x55]),
    "coil": (False, [0]),
    "coil off": (True, [1]),
}
"""What is written, and what another foreign client must then find there; 0xa5 had the bits 4 to 7 as 10."""
MUTE = ("jsmodbus", "a field of bits")
"""It says nothing to the function that masks a register, where others say that they do not know it."""


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
@pytest.mark.parametrize("program", PROGRAMS)
async def test_writes_to(program: str, kind: str, tmp_path: Path) -> None:
    places = {point.name: index for index, point in enumerate(held.ALL)}
    to_set = {name: found for name, found in SET.items() if (program, name) != MUTE}
    async with line(kind, tmp_path) as (theirs, ours), served(program, theirs, held.memory()):
        async with opened(ours) as poller, asyncio.timeout(LIMIT_S):
            for name, (value, _) in to_set.items():
                assert (await poller.fetch(places[name])).value == held.ALL[places[name]].value
                await poller.write(places[name], value)
                assert (await poller.fetch(places[name])).value == value, name
        orders = []
        for name, (_, words) in to_set.items():
            address = held.ALL[places[name]].address
            orders.append(f"read {address.table} {address.at} {len(words)}")
        said = await asked("pymodbus" if program != "pymodbus" else "libmodbus", ours, *orders)
    assert dict(zip(to_set, said, strict=True)) == {
        name: " ".join(map(str, words)) for name, (_, words) in to_set.items()
    }


async def test_a_device_that_is_mute_to_a_function_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    program, name = MUTE
    place = next(index for index, point in enumerate(held.ALL) if point.name == name)
    async with line("tcp", tmp_path) as (theirs, ours), served(program, theirs, held.memory()):
        async with opened(ours) as poller:
            with pytest.raises(NotWritten, match="no answer in time; it is unknown") as caught:
                await poller.write(place, 5)
            assert caught.value.unknown
        # Its connection is stuck from then on.
        async with opened(ours) as poller:
            assert (await poller.fetch(place)).value == held.ALL[place].value
