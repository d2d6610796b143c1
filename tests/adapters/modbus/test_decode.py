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
from adapters.modbus.plan import Field, Request
from adapters.modbus.settings import Order
from gateway.adapter import BIT_WIDTHS, Value, ValueType

ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")
TYPES: tuple[ValueType, ...] = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
# Letters of the bytes, most significant first, as they stand on the wire.
WIRE = {
    16: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    32: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    64: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}


def block(fields: list[tuple[int, ValueType, Order]], count: int) -> Request:
    """One holding register block."""
    return Request(1, "holding", 0, count, tuple(Field(index, *field) for index, field in enumerate(fields)))


def bits(offsets: list[int], count: int) -> Request:
    """One block of coils."""
    return Request(1, "coil", 0, count, tuple(Field(i, offset, "bool", "ABCD") for i, offset in enumerate(offsets)))


def on_the_wire(big_endian: bytes, order: Order) -> bytes:
    """The bytes of a value in the order in which a device sends them, letter by letter."""
    return bytes(big_endian[ord(letter) - ord("A")] for letter in WIRE[8 * len(big_endian)][order])


def same(one: Value, other: object) -> bool:
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
    ("type_", "wire", "value"),
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
def test_every_type(type_: ValueType, wire: str, value: Value) -> None:
    got = value_of(type_, "ABCD", bytes.fromhex(wire))
    assert same(got, value)
    assert same(decode(block([(0, type_, "ABCD")], len(wire) // 4), bytes.fromhex(wire))[0], value)


def test_a_float_that_is_no_number_stays_one_for_the_mapping_to_judge() -> None:
    value = value_of("float32", "ABCD", bytes.fromhex("7fc00000"))
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(("type_", "size"), [("int16", 1), ("int16", 4), ("bool", 1), ("float64", 4), ("uint32", 0)])
def test_bytes_that_do_not_fit_the_type_are_refused(type_: ValueType, size: int) -> None:
    with pytest.raises(ValueError, match=f"{type_} takes"):
        value_of(type_, "ABCD", bytes(size))


@pytest.mark.parametrize("type_", TYPES)
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


@given(st.binary(min_size=250, max_size=250), st.data())
def test_a_whole_block_is_what_its_points_are_alone(data: bytes, draw: st.DataObject) -> None:
    fields: list[tuple[int, ValueType, Order]] = []
    for offset in sorted(draw.draw(st.lists(st.integers(0, 121), min_size=1, max_size=60))):
        fields.append((offset, draw.draw(st.sampled_from(("bool", *TYPES))), draw.draw(st.sampled_from(ORDERS))))
    values = decode(block(fields, 125), data)
    assert len(values) == len(fields)
    for value, (offset, type_, order) in zip(values, fields, strict=True):
        alone = data[2 * offset : 2 * offset + max(2, BIT_WIDTHS[type_] // 8)]
        assert same(value, value_of(type_, order, alone))


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
