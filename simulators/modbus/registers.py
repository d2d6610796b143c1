"""Coding values into registers: type, byte order, scale; and what a client must make of them.

Written for the simulator alone. The orders name the bytes as they go over the wire: 230.2 as float32 is 43 66 33 33 in
ABCD, 33 33 43 66 in CDAB, 66 43 33 33 in BADC and 33 33 66 43 in DCBA.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TypeAlias

from simulators.modbus.points import Address, Order, Point, Type

Raw: TypeAlias = bool | int | float
"""What the registers hold, before scale."""

_INTEGERS: dict[Type, tuple[int, int]] = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_FORMATS: dict[Type, str] = {
    "bool": ">H",
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}


def width(address: Address) -> int:
    """How many registers (or bits, in the tables of bits) a point takes."""
    return 1 if address.table in ("coil", "discrete") else struct.calcsize(_FORMATS[address.type]) // 2


def nearest(point: Point, value: float) -> Raw:
    """The raw value whose meaning is nearest to ``value``, as far as the type holds it."""
    kind = point.address.type
    if kind == "bool":
        return value >= 50
    exact = (Fraction(value) - point.offset) / point.scale
    if kind == "float32":
        single: float = struct.unpack(">f", struct.pack(">f", float(exact)))[0]
        return single
    if kind == "float64":
        return float(exact)
    lowest, highest = _INTEGERS[kind]
    return min(max(round(exact), lowest), highest)


def words(kind: Type, order: Order, raw: Raw) -> list[int]:
    """The registers that hold a raw value, in the order of their addresses. Raises struct.error beyond the type."""
    data = struct.pack(_FORMATS[kind], raw)
    pairs = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    swapped = order in ("BADC", "DCBA")
    return [int.from_bytes(pair, "little" if swapped else "big") for pair in pairs]


def meaning(point: Point, raw: Raw) -> Raw:
    """What a correct client publishes for a raw value: exactly scaled, and of an unscaled float32 its shortest text."""
    if isinstance(raw, bool):
        return raw
    if point.scale == 1 and point.offset == 0:
        return _shortest(raw) if point.address.type == "float32" else raw
    exact = Fraction(raw) * point.scale + point.offset
    return exact.numerator if exact.denominator == 1 else float(exact)


def _shortest(single: float) -> float:
    """The double with the fewest digits that is this float32 when it is rounded to one."""
    for digits in range(1, 9):
        candidate = float(f"{single:.{digits}g}")
        try:
            if struct.unpack(">f", struct.pack(">f", candidate))[0] == single:
                return candidate
        except OverflowError:  # Rounded up beyond the largest float32.
            continue
    return float(f"{single:.9g}")
