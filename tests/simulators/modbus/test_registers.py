"""Registers that foreign decoders read as the value that was meant."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import pytest
from pymodbus.client.mixin import ModbusClientMixin

from simulators.modbus.points import TYPES, Address, Order, Raw, Type
from simulators.modbus.registers import Part, limits, parts, pattern, size_bits, spots, words

FOREIGN = ModbusClientMixin.DATATYPE


def at_0(kind: Type, **more: Any) -> Address:
    return Address(0, "holding", kind, **more)


@pytest.mark.parametrize(
    ("order", "data"),
    [("ABCD", "43663333"), ("CDAB", "33334366"), ("BADC", "66433333"), ("DCBA", "33336643")],
)
def test_230_2_in_every_order(order: Order, data: str) -> None:
    registers = words(at_0("float32", order=order), 230.2)
    assert b"".join(register.to_bytes(2, "big") for register in registers).hex() == data


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("ABCD", [0x0102, 0x0304, 0x0506, 0x0708]),
        ("CDAB", [0x0708, 0x0506, 0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403, 0x0605, 0x0807]),
        ("DCBA", [0x0807, 0x0605, 0x0403, 0x0201]),
    ],
)
def test_64_bits_in_every_order(order: Order, expected: list[int]) -> None:
    assert words(at_0("uint64", order=order), 0x0102030405060708) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("ABCD", [0x0102, 0x0304, 0x0506]),
        ("CDAB", [0x0506, 0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403, 0x0605]),
        ("DCBA", [0x0605, 0x0403, 0x0201]),
    ],
)
def test_48_bits_in_every_order(order: Order, expected: list[int]) -> None:
    assert words(at_0("uint48", order=order), 0x010203040506) == expected


@pytest.mark.parametrize(("order", "register"), [("ABCD", 258), ("CDAB", 258), ("BADC", 513), ("DCBA", 513)])
def test_two_bytes_have_an_order_too(order: Order, register: int) -> None:
    assert words(at_0("uint16", order=order), 0x0102) == [register]


@pytest.mark.parametrize(
    ("kind", "raw", "foreign"),
    [
        ("int16", -2, FOREIGN.INT16),
        ("uint16", 65535, FOREIGN.UINT16),
        ("int32", -123456, FOREIGN.INT32),
        ("uint32", 4_000_000_000, FOREIGN.UINT32),
        ("int64", -(2**62), FOREIGN.INT64),
        ("uint64", 2**64 - 1, FOREIGN.UINT64),
        ("float32", 230.5, FOREIGN.FLOAT32),
        ("float64", 0.1, FOREIGN.FLOAT64),
        # Where these are what plain integers are.
        ("signmag16", 1234, FOREIGN.INT16),
        ("version", 0x1203, FOREIGN.UINT16),
        ("hhmm", 1730, FOREIGN.UINT16),
    ],
)
def test_pymodbus_reads_what_is_written(kind: Type, raw: Raw, foreign: FOREIGN) -> None:
    convert = ModbusClientMixin.convert_from_registers
    assert convert(words(at_0(kind), raw), foreign) == raw
    assert convert(words(at_0(kind, order="CDAB"), raw), foreign, "little") == raw


def test_pymodbus_writes_the_same_text() -> None:
    foreign = ModbusClientMixin.convert_to_registers("PM1-0004711", FOREIGN.STRING)
    assert words(at_0("string", length=6), "PM1-0004711") == foreign


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        # BCD: a digit for every four bits; 20000101 as in the date of many data loggers.
        ("bcd16", 1234, "1234"),
        ("bcd32", 20_000_101, "20000101"),
        ("bcd64", 42, "0000000000000042"),
        # Sign and magnitude: the top bit is the sign.
        ("signmag16", -1, "8001"),
        ("signmag32", -70000, "80011170"),
        # IEEE 754, binary16: 1.5 and the largest one.
        ("float16", 1.5, "3e00"),
        ("float16", 65504.0, "7bff"),
        ("int8", -2, "00fe"),
        ("int24", -2, "00fffffe"),
        ("int48", -2, "fffffffffffe"),
        ("bool", True, "0001"),
    ],
)
def test_types_that_struct_does_not_know(kind: Type, raw: Raw, expected: str) -> None:
    assert struct.pack(f">{len(expected) // 4}H", *words(at_0(kind), raw)).hex() == expected


MOMENT = datetime(2026, 11, 25, 7, 33, 17)  # a device's clock knows no zone


def test_a_date_takes_three_registers_or_six() -> None:
    assert words(at_0("datetime"), MOMENT) == [26 << 8 | 11, 25 << 8 | 7, 33 << 8 | 17]
    assert words(at_0("datetime", length=6), MOMENT) == [2026, 11, 25, 7, 33, 17]


@pytest.mark.parametrize(("order", "expected"), [("CDAB", [0x4142, 0x4300]), ("DCBA", [0x4241, 0x0043])])
def test_texts_have_no_order_of_words(order: Order, expected: list[int]) -> None:
    assert words(at_0("string", length=2, order=order), "ABC") == expected
    assert words(at_0("bytes", length=2, order=order), b"ABC") == expected


def test_a_text_that_is_too_long_is_cut() -> None:
    assert words(at_0("string", length=1), "ABC") == [0x4142]


def test_bytes_and_bits_take_their_part_of_a_register() -> None:
    assert parts(Address(7, type="uint8", byte="high"), 0xAB) == [Part(7, 0xAB00, 0xFF00)]
    assert parts(Address(7, type="int8", byte="low"), -1) == [Part(7, 0x00FF, 0x00FF)]
    assert parts(Address(7, bits=(4, 7)), 5) == [Part(7, 0x0050, 0x00F0)]
    assert parts(Address(7, type="bool", byte="high", bits=(1, 1)), True) == [Part(7, 0x0200, 0x0200)]
    assert parts(Address(7, type="uint32", bits=(15, 16)), 3) == [Part(7, 1, 1), Part(8, 0x8000, 0x8000)]


def test_the_order_of_bytes_moves_bits_too() -> None:
    assert parts(Address(7, order="BADC", bits=(0, 0)), 1) == [Part(7, 0x0100, 0x0100)]
    assert parts(Address(7, order="BADC", type="uint8", byte="high"), 0xAB) == [Part(7, 0x00AB, 0x00FF)]


def test_words_go_to_registers_that_are_no_neighbours() -> None:
    address = Address(registers=(40, 72), type="uint32")
    assert [part[:2] for part in parts(address, 0x00010002)] == [(40, 1), (72, 2)]
    swapped = Address(registers=(40, 72), type="uint32", order="CDAB")
    assert [part[:2] for part in parts(swapped, 0x00010002)] == [(40, 2), (72, 1)]


@pytest.mark.parametrize(
    ("kind", "size"), [("bool", 1), ("uint8", 1), ("int24", 2), ("float32", 2), ("uint48", 3), ("float64", 4)]
)
def test_widths(kind: Type, size: int) -> None:
    assert len(spots(Address(0, "input", kind))) == size
    assert len(spots(Address(0, "coil", "bool"))) == 1


@pytest.mark.parametrize(
    ("kind", "raw", "bits"),
    [("int16", -32768, 0x8000), ("signmag16", -1, 0x8001), ("bcd16", 99, 0x99), ("float32", 1.0, 0x3F800000)],
)
def test_patterns_are_the_bits_that_a_data_sheet_names(kind: Type, raw: Raw, bits: int) -> None:
    assert pattern(at_0(kind), raw) == bits


@pytest.mark.parametrize("kind", [kind for kind in TYPES if limits(at_0(kind)) is not None])
def test_the_limits_of_a_type_can_be_held_and_nothing_beyond(kind: Type) -> None:
    held = limits(at_0(kind))
    assert held is not None
    for raw in held:
        assert len(words(at_0(kind), raw)) == (size_bits(kind) + 15) // 16
    if kind.startswith(("int", "uint")):
        with pytest.raises(OverflowError):
            words(at_0(kind), held[1] + 1 if kind.startswith("uint") else held[0] - 1)


def test_what_is_no_integer_is_not_put_into_one() -> None:
    with pytest.raises(TypeError, match=r"1\.5 is no integer"):
        words(at_0("uint16"), 1.5)
