"""The cells of a CSV or XLSX file as texts, each with its place in the words of a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.mapping.diagnostics import Place, did_you_mean
from gateway.values import quote

SIZE_LIMIT = 20_000_000
"""Bytes of a file."""
ROW_LIMIT = 100_000
COLUMN_LIMIT = 1_000
TEXT_LIMIT = 50_000_000
"""Characters of all cells: a cell text can be small in an XLSX file and stand in a hundred thousand cells."""


class Refused(Exception):
    """Something in a list cannot be taken for what it should be; said in the words of the message catalogue."""

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.hint = hint
        self.column: int | None = None
        """Where it stands, once that is known."""


@dataclass(frozen=True)
class Merge:
    """Cells that were merged into one; all four are counted from 0 and included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """One sheet, or a whole CSV file."""

    file: str
    name: str
    """Empty for a CSV file."""
    rows: Sequence[Sequence[str]]
    """Texts without blanks at their ends; rows differ in length."""
    merges: Sequence[Merge] = ()
    hidden: bool = False

    def place(self, row: int | None = None, column: int = 0) -> Place:
        """Of a cell (both counted from 0), or of the whole sheet: ``registers.xlsx!Sheet1!D12``."""
        whole = f"{self.file}!{self.name}" if self.name else self.file
        return Place(whole if row is None else f"{whole}!{letters(column)}{row + 1}", 0, 0)

    def text(self, row: int, column: int | None) -> str:
        """The text of a cell; empty beyond the end, and for no column."""
        cells = self.rows[row] if row < len(self.rows) else ()
        return cells[column] if column is not None and column < len(cells) else ""


def letters(column: int) -> str:
    """The name of a column that is counted from 0: A, B, ..., Z, AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def column_number(name: str) -> int:
    """The column, counted from 0, that has this name."""
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


_OTHER_FORMATS = {
    ".xls": "open it in a spreadsheet program and save it as .xlsx or .csv",
    ".xlsb": "open it in a spreadsheet program and save it as .xlsx or .csv",
    ".ods": "open it in a spreadsheet program and save it as .xlsx or .csv",
    ".pdf": "copy the table into a spreadsheet and save that as .xlsx or .csv",
    ".docx": "copy the table into a spreadsheet and save that as .xlsx or .csv",
}


def read(path: Path) -> list[Sheet]:
    """All sheets of a file. Raises Refused (I04) with what is wrong with the file."""
    data = _data(path)
    if path.suffix.lower() in _OTHER_FORMATS:
        raise Refused("I04", f"{path.suffix} files cannot be read", _OTHER_FORMATS[path.suffix.lower()])
    # The first bytes say more than the ending: every XLSX is a ZIP file, every old XLS begins as the second.
    if data.startswith(b"PK\x03\x04"):
        # The library takes a while to load, and most imports are of CSV files.
        from gateway.mapping.importers.workbook import sheets  # noqa: PLC0415

        return sheets(path.name, data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("I04", "this is an old .xls file, or one with a password", _OTHER_FORMATS[".xls"])
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        raise Refused("I04", "this is no .xlsx file: it is damaged, or only its name ends so", "save it again")
    return [Sheet(path.name, "", _csv(data))]


def _data(path: Path) -> bytes:
    if path.is_dir():
        raise Refused("I04", "this is a folder", "name the register list in it, an .xlsx or .csv file")
    if not path.is_file():
        raise Refused("I04", "there is no such file")
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise Refused(
            "I04", f"this file cannot be read: {error.strerror}", "check its owner and permissions"
        ) from error
    if len(data) > SIZE_LIMIT:
        raise Refused("I04", f"this file is larger than {SIZE_LIMIT // 1_000_000} MB", "delete what is no register")
    return data


class Gathering:
    """Takes the rows of one sheet after the other as long as they are within the limits, and cleans their texts."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []
        self._room = TEXT_LIMIT

    def begin(self) -> None:
        """Begin with the next sheet."""
        self.rows = []

    def add(self, cells: Iterable[str]) -> None:
        """One more row. Raises Refused (I04) where that is one too many."""
        row = tuple(clean(cell) for cell in cells)
        while row and not row[-1]:
            row = row[:-1]
        self._room -= sum(len(cell) for cell in row)
        if len(row) > COLUMN_LIMIT:
            text = f"row {len(self.rows) + 1} has more than {COLUMN_LIMIT:,} columns"
            raise Refused("I04", text, "delete what is no register; for CSV check the delimiter")
        if self._room < 0:
            raise Refused("I04", f"the cells hold more than {TEXT_LIMIT // 1_000_000} million characters", "split it")
        if len(self.rows) < ROW_LIMIT:
            self.rows.append(row)
        elif row:
            # Programs leave a million empty rows behind; those are no reason to refuse a file.
            raise Refused("I04", f"there are more than {ROW_LIMIT:,} rows", "split the file")


_SPACE = re.compile("[\t\x0b\x0c\xa0\u2000-\u200a\u202f\u3000 ]+")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u2060\ufeff\ufffe\uffff\ud800-\udfff]")


def clean(text: str) -> str:
    """A cell's text with one kind of blank and line end, and without characters that nobody sees."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _INVISIBLE.sub("", text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n"))
    lines = [_SPACE.sub(" ", line).strip() for line in text.split("\n")]
    return "\n".join(lines).strip()


def _csv(data: bytes) -> list[tuple[str, ...]]:
    text = _decoded(data)
    first, _, rest = text.partition("\n")
    named = re.fullmatch(r'"?sep=(.)"?\r?', first, re.IGNORECASE)
    delimiter = named[1] if named else _delimiter(text)
    gathering = Gathering()
    reader = csv.reader(io.StringIO(rest if named else text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            gathering.add(cells)
    except csv.Error as error:
        number = len(gathering.rows) + 1
        what = f"row {number} (near line {reader.line_num}) is no valid CSV: {error}"
        raise Refused(
            "I04", what, 'a text with a " in it is written "like ""this"""; every quote must be closed'
        ) from error
    return gathering.rows


def _decoded(data: bytes) -> str:
    """The text in UTF-8 or UTF-16, else in what Windows writes in western Europe."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Five bytes have no meaning in cp1252; they are no reason to refuse the rest.
        return data.decode("cp1252", errors="replace")


_DELIMITERS = (";", "\t", ",", "|")


def _delimiter(text: str) -> str:
    """The delimiter with which the most rows have the same and the most columns."""
    return max(_DELIMITERS, key=lambda delimiter: _regularity(text[:200_000], delimiter))


def _regularity(text: str, delimiter: str) -> float:
    counts: Counter[int] = Counter()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader):
            if number == 500:
                break
            counts[len(cells)] += bool(cells)
    except csv.Error:
        return 0
    columns, rows = max(counts.items(), key=lambda item: (item[1] * (item[0] - 1), item[0]), default=(1, 0))
    return rows / max(counts.total(), 1) * (columns - 1)


def chosen(sheets: Sequence[Sheet], wanted: str, say: Callable[[Place, str, str, str], None]) -> list[Sheet]:
    """The sheet of this name, or all that are not hidden; what is left out is said. Raises Refused (I16)."""
    if wanted:
        found = [sheet for sheet in sheets if sheet.name.casefold() == wanted.casefold()]
        if not found:
            names = [sheet.name for sheet in sheets if sheet.name]
            all_names = ", ".join(names) or "a CSV file has none"
            hint = did_you_mean(wanted, names, otherwise=f"the sheets: {all_names}")
            raise Refused("I16", f"there is no sheet {quote(wanted)}", hint)
        return found
    for sheet in sheets:
        if sheet.hidden:
            say(sheet.place(), "I18", "this sheet is hidden; left out", f'to import it, add --sheet "{sheet.name}"')
    return [sheet for sheet in sheets if not sheet.hidden]
