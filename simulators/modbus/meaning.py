"""What a correct client publishes for a raw value, for the record of what was served."""

from __future__ import annotations

import struct
from datetime import datetime
from fractions import Fraction
from typing import TypeAlias

from simulators.modbus.points import Point, Raw
from simulators.modbus.registers import pattern

Meant: TypeAlias = bool | int | float | str | list[str] | None


def meaning(point: Point, raw: Raw, power: int = 0) -> Meant:
    """Exactly scaled; None for "no value", the text of a code, the names of flags. ``power``: of its scale factor.

    A counter is given as its register holds it: how often it rolled over before is known to a client alone.
    """
    kind = point.address.type
    if kind == "hhmm" and isinstance(raw, int):
        return f"{raw // 100:02}:{raw % 100:02}"
    if kind == "version" and isinstance(raw, int):
        return ".".join(str(raw >> shift & 15) for shift in (12, 8, 4, 0))
    if isinstance(raw, datetime):
        return raw.isoformat()
    if isinstance(raw, bytes):
        return raw.hex()
    if isinstance(raw, str):
        return raw
    if point.nan and pattern(point.address, raw) in point.nan:
        return None
    if isinstance(raw, int) and point.enum:
        return point.enum.get(raw, raw)
    if isinstance(raw, int) and point.flags:
        return [point.flags[bit] for bit in sorted(point.flags) if raw >> bit & 1]
    return raw if isinstance(raw, bool) else _scaled(point, raw, power)


def _scaled(point: Point, raw: int | float, power: int) -> int | float:
    if point.single:
        return _shortest(raw)
    exact = Fraction(raw) * Fraction(10) ** power * point.scale + point.offset
    if isinstance(raw, float):
        return float(exact)
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
