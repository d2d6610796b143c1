"""Cells are found by what their column holds, merged ones too."""

from __future__ import annotations

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.importers.cells import Cited
from gateway.mapping.importers.columns import Layout
from gateway.mapping.importers.lookup import Lookup
from gateway.mapping.importers.table import Merge, Refused, Sheet


def lookup(report: Report | None = None) -> Lookup:
    rows = [
        ("Address", "Hex", "Name", "Scale", "Remark", "Remark"),
        ("1", "", "Energy", "0,1", "a", "b"),
        ("", "000A", "", "1,000", "", "c"),
        ("x", "", "Power"),
    ]
    sheet = Sheet("a.xlsx", "S", rows, [Merge(1, 2, 2, 2)])
    columns = {"address": [0], "address_hex": [1], "name": [2], "scale": [3], "remark": [4, 5]}
    return Lookup(Layout(sheet, 0, columns, [1, 2, 3]), Report() if report is None else report)


def test_a_merged_cell_stands_for_all_its_rows() -> None:
    found = lookup()
    assert (found.own(2, "name"), found.text(2, "name"), found.text_in(2, 2)) == ("", "Energy", "Energy")
    assert [found.continues(row, "name") for row in (1, 2, 3)] == [False, True, False]
    assert [found.shares(row, "name") for row in (1, 2, 3)] == [True, True, False]


def test_a_role_without_a_column_is_empty() -> None:
    found = lookup()
    assert (found.text(1, "unit"), found.own(1, "unit"), found.column("unit", 7)) == ("", "", 7)
    assert (found.continues(1, "unit"), found.shares(1, "unit")) == (True, False)


def test_all_columns_of_a_role_are_looked_at() -> None:
    assert [lookup().texts(row, "remark") for row in (1, 2, 3)] == [[(4, "a"), (5, "b")], [(5, "c")], []]


def test_the_address_comes_from_the_column_that_has_one() -> None:
    found = lookup()
    assert [found.address(row) for row in (1, 2, 3)] == [("1", 0, False), ("000A", 1, True), ("x", 0, False)]
    assert [found.cited(row) for row in (1, 2, 3)] == [Cited(1, 1), Cited(10, 10, hexadecimal=True), None]


def test_the_column_of_numbers_says_how_decimals_are_written() -> None:
    assert lookup().mark == ","


def test_what_is_refused_stands_in_the_column_that_is_being_read() -> None:
    report = Report()
    found = lookup(report)
    with pytest.raises(Refused) as caught, found.reading("scale"):
        raise Refused("I11", "bad", "write it")
    assert caught.value.column == 3
    with pytest.raises(Refused) as inner, found.reading("name"), found.reading("scale"):
        raise Refused("I11", "bad")
    assert inner.value.column == 3
    found.error(1, 3, caught.value)
    found.warn(2, 2, "I08", "again", "rename")
    assert [str(one) for one in report.sorted()] == [
        "a.xlsx!S!C3: warning I08: again\n    hint: rename",
        "a.xlsx!S!D2: error I11: bad\n    hint: write it",
    ]
