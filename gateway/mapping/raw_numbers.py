"""From a number as it is published to the raw one: scale and unit back, exactly; what cannot be held is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from gateway.mapping.nearest import DIGITS, LARGEST, neighbours, rounded
from gateway.mapping.raw import is_real, limits, meaning, type_of
from gateway.mapping.refused import Absent, OutOfBounds, Unfit, Wanted, either, shown, with_unit
from gateway.mapping.spec import PointSpec, Write
from gateway.mapping.steps import POWERS

SLACK = Fraction(1, 1000)
"""Of a raw step: whoever types 21.1111 means what is published as 21.11111111111111."""
_MULTIPLE = Fraction(1, 10**9)
"""Of ``step``: what a program has computed, 0.1 + 0.2, is a multiple of 0.1."""


def scaled(spec: PointSpec, write: Write, wanted: Wanted, power: int | None) -> int | float:
    """The raw number that is published as this one. Raises Absent, Unfit or OutOfBounds.

    ``power``: what the point's ``scale_from`` says just now; None where it says nothing.
    """
    exact = _exact(spec, wanted)
    # A float is bounded as it is written: 0.1 is one tenth, and lies on a bound of 0.1.
    bounded(spec, write, Fraction(str(wanted)) if isinstance(wanted, float) and wanted % 1 else exact)
    if power is None or power not in POWERS:
        raise Absent(spec.point.name, "its scale factor has no value just now", "see whether the device gives it")
    scale = spec.scale * Fraction(10) ** power * spec.factor
    raw = (exact - spec.offset * spec.factor - spec.shift) / scale
    type_ = type_of(spec)
    if type_ is None:
        return int(raw) if raw.denominator == 1 else float(raw)
    return (_float if is_real(spec) else _whole)(spec, write, exact, raw, power)


def bounded(spec: PointSpec, write: Write, wanted: Fraction) -> None:
    """Raise OutOfBounds for a number that ``range`` and ``step`` of ``write:`` do not allow."""
    if not _inside(write, wanted):
        bounds = with_unit(f"{shown(write.lowest)} to {shown(write.highest)}", spec.unit)
        reason = f"{with_unit(shown(wanted), spec.unit)} is outside of what write: allows: {bounds}"
        raise OutOfBounds(spec.point.name, reason)
    if write.step is not None and not _multiple(write, wanted):
        by = Fraction(write.step)
        around = [by * math.floor(wanted / by), by * math.ceil(wanted / by)]
        reason = f"{shown(wanted)} is no multiple of {shown(write.step)}, as write: wants it"
        raise OutOfBounds(spec.point.name, reason, _nearest("the nearest", spec, write, around))


def _inside(write: Write, number: Fraction) -> bool:
    # As it is written in the mapping: a double in its place would let through what is rounded to it.
    return (write.lowest is None or number >= Fraction(write.lowest)) and (
        write.highest is None or number <= Fraction(write.highest)
    )


def _multiple(write: Write, number: Fraction) -> bool:
    if write.step is None:
        return True
    by = Fraction(write.step)
    return abs(number / by - round(number / by)) <= _MULTIPLE


def _exact(spec: PointSpec, wanted: Wanted) -> Fraction:
    if isinstance(wanted, bool) or not isinstance(wanted, int | float | Decimal):
        raise Unfit(spec.point.name, f"{shown(wanted)} is no number", "write for example 21.5")
    if not isinstance(wanted, int) and not math.isfinite(wanted):
        raise Unfit(spec.point.name, f"{wanted} is no number")
    exact = Fraction(wanted)
    try:
        float(exact)
    except OverflowError:
        raise Unfit(spec.point.name, "so large a number cannot be held") from None
    return exact


def _whole(spec: PointSpec, write: Write, wanted: Fraction, raw: Fraction, power: int) -> int:
    lowest, highest = _held(spec, power)
    nearest = round(raw)
    if not lowest <= nearest <= highest:
        end = highest if nearest > highest else lowest
        if meaning(spec, end, power)[0] == float(wanted):
            return end  # of 64 bits more than one is published as the same double
        ends = sorted(_published(spec, [lowest, highest], power))
        held = with_unit(" to ".join(map(shown, ends)), spec.unit)
        raise Unfit(spec.point.name, f"{shown(wanted)} does not fit: it holds {held}")
    if abs(raw - nearest) > SLACK and meaning(spec, nearest, power)[0] != float(wanted):
        around = [place for place in (math.floor(raw), math.ceil(raw)) if lowest <= place <= highest]
        _between(spec, write, wanted, _published(spec, around, power))
    return nearest


def _held(spec: PointSpec, power: int) -> tuple[int, int]:
    """The limits without what means "no value" at the ends."""
    lowest, highest = limits(spec)
    for _ in spec.nan:
        lowest += meaning(spec, lowest, power)[0] is None
        highest -= meaning(spec, highest, power)[0] is None
    return lowest, highest


def _float(spec: PointSpec, write: Write, wanted: Fraction, raw: Fraction, power: int) -> float:
    type_ = type_of(spec) or "float64"
    nearest = rounded(type_, raw)
    if nearest is None:
        end = LARGEST[type_] if raw > 0 else -LARGEST[type_]
        if meaning(spec, end, power)[0] == float(wanted):
            return end
        raise Unfit(spec.point.name, f"{shown(wanted)} does not fit into {type_}")
    if meaning(spec, nearest, power)[0] == float(wanted):
        return nearest
    if nearest == 0:
        raise Unfit(spec.point.name, f"{shown(wanted)} is too small for {type_}: it would be 0")
    # A fraction is as near as it can be; of a whole number every digit is meant.
    digits = str(abs(raw.numerator)).rstrip("0")
    if raw.denominator == 1 and raw != nearest and len(digits) > DIGITS[type_]:
        _between(spec, write, wanted, _published(spec, neighbours(type_, raw), power))
    return nearest


def _published(spec: PointSpec, raws: Sequence[int | float], power: int) -> list[Fraction]:
    values = [meaning(spec, raw, power)[0] for raw in raws]
    return [Fraction(str(value)) for value in values if isinstance(value, int | float)]


def _between(spec: PointSpec, write: Write, wanted: Fraction, around: Sequence[Fraction]) -> None:
    hint = _nearest("the nearest that it can", spec, write, around)
    raise Unfit(spec.point.name, f"it cannot hold {shown(wanted)}", hint)


def _nearest(what: str, spec: PointSpec, write: Write, around: Sequence[Fraction]) -> str:
    """Those of them that may be written; nobody is sent from one refusal to the next."""
    near = [one for one in around if _inside(write, one) and _multiple(write, one)]
    return f"{what} {'are' if len(near) > 1 else 'is'} {either(near, spec.unit)}" if near else ""
