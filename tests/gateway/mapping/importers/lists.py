"""Register lists as manuals print them, and what an import of them says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from gateway.mapping.draft import Imported, Setting
from gateway.mapping.importers.registers import Options
from gateway.mapping.writer import write_profile


def xlsx(path: Path, *sheets: tuple[str, Sequence[Sequence[Any]], Sequence[str]]) -> Path:
    """A workbook of sheets with their name, rows and merged cells."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows, merges in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for merge in merges:
            sheet.merge_cells(merge)
    book.save(path)
    return path


def csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A CSV file."""
    path.write_bytes(text.encode(encoding))
    return path


def options(**changes: Any) -> Options:
    """For a profile "acme"."""
    return Options(**{"profile": "acme", **changes})


def points(found: Imported) -> str:
    """The lines from ``defaults:`` on of the only profile."""
    (draft,) = found.profiles
    text = write_profile(draft)
    return text[text.index("defaults:") :]


def said(found: Imported) -> list[str]:
    """Place, code and sentence of all messages, without hints."""
    return [f"{one.file} {one.severity} {one.code}: {one.text}" for one in found.found]


def point_rows(found: Imported) -> dict[int, tuple[str, dict[str, Setting]]]:
    """Name and settings of each point, defaults included, by the row that its note names."""
    rows = {}
    for draft in found.profiles:
        for point in draft.points:
            settings = {**draft.defaults, **point.settings}
            cell = re.match(r"[^!]*!(?:[^!]*!)?[A-Z]+([0-9]+)", str(settings.pop("note")))
            assert cell is not None
            rows[int(cell[1])] = (point.name, settings)
    return rows


def named_rows(found: Imported, *severities: str) -> set[int]:
    """The rows below the headings that a message names."""
    wanted = severities or ("error", "warning")
    places = (one.file for one in found.found if "!" in one.file and one.severity in wanted)
    return {int(place.rsplit("!", 1)[1][1:]) for place in places} - {1}
