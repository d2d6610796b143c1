"""The heading is found where it stands, in the words of any maker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.mapping.importers.columns import (
    Layout,
    check_named,
    column_named,
    layouts,
    named_by_content,
    role,
    typed_by_content,
)
from gateway.mapping.importers.table import Merge, Refused, Sheet, letters

HEADINGS = {
    "address": "Address, Register, Register address, Modbus address, Adresse, Registeradresse, "
    "Startadresse, Start Address, Adresse (dez), Dirección, Registro, Indirizzo, Osoite, Adress, "
    "Offset, Reg., Register No., Dec, Parameter Address",
    "address_hex": "Address (hex), Adresse hex, Hex, Register [hex], HEX address",
    "end": "End address, Last register, bis Adresse",
    "name": "Name, Parameter, Bezeichnung, Register name, Signal, Variable, Tag, Nom, Nombre, Nome, Nimi, Namn, "
    "Messgröße, Libellé, Data point, Benennung",
    "description": "Description, Beschreibung, Bedeutung, Descripción, Descrizione, Beskrivning, Kuvaus, "
    "Function, Funktion",
    "type": "Type, Data type, Datentyp, Format, Typ, Tipo, Data format, Type de donnée, Tietotyyppi, Datatyp, "
    "Tipo de dato, Variable type",
    "unit": "Unit, Units, Einheit, Unité, Unidad, Unità, Enhet, Yksikkö, UoM, Engineering unit",
    "scale": "Scale, Scale factor, Scalefactor, Factor, Faktor, Gain, Resolution, Auflösung, Skalierung, Scaling, "
    "Facteur d'échelle, Escala, Fattore, Kerroin, Scale/Unit",
    "divide": "Divisor, Divide by, Teiler, Diviseur, Scale divisor",
    "multiply": "Multiplier, Multiply by, Multiplikator",
    "access": "Access, R/W, RW, Zugriff, Accès, Acceso, Read/Write, Access type",
    "table": "Function code, FC, Funktionscode, Register type, Registertyp, Object type, Code fonction, "
    "Modbus function",
    "length": "Length, Size, Number of registers, Count, Anzahl Register, Länge, Words, Qty, Size (bytes), "
    "Longueur, Antal",
    "order": "Byte order, Word order, Endianness, Wortreihenfolge",
    "min": "Min, Minimum, Min. value",
    "max": "Max, Maximum, Max value",
    "values": "Range, Values, Value range, Wertebereich, Enum, Min/Max, Valid values, Codes, Rango",
    "remark": "Remark, Remarks, Comment, Notes, Bemerkung, Kommentar, Hinweis, Remarques",
    "bit": "Bit, Bit no., Bits",
    "": "Unit ID, Slave address, Default, Page, No., Foo",
}


@pytest.mark.parametrize(
    ("wanted", "heading"), [(name, text) for name, texts in HEADINGS.items() for text in texts.split(", ")]
)
def test_headings_of_many_languages(wanted: str, heading: str) -> None:
    assert role(heading) == wanted


def test_a_long_text_is_no_heading() -> None:
    assert role("The address of a register is counted from 0 and the type of every value is " + "x" * 30) == ""


def sheet(*rows: Sequence[Any], merges: Sequence[Merge] = ()) -> Sheet:
    texts = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    return Sheet("a.xlsx", "S", texts, merges)


def found(layout: Layout) -> Mapping[str, str]:
    return {name: "".join(letters(column) for column in columns) for name, columns in layout.columns.items()}


def test_the_heading_stands_below_titles() -> None:
    (layout,) = layouts(
        sheet(["Register map of type X"], [], ["Rev", "3"], ["Address", "Name", "Type"], [1, "x", "U16"]), {}
    )
    assert (layout.heading, list(layout.rows)) == (3, [4])
    assert found(layout) == {"address": "A", "name": "B", "type": "C"}


def test_two_rows_are_one_heading() -> None:
    (layout,) = layouts(
        sheet(
            ["Address", None, "Parameter", "Data", None],
            ["dec", "hex", None, "type", "registers"],
            [1, "0001", "x", "U16", 1],
            merges=[Merge(0, 0, 0, 1), Merge(0, 3, 0, 4), Merge(0, 2, 1, 2)],
        ),
        {},
    )
    assert layout.heading == 1
    assert found(layout) == {"address": "A", "address_hex": "B", "name": "C", "type": "D", "length": "E"}


def test_a_title_above_does_not_join_the_heading() -> None:
    (layout,) = layouts(sheet(["Input Registers (FC04)"], ["Address", "Name", "Type"], [1, "x", "U16"]), {})
    assert (layout.heading, layout.above()) == (1, "Input Registers (FC04)")


def test_an_offset_beside_an_address_is_that_of_the_value() -> None:
    (layout,) = layouts(sheet(["Address", "Offset", "Name"], [1, -40, "x"]), {})
    assert found(layout) == {"address": "A", "offset": "B", "name": "C"}
    (layout,) = layouts(sheet(["Offset", "Name"], [1, "x"]), {})
    assert found(layout) == {"address": "A", "name": "B"}


def test_a_description_is_the_name_where_there_is_no_other() -> None:
    (layout,) = layouts(sheet(["Address", "Description"], [1, "x"]), {})
    assert found(layout) == {"address": "A", "name": "B"}


def test_the_list_goes_on_under_another_heading() -> None:
    first, second = layouts(
        sheet(["Address", "Name", "Type"], [1, "x", "U16"], [], ["Name", "Address", "Type"], ["y", 2, "U16"]), {}
    )
    assert (found(first), list(first.rows)) == ({"address": "A", "name": "B", "type": "C"}, [1, 2])
    assert (found(second), list(second.rows)) == ({"name": "A", "address": "B", "type": "C"}, [4])


def test_a_register_that_is_called_address_is_no_heading() -> None:
    (layout,) = layouts(sheet(["Address", "Name", "Type"], [1, "Modbus address", "U16"], [2, "Unit", "Format"]), {})
    assert list(layout.rows) == [1, 2]


def test_columns_that_the_caller_names_win() -> None:
    rows = sheet(["Address", "Real address", "What"], [1, 2, "x"])
    (layout,) = layouts(rows, {"address": "B", "name": "What"})
    assert found(layout) == {"address": "B", "name": "C"}


def test_a_list_without_a_heading_needs_its_columns_named() -> None:
    rows = sheet(["a", "m", 1], ["b", "V", 2])
    assert layouts(rows, {}) == []
    (layout,) = layouts(rows, {"address": "C", "name": "A"})
    assert (layout.heading, list(layout.rows), found(layout)) == (-1, [0, 1], {"address": "C", "name": "A"})


def test_a_column_is_named_by_letter_or_heading() -> None:
    rows = sheet(["Address", "Group", "Name"], [1, "g", "x"])
    (layout,) = layouts(rows, {})
    assert (column_named(rows, layout, "B"), column_named(rows, layout, "group")) == (1, 1)
    with pytest.raises(Refused, match="I16") as caught:
        column_named(rows, layout, "Grupp")
    assert caught.value.hint == 'did you mean "Group"?'


def test_a_register_type_can_be_a_type() -> None:
    rows = sheet(["Address", "Register type"], [1, "uint16"], [2, "reserved[2]"], [3, "float32"])
    (layout,) = layouts(rows, {})
    assert found(typed_by_content(layout, lambda text: text != "input")) == {"address": "A", "type": "B"}
    rows = sheet(["Address", "Register type"], [1, "input"], [2, "holding"])
    (layout,) = layouts(rows, {})
    assert found(typed_by_content(layout, lambda text: False)) == {"address": "A", "table": "B"}


def test_a_size_can_be_a_length_or_a_name() -> None:
    (layout,) = layouts(sheet(["Adresse", "Größe"], [1, "Strom"], [2, "Spannung"]), {})
    assert found(named_by_content(layout)) == {"address": "A", "name": "B"}
    (layout,) = layouts(sheet(["Adresse", "Größe"], [1, "2"], [3, "4 Byte"]), {})
    assert found(named_by_content(layout)) == {"address": "A", "length": "B"}


def test_columns_that_nobody_knows_are_found_by_their_texts() -> None:
    (layout,) = layouts(sheet(["Foo", "Address", "Bar", "Type"], ["", 1, "x", "U16"], ["y", 2, "z", "U16"]), {})
    assert layout.unknown() == [2, 0]


def test_a_column_that_is_in_no_sheet_is_refused() -> None:
    sheets = [sheet(["Adresse", "Name"], [1, "x"]), sheet(["a", "b", "c"])]
    check_named(sheets, ["C", "adresse", "Name"])
    with pytest.raises(Refused) as caught:
        check_named(sheets, ["Adrese"])
    assert (caught.value.text, caught.value.hint) == ('there is no column "Adrese"', 'did you mean "Adresse"?')
    with pytest.raises(Refused) as caught:
        check_named(sheets, ["D"])
    assert (caught.value.text, caught.value.hint) == ("there is no column D", "the last one is C")
