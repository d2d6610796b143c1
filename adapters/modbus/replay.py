"""Recorded registers read again: the readings that raw blocks hold, and a point as raw as it came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from adapters.modbus.answers import reading
from adapters.modbus.form import SEQUENCES, Form, form, value
from adapters.modbus.places import area, record, spans
from adapters.modbus.settings import BIT_TABLES, Address, Byte, Connect, Order
from gateway.adapter import (
    BIT_WIDTHS,
    Candidate,
    Point,
    Probed,
    Quality,
    RawBlock,
    Reading,
    Status,
    Value,
    ValueType,
    encoding,
)

_KEY = re.compile(
    r"(?:(?P<area>coil|discrete|input|holding)|(?P<file>file) (?P<number>[0-9]{1,5}) record) "
    r"(?P<first>[0-9]{1,5})(?:\.\.(?P<last>[0-9]{1,5}))?"
)
_OBJECT = re.compile("object 0x([0-9a-fA-F]{2})")
_ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")
_ORDERS_OF_BYTES: tuple[Order, ...] = ("ABCD", "BADC")
_MISTAKEN: dict[int, tuple[ValueType, ...]] = {
    16: ("uint16", "int16"),
    32: ("uint32", "int32", "float32"),
    64: ("uint64", "int64", "float64"),
}
"""Types of one width that are taken for each other, by width."""


class _Cell(NamedTuple):
    """One register, record, bit or object as it was read."""

    data: bytes
    """Two bytes of a register or record; of a bit one, 0 or 1; all of an object."""
    at_ns: int
    status: Status


_Memory: TypeAlias = dict[tuple[str, str, int], _Cell]
"""By device, area and place on the wire."""


def decode(points: Sequence[Point[Connect, Address]], blocks: Sequence[RawBlock]) -> list[Reading]:
    """The readings of the points that the blocks hold whole, in the order of the points.

    A block's key is ``holding 23296``, or ``coil 0..18``, which also says how many there are; ``file 4 record 7..8``;
    ``object 0x00``. A point may lie across several blocks; of what was read twice the later block counts. Raises
    ValueError for a key that is none.
    """
    memory = _memory(blocks)
    found: list[Reading] = []
    for index, point in enumerate(points):
        cells = _cells(point, memory)
        if cells:
            found.append(reading(index, _value(point.address, cells), max(cell.at_ns for cell in cells)))
    return found


def explain(point: Point[Connect, Address], blocks: Sequence[RawBlock]) -> Probed:
    """The words of a point, and what they would be in other orders and as other types; empty where they are not held.

    See ``gateway.adapter.Adapter.explain``.
    """
    cells = _cells(point, _memory(blocks))
    if not cells or _bad(cells) is not None:
        return Probed("")
    data = b"".join(cell.data for cell in cells)
    if point.address.object is not None:
        return Probed(data.hex(" "), tuple(_texts(point.address, data)))
    if area(point.address) in BIT_TABLES:
        return Probed(str(data[0]), (Candidate("type: bool", data != b"\0"),))
    return Probed(data.hex(" ", 2), tuple(_candidates(point.address, data)))


def _memory(blocks: Iterable[RawBlock]) -> _Memory:
    memory: _Memory = {}
    for block in blocks:
        where, first, held = _held(block)
        for at, data in enumerate(held, first):
            memory[block.device, where, at] = _Cell(data, block.at_ns, block.status)
    return memory


def _held(block: RawBlock) -> tuple[str, int, list[bytes]]:
    """The area and the first place of a block, and what it holds from there on."""
    named = _OBJECT.fullmatch(block.key)
    if named is not None:
        return "object", int(named[1], 16), [block.data]
    match = _KEY.fullmatch(block.key)
    if match is None:
        raise ValueError(f'"{block.key}" is not where Modbus was read: write for example holding 23296')
    first = int(match["first"])
    count = int(match["last"]) - first + 1 if match["last"] else None
    if match["file"]:
        return "file", record(int(match["number"]), first), _registers(block, count)
    return match["area"], first, _bits(block, count) if match["area"] in BIT_TABLES else _registers(block, count)


def _bits(block: RawBlock, count: int | None) -> list[bytes]:
    if block.status.quality is Quality.BAD:
        return [b""] * (count or 1)
    # Without a count all bits are taken, also those that only fill the last byte.
    count = count or 8 * len(block.data)
    if len(block.data) != (count + 7) // 8:
        raise ValueError(f"{block.key} is {count} bits, but there are {len(block.data)} bytes")
    return [bytes([block.data[place >> 3] >> (place & 7) & 1]) for place in range(count)]


def _registers(block: RawBlock, count: int | None) -> list[bytes]:
    if block.status.quality is Quality.BAD:
        return [b""] * (count or 1)
    count = count or len(block.data) // 2
    if len(block.data) != 2 * count:
        raise ValueError(f"{block.key} is {count} registers, but there are {len(block.data)} bytes")
    return [block.data[place : place + 2] for place in range(0, 2 * count, 2)]


def _cells(point: Point[Connect, Address], memory: _Memory) -> list[_Cell]:
    """What the point occupies, in the order of its words; empty where a part of it was not read."""
    places = (at for here in spans(point) for at in here)
    cells = [memory.get((point.device, area(point.address), at)) for at in places]
    held = [cell for cell in cells if cell is not None]
    return held if len(held) == len(cells) else []


def _bad(cells: Iterable[_Cell]) -> Status | None:
    return next((cell.status for cell in cells if cell.status.quality is Quality.BAD), None)


def _value(address: Address, cells: Sequence[_Cell]) -> Value | Status:
    bad = _bad(cells)
    if bad is not None:
        return bad
    data = b"".join(cell.data for cell in cells)
    if address.object is not None:
        return encoding.decode(address.type, data)
    return data != b"\0" if area(address) in BIT_TABLES else value(form(address), data)


def _texts(address: Address, data: bytes) -> Iterator[Candidate]:
    types: tuple[ValueType, ...] = ("string", "bytes")
    for type_ in sorted(types, key=lambda type_: type_ != address.type):
        found = encoding.decode(type_, data)
        yield Candidate(f"type: {type_}", None if isinstance(found, Status) else found)


def _candidates(address: Address, data: bytes) -> Iterator[Candidate]:
    said = form(address)
    if said.bits is None and said.byte is None and said.type == "bool":
        yield _candidate("type: bool", said, data)
        return
    if said.byte is not None or said.type in ("int8", "uint8"):
        bytes_: tuple[Byte, ...] = ("high", "low") if said.byte == "high" else ("low", "high")
        for byte in bytes_:
            yield _candidate(f"byte: {byte}", replace(said, byte=byte), data)
        return
    orders = _ORDERS if said.words > 1 and said.type not in SEQUENCES else _ORDERS_OF_BYTES
    yield _candidate(f"order: {address.order}", said, data)
    for order in orders:
        if order != said.order:
            yield _candidate(f"order: {order}", replace(said, order=order), data)
    alike = _MISTAKEN.get(BIT_WIDTHS[said.type], ())
    if said.type in alike and said.bits is None:
        for type_ in alike:
            for order in orders:
                if type_ != said.type:
                    yield _candidate(f"type: {type_}, order: {order}", replace(said, type=type_, order=order), data)


def _candidate(setting: str, of: Form, data: bytes) -> Candidate:
    found = value(of, data)
    return Candidate(setting, None if isinstance(found, Status) else found)
