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

from gateway.mapping.diagnostics import Diagnostic, Place
from gateway.mapping.draft import DraftPoint, DraftProfile, Imported, Origin, Setting
from gateway.mapping.exporters.cells import decode, encode, is_date
from gateway.mapping.importers.table import letters
from gateway.mapping.load import Block
from gateway.values import quote

SCHEMA = "fieldgate/profile/v1"
"""The first cell."""
_BOM = "\ufeff"
"""Without it Excel on Windows takes the text for ANSI."""
_SECTIONS = ("points", "derived")
_NAMED = ("maker", "model", "note")
_WORDS = (*_NAMED, "defaults.note")
"""What can be any text, also a date."""

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
    """The profile in a table of ``profile_to_csv``; every part of it knows its cell.

    ``file`` is its name in messages, which name the cell as a spreadsheet does: ``profile.csv!D11``.
    """
    reader = _Reader(file)
    delimiter = re.search("[;,\t]", text)
    rows = csv.reader(io.StringIO(text.removeprefix(_BOM), newline=""), delimiter=delimiter[0] if delimiter else ";")
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            reader.row(row, number)
    except csv.Error as error:
        hint = "save it again as CSV (UTF-8)"
        reader.wrong(cell(file, number + 1, 1), "I20", f"this table cannot be read: {error}", hint)
    return reader.imported()


def cell(file: str, row: int, column: int) -> Place:
    """The place of a cell, both counted from 1."""
    return Place(f"{file}!{letters(column - 1)}{row}", 0, 0)


class _Reader:
    """Takes the rows one by one."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Diagnostic] = []
        self._top: _Settings = {}
        self._origins: dict[str, Origin] = {}
        self._points: dict[str, dict[str, DraftPoint]] = {section: {} for section in _SECTIONS}
        self._rows_of: dict[tuple[str, str], int] = {}
        self._section = ""
        self._columns: list[str] = []
        self._heading = 0
        self._rows = 0

    def wrong(self, place: Place, code: str, text: str, hint: str = "") -> None:
        self._found.append(Diagnostic(*place, "error", code, text, hint))

    def row(self, cells: list[str], row: int) -> None:
        first = cells[0].strip() if cells else ""
        if not any(one.strip() for one in cells) or first == SCHEMA:
            return
        if self._begins(first, cells):
            if not first.endswith(":"):
                text = f"{quote(first)} has no colon: it is not clear that a new table begins here"
                self.wrong(self._cell(row, 1), "I22", text, f"write {first}:")
            self._section = first.removesuffix(":")
            self._heading = row
            self._columns = [
                str(self._decoded(one, self._cell(row, number))) for number, one in enumerate(cells[1:], 2)
            ]
        elif self._section:
            self._point(cells, row)
        else:
            self._setting(cells, row)

    def _begins(self, first: str, cells: list[str]) -> bool:
        """Whether a row is the heading of a section, also of one whose colon was lost."""
        if first in [f"{section}:" for section in _SECTIONS]:
            return True
        # Between points it can be the name of one.
        return first in _SECTIONS and (not self._section or "expr" in cells[1:])

    def _cell(self, row: int, column: int) -> Place:
        return cell(self._file, row, column)

    def _setting(self, cells: list[str], row: int) -> None:
        at, value_at = self._cell(row, 1), self._cell(row, 2)
        name = str(self._decoded(cells[0], at))
        value = self._decoded(cells[1], value_at, name) if len(cells) > 1 and cells[1].strip() else None
        beyond = next((number for number, one in enumerate(cells[2:], 3) if one.strip()), None)
        if beyond is not None:
            hint = 'a setting at the top has one value; the table of the points begins with "points:"'
            text = f"{quote(cells[beyond - 1].strip())} stands beside {quote(name)} and its value"
            self.wrong(self._cell(row, beyond), "I22", text, hint)
        if not name or value is None:
            hint = "write the name of the setting and its value next to each other"
            self.wrong(at, "I21", f"{quote(name)} has no value" if name else "a value has no name", hint)
            return
        outer, dot, inner = name.partition(".")
        block = self._top.setdefault(outer, {}) if dot else self._top
        if not isinstance(block, dict):
            self.wrong(at, "I21", f"{quote(outer)} has a value already", "keep one of the two rows")
            return
        key = inner if dot else name
        if key in block:
            self.wrong(at, "Y03", f"{quote(key)} is defined twice", "delete or rename one of the two")
        block[key] = value
        self._origins[name] = Origin(at, value_at)

    def _point(self, cells: list[str], row: int) -> None:
        self._rows += 1
        at = self._cell(row, 1)
        name = str(self._decoded(cells[0], at))
        if not name:
            self.wrong(at, "I21", "a point has no name", "write it into the first cell")
            return
        earlier = self._rows_of.setdefault((self._section, name), row)
        if earlier != row:
            text = f"{quote(name)} is defined twice; the first one is in row {earlier}"
            self.wrong(at, "Y03", text, "delete or rename one of the two")
            return
        settings: _Settings = {}
        origins: dict[str, Origin] = {}
        for number, one in enumerate(cells[1:], 2):
            if not one.strip():
                continue
            column = self._columns[number - 2] if number - 2 < len(self._columns) else ""
            place = self._cell(row, number)
            if column:
                settings[column] = self._decoded(one, place, column)
                origins[column] = Origin(self._cell(self._heading, number), place)
            else:
                hint = f"write the name of a setting above it, in the row that begins with {self._section}:"
                self.wrong(place, "I22", f"{name}: {quote(one)} stands in a column without a name", hint)
        self._points[self._section][name] = DraftPoint(name, settings, at, origins)

    def _decoded(self, text: str, place: Place, column: str = "") -> Setting:
        setting, found = decode(text, place)
        self._found += found
        if is_date(text) and column not in _WORDS:
            hint = "write what it was, with an apostrophe in front: '10.1"
            wrong = f"{quote(text.strip())} is a date: a spreadsheet makes one of a number with a point"
            self.wrong(place, "I22", wrong, hint)
        return setting

    def imported(self) -> Imported:
        top = self._top
        # A profile that extends another one has its protocol from there.
        for name in ("profile",) if "extends" in top else ("profile", "protocol"):
            if not isinstance(top.get(name), str):
                hint = f"add a row: {name}, and its value next to it"
                self.wrong(self._cell(1, 1), "M02", f'this table has no "{name}"', hint)
        texts = {name: text for name in ("profile", "protocol", *_NAMED) if isinstance(text := top.get(name), str)}
        # What is no block is left for whoever judges the profile.
        defaults = written if isinstance(written := top.get("defaults"), Mapping) else {}
        profile = DraftProfile(
            profile=texts.get("profile", ""),
            protocol=texts.get("protocol", ""),
            points=tuple(self._points["points"].values()),
            **{name: texts.get(name, "") for name in _NAMED},
            head={name: setting for name, setting in top.items() if name not in texts and setting is not defaults},
            defaults=defaults,
            derived=tuple(self._points["derived"].values()),
            place=self._cell(1, 1),
            origins=self._origins,
        )
        return Imported(profiles=(profile,), found=tuple(self._found), rows=self._rows)
