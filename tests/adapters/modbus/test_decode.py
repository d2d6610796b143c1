"""Bytes of the wire become values: all types, all orders, judged by worked examples and by pymodbus."""

from __future__ import annotations

import math
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from adapters.modbus.decode import decode, decoder, value_of
from adapters.modbus.form import form, value
from adapters.modbus.plan import Field, Request
from adapters.modbus.settings import Address, Byte, Order
from gateway.adapter import BIT_WIDTHS, Status, Value, ValueType, encoding

ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")
TYPES: tuple[ValueType, ...] = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
WIDER: tuple[ValueType, ...] = (
    *TYPES,
    "float16",
    "int48",
    "uint48",
    "bcd16",
    "bcd32",
    "bcd64",
    "signmag16",
    "signmag32",
)
# Letters of the bytes, most significant first, as they stand on the wire.
WIRE = {
    16: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    32: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    48: {"ABCD": "ABCDEF", "CDAB": "EFCDAB", "BADC": "BADCFE", "DCBA": "FEDCBA"},
    64: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}


def block(fields: list[tuple[int, ValueType, Order]], count: int) -> Request:
    """One holding register block."""
    return of([Address(at=at, type=type_, order=order) for at, type_, order in fields], count)


def of(addresses: list[Address], count: int) -> Request:
    """One holding register block that begins at 0."""
    fields = tuple(Field(index, address.at or 0, form(address)) for index, address in enumerate(addresses))
    return Request(1, "holding", 0, count, fields)


def bits(offsets: list[int], count: int) -> Request:
    """One block of coils."""
    coil = form(Address(at=0, table="coil", type="bool"))
    return Request(1, "coil", 0, count, tuple(Field(index, offset, coil) for index, offset in enumerate(offsets)))


def on_the_wire(big_endian: bytes, order: Order) -> bytes:
    """The bytes of a value in the order in which a device sends them, letter by letter."""
    return bytes(big_endian[ord(letter) - ord("A")] for letter in WIRE[8 * len(big_endian)][order])


def same(one: Value | Status, other: object) -> bool:
    """Equal in value and kind; NaN is NaN."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize(
    ("order", "wire"),
    [("ABCD", "43 66 33 33"), ("CDAB", "33 33 43 66"), ("BADC", "66 43 33 33"), ("DCBA", "33 33 66 43")],
)
def test_the_example_that_explains_the_orders(order: Order, wire: str) -> None:
    assert value_of("float32", order, bytes.fromhex(wire)) == 230.1999969482422


@pytest.mark.parametrize(
    ("type_", "wire", "expected"),
    [
        ("bool", "0000", False),
        ("bool", "0001", True),
        ("bool", "8000", True),
        ("int16", "8000", -32768),
        ("uint16", "8000", 32768),
        ("int32", "fffffffe", -2),
        ("uint32", "fffffffe", 2**32 - 2),
        ("int64", "8000000000000000", -(2**63)),
        ("uint64", "ffffffffffffffff", 2**64 - 1),
        ("uint64", "0020000000000001", 2**53 + 1),
        ("float32", "7f800000", math.inf),
        ("float32", "80000000", -0.0),
        ("float64", "400921fb54442d18", math.pi),
    ],
)
def test_every_type(type_: ValueType, wire: str, expected: Value) -> None:
    got = value_of(type_, "ABCD", bytes.fromhex(wire))
    assert same(got, expected)
    assert same(decode(block([(0, type_, "ABCD")], len(wire) // 4), bytes.fromhex(wire))[0], expected)


def test_a_float_that_is_no_number_stays_one_for_the_mapping_to_judge() -> None:
    got = value_of("float32", "ABCD", bytes.fromhex("7fc00000"))
    assert isinstance(got, float)
    assert math.isnan(got)


@pytest.mark.parametrize(("type_", "size"), [("int16", 1), ("int16", 4), ("bool", 1), ("float64", 4), ("uint32", 0)])
def test_bytes_that_do_not_fit_the_type_are_refused(type_: ValueType, size: int) -> None:
    with pytest.raises(ValueError, match=f"{type_} takes"):
        value_of(type_, "ABCD", bytes(size))


@pytest.mark.parametrize("type_", WIDER)
@pytest.mark.parametrize("order", ORDERS)
@given(data=st.data())
def test_orders_are_the_letters_on_the_wire(type_: ValueType, order: Order, data: st.DataObject) -> None:
    size = BIT_WIDTHS[type_] // 8
    plain = data.draw(st.binary(min_size=size, max_size=size))
    assert same(value_of(type_, order, on_the_wire(plain, order)), value_of(type_, "ABCD", plain))


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("order", "word_order"), [("ABCD", "big"), ("CDAB", "little")])
@given(data=st.data())
def test_pymodbus_reads_the_same(type_: ValueType, order: Order, word_order: str, data: st.DataObject) -> None:
    size = BIT_WIDTHS[type_] // 8
    wire = data.draw(st.binary(min_size=size, max_size=size))
    words = list(struct.unpack(f">{size // 2}H", wire))
    judge = ModbusClientMixin.convert_from_registers(
        words,
        getattr(ModbusClientMixin.DATATYPE, type_.upper()),
        word_order=word_order,  # type: ignore[arg-type]  # a Literal of pymodbus, parametrised here
    )
    assert same(value_of(type_, order, wire), judge)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20))
def test_pymodbus_writes_texts_that_are_read_the_same(text: str) -> None:
    words = ModbusClientMixin.convert_to_registers(text, ModbusClientMixin.DATATYPE.STRING)
    assert value_of("string", "ABCD", struct.pack(f">{len(words)}H", *words)) == text


def test_a_block_of_one_order_with_gaps() -> None:
    request = block([(0, "float32", "ABCD"), (2, "int16", "ABCD"), (5, "uint32", "ABCD")], 8)
    data = bytes.fromhex("43663333 fffe dead beef 00010002 cafe")
    assert decode(request, data) == [230.1999969482422, -2, 65538]


def test_a_block_of_all_orders_keeps_the_order_of_its_fields() -> None:
    request = block(
        [
            (0, "float32", "DCBA"),
            (2, "float32", "ABCD"),
            (4, "float32", "CDAB"),
            (6, "uint16", "ABCD"),
            (7, "float32", "BADC"),
        ],
        9,
    )
    data = bytes.fromhex("33336643 43663333 33334366 0007 66433333")
    assert decode(request, data) == [230.1999969482422] * 3 + [7, 230.1999969482422]


def test_points_that_overlap_are_both_read() -> None:
    request = block([(0, "uint32", "ABCD"), (0, "uint16", "ABCD"), (1, "uint16", "ABCD"), (1, "uint32", "ABCD")], 3)
    assert decode(request, bytes.fromhex("000100020003")) == [0x10002, 1, 2, 0x20003]


def test_a_register_read_as_bool_is_whether_it_is_not_0() -> None:
    request = block([(0, "bool", "ABCD"), (1, "uint16", "ABCD"), (2, "bool", "DCBA")], 3)
    values = decode(request, bytes.fromhex("010000010000"))
    assert values == [True, 1, False]
    assert [type(value) for value in values] == [bool, int, bool]


def test_bits_begin_with_the_least_significant() -> None:
    # Application Protocol V1.1b3, section 6.1: coils 27 to 20 are CD = 1100 1101; 38 to 36 are the low bits of 05.
    data = bytes.fromhex("CD6B05")
    assert decode(bits([0, 1, 2, 7, 8, 16, 17, 18], 19), data) == [True, False, True, True, True, True, False, True]


@pytest.mark.parametrize(
    ("address", "wire", "expected"),
    [
        (Address(at=0, type="uint8"), "12fe", 0xFE),
        (Address(at=0, type="int8"), "12fe", -2),
        (Address(at=0, type="uint8", byte="high"), "12fe", 0x12),
        (Address(at=0, type="uint8", byte="high", order="BADC"), "12fe", 0xFE),
        (Address(at=0, type="uint8", byte="low", order="DCBA"), "12fe", 0x12),
        (Address(at=0, type="uint8", byte="low", order="CDAB"), "12fe", 0xFE),
        (Address(at=0, type="bool", byte="high"), "0001", False),
        (Address(at=0, type="bool", byte="low"), "0001", True),
        (
            Address(at=0, type="uint16", bits=(5, 15)),
            "ac36",
            0x561,
        ),  # the battery in Ruuvi's example, before the offset
        (Address(at=0, type="uint16", bits=(0, 4)), "ac36", 0x16),
        (Address(at=0, type="int16", bits=(12, 15)), "f000", 15),
        (Address(at=0, type="uint16", bits=(8, 15), order="BADC"), "12fe", 0xFE),
        (Address(at=0, type="uint32", bits=(16, 31)), "00010002", 1),
        (Address(at=0, type="uint32", bits=(16, 31), order="CDAB"), "00010002", 2),
        (Address(at=0, type="int64", bits=(60, 63)), "f000000000000000", 15),
        (Address(at=0, type="uint8", bits=(4, 7), byte="high"), "a5ff", 10),
        (Address(at=0, type="uint24", bits=(20, 23)), "ffe00000", 14),
        (Address(at=0, type="bool", bits=(3, 3)), "0008", True),
        (Address(at=0, type="bool", bits=(3, 3)), "fff7", False),
        (Address(at=0, type="bool", bits=(0, 0), byte="high"), "0100", True),
        (Address(at=0, type="bool", bits=(8, 8), order="BADC"), "0001", True),
        (Address(at=0, type="uint24"), "ff148a13", 1346067),  # what stands above the 24 bits is not of the value
        (Address(at=0, type="int24"), "00800000", -8388608),
        (Address(at=0, type="int24", order="CDAB"), "ffff00ff", -1),
        (Address(at=0, type="bcd32", order="DCBA"), "78563412", 12345678),  # as on an M-Bus
        (Address(at=0, type="bcd16"), "ffff", encoding.NOT_BCD),
        (Address(at=0, type="string", length=2), "53756e53", "SunS"),
        (Address(at=0, type="string", length=2, order="BADC"), "7553536e", "SunS"),
        (Address(at=0, type="string", length=2, order="CDAB"), "53756e53", "SunS"),
        (Address(at=0, type="string", length=2, order="DCBA"), "7553536e", "SunS"),
        (Address(at=0, type="bytes", length=2), "00ff0100", b"\x00\xff\x01\x00"),
        (Address(at=0, type="datetime"), "1a0b19072111", "2026-11-25T07:33:17"),
        (Address(at=0, type="datetime", order="BADC"), "0b1a07191121", "2026-11-25T07:33:17"),
        (Address(at=0, type="datetime", length=6), "07ea000b0019000700210011", "2026-11-25T07:33:17"),
        (Address(at=0, type="datetime"), "000000000000", encoding.NOT_A_DATE),
        (Address(at=0, type="hhmm"), "04d2", "12:34"),
        (Address(at=0, type="version"), "1234", "1.2.3.4"),
    ],
)
def test_what_a_profile_can_ask_for(address: Address, wire: str, expected: Value | Status) -> None:
    data = bytes.fromhex(wire)
    assert same(decode(of([address], len(data) // 2), data)[0], expected)
    assert same(value(form(address), data), expected)


def test_every_bit_of_a_status_word_is_one_struct_call() -> None:
    addresses = [Address(at=1, type="bool", bits=(bit, bit)) for bit in range(16)]
    run = decoder(of([Address(at=0), *addresses, Address(at=1), Address(at=2)], 3))
    assert run(bytes.fromhex("000780010009")) == [7, True, *[False] * 14, True, 0x8001, 9]


LENGTHS: dict[ValueType, int] = {"string": 4, "bytes": 3, "datetime": 3}
BITS: dict[ValueType, tuple[int, int]] = {"bool": (3, 3), "uint16": (5, 15), "int16": (0, 3), "uint32": (7, 30)}


@given(st.binary(min_size=250, max_size=250), st.data())
def test_a_whole_block_is_what_its_points_are_alone(data: bytes, draw: st.DataObject) -> None:
    addresses: list[Address] = []
    for offset in sorted(draw.draw(st.lists(st.integers(0, 121), min_size=1, max_size=60))):
        type_ = draw.draw(st.sampled_from(sorted(BIT_WIDTHS)))
        byte: Byte | None = draw.draw(st.sampled_from((None, "high", "low")))
        bits_ = draw.draw(st.sampled_from((None, BITS[type_]))) if type_ in BITS else None
        order = draw.draw(st.sampled_from(ORDERS))
        addresses.append(Address(at=offset, type=type_, order=order, byte=byte, bits=bits_, length=LENGTHS.get(type_)))
    values = decode(of(addresses, 125), data)
    assert len(values) == len(addresses)
    for got, address in zip(values, addresses, strict=True):
        one = form(address)
        begin = 2 * (address.at or 0)
        assert same(got, value(one, data[begin : begin + 2 * one.words]))


def test_data_of_another_length_is_not_decoded() -> None:
    with pytest.raises(struct.error):
        decode(block([(0, "uint16", "ABCD")], 2), bytes(2))


def test_a_decoder_is_compiled_once() -> None:
    assert decoder(block([(0, "uint16", "ABCD")], 1)) is decoder(block([(0, "uint16", "ABCD")], 1))


def test_a_block_in_one_order_costs_little() -> None:
    run = decoder(block([(at, "float32", "ABCD") for at in range(0, 124, 2)], 124))
    data = bytes(248)
    best = min(_seconds(run, data) for _ in range(5))
    # Measured at 0.01 us a value; ten times that is still one struct call and no loop.
    assert best / 62 < 0.2e-6


def _seconds(run: object, data: bytes) -> float:
    assert callable(run)
    begin = time.process_time()
    for _ in range(500):
        run(data)
    return (time.process_time() - begin) / 500
