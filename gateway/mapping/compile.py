"""From the meaning of a point to a plain function: raw value in, exactly scaled value out.

value = raw * scale + offset is computed exactly and rounded once, to the nearest double (ties to even). Why that is so
in each case is said where it is used: an integer divided by an integer is rounded correctly by Python, and one IEEE 754
operation on exact operands is rounded correctly by the machine.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isfinite, lcm
from typing import Any, TypeAlias

from gateway.mapping.spec import PointSpec
from gateway.model import NOT_A_NUMBER, Quality, Status, Value
from gateway.values import BIT_WIDTHS, ValueType

Normaliser: TypeAlias = Callable[[Any], Value | Status]
"""Takes the raw value of the type that the address names, never None."""

_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1
"""Integers beyond 64 bits are written as the nearest double."""

OVERFLOW = Status(Quality.BAD, "too large for a number")


def normaliser(spec: PointSpec) -> Normaliser | None:
    """The function that makes a raw value the point's value, or a Status that says why there is none.

    None where nothing is to be done.
    """
    type_: ValueType | None = getattr(spec.point.address, "type", None)
    if type_ == "bool":
        return None
    if type_ is None:
        missing: dict[int | float, Status] = {pattern: _no_value(hex(pattern)) for pattern in spec.nan}
        return _unless(missing, _whatever(spec.scale, spec.offset))
    digits = BIT_WIDTHS[type_] // 4
    missing = {_decoded(pattern, type_): _no_value(f"0x{pattern:0{digits}x}") for pattern in spec.nan}
    real = type_.startswith("float")
    scaled = _real(spec.scale, spec.offset) if real else _whole(spec.scale, spec.offset, _limits(type_))
    return _unless(missing, scaled) if missing else scaled


def _no_value(pattern: str) -> Status:
    return Status(Quality.BAD, f"no value (nan {pattern})")


def _limits(type_: ValueType) -> tuple[int, int]:
    """The smallest and the largest raw value."""
    width = BIT_WIDTHS[type_]
    return (0, (1 << width) - 1) if type_.startswith("uint") else (-(1 << width - 1), (1 << width - 1) - 1)


def _decoded(pattern: int, type_: ValueType) -> int | float:
    """The value that a decoder makes of these bits."""
    width = BIT_WIDTHS[type_]
    if type_.startswith("float"):
        number: float = struct.unpack(">f" if width == 32 else ">d", pattern.to_bytes(width // 8, "big"))[0]
        return number
    return pattern - (1 << width) if pattern > _limits(type_)[1] else pattern


def _unless(missing: Mapping[int | float, Status], scaled: Normaliser | None) -> Normaliser:
    """Compares before scaling."""
    if scaled is None:
        return lambda raw: missing.get(raw, raw)
    return lambda raw: missing[raw] if raw in missing else scaled(raw)


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

    def linear(raw: int) -> Value | Status:
        try:
            return (raw * times + plus) / by
        except OverflowError:
            return OVERFLOW

    return linear


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

    def linear(raw: float) -> Value | Status:
        if not isfinite(raw):
            return NOT_A_NUMBER
        over, under = raw.as_integer_ratio()
        try:
            return (over * times + plus * under) / (under * by)
        except OverflowError:
            return OVERFLOW

    return linear


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


def _whatever(scale: Fraction, offset: Fraction) -> Normaliser:
    """For addresses that do not tell the type: each value by what it is. What is no number stays as it is."""
    real, whole = _real(scale, offset), _whole(scale, offset, (_LOWEST, _HIGHEST))

    def scaled(raw: Value) -> Value | Status:
        if type(raw) is float:
            return real(raw)
        if type(raw) is int and whole is not None:
            return whole(raw)
        return raw

    return scaled
