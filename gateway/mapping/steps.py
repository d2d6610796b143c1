"""From what a point means to a plain function: the raw value in, what is published (or why nothing is) out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from gateway.mapping.compile import normaliser
from gateway.mapping.refused import shown
from gateway.mapping.spec import PointSpec
from gateway.mapping.totals import Total
from gateway.model import Quality, Status, Value
from gateway.values import BIT_WIDTHS, ValueType


class Doubtful(NamedTuple):
    """A value that is published with a doubt."""

    value: Value
    status: Status


Step: TypeAlias = Callable[[Any], "Value | Status | Doubtful"]
"""Takes the raw value of the type that the address names, never None."""

POWERS = range(-10, 11)
"""What a scale factor can be (SunSpec Information Model Reference, section 4.3)."""
_REMEMBERED = 4096


def step(spec: PointSpec, total: Total | None, powers: Mapping[int, int | None]) -> Step | None:
    """The function for one point; None where the raw value is published as it is.

    ``powers``: the raw values of the device's scale factors just now, by position; None where there is none.
    """
    if spec.enum:
        return _texts(spec)
    if spec.flags:
        return _flags(spec, normaliser(spec))
    if _type(spec) == "bytes":
        return bytes.hex
    # A total can come to what was "no value" in the register.
    bare = spec if total is None else replace(spec, nan=frozenset())
    counts = total is not None
    scaled: Step | None = normaliser(bare, total=counts)
    if spec.scale_from is not None:
        scaled = _by_factor(bare, spec.scale_from, powers, total=counts)
    if total is not None:
        scaled = _continued(total, _checker(spec), scaled)
    if spec.range is None:
        return scaled
    return within(*(_as_single(*spec.range) if spec.single else spec.range), scaled)


def _as_single(lowest: float, highest: float) -> tuple[float, float]:
    """The same bounds for a float32, whose 0.1 is a little more than 0.1."""
    try:
        low, high = struct.unpack("2f", struct.pack("2f", lowest, highest))
    except OverflowError:
        return lowest, highest
    return min(low, lowest), max(high, highest)


def _type(spec: PointSpec) -> ValueType | None:
    type_: ValueType | None = getattr(spec.point.address, "type", None)
    return type_


def _by_factor(spec: PointSpec, position: int, powers: Mapping[int, int | None], *, total: bool) -> Step:
    """Scaling by 10 to the power of another point's raw value."""
    missing = Status(Quality.BAD, "no scale factor")
    known: dict[int, Step | None] = {}

    def scaled(raw: Any) -> Value | Status | Doubtful:
        power = powers.get(position)
        if power is None or power not in POWERS:
            return missing
        if power not in known:
            known[power] = normaliser(spec, power, total=total)
        function = known[power]
        return raw if function is None else function(raw)

    return scaled


def _checker(spec: PointSpec) -> Step | None:
    """Only the comparing with ``nan``: what is no value does not move a counter."""
    if not spec.nan:
        return None
    bare = replace(spec, scale=Fraction(1), offset=Fraction(0), factor=Fraction(1), shift=Fraction(0))
    return normaliser(bare)


def _continued(total: Total, missing: Step | None, scaled: Step | None) -> Step:
    """A counter that goes on where its register begins anew; only numbers move it."""

    def continued(raw: Any) -> Value | Status | Doubtful:
        if type(raw) is not int and (type(raw) is not float or not isfinite(raw)):
            return raw if scaled is None else scaled(raw)
        if missing is not None:
            checked = missing(raw)
            if type(checked) is Status:
                return checked
        whole = total(raw)
        return whole if scaled is None else scaled(whole)

    return continued


def _texts(spec: PointSpec) -> Step:
    texts, checked = dict(spec.enum), normaliser(spec)

    def text(raw: Any) -> Value | Status | Doubtful:
        found = texts.get(raw)
        if found is not None:
            return found
        code = raw if checked is None else checked(raw)
        return code if isinstance(code, Status) else Doubtful(code, _unknown(code))

    return text


@cache
def _doubt(reason: str) -> Status:
    return Status(Quality.UNCERTAIN, reason)


def _unknown(code: Any) -> Status:
    # The shared ones are few: a device that gives ever new codes shall not fill the memory.
    reason = f"unknown code {code}"
    return _doubt(reason) if type(code) is int and 0 <= code < _REMEMBERED else Status(Quality.UNCERTAIN, reason)


NOT_BITS = Status(Quality.BAD, "no whole number: it has no bits")


def _flags(spec: PointSpec, checked: Step | None) -> Step:
    flags, width = spec.flags, _width(spec)
    known: dict[Any, Value | Doubtful] = {}

    def names(raw: Any) -> Value | Status | Doubtful:
        found = known.get(raw)
        if found is None:
            if checked is not None:
                missing = checked(raw)
                if type(missing) is Status:
                    return missing
            if not isinstance(raw, int | float) or raw != int(raw):
                return NOT_BITS
            found = _set(int(raw) % (1 << (width or _width_of(int(raw)))), flags)
            if len(known) < _REMEMBERED:
                known[raw] = found
        return found

    return names


def _width(spec: PointSpec) -> int:
    """How many bits a raw value has; 0 where the address does not tell."""
    type_, bits = _type(spec), getattr(spec.point.address, "bits", None)
    if bits is not None:
        return int(bits[1] - bits[0] + 1)
    return BIT_WIDTHS[type_] if type_ is not None and not type_.startswith("float") else 0


def _width_of(raw: int) -> int:
    """The narrowest integer that holds it: its sign is one of its bits."""
    return next((width for width in (16, 32) if -(1 << width - 1) <= raw < 1 << width), 64)


def _set(raw: int, flags: Mapping[int, str]) -> Value | Doubtful:
    bits = [bit for bit in range(64) if raw >> bit & 1]
    names = tuple(flags.get(bit, f"bit_{bit}") for bit in bits)
    unknown = [str(bit) for bit in bits if bit not in flags]
    return Doubtful(names, Status(Quality.UNCERTAIN, f"unknown bit {', '.join(unknown)}")) if unknown else names


def within(lowest: float, highest: float, scaled: Step | None) -> Step:
    """The same function, with a doubt about values outside these bounds."""
    # 1e400 in a mapping is no double but infinity.
    ends = "..".join(shown(Fraction(str(end))) if isfinite(end) else str(end) for end in (lowest, highest))
    doubt = Status(Quality.UNCERTAIN, f"outside range {ends}")

    def judged(raw: Any) -> Value | Status | Doubtful:
        value = raw if scaled is None else scaled(raw)
        # Whoever is no number (a text of a server, a reason) is not compared.
        if type(value) is not float and type(value) is not int:
            return value
        return value if lowest <= value <= highest else Doubtful(value, doubt)

    return judged
