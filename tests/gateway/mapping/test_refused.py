"""Why not, in words and in types."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.refused import (
    Absent,
    Denied,
    OutOfBounds,
    Refused,
    TooSoon,
    Unfit,
    Unkept,
    Wanted,
    either,
    shown,
    with_unit,
)
from gateway.values import number


def test_every_reason_names_the_point_and_is_a_refusal() -> None:
    for kind in (Absent, Denied, OutOfBounds, Unfit, Unkept):
        refused = kind("setpoint", "it cannot be written", "ask")
        assert isinstance(refused, Refused)
        assert (str(refused), refused.point, refused.reason, refused.hint) == (
            "setpoint: it cannot be written",
            "setpoint",
            "it cannot be written",
            "ask",
        )


def test_too_soon_says_how_long_to_wait() -> None:
    refused = TooSoon("setpoint", "it was written 0.3 s ago", 4.7, 0.0)
    assert (refused.wait_s, refused.hint) == (4.7, "wait 4.7 s: it may be written again at 1970-01-01T00:00:05Z")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(6), "6"),
        (Fraction("21.5"), "21.5"),
        (Fraction(1, 3), "0.3333333333"),
        (230.1999969482422, "230.1999969"),
        (Fraction(10) ** 39, "1e39"),
        (Fraction(-5, 4) * 10**25, "-1.25e25"),
        (Fraction(10) ** 400 / 3, "a number that is too large"),
        (Fraction(1, 10**30), "1e-30"),
        (Fraction("60.00000000001"), "60.00000000001"),
        (Fraction("-0.05"), "-0.05"),
        (Fraction(2**53 + 1), "9007199254740993"),
        (Fraction(2**64 + 1), "18446744073709551617"),
        (Fraction(0.1), "0.1"),
        (Fraction(0), "0"),
        (2**60 + 1, "1152921504606846977"),
        (2**64 + 1, "18446744073709551617"),
        (10**400 + 1, "a number that is too large"),
        (Decimal("0.10"), "0.10"),
        ("on", '"on"'),
        (True, "true"),
        (None, "no value"),
        (b"\x0a\x1b", "0a1b"),
        (("overload", "door_open"), "overload, door_open"),
        ((), "none"),
        ("a\nb", '"a?b"'),
    ],
)
def test_a_value_in_a_sentence(value: Wanted | Fraction, text: str) -> None:
    assert shown(value) == text


@given(st.decimals(allow_nan=False, allow_infinity=False).filter(lambda one: len(str(one)) <= 36))
def test_a_number_that_was_written_is_shown_so_that_typing_it_gives_the_same(one: Decimal) -> None:
    typed = number(shown(Fraction(one)))
    assert Fraction(typed) == Fraction(one)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_shown_as_a_number_that_is_the_same_double(one: float) -> None:
    assert float(shown(Fraction(one))) == one


def test_numbers_and_their_unit() -> None:
    assert either([Fraction("21.5"), Fraction(22)], "degC") == "21.5 and 22 degC"
    assert with_unit("0 to 1", "") == "0 to 1"
