"""Settings in cells that a spreadsheet leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.diagnostics import Place
from gateway.mapping.exporters.cells import decode, encode
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
    assert decode(encode(text), "t.csv", 1, 1) == (text, ())


@pytest.mark.parametrize("text", CHANGED)
def test_what_a_spreadsheet_would_change_is_marked_as_text(text: str) -> None:
    assert encode(text) == f"'{text}"
    assert decode(encode(text), "t.csv", 1, 1) == (text, ())


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
    assert {name: decode(encode(value), "t.csv", 1, 1)[0] for name, value in tree.items()} == bare(tree)


def test_a_broken_block_is_told_at_its_cell() -> None:
    _, found = decode("{0: off, 1: [}", "t.csv", 12, 4)
    assert [(one.line, one.column, one.code) for one in found] == [(12, 4, "Y02")]
    _, found = decode("{off}", "t.csv", 12, 4)
    assert [(one.line, one.column, one.code) for one in found] == [(12, 4, "I23")]


def test_a_setting_without_a_value_cannot_be_a_cell() -> None:
    tree = block("{a: , b: [[{c: }]]}")
    for node in tree.values():
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


_FORBIDDEN = [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0xFEFF, 0xFFFE, 0xFFFF]
"""What a plant file may not hold (see load); besides, no name can be that of a merge."""
_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, _FORBIDDEN)))
TEXTS = st.text(_LETTERS).filter("<<".__ne__)
NODES: st.SearchStrategy[Node] = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4).map(_items) | st.dictionaries(TEXTS.filter(bool), inner, max_size=4).map(_block)
    ),
    max_leaves=8,
)


@given(NODES)
def test_every_setting_comes_back_exactly(node: Node) -> None:
    assert decode(encode(node), "t.csv", 1, 1) == (bare(node), ())
