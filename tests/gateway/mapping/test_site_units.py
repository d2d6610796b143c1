"""A site's own units: known in all files, and what is wrong with them told at its place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.site_units import read
from gateway.mapping.units import BUILT_IN, Units
from tests.gateway.mapping.plants import block, changed, judged, write

HEAD = "schema: fieldgate/units/v1\nunits:\n"


def units(*texts: str) -> tuple[Units, list[str]]:
    report = Report()
    found = read([block(f"units:\n{text}", report) for text in texts], report)
    return found, [f"{one.line}:{one.column} {one.code}" for one in report.sorted()]


def test_a_unit_may_be_given_in_terms_of_another() -> None:
    found, said = units(
        "  crate: {base: pcs, factor: 20, aliases: [crates, Kiste]}\n  pallet: {base: crate, factor: 40}\n"
    )
    assert said == []
    assert found.symbol("Kiste") == "crate"
    assert found.conversion("pallet", "pcs") == (Fraction(800), Fraction(0))


def test_a_unit_may_stand_alone() -> None:
    found, said = units("  bump:\n  dip: {}\n")
    assert said == []
    assert found.symbol("bump") == "bump"
    assert found.conversion("bump", "dip") is None


def test_all_that_is_said_of_a_unit_is_kept() -> None:
    found, _ = units("  crate: {unece: CR, ucum: '{crate}', dtdl: crate, note: of 20 bottles}\n")
    unit = found["crate"]
    assert (unit.unece, unit.ucum, unit.dtdl, unit.description) == ("CR", "{crate}", "crate", "of 20 bottles")


def test_without_files_the_units_are_those_that_are_built_in() -> None:
    assert read([], Report()) is BUILT_IN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  kWh: {}\n", ["2:3 N01"]),
        ("  a: {base: nothing}\n", ["2:13 N02"]),
        ("  a: {base: pcs, factor: 0}\n", ["2:26 N03"]),
        ("  a: {base: b}\n  b: {base: a}\n", ["2:13 N04", "3:13 N04"]),
        ("  a: {factor: x}\n", ["2:15 M06"]),
        ("  a: 5\n", ["2:6 M14"]),
        ("  '': {}\n", ["2:3 Y09"]),
        ("  ' a': {}\n", ["2:3 M18"]),
        ("  a: {aliases: ['']}\n", ["2:17 M20"]),
        (f"  {'x' * 33}: {{}}\n", ["2:3 M18"]),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, said: list[str]) -> None:
    assert units(text)[1] == said


def test_an_empty_spelling_does_not_become_the_unit_of_all_points(tmp_path: Path) -> None:
    for text in ("  '': {}\n", "  ' ': {}\n", "  a: {aliases: [' ']}\n"):
        assert units(text)[0].symbol("") == ""


@pytest.mark.parametrize(
    "text", ["  crate: {factor: many}\n", "  crate: 5\n", "  crate: {base: pcs, factor: 0}\n", "  crate: {base: x}\n"]
)
def test_nothing_follows_from_a_unit_with_a_mistake(text: str, tmp_path: Path) -> None:
    files = changed("acme.profile.yaml", "unit: W", "unit: crate\n    as: pcs\n    deadband: 1 pcs")
    _, found = judged(write(tmp_path, files | {"units.yaml": HEAD + text}))
    assert {Path(one.file).name for one in found} == {"units.yaml"}
    assert len(found) == 1


def test_nothing_follows_from_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    files = changed("acme.profile.yaml", "unit: W", "unit: crate")
    _, found = judged(write(tmp_path, files | {"units.yaml": "units: ["}))
    assert [one.code for one in found] == ["Y02"]


def test_units_of_the_site_are_known_in_profiles_and_devices(tmp_path: Path) -> None:
    files = changed("acme.profile.yaml", "unit: W", "unit: pcs\n    as: crate") | {
        "units.yaml": f"{HEAD}  crate: {{base: pcs, factor: 20}}\n"
    }
    files["hall/a.devices.yaml"] = files["hall/a.devices.yaml"].replace(
        "    asset: acme", "    change: {power: {deadband: 40 pcs}}\n    asset: acme", 1
    )
    plant, found = judged(write(tmp_path, files))
    assert found == ()
    assert plant is not None
    power = plant.devices[0].points[2]
    assert (power.unit, power.factor, power.report.deadband and power.report.deadband.size) == (
        *("crate", Fraction(1, 20)),
        2.0,
    )
