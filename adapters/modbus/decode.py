"""From the bytes of an answer to values: every order with as few ``struct`` calls as there are orders in the block.

Two views give the four orders. In the bytes as they came, ABCD reads as big-endian and DCBA as little-endian; with the
two bytes of every register swapped, BADC reads as big-endian and CDAB as little-endian. So a whole block is unpacked at
once, and only a block that mixes orders (or has overlapping points) needs more than one pass. Points of the same
registers (the bits of a status word) share what is unpacked. Types that ``struct`` does not know come out as bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from adapters.modbus.form import BACKWARDS, SWAPPED, Form, byte_swapped, form, reader, value
from adapters.modbus.identification import pages
from adapters.modbus.plan import Field, Request
from adapters.modbus.settings import BIT_TABLES, Address, Order
from gateway.adapter import Quality, Status, Value, ValueType, encoding

_LETTERS: dict[ValueType, str] = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float16": "e",
    "float32": "f",
    "float64": "d",
}
_UNSIGNED = {1: "H", 2: "I", 4: "Q"}
"""By registers."""

Decoder: TypeAlias = Callable[[bytes], list[Value | Status]]
_Step: TypeAlias = Callable[[Any], Value | Status]


def decode(request: Request, data: bytes) -> list[Value | Status]:
    """The values of the request's fields, in their order.

    ``data``: the ``request.size`` data bytes of the answer; of objects all answers one behind the other. A Status where
    the bytes are not of the field's type.
    """
    return decoder(request)(data)


def value_of(type: ValueType, order: Order, data: bytes) -> Value | Status:  # noqa: A002 (the mapping language's word)
    """The one value that a point's registers hold. Raises ValueError when ``data`` has not the length of the type."""
    length = max(1, len(data) // 2)
    return value(form(Address(at=0, type=type, order=order, length=length)), data)


@lru_cache(maxsize=4096)
def decoder(request: Request) -> Decoder:
    """The compiled form of ``decode`` for one request."""
    if request.area == "object":
        return _object_decoder([(request.first + field.offset, field.form.type) for field in request.fields])
    if request.area in BIT_TABLES:
        return _bit_decoder([field.offset for field in request.fields])
    if not request.fields:
        return lambda data: []
    return _register_decoder(request)


NO_OBJECT = Status(Quality.BAD, "the device has no such object")


def _object_decoder(wanted: Sequence[tuple[int, ValueType]]) -> Decoder:
    def objects(data: bytes) -> list[Value | Status]:
        held = {number: found for page in pages(data) for number, found in page.held.items()}
        return [encoding.decode(type_, held[number]) if number in held else NO_OBJECT for number, type_ in wanted]

    return objects


def _bit_decoder(offsets: Sequence[int]) -> Decoder:
    # The first bit is the least significant of the first byte (Application Protocol V1.1b3, section 6.1).
    places = [(offset >> 3, 1 << (offset & 7)) for offset in offsets]

    def bits(data: bytes) -> list[Value | Status]:
        return [data[byte] & mask != 0 for byte, mask in places]

    return bits


class _Slot(NamedTuple):
    """What is unpacked of some registers, for all fields that begin with the same."""

    offset: int
    words: int
    code: str
    """Of ``struct``."""
    order: Order


class _Pass(NamedTuple):
    """One ``struct`` call over the block: slots of one view that do not overlap."""

    swapped: bool
    unpack: Callable[[bytes], tuple[Any, ...]]
    slots: tuple[_Slot, ...]


def _register_decoder(request: Request) -> Decoder:
    wanted = [_unpacked(field) for field in request.fields]
    passes = _passes(list(dict.fromkeys(slot for slot, _ in wanted)), request.count)
    given = [slot for one in passes for slot in one.slots]
    pick = _picker([given.index(slot) for slot, _ in wanted], len(given))
    steps = [(index, step) for index, (_, step) in enumerate(wanted) if step is not None]
    unpack = passes[0].unpack
    if len(passes) == 1 and not passes[0].swapped and not steps and pick is None:
        return lambda data: list(unpack(data))

    def registers(data: bytes) -> list[Value | Status]:
        swapped = byte_swapped(data)
        values: list[Any] = []
        for one in passes:
            values += one.unpack(swapped if one.swapped else data)
        if pick is not None:
            values = list(pick(values))
        for index, step in steps:
            values[index] = step(values[index])
        return values

    return registers


def _unpacked(field: Field) -> tuple[_Slot, _Step | None]:
    """What ``struct`` gives of a field, and what is left to do with it."""
    form = field.form
    letter = _LETTERS.get(form.type) if form.byte is None else None
    step: _Step | None = None
    if letter is None:
        letter, step = f"{2 * form.words}s", _slice_step(form)
    elif form.bits is not None:
        letter, step = _UNSIGNED[form.words], _bits_step(form.type, *form.bits)
    elif form.type == "bool":
        step = _is_set
    return _Slot(field.offset, form.words, letter, form.order), step


def _slice_step(form: Form) -> _Step:
    read = reader(form)
    # The view has swapped the bytes already, but ``struct`` reads bytes forwards in both.
    return (lambda data: read(data[::-1])) if form.order in BACKWARDS else read


def _bits_step(type_: ValueType, low: int, high: int) -> _Step:
    if type_ == "bool":
        return lambda raw: raw >> low & 1 != 0
    return partial(encoding.bits, low=low, high=high)


def _is_set(raw: int) -> bool:
    return raw != 0


def _picker(order: Sequence[int], count: int) -> Callable[[list[Value]], Sequence[Value]] | None:
    """Puts what several passes gave into the order of the fields; None where it is in it."""
    # A single index would make itemgetter return the bare value, but one value is always in order.
    return None if list(order) == list(range(count)) else itemgetter(*order)


def _passes(slots: Sequence[_Slot], count: int) -> list[_Pass]:
    views: dict[tuple[bool, bool], list[list[_Slot]]] = {}
    for slot in slots:
        layers = views.setdefault((slot.order in SWAPPED, slot.order in BACKWARDS), [])
        # The first layer that ends before this one begins; overlapping points are legal, if odd.
        for layer in layers:
            if layer[-1].offset + layer[-1].words <= slot.offset:
                layer.append(slot)
                break
        else:
            layers.append([slot])
    return [
        _Pass(swapped, _unpacker("<" if backwards else ">", count, layer), tuple(layer))
        for (swapped, backwards), layers in views.items()
        for layer in layers
    ]


def _unpacker(endianness: str, count: int, layer: Sequence[_Slot]) -> Callable[[bytes], tuple[Any, ...]]:
    parts: list[str] = [endianness]
    here = 0
    for slot in layer:
        parts.append(f"{2 * (slot.offset - here)}x{slot.code}")
        here = slot.offset + slot.words
    parts.append(f"{2 * (count - here)}x")
    return struct.Struct("".join(parts)).unpack
