"""Numbers on their way back: worked by hand, bounded, and refused where they cannot be held."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.raw_numbers import scaled
from gateway.mapping.refused import Absent, OutOfBounds, Refused, Unfit, Wanted
from gateway.mapping.spec import PointSpec, Write
from gateway.values import ValueType, number
from tests.gateway.mapping.test_steps import spec as plain


def spec(type_: ValueType | None = "uint16", bits: str | None = None, unit: str = "", **more: Any) -> PointSpec:
    made = plain(type_, bits, **more)
    return PointSpec(made.point, unit, **more)


def refusal(subject: PointSpec, wanted: Wanted, power: int | None = 0, **write: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        scaled(subject, Write(**write), wanted, power)
    return caught.value


FAHRENHEIT: dict[str, Any] = {"factor": Fraction(5, 9), "shift": Fraction(-160, 9)}


@pytest.mark.parametrize(
    ("subject", "wanted", "raw"),
    [
        (spec(), 7, 7),
        (spec(scale=Fraction(1, 10)), 230.2, 2302),
        (spec(scale=Fraction(1, 10)), Decimal("230.2"), 2302),
        (spec(scale=Fraction(1, 10)), 0.1 + 0.2, 3),
        (spec(scale=Fraction(2), offset=Fraction(50)), 52, 1),
        (spec("int16", scale=Fraction(1, 200)), Decimal("-163.84"), -32768),
        (spec(offset=Fraction(-40)), -40, 0),
        (spec("uint64"), 2**64 - 1, 2**64 - 1),
        (spec("uint64", scale=Fraction(1, 10)), Decimal("1844674407370955161.5"), 2**64 - 1),
        (spec("uint16", "4..7"), 15, 15),
        (spec("float32"), Decimal("230.2"), 230.1999969482422),
        (spec("float64", scale=Fraction(1, 10)), Decimal("0.3"), 3.0),
        (spec("uint16", factor=Fraction(1, 1000)), Decimal("1.52"), 1520),  # W as kW
        (spec("int16", **FAHRENHEIT), 100, 212),
        (spec("int16", **FAHRENHEIT), Decimal("21.1111"), 70),  # 21.111..., near enough
        (spec(None), Decimal("21.5"), 21.5),
        (spec(None), Decimal("21.0"), 21),
        (spec("bcd16"), 9999, 9999),
    ],
)
def test_a_number_and_its_raw_one(subject: PointSpec, wanted: Wanted, raw: float) -> None:
    made = scaled(subject, Write(), wanted, 0)
    assert (made, type(made)) == (raw, type(raw))


def test_a_scale_factor_of_the_device_takes_part() -> None:
    assert scaled(spec("int16", scale_from=4), Write(), Decimal("1.25"), -2) == 125
    assert scaled(spec("int16", scale_from=4), Write(), 12000, 3) == 12
    told = refusal(spec("int16", scale_from=4), 1, None)
    assert str(told) == "p: its scale factor has no value just now"
    assert isinstance(refusal(spec("int16", scale_from=4), 1, -32768), Absent), "SunSpec's 'not implemented'"


@pytest.mark.parametrize(
    ("subject", "wanted", "reason", "hint"),
    [
        (
            spec(scale=Fraction(1, 10), unit="degC"),
            Decimal("21.55"),
            "it cannot hold 21.55",
            "the nearest that it can are 21.5 and 21.6 degC",
        ),
        (spec(unit="Hz"), Decimal("0.5"), "it cannot hold 0.5", "the nearest that it can are 0 and 1 Hz"),
        (
            spec("int16", scale=Fraction(-1)),
            Decimal("1.5"),
            "it cannot hold 1.5",
            "the nearest that it can are 2 and 1",
        ),
        (spec(scale=Fraction(1, 10), unit="V"), 7000, "7000 does not fit: it holds 0 to 6553.5 V", ""),
        (spec("int16", scale=Fraction(-1)), 32769, "32769 does not fit: it holds -32767 to 32768", ""),
        (spec("uint16", "4..7"), 16, "16 does not fit: it holds 0 to 15", ""),
        (spec(nan=frozenset((0xFFFF, 0xFFFE))), 65535, "65535 does not fit: it holds 0 to 65533", ""),
        (spec("int16", nan=frozenset((0x8000,))), -32768, "-32768 does not fit: it holds -32767 to 32767", ""),
        (spec(), -1, "-1 does not fit: it holds 0 to 65535", ""),
        (
            spec("float32"),
            16777217,
            "it cannot hold 16777217",
            "the nearest that it can are 16777216 and 16777218",
        ),
        (spec("float32"), Decimal("1e39"), "1e39 does not fit into float32", ""),
        (spec("float32"), Decimal("1e-60"), "1e-60 is too small for float32: it would be 0", ""),
        (spec(), math.nan, "nan is no number", ""),
        (spec(), math.inf, "inf is no number", ""),
        (spec(), 10**400, "so large a number cannot be held", ""),
        (spec(), "fast", '"fast" is no number', "write for example 21.5"),
        (spec(), True, "true is no number", "write for example 21.5"),
        (spec(), None, "no value is no number", "write for example 21.5"),
    ],
)
def test_what_cannot_be_held_is_refused_with_what_can(
    subject: PointSpec, wanted: Wanted, reason: str, hint: str
) -> None:
    told = refusal(subject, wanted)
    assert isinstance(told, Unfit)
    assert (told.reason.casefold(), told.hint) == (reason.casefold(), hint)


def test_a_large_float_with_few_digits_is_what_was_typed() -> None:
    assert scaled(spec("float32"), Write(), Decimal("1e30"), 0) == 1.0000000150474662e30


@pytest.mark.parametrize(
    ("wanted", "write", "reason", "hint"),
    [
        (
            60.5,
            {"lowest": Fraction(0), "highest": Fraction(60)},
            "60.5 Hz is outside of what write: allows: 0 to 60 Hz",
            "",
        ),
        (
            -1,
            {"lowest": Fraction(0), "highest": Fraction(60)},
            "-1 Hz is outside of what write: allows: 0 to 60 Hz",
            "",
        ),
        (Decimal("60.00000001"), {"lowest": Fraction(0), "highest": Fraction(60)}, None, ""),
        (
            Decimal("20.3"),
            {"step": Fraction(1, 2)},
            "20.3 is no multiple of 0.5, as write: wants it",
            "the nearest are 20 and 20.5 Hz",
        ),
        (
            Decimal("0.25"),
            {"step": Fraction(1, 10)},
            "0.25 is no multiple of 0.1, as write: wants it",
            "the nearest are 0.2 and 0.3 Hz",
        ),
    ],
)
def test_bounds_of_write_are_kept(wanted: Wanted, write: dict[str, Any], reason: str | None, hint: str) -> None:
    told = refusal(spec("float32", unit="Hz"), wanted, **write)
    assert isinstance(told, OutOfBounds)
    assert told.reason == reason or reason is None
    assert told.hint == hint


@pytest.mark.parametrize(
    ("type_", "lowest", "highest", "beyond", "says"),
    [
        ("uint64", "0", "9007199254740993", 2**53 + 2, "9007199254740994 is outside of what write: allows: 0 to"),
        ("float64", "0", "60.00000000001", "60.00000000002", "60.00000000002 is outside of what write: allows: 0 to"),
        ("float64", "1234567.890123", "2e6", "1", "1 is outside of what write: allows: 1234567.890123 to"),
        ("float64", "-1e-30", "1e300", "2e300", "2e300 is outside of what write: allows: -1e-30 to"),
    ],
)
def test_a_bound_is_told_with_every_digit_and_is_itself_allowed(
    type_: ValueType, lowest: str, highest: str, beyond: str, says: str
) -> None:
    bounds: dict[str, Any] = {"lowest": Fraction(lowest), "highest": Fraction(highest)}
    told = refusal(spec(type_), Decimal(beyond), **bounds)
    assert told.reason.startswith(says)
    for end, bound in zip(told.reason.partition("allows: ")[2].split(" to "), bounds.values(), strict=True):
        assert Fraction(number(end)) == bound
        assert scaled(spec(type_), Write(**bounds), number(end), 0) == pytest.approx(float(bound), rel=1e-15)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25, places=9),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**9, places=12),
)
def test_the_bounds_that_a_refusal_names_are_exactly_those_of_the_mapping(low: Decimal, wide: Decimal) -> None:
    lowest, highest = Fraction(low), Fraction(low) + Fraction(wide)
    told = refusal(spec("float64"), Decimal("1e300"), lowest=lowest, highest=highest)
    ends = told.reason.partition("allows: ")[2].split(" to ")
    assert [Fraction(number(end)) for end in ends] == [lowest, highest]


@pytest.mark.parametrize("wanted", [20.1, Decimal("20.1")])
def test_a_float_of_a_program_that_lies_on_a_bound_is_allowed(wanted: Wanted) -> None:
    write = Write(Fraction(0), Fraction("20.1"))
    assert scaled(spec(scale=Fraction(1, 10)), write, wanted, 0) == 201


@pytest.mark.parametrize(
    ("subject", "write", "wanted", "hint"),
    [
        (spec(scale=Fraction(1, 10)), {"highest": Fraction("20.05")}, "20.03", "the nearest that it can is 20"),
        (
            spec(scale=Fraction(1, 10)),
            {"highest": Fraction("20.1")},
            "20.03",
            "the nearest that it can are 20 and 20.1",
        ),
        (spec("float64"), {"highest": Fraction("20.3"), "step": Fraction(1, 2)}, "20.2", "the nearest is 20"),
    ],
)
def test_what_is_named_instead_may_be_written(
    subject: PointSpec, write: dict[str, Any], wanted: str, hint: str
) -> None:
    assert refusal(subject, Decimal(wanted), lowest=Fraction(0), **write).hint == hint


@pytest.mark.parametrize("wanted", [0, 60, 60.0, Decimal("0.3"), 0.1 + 0.2, Decimal("59.9")])
def test_what_lies_on_a_bound_or_a_step_is_allowed(wanted: float | Decimal) -> None:
    write = Write(Fraction(0), Fraction(60), Fraction(1, 10))
    assert scaled(spec(scale=Fraction(1, 10)), write, wanted, 0) == round(float(wanted) * 10)
