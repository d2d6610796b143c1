"""The floating-point numbers round an exact one, against what IEEE 754 says of them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gateway.mapping.nearest import LARGEST, neighbours, rounded
from gateway.values import ValueType


@pytest.mark.parametrize(
    ("type_", "exact", "nearest"),
    [
        ("float32", Fraction("230.2"), 230.1999969482422),  # 0x43663333
        ("float32", Fraction(16777217), 16777216.0),
        ("float64", Fraction("0.1"), 0.1),
        ("float16", Fraction("0.1"), 0.0999755859375),  # 0x2e66
        ("float16", Fraction(65504), 65504.0),
        ("float16", Fraction(65520), None),
        ("float32", Fraction(10) ** 39, None),
        ("float32", Fraction(1, 10**60), 0.0),
    ],
)
def test_the_nearest_number_of_a_type(type_: ValueType, exact: Fraction, nearest: float | None) -> None:
    assert rounded(type_, exact) == nearest


@pytest.mark.parametrize(
    ("type_", "exact", "around"),
    [
        ("float32", 16777217, [16777216.0, 16777218.0]),
        ("float32", -16777217, [-16777218.0, -16777216.0]),
        ("float32", 16777218, [16777216.0, 16777220.0]),
        ("float16", 2049, [2048.0, 2050.0]),
        ("float16", 65505, [65504.0]),
        ("float16", 70000, []),
    ],
)
def test_the_numbers_below_and_above(type_: ValueType, exact: int, around: list[float]) -> None:
    assert neighbours(type_, Fraction(exact)) == around


@pytest.mark.parametrize("type_", LARGEST)
def test_above_the_largest_number_there_is_none(type_: ValueType) -> None:
    largest = Fraction(LARGEST[type_])
    assert rounded(type_, largest) == largest
    assert neighbours(type_, largest)[1:] == []
