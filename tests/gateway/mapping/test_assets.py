"""The asset registry: paths with as many parts as there are levels."""

from __future__ import annotations

import pytest

from gateway.mapping.assets import read
from gateway.mapping.diagnostics import Report
from gateway.mapping.spec import Asset, From
from tests.gateway.mapping.plants import block


def judged(*texts: str) -> tuple[dict[str, Asset], list[str]]:
    report = Report()
    found, _ = read([block(text, report) for text in texts], report)
    return found, [f"{one.line}:{one.column} {one.code}" for one in report.sorted()]


def test_an_asset_keeps_what_the_plant_knows_of_it() -> None:
    found, said = judged(
        "levels: [enterprise, unit]\n"
        "assets:\n"
        "  acme/mcc1: {name: Main supply, maker: ACME, model: X, serial: 00123456, tags: {cost_center: 0471}}\n"
        "  acme/mcc2:\n"
    )
    assert said == []
    levels = ("enterprise", "unit")
    assert found == {
        "acme/mcc1": Asset("acme/mcc1", "Main supply", "ACME", "X", "00123456", {"cost_center": "0471"}, levels),
        "acme/mcc2": Asset("acme/mcc2", levels=levels),
    }


def test_a_field_may_come_from_a_point_of_the_device() -> None:
    found, said = judged("assets:\n  a: {serial: {from: serial}, tags: {firmware: {from: version}}}\n")
    assert said == []
    assert (found["a"].serial, found["a"].tags) == (From("serial"), {"firmware": From("version")})


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("levels: [x]\nassets: {a: {}}\n", True),
        ("levels: [x]\nassets: {a: {colour: red}}\n", True),  # its path is known
        ("levels: [x]\nassets: {A: {}}\n", False),
        ("levels: [x]\nassets: {a/b: {}}\n", False),
        ("levels: [x]\n", False),
    ],
)
def test_a_path_with_a_mistake_is_not_known_as_it_should_be(text: str, complete: bool) -> None:
    report = Report()
    assert read([block(text, report)], report)[1] == complete


def test_levels_of_one_file_hold_for_all() -> None:
    _, said = judged("assets: {a/b/c: {}}\n", "levels: [x, y]\nassets: {a/b: {}}\n")
    assert said == ["1:10 A01"]


def test_without_levels_every_path_is_right() -> None:
    found, said = judged("assets: {a: {}, a/b/c/d/e/f: {}}\n")
    assert (list(found), said) == (["a", "a/b/c/d/e/f"], [])


def test_the_same_levels_in_two_files_are_no_mistake() -> None:
    assert judged("levels: [x]\nassets: {a: {}}\n", "levels: [x]\nassets: {b: {}}\n")[1] == []


def test_an_asset_with_a_mistake_is_known() -> None:
    found, said = judged("assets:\n  a/b: {colour: red}\n  a/c: x\n")
    assert (list(found), said) == (["a/b", "a/c"], ["2:9 M01", "3:8 M14"])


def test_empty_parts_of_a_path_are_refused() -> None:
    for path in ["/a", "a/", "a//b", "a/+", "a/#"]:
        assert judged(f'assets:\n  "{path}": {{}}\n')[1] == ["2:3 M18"]
