"""What a raw value can be, and what it means."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gateway.mapping.raw import field_of, is_real, limits, meaning, type_of
from gateway.model import GOOD, Quality
from gateway.values import ValueType
from tests.gateway.mapping.test_steps import spec


@pytest.mark.parametrize(
    ("type_", "bits", "between"),
    [
        ("int16", None, (-32768, 32767)),
        ("uint24", None, (0, 0xFFFFFF)),
        ("bcd16", None, (0, 9999)),
        ("signmag16", None, (-32767, 32767)),
        ("int16", "4..7", (0, 15)),
        ("bool", None, (0, 1)),
        (None, None, (-(1 << 63), (1 << 64) - 1)),
    ],
)
def test_the_limits_of_a_type(type_: ValueType | None, bits: str | None, between: tuple[int, int]) -> None:
    assert limits(spec(type_, bits)) == between


def test_a_type_and_a_field_are_those_of_the_address() -> None:
    assert (type_of(spec("int32")), type_of(spec(None))) == ("int32", None)
    assert (field_of(spec("uint16", "4..7")), field_of(spec())) == ((4, 7), None)
    assert [
        is_real(spec("float32")),
        is_real(spec("float32", "0..7")),
        is_real(spec("int16")),
        is_real(spec(None)),
    ] == [
        True,
        False,
        False,
        False,
    ]


def test_what_a_raw_value_means_is_what_is_published() -> None:
    assert meaning(spec(scale=Fraction(1, 10)), 2302) == (230.2, GOOD)
    assert meaning(spec(enum={1: "on"}), 1) == ("on", GOOD)
    assert meaning(spec(), 7) == (7, GOOD)
    assert meaning(spec(scale_from=3), 7, -2) == (0.07, GOOD)
    assert meaning(spec(), None) == (None, GOOD)


def test_what_means_nothing_says_why() -> None:
    value, status = meaning(spec(nan=frozenset((0xFFFF,))), 0xFFFF)
    assert (value, status.quality, status.reason) == (None, Quality.BAD, "no value (nan 0xffff)")
    assert meaning(spec(scale_from=3), 7, None)[1].reason == "no scale factor"
    value, status = meaning(spec(range=(0.0, 10.0)), 11)
    assert (value, status.quality) == (11, Quality.UNCERTAIN)


def test_a_counter_is_what_its_register_says() -> None:
    assert meaning(spec(rollover=65536, kind="counter"), 5) == (5, GOOD)
