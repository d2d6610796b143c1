"""What a comma inside braces tore apart is told as what was meant; what was meant so is left alone."""

from __future__ import annotations

import pytest

from gateway.mapping.braces import still_open, torn, unquoted
from gateway.mapping.diagnostics import Report
from gateway.mapping.load import SPOILED
from tests.gateway.mapping.plants import block


@pytest.mark.parametrize(
    ("value", "name", "hint"),
    [
        ("0", "5", "write 0.5"),
        ("-40", "5", "write -40.5"),
        ("1", "5s", "write 1.5s"),
        ("0", "5 V", "write 0.5 V"),
        ("power * 0", "5", "write power * 0.5"),
    ],
)
def test_a_decimal_comma(value: str, name: str, hint: str) -> None:
    wrong = torn(value, name, close=True)
    assert wrong is not None
    assert (wrong[0], wrong[2]) == ("M07", hint)


@pytest.mark.parametrize(
    ("value", "name", "close"),
    [("int16", "5", True), ("a1", "5", True), ("0x1F", "5 V", True), ("1", "unit", True), ("1", "5s", False)],
)
def test_what_is_no_decimal_comma(value: str, name: str, close: bool) -> None:
    assert torn(value, name, close=close) is None


def test_a_function_in_braces_is_told_once() -> None:
    report = Report()
    root = block("d: {expr: max(min(a, 0.5), b, 1,5), unit: V}\n", report)
    assert root["d"] == {"expr": SPOILED, "unit": "V"}
    assert [(one.column, one.code) for one in report.sorted()] == [(11, "Y02")]


@pytest.mark.parametrize(
    ("name", "before", "value", "left"),
    [
        ("b", 0, "max(a", 1),
        ("b)", 1, "", 0),
        ("min(b", 1, "", 2),
        ("5", 0, "0", 0),
        ("left", 0, "“Meter 1", -1),
        ("left”", -1, "", 0),
    ],
)
def test_what_a_torn_text_leaves_open(name: str, before: int, value: str, left: int) -> None:
    assert still_open(name, before, value) == left


@pytest.mark.parametrize("name", ["i", "100 + 2 * i", "i*2", "(i - 1) * 4 + 100"])
def test_a_formula_without_quotes(name: str) -> None:
    wrong = unquoted(name)
    assert wrong is not None
    assert wrong[2] == f'put it in quotes: "{{{name}}}"'


@pytest.mark.parametrize("name", ["acme/hall", "power", "1", "3ph", "a b", "l1", "meter-2"])
def test_what_is_no_formula(name: str) -> None:
    assert unquoted(name) is None


@pytest.mark.parametrize(
    "text", ["a: {0: x,1: y}", "a: {b: , c: 1}", "assets: {a}", "a: {b: '0','5': }", "a: {d: }", 'a: {"at:3": }']
)
def test_what_is_meant_so_is_left_alone(text: str) -> None:
    report = Report()
    block(text, report)
    assert report.sorted() == ()
