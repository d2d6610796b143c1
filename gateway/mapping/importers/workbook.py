"""The sheets of an XLSX file: the values that its cells show, and which cells are merged."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from datetime import date, time
from itertools import islice
from typing import Any

import openpyxl

from gateway.mapping.importers.table import COLUMN_LIMIT, Gathering, Merge, Refused, Sheet, column_number

UNPACKED_LIMIT = 100_000_000
"""Bytes of all parts together; 100,000 rows of eight cells take half of it."""
_SHEET_LIMIT = 200
_LAST_ROW = 1_048_576
"""No sheet has more rows; a number in a damaged file may say so."""


def sheets(name: str, data: bytes) -> list[Sheet]:
    """All sheets of the workbook in ``data``, called ``name`` in messages. Raises Refused (I04)."""
    try:
        with warnings.catch_warnings():
            # What the library does not keep (styles, validations) is nothing that we want.
            warnings.simplefilter("ignore")
            return _sheets(name, data)
    except Refused:
        raise
    except Exception as error:  # On damaged files the library fails in all ways there are.
        hint = "open it in a spreadsheet program and save it again"
        raise Refused("I04", f"this .xlsx file is damaged ({type(error).__name__})", hint) from error


def _sheets(name: str, data: bytes) -> list[Sheet]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # No part can unpack to more than its entry says: reading ends there.
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > UNPACKED_LIMIT:
            text = f"this file unpacks to {unpacked / 1e6:,.0f} MB; the limit is {UNPACKED_LIMIT // 1_000_000} MB"
            raise Refused("I04", text, "copy the register list alone into a new file")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            if len(book.worksheets) > _SHEET_LIMIT:
                raise Refused("I04", f"there are more than {_SHEET_LIMIT} sheets", "delete what is no register list")
            gathering = Gathering()
            return [_sheet(name, sheet, archive, gathering) for sheet in book.worksheets]
        finally:
            book.close()


def _sheet(file: str, sheet: Any, archive: zipfile.ZipFile, gathering: Gathering) -> Sheet:
    # What a file says of its own size is often wrong, and then rows would be missing.
    sheet.reset_dimensions()
    gathering.begin()
    for values in islice(sheet.iter_rows(values_only=True), _LAST_ROW):
        gathering.add(_texts(values))
    # The library reads merged cells only together with the whole workbook in memory.
    merges = _merges(archive.read(sheet._worksheet_path))
    return Sheet(file, " ".join(sheet.title.split()), gathering.rows, merges, sheet.sheet_state != "visible")


def _texts(values: Sequence[Any]) -> list[str]:
    filled = [index for index, value in enumerate(values) if value is not None]
    return [_text(value) for value in values[: min(filled[-1], COLUMN_LIMIT) + 1]] if filled else []


def _text(value: Any) -> str:
    """What a person would type for this value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # A spreadsheet shows fifteen digits; the rest is what binary fractions add to 0.1 + 0.2.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')


def _merges(part: bytes) -> list[Merge]:
    return [
        Merge(int(top) - 1, column_number(left.decode()), int(bottom) - 1, column_number(right.decode()))
        for left, top, right, bottom in _MERGE.findall(part)
    ]
