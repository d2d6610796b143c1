"""From the bytes of an answer to values: every order with as few ``struct`` calls as there are orders in the block.

Two views give the four orders. In the bytes as they came, ABCD reads as big-endian and DCBA as little-endian; with the
two bytes of every register swapped, BADC reads as big-endian and CDAB as little-endian. So a whole block is unpacked at
once, and only a block that mixes orders (or has overlapping points) needs more than one pass.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from adapters.modbus.plan import Field, Request
from adapters.modbus.settings import BIT_TABLES, Order
from gateway.adapter import BIT_WIDTHS, Value, ValueType

_FORMATS: dict[ValueType, str] = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_ENDIANNESS: dict[Order, str] = {"ABCD": ">", "DCBA": "<", "BADC": ">", "CDAB": "<"}
_SWAPPED: frozenset[Order] = frozenset(("BADC", "CDAB"))

Decoder = Callable[[bytes], list[Value]]


def decode(request: Request, data: bytes) -> list[Value]:
    """The values of the request's fields, in their order; ``data``: the ``request.size`` data bytes of the answer."""
    return decoder(request)(data)


def value_of(type: ValueType, order: Order, data: bytes) -> Value:  # noqa: A002 (the word of the mapping language)
    """The one value that a point's registers hold. Raises ValueError when ``data`` has not the length of the type."""
    size = max(2, BIT_WIDTHS[type] // 8)
    if len(data) != size:
        raise ValueError(f"{type} takes {size} bytes, not {len(data)}")
    raw = _byte_swapped(data) if order in _SWAPPED else data
    value: Value = struct.unpack(_ENDIANNESS[order] + _FORMATS[type], raw)[0]
    return value != 0 if type == "bool" else value


@lru_cache(maxsize=4096)
def decoder(request: Request) -> Decoder:
    """The compiled form of ``decode`` for one request."""
    if request.table in BIT_TABLES:
        return _bit_decoder([field.offset for field in request.fields])
    return _register_decoder(request)


def _bit_decoder(offsets: Sequence[int]) -> Decoder:
    # The first bit is the least significant of the first byte (Application Protocol V1.1b3, section 6.1).
    places = [(offset >> 3, 1 << (offset & 7)) for offset in offsets]

    def bits(data: bytes) -> list[Value]:
        return [data[byte] & mask != 0 for byte, mask in places]

    return bits


class _Pass(NamedTuple):
    """One ``struct`` call over the block: fields of one view that do not overlap."""

    swapped: bool
    unpack: Callable[[bytes], tuple[Any, ...]]
    fields: tuple[int, ...]
    """Which fields it gives."""


def _register_decoder(request: Request) -> Decoder:
    passes = _passes(request)
    given = [field for one in passes for field in one.fields]
    pick = _picker([given.index(field) for field in range(len(given))])
    flags = [index for index, field in enumerate(request.fields) if field.type == "bool"]
    unpack = passes[0].unpack
    if len(passes) == 1 and not passes[0].swapped and not flags:
        return lambda data: list(unpack(data))

    def registers(data: bytes) -> list[Value]:
        swapped = _byte_swapped(data)
        values: list[Value] = []
        for one in passes:
            values += one.unpack(swapped if one.swapped else data)
        if pick is not None:
            values = list(pick(values))
        for flag in flags:
            values[flag] = values[flag] != 0
        return values

    return registers


def _picker(order: Sequence[int]) -> Callable[[list[Value]], Sequence[Value]] | None:
    """Puts the values of several passes into the order of the fields; None where they are in it."""
    # A single index would make itemgetter return the bare value, but one value is always in order.
    return None if list(order) == list(range(len(order))) else itemgetter(*order)


def _passes(request: Request) -> list[_Pass]:
    members: dict[tuple[str, bool], list[list[int]]] = {}
    for index, field in enumerate(request.fields):
        view = (_ENDIANNESS[field.order], field.order in _SWAPPED)
        layers = members.setdefault(view, [])
        # The first layer that ends before this field begins; overlapping points are legal, if odd.
        for layer in layers:
            if _stop(request.fields[layer[-1]]) <= field.offset:
                layer.append(index)
                break
        else:
            layers.append([index])
    return [
        _Pass(swapped, _unpacker(endianness, request, layer), tuple(layer))
        for (endianness, swapped), layers in members.items()
        for layer in layers
    ]


def _unpacker(endianness: str, request: Request, layer: Sequence[int]) -> Callable[[bytes], tuple[Any, ...]]:
    parts: list[str] = [endianness]
    here = 0
    for index in layer:
        field = request.fields[index]
        parts.append(f"{2 * (field.offset - here)}x{_FORMATS[field.type]}")
        here = _stop(field)
    parts.append(f"{2 * (request.count - here)}x")
    return struct.Struct("".join(parts)).unpack


def _stop(field: Field) -> int:
    return field.offset + max(1, BIT_WIDTHS[field.type] // 16)


def _byte_swapped(data: bytes) -> bytes:
    words = array("H", data)
    words.byteswap()
    return words.tobytes()
