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
from gateway.adapter import GOOD, NotWritten, Point, Reading, Value
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
    "bool": (False, [0]),
    "bool of a bit": (False, [0]),
    "int8": (5, [0x1205]),
    "uint8": (1, [0x0112]),
    "int16": (-3, [0xFFFD]),
    "uint16": (4711, [4711]),
    "uint16 swapped": (0x1234, [0x3412]),
    "a field of bits": (5, [0x55]),
    "int24": (7, [0, 7]),
    "uint24": (0x10002, [1, 2]),
    "int32": (-3, [0xFFFF, 0xFFFD]),
    "uint32": (0x10002, [2, 1]),
    "int48": (-3, [0xFFFF, 0xFFFF, 0xFFFD]),
    "uint48": (0x100020003, [1, 2, 3]),
    "int64": (-3, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFD]),
    "uint64": (1, [0x0100, 0, 0, 0]),
    "bcd16": (20, [0x20]),
    "bcd32": (20, [0, 0x20]),
    "bcd64": (20, [0, 0, 0, 0x20]),
    "signmag16": (-1, [0x8001]),
    "signmag32": (-1, [0x8000, 1]),
    "float16": (1.5, [0x3E00]),
    "float32": (230.5, [0x4366, 0x8000]),
    "float32 CDAB": (230.5, [0x8000, 0x4366]),
    "float32 BADC": (230.5, [0x6643, 0x0080]),
    "float32 DCBA": (230.5, [0x0080, 0x6643]),
    "float64": (1.5, [0x3FF8, 0, 0, 0]),
    "string": ("PM1", [0x504D, 0x3100, 0, 0]),
    "bytes": (b"\1\2\3\4", [0x0102, 0x0304]),
    "hhmm": ("23:59", [2359]),
    "datetime": ("2027-01-02T03:04:05", [0x1B01, 0x0203, 0x0405]),
    "version": ("4.3.2.1", [0x4321]),
    "coil": (False, [0]),
    "coil off": (True, [1]),
}
"""What is written, and what another foreign client must then find there; 0xa5 had the bits 4 to 7 as 10."""
MASKED = ("a field of bits", "bool of a bit", "int8", "uint8")
MUTE = "jsmodbus"
"""It says nothing to the function that masks a register, where others say that they do not know it."""


def test_every_type_that_can_be_written_is_written() -> None:
    assert set(SET) == {point.name for point in held.ALL if point.address.table in ("holding", "coil")}


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
@pytest.mark.parametrize("program", PROGRAMS)
async def test_writes_to(program: str, kind: str, tmp_path: Path) -> None:
    places = {point.name: index for index, point in enumerate(held.ALL)}
    to_set = {name: found for name, found in SET.items() if program != MUTE or name not in MASKED}
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
    program, name = MUTE, MASKED[0]
    place = next(index for index, point in enumerate(held.ALL) if point.name == name)
    async with line("tcp", tmp_path) as (theirs, ours), served(program, theirs, held.memory()):
        async with opened(ours) as poller:
            with pytest.raises(NotWritten, match="no answer in time; it is unknown") as caught:
                await poller.write(place, 5)
            assert caught.value.unknown
        # Its connection is stuck from then on.
        async with opened(ours) as poller:
            assert (await poller.fetch(place)).value == held.ALL[place].value
