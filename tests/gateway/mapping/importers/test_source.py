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
        (b"", "a.json:1:1: error I20: this is not valid JSON: the file is empty"),
        (b"[1,\n]", "a.json:2:1: error I20: this is not valid JSON: a value is missing here"),
        (
            b"[1,\n2 3]",
            "a.json:2:3: error I20: this is not valid JSON: a comma is missing here, or a bracket is not closed",
        ),
        (b'{"a" 1}', "a.json:1:6: error I20: this is not valid JSON: a colon is missing here"),
        (
            b"{a: 1}",
            'a.json:1:2: error I20: this is not valid JSON: here must stand the name of a setting, in "quotes"',
        ),
        (b"[] x", "a.json:1:4: error I20: this is not valid JSON: the file should end before this"),
        (b'["a', "a.json:1:2: error I20: this is not valid JSON: the text that begins here is never closed"),
        (b'["\\x"]', "a.json:1:3: error I20: this is not valid JSON: a \\ inside a text must be written \\\\"),
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
    for path, what in ((tmp_path / "missing.json", "there is no such file"), (tmp_path, "this is a folder")):
        notes = Notes(path.name)
        assert read_json(path, notes) is None
        assert [text.split("\n")[0] for text in said(notes)] == [f"{path.name}: error I20: {what}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1", 'a.conf:1:3: error I20: this is not valid TOML: behind the name of a setting "=" is missing'),
        ("x = 1\na = b", "a.conf:2:5: error I20: this is not valid TOML: here should stand a value"),
        ("a = 1 2", "a.conf:1:7: error I20: this is not valid TOML: the line should end before this"),
        ("a = [1,\n", "a.conf:1:1: error I20: this is not valid TOML: the file ends where a value should stand"),
        (
            "a = 1\na = 2",
            "a.conf:2:1: error I20: this is not valid TOML: something is defined here for the second time",
        ),
        ("=", "a.conf:1:1: error I20: this is not valid TOML: no setting can begin here"),
    ],
)
def test_a_text_that_is_no_toml_is_said_in_our_words(text: str, message: str) -> None:
    notes = Notes("a.conf")
    assert read_toml(Text("a.conf", text), notes) is None
    (found,) = said(notes)
    assert found.startswith(message)


def test_toml_and_yaml_have_a_smaller_limit_because_they_are_read_slowly() -> None:
    text = Text("x", "a" * 4_000_001)
    for read in (read_toml, read_yaml):
        notes = Notes("x")
        assert read(text, notes) is None
        assert said(notes) == ["x: error I20: this file is larger than 4 MB\n    hint: split it"]
