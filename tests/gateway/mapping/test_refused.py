"""Why not, in words and in types."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from gateway.mapping.refused import Denied, OutOfBounds, Refused, TooSoon, Unfit, Wanted, either, shown, with_unit


def test_every_reason_names_the_point_and_is_a_refusal() -> None:
    for kind in (Denied, OutOfBounds, Unfit):
        refused = kind("setpoint", "it cannot be written", "ask")
        assert isinstance(refused, Refused)
        assert (str(refused), refused.point, refused.reason, refused.hint) == (
            "setpoint: it cannot be written",
            "setpoint",
            "it cannot be written",
            "ask",
        )


def test_too_soon_says_how_long_to_wait() -> None:
    refused = TooSoon("setpoint", "it was written 0.3 s ago", 4.7)
    assert (refused.wait_s, refused.hint) == (4.7, "wait 4.7 s")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(6), "6"),
        (Fraction("21.5"), "21.5"),
        (Fraction(1, 3), "0.3333333333"),
        (230.1999969482422, "230.1999969"),
        (Fraction(10) ** 39, "1e+39"),
        (2**60 + 1, "1152921504606846977"),
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


def test_numbers_and_their_unit() -> None:
    assert either([Fraction("21.5"), Fraction(22)], "degC") == "21.5 and 22 degC"
    assert with_unit("0 to 1", "") == "0 to 1"
