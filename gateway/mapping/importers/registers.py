"""Register lists in CSV and XLSX files as profiles: a row becomes a point, or is named with its cell and a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.mapping.diagnostics import Diagnostic, Place, Report
from gateway.mapping.draft import DraftPoint, DraftProfile, Imported, Origin, Setting, point_name, profile_name
from gateway.mapping.importers import cells, types
from gateway.mapping.importers.columns import (
    ROLES,
    Layout,
    check_named,
    column_named,
    layouts,
    named_by_content,
    typed_by_content,
)
from gateway.mapping.importers.lookup import Lookup
from gateway.mapping.importers.rows import Numbering, Options, Row, RowReader
from gateway.mapping.importers.table import Refused, Sheet, chosen, column_number, letters, read
from gateway.values import quote

__all__ = ["Options", "import_registers"]


def import_registers(path: Path, options: Options) -> Imported:
    """The profiles in a register list.

    ``found`` names every row that is no point, in the order of the file: errors are rows that should have become one,
    warnings rows that are none (headings, reserved registers). Nothing but the file is read.
    """
    report = Report()
    sheets: list[Sheet] = []
    try:
        sheets = chosen(read(path), options.sheet, report.warning)
        importing = _Importing(options, report)
        importing.read(path.name, sheets)
    except Refused as wrong:
        report.error(Place(path.name or str(path), 0, 0), wrong.code, wrong.text, wrong.hint)
        return Imported(found=report.sorted())
    return Imported(importing.profiles(path.name), (), _by_cell(report.sorted(), sheets), importing.looked_at)


def _by_cell(found: Iterable[Diagnostic], sheets: Sequence[Sheet]) -> tuple[Diagnostic, ...]:
    """In the order of the file: D9 comes before D10."""
    order = {sheet.place().file: number for number, sheet in enumerate(sheets)}

    def key(one: Diagnostic) -> tuple[int, int, int, str]:
        cell = re.fullmatch("(.*)!([A-Z]+)([0-9]+)", one.file)
        if cell is None:
            return order.get(one.file, -1), 0, 0, one.code
        return order.get(cell[1], -1), int(cell[3]), column_number(cell[2]), one.code

    return tuple(sorted(found, key=key))


@dataclass
class _Profile:
    """A profile whose points are still being added."""

    name: str
    note: str
    points: list[tuple[str, Row]] = field(default_factory=list)
    names: dict[str, Place] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)
    """How often a name was wanted that was taken."""
    bits: set[tuple[str, int, str]] = field(default_factory=set)


class _Importing:
    """One file on its way to profiles."""

    def __init__(self, options: Options, report: Report) -> None:
        self._options = options
        self._report = report
        self._numbering: Numbering = "offset"
        self._profiles: dict[str, _Profile] = {}
        self.looked_at = 0

    def read(self, file: str, sheets: Sequence[Sheet]) -> None:
        """Take all rows of the sheets. Raises Refused where the whole list cannot be read."""
        wrong = next((role for role in self._options.columns if role not in ROLES), None)
        if wrong is not None:
            raise Refused("I16", f"{quote(wrong)} is nothing that a column can hold", f"allowed: {', '.join(ROLES)}")
        options = self._options
        check_named(sheets, [*options.columns.values(), *options.where, *([options.group] if options.group else ())])
        found: list[Layout] = []
        for sheet in sheets:
            parts = [
                named_by_content(typed_by_content(part, _is_type)) for part in layouts(sheet, self._options.columns)
            ]
            if not parts and any(sheet.rows) and len(sheets) > 1:
                text = "no column of addresses was found; this sheet is left out"
                self._report.warning(sheet.place(), "I18", text, "if it holds registers, add --column address=...")
            found += parts
        if not found:
            shown = _first_row(sheets)
            hint = f"name the column, for example --column address=C{shown}"
            raise Refused("I05", "no column of register addresses was found", hint)
        self._numbering = self._numbered(found)
        for layout in found:
            self._layout(layout, file)
        if self._options.where and not self.looked_at:
            wanted = ", ".join(f"{name}={text}" for name, text in self._options.where.items())
            raise Refused("I16", f"there is no row where {wanted}")

    # ---- what the whole list says

    def _numbered(self, found: Sequence[Layout]) -> Numbering:
        """Offsets or numbers: as the caller says, or as the addresses leave no doubt. Raises Refused (I07)."""
        if self._options.numbering is not None:
            return self._options.numbering
        places: dict[int, Place] = {}
        for layout in found:
            lookup = Lookup(layout, self._report)
            for row in layout.rows:
                cited = lookup.cited(row)
                if cited is not None:
                    places.setdefault(cited.first, layout.sheet.place(row, layout.column("address") or 0))
        if not places:
            return "offset"
        low, high = min(places), max(places)
        if all(any(first < number <= last for first, last in _NUMBERS) for number in places):
            text = f"all addresses are between {low} and {high}: taken as numbers, 40001 is the first holding register"
            self._report.warning(places[low], "I07", text, "if they are offsets, choose --numbering offset")
            return "number"
        if low == 0:
            text = "there is an address 0: all are taken as offsets, 0 is the first register"
            self._report.warning(places[low], "I07", text, "if they are numbers, choose --numbering number")
            return "offset"
        text = f"addresses from {low} to {high} can be offsets (the first register is 0) or numbers (it is 1, or 40001)"
        raise Refused("I07", text, "choose --numbering offset or --numbering number")

    def _layout(self, layout: Layout, file: str) -> None:
        if self._numbering == "offset":
            self._say_table(layout)
        if "name" not in layout.columns:
            self._say_names(layout)
        sheet = layout.sheet
        where = [(column_named(sheet, layout, name), text) for name, text in self._options.where.items()]
        group = column_named(sheet, layout, self._options.group) if self._options.group else None
        lookup = Lookup(layout, self._report)
        reader = RowReader(lookup, self._options, self._numbering)
        for row in layout.rows:
            if any(sheet.text(row, column) != text for column, text in where) or not any(sheet.rows[row]):
                continue
            self.looked_at += 1
            point = reader.read(row)
            if point is not None:
                self._add(point, lookup.text_in(row, group), file)
        self._ask_for_gain(layout, reader.undecided)

    def _ask_for_gain(self, layout: Layout, rows: int) -> None:
        """Report once that the list does not say what its scale column does."""
        column = layout.column("scale")
        if column is None or not rows:
            return
        waiting = "1 row waits for it" if rows == 1 else f"{rows} rows wait for it"
        text = f"column {quote(layout.title(column) or 'scale')}: choose --divide or --multiply; {waiting}"
        hint = "with --divide 10 means that a raw 2301 is 230.1, with --multiply that it is 23010"
        self._report.error(layout.heading_place(column), "I03", text, hint)

    def _say_names(self, layout: Layout) -> None:
        columns = layout.unknown()
        hint = f"name it with --column name={letters(columns[0]) if columns else 'A'}"
        text = "no column of names was found: the points are called by their addresses"
        place = layout.heading_place(columns[0] if columns else 0)
        self._report.warning(place, "I17", text, hint)

    def _say_table(self, layout: Layout) -> None:
        if self._options.table is not None or "table" in layout.columns:
            return
        # Titles of the sheet or between the rows.
        texts = [" ".join(cell for cell in layout.sheet.rows[row] if cell) for row in layout.rows]
        texts += [layout.above(), layout.sheet.name]
        if not any(map(cells.titled_table, texts)):
            place = layout.heading_place(layout.column("address") or 0)
            text = "no column says in which table the registers are; taken as holding"
            self._report.warning(place, "I13", text, "if that is wrong, choose another with --table")

    # ---- points and their profiles

    def _add(self, row: Row, group: str, file: str) -> None:
        profile = self._profiles.get(group)
        if profile is None:
            names = [other.name for other in self._profiles.values()]
            name = profile_name(
                f"{self._options.profile}-{group}" if self._options.group else self._options.profile, names
            )
            profile = self._profiles[group] = _Profile(name, f"imported from {file}{f': {group}' if group else ''}")
        place = row.layout.sheet.place(row.row, row.column)
        bit = row.settings.get("bits")
        if isinstance(bit, str):
            if (row.table, row.at, bit) in profile.bits:
                hint = "a spreadsheet writes 40001.10 as 40001.1: write such addresses as texts"
                self._report.error(place, "I06", f"bit {bit} of {row.at} stands here for the second time", hint)
                return
            profile.bits.add((row.table, row.at, bit))
        wanted = point_name(row.label) if row.label else f"{row.table}_{row.at}"
        name = point_name(wanted, profile.names, 1 + profile.again[wanted])
        if name != wanted:
            profile.again[wanted] += 1
            text = f"the name {quote(wanted)} is already that of {profile.names[wanted].file}; named {name}"
            self._report.warning(place, "I08", text, "give both a name that tells them apart")
        profile.names[name] = place
        profile.points.append((name, row))

    def profiles(self, file: str) -> list[DraftProfile]:
        """What was gathered."""
        return [self._draft(profile) for profile in self._profiles.values()]

    def _draft(self, profile: _Profile) -> DraftProfile:
        settings = [{**row.settings, "note": _note(name, row)} for name, row in profile.points]
        defaults = _common(settings)
        points = [
            DraftPoint(
                name,
                {key: value for key, value in one.items() if defaults.get(key) != value},
                row.layout.sheet.place(row.row, row.column),
                _origins(row),
            )
            for (name, row), one in zip(profile.points, settings, strict=True)
        ]
        return DraftProfile(
            profile=profile.name,
            protocol="modbus",
            points=points,
            maker=self._options.maker,
            model=self._options.model,
            note=profile.note,
            head={"numbering": self._numbering},
            defaults=defaults,
        )


_NUMBERS = ((10_000, 19_999), (30_000, 39_999), (40_000, 49_999), (300_000, 365_536), (400_000, 465_536))


def _is_type(text: str) -> bool:
    try:
        types.value_type(text)
    except Refused:
        return cells.is_reserved(text) or bool(types.bits(text))
    return True


def _first_row(sheets: Sequence[Sheet]) -> str:
    """The first row that could be headings, for the hint."""
    rows = (row for sheet in sheets for row in sheet.rows[:50] if sum(bool(cell) for cell in row) > 2)
    row = next(iter(rows), ())
    return f"; the first row with some cells is: {', '.join(cell for cell in row if cell)}"[:200] if row else ""


def _note(name: str, row: Row) -> str:
    """The source, the label where the name does not tell it, and what found no setting."""
    source = row.layout.sheet.place(row.row, row.column).file
    said = re.sub("[^a-z0-9]", "", row.label.casefold()) if row.label.isascii() else ""
    label = f": {row.label}" if row.label and said != name.replace("_", "") else ""
    return "; ".join((source + label, *row.remarks))


_COLUMNS = {
    "at": ("address", "address_hex"),
    "bits": ("bit", "type"),
    "scale": ("scale", "multiply"),
    "divide": ("scale", "divide"),
    "enum": ("values", "remark"),
    "flags": ("values", "remark"),
    "range": ("values", "min"),
}
"""In which columns a setting is found, where those are not called like it."""


def _origins(row: Row) -> dict[str, Origin]:
    """The cells that the settings of a point come from, as far as their columns tell."""
    sheet, found = row.layout.sheet, {}
    for key in row.settings:
        columns = (row.layout.column(role) for role in _COLUMNS.get(key, (key,)))
        column = next((column for column in columns if column is not None and sheet.text(row.row, column)), None)
        if column is not None:
            place = sheet.place(row.row, column)
            found[key] = Origin(place, place)
    return found


def _common(settings: Sequence[Mapping[str, Setting]]) -> dict[str, Setting]:
    """Settings that most points share, where they are no harm to the others."""
    defaults: dict[str, Setting] = {}
    for key in ("table", "type", "order"):
        values = Counter(value for one in settings if isinstance(value := one.get(key), str))
        if not values:
            continue
        value, count = values.most_common(1)[0]
        # A point without an order would inherit it: what fits into one register must not have its bytes swapped.
        without = len(settings) - values.total()
        if count > 1 and not (without and value not in ("ABCD", "CDAB")) and not (key == "order" and _loses(settings)):
            defaults[key] = value
    return defaults


def _loses(settings: Sequence[Mapping[str, Setting]]) -> bool:
    """Whether a point that is wider than a register has no order of its own."""
    return any("order" not in one and types.Named(str(one.get("type", ""))).bits > 16 for one in settings)
