"""An import is judged as its plant would be, and each mistake is told where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters import modbus, opcua
from gateway.mapping.diagnostics import Place
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Imported, Origin
from gateway.mapping.exporters.table import profile_from_csv
from gateway.mapping.importers.review import Beside, beside, review
from gateway.mapping.units import BUILT_IN
from gateway.plant import bundled_profiles
from tests.gateway.field import plant

ADAPTERS: dict[str, Any] = {"modbus": modbus.ADAPTER, "opcua": opcua.ADAPTER}
ALONE = Beside({}, {}, BUILT_IN, complete=False)
HEAD = ("fieldgate/profile/v1", "profile;p", "protocol;modbus", "defaults.table;input")


def table(*rows: str, around: Beside = ALONE) -> list[str]:
    """What is said of a table that somebody has changed; the points' heading is in row 5."""
    found = profile_from_csv("\r\n".join([*HEAD, *rows]), "rt.csv")
    reviewed = review(found, "rt.csv", ADAPTERS, around, whole=True)
    assert bool(reviewed.profiles) is not bool(reviewed.found)
    return [str(one).partition("\n")[0] for one in reviewed.found]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("points:;at;unit", "a;1;V"), []),
        (
            ("points:;at;devide", "a;1;10", "b;2;10"),
            ['rt.csv!C5: error M01: unknown setting "devide"'],
        ),
        (
            ("points:;at;unit;divide", "a;1;V;0,5"),
            ['rt.csv!D6: error M07: "0,5" uses a decimal comma'],
        ),
        (
            ("points:;at;scale", "a;1;01. Okt"),
            ['rt.csv!C6: error I22: "01. Okt" is a date: a spreadsheet makes one of a number with a point'],
        ),
        (
            ("points:;at;unit", "Current Phase 1;1;A"),
            ['rt.csv!A6: error R01: point name "Current Phase 1" is not allowed'],
        ),
        (
            ("points;at;unit", "a;1;V"),
            ['rt.csv!A5: error I22: "points" has no colon: it is not clear that a new table begins here'],
        ),
        (
            ("points:;unit;at", "a;1;V"),
            ['rt.csv!C6: error M04: "at" must be a whole number, but it is "V"'],
        ),
        (("points:;at;unit", "a;;V"), ['rt.csv!A6: error M02: "a" has no "at" (the register address)']),
        (
            ("points:;at;write", "a;1;{range: [0, x]}"),
            ['rt.csv!C6: error M06: "range" must be a number, but it is "x"'],
        ),
        (
            ("defaults.typ;uint16", "points:;at", "a;1"),
            ['rt.csv!A5: error M01: unknown setting "typ"'],
        ),
        (
            ("points:;at", "a;1", "", "derived:;expr", "a;a + 1"),
            ['rt.csv!A9: error R08: "a" is already a point (rt.csv!A6)'],
        ),
        (
            ("points:;at;type", "a;65535;uint32"),
            ["rt.csv!B6: error B07: a: register 65535..65536 is outside 0..65535"],
        ),
    ],
)
def test_a_table_that_came_back_is_told_by_its_cells(rows: tuple[str, ...], said: list[str]) -> None:
    assert table(*rows) == said


def test_variants_are_judged_too() -> None:
    (said,) = table("variants;{b: {points: {a: {unit: kwhr}}}}", "points:;at", "a;1")
    assert said.startswith("rt.csv!B5: error M12")


def test_a_table_without_points_is_told() -> None:
    (said,) = table("note;x")
    assert said.startswith("rt.csv!A1: error M14")


def points(*named: tuple[str, dict[str, str]]) -> list[DraftPoint]:
    return [DraftPoint(name, settings, Place(f"l.csv!A{row}", 0, 0)) for row, (name, settings) in enumerate(named, 2)]


def test_points_that_the_plant_would_refuse_are_left_out_with_those_that_need_them() -> None:
    draft = DraftProfile(
        "p",
        "modbus",
        points(
            ("good", {"at": "1", "table": "holding"}),
            ("sf", {"at": "70000", "table": "holding"}),
            ("scaled", {"at": "2", "table": "holding", "scale_from": "sf"}),
        ),
    )
    found = review(Imported(profiles=(draft,)), "l.csv", ADAPTERS, ALONE)
    assert [(one.file, one.severity) for one in found.found] == [("l.csv!A3", "error"), ("l.csv!A4", "error")]
    assert [point.name for point in found.profiles[0].points] == ["good"]


def test_a_setting_is_told_at_its_own_cell_where_that_is_known() -> None:
    cell = Place("l.csv!D2", 0, 0)
    point = DraftPoint("a", {"at": "1", "unit": "kwhr"}, Place("l.csv!A2", 0, 0), {"unit": Origin(cell, cell)})
    draft = DraftProfile("p", "modbus", [point], defaults={"table": "holding"})
    (said,) = review(Imported(profiles=(draft,)), "l.csv", ADAPTERS, ALONE).found
    assert (said.file, said.code) == ("l.csv!D2", "M12")


def test_devices_of_a_profile_that_is_refused_are_left_out() -> None:
    draft = DraftProfile("p", "modbus", points(("a", {"at": "1"})), defaults={"tabel": "holding"})
    devices = [DraftDevice("d", "p", {"modbus": "tcp://10.0.0.1"}), DraftDevice("e", "other", {})]
    found = review(Imported(profiles=(draft,), devices=devices), "x.json", ADAPTERS, ALONE)
    assert [device.name for device in found.devices] == ["e"]
    assert [(one.file, one.code) for one in found.found][-1] == ("x.json", "I23")
    assert found.profiles == ()


def test_units_and_profiles_of_the_plant_are_known(tmp_path: Path) -> None:
    folder = plant(tmp_path, "tcp://127.0.0.1:1")
    (folder / "units.yaml").write_text("schema: fieldgate/units/v1\nunits: {bottles: {}}\n")
    (folder / "sub").mkdir()
    around = beside(folder / "sub", bundled_profiles())
    assert around.complete
    assert table("points:;at;unit", "a;1;bottles", around=around) == []
    rows = ("extends;acme-pm1", "points:;unit", "voltage;mV")
    assert table(*rows, around=around) == []
    (said,) = table("extends;acme-pm2", "points:;at", "voltage;1", around=around)
    assert said.startswith("rt.csv!B5: error F08")


def test_outside_of_a_plant_nothing_is_said_of_profiles_that_may_be_there(tmp_path: Path) -> None:
    around = beside(tmp_path, bundled_profiles())
    assert not around.complete
    assert table("extends;somebody", "points:;at", "voltage;1", around=around) == []
    assert beside(None, {}) == ALONE
