"""The settings of a point: what is taken, and what is so where nothing is said."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.mapping.point_settings import Band, DerivedSettings, PointSettings, WriteSettings
from gateway.mapping.units import BUILT_IN, SiteUnit


def point(**settings: Any) -> PointSettings:
    return PointSettings.model_validate(settings)


def refused(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        point(**settings)
    return str(caught.value.errors()[0]["ctx"]["code"])


def test_a_point_is_read_every_five_seconds_and_not_scaled_by_default() -> None:
    found = PointSettings()
    assert (found.every, found.unit, found.scale, found.divide, found.offset, found.nan) == (
        *(5.0, "", Decimal(1), Decimal(1)),
        *(Decimal(0), []),
    )
    assert (found.kind, found.deadband, found.heartbeat, found.write, found.when) == ("gauge", None, 900.0, None, "")


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("0.5 V", Band(Decimal("0.5"), "V")),
        ("0.5V", Band(Decimal("0.5"), "V")),
        ("1 %", Band(Decimal(1), "%")),
        ("1%", Band(Decimal(1), "%")),
        ("0", Band(Decimal(0), "")),
        (".5 bar", Band(Decimal("0.5"), "bar")),
        ("1 1/min", Band(Decimal(1), "1/min")),
    ],
)
def test_deadbands_that_are_taken(text: str, band: Band) -> None:
    assert point(deadband=text).deadband == band


@pytest.mark.parametrize(
    ("text", "code"), [("V", "M11"), ("-1 V", "M11"), ("", "M11"), ("1e3 V", "M12?"), ("0,5 V", "M07"), ("0,5", "M07")]
)
def test_deadbands_that_are_not_taken(text: str, code: str) -> None:
    if code.endswith("?"):  # e3 V is no unit; that is told where the units are known
        assert point(deadband=text).deadband.unit == "e3 V"
    else:
        assert refused(deadband=text) == code


def test_start_is_for_ever() -> None:
    assert point(every="start").every == math.inf


def test_one_nan_needs_no_list() -> None:
    assert point(nan="0x8000").nan == [0x8000]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"scale": "0"}, "R03"),
        ({"divide": "0e5"}, "R03"),
        ({"range": ["1", "1"]}, "R06"),
        ({"range": ["1"]}, "M17"),
        ({"range": "1"}, "M15"),
        ({"rollover": "1"}, "M13"),
        ({"rollover": "18446744073709551617"}, "M13"),
        ({"flags": {"64": "a"}}, "M13"),
        ({"flags": {"-1": "a"}}, "M13"),
        ({"enum": {"x": "a"}}, "M04"),
        ({"enum": {"1": ""}}, "M20"),
        ({"unit": "kwhr"}, "M12"),
    ],
)
def test_what_is_not_taken(settings: dict[str, Any], code: str) -> None:
    assert refused(**settings) == code


def test_units_of_the_site_are_known_where_they_are_given() -> None:
    units, _ = BUILT_IN.with_site([SiteUnit("crate")])
    assert PointSettings.model_validate({"unit": "crate"}, context=units).unit == "crate"
    assert refused(unit="crate") == "M12"


def test_an_alias_becomes_the_symbol() -> None:
    assert point(unit="°C").unit == "degC"


def test_a_write_is_bounded_by_nothing_but_what_is_said() -> None:
    write = WriteSettings()
    assert (write.range, write.step, write.values, write.every, write.confirm) == (None, None, [], 0.0, "answer")
    assert write.idempotent is False, "nobody but the profile can know that it may be sent twice"
    assert WriteSettings.model_validate({"values": "on"}).values == ["on"]


def test_a_derived_point_needs_a_formula() -> None:
    with pytest.raises(ValidationError, match="expr"):
        DerivedSettings.model_validate({})
