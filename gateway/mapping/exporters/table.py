"""A profile as a table (CSV) for a spreadsheet, and back: one row for each point, one column for each setting.

The rows, in this order::

    fieldgate/profile/v1
    profile         eastron-sdm630
    defaults.table  input             one row for each setting at the top
    points:         at      unit      the settings that are used
    voltage_l1      0x0000  V
    derived:        expr    unit
    voltage_avg     ...

Separated by semicolons, since that is what a spreadsheet expects where decimals have a comma; back it may come with
commas or TABs. There is no line ``sep=;``: after it Excel takes the text for ANSI.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.draft import DraftPoint, DraftProfile, Imported, Setting
from gateway.mapping.exporters.cells import decode, encode
from gateway.mapping.load import Block
from gateway.values import quote

SCHEMA = "fieldgate/profile/v1"
"""The first cell."""
_BOM = "\ufeff"
"""Without it Excel on Windows takes the text for ANSI."""
_SECTIONS = ("points", "derived")
_NAMED = ("maker", "model", "note")

_Settings: TypeAlias = dict[str, Setting]


def profile_to_csv(block: Block) -> str:
    """The table of a profile file that was read without an error, to be written as UTF-8 with the line ends it has.

    Raises ValueError where the file has a setting without a value.
    """
    rows = [[SCHEMA]]
    for name, node in block.items():
        if name == "schema" or name in _SECTIONS:
            continue
        if isinstance(node, Block) and node:
            rows += [[encode(f"{name}.{inner}"), encode(value)] for inner, value in node.items()]
        else:
            rows.append([encode(name), encode(node)])
    for section in _SECTIONS:
        part = block.get(section)
        if isinstance(part, Block):
            rows += [[], *_section(section, part)]
    stream = io.StringIO(newline="")
    width = max(map(len, rows))
    csv.writer(stream, delimiter=";").writerows([*row, *[""] * (width - len(row))] for row in rows)
    return _BOM + stream.getvalue()


def _section(name: str, part: Block) -> list[list[str]]:
    points = {point: own if isinstance(own, Block) else Block(part.place) for point, own in part.items()}
    columns = list(dict.fromkeys(key for own in points.values() for key in own))
    rows = [[encode(point), *_cells(own, columns)] for point, own in points.items()]
    return [[f"{name}:", *map(encode, columns)], *rows]


def _cells(own: Block, columns: Iterable[str]) -> Iterable[str]:
    return (encode(own[key]) if key in own else "" for key in columns)


def is_profile_table(text: str) -> bool:
    """Whether a table is one of ours, by its first cell."""
    return re.match(rf'{_BOM}?"?{SCHEMA}"?[;,\t\r\n]', text) is not None


def profile_from_csv(text: str, file: str = "profile.csv") -> Imported:
    """The profile in a table of ``profile_to_csv``.

    ``file`` is its name in messages; they count lines, and cells instead of characters.
    """
    reader = _Reader(file)
    delimiter = re.search("[;,\t]", text)
    rows = csv.reader(io.StringIO(text.removeprefix(_BOM), newline=""), delimiter=delimiter[0] if delimiter else ";")
    try:
        for row in rows:
            reader.row(row, rows.line_num)
    except csv.Error as error:
        reader.wrong(rows.line_num, 1, "I20", f"this table cannot be read: {error}", "save it again as CSV (UTF-8)")
    return reader.imported()


class _Reader:
    """Takes the rows one by one."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Diagnostic] = []
        self._top: _Settings = {}
        self._points: dict[str, dict[str, _Settings]] = {section: {} for section in _SECTIONS}
        self._lines: dict[tuple[str, str], int] = {}
        self._section = ""
        self._columns: list[str] = []
        self._rows = 0

    def wrong(self, line: int, column: int, code: str, text: str, hint: str = "") -> None:
        self._found.append(Diagnostic(self._file, line, column, "error", code, text, hint))

    def row(self, cells: list[str], line: int) -> None:
        first = cells[0].strip() if cells else ""
        if not any(cell.strip() for cell in cells) or first == SCHEMA:
            return
        if first in [f"{section}:" for section in _SECTIONS]:
            self._section = first.removesuffix(":")
            self._columns = [str(self._cell(cell, line, number)) for number, cell in enumerate(cells[1:], 2)]
        elif self._section:
            self._point(cells, line)
        else:
            self._setting(cells, line)

    def _setting(self, cells: list[str], line: int) -> None:
        name = str(self._cell(cells[0], line, 1))
        value = self._cell(cells[1], line, 2) if len(cells) > 1 and cells[1].strip() else None
        if not name or value is None:
            hint = "write the name of the setting and its value next to each other"
            self.wrong(line, 1, "I21", f"{quote(name)} has no value" if name else "a value has no name", hint)
            return
        outer, dot, inner = name.partition(".")
        if not dot:
            self._add(self._top, name, value, line)
            return
        block = self._top.setdefault(outer, {})
        if isinstance(block, dict):
            self._add(block, inner, value, line)
        else:
            self.wrong(line, 1, "I21", f"{quote(outer)} has a value already", "keep one of the two rows")

    def _add(self, block: _Settings, name: str, value: Setting, line: int) -> None:
        if name in block:
            self.wrong(line, 1, "Y03", f"{quote(name)} is defined twice", "delete or rename one of the two")
        block[name] = value

    def _point(self, cells: list[str], line: int) -> None:
        self._rows += 1
        name = str(self._cell(cells[0], line, 1))
        if not name:
            self.wrong(line, 1, "I21", "a point has no name", "write it into the first cell")
            return
        earlier = self._lines.setdefault((self._section, name), line)
        if earlier != line:
            text = f"{quote(name)} is defined twice; the first one is on line {earlier}"
            self.wrong(line, 1, "Y03", text, "delete or rename one of the two")
            return
        settings: _Settings = {}
        for number, cell in enumerate(cells[1:]):
            if not cell.strip():
                continue
            column = self._columns[number] if number < len(self._columns) else ""
            if column:
                settings[column] = self._cell(cell, line, number + 2)
            else:
                hint = f"write the name of a setting above it, in the row that begins with {self._section}:"
                self.wrong(line, number + 2, "I22", f"{name}: {quote(cell)} stands in a column without a name", hint)
        self._points[self._section][name] = settings

    def _cell(self, cell: str, line: int, column: int) -> Setting:
        setting, found = decode(cell, self._file, line, column)
        self._found += found
        return setting

    def imported(self) -> Imported:
        top = self._top
        # A profile that extends another one has its protocol from there.
        for name in ("profile",) if "extends" in top else ("profile", "protocol"):
            if not isinstance(top.get(name), str):
                self.wrong(1, 1, "M02", f'this table has no "{name}"', f"add a row: {name}, and its value next to it")
        texts = {name: text for name in ("profile", "protocol", *_NAMED) if isinstance(text := top.get(name), str)}
        defaults = top.get("defaults", {})
        profile = DraftProfile(
            profile=texts.get("profile", ""),
            protocol=texts.get("protocol", ""),
            points=_drafts(self._points["points"]),
            **{name: texts.get(name, "") for name in _NAMED},
            head={name: setting for name, setting in top.items() if name not in texts and name != "defaults"},
            defaults=defaults if isinstance(defaults, Mapping) else {},
            derived=_drafts(self._points["derived"]),
        )
        return Imported(profiles=(profile,), found=tuple(self._found), rows=self._rows)


def _drafts(points: Mapping[str, _Settings]) -> tuple[DraftPoint, ...]:
    return tuple(DraftPoint(name, settings) for name, settings in points.items())
