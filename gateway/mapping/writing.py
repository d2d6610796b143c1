"""From a value for people to what is written into a point, within the bounds of ``write:``: the way of ``steps`` back.

Nothing is clamped or rounded away: what the point cannot hold is refused, with the nearest values that it can. The
errors are those of ``refused``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from gateway.mapping import raw_texts
from gateway.mapping.nearest import PRECISION
from gateway.mapping.raw import meaning, type_of
from gateway.mapping.raw_numbers import scaled
from gateway.mapping.refused import Denied, OutOfBounds, TooSoon, Unfit, Wanted, shown
from gateway.mapping.spec import PointSpec, Write
from gateway.model import GOOD, Value
from gateway.values import TEXTS, number


class Setpoint(NamedTuple):
    """What a point shall hold."""

    raw: Value
    """As ``Writable.write`` takes it."""
    value: Value
    """As it will be published."""


def allowed(spec: PointSpec) -> Write:
    """The bounds within which the point may be written. Raises Denied where it has none."""
    if spec.write is None:
        reason = "it cannot be written: its mapping has no write:"
        raise Denied(spec.point.name, reason, "add  write: {range: [...]}  to the point, if it shall be")
    return spec.write


def paced(spec: PointSpec, since_s: float, now_s: float) -> None:
    """Raise TooSoon where the last write, which was so long ago, does not allow the next one yet.

    ``now_s``: since 1970.
    """
    write = allowed(spec)
    if since_s < write.every_s:
        text = f"it was written {since_s:.1f} s ago, and write: allows it every {write.every_s:g} s"
        raise TooSoon(spec.point.name, text, write.every_s - since_s, now_s)


def read(spec: PointSpec, text: str) -> Wanted:
    """What somebody who typed this text wants the point to be. Raises Unfit for a number that is none."""
    type_ = type_of(spec)
    if spec.enum and text in spec.enum.values():
        return text
    if spec.flags:
        names = [name.strip() for name in text.split(",")]
        return () if names in ([""], ["none"]) else tuple(names)
    if type_ in TEXTS:
        return text
    if type_ == "bool" and text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    try:
        typed: Decimal = number(text)
    except PydanticCustomError as wrong:
        if spec.enum or type_ in ("bool", None):
            return text
        context = wrong.context or {}
        raise Unfit(spec.point.name, context["text"].replace("{key}", "it"), context["hint"]) from wrong
    return typed


_WORDS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


def encode(spec: PointSpec, wanted: Wanted, power: int | None = 0, held: Value = None) -> Setpoint:
    """What to write so that the point is published as this value. Raises Refused.

    ``power``: what the point's ``scale_from`` says just now; None where it says nothing. ``held``: the raw value that
    it holds just now, whose bits without a name in ``flags`` stay; None where it is not known, then they are 0.
    """
    write = allowed(spec)
    raw = _raw(spec, write, wanted, power)
    value, status = meaning(spec, raw, power)
    if status is not GOOD:
        reason = f"{shown(wanted)} is {status.reason}, says its mapping"
        raise (Unfit if value is None else OutOfBounds)(spec.point.name, reason)
    return Setpoint(raw_texts.bits(spec, wanted, held) if spec.flags else raw, value)


def agrees(spec: PointSpec, setpoint: Setpoint, raw: Value) -> bool:
    """Whether a raw value that was read is what was written: within half a raw step."""
    meant = setpoint.raw
    if spec.flags and isinstance(meant, int) and isinstance(raw, int):
        # Bits without a name are the device's own: they may change at any time.
        return all((meant ^ raw) >> bit & 1 == 0 for bit in spec.flags)
    if isinstance(meant, float) and isinstance(raw, int | float) and not isinstance(raw, bool):
        return abs(meant - raw) <= abs(meant) * PRECISION[type_of(spec) or "float32"]
    return meant == raw


def _raw(spec: PointSpec, write: Write, wanted: Wanted, power: int | None) -> Value:
    type_ = type_of(spec)
    if spec.enum:
        return raw_texts.code(spec, write, wanted)
    if spec.flags:
        return raw_texts.bits(spec, wanted)
    if type_ == "bool":
        return raw_texts.truth(spec, wanted)
    if type_ in TEXTS:
        return raw_texts.text(spec, wanted)
    if type_ is None and write.lowest is None and write.step is None and isinstance(wanted, bool | str):
        return wanted
    return scaled(spec, write, wanted, power)
