"""Numbers on their way back: worked by hand, bounded, and refused where they cannot be held."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from gateway.mapping.raw_numbers import scaled
from gateway.mapping.refused import OutOfBounds, Refused, Unfit, Wanted
from gateway.mapping.spec import PointSpec, Write
from gateway.values import ValueType
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
    assert isinstance(refusal(spec("int16", scale_from=4), 1, -32768), Unfit), "SunSpec's 'not implemented'"


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
        (spec("float32"), Decimal("1e39"), "1e+39 does not fit into float32", ""),
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
        (60.5, {"lowest": 0.0, "highest": 60.0}, "60.5 Hz is outside of what write: allows: 0 to 60 Hz", ""),
        (-1, {"lowest": 0.0, "highest": 60.0}, "-1 Hz is outside of what write: allows: 0 to 60 Hz", ""),
        (Decimal("60.00000001"), {"lowest": 0.0, "highest": 60.0}, None, ""),
        (
            Decimal("20.3"),
            {"step": 0.5},
            "20.3 is no multiple of 0.5, as write: wants it",
            "the nearest are 20 and 20.5 Hz",
        ),
        (
            Decimal("0.25"),
            {"step": 0.1},
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


@pytest.mark.parametrize("wanted", [0, 60, 60.0, Decimal("0.3"), 0.1 + 0.2, Decimal("59.9")])
def test_what_lies_on_a_bound_or_a_step_is_allowed(wanted: Wanted) -> None:
    assert scaled(spec(scale=Fraction(1, 10)), Write(0.0, 60.0, 0.1), wanted, 0) == round(float(wanted) * 10)  # type: ignore[arg-type]
