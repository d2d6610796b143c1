"""Bytes become values of their type, judged by examples that others published; what is not of its type is told."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import encoding
from gateway.encoding import NOT_A_DATE, NOT_A_TIME, NOT_BCD, NOT_TEXT, bits, decode, limits
from gateway.model import Quality, Status, Value
from gateway.values import BIT_WIDTHS, TEXTS, ValueType

# RFC 8949, appendix A: numbers beside their big-endian bytes.
RFC_8949: list[tuple[ValueType, str, Value]] = [
    ("uint8", "18", 24),
    ("uint16", "03e8", 1000),
    ("uint24", "0f4240", 1_000_000),
    ("uint32", "000f4240", 1_000_000),
    ("uint48", "00e8d4a51000", 1_000_000_000_000),
    ("uint64", "000000e8d4a51000", 1_000_000_000_000),
    ("uint64", "ffffffffffffffff", 18446744073709551615),
    ("float16", "3e00", 1.5),
    ("float16", "7bff", 65504.0),
    ("float16", "0001", 5.960464477539063e-8),
    ("float16", "0400", 0.00006103515625),
    ("float16", "c400", -4.0),
    ("float16", "7c00", math.inf),
    ("float16", "fc00", -math.inf),
    ("float32", "47c35000", 100000.0),
    ("float32", "7f7fffff", 3.4028234663852886e38),
    ("float64", "3ff199999999999a", 1.1),
    ("float64", "7e37e43c8800759c", 1e300),
    ("float64", "c010666666666666", -4.1),
]
# Two's complement as printed in textbooks: -1, the smallest, the largest.
SIGNED: list[tuple[ValueType, str, Value]] = [
    (type_, pattern, value)
    for type_ in ("int8", "int16", "int24", "int32", "int48", "int64")
    for width in (int(type_.removeprefix("int")),)
    for pattern, value in (
        ("ff" * (width // 8), -1),
        ("80" + "00" * (width // 8 - 1), -(2 ** (width - 1))),
        ("7f" + "ff" * (width // 8 - 1), 2 ** (width - 1) - 1),
    )
]
OTHERS: list[tuple[ValueType, str, Value]] = [
    ("bool", "0000", False),
    ("bool", "0100", True),
    ("bool", "01", True),
    ("uint24", "148a13", 1346067),  # BTHome's energy of 1346.067 kWh
    ("bcd16", "1234", 1234),
    ("bcd32", "12345678", 12345678),  # the number of the meter in the examples of EN 13757-3
    ("bcd64", "0123456789012345", 123456789012345),
    ("bcd64", "9999999999999999", 9999999999999999),
    ("signmag16", "0001", 1),
    ("signmag16", "8001", -1),
    ("signmag16", "8000", 0),
    ("signmag16", "ffff", -32767),
    ("signmag32", "80000100", -256),
    ("signmag32", "7fffffff", 2147483647),
    ("string", "53756e53", "SunS"),  # how a SunSpec device begins
    ("bytes", "00ff1000", b"\x00\xff\x10\x00"),
    ("hhmm", "04d2", "12:34"),
    ("hhmm", "0005", "00:05"),
    ("hhmm", "0937", "23:59"),
    ("hhmm", "0960", "24:00"),
    ("version", "1234", "1.2.3.4"),
    ("version", "0a0f", "0.10.0.15"),
    ("datetime", "1a0b19072111", "2026-11-25T07:33:17"),
    ("datetime", "001c 0002 001d 0000 003b 003b", "2028-02-29T00:59:59"),
    ("datetime", "07ea 000b 0019 0007 0021 0011", "2026-11-25T07:33:17"),
    ("datetime", "0000 0001 0001 0000 0000 0000", "2000-01-01T00:00:00"),
]


@pytest.mark.parametrize(("type_", "data", "value"), RFC_8949 + SIGNED + OTHERS)
def test_published_examples(type_: ValueType, data: str, value: Value) -> None:
    got = decode(type_, bytes.fromhex(data))
    assert got == value
    assert type(got) is type(value)


def test_every_type_has_an_example() -> None:
    assert {type_ for type_, _, _ in RFC_8949 + SIGNED + OTHERS} == set(BIT_WIDTHS)


def test_a_float_that_is_no_number_stays_one_for_the_mapping_to_judge() -> None:
    for type_, data in (("float16", "7e00"), ("float32", "7fc00000"), ("float64", "7ff8000000000000")):
        got = decode(type_, bytes.fromhex(data))  # type: ignore[arg-type]  # a ValueType, written out
        assert isinstance(got, float)
        assert math.isnan(got)


@pytest.mark.parametrize(
    ("type_", "data", "status"),
    [
        ("bcd16", "12a4", NOT_BCD),
        ("bcd32", "ffffffff", NOT_BCD),
        ("bcd64", "000000000000000f", NOT_BCD),
        ("string", "41420943", NOT_TEXT),
        ("string", "0102", NOT_TEXT),
        ("string", "41850042", NOT_TEXT),
        ("hhmm", "0961", NOT_A_TIME),  # 24:01
        ("hhmm", "003c", NOT_A_TIME),  # 00:60
        ("hhmm", "ffff", NOT_A_TIME),
        ("datetime", "000000000000", NOT_A_DATE),
        ("datetime", "ffffffffffff", NOT_A_DATE),
        ("datetime", "1a0d01000000", NOT_A_DATE),  # the 13th month
        ("datetime", "1a021d000000", NOT_A_DATE),  # 29 February 2026
        ("datetime", "1a0b19180000", NOT_A_DATE),  # 24 o'clock
        ("datetime", "1a0b1907213c", NOT_A_DATE),  # second 60
        ("datetime", "0064 0001 0001 0000 0000 0000", NOT_A_DATE),  # the year 100
        ("datetime", "ffff ffff ffff ffff ffff ffff", NOT_A_DATE),
    ],
)
def test_what_is_not_of_its_type_is_told_by_one_shared_status(type_: ValueType, data: str, status: Status) -> None:
    assert decode(type_, bytes.fromhex(data)) is status
    assert status.quality is Quality.BAD
    assert status.reason.startswith("not a ")
    assert type_ in encoding.FALLIBLE


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"SDM630\0\0", "SDM630"),
        (b"SDM630  ", "SDM630"),
        (b"  SDM630", "SDM630"),
        (b"\0\0SDM630", "SDM630"),
        (b"AB\0CDEF\0", "AB"),
        (b"Janitza electronics\0", "Janitza electronics"),
        ("Zähler".encode(), "Zähler"),
        ("Zähler".encode("latin-1"), "Zähler"),
        (b"FW1.2\xff\xff\xff", "FW1.2"),
        (b"\0\0\0\0", ""),
        (b"\xff\xff\xff\xff", ""),
        (b"", ""),
    ],
)
def test_a_text_comes_without_what_stands_round_it(data: bytes, text: str) -> None:
    assert decode("string", data) == text


@given(st.sampled_from(sorted(BIT_WIDTHS)), st.binary(min_size=8, max_size=8))
def test_only_fallible_types_can_fail(type_: ValueType, data: bytes) -> None:
    size = 6 if type_ == "datetime" else BIT_WIDTHS[type_] // 8 or len(data)
    if isinstance(decode(type_, data[:size]), Status):
        assert type_ in encoding.FALLIBLE


@pytest.mark.parametrize("type_", sorted(type_ for type_, width in BIT_WIDTHS.items() if width >= 8))
@pytest.mark.parametrize("more", [-1, 1])
def test_bytes_that_do_not_fit_the_type_are_refused(type_: ValueType, more: int) -> None:
    size = BIT_WIDTHS[type_] // 8
    with pytest.raises(ValueError, match=f"{type_} takes {size} bytes, not {size + more}"):
        decode(type_, bytes(size + more))


def test_a_date_takes_6_or_12_bytes() -> None:
    with pytest.raises(ValueError, match="6 or 12 bytes, not 8"):
        decode("datetime", bytes(8))


@pytest.mark.parametrize("type_", sorted(encoding.INTEGERS))
@given(data=st.data())
def test_limits_are_kept_and_reached(type_: ValueType, data: st.DataObject) -> None:
    lowest, highest = limits(type_)
    size = BIT_WIDTHS[type_] // 8
    for end in (
        b"\x00" * size,
        b"\xff" * size,
        b"\x7f" + b"\xff" * (size - 1),
        b"\x80" + bytes(size - 1),
        b"\x99" * size,
    ):
        got = decode(type_, end)
        assert isinstance(got, Status) or (isinstance(got, int) and lowest <= got <= highest)
    drawn = decode(type_, data.draw(st.binary(min_size=size, max_size=size)))
    assert isinstance(drawn, Status) or (isinstance(drawn, int) and lowest <= drawn <= highest)


@pytest.mark.parametrize(
    ("type_", "both"),
    [
        ("uint8", (0, 255)),
        ("int24", (-8388608, 8388607)),
        ("int64", (-(2**63), 2**63 - 1)),
        ("signmag16", (-32767, 32767)),
        ("bcd16", (0, 9999)),
        ("bcd64", (0, 9_999_999_999_999_999)),
    ],
)
def test_limits(type_: ValueType, both: tuple[int, int]) -> None:
    assert limits(type_) == both


@pytest.mark.parametrize("type_", ["bool", "float32", "string"])
def test_what_is_no_integer_has_no_limits(type_: ValueType) -> None:
    with pytest.raises(ValueError, match="no integer"):
        limits(type_)


def test_every_type_is_a_bool_an_integer_a_float_or_a_text() -> None:
    for type_ in BIT_WIDTHS:
        kinds = (type_ == "bool", encoding.is_integer(type_), encoding.is_float(type_), type_ in TEXTS)
        assert sum(kinds) == 1, type_


@pytest.mark.parametrize(
    ("value", "low", "high", "field"),
    [
        (0b1010_1100, 0, 0, 0),
        (0b1010_1100, 2, 2, 1),
        (0b1010_1100, 2, 5, 0b1011),
        (0xFFFF, 5, 15, 2047),  # the battery of a Ruuvi tag that has no value
        (-1, 0, 15, 0xFFFF),
        (-32768, 15, 15, 1),
        (2**64 - 1, 0, 63, 2**64 - 1),
    ],
)
def test_a_field_of_bits(value: int, low: int, high: int, field: int) -> None:
    assert bits(value, low, high) == field


@given(st.decimals(0, 9999, places=0))
def test_bcd_reads_as_it_is_printed(number: Decimal) -> None:
    assert decode("bcd16", bytes.fromhex(f"{int(number):04}")) == int(number)


@given(st.binary(min_size=4, max_size=4))
def test_struct_reads_the_same(data: bytes) -> None:
    assert decode("int32", data) == struct.unpack(">i", data)[0]
    assert decode("uint32", data) == struct.unpack(">I", data)[0]
