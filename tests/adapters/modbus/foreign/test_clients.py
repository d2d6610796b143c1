"""Clients that are programs of others, on our simulator: what they read is what it plays, and what they write stays."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from simulators.modbus.endpoint import Endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import TYPES, Address, Device, Order, Point, Raw, Table, Type
from simulators.modbus.raw import raws
from simulators.modbus.registers import spots
from tests.adapters.modbus.foreign.peers import BAUD, HOST, Where, asked

pytestmark = pytest.mark.slow

PROGRAMS = ("libmodbus", "modbus_serial", "jsmodbus", "pymodbus", "mbpoll")
KINDS = ("tcp", "rtu")
T_S = 28_000_123.0
UNIT, OTHER = 17, 18
ORDERS: tuple[Order, ...] = ("ABCD", "BADC", "CDAB", "DCBA")
BITS: tuple[Table, ...] = ("coil", "discrete")
SIGNED: tuple[Type, ...] = ("int16", "int32", "int64", "float32", "float64")
NUMBERS: tuple[Type, ...] = (*SIGNED, "uint16", "uint32", "uint64")
DECODED: dict[str, tuple[Type, ...]] = {
    "libmodbus": ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"),
    "mbpoll": ("int16", "uint16", "int32", "float32"),
    "pymodbus": (*NUMBERS, "string"),
    "modbus_serial": (*NUMBERS, "string"),
    "jsmodbus": (*NUMBERS, "string"),
}
"""The types that a program has; of those on Node they are those of its buffers."""


def _points() -> tuple[Point, ...]:
    """Every type in holding registers, floats in every order in input registers, and bits."""
    length = {"string": 4, "bytes": 3}
    points = [
        Point(f"p{place}", Address(10 * place, "holding", type_, length=length.get(type_)))
        for place, type_ in enumerate(TYPES)
    ]
    points += [
        Point(f"n{place}", Address(500 + 10 * place, "holding", type_), range=(-90.0, -20.0))
        for place, type_ in enumerate(SIGNED)
    ]
    points += [Point(f"f{place}", Address(2 * place, "input", "float32", order)) for place, order in enumerate(ORDERS)]
    return (*points, *(Point(f"{table}{at}", Address(at, table, "bool")) for table in BITS for at in range(9)))


class Played(NamedTuple):
    """A simulated device at one moment."""

    where: Where
    memory: Memory
    points: tuple[Point, ...]
    held: list[Raw]

    def words(self, point: Point) -> str:
        """As clients print it."""
        at = spots(point.address)
        read = self.memory.read(point.address.table, at[0], len(at))
        assert read is not None
        return " ".join(map(str, read))


@asynccontextmanager
async def playing(kind: str, folder: Path, *, writable: bool = False) -> AsyncIterator[Played]:
    points = _points()
    memories = {unit: Memory(points, writable=writable) for unit in (UNIT, OTHER)}
    held = {unit: raws(Device(f"device-{unit}", Endpoint("tcp"), unit, points), T_S) for unit in memories}
    for unit, memory in memories.items():
        memory.show(held[unit])
    line = Line(Endpoint("tcp", HOST) if kind == "tcp" else Endpoint("rtu", path=str(folder / "bus")), memories)
    await line.plug()
    number, place = (line.port, HOST) if kind == "tcp" else (BAUD, line.endpoint.path)
    try:
        yield Played(Where(kind, place, number, UNIT), memories[UNIT], points, held[UNIT])
    finally:
        line.unplug()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_reads_what_is_played(program: str, kind: str, tmp_path: Path) -> None:
    async with playing(kind, tmp_path) as played:
        points = [point for point in played.points if point.address.at in range(0, 1000, 5)]
        orders = [f"read {one.address.table} {one.address.at} {len(spots(one.address))}" for one in points]
        said = await asked(program, played.where, *orders, "read coil 0 9", "read discrete 1 8")
    bits = {table: [played.words(point) for point in played.points if point.address.table == table] for table in BITS}
    expected = [played.words(point) for point in points]
    assert len(set(expected)) > 20, "a simulator that plays the same everywhere would prove little"
    assert said == [*expected, " ".join(bits["coil"]), " ".join(bits["discrete"][1:])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_decodes_the_types_that_it_has(program: str, kind: str, tmp_path: Path) -> None:
    async with playing(kind, tmp_path) as played:
        places = [
            place
            for place, point in enumerate(played.points)
            if point.address.table == "holding" and point.address.type in DECODED[program]
        ]
        addresses = [played.points[place].address for place in places]
        orders = [f"as {one.type} holding {one.at} {len(spots(one))}" for one in addresses]
        said = await asked(program, played.where, *orders)
    assert {one.type for one in addresses} == set(DECODED[program])
    for text, place in zip(said, places, strict=True):
        raw = played.held[place]
        if isinstance(raw, float):
            # mbpoll prints six digits.
            digits = 1e-5 if program == "mbpoll" else 1e-8 if played.points[place].address.type == "float32" else 0
            assert float(text) == pytest.approx(raw, rel=digits, abs=0)
        else:
            assert text == str(raw)
    assert sum(1 for place in places if str(played.held[place]).startswith("-")) >= 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("program", "orders"), [("libmodbus", ORDERS), ("mbpoll", ("ABCD", "CDAB"))])
async def test_decodes_floats_in_the_order_in_which_they_are_played(
    program: str, orders: tuple[Order, ...], kind: str, tmp_path: Path
) -> None:
    async with playing(kind, tmp_path) as played:
        places = [place for place, point in enumerate(played.points) if point.address.order in orders]
        places = [place for place in places if played.points[place].address.table == "input"]
        addresses = [played.points[place].address for place in places]
        said = await asked(program, played.where, *(f"float {one.order.lower()} input {one.at}" for one in addresses))
    assert len(said) == len(orders)
    for text, place in zip(said, places, strict=True):
        raw = played.held[place]
        assert isinstance(raw, float)
        if program == "libmodbus":
            assert struct.pack(">f", float(text)) == struct.pack(">f", raw)
        else:  # It prints six digits.
            assert float(text) == pytest.approx(raw, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_an_address_that_is_not_there_is_refused(program: str, kind: str, tmp_path: Path) -> None:
    async with playing(kind, tmp_path) as played:
        said = await asked(program, played.where, "read holding 5000 1", "read coil 0 1")
    assert said[0].startswith("error")
    assert any(words in said[0].lower() for words in ("illegal data address", "exception 2", "not available"))
    assert said[1] in ("0", "1")


WRITES: dict[str, tuple[str, list[int]]] = {
    "set holding 10 1001": ("holding 10", [1001]),
    "write holding 80 1 2": ("holding 80", [1, 2]),
    "set coil 2 1": ("coil 2", [1]),
    "write coil 4 1 0 1": ("coil 4", [1, 0, 1]),
    "mask 20 240 5": ("holding 20", []),
    "exchange 30 1 30 77": ("holding 30", [77]),
}
"""Functions 6, 16, 5, 15, 22, 23, and what must be held then."""
UNKNOWN = {
    ("mbpoll", "tcp"): ("mask", "exchange"),
    ("mbpoll", "rtu"): ("mask", "exchange"),
    ("modbus_serial", "tcp"): ("exchange",),
    ("modbus_serial", "rtu"): ("mask", "exchange"),
    ("jsmodbus", "tcp"): ("mask", "exchange"),
    ("jsmodbus", "rtu"): ("mask", "exchange", "set coil"),
}
"""What a program has no word for. Over RTU modbus-serial does not see where the answer to a mask ends, and jsmodbus
takes the checksum of the answer to a coil for wrong; that of libmodbus' server too."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_writes_what_stays(program: str, kind: str, tmp_path: Path) -> None:
    orders = [order for order in WRITES if not order.startswith(UNKNOWN.get((program, kind), ()))]
    async with playing(kind, tmp_path, writable=True) as played:
        before = played.memory.read("holding", 20, 1)
        assert before is not None
        said = await asked(program, played.where, *orders)
        assert said == ["77" if order.startswith("exchange") else "ok" for order in orders]
        for order in orders:
            (table, at), words = WRITES[order][0].split(), WRITES[order][1]
            expected = words or [before[0] & 240 | 5 & ~240]
            assert played.memory.read("coil" if table == "coil" else "holding", int(at), len(expected)) == expected


@pytest.mark.parametrize("kind", KINDS)
async def test_units_of_a_line_are_told_apart_and_unknown_ones_are_silent(kind: str, tmp_path: Path) -> None:
    async with playing(kind, tmp_path) as played:
        own, other, nobody = [
            await asked("libmodbus", played.where._replace(unit=unit), "read input 0 2") for unit in (UNIT, OTHER, 99)
        ]
    assert own == [played.words(next(point for point in played.points if point.name == "f0"))]
    assert other != own
    assert nobody == ["error Connection timed out"]
