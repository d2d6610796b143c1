"""A unit is known by its spellings, and by nothing that could be another unit."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from gateway.mapping.units import UNITS, symbol

DATA = Path(__file__).parent.parent.parent / "data"
OTHER_NAMES = {
    "%": "percent",
    "BTU": "British thermal unit (international table)",
    "Mvar": "megavar",  # the published table shows it as kvar
    "inH2O": "inch of water",
    "mmH2O": "conventional millimetre of water",
    "psi": "pound-force per square inch",
    "year": "year",
}
"""Units that UNECE shows in another way, with its description."""


def refused(text: str) -> str:
    """The hint."""
    with pytest.raises(PydanticCustomError) as caught:
        symbol(text)
    context = caught.value.context or {}
    assert (context["code"], context["text"]) == ("M12", f'unknown unit "{text}"')
    return str(context["hint"])


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [
        *[
            ("V", "V"),
            ("Volts", "V"),
            ("V AC", "V"),
            ("kwh", "kWh"),
            ("kW·h", "kWh"),
            ("VAr", "var"),
            ("kVArh", "kvarh"),
        ],
        *[
            ("°C", "degC"),
            ("deg C", "degC"),
            ("℃", "degC"),
            ("º", "deg"),
            ("Secs", "s"),
            ("RPM", "rpm"),
            ("m^3/h", "m3/h"),
        ],
        *[("µA", "uA"), ("\u03bcA", "uA"), ("Ω", "ohm"), ("k\u2126", "kohm"), ("cos()", "1"), ("1", "1"), (" V ", "V")],
        ("", ""),
    ],
)
def test_spellings_that_mean_a_unit(spelling: str, unit: str) -> None:
    assert symbol(spelling) == unit


@pytest.mark.parametrize(
    ("small", "large"), [("mW", "MW"), ("s", "S"), ("mV", "V"), ("mbar", "bar"), ("mPa.s", "MPa"), ("ms", "mS/cm")]
)
def test_case_matters_where_it_means_something(small: str, large: str) -> None:
    assert (symbol(small), symbol(large)) == (small, large)
    refused("mw")
    refused("SEC")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("kwhr", 'did you mean "kWh"?'),
        ("degc", 'did you mean "degC"?'),
        ("C", "write degC for degrees Celsius"),
        ("F", "write degF for degrees Fahrenheit"),
        ("PF", 'write "1" for a power factor'),
        ("Degrees", "write deg for an angle, degC for a temperature"),
        ("furlongs/fortnight", "the list of units stands in mappings/README.md; leave unit: out where there is none"),
    ],
)
def test_other_spellings_are_refused_with_advice(text: str, hint: str) -> None:
    assert refused(text) == hint


def test_no_spelling_stands_for_two_units() -> None:
    spellings = Counter(spelling for unit in UNITS.values() for spelling in (unit.symbol, *unit.aliases))
    assert [spelling for spelling, count in spellings.items() if count > 1] == []


def test_a_unece_code_means_the_same_unit_there() -> None:
    with (DATA / "unece_units.csv").open(encoding="utf-8", newline="") as stream:
        published = {row["UNECECode"]: row for row in csv.DictReader(stream)}
    coded = [unit for unit in UNITS.values() if unit.unece]
    assert len({unit.unece for unit in coded}) == len(coded) == len(published) > 120
    for unit in coded:
        row = published[unit.unece]
        if unit.symbol in OTHER_NAMES:
            assert row["Description"] == OTHER_NAMES[unit.symbol]
        else:
            assert symbol(row["DisplayName"]) == unit.symbol


def test_symbols_are_ascii() -> None:
    assert all(unit.symbol.isascii() and unit.ucum.isascii() for unit in UNITS.values())
