"""fieldgate units, explain, profiles: the language explains itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.mapping.catalogue import ENTRIES
from tests.gateway.cli.plant import call
from tests.gateway.field import plant


def test_units_are_listed_by_what_they_measure() -> None:
    lines = call("units").stdout.splitlines()
    assert "energy" in lines
    kwh = next(line for line in lines if line.startswith("  kWh "))
    assert kwh.split()[:4] == ["kWh", "KWH", "kW.h", "kilowattHour"]


def test_a_spelling_is_looked_up() -> None:
    assert "  kWh " in call("units", "Kwh").stdout
    assert {unit["symbol"] for unit in json.loads(call("units", "pressure", "--json").stdout)["units"]} >= {"bar", "Pa"}
    missing = call("units", "kwhr")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert 'did you mean "kWh"?' in missing.stderr


def test_explain_tells_what_a_code_means() -> None:
    told = call("explain", "m11")
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "M11: a deadband without number or unit",
        "what to do: `0.5 V` or `1 %`",
        "",
        "deadband: 0.5     # wrong",
        "deadband: 0.5 V   # right",
        "deadband: 1 %     # right",
    ]
    assert json.loads(call("explain", "M11", "--json").stdout)["remedy"] == "`0.5 V` or `1 %`"


def test_explain_without_a_code_lists_all() -> None:
    assert len(call("explain").stdout.splitlines()) == len(ENTRIES)
    assert json.loads(call("explain", "--json").stdout)["codes"]["Y01"] == ENTRIES["Y01"].wrong


def test_explain_says_what_it_does_not_know() -> None:
    told = call("explain", "M1l")
    assert told.exit_code == 2
    assert "hint: did you mean M" in told.stderr


def test_profiles_are_listed_with_maker_model_and_points() -> None:
    [line] = [line for line in call("profiles").stdout.splitlines() if line.startswith("abb-b-series ")]
    assert line.split(maxsplit=4) == ["abb-b-series", "modbus", "23", "points", "ABB A and B series, variants 1ph"]
    found = json.loads(call("profiles", "--json").stdout)["profiles"]
    assert len(found) >= 29
    assert {entry["protocol"] for entry in found} == {"ble", "modbus", "opcua"}


def test_a_profile_can_be_read_and_copied(tmp_path: Path) -> None:
    text = call("profiles", "eastron-sdm120").stdout
    assert text.startswith("schema: fieldgate/profile/v1")
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    (folder / "mine.profile.yaml").write_text(text.replace("profile: eastron-sdm120", "profile: mine"))
    assert call("check", folder).exit_code == 0
    assert any(line.startswith("mine ") for line in call("profiles", "--plant", folder).stdout.splitlines())


@pytest.mark.parametrize("name", ["eastron-sdm12O", "x"])
def test_a_profile_that_is_not_there_is_said(name: str) -> None:
    told = call("profiles", name)
    assert told.exit_code == 2
    assert "    hint: " in told.stderr


def test_a_part_of_a_name_finds_the_profiles_that_have_it() -> None:
    assert "hint: there are: eastron-sdm120" in call("profiles", "sdm12").stderr
    assert json.loads(call("profiles", "sdm12", "--json").stdout)["ok"] is False


@pytest.mark.parametrize(("spelling", "symbol"), [("°C", "degC"), ("m³/h", "m3/h"), ("Volts", "V")])
def test_a_unit_is_found_by_any_of_its_spellings(spelling: str, symbol: str) -> None:
    assert [unit["symbol"] for unit in json.loads(call("units", spelling, "--json").stdout)["units"]] == [symbol]
