"""Settings asked for by name and type, and what is said of those that are wrong or that nobody asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.importers.parts import LeftOut, Notes, Part, decimal_of, each
from gateway.mapping.load import Block, parse


def part(**members: Any) -> Part:
    notes = Notes("x.json")
    return Part(members, notes.at("[0]"), notes)


def test_what_is_not_there_is_nothing() -> None:
    empty = part(a=None)
    assert (empty.text("a"), empty.number("a"), empty.whole("a"), empty.flag("a"), empty.part("a")) == (
        *("", None, None, None, None),
    )
    assert empty.parts("a") == []


def test_a_text_may_stand_for_a_number_and_a_number_for_a_text() -> None:
    some = part(a="0.5", b=12, c="0x1F", d="True", e=" x ")
    assert some.number("a") == Decimal("0.5")
    assert some.text("b") == "12"
    assert some.whole("c") == 31
    assert some.flag("d") is True
    assert some.text("e") == "x"


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("text", [1], '"a" must be a text, but it is a list'),
        ("text", True, '"a" must be a text, but it is true or false'),
        ("number", "ten", '"a" must be a number, but it is "ten"'),
        ("number", {}, '"a" must be a number, but it is a block of settings'),
        ("number", Decimal("1e400"), '"a" must be a number, but it is a number'),
        ("whole", Decimal("1.5"), '"a" must be a whole number, but it is a number'),
        ("whole", 65536, '"a" is 65536, but it must be 0 to 65535'),
        ("whole", True, '"a" must be a number, but it is true or false'),
        ("flag", "yes", '"a" must be true or false, but it is "yes"'),
        ("part", "x", '"a" must be a block of settings, but it is "x"'),
    ],
)
def test_what_is_of_another_type_is_left_out_with_its_place(method: str, value: Any, message: str) -> None:
    with pytest.raises(LeftOut) as left:
        getattr(part(a=value), method)("a")
    assert (left.value.place.file, left.value.code, left.value.text) == ("x.json: [0].a", "I22", message)


def test_what_nobody_asked_for_is_said_once_with_how_often_it_stands_there() -> None:
    notes = Notes("x.json")
    for index in range(12):
        one = Part({"a": 1, "b": 2, "c": 3}, notes.at(f"[{index}]"), notes)
        one.text("a")
        one.rest("c")
    (found,) = notes.found()
    assert str(found) == 'x.json: [0].b: warning I24: "b" is not taken over (12 times in this file)'


def test_findings_stand_in_the_order_of_the_file() -> None:
    notes = Notes("x.json")
    for path in ("[10]", "[9].a[2]", "[9].a[10]", "[2]"):
        notes.warn(notes.at(path), "I25", "x")
    files = [found.file.removeprefix("x.json: ") for found in notes.found()]
    assert files == ["[2]", "[9].a[2]", "[9].a[10]", "[10]"]


def test_one_part_that_is_wrong_does_not_keep_the_others_out() -> None:
    notes = Notes("x.json")
    taken: list[int | None] = []
    parts = [Part({"a": value}, notes.at(f"[{n}]"), notes) for n, value in enumerate((1, "x", 3))]
    assert each(parts, lambda one: taken.append(one.whole("a"))) == 3
    assert taken == [1, 3]
    assert [found.file for found in notes.found()] == ["x.json: [1].a"]


def test_the_places_of_yaml_are_lines() -> None:
    tree = parse("a: 1\nb:\n  - {c: x}\n  - d\n", "x.yml", Report())
    assert isinstance(tree, Block)
    notes = Notes("x.yml")
    root = Part(tree, tree.place, notes)
    (inner,) = root.parts("b")
    assert (inner.source, inner.at("c").line, inner.at("c").column) == ("x.yml:3", 3, 9)
    (found,) = notes.found()
    assert str(found) == "x.yml:4:5: error I22: this must be a block of settings, but it is a text"


@pytest.mark.parametrize("value", ["", "1,5", "1e999", "NaN", "Infinity", "9" * 41, True, None, 1 << 400, 0.5])
def test_what_cannot_be_computed_with_is_no_number(value: Any) -> None:
    assert decimal_of(value) is None
