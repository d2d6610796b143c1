"""What one device says differently: judged at its place, and for this device alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from gateway.mapping.changes import changed
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.load import parse
from gateway.mapping.points import DerivedPoint, ProfilePoint
from gateway.mapping.profiles import read
from gateway.mapping.spec import Deadband
from gateway.mapping.units import BUILT_IN
from tests.gateway.mapping.plants import ADAPTERS, block

PROFILE = """\
profile: acme
protocol: field
numbering: number
defaults: {deadband: 1 %}
points:
  a: {at: 11, unit: V, scale: 0.1}
  b: {at: 12, unit: A}
  cell_{i}: {at: 100, unit: mV, repeat: {i: 1..3, step: 2}}
derived:
  p: {expr: a * b, unit: W}
  q: {expr: p * 2, unit: W}
"""


def device(
    change: str, text: str = PROFILE
) -> tuple[Sequence[ProfilePoint], Sequence[DerivedPoint], tuple[Diagnostic, ...]]:
    report = Report()
    found = read(block(text, report), ADAPTERS, report, units=BUILT_IN, find=lambda name: None)
    assert found is not None
    points, derived = changed(found, parse(change, "d.yaml", report), BUILT_IN, report)
    return points, derived, tuple(one for one in report.sorted() if one.file == "d.yaml")


def test_a_change_is_for_its_settings_alone() -> None:
    points, _, said = device("a: {deadband: 5 V}\n")
    assert said == ()
    a, b = points[0].spec, points[1].spec
    assert (a.report.deadband, str(a.scale), a.point.address.at) == (Deadband(5.0), "1/10", 10)
    assert b.report.deadband == Deadband(1.0, percent=True)


def test_the_profile_stays_as_it_was() -> None:
    first, _, _ = device("a: {unit: mV}\n")
    second, _, _ = device("b: {unit: mA}\n")
    assert (first[0].spec.unit, second[0].spec.unit) == ("mV", "V")


def test_none_takes_away_what_the_profile_or_its_defaults_say() -> None:
    points, _, said = device("a: {deadband: none, scale: none}\n")
    assert said == ()
    assert (points[0].spec.report.deadband, points[0].spec.scale) == (None, Fraction(1))


def test_divide_replaces_the_scale_of_the_profile() -> None:
    points, _, said = device("a: {divide: 5}\n")
    assert (str(points[0].spec.scale), said) == ("1/5", ())


def test_one_copy_of_a_repeat_can_be_changed() -> None:
    points, _, said = device("cell_3: {unit: V}\n")
    assert said == ()
    assert {point.spec.point.name: point.spec.unit for point in points[2:]} == {
        "cell_1": "mV",
        "cell_2": "mV",
        "cell_3": "V",
    }


def test_a_mistake_in_the_change_of_a_copy_names_the_copy() -> None:
    said = device("cell_3: {deadband: 1 A}\n")[2]
    assert [(one.file, one.column, one.text) for one in said] == [
        ("d.yaml", 20, "cell_3: deadband is in A but the value is in mV")
    ]


def test_a_derived_point_can_be_changed_and_still_comes_before_those_that_use_it() -> None:
    _, derived, said = device("p: {expr: a * b / 2}\n")
    assert said == ()
    assert [(entry.spec.name, entry.spec.formula.text) for entry in derived] == [("p", "a * b / 2"), ("q", "p * 2")]


def test_a_changed_formula_may_use_what_came_later() -> None:
    text = PROFILE.replace("q: {expr: p * 2, unit: W}", "q: {expr: a * 2, unit: W}")
    _, derived, said = device("p: {expr: q + b}\n", text)
    assert said == ()
    assert [entry.spec.name for entry in derived] == ["q", "p"]


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ("x: {unit: V}\n", "D08", 1),
        ("cell_4: {unit: V}\n", "D08", 1),
        ("a: {uint: V}\n", "M01", 5),
        ("a: {unit: kwhr}\n", "M12", 11),
        ("a: {deadband: 1 A}\n", "R05", 15),
        ("a: {when: nobody}\n", "X03", 11),
        ("a: {scale_from: nobody}\n", "B10", 17),
        ("a: {at: 007}\n", "M05", 9),
        ("p: {expr: a +}\n", "X01", 14),
        ("p: {expr: a + nobody}\n", "X03", 15),
        ("p: {expr: q + 1}\n", "X04", 11),
        ("p: {as: V}\n", "R10", 9),
        ("p: {every: 1s}\n", "M01", 5),
        ("a: 5\n", "M14", 4),
        ("a:\n", "M14", 1),
    ],
)
def test_a_mistake_is_told_once_at_the_device(change: str, code: str, column: int) -> None:
    said = device(change)[2]
    assert [(one.file, one.code, one.column) for one in said] == [("d.yaml", code, column)]


def test_nothing_follows_from_a_mistake_of_the_profile() -> None:
    text = PROFILE.replace("unit: A", "unit: kwhr").replace("1..3", "x")
    assert device("b: {deadband: 1 V}\ncell_2: {unit: V}\nmore: {unit: V}\n", text)[2] == ()


def test_an_address_of_a_device_is_meant_as_its_profile_says() -> None:
    points, _, _ = device("a: {at: 500}\n")
    assert points[0].spec.point.address.at == 499


def test_a_change_that_is_no_block_changes_nothing() -> None:
    points, derived, said = device("text\n")
    assert (len(points), len(derived), said) == (5, 2, ())


def test_a_condition_is_judged_with_the_texts_that_the_device_has() -> None:
    mode = "  mode: {at: 5, enum: {1: auto}}\n  s: {at: 6, when: mode == 'auto'}\nderived:\n"
    text = PROFILE.replace("derived:\n", mode)
    _, _, said = device("s: {when: mode == 1}\n", text)
    assert [(one.code, one.line, one.hint) for one in said] == [("X06", 1, "write mode == 'auto'")]
    _, _, said = device("s: {when: mode == 1}\nmode: {enum: none}\n", text)
    assert said == ()


@pytest.mark.parametrize(
    ("change", "text", "hint"),
    [
        ('"cell_{i}": {every: 1s}\n', "", "name each one: cell_1, cell_2, ..."),
        ("cell_2: {every: 1s}\n", "without: [cell_2]\n", "take it out of change:, or out of without:"),
        ("cell_2: {every: 1s}\n", 'without: ["cell_{i}"]\n', "take it out of change:, or out of without:"),
    ],
)
def test_copies_are_changed_one_by_one_where_they_are(change: str, text: str, hint: str) -> None:
    report = Report()
    below = block(PROFILE, report)
    above = block(f"profile: b\nextends: acme\npoints: {{}}\n{text}" if text else PROFILE, report)
    found = read(above, ADAPTERS, report, units=BUILT_IN, find=lambda name: below)
    assert found is not None
    changed(found, parse(change, "d.yaml", report), BUILT_IN, report, variant="small")
    (said,) = (one for one in report.sorted() if one.file == "d.yaml")
    assert (said.code, said.hint) == ("D08", hint)
    assert said.text.startswith('variant "small" of profile')
