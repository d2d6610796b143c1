"""A CSV file of any program gives its cells, and a file that cannot be read gives one sentence."""

from __future__ import annotations

import codecs
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.diagnostics import Place
from gateway.mapping.importers import table
from gateway.mapping.importers.table import Refused, Sheet, chosen, clean, column_number, letters, read
from tests.gateway.mapping.importers.lists import xlsx


def rows(path: Path, data: bytes | str, encoding: str = "utf-8") -> list[tuple[str, ...]]:
    file = path / "list.csv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    (sheet,) = read(file)
    assert (sheet.file, sheet.name) == ("list.csv", "")
    return [tuple(row) for row in sheet.rows]


def refused(path: Path) -> str:
    with pytest.raises(Refused) as caught:
        read(path)
    assert caught.value.code == "I04"
    return caught.value.text


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    lines = ["Adresse;Name;Typ", "1;Spannung;uint16", "2;Strom;uint16"]
    found = rows(tmp_path, "\n".join(lines).replace(";", delimiter))
    assert found == [("Adresse", "Name", "Typ"), ("1", "Spannung", "uint16"), ("2", "Strom", "uint16")]


def test_decimal_commas_are_no_delimiters(tmp_path: Path) -> None:
    assert rows(tmp_path, "A;B;C\n1;0,1;x\n2;0,01;y, z\n3;1;\n")[1:3] == [("1", "0,1", "x"), ("2", "0,01", "y, z")]


def test_codes_with_semicolons_are_no_columns(tmp_path: Path) -> None:
    assert rows(tmp_path, "a,0=Off;1=On;2=Bulk;3=Float,1\nb,V,2\n")[0] == ("a", "0=Off;1=On;2=Bulk;3=Float", "1")


def test_the_delimiter_that_a_spreadsheet_names_is_taken(tmp_path: Path) -> None:
    assert rows(tmp_path, "sep=|\r\na|b,c,d\r\ne|f,g,h\r\n") == [("a", "b,c,d"), ("e", "f,g,h")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    assert rows(tmp_path, "Größe;Einheit\nTemperatur;°C\n", encoding) == [("Größe", "Einheit"), ("Temperatur", "°C")]


def test_big_endian_utf_16_is_known_by_its_mark(tmp_path: Path) -> None:
    data = codecs.BOM_UTF16_BE + "a;ü\nb;c\n".encode("utf-16-be")
    assert rows(tmp_path, data) == [("a", "ü"), ("b", "c")]


def test_a_quoted_cell_holds_lines_and_delimiters(tmp_path: Path) -> None:
    found = rows(tmp_path, 'at;values\n1;"0=Off;\r\n1=On"\n2;"3"" pipe"\n')
    assert found == [("at", "values"), ("1", "0=Off;\n1=On"), ("2", '3" pipe')]


def test_an_inch_inside_a_cell_is_no_quote(tmp_path: Path) -> None:
    assert rows(tmp_path, 'at;name\n1;pipe 2"\n2;x\n')[1] == ("1", 'pipe 2"')


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('at;name\n1;"x\n2;y\n')
    assert refused(path).startswith("row 2 (near line 3) is no valid CSV")


def test_empty_rows_keep_their_numbers(tmp_path: Path) -> None:
    assert rows(tmp_path, "a;b\n\n;;\nc;d\n") == [("a", "b"), (), (), ("c", "d")]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  x  y ", "x y"),
        ("a\xa0b", "a b"),
        ("x\u200by\x00", "xy"),
        ("a \r\n b", "a\nb"),
        ("soft\xadhyphen", "softhyphen"),
    ],
)
def test_blanks_are_one_kind_and_what_nobody_sees_is_gone(cell: str, text: str) -> None:
    assert clean(cell) == text


@given(st.integers(0, 20_000))
def test_columns_have_names(column: int) -> None:
    assert column_number(letters(column)) == column


def test_columns_are_called_as_in_a_spreadsheet() -> None:
    assert [letters(column) for column in (0, 3, 25, 26, 701, 702)] == ["A", "D", "Z", "AA", "ZZ", "AAA"]
    assert Sheet("r.xlsx", "Sheet1", []).place(11, 3) == Place("r.xlsx!Sheet1!D12", 0, 0)
    assert Sheet("r.csv", "", []).place(11, 3) == Place("r.csv!D12", 0, 0)


@pytest.mark.parametrize("ending", ["xls", "ods", "pdf"])
def test_other_formats_are_refused_with_what_to_do(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"anything")
    with pytest.raises(Refused, match=f".{ending} files cannot be read") as caught:
        read(path)
    assert ".xlsx or .csv" in caught.value.hint


def test_the_first_bytes_say_more_than_the_ending(tmp_path: Path) -> None:
    book = xlsx(tmp_path / "a.xlsx", ("S", [["x"]], []))
    renamed = book.rename(tmp_path / "a.csv")
    assert [sheet.name for sheet in read(renamed)] == ["S"]
    old = tmp_path / "b.csv"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    assert "old .xls file" in refused(old)
    text = tmp_path / "c.xlsx"
    text.write_text("a;b")
    assert "no .xlsx file" in refused(text)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv") == "there is no such file"
    assert refused(tmp_path) == "this is a folder"


def test_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROW_LIMIT", 3)
    monkeypatch.setattr(table, "COLUMN_LIMIT", 3)
    monkeypatch.setattr(table, "TEXT_LIMIT", 30)
    monkeypatch.setattr(table, "SIZE_LIMIT", 100)
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" * 3 + ";\n" * 20)
    assert len(read(path)[0].rows) == 3
    path.write_text("a;b\n" * 4)
    assert refused(path) == "there are more than 3 rows"
    path.write_text("a;b\na;b;c;d\n")
    assert refused(path) == "row 2 has more than 3 columns"
    path.write_text("a;" + "b" * 40 + "\n")
    assert "million characters" in refused(path)
    path.write_text("a;b\n" * 26)
    assert "larger than" in refused(path)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert rows(tmp_path, b"") == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    with suppress(Refused):
        assert len(read(path)) == 1


def test_a_sheet_is_chosen_by_its_name_and_hidden_ones_are_named() -> None:
    said: list[str] = []
    sheets = [Sheet("a.xlsx", "Map", []), Sheet("a.xlsx", "Old", [], hidden=True)]
    assert chosen(sheets, "", lambda place, *words: said.append(f"{place.file} {words[0]}")) == sheets[:1]
    assert said == ["a.xlsx!Old I18"]
    assert chosen(sheets, "old", lambda *words: None) == sheets[1:]
    with pytest.raises(Refused, match='no sheet "Mapp"') as caught:
        chosen(sheets, "Mapp", lambda *words: None)
    assert caught.value.hint == 'did you mean "Map"?'


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    assert refused(path).startswith("this .xlsx file is damaged")
