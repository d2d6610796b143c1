"""Coding into registers, against vectors of the mapping language and against pymodbus' own conversion."""

from __future__ import annotations

from fractions import Fraction

import pytest
from pymodbus.client.mixin import ModbusClientMixin

from simulators.modbus.points import Address, Order, Point, Type
from simulators.modbus.registers import Raw, meaning, nearest, width, words

FOREIGN = ModbusClientMixin.DATATYPE


def point(kind: Type, scale: str = "1", offset: str = "0") -> Point:
    return Point("x", Address(0, "holding", kind), "", Fraction(scale), Fraction(offset))


@pytest.mark.parametrize(
    ("order", "data"),
    [("ABCD", "43663333"), ("CDAB", "33334366"), ("BADC", "66433333"), ("DCBA", "33336643")],
)
def test_230_2_in_every_order(order: Order, data: str) -> None:
    registers = words("float32", order, nearest(point("float32"), 230.2))
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
    assert words("uint64", order, 0x0102030405060708) == expected


@pytest.mark.parametrize(("order", "register"), [("ABCD", 258), ("CDAB", 258), ("BADC", 513), ("DCBA", 513)])
def test_two_bytes_have_an_order_too(order: Order, register: int) -> None:
    assert words("uint16", order, 0x0102) == [register]


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
    ],
)
def test_pymodbus_reads_what_is_written(kind: Type, raw: Raw, foreign: FOREIGN) -> None:
    convert = ModbusClientMixin.convert_from_registers
    assert convert(words(kind, "ABCD", raw), foreign) == raw
    assert convert(words(kind, "CDAB", raw), foreign, "little") == raw


@pytest.mark.parametrize(
    ("kind", "scale", "offset", "value", "raw", "published"),
    [
        ("uint32", "1/10", "0", 230.24, 2302, 230.2),
        ("int16", "1/1000", "0", 0.9876, 988, 0.988),
        ("int16", "1", "-40", 21.4, 61, 21),
        ("uint16", "10", "0", 1234, 123, 1230),
        ("uint16", "1", "0", -5, 0, 0),
        ("int16", "1", "0", 1e9, 32767, 32767),
        ("uint64", "1", "0", 2.0**60, 2**60, 2**60),
        ("bool", "1", "0", 49.9, False, False),
        ("bool", "1", "0", 50.0, True, True),
        ("float64", "1", "0", 0.1, 0.1, 0.1),
    ],
)
def test_raw_values_and_what_they_mean(
    kind: Type, scale: str, offset: str, value: float, raw: Raw, published: Raw
) -> None:
    target = point(kind, scale, offset)
    assert nearest(target, value) == raw
    assert meaning(target, nearest(target, value)) == published


def test_a_float32_means_its_shortest_text() -> None:
    for text in ("230.2", "0.1", "1.1754944e-38", "3.4028235e+38", "16777216.0", "-7e-45"):
        raw = nearest(point("float32"), float(text))
        assert meaning(point("float32"), raw) == float(text)


def test_a_scaled_float32_is_scaled_exactly() -> None:
    # 1.2 as float32 is 1.2000000476837158203125.
    assert meaning(point("float32", "1000"), nearest(point("float32", "1000"), 1200)) == 1200.0000476837158


@pytest.mark.parametrize(("kind", "size"), [("bool", 1), ("uint16", 1), ("float32", 2), ("int64", 4), ("float64", 4)])
def test_widths(kind: Type, size: int) -> None:
    assert width(Address(0, "input", kind)) == size
    assert width(Address(0, "coil", "bool")) == 1
