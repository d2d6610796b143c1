"""Why a value may not be written, or cannot be, and how values are told in such a sentence.

Errors::

    Refused             nothing may be sent; the text says why, ``hint`` what could be
      Denied            the point cannot be written at all
      Absent            the device does not have the point just now, or not its scale factor
      OutOfBounds       the mapping does not allow this value
      Unfit             the point cannot hold such a value
      TooSoon           ``write:`` does not allow it yet
      Unkept            it cannot be written down that somebody wants it
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil
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


class Absent(Refused):
    """The device does not have the point just now, or not its scale factor: nothing is wrong with what was asked."""


class OutOfBounds(Refused):
    """The mapping does not allow this value."""


class Unfit(Refused):
    """The point cannot hold such a value."""


class TooSoon(Refused):
    """``write:`` does not allow it yet."""

    def __init__(self, point: str, reason: str, wait_s: float, now_s: float) -> None:
        """``now_s``: since 1970."""
        # Rounded up: who comes at that time shall not hear it again.
        at = datetime.fromtimestamp(ceil(now_s + wait_s), UTC)
        super().__init__(point, reason, f"wait {wait_s:.1f} s: it may be written again at {at:%Y-%m-%dT%H:%M:%SZ}")
        self.wait_s = wait_s


class Unkept(Refused):
    """It cannot be written down that somebody wants it."""


def shown(value: Wanted | Fraction) -> str:
    """A value as people read it, on one line: a text in quotes, the names of flags.

    Fractions and integers with every digit, floats with ten.
    """
    if isinstance(value, Fraction):
        return _exact(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "no value"}[value]
    if isinstance(value, int) and value.bit_length() > 64:
        return _exact(Fraction(value))
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return quote("".join(one if one.isprintable() else "?" for one in value))
    return str(value) if isinstance(value, int | Decimal) else ", ".join(map(str, value)) or "none"


_LONGEST = 40
"""Digits of a number that somebody typed; a double, written out, may have hundreds."""
_PLAIN = range(-6, 21)
"""Where the point may stand, counted from the first digit, in a number that is shorter with a power of ten."""


def _exact(number: Fraction) -> str:
    """With every digit, so that whoever types it has this number: bounds, multiples, what was typed itself.

    What has too many is told as the double that it is, or with ten digits where it is none.
    """
    if number == 0:
        return "0"
    text = _decimal(number)
    if text is not None:
        return text
    try:
        nearest = float(number)
    except OverflowError:
        return "a number that is too large"
    return repr(nearest) if Fraction(nearest) == number else f"{nearest:.10g}"


def _decimal(number: Fraction) -> str | None:
    """The same number, as few characters as there can be; None where it is no decimal of so few digits."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    power = -max(twos, fives)
    whole = abs(number.numerator) * 10**-power // number.denominator
    digits = str(whole).rstrip("0")
    if rest != 1 or len(digits) > _LONGEST:
        return None
    power += len(str(whole)) - len(digits)
    sign, point = "-" * (number < 0), len(digits) + power
    short = f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1}"
    if power >= 0:
        plain = digits + "0" * power
    else:
        plain = f"{digits[:point] if point > 0 else '0'}.{'0' * -min(point, 0)}{digits[max(point, 0) :]}"
    return sign + (plain if point in _PLAIN or len(plain) <= len(short) else short)


def with_unit(text: str, unit: str) -> str:
    """``0 to 60 Hz``."""
    return f"{text} {unit}".rstrip()


def either(numbers: Sequence[Fraction], unit: str) -> str:
    """``21.5 and 21.6 degC``."""
    return with_unit(" and ".join(map(shown, numbers)), unit)
