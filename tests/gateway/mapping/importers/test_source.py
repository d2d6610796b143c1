"""Files that are read, and files that cannot be."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.mapping.importers.parts import Notes
from gateway.mapping.importers.source import Text, read_json, read_toml, read_yaml


def said(notes: Notes) -> list[str]:
    return [str(found) for found in notes.found()]


def test_numbers_stay_exact() -> None:
    notes = Notes("x")
    assert read_json(Text("x", '{"a": 0.1, "b": 1e-7, "c": 3}'), notes) == {
        "a": Decimal("0.1"),
        "b": Decimal("1e-7"),
        "c": 3,
    }
    assert read_toml(Text("x", "a = 0.1"), notes) == {"a": Decimal("0.1")}
    assert read_yaml(Text("x", "a: 0.10"), notes) == {"a": "0.10"}
    assert said(notes) == []


def test_a_name_that_stands_twice_is_said_with_its_path() -> None:
    notes = Notes("x.json")
    assert read_json(Text("x.json", '[{"a": {"b c": 1, "b c": 2}}]'), notes) == [{"a": {"b c": 2}}]
    assert said(notes) == ['x.json: [0].a["b c"]: error I22: "b c" stands here twice; the last one was taken']


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path, Notes("a.json")) == [1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.json:1:1: error I20: this is not valid JSON: Expecting value"),
        (b"[1,\n2 3]", "a.json:2:3: error I20: this is not valid JSON: Expecting ',' delimiter"),
        (b"\xff\xfe[\x00", "a.json:1:1: error F06: this file is UTF-16, not UTF-8"),
        (b"[\xe4]", "a.json:1:2: error F06: this file is not UTF-8: byte 0xe4"),
        (b"[" * 100_000, "a.json: error I20: this JSON is nested too deeply, or has a number of thousands of digits"),
    ],
)
def test_a_file_that_is_no_json_is_said(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    notes = Notes("a.json")
    assert read_json(path, notes) is None
    assert [text.split("\n")[0] for text in said(notes)] == [message]


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        notes = Notes(path.name)
        assert read_json(path, notes) is None
        assert said(notes) == [f"{path.name}: error I20: there is no such file"]


def test_toml_and_yaml_have_a_smaller_limit_because_they_are_read_slowly() -> None:
    text = Text("x", "a" * 4_000_001)
    for read in (read_toml, read_yaml):
        notes = Notes("x")
        assert read(text, notes) is None
        assert said(notes) == ["x: error I20: this file is larger than 4 MB\n    hint: split it"]
