"""Unit, scale, codes and range of a row, and what is told where they do not fit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.draft import Setting
from gateway.mapping.importers.cells import Gain
from gateway.mapping.importers.columns import layouts
from gateway.mapping.importers.lookup import Lookup
from gateway.mapping.importers.meaning import Meaning, is_counter, shortened
from gateway.mapping.importers.table import Refused, Sheet


class Told(Exception):
    """More was said than expected."""


def settings(
    named: str = "uint16", *, gain: Gain | None = None, bracket: str = "", codes: str = "", **cells: str
) -> Mapping[str, Setting]:
    """Of a row with these cells; ``codes``: of the messages it gives."""
    headings = ("Address", *(name.replace("_", " ") for name in cells))
    report = Report()
    (layout,) = layouts(Sheet("a.csv", "", [headings, ("1", *cells.values())]), {})
    remarks: list[str] = []
    found = Meaning(Lookup(layout, report), gain).settings(1, named, bracket, remarks)
    said = " ".join(one.code for one in report.sorted())
    if said != codes:
        raise Told([str(one) for one in report.sorted()])
    return {**found, **({"remarks": remarks} if remarks else {})}


def test_units_come_from_their_column_or_from_the_label() -> None:
    assert settings(Unit="V AC") == {"unit": "V"}
    assert settings(Unit="-", bracket="°C") == {"unit": "degC"}
    assert settings(Unit="kW", bracket="W") == {"unit": "kW"}
    assert settings(Unit="kwhr", codes="I09") == {"remarks": ["unit kwhr"]}


def test_a_scaled_unit_is_unit_and_scale() -> None:
    assert settings(Unit="0,1 V") == {"unit": "V", "scale": "0.1"}
    assert settings(Unit="1 V") == {"unit": "V"}
    assert settings(Resolution="0.1 V", Name="x") == {"unit": "V", "scale": "0.1"}
    assert settings(Unit="", bracket="0.1 %") == {"unit": "%", "scale": "0.1"}
    assert settings(Scale="V", Name="x") == {}


@pytest.mark.parametrize(("gain", "expected"), [("divide", {"divide": "10"}), ("multiply", {"scale": "10"})])
def test_a_gain_does_what_the_caller_says(gain: Gain, expected: dict[str, str]) -> None:
    assert settings(Scalefactor="10", gain=gain) == expected


def test_a_gain_is_never_guessed() -> None:
    with pytest.raises(Refused, match="I03"):
        settings(Scalefactor="10")
    assert settings(Scalefactor="1") == {}
    assert settings(Scalefactor="") == {}
    assert settings(Scalefactor="-") == {}


def test_a_heading_or_a_cell_that_says_it_is_taken() -> None:
    assert settings(Divisor="10") == {"divide": "10"}
    assert settings(Multiplier="0,1") == {"scale": "0.1"}
    assert settings(Factor="/10") == {"divide": "10"}
    assert settings(Factor="x 10", gain="divide") == {"scale": "10"}
    assert settings(Divisor="-10") == {"divide": "-10"}


def test_two_scales_are_refused() -> None:
    with pytest.raises(Refused, match="second scale"):
        settings(Unit="0.1 V", Divisor="10")
    assert settings(Unit="0.1 V", Divisor="1") == {"unit": "V", "scale": "0.1"}
    assert settings(Unit="1 V", Divisor="10") == {"unit": "V", "divide": "10"}


def test_an_offset_of_the_value() -> None:
    assert settings(Value_offset="-40", Unit="°C") == {"unit": "degC", "offset": "-40"}
    assert settings(Value_offset="0") == {}


def test_codes_stand_in_many_columns() -> None:
    expected = {"enum": {"0": "Off", "1": "On"}}
    assert settings(Unit="0=Off;1=On") == expected
    assert settings(Values="0=Off;1=On") == expected
    assert settings(Range="0=Off;1=On") == expected
    assert settings(Name="x", Remark="0=Off;1=On") == expected
    assert settings(Name="x", Description="0=Off;1=On") == expected


def test_bits_become_flags() -> None:
    assert settings(Remark="Bit 0: overload, Bit 3: door", Name="x") == {"flags": {"0": "overload", "3": "door"}}


def test_codes_that_cannot_be_read_are_told() -> None:
    assert settings(Remark="Mode: 0=Off, 1=On", Name="x", codes="I10") == {"remarks": ["Mode: 0=Off, 1=On"]}
    assert settings(Values="1=A;1=B", codes="I10") == {"enum": {"1": "A"}}


def test_a_scaled_value_has_no_codes() -> None:
    assert settings(Divisor="10", Values="0=Off;1=On", codes="I17") == {
        "divide": "10",
        "remarks": ["0=Off;1=On"],
    }


def test_bools_and_texts_have_no_scale() -> None:
    assert settings("bool", Divisor="10", codes="I17") == {}
    assert settings("bool", Divisor="1", Values="0=Off;1=On") == {"enum": {"0": "Off", "1": "On"}}
    assert settings("string", Divisor="1", Range="0..10") == {}


def test_a_range_from_one_cell_or_two() -> None:
    assert settings(Range="0..1500", Unit="rpm") == {"unit": "rpm", "range": ["0", "1500"]}
    assert settings(Range="-10,5…50 °C", Unit="°C") == {"unit": "degC", "range": ["-10.5", "50"]}
    assert settings(Min="0", Max="100") == {"range": ["0", "100"]}
    assert settings(Min="0", Max="") == {}
    assert settings(Min="5", Max="5") == {}


def test_a_range_that_only_says_the_width_is_left_out() -> None:
    for low, high in (("0", "65535"), ("-32768", "32767"), ("0", "4294967295"), ("0", "255")):
        assert settings(Min=low, Max=high) == {}


def test_a_range_that_may_be_of_the_raw_value_must_not_be_the_narrower_one() -> None:
    assert settings(Min="0", Max="1000", Divisor="10") == {"divide": "10", "range": ["0", "1000"]}
    assert settings(Min="0", Max="1000", Multiplier="10", codes="I17") == {"scale": "10", "remarks": ["range 0..1000"]}
    assert settings(Min="0", Max="1000", Divisor="0.1", codes="I17") == {"divide": "0.1", "remarks": ["range 0..1000"]}
    assert settings(Min="0", Max="1000", Multiplier="0.1") == {"scale": "0.1", "range": ["0", "1000"]}


def test_what_no_setting_says_is_a_remark() -> None:
    assert settings(Name="x", Remark="0=Aus") == {"remarks": ["0=Aus"]}
    assert settings(Name="x", Remark="see\npage 4", Values="0=Off;1=On") == {
        "enum": {"0": "Off", "1": "On"},
        "remarks": ["see page 4"],
    }
    assert settings("string", Name="x", Remark="padded") == {"remarks": ["padded"]}
    assert settings(Name="x", Remark="-") == {}
    assert shortened("word " * 40) == f"{'word ' * 11}word…"


@pytest.mark.parametrize(
    ("label", "type_", "unit", "counter"),
    [
        ("Zählerstand Bezug", "uint32", "kWh", True),
        ("Energy counter", "uint64", "Wh", True),
        ("Total energy", "uint32", "MWh", True),
        ("Compteur actif", "uint32", "kvarh", True),
        ("Energy import", "uint32", "kWh", False),
        ("Energy counter", "int32", "kWh", False),
        ("Energy counter", "uint16", "kWh", False),
        ("Energy counter", "float32", "kWh", False),
        ("Pulse counter", "uint32", "", False),
        ("Energy today", "uint32", "kWh", False),
    ],
)
def test_an_energy_is_a_counter_where_its_label_says_so(label: str, type_: str, unit: str, counter: bool) -> None:
    assert is_counter(label, type_, unit) is counter


def test_codes_leave_no_room_for_a_range() -> None:
    assert settings(Values="0=Off;1=On", Min="0", Max="1") == {"enum": {"0": "Off", "1": "On"}}


@pytest.mark.parametrize(
    ("remark", "nan"),
    [
        ("0x80000000 = not available", ["0x80000000"]),
        ("0x8000 no sensor, 0x7FFF: invalid", ["0x8000", "0x7FFF"]),
        ("65535 = kein Fühler", ["65535"]),
        ("-32768 means N/A", ["-32768"]),
        ("see page 14: not available for model B", None),
        ("version 2.100 not available", None),
    ],
)
def test_a_raw_value_that_a_remark_calls_no_value_is_none(remark: str, nan: list[str] | None) -> None:
    assert settings("int32", Unit="W", Remarks=remark).get("nan") == nan
