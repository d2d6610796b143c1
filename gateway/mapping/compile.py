"""From the meaning of a point to a plain function: raw value in, exactly scaled value out.

value = raw * scale + offset is computed exactly and rounded once, to the nearest double (ties to even). Why that is so
in each case is said where it is used: an integer divided by an integer is rounded correctly by Python, and one IEEE 754
operation on exact operands is rounded correctly by the machine.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import copysign, isfinite, lcm
from typing import Any, TypeAlias

from gateway.mapping.spec import PointSpec
from gateway.model import NOT_A_NUMBER, Quality, Status, Value
from gateway.values import BIT_WIDTHS, TEXTS, ValueType

Normaliser: TypeAlias = Callable[[Any], Value | Status]
"""Takes the raw value of the type that the address names, never None."""

_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1
"""Integers beyond 64 bits are written as the nearest double."""

OVERFLOW = Status(Quality.BAD, "too large for a number")


def normaliser(spec: PointSpec, power: int = 0, *, total: bool = False) -> Normaliser | None:
    """The function that makes a raw number the point's value, or a Status that says why there is none.

    ``power``: what the point's ``scale_from`` says just now. ``total``: it is given what a counter's rollovers amount
    to, which may be more than its register holds. None where nothing is to be done.
    """
    type_: ValueType | None = getattr(spec.point.address, "type", None)
    if type_ == "bool" or type_ in TEXTS:
        return None
    scale = spec.scale * Fraction(10) ** power * spec.factor
    offset = spec.offset * spec.factor + spec.shift
    if type_ is None:
        missing: dict[int | float, Status] = {pattern: _no_value(hex(pattern)) for pattern in spec.nan}
        limits = (0, _HIGHEST + 1) if total else (_LOWEST, _HIGHEST)
        either = _whatever(scale, offset, limits)
        return _unless(missing, either) if missing else either
    bits: tuple[int, int] | None = getattr(spec.point.address, "bits", None)
    width = BIT_WIDTHS[type_] if bits is None else bits[1] - bits[0] + 1
    kind = type_ if bits is None else "uint64"
    digits = (width + 3) // 4
    missing = {
        _decoded(pattern, kind, width): _no_value(f"0x{pattern:0{digits}x}")
        for pattern in spec.nan
        if not kind.startswith("bcd") or f"{pattern:x}".isdecimal()  # what are no digits is BAD already
    }
    real = kind.startswith("float")
    limits = (0, _HIGHEST + 1) if total else _limits(kind, width)
    scaled = _real(scale, offset) if real else _whole(scale, offset, limits)
    return _unless(missing, scaled) if missing else scaled


def linear(factor: Fraction, shift: Fraction) -> Normaliser | None:
    """value * factor + shift for a number of any kind, exactly; None where nothing is to be done."""
    return None if (factor, shift) == (Fraction(1), Fraction(0)) else _whatever(factor, shift)


def _no_value(pattern: str) -> Status:
    return Status(Quality.BAD, f"no value (nan {pattern})")


def _limits(type_: ValueType, width: int) -> tuple[int, int]:
    """The smallest and the largest raw value."""
    if type_.startswith("uint"):
        return 0, (1 << width) - 1
    if type_.startswith("bcd"):
        return 0, 10 ** (width // 4) - 1
    return -(1 << width - 1) + type_.startswith("signmag"), (1 << width - 1) - 1


_FLOATS = {16: ">e", 32: ">f", 64: ">d"}


def _decoded(pattern: int, type_: ValueType, width: int) -> int | float:
    """The value that a decoder makes of these bits, which are of the type."""
    if type_.startswith("float"):
        number: float = struct.unpack(_FLOATS[width], pattern.to_bytes(width // 8, "big"))[0]
        return number
    if type_.startswith("bcd"):
        return int(f"{pattern:x}")
    if type_.startswith("signmag"):
        sign = 1 << width - 1
        return sign - pattern if pattern & sign else pattern
    return pattern - (1 << width) if pattern > _limits(type_, width)[1] else pattern


def _unless(missing: Mapping[int | float, Status], scaled: Normaliser | None) -> Normaliser:
    """Compares before scaling."""
    if any(pattern == 0 and type(pattern) is float and copysign(1, pattern) < 0 for pattern in missing):
        return _unless_negative_zero(missing, scaled)
    if scaled is None:
        return lambda raw: missing.get(raw, raw)
    return lambda raw: missing[raw] if raw in missing else scaled(raw)


def _unless_negative_zero(missing: Mapping[int | float, Status], scaled: Normaliser | None) -> Normaliser:
    """As a key of a mapping -0.0 would be 0.0, too."""
    reason = missing[0]
    others = {pattern: status for pattern, status in missing.items() if pattern != 0}
    rest = _unless(others, scaled)
    return lambda raw: reason if raw == 0 and copysign(1, raw) < 0 else rest(raw)


def _whole(scale: Fraction, offset: Fraction, limits: tuple[int, int]) -> Normaliser | None:
    """For integers within these limits; they stay integers where scale and offset are, exact beyond 2^53 too."""
    # raw * scale + offset = (raw * times + plus) / by, all of them integers.
    by = lcm(scale.denominator, offset.denominator)
    times, plus = int(scale * by), int(offset * by)
    if by == 1:
        fits = all(_LOWEST <= raw * times + plus <= _HIGHEST for raw in limits)
        return _integer(times, plus) if fits else _bounded(times, plus)
    if (times, plus) == (1, 0):
        return lambda raw: raw / by

    def divided(raw: int) -> Value | Status:
        try:
            return (raw * times + plus) / by
        except OverflowError:
            return OVERFLOW

    return divided


def _integer(times: int, plus: int) -> Normaliser | None:
    return None if (times, plus) == (1, 0) else lambda raw: raw * times + plus


def _bounded(times: int, plus: int) -> Normaliser:
    def bounded(raw: int) -> Value | Status:
        value = raw * times + plus
        if _LOWEST <= value <= _HIGHEST:
            return value
        try:
            return float(value)
        except OverflowError:
            return OVERFLOW

    return bounded


def _real(scale: Fraction, offset: Fraction) -> Normaliser:
    """For floats: one operation where that is one rounding, else over exact integers."""
    if scale == 1 and offset == 0:
        return lambda raw: raw if isfinite(raw) else NOT_A_NUMBER
    if offset == 0 and _is_double(scale):
        return _multiplied(float(scale))
    if offset == 0 and _is_double(1 / scale):
        return _divided(float(1 / scale))
    by = lcm(scale.denominator, offset.denominator)
    times, plus = int(scale * by), int(offset * by)

    def exactly(raw: float) -> Value | Status:
        if not isfinite(raw):
            return NOT_A_NUMBER
        over, under = raw.as_integer_ratio()
        try:
            return (over * times + plus * under) / (under * by)
        except OverflowError:
            return OVERFLOW

    return exactly


def _multiplied(factor: float) -> Normaliser:
    def multiplied(raw: float) -> Value | Status:
        value = raw * factor
        return value if isfinite(value) else _why(raw)

    return multiplied


def _divided(divisor: float) -> Normaliser:
    def divided(raw: float) -> Value | Status:
        value = raw / divisor
        return value if isfinite(value) else _why(raw)

    return divided


def _why(raw: float) -> Status:
    return OVERFLOW if isfinite(raw) else NOT_A_NUMBER


def _is_double(number: Fraction) -> bool:
    try:
        return Fraction(float(number)) == number
    except OverflowError:
        return False


def _whatever(scale: Fraction, offset: Fraction, limits: tuple[int, int] = (_LOWEST, _HIGHEST)) -> Normaliser:
    """For addresses that do not tell the type: each value by what it is. What is no number stays; bytes become hex."""
    real, whole = _real(scale, offset), _whole(scale, offset, limits)

    def scaled(raw: Value) -> Value | Status:
        if type(raw) is float:
            return real(raw)
        if type(raw) is int and whole is not None:
            return whole(raw)
        return raw.hex() if type(raw) is bytes else raw

    return scaled
