"""The text of a foreign configuration, read with limits, and what it holds as JSON, TOML or YAML."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.importers.parts import Notes, json_path
from gateway.mapping.load import SPOILED, decode, parse
from gateway.values import quote

JSON_LIMIT = 32_000_000
"""Bytes of a file; 100,000 OPC UA nodes take about twenty million."""
SLOW_LIMIT = 4_000_000
"""Bytes of a TOML or YAML file, which take far longer to read."""


class Text(NamedTuple):
    """A configuration that is at hand already."""

    name: str
    """What messages call it."""
    text: str


Source: TypeAlias = Path | Text


def read_text(source: Source, limit: int, report: Report) -> Text | None:
    """The text of a file; None where it cannot be had, which is reported."""
    if isinstance(source, Text):
        return source if _fits(len(source.text), limit, source.name, report) else None
    name = source.name
    try:
        if source.is_dir():
            report.error(Place(name or str(source), 0, 0), "I20", "this is a folder", "name the file in it")
            return None
        if not source.is_file():
            report.error(Place(name, 0, 0), "I20", "there is no such file")
            return None
        with source.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        report.error(Place(name, 0, 0), "I20", f"this file cannot be read: {error.strerror}")
        return None
    if not _fits(len(data), limit, name, report):
        return None
    text = decode(data, name, report)
    return None if text is None else Text(name, text)


def _fits(size: int, limit: int, name: str, report: Report) -> bool:
    if size > limit:
        report.error(Place(name, 0, 0), "I20", f"this file is larger than {limit // 1_000_000} MB", "split it")
    return size <= limit


class _Members(dict[str, Any]):
    """A JSON object, and the names that stand in it twice."""

    twice: tuple[str, ...] = ()


def _members(pairs: list[tuple[str, Any]]) -> _Members:
    members = _Members(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        members.twice = tuple(name for name, count in counts.items() if count > 1)
    return members


def read_json(source: Source, notes: Notes) -> Any:
    """The value of a JSON file (numbers exact); None where there is none, which is reported."""
    text = read_text(source, JSON_LIMIT, notes.report)
    if text is None:
        return None
    try:
        # NaN and Infinity are no JSON: as texts they are refused wherever a number is wanted.
        value = json.loads(text.text, parse_float=Decimal, parse_constant=str, object_pairs_hook=_members)
    except json.JSONDecodeError as error:
        where = Place(text.name, error.lineno, error.colno)
        wrong, hint = _json_fault(error.msg, text.text)
        notes.report.error(where, "I20", f"this is not valid JSON: {wrong}", hint)
        return None
    except (RecursionError, ValueError):
        notes.report.error(notes.at(), "I20", "this JSON is nested too deeply, or has a number of thousands of digits")
        return None
    _report_twice(value, notes)
    return value


_BRACKETS = "check the commas, quotes and brackets of this line and the line before"
_JSON_FAULTS = (
    ("Expecting value", "a value is missing here"),
    ("Expecting property name", 'here must stand the name of a setting, in "quotes"'),
    ("Expecting ':'", "a colon is missing here"),
    ("Expecting ','", "a comma is missing here, or a bracket is not closed"),
    ("Extra data", "the file should end before this"),
    ("Unterminated string", "the text that begins here is never closed"),
    ("Invalid control", "a text goes on in the next line, or holds a TAB"),
    ("Invalid \\", "a \\ inside a text must be written \\\\"),
    ("Illegal trailing comma", "the comma before this bracket is one too many"),
)
_TOML_FAULTS = (
    ("Expected '='", 'behind the name of a setting "=" is missing'),
    ("Expected newline", "the line should end before this"),
    ("Expected ']", "a ] is missing here"),
    ("Invalid value", 'here should stand a value; a text is written in "quotes"'),
    ("Invalid (?:statement|initial)", "no setting can begin here"),
    ("Invalid date|Invalid hex", "this is not a valid number or date"),
    ("Unclosed|Unterminated|Expected", "something that was opened before is never closed"),
    ("Cannot (?:overwrite|declare|mutate|redefine)|Duplicate", "something is defined here for the second time"),
    ("Illegal|Found invalid", "here is a character that cannot stand in a text or a line"),
    ("Unescaped", "a \\ inside a text must be written \\\\"),
)
"""What the readers of the two formats say, and what it means."""


def _json_fault(said: str, text: str) -> tuple[str, str]:
    """Sentence and hint."""
    if not text.strip():
        return "the file is empty", ""
    known = (sentence for start, sentence in _JSON_FAULTS if said.startswith(start))
    return next(known, "it cannot be read from here on"), _BRACKETS


def _toml_fault(said: str, text: Text) -> tuple[Place, str, str]:
    """Place, sentence and hint."""
    at = re.search(r"\(at line ([0-9]+), column ([0-9]+)\)$", said)
    last = len(text.text.splitlines())
    place = Place(text.name, int(at[1]), int(at[2])) if at else Place(text.name, last, 1)
    if not at and said.startswith("Invalid value"):
        return place, "the file ends where a value should stand, or before a bracket is closed", _BRACKETS
    known = (sentence for pattern, sentence in _TOML_FAULTS if re.match(pattern, said))
    return place, next(known, "it cannot be read from here on"), _BRACKETS


def _report_twice(value: Any, notes: Notes) -> None:
    waiting: list[tuple[Any, str]] = [(value, "")]
    while waiting:
        here, path = waiting.pop()
        if isinstance(here, _Members):
            for name in here.twice:
                place = notes.at(json_path(path, name))
                notes.report.error(place, "I22", f"{quote(name)} stands here twice; the last one was taken")
            waiting += [
                (inner, json_path(path, name)) for name, inner in here.items() if isinstance(inner, dict | list)
            ]
        elif isinstance(here, list):
            waiting += [(inner, f"{path}[{n}]") for n, inner in enumerate(here) if isinstance(inner, dict | list)]


def read_toml(source: Source, notes: Notes) -> dict[str, Any] | None:
    """The tables of a TOML file (numbers exact); None where there are none, which is reported."""
    text = read_text(source, SLOW_LIMIT, notes.report)
    if text is None:
        return None
    try:
        return tomllib.loads(text.text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        where, wrong, hint = _toml_fault(str(error), text)
        notes.report.error(where, "I20", f"this is not valid TOML: {wrong}", hint)
    except (RecursionError, ValueError, InvalidOperation):
        notes.report.error(notes.at(), "I20", "this TOML is nested too deeply, or has a number that cannot be read")
    return None


def read_yaml(source: Source, notes: Notes) -> Any:
    """The tree of a YAML file (all scalars are texts); None where there is none, which is reported."""
    text = read_text(source, SLOW_LIMIT, notes.report)
    value = None if text is None else parse(text.text, text.name, notes.report)
    return None if value is SPOILED else value
