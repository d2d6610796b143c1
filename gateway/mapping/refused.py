"""Why a value may not be written, or cannot be, and how values are told in such a sentence.

Errors::

    Refused             nothing may be sent; the text says why, ``hint`` what could be
      Denied            the point cannot be written at all
      OutOfBounds       the mapping does not allow this value
      Unfit             the point cannot hold such a value
      TooSoon           ``write:`` does not allow it yet
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from gateway.model import Value
from gateway.values import quote

Wanted: TypeAlias = Value | Decimal | Sequence[str]
"""A value as it is published; a Decimal where it was typed. Flags in any order."""


class Refused(Exception):
    """A value may not be sent, or cannot be."""

    def __init__(self, point: str, reason: str, hint: str = "") -> None:
        super().__init__(f"{point}: {reason}")
        self.point = point
        self.reason = reason
        self.hint = hint


class Denied(Refused):
    """The point cannot be written at all."""


class OutOfBounds(Refused):
    """The mapping does not allow this value."""


class Unfit(Refused):
    """The point cannot hold such a value."""


class TooSoon(Refused):
    """``write:`` does not allow it yet."""

    def __init__(self, point: str, reason: str, wait_s: float) -> None:
        super().__init__(point, reason, f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


def shown(value: Wanted | Fraction) -> str:
    """A value as people read it, on one line: ten digits of a number, a text in quotes, the names of flags."""
    if isinstance(value, Fraction):
        value = value.numerator if value.denominator == 1 else float(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "no value"}[value]
    if isinstance(value, int) and value.bit_length() > 64:
        value = float(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return quote("".join(one if one.isprintable() else "?" for one in value))
    return str(value) if isinstance(value, int | Decimal) else ", ".join(map(str, value)) or "none"


def with_unit(text: str, unit: str) -> str:
    """``0 to 60 Hz``."""
    return f"{text} {unit}".rstrip()


def either(numbers: Sequence[Fraction], unit: str) -> str:
    """``21.5 and 21.6 degC``."""
    return with_unit(" and ".join(map(shown, numbers)), unit)
