"""All of a file stays text, everything has its place, and nothing in a file can hurt the reader."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping import load
from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.load import SPOILED, Block, Items, decode, parse, read
from tests.gateway.mapping.plants import FILES, block


def said(report: Report) -> list[str]:
    return [f"{one.line}:{one.column} {one.code}" for one in report.sorted()]


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "00123456",
        "12:30:00",
        "11:22:33:44:55:06",
        "1e3",
        "0x48",
        "052",
        "null",
        "~",
        "1_000",
        "2026-11-22",
        "5 %",
    ],
)
def test_every_scalar_stays_text(text: str) -> None:
    assert block(f"a: {text}\n", Report()) == {"a": text}


def test_a_setting_without_a_value_is_not_an_empty_text() -> None:
    assert block('a:\nb: ""\nc: {d: }\n', Report()) == {"a": None, "b": "", "c": {"d": None}}


def test_names_and_values_have_their_places() -> None:
    root = block("first: 1\nöl:\n  - 'a'\n  - {b: c}\n", Report())
    assert root.keys_at == {"first": Place("f.yaml", 1, 1), "öl": Place("f.yaml", 2, 1)}
    assert root.values_at["first"] == Place("f.yaml", 1, 8)
    items = root["öl"]
    assert isinstance(items, Items)
    assert items.values_at == [Place("f.yaml", 3, 5), Place("f.yaml", 4, 5)]
    inner = items[1]
    assert isinstance(inner, Block)
    assert (inner.keys_at["b"], inner.values_at["b"]) == (Place("f.yaml", 4, 6), Place("f.yaml", 4, 9))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_counts_as_one(ending: str) -> None:
    root = block(ending.join(["a: 1", "b: 2", ""]), Report())
    assert (root, root.keys_at["b"].line) == ({"a": "1", "b": "2"}, 2)


def test_a_byte_order_mark_at_the_beginning_is_no_part_of_the_first_name() -> None:
    assert decode(b"\xef\xbb\xbfa: 1\n", "f", Report()) == "a: 1\n"


@pytest.mark.parametrize(
    ("data", "where", "sentence"),
    [
        (b"a: 1\nb: \xe4\n", "2:4 F06", "this file is not UTF-8: byte 0xe4"),
        ("a: 1".encode("utf-16"), "1:1 F06", "this file is UTF-16, not UTF-8"),
        (b"a: 1\nb: x\x00\n", "2:5 Y10", "the character U+0000 is not allowed in a text"),
        (b"a: \x1b[2J\n", "1:4 Y10", "the character U+001B is not allowed in a text"),
        ("a: x\ufeff\n".encode(), "1:5 Y10", "a byte order mark (U+FEFF), which nobody sees, stands here"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, where: str, sentence: str) -> None:
    report = Report()
    assert decode(data, "f", report) is None
    assert said(report) == [where]
    assert report.sorted()[0].text == sentence


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (load.SIZE_LIMIT + 1))
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    report = Report()
    names = ["folder.yaml", "pipe.yaml", "large.yaml", "loop.yaml", "missing.yaml"]
    assert [read(tmp_path / name, name, report) for name in names] == [None] * 5
    assert {(one.file, one.code, one.text) for one in report.sorted()} == {
        ("folder.yaml", "F06", "this is a folder, but its name is that of a file"),
        ("pipe.yaml", "F06", "this is no regular file, but its name is that of one"),
        ("large.yaml", "F06", "this file is larger than 8 MB"),
        ("loop.yaml", "F06", "this is a link that leads nowhere"),
        ("missing.yaml", "F06", "there is no such file"),
    }


def test_a_file_of_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.yaml").write_text("a: 1")
    monkeypatch.setattr(Path, "open", refuse)
    report = Report()
    assert read(tmp_path / "a.yaml", "a.yaml", report) is None
    assert report.sorted()[0].text == "this file cannot be read: Permission denied"


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (BOMB, "1:4 Y05"),
        ("a: " + "[" * 1_000_000, "1:19 Y08"),
        ("a: " + "{b: " * 100_000, "1:64 Y08"),
        ("- " * 500_000, "1:33 Y08"),
        ("a: '" + "x" * 4_000_000, "1:4 Y02"),
        ("? " * 500_000, "1:33 Y08"),
    ],
    ids=["alias bomb", "brackets", "braces", "dashes", "open quote", "question marks"],
)
def test_hostile_files_are_refused_fast(text: str, where: str) -> None:
    report, before = Report(), time.monotonic()
    parse(text, "f", report)
    assert said(report) == [where]
    assert time.monotonic() - before < 5


def test_several_tabs_are_told_with_the_first() -> None:
    report = Report()
    parse("a:\n\tb: 1\n  \tc: 2\n", "f", report)
    assert report.sorted()[0].hint == "replace the TAB by two spaces; 2 lines of this file begin so"


def test_the_first_of_two_settings_of_one_name_stays() -> None:
    report = Report()
    assert block("a: 1\nb: 2\na: 3\n", report) == {"a": "1", "b": "2"}
    assert said(report) == ["3:1 Y03"]


def test_two_decimal_commas_in_braces_are_no_duplicate_name() -> None:
    report = Report()
    assert block("{scale: 0,5, offset: 2,5}", report) == {"scale": SPOILED, "offset": SPOILED}
    assert said(report) == ["1:9 M07", "1:22 M07"]


def test_numbers_as_names_in_braces_are_no_decimal_comma() -> None:
    report = Report()
    assert block("{0: manual, 1: auto}", report) == {"0": "manual", "1": "auto"}
    assert said(report) == []


def test_settings_over_defaults_keep_their_places() -> None:
    root = block("defaults: {a: 1, b: 2}\nown: {b: 3}\n", Report())
    defaults, own = root["defaults"], root["own"]
    assert isinstance(defaults, Block)
    assert isinstance(own, Block)
    merged = own.over(defaults)
    assert merged == {"a": "1", "b": "3"}
    assert (merged.values_at["a"].line, merged.values_at["b"].line) == (1, 2)
    assert merged.only(["b"]) == {"b": "3"}


def test_the_slow_parser_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {name: parse(text, name, Report()) for name, text in FILES.items()}
    monkeypatch.setattr(load, "Loader", yaml.SafeLoader)
    slow = {name: parse(text, name, Report()) for name, text in FILES.items()}
    assert fast == slow
    report = Report()
    parse("a: 1\na: %\n", "f", report)
    assert said(report) == ["2:4 Y02"]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_a_message(data: bytes) -> None:
    report = Report()
    text = decode(data, "f", report)
    if text is not None:
        root = parse(text, "f", report)
        assert root is not SPOILED or report.errors
    assert all(one.line >= 1 and one.column >= 1 for one in report.sorted())


@given(st.text(alphabet="ab:-? {}[]'\"\n\t#&*!|>%@`,\\0é", max_size=60))
def test_any_text_gives_a_tree_or_a_message(text: str) -> None:
    report = Report()
    root = parse(text, "f", report)
    assert root is not SPOILED or report.errors
