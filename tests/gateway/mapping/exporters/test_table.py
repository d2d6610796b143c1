"""A profile as a table, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping.draft import DraftPoint, DraftProfile
from gateway.mapping.exporters.table import cell, is_profile_table, profile_from_csv, profile_to_csv
from gateway.mapping.writer import write_profile
from tests.gateway.mapping.exporters.made import PROFILES, bare, block

FULL = """
schema: fieldgate/profile/v1
profile: acme-filler-fx
protocol: opcua
maker: ACME
model: "00200"
note: "=HYPERLINK(1)"
namespaces: {m: "urn:peer:node-opcua"}
defaults: {every: 1s, deadband: 1 %}
variants: {3ph: {points: {power: {at: 2, nan: []}}}, 1ph: {without: [power_l2, power_l3]}}
points:
  speed:    {node: "m;s=Filler01.Speed", unit: 1/min, note: "a; b, \\"c\\"\\nd"}
  mode:     {node: "m;s=Mode", enum: {0: manual, 1: semi, 2: "auto: on"}}
  points:   {node: "-1", range: [0, 10], write: {range: [0, 60], unit: Hz}}
  "cell_{i}": {node: "@x", repeat: {i: 1..24, step: 2}, scale: 1.50}
  bare:     {}
derived:
  derived:  {expr: (speed + 1) / 2, unit: V}
"""


def tree(draft: DraftProfile) -> dict[str, Any]:
    """The file that the draft stands for."""
    named = {"maker": draft.maker, "model": draft.model, "note": draft.note, "defaults": draft.defaults}
    parts: Mapping[str, Sequence[DraftPoint]] = {"points": draft.points, "derived": draft.derived}
    return {
        "schema": "fieldgate/profile/v1",
        "profile": draft.profile,
        **({"protocol": draft.protocol} if draft.protocol else {}),
        **{key: value for key, value in named.items() if value},
        **draft.head,
        **{key: {point.name: point.settings for point in part} for key, part in parts.items() if part},
    }


def written(draft: DraftProfile) -> dict[str, Any]:
    """The file that is written; a profile that extends another one may have no protocol and no points of its own."""
    return {key: value for key, value in bare(block(write_profile(draft))).items() if value not in ("", {})}


def texts(table: str) -> list[str]:
    return [found.text for found in profile_from_csv(table).found]


def table(*rows: str) -> str:
    return "\r\n".join(["fieldgate/profile/v1", "profile;p", "protocol;modbus", *rows])


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name.removesuffix(".profile.yaml"))
def test_every_bundled_profile_comes_back_whole(path: Path) -> None:
    original = block(path.read_text(encoding="utf-8"))
    imported = profile_from_csv(profile_to_csv(original))
    assert imported.found == ()
    (draft,) = imported.profiles
    assert tree(draft) == bare(original)
    # And as a file again, with its points in the same order.
    again = written(draft)
    assert again == bare(original)
    assert [list(again.get(part, ())) for part in ("points", "derived")] == [
        list(bare(original).get(part, ())) for part in ("points", "derived")
    ]


def test_all_that_the_language_has_comes_back() -> None:
    original = block(FULL)
    imported = profile_from_csv(profile_to_csv(original))
    assert imported.found == ()
    assert tree(imported.profiles[0]) == bare(original)
    assert imported.rows == 6


def test_a_spreadsheet_can_open_it() -> None:
    made = profile_to_csv(block(FULL))
    assert made.encode().startswith(b"\xef\xbb\xbffieldgate/profile/v1;")
    rows = list(csv.reader(io.StringIO(made.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert {len(row) for row in rows} == {9}
    assert ["profile", "acme-filler-fx"] in [row[:2] for row in rows]
    head = next(row for row in rows if row[0] == "points:")
    assert head[1:5] == ["node", "unit", "note", "enum"]
    dangerous = [cell for row in rows for cell in row if cell and cell[0] in "=+@\t\r"]
    assert dangerous == []


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_it_may_come_back_with_other_separators(delimiter: str) -> None:
    rows = csv.reader(io.StringIO(profile_to_csv(block(FULL)), newline=""), delimiter=";")
    stream = io.StringIO(newline="")
    # As spreadsheets save it: without the mark at the beginning, all in quotes, lines of other systems.
    csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    saved = stream.getvalue().replace("\ufeff", "")
    assert is_profile_table(saved)
    assert tree(profile_from_csv(saved).profiles[0]) == bare(block(FULL))


def test_other_tables_are_told_apart() -> None:
    assert is_profile_table(profile_to_csv(block(FULL)))
    assert is_profile_table("fieldgate/profile/v1\r\nprofile;x")
    assert not is_profile_table("Name;Address;Type\r\nvoltage;0;float32")
    assert not is_profile_table("fieldgate/profile/v10;")


def test_a_row_is_told_by_its_cell_also_after_texts_of_several_lines() -> None:
    made = table("points:;at;note", 'a;1;"x\ny"', "a;2;", ";3;", "b;4;;5")
    found = profile_from_csv(made, "own.csv").found
    assert [str(one).partition("\n")[0] for one in found] == [
        'own.csv!A6: error Y03: "a" is defined twice; the first one is in row 5',
        "own.csv!A7: error I21: a point has no name",
        'own.csv!D8: error I22: b: "5" stands in a column without a name',
    ]


def test_a_profile_that_extends_another_one_needs_no_protocol() -> None:
    imported = profile_from_csv("fieldgate/profile/v1\r\nprofile;p\r\nextends;other")
    assert imported.found == ()
    assert imported.profiles[0].head == {"extends": "other"}


def test_what_is_missing_at_the_top_is_told() -> None:
    assert texts("fieldgate/profile/v1\r\npoints:;at\r\na;1") == [
        'this table has no "profile"',
        'this table has no "protocol"',
    ]
    assert texts(table("maker", ";ABB", "note;a", "note;b", "defaults;x", "defaults.type;y")) == [
        '"maker" has no value',
        "a value has no name",
        '"note" is defined twice',
        '"defaults" has a value already',
    ]


def test_a_broken_cell_is_told() -> None:
    (found,) = profile_from_csv(table("points:;at;enum", "a;1;{0: [off}")).found
    assert (found.file, found.code) == ("profile.csv!C5", "Y02")


def test_a_date_that_a_spreadsheet_made_is_told() -> None:
    (found,) = profile_from_csv(table("points:;at;scale", "a;1;01. Okt")).found
    assert (found.file, found.code) == ("profile.csv!C5", "I22")
    assert '"01. Okt" is a date' in found.text
    assert profile_from_csv(table("note;1.10.2024", "points:;at;note", "a;1;1.10.2024")).found == ()


def test_a_heading_that_lost_its_colon_is_told_once() -> None:
    (found,) = profile_from_csv(table("points;at;unit", "a;1;V", "b;2;V")).found
    assert (found.file, found.hint) == ("profile.csv!A4", "write points:")
    (found,) = profile_from_csv(table("points:;at;expr", "a;1;", "derived;expr", "b;a + 1")).found
    assert (found.file, found.hint) == ("profile.csv!A6", "write derived:")


def test_a_setting_at_the_top_has_one_value() -> None:
    (found,) = profile_from_csv(table("maker;ABB;;Oy")).found
    assert (found.file, found.code) == ("profile.csv!D4", "I22")


def test_every_part_knows_its_cell() -> None:
    (draft,) = profile_from_csv(table("defaults.type;int16", "points:;at;unit", "a;1;V"), "t.csv").profiles
    (point,) = draft.points
    assert point.place == cell("t.csv", 6, 1)
    assert point.origins["unit"] == (cell("t.csv", 5, 3), cell("t.csv", 6, 3))
    assert draft.origins["defaults.type"].value == cell("t.csv", 4, 2)
    assert cell("t.csv", 11, 28).file == "t.csv!AB11"


def test_a_table_that_is_none_is_told() -> None:
    (found,) = profile_from_csv(table("points:;at", f"a;{'x' * 200_000}")).found
    assert found.code == "I20"
