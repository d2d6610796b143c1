"""From raw to published: texts, flags, scale factors, totals and bounds, and never something false."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.spec import PointSpec
from gateway.mapping.steps import NOT_BITS, Doubtful, step
from gateway.mapping.totals import Total
from gateway.model import NOT_A_NUMBER, Point, Quality, Status, Value
from gateway.values import ValueType
from tests.gateway.mapping.plants import Address


def spec(type_: ValueType | None = "uint16", bits: str | None = None, **more: Any) -> PointSpec:
    settings = {"at": "0", "type": type_} | ({"bits": bits} if bits else {})
    address = Address.model_validate(settings) if type_ else None
    return PointSpec(Point("meter", None, "p", address, 1.0), unit="", **more)


def single(value: float) -> float:
    """As a float32 that came over a wire."""
    result: float = struct.unpack(">f", struct.pack(">f", value))[0]
    return result


def published(
    subject: PointSpec, *raws: Value, powers: Mapping[int, int | None] | None = None
) -> list[Value | Status | Doubtful]:
    total = Total(subject.rollover) if subject.rollover else None
    function = step(subject, total, powers or {})
    return [raw if function is None else function(raw) for raw in raws]


def doubt(value: Value, reason: str) -> Doubtful:
    return Doubtful(value, Status(Quality.UNCERTAIN, reason))


def bad(reason: str) -> Status:
    return Status(Quality.BAD, reason)


# ---- enum


def test_a_code_becomes_its_text() -> None:
    assert published(spec(enum={0: "off", 1: "on"}), 0, 1) == ["off", "on"]


def test_an_unknown_code_gives_the_number_with_a_doubt() -> None:
    assert published(spec(enum={0: "off"}), 7, -1) == [doubt(7, "unknown code 7"), doubt(-1, "unknown code -1")]


def test_a_code_that_means_none_gives_none() -> None:
    assert published(spec(enum={0: "off"}, nan=frozenset({0xFFFF})), 0xFFFF) == [bad("no value (nan 0xffff)")]


def test_a_bool_can_have_texts() -> None:
    assert published(spec("bool", enum={0: "open", 1: "closed"}), False, True) == ["open", "closed"]
    assert published(spec("bool", enum={1: "closed"}), False) == [doubt(False, "unknown code False")]


def test_a_float_can_have_texts_where_it_is_whole() -> None:
    assert published(spec("float32", enum={1: "on"}), 1.0, 1.5, math.nan) == [
        *("on", doubt(1.5, "unknown code 1.5")),
        NOT_A_NUMBER,
    ]


def test_a_text_of_a_server_is_an_unknown_code() -> None:
    assert published(spec(None, enum={1: "on"}), "x", b"\x01") == [
        doubt("x", "unknown code x"),
        doubt("01", "unknown code 01"),
    ]


def test_statuses_of_few_codes_are_shared_and_of_many_not_kept() -> None:
    function = step(spec(enum={0: "off"}), None, {})
    assert function is not None
    first, second = function(7), function(7)
    assert isinstance(first, Doubtful)
    assert isinstance(second, Doubtful)
    assert first.status is second.status


# ---- flags


def test_flags_are_the_names_of_the_bits_that_are_set() -> None:
    subject = spec(flags={0: "overload", 3: "door_open"})
    assert published(subject, 0, 1, 8, 9) == [(), ("overload",), ("door_open",), ("overload", "door_open")]


def test_unknown_bits_are_named_by_number_with_a_doubt() -> None:
    assert published(spec(flags={0: "overload"}), 0b110, 0b101) == [
        doubt(("bit_1", "bit_2"), "unknown bit 1, 2"),
        doubt(("overload", "bit_2"), "unknown bit 2"),
    ]


def test_flags_of_a_signed_register_end_at_its_width() -> None:
    assert published(spec("int16", flags={15: "alarm"}), -32768) == [("alarm",)]
    assert published(spec("int32", flags={31: "alarm"}), -(1 << 31)) == [("alarm",)]
    # A server tells no width: the narrowest that holds the number.
    assert published(spec(None, flags={15: "alarm"}), -32768) == [("alarm",)]


def test_flags_that_mean_none_are_none() -> None:
    assert published(spec(flags={0: "a"}, nan=frozenset({0xFFFF})), 0xFFFF) == [bad("no value (nan 0xffff)")]


@pytest.mark.parametrize("raw", ["text", 1.5, (1,)])
def test_what_is_no_whole_number_has_no_bits(raw: Any) -> None:
    assert published(spec(None, flags={0: "a"}), raw) == [NOT_BITS]


def test_a_float_that_is_whole_has_bits_and_infinity_has_none() -> None:
    assert published(spec("float32", flags={0: "a"}), 1.0, math.inf, math.nan) == [("a",), NOT_A_NUMBER, NOT_A_NUMBER]


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), min_size=1))
def test_all_bits_that_are_set_are_named(raw: int, named: set[int]) -> None:
    (found,) = published(spec("uint64", flags={bit: f"f{bit}" for bit in named}), raw)
    names = found.value if isinstance(found, Doubtful) else found
    assert isinstance(names, tuple)
    assert sum(1 << int(str(name).lstrip("fbit_")) for name in names) == raw


# ---- scale_from


@given(st.integers(-(2**15) + 1, 2**15 - 1), st.integers(-10, 10))
def test_a_scale_factor_is_exact(raw: int, power: int) -> None:
    """SunSpec Information Model Reference, section 4.3: value = raw * 10^sf."""
    (found,) = published(spec("int16", scale_from=3), raw, powers={3: power})
    assert found == float(Decimal(raw).scaleb(power))  # Decimal scales without rounding
    assert isinstance(found, int) == (power >= 0)


def test_a_scale_factor_stands_before_scale_offset_and_conversion() -> None:
    subject = spec("int16", scale_from=0, scale=Fraction(1, 2), offset=Fraction(10), factor=Fraction(1, 1000))
    assert published(subject, 500, powers={0: 2}) == [25.01]


@pytest.mark.parametrize("power", [None, 11, -11, -32768])
def test_without_a_scale_factor_there_is_no_value(power: int | None) -> None:
    assert published(spec("int16", scale_from=0), 500, powers={0: power}) == [bad("no scale factor")]
    assert published(spec("int16", scale_from=0), 500) == [bad("no scale factor")]


def test_a_value_that_means_none_is_none_with_a_scale_factor_too() -> None:
    subject = spec("int16", scale_from=0, nan=frozenset({0x8000}))
    assert published(subject, -32768, powers={0: 0}) == [bad("no value (nan 0x8000)")]


# ---- rollover


def test_a_total_is_scaled_after_it_was_added_up() -> None:
    assert published(spec(rollover=65536, scale=Fraction(1, 10)), 65535, 4) == [6553.5, 6554.0]


def test_none_does_not_move_a_counter() -> None:
    subject = spec(rollover=65535, nan=frozenset({0xFFFF}))
    assert published(subject, 65534, 0xFFFF, 0) == [65534, bad("no value (nan 0xffff)"), 65535]


def test_a_total_may_come_to_what_meant_none_in_the_register() -> None:
    assert published(spec(rollover=100, nan=frozenset({110})), 99, 10) == [99, 110]


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_does_not_move_a_counter(strange: float) -> None:
    assert published(spec("float64", rollover=1000), 990.0, strange, 5.0) == [990.0, NOT_A_NUMBER, 1005.0]


@pytest.mark.parametrize("strange", ["text", True, b"\1"])
def test_what_a_server_gives_instead_of_a_number_does_not_move_a_counter(strange: Any) -> None:
    first, _, third = published(spec(None, rollover=1000), 990, strange, 5)
    assert (first, third) == (990, 1005)


def test_a_total_beyond_64_bits_is_the_nearest_double() -> None:
    found = published(spec("uint64", rollover=1 << 64), (1 << 64) - 1, 5)
    assert found == [(1 << 64) - 1, float((1 << 64) + 5)]
    assert [type(value) for value in found] == [int, float]


# ---- range


@pytest.mark.parametrize(("raw", "inside"), [(0, True), (100, True), (50, True), (-1, False), (101, False)])
def test_what_is_outside_of_its_range_is_published_with_a_doubt(raw: int, inside: bool) -> None:
    """As OPC UA has it: UncertainEngineeringUnitsExceeded, the value is outside of the EURange (Part 8, table 12)."""
    (found,) = published(spec("int16", range=(0.0, 100.0)), raw)
    assert found == (raw if inside else doubt(raw, "outside range 0..100"))


@pytest.mark.parametrize(
    ("bounds", "says"),
    [((1.0, 1234567.5), "1..1234567.5"), ((1.0, 2e20), "1..2e20"), ((1.0, float("1e400")), "1..inf")],
)
def test_the_doubt_tells_the_bounds_as_they_are_written(bounds: tuple[float, float], says: str) -> None:
    (found,) = published(spec("int16", range=bounds), 0)
    assert found == doubt(0, f"outside range {says}")


def test_the_range_is_that_of_the_published_value() -> None:
    subject = spec("int16", scale=Fraction(1, 10), range=(0.0, 10.0))
    assert published(subject, 100, 101) == [10.0, doubt(10.1, "outside range 0..10")]


def test_a_float32_at_its_bound_is_inside() -> None:
    assert published(spec("float32", single=True, range=(-0.1, 0.1)), single(0.1), single(-0.1)) == [
        single(0.1),
        single(-0.1),
    ]
    (beyond,) = published(spec("float32", single=True, range=(0.0, 0.1)), single(0.10001))
    assert isinstance(beyond, Doubtful)


def test_what_is_no_number_is_not_compared() -> None:
    assert published(spec(None, range=(0.0, 1.0)), "text", True, math.nan) == ["text", True, NOT_A_NUMBER]


# ---- the rest


def test_whole_degrees_are_converted_exactly() -> None:
    """The scales are defined so that 0 degC is 32 degF and 100 degC is 212 degF (NIST SP 811, appendix B.8)."""
    subject = spec("int16", factor=Fraction(9, 5), shift=Fraction(32))
    assert published(subject, 0, 100, -40, 37) == [32.0, 212.0, -40.0, 98.6]


def test_bytes_are_published_as_hexadecimal_digits() -> None:
    assert published(spec("bytes"), b"\x00\xff") == ["00ff"]
    assert published(spec(None), b"\x00\xff") == ["00ff"]


def test_texts_and_bools_need_no_step() -> None:
    assert [step(spec(type_), None, {}) for type_ in ("bool", "string", "hhmm", "version")] == [None] * 4


def test_minus_zero_can_mean_none_without_zero_meaning_it() -> None:
    subject = spec("float32", nan=frozenset({0x80000000}))
    assert published(subject, -0.0, 0.0, 1.5) == [bad("no value (nan 0x80000000)"), 0.0, 1.5]


@pytest.mark.parametrize("pattern", [0x7FC00000, 0xFFC00000, 0x7F800001])
def test_the_nans_of_ieee_754_are_none_whether_they_are_named_or_not(pattern: int) -> None:
    """IEEE 754, section 6.2.1: all exponent bits set and a fraction that is not 0."""
    raw = struct.unpack(">f", pattern.to_bytes(4, "big"))[0]
    assert published(spec("float32", nan=frozenset({pattern})), raw) == [NOT_A_NUMBER]
    assert published(spec("float32"), raw) == [NOT_A_NUMBER]
