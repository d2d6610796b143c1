"""What YAML cannot read is told in plant words: no word of the parser comes through."""

from __future__ import annotations

import random

import pytest
import yaml

from gateway.mapping.diagnostics import Report
from gateway.mapping.load import parse
from gateway.mapping.syntax import explained, no_space
from tests.gateway.mapping.plants import FILES


def said(text: str) -> str:
    report = Report()
    parse(text, "f", report)
    (one,) = report.sorted()
    return f"{one.line}:{one.column} {one.code} {one.text.removeprefix('this is not valid YAML: ')}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb\nc: 2\n", '2:1 Y02 a colon is missing after "b"'),
        ("a:\n  b: 1\n # x\n c: 2\n", "4:2 Y02 this line begins with 1 space, but the lines that it belongs to do not"),
        ("a: {b: 1,\n    c: S: 3}\n", '2:9 Y02 a ": " stands where no setting can begin'),
        ("a: {b: [1, 2}\n", '1:8 Y02 the [ that opens here is not closed before "}"'),
        ("a: {b: 1\n\n\nc: {d: 2}\n", "1:4 Y02 the { that opens here is never closed"),
        ("{a: 1}}\n", "1:7 Y02 there is one } too many"),
        ("{a: 1}\nb: 2\n", "2:1 Y02 this stands behind the end of the settings"),
        ("a: '\n---\n'\n", "1:4 Y02 the quote that opens here is not closed before ---"),
        ("- a\nb: 1\n", '2:1 Y02 this line stands in a list, but it does not begin with "- "'),
        ("a: !<x y\n", '1:4 Y02 a text cannot begin with "!"'),
        ("a: `x`\n", '1:4 Y02 a text cannot begin with "`"'),
        ("a: b: c\n", '1:5 Y02 a ": " stands where no setting can begin'),
        ("a: b # c: d\n  e: f\n", "2:3 Y02 this line is indented, but the line before has its value already"),
        ("a: 1 # “x”\nb\nc: 2\n", '2:1 Y02 a colon is missing after "b"'),
    ],
)
def test_each_at_the_place_to_edit(text: str, sentence: str) -> None:
    assert said(text) == sentence


_WORDS = ("did not find", "expected '", "expected <", "context", "indicator", "token", "simple key", "node content")


def test_no_word_of_the_parser_comes_through() -> None:
    chance = random.Random(7)
    told = set()
    for _ in range(4000):
        text = chance.choice(list(FILES.values()))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice("{}[]:,'\"#-&*!|>%@`? \n\t\u00a0“") + text[at + chance.randint(0, 2) :]
        report = Report()
        parse(text, "f", report)
        for one in report.sorted():
            lines = text.splitlines() or [""]
            assert 1 <= one.line <= len(lines)
            assert 1 <= one.column <= len(lines[one.line - 1]) + 1
            told.add(one.text)
    assert not [text for text in told if any(word in text for word in _WORDS)]
    assert len(told) > 100


def test_an_error_without_a_place_is_told_at_the_first_line() -> None:
    place, code, _, hint = explained(yaml.YAMLError(), "", "f")
    assert (place, code) == (("f", 1, 1), "Y02")
    assert hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [("at:3", "write  at: 3"), ("0:stopped", "write  0: stopped"), ("at:3 unit:V", "write  at: 3")],
)
def test_a_colon_without_a_space(text: str, hint: str) -> None:
    wrong = no_space(text)
    assert wrong is not None
    assert wrong[::2] == ("Y11", hint)


@pytest.mark.parametrize("text", ["bus://a", "at: 3", "at:", "3", "", "a b:c"])
def test_what_has_no_such_colon(text: str) -> None:
    assert no_space(text) is None
