"""Pydantic's errors become the catalogue's, at the places where they were made, whatever type an adapter uses."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, field_validator

from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.judge import Owner, child, describe, judge, names, not_indented, strays
from gateway.mapping.load import SPOILED
from gateway.values import Settings, Whole
from tests.gateway.mapping.plants import block

OWNER = Owner('"pump"', Place("f.yaml", 9, 9))


class Inner(Settings):
    mode: Literal["on", "off"]
    depth: Whole = 1


class Model(Settings):
    """Also plain pydantic types, which an adapter may use."""

    at: Whole = Field(description="the address")
    inner: Inner = Inner(mode="on")
    several: list[Whole] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)
    count: int = 0
    ratio: float = 0.0
    flag: bool = False
    text: str = ""
    even: int = 0
    kind: str = Field("", alias="schema")
    maybe: Inner | None = None
    codes: dict[Whole, str] = Field(default_factory=dict)
    short: str = Field("", max_length=3)
    few: list[str] = Field(default_factory=list, max_length=2)
    radio: str = Field("hci0", pattern="^hci[0-9]$")

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("this must be even")
        return value


def said(text: str) -> list[str]:
    report = Report()
    judged = judge(Model, block(text, report), OWNER, report)
    assert (judged is None) == bool(report.errors)
    return [f"{one.line}:{one.column} {one.code} {one.text} | {one.hint}" for one in report.sorted()]


def test_settings_come_back_typed() -> None:
    report = Report()
    judged = judge(Model, block("at: 0x10\ninner: {mode: off}\nseveral: [1, 0x2]\nschema: x\n", report), OWNER, report)
    assert judged == Model.model_validate({"at": 16, "inner": {"mode": "off"}, "several": [1, 2], "schema": "x"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count: 1\n", '9:9 M02 "pump" has no "at" (the address) | add  at: ...'),
        ("at: 1\nInner: 1\n", '2:1 M01 unknown setting "Inner" | did you mean "inner"?'),
        (
            "at: 1\ninner: {mode: on, dept: 1}\n",
            '2:19 M01 unknown setting "dept" | did you mean "depth"?',
        ),
        ("att: 1\n", '1:1 M01 unknown setting "att" | did you mean "at"?'),  # and not: "pump" has no "at"
        ("at: 1\ninner: {mod: on}\n", '2:9 M01 unknown setting "mod" | did you mean "mode"?'),
        ("at: 1\nmaybe: {mod: on}\n", '2:9 M01 unknown setting "mod" | did you mean "mode"?'),
        ("at: 1\nmaybe: {depth: 1}\n", '2:1 M02 "maybe" has no "mode" | add  mode: ...'),
        (
            "at: 1\ncodes: {x: a}\n",
            '2:9 M04 a code of "codes" must be a whole number, but it is "x" | write for example 72 or 0x0048',
        ),
        ("at: 1\nshort: xxxx\n", '2:8 M13 "short" has more than 3 characters | shorten it'),
        ("at: 1\nfew: [1, 2, 3]\n", '2:6 M13 "few" has more than 2 entries | shorten it'),
        ("at: 1\nradio: hci\n", '2:8 M18 "hci" is not a valid radio | it must match ^hci[0-9]$'),
        ("at: 1\ninner: {depth: 1}\n", '2:1 M02 "inner" has no "mode" | add  mode: ...'),
        ("at: 1\ninner: {mode: onn}\n", '2:15 M03 "onn" is not a valid mode | did you mean "on"? allowed: on, off'),
        ("at: 1\ninner: {mode: [on]}\n", "2:15 M03 a list is not a valid mode | allowed: on, off"),
        (
            "at: 1\ninner: on\n",
            '2:8 M14 "inner" must be a block of settings ("name: value" lines), but it is "on" | '
            "write its settings below it, indented by two spaces",
        ),
        (
            "at: 1\ninner:\n",
            '2:1 M14 "inner" must be a block of settings ("name: value" lines), but it is empty | '
            "check the indentation of the next line",
        ),
        ("at: 1\ntags:\n  a:\n", '3:3 M20 "a" has no value | write it after the colon, or delete the line'),
        ("at:\n", '1:1 M20 "at" has no value | write it after the colon, or delete the line'),
        (
            "at: 1\nseveral: [1, x]\n",
            '2:14 M04 "several" must be a whole number, but it is "x" | write for example 72 or 0x0048',
        ),
        ("at: 1\nseveral: {a: 1}\n", '2:10 M15 "several" must be a list, but it is a block of settings | write [1, 2]'),
        ("at: 1\ncount: x\n", '2:8 M04 "count" must be a whole number, but it is "x" | write for example 72 or 0x0048'),
        ("at: 1\nratio: x\n", '2:8 M06 "ratio" must be a number, but it is "x" | write for example 0.1'),
        ("at: 1\nflag: maybe\n", '2:7 M08 "flag" must be true or false, but it is "maybe" | write true'),
        (
            "at: 1\ntext: [a]\n",
            '2:7 M16 "text" must be text, but it is a list | '
            'write it on the same line, in "quotes" where it holds ": "',
        ),
        ("at: 1\neven: 3\n", '2:7 M03 "3" is not a valid even: value error, this must be even | '),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, expected: str) -> None:
    assert said(text) == [expected]


def test_what_was_complained_about_is_not_told_again() -> None:
    report = Report()
    root = block("at: *x\ninner: {mode: *y}\nseveral: [*z]\n", report)
    assert root["at"] is SPOILED
    judge(Model, root, OWNER, report)
    assert [one.code for one in report.sorted()] == ["Y05"]


def test_all_mistakes_are_told() -> None:
    assert [line.split()[1] for line in said("at: x\ninner: {mode: 1}\nseveral: 1\ncolour: red\n")] == [
        *["M04", "M03", "M15", "M01"]
    ]


def test_a_part_may_lack_what_the_rest_will_give() -> None:
    report = Report()
    judge(Model, block("count: 1\n", report), OWNER, report, partial=True)
    assert report.sorted() == ()


def test_a_block_is_asked_for_by_name() -> None:
    report = Report()
    root = block("a: {b: 1}\nc: 1\nd:\ne: *x\n", report)
    assert child(root, "a", report) == {"b": "1"}
    assert [child(root, name, report) for name in "cde"] == [None, None, None]
    assert [(one.line, one.code) for one in report.sorted()] == [(2, "M14"), (3, "M14"), (4, "Y05")]


def test_names_are_those_that_are_written() -> None:
    assert list(names(Model)) == [
        *["at", "inner", "several", "tags", "count", "ratio", "flag", "text", "even", "schema"],
        *["maybe", "codes", "short", "few", "radio"],
    ]
    assert [name for name, is_block in names(Model).items() if is_block] == ["inner", "tags", "maybe", "codes"]


def test_things_are_described_in_words() -> None:
    root = block("a: {}\nb: []\nc:\n", Report())
    assert [describe(value) for value in root.values()] == ["a block of settings", "a list", "empty"]
    assert describe("x" * 100) == '"' + "x" * 59 + '…"'


def test_settings_below_an_empty_block_are_its_own() -> None:
    fields = {"inner": True, "at": False}
    assert strays(block("inner:\nmode: on\ndepth: 2\nat: 3\nx: 1\n", Report()), fields) == {"mode", "depth"}
    assert strays(block("at:\nmode: on\n", Report()), fields) == set()


def test_what_stands_below_an_empty_block_belongs_to_it() -> None:
    text = "a:\nat: 1\nnan: [1]\nenum: {0: x}\nb: {at: 2}\nat2: 3\n"
    assert not_indented(block(text, Report()), ("enum",)) == {"at": "a", "nan": "a", "enum": "a"}
