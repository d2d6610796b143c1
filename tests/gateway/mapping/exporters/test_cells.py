"""Settings in cells that a spreadsheet leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.characters import FORBIDDEN, is_quoted, unseen
from gateway.mapping.diagnostics import Place
from gateway.mapping.exporters.cells import decode, encode, is_date
from gateway.mapping.load import Block, Items, Node
from tests.gateway.mapping.exporters.made import bare, block

PLACE = Place("t.csv", 1, 1)


FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "＝1+1", "\t=1", "\r=1", " =1", "'=1", "-cmd"]
CHANGED = [
    *("1.5", "0.10", "1 %", "12:30", "1-2", "1/2", "00471", "1e5", "12 A", "18446744073709551616", "true", "MARCH5"),
    *("sep-1", "dez 24", "+358 9 123", "€5", "(5)", " V", "V ", "{x}", "[x]", "5,5"),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    assert encode(text)[0] == "'"
    assert decode(encode(text), PLACE) == (text, ())


@pytest.mark.parametrize("text", CHANGED)
def test_what_a_spreadsheet_would_change_is_marked_as_text(text: str) -> None:
    assert encode(text) == f"'{text}"
    assert decode(encode(text), PLACE) == (text, ())


@pytest.mark.parametrize(
    "text", ["0x5B00", "72", "-40", "float32", "ABCD", "V", "%", "500ms", "5s", "L1", "(a + b) / 2", "holding", "Öl"]
)
def test_what_is_safe_stands_as_it_is(text: str) -> None:
    assert encode(text) == text


def test_blocks_and_lists_stand_in_braces_and_brackets() -> None:
    tree = block('{a: {0: off, 1: "on: yes", -1: "-"}, b: [0x8000, 1 %], c: {range: [0, 60], unit: Hz}, d: [], e: ""}')
    assert [encode(value) for value in tree.values()] == [
        '{0: off, 1: "on: yes", "-1": "-"}',
        "[0x8000, 1 %]",
        "{range: [0, 60], unit: Hz}",
        "[]",
        "'",
    ]
    assert {name: decode(encode(value), PLACE)[0] for name, value in tree.items()} == bare(tree)


def test_a_broken_block_is_told_at_its_cell() -> None:
    _, found = decode("{0: off, 1: [}", Place("t.csv", 12, 4))
    assert [(one.line, one.column, one.code) for one in found] == [(12, 4, "Y02")]
    _, found = decode("{off}", Place("t.csv", 12, 4))
    assert [(one.line, one.column, one.code) for one in found] == [(12, 4, "I23")]


@pytest.mark.parametrize(
    "cell",
    ["01. Okt", "1-Oct", "Okt 10", "01.10.2024", "10/1/24", "2024-10-01", "Mai 05", "1. déc", "2024-10-01 00:00:00"],
)
def test_a_date_is_known_as_what_a_spreadsheet_made(cell: str) -> None:
    assert is_date(cell)


@pytest.mark.parametrize("cell", ["0x0010", "1.5", "-10", "12", "mar", "5s", "ABCD", "'01. Okt", "1/min", "march_5"])
def test_other_cells_are_no_dates(cell: str) -> None:
    assert not is_date(cell)


def test_a_setting_without_a_value_cannot_be_a_cell() -> None:
    for node in (None, _items([_items([_block({"c": None})])])):
        with pytest.raises(ValueError, match="no value"):
            encode(node)


def _block(settings: dict[str, Node]) -> Block:
    made = Block(PLACE)
    made.update(settings)
    return made


def _items(entries: list[Node]) -> Items:
    made = Items(PLACE)
    made.extend(entries)
    return made


_LETTERS = st.characters(exclude_categories=["Cs"]).filter(lambda letter: not FORBIDDEN.match(letter))
TEXTS = st.text(_LETTERS).filter("<<".__ne__)
"""No plant file may hold the others (see characters); besides, no name can be that of a merge."""
NAMES = TEXTS.filter(lambda text: text != "" and unseen(text) < 0 and not is_quoted(text))
NODES: st.SearchStrategy[Node] = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=4).map(_items) | st.dictionaries(NAMES, inner, max_size=4).map(_block),
    max_leaves=8,
)


@given(NODES)
def test_every_setting_comes_back_exactly(node: Node) -> None:
    assert decode(encode(node), PLACE) == (bare(node), ())
