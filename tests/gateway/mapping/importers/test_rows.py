"""A row becomes a point with the right address and type, or says why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.mapping.diagnostics import Report
from gateway.mapping.importers.columns import layouts
from gateway.mapping.importers.lookup import Lookup
from gateway.mapping.importers.rows import Numbering, Row, RowReader
from gateway.mapping.importers.table import Merge, Sheet
from tests.gateway.mapping.importers.lists import options

HEADINGS = ("Address", "Name", "Type")


def read(
    *rows: Sequence[Any],
    headings: Sequence[str] = HEADINGS,
    numbering: Numbering = "offset",
    merges: Sequence[Merge] = (),
    name: str = "S",
    **changes: Any,
) -> tuple[list[Row | None], list[str]]:
    """What became of the rows, and cell, code and sentence of each message."""
    texts = [tuple("" if cell is None else str(cell) for cell in row) for row in (headings, *rows)]
    report = Report()
    (layout,) = layouts(Sheet("a.xlsx", name, texts, merges), {})
    reader = RowReader(Lookup(layout, report), options(**changes), numbering)
    found = [reader.read(row) for row in layout.rows]
    return found, [f"{one.file.rsplit('!', 1)[1]} {one.code} {one.text}" for one in report.sorted()]


def settings(*row: Any, **changes: Any) -> dict[str, Any]:
    (found,), said = read(row, **changes)
    assert said == []
    assert found is not None
    return dict(found.settings)


def said(*row: Any, **changes: Any) -> str:
    (found,), messages = read(row, **changes)
    assert found is None
    (message,) = messages
    return message


def test_a_row_is_a_point() -> None:
    (found,), messages = read(("0x0010", "Voltage [V]", "U32"))
    assert messages == []
    assert found is not None
    assert found.settings == {"at": "0x0010", "table": "holding", "type": "uint32", "unit": "V"}
    assert (found.label, found.at, found.table, found.width, found.row, found.column) == (
        "Voltage",
        16,
        "holding",
        2,
        1,
        0,
    )


def test_offsets_are_written_as_they_stand() -> None:
    assert settings("0010", "x", "U16")["at"] == "10"
    assert settings("10h", "x", "U16")["at"] == "0x0010"
    assert said("70000", "x", "U16") == "A2 I06 70000 is outside 0..65535"
    assert said("65535", "x", "U32") == "A2 I06 2 registers from 65535 on do not fit into 0..65535"


@pytest.mark.parametrize(
    ("cell", "at", "table"),
    [
        *[("40001", "40001", "holding"), ("30012", "30012", "input"), ("10005", "10005", "discrete")],
        *[("400001", "400001", "holding"), ("365536", "365536", "input"), ("4x0002", "40002", "holding")],
        *[("0x9C41", "40001", "holding"), ("00012", "00012", "coil")],
    ],
)
def test_numbers_name_their_table(cell: str, at: str, table: str) -> None:
    found = settings(cell, "x", "bool", numbering="number")
    assert (found["at"], found["table"]) == (at, table)


@pytest.mark.parametrize(
    ("table", "at"), [("holding", "40007"), ("input", "30007"), ("discrete", "10007"), ("coil", "00007")]
)
def test_numbers_from_1_of_a_table(table: str, at: str) -> None:
    assert settings("7", "x", "bool", numbering="number", table=table)["at"] == at


def test_numbers_above_9999_take_six_digits() -> None:
    assert settings("20000", "x", "U16", numbering="number", table="holding")["at"] == "420000"


def test_numbers_that_are_none_are_refused() -> None:
    assert said("0", "x", "U16", numbering="number", table="input") == "A2 I06 0 is not the number of a register"
    assert said("7", "x", "U16", numbering="number") == "A2 I13 7 does not say in which table it is"
    wrong = "A2 I13 30001 is a number of the input table, but the list says holding"
    assert said("30001", "x", "U16", numbering="number", table="holding") == wrong


def test_a_column_or_a_title_says_the_table() -> None:
    headings = ("Address", "Function code", "Type")
    assert settings("5", "04", "U16", headings=headings)["table"] == "input"
    assert settings("5", "", "U16", headings=headings, table="input")["table"] == "input"
    assert settings("5", "x", "U16", name="Input registers")["table"] == "input"
    assert settings("5", "01", "", headings=headings) == {"at": "5", "table": "coil", "type": "bool"}
    assert said("5", "9", "U16", headings=headings) == 'B2 I13 "9" is not a table of registers'


def test_a_title_between_the_rows_says_the_table() -> None:
    found, messages = read(("1", "a", "U16"), ("Input registers (FC 04)",), ("1", "b", "U16"))
    assert [row.table for row in found if row] == ["holding", "input"]
    assert messages == [
        'A3 I15 "Input registers (FC 04)" has no address; taken as a heading: what follows is in the input table'
    ]


def test_reserved_registers_are_skipped() -> None:
    assert said("122-129", "Reserved", "") == 'A2 I02 "122-129" is a range; skipped as reserved'
    assert said("122-129", "", "") == 'A2 I02 "122-129" is a range; skipped as reserved'
    assert said("5", "x", "reserved[3]") == 'A2 I02 "reserved[3]"; skipped as reserved'
    assert said("5", "nicht belegt", "U16") == 'A2 I02 "nicht belegt"; skipped as reserved'
    assert said("1", "9", "Reserved", headings=("Start address", "End address", "Name")) == (
        'A2 I02 "1-9" is a range; skipped as reserved'
    )


def test_a_range_that_fits_the_type_is_where_it_starts() -> None:
    assert settings("40001-40002", "x", "float32")["at"] == "40001"
    assert settings("10/11", "x", "unsigned") == {"at": "10", "table": "holding", "type": "uint32"}
    assert settings("10-13", "x", "ASCII") == {"at": "10", "table": "holding", "type": "string", "length": "4"}
    longer = 'A2 I02 "10-19" is a range, longer than one uint16; skipped as reserved'
    assert said("10-19", "x", "uint16") == longer
    assert said("10-11", "x", "uint64") == "C2 I12 a uint64 takes 4 registers, but here are 2"


def test_a_bit_in_the_column_of_types_is_a_bit_of_the_register() -> None:
    assert settings("5", "x", "Bit 0") == {"at": "5", "table": "holding", "type": "bool", "bits": "0"}
    assert settings("5", "x", "bits 3-5") == {"at": "5", "table": "holding", "type": "uint16", "bits": "3..5"}
    assert settings("5", "x", "Bit 1", table="coil") == {"at": "5", "table": "coil", "type": "bool"}
    assert said("5", "x", "Bit 16") == "A2 I12 a register has no bit 16"
    found, messages = read(("5", "x", "Bit 0"), ("", "y", "Bit 1"))
    assert messages == []
    assert [row.settings["bits"] for row in found if row] == ["0", "1"]


def test_an_energy_counter_is_one() -> None:
    assert settings("5", "Zählerstand [kWh]", "U32")["kind"] == "counter"
    assert "kind" not in settings("5", "Energie [kWh]", "U32")


def test_rows_that_wait_for_a_word_of_the_call_are_counted() -> None:
    report = Report()
    texts = [("Address", "Name", "Type", "Scale"), ("1", "a", "U16", "10"), ("2", "b", "U16", "1")]
    (layout,) = layouts(Sheet("a.csv", "", texts), {})
    reader = RowReader(Lookup(layout, report), options(), "offset")
    assert [bool(reader.read(row)) for row in layout.rows] == [False, True]
    assert (reader.undecided, report.errors) == (1, 0)


def test_types_that_cannot_be_are_refused() -> None:
    assert said("5", "x", "in16") == 'C2 I01 "in16" is not a type'
    assert said("5", "x", "") == 'C2 I01 "x" has no type'
    assert said("5", "x", "INT") == 'C2 I12 "int" does not say how wide it is'
    assert settings("5", "x", "", type="int16")["type"] == "int16"


def test_the_number_of_registers_says_the_width() -> None:
    headings = ("Address", "Count", "Type")
    assert settings("5", "2", "unsigned", headings=headings)["type"] == "uint32"
    assert settings("5", "4", "float", headings=headings)["type"] == "float64"
    assert settings("5", "8", "string", headings=headings)["length"] == "8"
    rows, messages = read(("5", "2", "uint16"), ("6", "2", "int32"), headings=headings)
    assert messages == ["B2 I12 a uint16 takes 1 register, but the length says 2; the type counts"]
    assert all(rows)


def test_a_length_in_bytes_is_known_by_its_heading_or_by_the_types() -> None:
    headings = ("Address", "Size (bytes)", "Type")
    assert settings("5", "4", "unsigned", headings=headings)["type"] == "uint32"
    rows, messages = read(
        ("1", "2", "int16"), ("2", "4", "unsigned"), ("4", "8", "ASCII"), headings=("Address", "Size", "Type")
    )
    assert messages == []
    assert [dict(row.settings) for row in rows if row][1:] == [
        {"at": "2", "table": "holding", "type": "uint32"},
        {"at": "4", "table": "holding", "type": "string", "length": "4"},
    ]


def test_what_a_string_counts_is_asked() -> None:
    assert said("5", "x", "STRING(16)") == "C2 I12 16 can be characters or registers"
    assert settings("5", "x", "STRING(16)", strings="characters")["length"] == "8"
    assert settings("5", "x", "STRING(16)", strings="registers")["length"] == "16"
    assert settings("5", "x", "STRING(5)", strings="characters")["length"] == "3"
    assert said("5", "x", "STRING") == "C2 I12 a string needs a length"


def test_single_bits_are_bools() -> None:
    assert settings("40001.3", "x", "") == {"at": "40001", "table": "holding", "type": "bool", "bits": "3"}
    assert settings("40001.3", "x", "bit")["type"] == "bool"
    assert settings("40001.3", "x", "uint16")["type"] == "bool"
    assert said("40001.3", "x", "float32") == "A2 I12 a single bit cannot be a float32"


def test_fields_of_bits_are_numbers() -> None:
    headings = ("Address", "Bit", "Type")
    expected = {"at": "5", "table": "holding", "type": "uint16", "bits": "4..7"}
    assert settings("5", "4-7", "", headings=headings, type="float32") == expected
    assert settings("5", "7..4", "WORD", headings=headings) == expected
    assert said("5", "4-16", "WORD", headings=headings) == "A2 I12 bits 4 to 16 do not fit into uint16"
    assert said("5", "4-7", "float32", headings=headings) == "A2 I12 bits 4 to 7 do not fit into float32"


def test_a_column_of_bits_belongs_to_the_address_above() -> None:
    rows, messages = read(
        ("100", "Alarms", "WORD", "0", "Overload"),
        ("", "", "", "1", "Door"),
        ("", "", "", "2-3", "Level"),
        headings=("Address", "Name", "Type", "Bit", "Description"),
        merges=[Merge(1, 1, 3, 1), Merge(1, 2, 3, 2)],
    )
    assert messages == []
    assert [(row.label, row.settings["at"], row.settings["type"], row.settings["bits"]) for row in rows if row] == [
        ("Alarms Overload", "100", "bool", "0"),
        ("Alarms Door", "100", "bool", "1"),
        ("Alarms Level", "100", "uint16", "2..3"),
    ]


def test_the_second_register_of_a_value_is_no_point() -> None:
    rows, messages = read(
        *[("10", "Energy", "U32"), ("11", "", ""), ("12", "Power", "U16")],
        merges=[Merge(1, 1, 2, 1), Merge(1, 2, 2, 2)],
    )
    assert [row.label for row in rows if row] == ["Energy", "Power"]
    assert messages == ['A3 I02 11 belongs to "Energy"; no point of its own']


def test_orders_stand_where_they_mean_something() -> None:
    headings = ("Address", "Type", "Word order")
    assert settings("1", "float32", "low word first", headings=headings)["order"] == "CDAB"
    assert "order" not in settings("1", "uint16", "low word first", headings=headings)
    assert settings("1", "uint16", "byte swap", headings=headings)["order"] == "BADC"
    assert settings("1", "x", "float32 (CDAB)")["order"] == "CDAB"
    assert settings("1", "x", "float32", order="CDAB")["order"] == "CDAB"
    assert said("1", "int32", "little endian", headings=headings).startswith('C2 I14 "little endian" does not say')
    assert settings("1", "int32", "little endian", headings=headings, order="DCBA")["order"] == "DCBA"


def test_a_row_without_an_address_is_named() -> None:
    assert said("", "Power", "U16") == 'A2 I06 "Power" has no address'
    assert said("see page 4", "Power", "U16") == 'A2 I06 "see page 4" is not an address'
    assert said("", "Energy values", "") == 'B2 I15 "Energy values" has no address; taken as a heading or a remark'
    assert said("* option", "", "") == 'A2 I15 "* option" has no address; taken as a heading or a remark'
    assert said("Address", "Type", headings=("Address", "Type")) == "A2 I15 the headings again; no register"


def test_who_may_write_is_remarked_and_no_more() -> None:
    headings = ("Address", "Type", "Access")
    for access, expected in (("R/W", ("access R/W",)), ("RO", ()), ("L/E", ("access L/E",)), ("read", ())):
        (found,), _ = read(("1", "U16", access), headings=headings)
        assert found is not None
        assert found.remarks == expected
        assert "write" not in found.settings
