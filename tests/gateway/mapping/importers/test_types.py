"""The types of manuals are those of the language, whatever they are called."""

from __future__ import annotations

import pytest

from gateway.mapping.importers.table import Refused
from gateway.mapping.importers.types import Named, bits, count, of_width, order, value_type


def refused(code: str, text: str) -> str:
    with pytest.raises(Refused) as caught:
        (order if code == "I14" else value_type)(text)
    assert caught.value.code == code
    return caught.value.hint


SPELLINGS = {
    "uint16": "UINT16, U16, unsigned 16 bit, 16 bit unsigned, 16-bit unsigned integer, WORD, Unsigned Short, uint16_t",
    "int16": "INT16, S16, I16, sint16, signed 16-bit, 16 bit signed integer, short, Signed Int 16, int16_t",
    "uint32": "UINT32, U32, unsigned 32 bit, DWORD, UDINT, Unsigned Long, ULONG, double word, acc32, bitfield32",
    "int32": "INT32, S32, signed 32 bit, DINT, Signed Long, long, SINT32, I32",
    "uint64": "UINT64, U64, ULINT, unsigned 64 bit integer, LWORD, acc64",
    "int64": "INT64, S64, LINT, signed 64-bit",
    "float32": "FLOAT32, 32 bit float, float (32 bit), float32 (IEEE754), IEEE 754 32 bit, F32, Real32",
    "float64": "FLOAT64, double, LREAL, 64-bit float, double precision float",
    "bool": "BOOL, bit, Boolean, flag, 1 bit",
    "uint8": "BYTE, USINT, uint8, U8",
    "bcd16": "BCD16, 16 bit BCD",
    "bcd32": "bcd32",
    "signmag16": "sm16, sign magnitude 16",
    "datetime": "datetime, date and time",
}


@pytest.mark.parametrize(
    ("type_", "text"), [(name, text) for name, texts in SPELLINGS.items() for text in texts.split(", ")]
)
def test_types_by_their_names(type_: str, text: str) -> None:
    assert value_type(text) == Named(type_)


@pytest.mark.parametrize(
    ("text", "family"),
    [
        *[("INT", "int"), ("unsigned", "uint"), ("Signed Integer", "int"), ("enum", "uint"), ("bitfield", "uint")],
        *[("float", "float"), ("IEEE754", "float"), ("REAL", "float"), ("IEEE-754 Float", "float"), ("BCD", "bcd")],
    ],
)
def test_names_without_a_width(text: str, family: str) -> None:
    assert value_type(text) == Named(family)


def test_strings_may_say_how_long_they_are() -> None:
    assert value_type("STRING") == Named("string")
    for text in ("STRING(16)", "string[16]", "char[16]", "ASCII 16", "String16"):
        assert value_type(text) == Named("string", 16)


def test_an_order_stands_with_the_type() -> None:
    assert value_type("float32 (CDAB)") == Named("float32", order="CDAB")
    assert value_type("UINT32 ABCD") == Named("uint32", order="ABCD")


def test_what_is_no_type_is_refused_with_what_was_meant() -> None:
    assert refused("I01", "in16") == 'did you mean "int16"?'
    assert refused("I01", "flaot32") == 'did you mean "float32"?'
    assert "int8 or int16" in refused("I01", "SINT")
    for text in (
        "u17",
        "float16x",
        "float48",
        "timestamp",
        "see note",
        "16 bit",
        "uint32/int16",
        "unsigned 16 signed 32",
    ):
        refused("I01", text)


def test_the_number_of_registers_says_the_width() -> None:
    assert [of_width("int", 1), of_width("uint", 2), of_width("float", 4), of_width("bcd", 2)] == [
        *("int16", "uint32", "float64", "bcd32")
    ]
    assert of_width("float", None) == "float32"
    assert of_width("uint16", 7) == "uint16"
    for family, registers in (("int", None), ("uint", 5), ("bcd", 3)):
        with pytest.raises(Refused, match="I12"):
            of_width(family, registers)
    assert (count(1), count(2)) == ("1 register", "2 registers")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("ABCD", "ABCD"), ("cd ab", "CDAB"), ("B-A-D-C", "BADC"), ("DCBA", "DCBA")],
        *[("1234", "ABCD"), ("3412", "CDAB"), ("2143", "BADC"), ("4-3-2-1", "DCBA"), ("1-0-3-2", "BADC")],
        *[("Big Endian", "ABCD"), ("MSW first", "ABCD"), ("high word first", "ABCD"), ("Hi/Lo", "ABCD")],
        *[
            ("LSW first", "CDAB"),
            ("low word first", "CDAB"),
            ("word swap", "CDAB"),
            ("Big endian, word swapped", "CDAB"),
        ],
        ("byte swap", "BADC"),
    ],
)
def test_orders_by_their_names(text: str, name: str) -> None:
    assert order(text) == name


@pytest.mark.parametrize("text", ["little endian", "Intel", "swapped", "byte and word swap", "LE", ""])
def test_an_order_that_can_mean_two_is_asked(text: str) -> None:
    assert "43 66 33 33" in refused("I14", text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Bit 0", "0"), ("bit15", "15"), ("Bits 3-5", "3-5"), ("Bit", ""), ("1 bit", ""), ("16 bit", ""), ("uint16", "")],
)
def test_a_bit_of_a_register_stands_where_a_type_is_expected(text: str, wanted: str) -> None:
    assert bits(text) == wanted


def test_an_order_that_is_nearly_one_gets_a_hint() -> None:
    with pytest.raises(Refused) as caught:
        order("ABDC")
    assert caught.value.hint.startswith('did you mean "ABCD"?')
