"""One row of a register list as one point: its address, its type, and what its value means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from gateway.mapping.draft import Setting
from gateway.mapping.importers import cells, types
from gateway.mapping.importers.cells import Cited, Gain, Measure, Table
from gateway.mapping.importers.columns import Layout
from gateway.mapping.importers.lookup import NOTHING, Lookup
from gateway.mapping.importers.meaning import Meaning, is_counter, shortened
from gateway.mapping.importers.table import Refused
from gateway.values import quote

Numbering: TypeAlias = Literal["offset", "number"]
"""Whether addresses are offsets, from 0, or numbers as manuals print them: 40001 is the first holding register."""


@dataclass(frozen=True)
class Options:
    """What a list does not say of itself."""

    profile: str
    """The name of the profile; with ``group`` the beginning of the names."""
    maker: str = ""
    model: str = ""
    sheet: str = ""
    """Only this one; empty: all that hold registers."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """By role (see ``columns.ROLES``) the letter or the heading of its column."""
    where: Mapping[str, str] = field(default_factory=dict)
    """By letter or heading of a column what must stand there; other rows are passed over."""
    group: str = ""
    """The letter or the heading of a column: a profile for each of its values."""
    numbering: Numbering | None = None
    gain: Gain | None = None
    """What a column like "scale" or "gain" does."""
    table: Table | None = None
    """The table of registers of which the list says none."""
    type: str = ""
    """The type of registers of which the list says none."""
    order: str = ""
    """The byte order of registers of which the list says none."""
    strings: Literal["characters", "registers"] | None = None
    """What STRING(8) counts."""


@dataclass(frozen=True)
class Row:
    """A row that became a point, but for its name."""

    layout: Layout
    row: int
    column: int
    """Of the address."""
    label: str
    """Empty where the list has none."""
    at: int
    """As it is written, in the list's numbering."""
    table: Table
    width: int
    """Registers or bits that it takes."""
    settings: Mapping[str, Setting]
    """Without ``note``."""
    remarks: tuple[str, ...]
    """For the note."""


class Skipped(Exception):
    """A row that is no point, and why, which is told as a warning."""

    def __init__(self, code: str, text: str, column: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.column = column


class RowReader:
    """Reads the rows of one table of a sheet."""

    def __init__(self, lookup: Lookup, options: Options, numbering: Numbering) -> None:
        self._lookup = lookup
        self._layout = lookup.layout
        self._sheet = lookup.sheet
        self._options = options
        self._numbering = numbering
        self._meaning = Meaning(lookup, options.gain)
        self._section = cells.titled_table(lookup.layout.above()) or cells.titled_table(lookup.sheet.name)
        self._before: Row | None = None
        self._measure = self._lengths()
        self._nameless = () if "name" in lookup.layout.columns else lookup.layout.unknown()
        self.undecided = 0
        """Rows that wait for somebody to say what the scale column does (I03)."""

    def read(self, row: int) -> Row | None:
        """The point of a row; None where there is none, which is reported."""
        column = self._lookup.address(row)[1]
        try:
            self._before = self._row(row)
        except Refused as wrong:
            if wrong.code == "I03":
                self.undecided += 1
            else:
                self._lookup.error(row, column if wrong.column is None else wrong.column, wrong)
            return None
        except Skipped as told:
            self._lookup.warn(row, column if told.column is None else told.column, told.code, told.text)
            return None
        return self._before

    def _row(self, row: int) -> Row:
        cited, column = self._cited(row)
        self._check_reserved(row, cited)
        label, bracket = cells.split_label(self._label(row))
        at, table = self._located(row, cited)
        self._check_continued(row, at, table)
        named, length = self._type(row, cited, table)
        bits = self._bits(row, cited, named, table)
        # A single bit is no number, several are no bool.
        named = "bool" if bits.isdecimal() else "uint16" if bits and named == "bool" else named
        place: dict[str, Setting] = {
            "at": self._spelled(at, table, cited),
            "table": table,
            "type": named,
            "length": "" if length is None else str(length),
            "bits": bits,
            "order": self._order(row, named),
        }
        settings = {key: setting for key, setting in place.items() if setting}
        remarks = [] if "name" in self._layout.columns else self._unknown(row)
        settings |= self._meaning.settings(row, named, bracket, remarks)
        access = self._lookup.text(row, "access")
        if re.search("w|schreib|scrit|[eé]crit|l ?/ ?[es]$", access.casefold()):
            remarks.append(f"access {access}")
        if is_counter(label, named, str(settings.get("unit", ""))):
            settings["kind"] = "counter"
        width = 1 if named == "bool" else length or -(-types.Named(named).bits // 16) or 1
        self._check_end(at, width)
        return Row(self._layout, row, column, label, at, table, width, settings, tuple(remarks))

    def _label(self, row: int) -> str:
        name, description = self._lookup.text(row, "name"), self._lookup.own(row, "description")
        if name and description and self._bit(row) and self._lookup.shares(row, "name"):
            # The name is that of the register.
            return " ".join(f"{name} {description}".split())
        return " ".join((name or self._lookup.text(row, "description")).split())

    def _unknown(self, row: int) -> list[str]:
        """What stands in columns that nobody knows; one of them can be the label."""
        texts = (self._lookup.text_in(row, column) for column in self._nameless[:3])
        return [shortened(text) for text in texts if text]

    def _cited(self, row: int) -> tuple[Cited, int]:
        text, column, hexadecimal = self._lookup.address(row)
        if not text:
            return self._cited_above(row), column
        try:
            return self._with_end(row, cells.address(text, hexadecimal)), column
        except Refused:
            if self._repeats_heading(row):
                raise Skipped("I15", "the headings again; no register") from None
            if sum(bool(cell) for cell in self._sheet.rows[row]) <= 2 and not self._lookup.own(row, "type"):
                self._take_heading(row)
            raise

    def _with_end(self, row: int, cited: Cited) -> Cited:
        """With the end of the range from a column of its own."""
        text = self._lookup.own(row, "end")
        if not text or cited.several:
            return cited
        last = cells.address(text, cited.hexadecimal)
        return replace(cited, last=max(last.last, cited.first))

    def _cited_above(self, row: int) -> Cited:
        """The address of the register that this row names a bit of."""
        if self._bit(row):
            above = (self._lookup.cited(other) for other in range(row - 1, max(row - 65, self._layout.heading), -1))
            found = next((cited for cited in above if cited is not None), None)
            if found is not None:
                return replace(found, last=found.first)
        if self._lookup.own(row, "type") or self._lookup.own(row, "length"):
            raise Refused("I06", f"{quote(self._label(row) or 'this row')} has no address", "write it into the cell")
        return self._take_heading(row)

    def _take_heading(self, row: int) -> Cited:
        text = " ".join(" ".join(cell for cell in self._sheet.rows[row] if cell).split())
        found = cells.titled_table(text)
        self._section = found or self._section
        place = next(column for column, cell in enumerate(self._sheet.rows[row]) if cell)
        what = f"a heading: what follows is in the {found} table" if found else "a heading or a remark"
        raise Skipped("I15", f"{quote(text)} has no address; taken as {what}", column=place)

    def _repeats_heading(self, row: int) -> bool:
        heading = self._layout.heading
        return heading >= 0 and tuple(self._sheet.rows[row]) == tuple(self._sheet.rows[heading])

    def _check_reserved(self, row: int, cited: Cited) -> None:
        shown = self._lookup.address(row)[0]
        text = f"{cited.first}-{cited.last}" if cited.several and self._lookup.own(row, "end") else shown
        for role in ("type", "name", "description"):
            said = self._lookup.text(row, role)
            if cells.is_reserved(said):
                what = f"{quote(text)} is a range" if cited.several else quote(" ".join(said.split()))
                raise Skipped("I02", f"{what}; skipped as reserved")
        if cited.several and not self._label(row) and not self._lookup.text(row, "type"):
            raise Skipped("I02", f"{quote(text)} is a range; skipped as reserved")

    def _check_continued(self, row: int, at: int, table: Table) -> None:
        """Refuse what is only the second register of the value above it."""
        before = self._before
        if before is None or before.table != table or not before.at < at < before.at + before.width:
            return
        above = all(self._lookup.continues(row, role) for role in ("name", "type"))
        if above or not (self._label(row) or self._lookup.own(row, "type")):
            raise Skipped("I02", f"{at} belongs to {quote(before.label or str(before.at))}; no point of its own")

    # ---- where it is

    def _located(self, row: int, cited: Cited) -> tuple[int, Table]:
        text = self._lookup.text(row, "table")
        said = cells.table(text) if text else None
        if text and said is None:
            hint = "write coil, discrete, input or holding, or a function code from 1 to 4"
            with self._lookup.reading("table"):
                raise Refused("I13", f"{quote(text)} is not a table of registers", hint)
        if self._numbering == "offset":
            if cited.last > 65535:
                raise Refused("I06", f"{cited.last} is outside 0..65535", "is this a number? choose --numbering number")
            return cited.first, said or self._section or self._options.table or "holding"
        return _numbered(cited, said or self._section or self._options.table)

    def _spelled(self, at: int, table: Table, cited: Cited) -> str:
        if self._numbering == "offset":
            return f"0x{at:04X}" if cited.hexadecimal else str(at)
        # The first digit of a coil's number is 0.
        return str(at) if table != "coil" else f"{at:05}" if at < 10_000 else f"{at:06}"

    def _check_end(self, at: int, width: int) -> None:
        """Refuse a value that goes on behind the last register; ``width`` is that of a register's type."""
        first = at if self._numbering == "offset" else at % (10_000 if at < 100_000 else 100_000) - 1
        if width > 1 and first + width > 65536:
            raise Refused("I06", f"{types.count(width)} from {at} on do not fit into 0..65535")

    # ---- what its raw value is

    def _type(self, row: int, cited: Cited, table: Table) -> tuple[str, int | None]:
        """Type and length."""
        if table in ("coil", "discrete"):
            return "bool", None
        text = self._lookup.text(row, "type")
        if types.bits(text) or (not text and (cited.bit is not None or self._bit(row))):
            return "bool", None
        text = text or self._options.type
        with self._lookup.reading("type"):
            if not text:
                label = self._label(row) or str(cited.first)
                raise Refused("I01", f"{quote(label)} has no type", "choose one with --type")
            return self._typed(row, types.value_type(text), cited)

    def _typed(self, row: int, named: types.Named, cited: Cited) -> tuple[str, int | None]:
        counted = self._length(row)
        if named.type in ("string", "bytes", "datetime"):
            return named.type, self._text_length(named, counted, cited)
        if not named.bits:
            registers = counted or (cited.registers if cited.several else None)
            named = named._replace(type=types.of_width(named.type, registers))
        self._check_width(row, named, cited, counted)
        return named.type, None

    def _check_width(self, row: int, named: types.Named, cited: Cited, counted: int | None) -> None:
        registers = -(-named.bits // 16)
        if cited.several and cited.registers > registers:
            text = self._lookup.address(row)[0]
            raise Skipped("I02", f"{quote(text)} is a range, longer than one {named.type}; skipped as reserved")
        if cited.several and cited.registers < registers:
            text = f"a {named.type} takes {types.count(registers)}, but here are {cited.registers}"
            raise Refused("I12", text, "check type and address")
        if counted is not None and counted != registers:
            text = f"a {named.type} takes {types.count(registers)}, but the length says {counted}; the type counts"
            self._lookup.warn(row, self._lookup.column("length"), "I12", text, "check both")

    def _text_length(self, named: types.Named, counted: int | None, cited: Cited) -> int:
        if counted is not None:
            return counted
        if cited.several:
            return cited.registers
        if named.number is None:
            hint = "add a column with the number of registers, or write for example STRING(16)"
            raise Refused("I12", f"a {named.type} needs a length", hint)
        if self._options.strings is None:
            text = f"{named.number} can be characters or registers"
            raise Refused("I12", text, "choose --strings characters or --strings registers")
        return named.number if self._options.strings == "registers" else -(-named.number // 2)

    def _length(self, row: int) -> int | None:
        text = self._lookup.own(row, "length")
        with self._lookup.reading("length"):
            return None if text in NOTHING else cells.registers(text, self._measure)

    def _lengths(self) -> Measure:
        """What the column of lengths counts: its heading says it, or the types that have a width."""
        column = self._layout.column("length")
        if column is None:
            return "registers"
        said = cells.measure(self._layout.title(column))
        if said:
            return said
        fitting: set[Measure] = {"registers", "bytes", "bits"}
        sized = False
        for row in self._layout.rows:
            length, bits = re.match("[0-9]{1,4}", self._sheet.text(row, column)), self._bits_of(row)
            if length and bits:
                sized = True
                per: dict[Measure, int] = {"registers": 16, "bytes": 8, "bits": 1}
                fitting -= {measure for measure, one in per.items() if int(length[0]) * one != bits}
        return fitting.pop() if sized and len(fitting) == 1 else "registers"

    def _bits_of(self, row: int) -> int:
        try:
            bits = types.value_type(self._lookup.text(row, "type")).bits
        except Refused:
            return 0
        return bits if bits >= 16 else 0

    def _bit(self, row: int) -> str:
        """What says which bit of its register a row is: a cell of its own, or that of the type."""
        return self._lookup.own(row, "bit") or types.bits(self._lookup.own(row, "type"))

    def _bits(self, row: int, cited: Cited, named: str, table: Table) -> str:
        text = self._bit(row)
        match = re.fullmatch(r"(?:bit ?)?([0-9]{1,2})(?: ?(?:-|–|\.\.|:|to) ?([0-9]{1,2}))?", text, re.IGNORECASE)
        if table in ("coil", "discrete") or (cited.bit is None and not match):
            return ""
        if match and match[2]:
            low, high = sorted((int(match[1]), int(match[2])))
            if named != "bool" and ("int" not in named or high >= types.Named(named).bits):
                raise Refused("I12", f"bits {low} to {high} do not fit into {named}", "check type and bits")
            return f"{low}..{high}"
        if match and int(match[1]) > 15:
            raise Refused("I12", f"a register has no bit {match[1]}", "bits count from 0 to 15")
        if named not in ("bool", "uint16", "int16"):
            raise Refused("I12", f"a single bit cannot be a {named}", "check type and address")
        return match[1] if match else str(cited.bit)

    def _order(self, row: int, named: str) -> str:
        text = self._lookup.text(row, "order")
        try:
            spelled = types.value_type(self._lookup.text(row, "type")).order
        except Refused:
            spelled = ""
        try:
            with self._lookup.reading("order"):
                order = types.order(text) if text else spelled or self._options.order
        except Refused:
            if not self._options.order:
                raise
            order = self._options.order
        # What is no wider than a register has no order of registers.
        has_order = types.Named(named).bits > 16 or (order in ("BADC", "DCBA") and named != "bool")
        return order if has_order else ""


_DIGITS: dict[Table, int] = {"coil": 0, "discrete": 1, "input": 3, "holding": 4}
_TABLES: dict[int, Table] = {digit: table for table, digit in _DIGITS.items()}


def _numbered(cited: Cited, table: Table | None) -> tuple[int, Table]:
    """Number and table of a register that is counted as in manuals: 40001, 400001, or 1 of the holding table."""
    number = cited.first
    size = 10_000 if number < 100_000 else 100_000
    digit, register = divmod(number, size)
    if digit and digit in _TABLES and 0 < register <= 65536:
        own = _TABLES[digit]
        if table is not None and table != own:
            text = f"{number} is a number of the {own} table, but the list says {table}"
            raise Refused("I13", text, "check both; for offsets choose --numbering offset")
        return number, own
    if not number or number > 65536:
        hint = "numbers begin at 1; for offsets choose --numbering offset"
        raise Refused("I06", f"{number} is not the number of a register", hint)
    table = "coil" if table is None and cited.padded else table
    if table is None:
        hint = "choose one with --table, or choose --numbering offset"
        raise Refused("I13", f"{number} does not say in which table it is", hint)
    size = 10_000 if number < 10_000 else 100_000
    return _DIGITS[table] * size + number, table
