"""Which floating-point numbers of a type lie next to an exact one."""

from __future__ import annotations

import sys
from fractions import Fraction
from math import isfinite
from struct import Struct

from gateway.values import ValueType

DIGITS: dict[ValueType, int] = {"float16": 3, "float32": 6, "float64": 15}
"""So many decimal digits of any number are kept (FLT_DIG and DBL_DIG of C)."""
PRECISION: dict[ValueType, float] = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
"""Half a step, as a part of the number."""
LARGEST: dict[ValueType, float] = {
    "float16": 65504.0,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "float64": sys.float_info.max,
}

_FLOATS: dict[ValueType, tuple[Struct, Struct]] = {
    "float16": (Struct(">e"), Struct(">H")),
    "float32": (Struct(">f"), Struct(">I")),
    "float64": (Struct(">d"), Struct(">Q")),
}


def rounded(type_: ValueType, number: Fraction) -> float | None:
    """The nearest number of this type; None where it is too large for it."""
    as_float, _ = _FLOATS[type_]
    try:
        nearest: float = as_float.unpack(as_float.pack(float(number)))[0]
    except OverflowError:
        return None
    return nearest


def neighbours(type_: ValueType, number: Fraction) -> list[float]:
    """The next lower and the next higher one of this type; a number that it has is neither."""
    nearest = rounded(type_, number)
    if nearest is None:
        return []
    as_float, as_bits = _FLOATS[type_]
    bits = as_bits.unpack(as_float.pack(nearest))[0]
    around = [as_float.unpack(as_bits.pack(bits + move))[0] for move in (-1, 0, 1) if bits + move >= 0]
    below = [one for one in around if isfinite(one) and one < number]
    above = [one for one in around if isfinite(one) and one > number]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]
