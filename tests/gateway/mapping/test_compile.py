"""Scaling is exact, rounded once, and nothing false comes out of it."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.compile import OVERFLOW, normaliser
from gateway.mapping.spec import PointSpec
from gateway.model import NOT_A_NUMBER, Point, Quality, Status, Value
from gateway.values import BIT_WIDTHS, ValueType
from tests.gateway.mapping.plants import Address


def spec(
    kind: ValueType | None,
    scale: str = "1",
    offset: str = "0",
    nan: frozenset[int] = frozenset(),
) -> PointSpec:
    address: Any = Address.model_validate({"at": "0", "type": kind}) if kind else None
    point: Point[Any, Any] = Point("meter", None, "p", address, 1.0)
    return PointSpec(point, "", Fraction(scale), Fraction(offset), nan, single=False)


def scaled(raw: Value, kind: ValueType | None, scale: str = "1", offset: str = "0", *nan: int) -> Value | Status:
    step = normaliser(spec(kind, scale, offset, frozenset(nan)))
    return raw if step is None else step(raw)


@pytest.mark.parametrize("type_", ["bool", "int16", "uint16", "int64", "uint64"])
def test_there_is_nothing_to_do_without_scale_offset_and_nan(type_: ValueType) -> None:
    assert normaliser(spec(type_)) is None


@pytest.mark.parametrize(
    ("raw", "type_", "scale", "offset", "value"),
    [
        (2302, "uint16", "1/10", "0", 230.2),
        (3, "uint16", "1/10", "0", 0.3),  # 3 * 0.1 would be 0.30000000000000004
        (-5, "int16", "5/1000", "0", -0.025),
        (15, "uint16", "1/10", "50000", 50001.5),
        (7, "uint16", "1", "50000", 50007),
        (9007199254740993, "uint64", "1", "0", 9007199254740993),  # 2^53 + 1 is no double
        (2**64 - 1, "uint64", "1", "0", 2**64 - 1),
        (9007199254740993, "int64", "2", "1", 18014398509481987),
        (1.5, "float32", "1/1000", "0", 0.0015),
        (1.5, "float64", "1000", "0", 1500.0),
        (0.5, "float32", "1", "1/10", 0.6),
        (1e300, "float64", "1/3", "1/7", float(Fraction(1e300) / 3)),
    ],
)
def test_a_value_is_the_nearest_number_to_the_exact_one(
    raw: Value, type_: ValueType, scale: str, offset: str, value: Value
) -> None:
    result = scaled(raw, type_, scale, offset)
    assert (result, type(result)) == (value, type(value))


FACTORS = st.sampled_from(
    ["1", "-1", "1/10", "1/100", "1/1000", "5/1000", "10", "1000", "1/3", "2/7", "123456789/1000"]
)
OFFSETS = st.sampled_from(["0", "1", "-27315/100", "50000", "1/3", "1e-20", "1e20"])


@given(st.integers(-(2**63), 2**64 - 1), FACTORS, OFFSETS)
def test_integers_are_rounded_once(raw: int, scale: str, offset: str) -> None:
    type_: ValueType = "uint64" if raw >= 0 else "int64"
    exact = raw * Fraction(scale) + Fraction(offset)
    result = scaled(raw, type_, scale, offset)
    assert isinstance(result, int | float)
    if isinstance(result, int):
        assert result == exact
    else:
        assert result == exact.numerator / exact.denominator


@given(st.floats(allow_nan=False, allow_infinity=False), FACTORS, OFFSETS)
def test_floats_are_rounded_once(raw: float, scale: str, offset: str) -> None:
    exact = Fraction(raw) * Fraction(scale) + Fraction(offset)
    try:
        expected: Value | Status = exact.numerator / exact.denominator
    except OverflowError:
        expected = OVERFLOW
    assert scaled(raw, "float64", scale, offset) == expected


@pytest.mark.parametrize("scale", ["1", "1/10", "10", "1/3"])
@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_bad(raw: float, scale: str) -> None:
    assert scaled(raw, "float32", scale) is NOT_A_NUMBER


def test_what_is_too_large_is_bad() -> None:
    assert scaled(1e308, "float64", "1000") is OVERFLOW
    assert scaled(1e308, "float64", "1000", "1/3") is OVERFLOW
    assert scaled(60000, "uint16", "1e305", "1/3") is OVERFLOW


def test_an_integer_beyond_64_bits_becomes_the_nearest_double() -> None:
    result = scaled(2**63, "uint64", "10")
    assert (result, type(result)) == (float(2**63 * 10), float)


@pytest.mark.parametrize(
    ("raw", "type_", "pattern", "reason"),
    [
        (-32768, "int16", 0x8000, "no value (nan 0x8000)"),
        (65535, "uint16", 0xFFFF, "no value (nan 0xffff)"),
        (0, "uint16", 0, "no value (nan 0x0000)"),
        (-1, "int32", 0xFFFFFFFF, "no value (nan 0xffffffff)"),
        (2147483647, "int32", 0x7FFFFFFF, "no value (nan 0x7fffffff)"),
        (12, "bcd16", 0x0012, "no value (nan 0x0012)"),
        (-1, "signmag16", 0x8001, "no value (nan 0x8001)"),
        (2**64 - 1, "uint64", 2**64 - 1, "no value (nan 0xffffffffffffffff)"),
        (struct.unpack(">f", b"\xff\x7f\xff\xff")[0], "float32", 0xFF7FFFFF, "no value (nan 0xff7fffff)"),
    ],
)
@pytest.mark.parametrize("scale", ["1", "1/10"])
def test_a_raw_value_that_means_none_gives_none(
    raw: Value, type_: ValueType, pattern: int, reason: str, scale: str
) -> None:
    assert scaled(raw, type_, scale, "0", pattern) == Status(Quality.BAD, reason)


@pytest.mark.parametrize(
    ("raw", "type_", "pattern"),
    [(65535, "bcd32", 0xFFFF), (10, "bcd16", 0x000A), (0xFFFF, "bcd64", 0xFFFF), (12, "bcd16", 12)],
)
def test_a_pattern_that_is_no_bcd_takes_no_true_value_away(raw: int, type_: ValueType, pattern: int) -> None:
    """The decoder finds it BAD; the number of the same value is written with other bits."""
    assert scaled(raw, type_, "1", "0", pattern) == raw


def test_nan_is_compared_before_scaling() -> None:
    assert scaled(327670, "int32", "1/10", "0", 32767) == 32767.0
    assert scaled(1, "uint16", "1/10", "0", 0xFFFF, 0xFFFE) == 0.1
    assert scaled(1, "uint16", "1", "0", 0xFFFF) == 1


def test_without_a_type_each_value_is_taken_for_what_it_is() -> None:
    step = normaliser(spec(None, "1/10", "0", frozenset({0xFFFF})))
    assert step is not None
    raws: list[Value] = [2302, 2302.0, True, "on", b"\0", math.nan, 0xFFFF]
    assert [step(raw) for raw in raws] == [
        *[230.2, 230.2, True, "on", "00"],
        NOT_A_NUMBER,
        Status(Quality.BAD, "no value (nan 0xffff)"),
    ]
    plain = normaliser(spec(None))
    assert plain is not None
    assert plain(2**60 + 1) == 2**60 + 1


def test_statuses_are_made_once_and_shared() -> None:
    step = normaliser(spec("uint16", "1/10", "0", frozenset({0xFFFF})))
    assert step is not None
    assert step(0xFFFF) is step(0xFFFF)


def test_every_type_has_limits() -> None:
    for type_, width in BIT_WIDTHS.items():
        if type_.startswith(("int", "uint")):
            top = (1 << width) - 1
            assert scaled(top if type_.startswith("u") else -1, type_, "1", "0", top) == Status(
                Quality.BAD, f"no value (nan {top:#x})"
            )
