"""Register lists in the shapes of real manuals become profiles, and every row that does not is named."""

from __future__ import annotations

import csv as csv_module
import io
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mapping.importers.registers import import_registers
from tests.gateway.mapping.importers.judged import imported
from tests.gateway.mapping.importers.lists import csv, named_rows, options, point_rows, points, said, xlsx

Rows: TypeAlias = list[list[object]]


# ---- workbooks in the shapes of manuals


def test_german_headings_below_titles_and_a_note_below(tmp_path: Path) -> None:
    rows: Rows = [
        ["Modbus-Registerliste PM 2200"],
        ["Stand 03/2024"],
        [],
        ["Registeradresse", "Bezeichnung", "Datentyp", "Auflösung", "Einheit", "Zugriff", "Bemerkung"],
        ["0x0000", "Spannung L1-N [V]", "unsigned 16 bit", "0,1", "V", "R", None],
        ["0x0001", "Wirkleistung gesamt", "signed 32 bit", "1", "W", "R", None],
        ["0x0003", "Übertemperatur", "UINT16", "1", "", "R", "0=Nein; 1=Ja"],
        ["0x0004", "Reserviert", "", "", "", "", ""],
        ["0x0005", "Sollwert", "INT16", "0,1", "°C", "R/W", "nur bei Option T"],
        [],
        ["Alle Werte Big-Endian"],
    ]
    path = xlsx(tmp_path / "pm.xlsx", ("Register", rows, ["A1:G1"]))
    found = imported(path, gain="multiply", numbering="offset", table="input")
    assert points(found) == (
        "defaults: {table: input, type: uint16}\n"
        "points:\n"
        "  spannung_l1_n:       {at: 0x0000, unit: V, scale: 0.1, note: pm.xlsx!Register!A5}\n"
        "  wirkleistung_gesamt: {at: 0x0001, type: int32, unit: W, note: pm.xlsx!Register!A6}\n"
        '  uebertemperatur:     {at: 0x0003, enum: {0: Nein, 1: Ja}, note: "pm.xlsx!Register!A7: Übertemperatur"}\n'
        "  sollwert: {at: 0x0005, type: int16, unit: degC, scale: 0.1, "
        "note: pm.xlsx!Register!A9; nur bei Option T; access R/W}\n"
    )
    assert said(found) == [
        'pm.xlsx!Register!A8 warning I02: "Reserviert"; skipped as reserved',
        'pm.xlsx!Register!A11 warning I15: "Alle Werte Big-Endian" has no address; taken as a heading or a remark',
    ]
    assert found.rows == 6


def test_two_lines_of_headings_with_merged_cells(tmp_path: Path) -> None:
    rows: Rows = [
        ["Address", None, "Parameter", "Data", None, "Unit"],
        ["dec", "hex", None, "type", "registers", None],
        [40001, "9C40", "Voltage", "FLOAT", 2, "V"],
        [40003, "9C42", "Current", "FLOAT", 2, "A"],
        ["40005-40012", "9C44", "Serial number", "ASCII", 8, None],
    ]
    path = xlsx(tmp_path / "m.xlsx", ("Map", rows, ["A1:B1", "D1:E1", "C1:C2", "F1:F2"]))
    found = imported(path)
    assert points(found) == (
        "defaults: {table: holding, type: float32}\n"
        "points:\n"
        "  voltage:       {at: 40001, unit: V, note: m.xlsx!Map!A3}\n"
        "  current:       {at: 40003, unit: A, note: m.xlsx!Map!A4}\n"
        "  serial_number: {at: 40005, type: string, length: 8, note: m.xlsx!Map!A5}\n"
    )
    assert found.profiles[0].head == {"numbering": "number"}
    assert said(found) == [
        "m.xlsx!Map!A3 warning I07: all addresses are between 40001 and 40005: taken as numbers, "
        "40001 is the first holding register"
    ]


def test_merged_section_rows_name_the_table(tmp_path: Path) -> None:
    rows: Rows = [
        ["Register", "Name", "Type", "Range", "Units"],
        ["Input Registers (function code 04)"],
        [1, "Speed", "INT16", "0..1500", "rpm"],
        [2, "State", "WORD", "0: Off, 1: On, 2: Fault", None],
        ["Holding Registers (function code 03/06)"],
        [1, "Setpoint", "INT16", "-10…50", "degC"],
        [2, "Mode", "WORD", "0 - Manual / 1 - Auto", ""],
    ]
    found = imported(xlsx(tmp_path / "d.xlsx", ("Sheet1", rows, ["A2:E2", "A5:E5"])), numbering="number")
    assert points(found) == (
        "defaults: {table: input, type: int16}\n"
        "points:\n"
        "  speed:    {at: 30001, unit: rpm, range: [0, 1500], note: d.xlsx!Sheet1!A3}\n"
        "  state:    {at: 30002, type: uint16, enum: {0: Off, 1: On, 2: Fault}, note: d.xlsx!Sheet1!A4}\n"
        "  setpoint: {at: 40001, table: holding, unit: degC, range: [-10, 50], note: d.xlsx!Sheet1!A6}\n"
        "  mode:     {at: 40002, table: holding, type: uint16, enum: {0: Manual, 1: Auto}, note: d.xlsx!Sheet1!A7}\n"
    )
    assert [line.split(" ")[:3] for line in said(found)] == [
        ["d.xlsx!Sheet1!A2", "warning", "I15:"],
        ["d.xlsx!Sheet1!A5", "warning", "I15:"],
    ]


def test_names_merged_over_registers_and_rows_of_bits(tmp_path: Path) -> None:
    rows: Rows = [
        ["Addr", "Signal", "Format", "Bit", "Description"],
        [100, "Energy", "UDINT", None, "low word"],
        [101, None, None, None, "high word"],
        [102, "Alarms", "WORD", 0, "Overload"],
        [None, None, None, 1, "Door open"],
        [None, None, None, "2-3", "Level"],
    ]
    path = xlsx(tmp_path / "b.xlsx", ("S", rows, ["B2:B3", "C2:C3", "A4:A6", "B4:B6", "C4:C6"]))
    found = imported(path, numbering="offset", table="holding")
    assert points(found) == (
        "defaults: {table: holding, type: bool}\n"
        "points:\n"
        "  energy:           {at: 100, type: uint32, note: b.xlsx!S!A2}\n"
        "  alarms_overload:  {at: 102, bits: 0, note: b.xlsx!S!A4}\n"
        "  alarms_door_open: {at: 102, bits: 1, note: b.xlsx!S!A5}\n"
        "  alarms_level:     {at: 102, type: uint16, bits: 2..3, note: b.xlsx!S!A6}\n"
    )
    assert said(found) == ['b.xlsx!S!A3 warning I02: 101 belongs to "Energy"; no point of its own']


def test_a_second_table_with_other_columns_and_a_page_break(tmp_path: Path) -> None:
    rows: Rows = [
        ["Address", "Name", "Type", "Unit"],
        ["0000h", "Flow", "float", "m3/h"],
        [],
        ["Table 2: counters"],
        ["Name", "Unit", "Address", "Type", "Multiplier"],
        ["Volume", "m3", "0010h", "uint32", "0,001"],
        ["Address", "Name", "Type", "Unit"],
        ["0020h", "Level", "int16", "%"],
        ["(1) only with option B"],
    ]
    found = imported(xlsx(tmp_path / "p.xlsx", ("S", rows, ["A4:E4"])), numbering="offset", table="input")
    assert points(found) == (
        "defaults: {table: input}\n"
        "points:\n"
        "  flow:   {at: 0x0000, type: float32, unit: m3/h, note: p.xlsx!S!A2}\n"
        "  volume: {at: 0x0010, type: uint32, unit: m3, scale: 0.001, note: p.xlsx!S!C6}\n"
        '  level:  {at: 0x0020, type: int16, unit: "%", note: p.xlsx!S!A8}\n'
    )
    assert [line.split(":")[0] for line in said(found)] == ["p.xlsx!S!A4 warning I15", "p.xlsx!S!A9 warning I15"]


def test_spanish_headings_scaled_units_and_numbers_of_six_digits(tmp_path: Path) -> None:
    rows: Rows = [
        ["Dirección", "Nombre", "Tipo", "Unidad", "Escala", "Función"],
        [400001, "Tensión L1", "UINT16", "V", "0,1 V", "03"],
        [400003, "Potencia", "INT32", "kW", "0,01 kW", "03"],
        [300010, "Frecuencia", "UINT16", "Hz", None, "04"],
    ]
    assert points(imported(xlsx(tmp_path / "e.xlsx", ("Mapa", rows, [])))) == (
        "defaults: {table: holding, type: uint16}\n"
        "points:\n"
        '  tension_l1: {at: 400001, unit: V, scale: 0.1, note: "e.xlsx!Mapa!A2: Tensión L1"}\n'
        "  potencia:   {at: 400003, type: int32, unit: kW, scale: 0.01, note: e.xlsx!Mapa!A3}\n"
        "  frecuencia: {at: 300010, table: input, unit: Hz, note: e.xlsx!Mapa!A4}\n"
    )


def test_sizes_in_bytes_word_orders_and_the_end_in_a_column(tmp_path: Path) -> None:
    rows: Rows = [
        ["Start address", "End address", "Description", "Data type", "Size", "Word order", "Unit"],
        [0, 1, "Energy", "unsigned", 4, "low word first", "kWh"],
        [2, 2, "Voltage", "uint16", 2, "", "V"],
        [3, 6, "Serial", "ASCII", 8, "", ""],
        [7, 8, "Power", "int32", 4, "little endian", "W"],
        [9, 10, "Reserved", "", 4, "", ""],
    ]
    found = imported(xlsx(tmp_path / "s.xlsx", ("S", rows, [])), numbering="offset", table="holding")
    assert points(found) == (
        "defaults: {table: holding}\n"
        "points:\n"
        "  energy:  {at: 0, type: uint32, order: CDAB, unit: kWh, note: s.xlsx!S!A2}\n"
        "  voltage: {at: 2, type: uint16, unit: V, note: s.xlsx!S!A3}\n"
        "  serial:  {at: 3, type: string, length: 4, note: s.xlsx!S!A4}\n"
    )
    assert said(found) == [
        's.xlsx!S!F5 error I14: "little endian" does not say in which order all bytes come',
        's.xlsx!S!A6 warning I02: "9-10" is a range; skipped as reserved',
    ]


def test_sheets_of_one_device_are_one_profile(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "w.xlsx",
        ("Info", [["Author", "somebody"], ["Date", "today"]], []),
        ("Input Registers", [["Address", "Name", "Type"], [0, "Flow", "U16"]], []),
        ("Holding Registers", [["Address", "Name", "Type"], [0, "Setpoint", "U16"], [1, "Flow", "U16"]], []),
    )
    found = imported(path, numbering="offset")
    assert points(found) == (
        "defaults: {table: holding, type: uint16}\n"
        "points:\n"
        "  flow:     {at: 0, table: input, note: w.xlsx!Input Registers!A2}\n"
        "  setpoint: {at: 0, note: w.xlsx!Holding Registers!A2}\n"
        '  flow_2:   {at: 1, note: "w.xlsx!Holding Registers!A3: Flow"}\n'
    )
    assert said(found) == [
        "w.xlsx!Info warning I18: no column of addresses was found; this sheet is left out",
        'w.xlsx!Holding Registers!A3 warning I08: the name "flow" is already that of w.xlsx!Input Registers!A2; '
        "named flow_2",
    ]
    (only,) = imported(path, numbering="offset", sheet="holding registers").profiles
    assert [point.name for point in only.points] == ["setpoint", "flow"]


def test_common_orders_become_defaults_where_no_point_would_inherit_a_wrong_one(tmp_path: Path) -> None:
    text = "Address,Name,Type\n0,a,float32\n2,b,float32\n4,c,uint16\n"
    path = csv(tmp_path / "o.csv", text)
    assert "defaults: {table: input, type: float32, order: CDAB}\n" in points(
        imported(path, table="input", order="CDAB")
    )
    assert "order: DCBA" in points(imported(path, table="input", order="DCBA"))
    mixed = csv(tmp_path / "m.csv", "Address,Type,Byte order\n0,float32,CDAB\n2,float32,CDAB\n4,float32,\n6,uint16,\n")
    assert "defaults: {table: input, type: float32}\n" in points(imported(mixed, table="input"))


# ---- CSV


def test_a_french_list_in_cp1252_with_a_column_of_hexadecimal_addresses(tmp_path: Path) -> None:
    headings = "Adresse (hex);Libellé;Type de donnée;Diviseur;Unité;Accès\n"
    text = headings + "0100;Tension;U16;10;V;L\n010A;Consigne;S16;100;°C;L/E\n"
    found = imported(csv(tmp_path / "fr.csv", text, "cp1252"), numbering="offset", table="holding")
    assert points(found) == (
        "defaults: {table: holding}\n"
        "points:\n"
        "  tension:  {at: 0x0100, type: uint16, unit: V, divide: 10, note: fr.csv!A2}\n"
        "  consigne: {at: 0x010A, type: int16, unit: degC, divide: 100, note: fr.csv!A3; access L/E}\n"
    )
    assert said(found) == []


def test_the_gain_is_asked_once_with_how_many_rows_wait_for_it(tmp_path: Path) -> None:
    text = "Address,Name,Type,Scalefactor\n0,a,U16,10\n1,b,in16,1\n2,c,U16,1\n3,d,U16,100\n122-129,,,\n"
    path = csv(tmp_path / "g.csv", text)
    found = imported(path, numbering="offset", table="input")
    assert [point.name for point in found.profiles[0].points] == ["c"]
    assert said(found) == [
        'g.csv!D1 error I03: column "Scalefactor": choose --divide or --multiply; 2 rows wait for it',
        'g.csv!C3 error I01: "in16" is not a type',
        'g.csv!A6 warning I02: "122-129" is a range; skipped as reserved',
    ]
    assert found.found[1].hint == 'did you mean "int16"?'
    (divided,), (multiplied,) = (
        [point for point in imported(path, numbering="offset", gain=gain).profiles[0].points if point.name == "a"]
        for gain in ("divide", "multiply")
    )
    assert (divided.settings["divide"], multiplied.settings["scale"]) == ("10", "10")


def test_offset_or_number_is_asked_where_the_list_does_not_say(tmp_path: Path) -> None:
    path = csv(tmp_path / "n.csv", "Address,Name,Type\n1,a,U16\n2,b,U16\n")
    found = imported(path)
    assert (found.profiles, [one.code for one in found.found]) == ((), ["I07"])
    zero = csv(tmp_path / "z.csv", "Address,Name,Type\n0,a,U16\n40001,b,U16\n")
    assert imported(zero, table="input").profiles[0].head == {"numbering": "offset"}
    mixed = csv(tmp_path / "m.csv", "Address,Name,Type\n40001,a,U16\n30001,b,U16\n7,c,U16\n")
    assert [one.code for one in imported(mixed).found] == ["I07"]


def test_a_table_that_nothing_names_is_told(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "Address,Name,Type\n5,a,U16\n")
    assert said(imported(path, numbering="offset")) == [
        "t.csv!A1 warning I13: no column says in which table the registers are; taken as holding"
    ]


def test_groups_are_profiles_and_a_bit_twice_is_refused(tmp_path: Path) -> None:
    rows = [
        "Device,Register,Name,Type",
        "Pump A,100.0,Running,bit",
        "Pump B,100.0,Running,bit",
        "Pump B,100.0,Again,bit",
    ]
    text = "\n".join(rows).replace(",", "\t")
    found = imported(csv(tmp_path / "g.csv", text, "utf-16"), numbering="offset", table="holding", group="Device")
    assert [(draft.profile, [point.name for point in draft.points]) for draft in found.profiles] == [
        ("acme-pump-a", ["running"]),
        ("acme-pump-b", ["running"]),
    ]
    assert said(found) == ["g.csv!B4 error I06: bit 0 of 100 stands here for the second time"]


def test_only_the_rows_that_are_wanted(tmp_path: Path) -> None:
    path = csv(tmp_path / "w.csv", "Address,Name,Type,Model\n5,a,U16,X\n6,b,U16,Y\n7,c,bad,Y\n")
    found = imported(path, numbering="offset", table="input", where={"Model": "X"})
    assert (found.rows, len(found.profiles[0].points), said(found)) == (1, 1, [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"adress": "A"}}, '"adress" is nothing that a column can hold'),
        ({"where": {"Nam": "x"}}, 'there is no column "Nam"'),
        ({"where": {"Name": "y"}}, "there is no row where Name=y"),
        ({"group": "Grp"}, 'there is no column "Grp"'),
        ({"sheet": "S"}, 'there is no sheet "S"'),
        ({"columns": {"address": "Adr"}}, 'there is no column "Adr"'),
        ({"columns": {"address": "Z"}}, "there is no column Z"),
        ({"group": "Z"}, "there is no column Z"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = csv(tmp_path / "o.csv", "Address,Name,Type\n5,x,U16\n")
    found = imported(path, numbering="offset", table="input", **changes)
    assert found.profiles == ()
    assert [line.split(": ", 1)[1] for line in said(found)] == [message]


def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    for name, content in (("a.xls", b"x"), ("b.xlsx", b"PK\x03\x04junk"), ("c.csv", b""), ("d.csv", b"a;b\nc;d\n")):
        path = tmp_path / name
        path.write_bytes(content)
        found = import_registers(path, options())
        assert (found.profiles, len(found.found), found.found[0].file) == ((), 1, name)
    assert [one.code for one in import_registers(tmp_path / "none.csv", options()).found] == ["I04"]


def test_a_column_that_the_call_misspells_gets_a_hint(tmp_path: Path) -> None:
    path = csv(tmp_path / "o.csv", "Adresse,Name,TAG,Type\n5,x,t,U16\n")
    (found,) = import_registers(path, options(columns={"address": "Adrese"}, numbering="offset")).found
    assert (found.file, found.hint) == ("o.csv", 'did you mean "Adresse"?')
    (found,) = import_registers(path, options(columns={"address": "Z"}, numbering="offset")).found
    assert found.hint == "the last one is D"
    # Capital letters can be a heading too.
    (draft,) = imported(path, columns={"name": "TAG"}, numbering="offset", table="input").profiles
    assert [point.name for point in draft.points] == ["t"]


@pytest.mark.parametrize(
    "heading",
    ["Messwert", "Messgröße", "Kanal", "Variable", "Tag", "Item", "Libellé", "Grandezza", "Größe", "Quantity"],
)
def test_a_column_of_names_is_known_in_many_words(tmp_path: Path, heading: str) -> None:
    text = f"Adresse;{heading};Datentyp;Einheit\n0;Zähler Bezug;UINT16;V\n1;Strom L1;UINT16;A\n"
    found = imported(csv(tmp_path / "m.csv", text), numbering="offset", table="input")
    assert [point.name for point in found.profiles[0].points] == ["zaehler_bezug", "strom_l1"]
    assert found.found == ()


def test_without_a_column_of_names_it_is_said_and_the_texts_go_to_the_note(tmp_path: Path) -> None:
    text = "Blah;Adresse;Datentyp\nStrom L1;0;UINT16\nStrom L2;1;UINT16\n"
    found = imported(csv(tmp_path / "m.csv", text), numbering="offset", table="input")
    assert [(point.name, point.settings["note"]) for point in found.profiles[0].points] == [
        ("input_0", "m.csv!B2; Strom L1"),
        ("input_1", "m.csv!B3; Strom L2"),
    ]
    assert said(found) == [
        "m.csv!A1 warning I17: no column of names was found: the points are called by their addresses"
    ]
    assert found.found[0].hint == "name it with --column name=A"


def test_a_remark_that_is_no_setting_stays_in_the_note(tmp_path: Path) -> None:
    text = (
        "Address;Name;Type;Remark\n0;a;U16;0=Aus\n1;b;I16;negativ = Abgabe\n2;c;U16;0=Aus, 1=Ein\n"
        f"3;d;I16;0x8000 = no sensor\n4;e;I16;0x8000 = no sensor, else ok\n5;f;U16;{'long ' * 40}\n"
    )
    found = imported(csv(tmp_path / "r.csv", text), numbering="offset", table="input")
    notes = {point.name: str(point.settings["note"]) for point in found.profiles[0].points}
    assert notes["a"] == "r.csv!A2; 0=Aus"
    assert notes["b"] == "r.csv!A3; negativ = Abgabe"
    assert notes["c"] == "r.csv!A4"
    assert notes["d"] == "r.csv!A5"
    assert notes["e"] == "r.csv!A6; 0x8000 = no sensor, else ok"
    assert notes["f"].endswith("long…")
    assert len(notes["f"]) < 80


def test_points_know_the_cells_of_their_settings(tmp_path: Path) -> None:
    path = csv(tmp_path / "c.csv", "Address;Name;Type;Unit;Divisor\n0;a;U16;V;10\n")
    (point,) = imported(path, numbering="offset", table="input").profiles[0].points
    assert point.place == ("c.csv!A2", 0, 0)
    assert {key: origin.value.file for key, origin in point.origins.items()} == {
        "at": "c.csv!A2",
        "type": "c.csv!C2",
        "unit": "c.csv!D2",
        "divide": "c.csv!E2",
    }


CELLS = st.sampled_from(
    [
        "",
        "1",
        "40001",
        "0x10",
        "5-9",
        "x",
        "uint16",
        "float",
        "Reserved",
        "0.1 V",
        "10",
        "1.000",
        "V",
        "kwhr",
        "0=A;1=B",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(["offset", "number"]),
)
def test_every_row_is_a_point_or_is_named(tmp_path: Path, rows: list[tuple[str, ...]], numbering: str) -> None:
    text = io.StringIO()
    csv_module.writer(text).writerows([("Address", "Name", "Type", "Scale", "Unit"), *rows])
    found = imported(csv(tmp_path / "any.csv", text.getvalue()), numbering=numbering, table="input", gain="divide")
    filled = {number for number, row in enumerate(rows, 2) if any(row)}
    assert found.rows == len(filled)
    became = set(point_rows(found))
    assert became | named_rows(found) == filled
    assert not became & named_rows(found, "error")
