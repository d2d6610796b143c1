"""Texts are compared with texts: what is written for the code of an enum is told, with what to write instead."""

from __future__ import annotations

import pytest

from tests.gateway.mapping.reading import HEAD, codes, judged

MODE = "points:\n  mode: {at: 1, enum: {0: off, 2: auto, 3: 'it''s done'}}\n"


def said(formula: str) -> list[tuple[str, str]]:
    """Of a condition: what is wrong, and what to write."""
    text = f"{HEAD}{MODE}  speed: {{at: 2}}\n  a: {{at: 3, when: {formula}}}\n"
    return [(one.text, one.hint) for one in judged(text)[1]]


@pytest.mark.parametrize(
    ("formula", "code", "instead"),
    [
        ("mode == 2", "2", "write mode == 'auto'"),
        ("2 == mode", "2", "write mode == 'auto'"),
        ("mode != 0", "0", "write mode != 'off'"),
        ("mode == 2.0", "2.0", "write mode == 'auto'"),
        ("mode == false", "false", "write mode == 'off'"),
        ("mode == 3", "3", 'write mode == "it\'s done"'),
        ("speed > 5 and not (mode == 2)", "2", "write mode == 'auto'"),
        ("speed == 2 == mode", "2", "write mode == 'auto'"),
        ("mode >= 2", "2", "texts have no order; write for example mode == 'auto'"),
        ("mode < 9", "9", "texts have no order; write for example mode == 'off'"),
    ],
)
def test_the_number_is_told_with_its_text(formula: str, code: str, instead: str) -> None:
    assert said(formula) == [(f"a: mode gives texts, but it is compared with {code}", instead)]


@pytest.mark.parametrize("formula", ["mode == 'auto'", "speed == 2", "mode == 7", "speed > 2 and mode != 'off'"])
def test_what_can_be_true_is_not_told(formula: str) -> None:
    """Code 7 has no text: it is published as its number."""
    assert said(formula) == []


def test_it_is_a_warning_at_the_number() -> None:
    _, found = judged(f"{HEAD}{MODE}derived:\n  d: {{expr: 1 if mode == 2 else 0, when: mode == 0}}\n")
    assert [(one.code, one.severity, one.line, one.column) for one in found] == [
        *[("X06", "warning", 6, 26), ("X06", "warning", 6, 50)]
    ]


def test_copies_of_a_point_make_one_message() -> None:
    repeated = "  a{i}: {at: 3, when: mode == 2, repeat: {i: 1..9, step: 1}}\n"
    assert codes(HEAD + MODE + repeated) == ["X06"]


def test_a_text_that_the_point_never_has_is_told_with_the_nearest() -> None:
    """It would be false for ever, and the point never published."""
    assert said("mode == 'atuo'") == [('a: mode is never "atuo"', 'did you mean "auto"?')]
    assert said("mode != 'x'") == [('a: mode is never "x"', "its texts are: off, auto, it's done")]
