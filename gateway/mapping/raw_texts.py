"""From a text, flags, true or false to the raw value of a point; what is none of its words is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from gateway.mapping.diagnostics import did_you_mean
from gateway.mapping.raw import field_of, is_real, limits, type_of
from gateway.mapping.raw_numbers import bounded
from gateway.mapping.refused import OutOfBounds, Unfit, Wanted, shown
from gateway.mapping.spec import PointSpec, Write
from gateway.model import Value
from gateway.values import BIT_WIDTHS, quote

_MOST_NAMED = 10


def code(spec: PointSpec, write: Write, wanted: Wanted) -> Value:
    """The code of an enum's text, or of the code itself. Raises Unfit or OutOfBounds."""
    name, texts = spec.point.name, spec.enum
    if isinstance(wanted, str):
        codes = [one for one, said in texts.items() if said == wanted]
    else:
        codes = [one for one in texts if isinstance(wanted, int | float | Decimal) and one == wanted]
    choice = write.values or tuple(dict.fromkeys(texts.values()))
    if not codes:
        some = ", ".join(choice[:_MOST_NAMED]) + (", ..." if len(choice) > _MOST_NAMED else "")
        hint = did_you_mean(str(wanted), choice, otherwise=f"there are: {some}")
        raise Unfit(name, f"{shown(wanted)} is no text of its enum", hint)
    if len(codes) > 1:
        both = " and ".join(map(str, codes))
        raise Unfit(name, f"{shown(wanted)} stands for {both}", "write the number that is meant")
    (only,) = codes
    if texts[only] not in choice:
        raise OutOfBounds(name, f"write: does not allow {quote(texts[only])}", f"allowed: {', '.join(choice)}")
    bounded(spec, write, Fraction(only))
    return _as_type(spec, only)


def bits(spec: PointSpec, wanted: Wanted, held: Value = None) -> Value:
    """Exactly these flags; the bits of all others are cleared, and those without a name are as in ``held``.

    Raises Unfit.
    """
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, tuple | list):
        raise Unfit(spec.point.name, f"{shown(wanted)} is no list of flags", "write their names, or none")
    raw, width = 0, BIT_WIDTHS[type_of(spec) or "uint64"]
    if isinstance(held, int):
        raw = held & (1 << width) - 1 & ~sum(1 << bit for bit in spec.flags)
    for name in names:
        found = [bit for bit, said in spec.flags.items() if said == name]
        if len(found) != 1:
            reason = f"{quote(str(name))} is none of its flags" if not found else f"{quote(str(name))} is several bits"
            hint = did_you_mean(
                str(name), spec.flags.values(), otherwise=f"there are: {', '.join(spec.flags.values())}"
            )
            raise Unfit(spec.point.name, reason, hint if not found else "")
        raw |= 1 << found[0]
    type_ = type_of(spec)
    signed = type_ is not None and type_.startswith("int") and field_of(spec) is None
    return _as_type(spec, raw - (1 << width) if signed and raw >> width - 1 else raw)


def truth(spec: PointSpec, wanted: Wanted) -> bool:
    """True or false; 1 and 0 will do. Raises Unfit."""
    if wanted not in (0, 1):
        raise Unfit(spec.point.name, f"{shown(wanted)} is neither true nor false", "write true or false")
    return bool(wanted)


def text(spec: PointSpec, wanted: Wanted) -> Value:
    """What is no number: bytes in hexadecimal, dates, texts. Raises Unfit."""
    name = spec.point.name
    if not isinstance(wanted, str):
        raise Unfit(name, f"{shown(wanted)} is no text")
    type_ = type_of(spec)
    if type_ == "bytes":
        try:
            return bytes.fromhex(wanted)
        except ValueError:
            raise Unfit(name, f"{quote(wanted)} is not hexadecimal", "write for example 0a1b") from None
    if type_ == "datetime":
        try:
            return datetime.fromisoformat(wanted).isoformat()
        except ValueError:
            raise Unfit(name, f"{quote(wanted)} is no date and time", "write 2026-11-25T07:33:17") from None
    if wanted != wanted.strip():
        raise Unfit(name, f"{quote(wanted)} would be read without the spaces at its ends", "leave them out")
    return wanted


def _as_type(spec: PointSpec, code: int) -> Value:
    lowest, highest = limits(spec)
    if not lowest <= code <= highest:
        raise Unfit(spec.point.name, f"its raw value {code} does not fit: {lowest} to {highest}")
    if type_of(spec) == "bool":
        return bool(code)
    return float(code) if is_real(spec) else code
