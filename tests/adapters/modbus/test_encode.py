"""Values become registers: by hand and by pymodbus for the bytes, by our own decoder only for the way back."""

from __future__ import annotations

import math
import struct
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from adapters.modbus.encode import Unfit, Words, encoded, flag
from adapters.modbus.form import Form, form, value
from adapters.modbus.settings import Address, Order
from gateway.adapter import Value, ValueType, encoding

Pymodbus = ModbusClientMixin[Any]
ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")


def of(type_: ValueType, order: Order = "ABCD", **more: Any) -> Form:
    return form(Address(at=0, type=type_, order=order, **more))


def written(of_: Form, given_: Value) -> str:
    """The registers in hexadecimal; behind a slash the mask where they are shared."""
    words = encoded(of_, given_)
    data = words.data.hex(" ", 2)
    return data if words.whole else f"{data} / {words.mask.hex(' ', 2)}"


@pytest.mark.parametrize(
    ("of_", "given_", "registers"),
    [
        # 230.2 is 0x43663333 as a float32 (IEEE 754).
        (of("float32"), 230.2, "4366 3333"),
        (of("float32", "CDAB"), 230.2, "3333 4366"),
        (of("float32", "BADC"), 230.2, "6643 3333"),
        (of("float32", "DCBA"), 230.2, "3333 6643"),
        (of("float16"), 1.5, "3e00"),
        (of("float64", "CDAB"), 1.0, "0000 0000 0000 3ff0"),
        (of("float32"), 7, "40e0 0000"),
        (of("int16"), -2, "fffe"),
        (of("uint16"), 65535, "ffff"),
        (of("uint16"), 12.0, "000c"),
        (of("uint16", "BADC"), 0x1234, "3412"),
        (of("uint16", "CDAB"), 0x1234, "1234"),
        (of("int32", "CDAB"), -2, "fffe ffff"),
        (of("uint32", "DCBA"), 0x12345678, "7856 3412"),
        (of("uint48"), 0x123456789ABC, "1234 5678 9abc"),
        (of("int24"), -2, "ffff fffe"),
        (of("int24"), 2, "0000 0002"),
        (of("uint24", "CDAB"), 0x123456, "3456 0012"),
        (of("bcd16"), 1234, "1234"),
        (of("bcd32"), 42, "0000 0042"),
        (of("signmag16"), -5, "8005"),
        (of("signmag32"), 5, "0000 0005"),
        (of("bool"), True, "0001"),
        (of("bool"), False, "0000"),
        (of("string", length=3), "PUMP1", "5055 4d50 3100"),
        (of("string", "BADC", length=2), "AB", "4241 0000"),
        (of("string", length=2), "é", "c3a9 0000"),
        (of("bytes", length=2), b"\1\2\3\4", "0102 0304"),
        (of("hhmm"), "06:30", "0276"),
        (of("hhmm"), "24:00", "0960"),
        (of("datetime"), "2026-11-25T07:33:17", "1a0b 1907 2111"),
        (of("datetime", length=6), "2026-11-25T07:33:17", "07ea 000b 0019 0007 0021 0011"),
        (of("version"), "1.2.3.15", "123f"),
        (of("uint8"), 0x12, "0012 / 00ff"),
        (of("int8", byte="high"), -1, "ff00 / ff00"),
        (of("int8", "BADC", byte="high"), -1, "00ff / 00ff"),
        (of("bool", byte="low"), True, "0001 / 00ff"),
        (of("bool", bits=(3, 3)), True, "0008 / 0008"),
        (of("bool", bits=(3, 3)), False, "0000 / 0008"),
        (of("bool", bits=(1, 1), byte="high"), True, "0200 / 0200"),
        (of("uint16", bits=(4, 7)), 0xA, "00a0 / 00f0"),
        (of("uint16", bits=(0, 15)), 7, "0007"),
        (of("uint32", "CDAB", bits=(4, 7)), 0xA, "00a0 0000 / 00f0 0000"),
        (of("uint32", bits=(12, 19)), 0xFF, "000f f000 / 000f f000"),
        (of("int24", bits=(0, 3)), 5, "0000 0005 / 0000 000f"),
    ],
)
def test_a_value_in_its_registers(of_: Form, given_: Value, registers: str) -> None:
    assert written(of_, given_) == registers


@pytest.mark.parametrize(
    ("of_", "given_", "reason"),
    [
        (of("uint16"), 65536, "65536 does not fit into uint16: 0 to 65535"),
        (of("uint16"), -1, "-1 does not fit into uint16: 0 to 65535"),
        (of("int16"), 32768, "32768 does not fit into int16: -32768 to 32767"),
        (of("int24"), 1 << 23, "8388608 does not fit into int24: -8388608 to 8388607"),
        (of("bcd16"), 10000, "10000 does not fit into bcd16: 0 to 9999"),
        (of("signmag16"), -32768, "-32768 does not fit into signmag16: -32767 to 32767"),
        (of("uint8"), 256, "256 does not fit into uint8: 0 to 255"),
        (of("uint16"), 1.5, "1.5 is no whole number"),
        (of("uint16"), math.nan, "nan is no whole number"),
        (of("uint16"), math.inf, "inf is no whole number"),
        (of("uint16"), True, "True is no whole number"),
        (of("uint16"), "7", '"7" is no whole number'),
        (of("uint16"), None, "None is no whole number"),
        (of("float32"), 1e39, "1e+39 does not fit into float32"),
        (of("float16"), 70000, "70000 does not fit into float16"),
        (of("float64"), 10**400, f"{10**400} does not fit into float64"),
        (of("float32"), math.nan, "nan is no number"),
        (of("float32"), True, "True is no number"),
        (of("float32"), "1.5", '"1.5" is no number'),
        (of("bool"), 1, "1 is neither true nor false"),
        (of("bool", bits=(3, 3)), 1, "1 is neither true nor false"),
        (of("uint16", bits=(4, 7)), 16, "16 does not fit into its bits: 0 to 15"),
        (of("int16", bits=(4, 7)), -1, "-1 does not fit into its bits: 0 to 15"),
        (of("string", length=2), "PUMP1", '"PUMP1" is 5 bytes long, but there is room for 4'),
        (of("string", length=2), "a\nb", r"'a\nb' has control characters"),
        (of("string", length=2), 7, "7 is no text"),
        (of("bytes", length=2), b"\1\2\3", "b'\\x01\\x02\\x03' is not 4 bytes"),
        (of("hhmm"), "24:01", '"24:01" is no time of day: write for example "06:30"'),
        (of("hhmm"), 630, '630 is no time of day: write for example "06:30"'),
        (of("datetime"), "now", '"now" is no date and time: write for example "2026-11-25T07:33:17"'),
        (
            of("datetime"),
            "2026-11-25T07:33:17+01:00",
            '"2026-11-25T07:33:17+01:00" is no date and time: write for example "2026-11-25T07:33:17"',
        ),
        (of("datetime"), "1999-12-31T23:59:59", "the year 1999 does not fit: 2000 to 2099"),
        (of("version"), "1.2.3", '"1.2.3" is no version: write for example "1.2.3.4", each 0 to 15'),
        (of("version"), "1.2.3.16", '"1.2.3.16" is no version: write for example "1.2.3.4", each 0 to 15'),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(of_: Form, given_: Value, reason: str) -> None:
    with pytest.raises(Unfit) as caught:
        encoded(of_, given_)
    assert str(caught.value) == reason


NUMBERS: list[tuple[ValueType, str, st.SearchStrategy[Any]]] = [
    ("int16", "INT16", st.integers(-(2**15), 2**15 - 1)),
    ("uint16", "UINT16", st.integers(0, 2**16 - 1)),
    ("int32", "INT32", st.integers(-(2**31), 2**31 - 1)),
    ("uint32", "UINT32", st.integers(0, 2**32 - 1)),
    ("int64", "INT64", st.integers(-(2**63), 2**63 - 1)),
    ("uint64", "UINT64", st.integers(0, 2**64 - 1)),
    ("float32", "FLOAT32", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    ("float64", "FLOAT64", st.floats(allow_nan=False, allow_infinity=False)),
]


@pytest.mark.parametrize(("type_", "theirs", "values"), NUMBERS, ids=[name for name, _, _ in NUMBERS])
@given(data=st.data())
def test_numbers_are_written_as_pymodbus_writes_them(
    type_: ValueType, theirs: str, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    given_ = data.draw(values)
    words: tuple[tuple[Order, Literal["big", "little"]], ...] = (("ABCD", "big"), ("CDAB", "little"))
    for order, word_order in words:
        registers = Pymodbus.convert_to_registers(given_, Pymodbus.DATATYPE[theirs], word_order)
        assert encoded(of(type_, order), given_).data == struct.pack(f">{len(registers)}H", *registers)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8))
def test_texts_are_written_as_pymodbus_writes_them(text: str) -> None:
    registers = Pymodbus.convert_to_registers(text, Pymodbus.DATATYPE.STRING)
    data = struct.pack(f">{len(registers)}H", *registers)
    assert encoded(of("string", length=4), text).data == data.ljust(8, b"\0")


WHOLE: tuple[ValueType, ...] = (
    *(type_ for type_ in encoding.INTEGERS),
    "float16",
    "float32",
    "float64",
    "bool",
    "hhmm",
    "version",
)


@given(st.sampled_from(sorted(WHOLE)), st.sampled_from(ORDERS), st.data())
def test_what_is_read_can_be_written_and_is_read_the_same(type_: ValueType, order: Order, data: st.DataObject) -> None:
    of_ = of(type_, order)
    read = value(of_, data.draw(st.binary(min_size=2 * of_.words, max_size=2 * of_.words)))
    if isinstance(read, (bool, int, str)) or (isinstance(read, float) and math.isfinite(read)):
        assert value(of_, encoded(of_, read).over(bytes(2 * of_.words))) == read


@given(st.integers(0, 31), st.integers(0, 31), st.sampled_from(ORDERS), st.binary(min_size=4, max_size=4), st.data())
def test_a_field_is_changed_and_nothing_beside_it(
    a: int, b: int, order: Order, held: bytes, data: st.DataObject
) -> None:
    low, high = min(a, b), max(a, b)
    field = of("uint32", order, bits=(low, high))
    new = data.draw(st.integers(0, (1 << high - low + 1) - 1))
    after = encoded(field, new).over(held)
    assert value(field, after) == new
    whole = of("uint32", order)
    before_, after_ = value(whole, held), value(whole, after)
    assert isinstance(before_, int)
    assert isinstance(after_, int)
    assert (before_ ^ after_) & ~(((1 << high - low + 1) - 1) << low) == 0


def test_what_belongs_to_neighbours_is_kept() -> None:
    words = Words(b"\x00\xa0", b"\x00\xf0")
    assert words.over(b"\x12\x34") == b"\x12\xa4"
    assert not words.whole
    assert Words(b"\x00\xa0", b"\xff\xff").over(b"\x12\x34") == b"\x00\xa0"


@pytest.mark.parametrize("given_", [0, 1, "on", None, 1.0])
def test_a_coil_is_true_or_false(given_: Value) -> None:
    with pytest.raises(Unfit, match="neither true nor false"):
        flag(given_)


def test_a_year_of_less_than_four_digits_is_not_sent() -> None:
    with pytest.raises(Unfit, match="the year 50 does not fit: 1000 to 9999"):
        encoded(form(Address(at=0, type="datetime", length=6)), "0050-01-02T03:04:05")
