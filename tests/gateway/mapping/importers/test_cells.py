"""Cells of real lists mean one thing, or are asked about."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.importers import cells
from gateway.mapping.importers.cells import Cited, Scaled, address, gain, number, registers, scaled_unit, unit_symbol
from gateway.mapping.importers.table import Refused


def refused(code: str, call: object, *arguments: object) -> str:
    """The hint."""
    assert callable(call)
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert caught.value.code == code
    return caught.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("10", "10"), ("0.1", "0.1"), ("0,1", "0.1"), ("-0,05", "-0.05"), (",5", "0.5"), ("+3", "3"), ("−4", "-4")],
        *[("10^-1", "0.1"), ("1x10^-2", "0.01"), ("10**3", "1000"), ("1/10", "0.1"), ("1 / 4", "0.25")],
        *[("1E-3", "1E-3"), ("0.0010", "0.0010"), ("1234", "1234"), ("12345.678", "12345.678")],
    ],
)
def test_numbers_as_plants_write_them(text: str, value: str) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "x", "1-2", "1,2,3", "1 000", "1/3", "1/0", "0x10", "1" * 50])
def test_what_is_no_number_is_refused(text: str) -> None:
    refused("I11", number, text)


@pytest.mark.parametrize("text", ["1.000", "1,000", "10,000", "-2.500"])
def test_a_thousand_or_a_one_is_asked(text: str) -> None:
    refused("I11", number, text)


def test_the_rest_of_the_column_says_what_a_comma_is() -> None:
    assert cells.decimal_mark(["1,000", "0,1", "10"]) == ","
    assert cells.decimal_mark(["1.000", "0.001", "0.1 V"]) == "."
    assert cells.decimal_mark(["1.000", "2.000"]) == ""
    assert cells.decimal_mark(["0.1", "0,1"]) == ""
    assert (number("1,000", ","), number("1.000", ","), number("1,000", ".")) == ("1.000", "1000", "1000")


@given(st.decimals(min_value="-1e6", max_value="1e6", places=4, allow_nan=False))
def test_any_decimal_is_exact_with_comma_or_point(value: Decimal) -> None:
    assert Decimal(number(f"{value:f}", ".")) == value
    assert Decimal(number(f"{value:f}".replace(".", ","), ",")) == value


@pytest.mark.parametrize(
    ("text", "scaled"),
    [
        ("10", Scaled("10", None)),
        ("0,1", Scaled("0.1", None)),
        ("x0.1", Scaled("0.1", "multiply")),
        ("× 10", Scaled("10", "multiply")),
        ("/10", Scaled("10", "divide")),
        ("÷100", Scaled("100", "divide")),
        ("0.1 V", Scaled("0.1", "multiply", "V")),
        ("0,01kWh", Scaled("0.01", "multiply", "kWh")),
        ("1 °C", Scaled("1", "multiply", "degC")),
        ("10 mV/bit", Scaled("10", "multiply", "mV")),
        ("1/10 V", Scaled("0.1", "multiply", "V")),
        ("10^-3 m3", Scaled("0.001", "multiply", "m3")),
    ],
)
def test_a_gain_says_what_it_does_or_does_not(text: str, scaled: Scaled) -> None:
    assert gain(text) == scaled


def test_a_gain_of_nothing_is_refused() -> None:
    refused("I11", gain, "0")
    refused("I11", gain, "x0")
    refused("I11", gain, "see text")


def test_units_are_no_scaled_units() -> None:
    for text in ("1/min", "1", "m3", "V", "%", "min-1", ""):
        assert scaled_unit(text) is None


def test_units_by_their_spellings() -> None:
    assert [unit_symbol(text) for text in ("V AC", "°C", "", "-", "n/a", "Keine")] == ["V", "degC", "", "", "", ""]
    assert refused("I09", unit_symbol, "kwhr") == 'did you mean "kWh"?'


@pytest.mark.parametrize("text", ["V x10", "kWh*100", "V/10", "10 x V"])
def test_a_unit_with_a_scale_that_could_go_both_ways_is_refused(text: str) -> None:
    assert '"0.1 V"' in refused("I11", unit_symbol, text)


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("Voltage [V]", ("Voltage", "V")),
        ("Temperature (°C)", ("Temperature", "°C")),
        ("Power in kW", ("Power", "kW")),
        ("Level [0.1 %]", ("Level", "0.1 %")),
        ("Voltage (L1)", ("Voltage (L1)", "")),
        ("Status [see page 3]", ("Status [see page 3]", "")),
        ("[V]", ("[V]", "")),
    ],
)
def test_a_unit_behind_a_label_is_found(label: str, parts: tuple[str, str]) -> None:
    assert cells.split_label(label) == parts


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("40001", Cited(40001, 40001)),
        ("0x9C41", Cited(40001, 40001, hexadecimal=True)),
        ("9C41h", Cited(40001, 40001, hexadecimal=True)),
        ("16#10", Cited(16, 16, hexadecimal=True)),
        ("$1F", Cited(31, 31, hexadecimal=True)),
        ("0010", Cited(10, 10)),
        ("00012", Cited(12, 12, padded=True)),
        ("4x0001", Cited(40001, 40001)),
        ("3x00012", Cited(300012, 300012)),
        ("40001-40002", Cited(40001, 40002)),
        ("40001 – 40002", Cited(40001, 40002)),
        ("30001/30002", Cited(30001, 30002)),
        ("40001/2", Cited(40001, 40002)),
        ("40001, 40002", Cited(40001, 40002)),
        ("10 to 13", Cited(10, 13)),
        ("10 bis 13", Cited(10, 13)),
        ("0x10..0x13", Cited(16, 19, hexadecimal=True)),
        ("100\n101", Cited(100, 101)),
        ("122-129", Cited(122, 129)),
        ("40001.3", Cited(40001, 40001, bit=3)),
        ("40001.15", Cited(40001, 40001, bit=15)),
        ("40001 bit 3", Cited(40001, 40001, bit=3)),
    ],
)
def test_addresses_as_manuals_write_them(text: str, cited: Cited) -> None:
    assert address(text) == cited


def test_a_column_of_hexadecimal_numbers() -> None:
    assert address("0010", hexadecimal=True) == Cited(16, 16, hexadecimal=True)
    assert address("00A0-00A3", hexadecimal=True) == Cited(160, 163, hexadecimal=True)
    assert "address_hex" in refused("I06", address, "00A0")


@pytest.mark.parametrize("text", ["", "x", "Note 1", "40001.16", "-5", "20-10", "1234567", "40,001", "see 3"])
def test_what_is_no_address_is_refused(text: str) -> None:
    refused("I06", address, text)


def test_a_date_that_a_spreadsheet_made_is_told() -> None:
    assert "made a date of it" in refused("I06", address, "2024-01-02T00:00:00")


@pytest.mark.parametrize(
    ("text", "table"),
    [
        *[("Holding Register", "holding"), ("Input", "input"), ("Discrete Input", "discrete"), ("Coil", "coil")],
        *[("03", "holding"), ("FC04", "input"), ("0x02", "discrete"), ("3,6,16", "holding"), ("03h/10h", None)],
        *[
            ("R: 03 W: 06,16", "holding"),
            ("06 / 03", "holding"),
            ("4x", "holding"),
            ("3xxxx", "input"),
            ("0x10", "holding"),
        ],
        *[("Eingangsregister", "input"), ("Halteregister", "holding"), ("Registre d'entrée", "input"), ("10", None)],
        *[("function code 04", "input"), ("uint16", None), ("", None), ("Register", None), ("Energy values", None)],
    ],
)
def test_tables_by_word_and_function_code(text: str, table: str | None) -> None:
    assert cells.table(text) == table


def test_a_title_names_a_table_only_in_the_words_of_modbus() -> None:
    assert cells.titled_table("Input Registers (function code 04)") == "input"
    assert cells.titled_table("Holding") == "holding"
    assert cells.titled_table("Table of coils") == "coil"
    for text in ("AC input", "Coil temperature", "Digital inputs", "3", "Energy values", ""):
        assert cells.titled_table(text) is None


@pytest.mark.parametrize(
    "text", ["Reserved", "reserved[3]", "RESERVED (2 registers)", "Spare 4", "nicht belegt", "INTERNAL[1]"]
)
def test_reserved_registers_are_known(text: str) -> None:
    assert cells.is_reserved(text)


@pytest.mark.parametrize(
    "text", ["Reserve power", "Internal temperature", "Reserved power", "Free memory", "Spare pump", ""]
)
def test_words_that_only_begin_so_are_not_reserved(text: str) -> None:
    assert not cells.is_reserved(text)


def test_lengths_are_counted_in_registers() -> None:
    assert [registers("4", counted) for counted in ("registers", "bytes", "bits")] == [4, 2, 1]
    assert (registers("2 words", "bytes"), registers("32 bit", "registers"), registers("5", "characters")) == (2, 2, 3)
    assert [cells.measure(text) for text in ("Size (bytes)", "Words", "Anz. Register", "Bits", "Length")] == [
        *("bytes", "registers", "registers", "bits"),
        None,
    ]
    refused("I12", registers, "some", "registers")
    refused("I12", registers, "0", "registers")
