"""Cells of a workbook are what a person sees in them; a damaged or hostile file is refused."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from gateway.mapping.importers import workbook
from gateway.mapping.importers.table import Merge, Refused
from gateway.mapping.importers.workbook import sheets
from tests.gateway.mapping.importers.lists import xlsx


def rows(tmp_path: Path, *cells: object) -> list[tuple[str, ...]]:
    (sheet,) = sheets("a.xlsx", xlsx(tmp_path / "a.xlsx", ("S", [cells], [])).read_bytes())
    return [tuple(row) for row in sheet.rows]


def test_values_are_texts_as_they_are_seen(tmp_path: Path) -> None:
    (found,) = rows(tmp_path, 40001, 40001.0, 0.1, 0.1 + 0.2, 1e-5, " 007 ", True, None, date(2024, 1, 2), time(1, 2))
    assert found == ("40001", "40001", "0.1", "0.3", "1e-05", "007", "TRUE", "", "2024-01-02T00:00:00", "01:02:00")


def test_a_formula_gives_the_value_that_was_saved_with_it(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", ("S", [[1, "=A1*2"]], []))
    data = _changed(path, "xl/worksheets/sheet1.xml", lambda text: re.sub("<v ?/>|<v></v>", "<v>2</v>", text))
    assert sheets("a.xlsx", data)[0].rows == [("1", "2")]


def test_merged_cells_and_hidden_sheets_are_known(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].title = "Map"
    book.worksheets[0]["B2"] = "x"
    book.worksheets[0].merge_cells("B2:D3")
    book.create_sheet("Old").sheet_state = "hidden"
    file = io.BytesIO()
    book.save(file)
    shown, hidden = sheets("a.xlsx", file.getvalue())
    assert (shown.name, shown.hidden, shown.merges) == ("Map", False, [Merge(1, 1, 2, 3)])
    assert (hidden.name, hidden.hidden, list(hidden.rows)) == ("Old", True, [])


def test_a_wrong_size_in_the_file_hides_no_rows(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", ("S", [[1], [2], [3]], []))
    data = _changed(path, "xl/worksheets/sheet1.xml", lambda text: re.sub('ref="A1:A3"', 'ref="A1"', text))
    assert sheets("a.xlsx", data)[0].rows == [("1",), ("2",), ("3",)]


def test_a_cell_far_below_costs_nothing(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", ("S", [[1], [2]], []))
    far = _changed(path, "xl/worksheets/sheet1.xml", lambda text: re.sub('r="(A?)2"', r'r="\g<1>900000000"', text))
    assert [row for row in sheets("a.xlsx", far)[0].rows if row] == [("1",)]


def test_a_file_that_unpacks_to_gigabytes_is_refused_before(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(workbook.UNPACKED_LIMIT + 1))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(Refused, match="unpacks to 100 MB") as caught:
        sheets("bomb.xlsx", path.read_bytes())
    assert caught.value.code == "I04"


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "xxxxxxxxxx">{entities}]>'
    path = xlsx(tmp_path / "a.xlsx", ("S", [["text"]], []))
    data = _changed(path, "xl/worksheets/sheet1.xml", lambda text: bomb + text.replace("text", "&e11;"))
    with pytest.raises(Refused, match="damaged"):
        sheets("a.xlsx", data)


def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = xlsx(tmp_path / "a.xlsx", ("S", [["Address", "Name"], [1, "x"]], ["A1:A2"])).read_bytes()
    chance = random.Random(7)
    read = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 30)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        data_ = bytes(broken[: chance.randint(200, len(broken))])
        with suppress(Refused):
            sheets("a.xlsx", data_)
            read += 1
    assert read < 50


def _changed(path: Path, part: str, change: Callable[[str], str]) -> bytes:
    """The workbook with one part changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(name, change(data.decode()) if name == part else data)
    return target.getvalue()
