"""How many registers a value takes, and which of their bytes it is made of."""

from __future__ import annotations

import pytest

from adapters.modbus.form import Form, byte_swapped, form, in_order, registers, value, width
from adapters.modbus.settings import Address, Order
from gateway.adapter import BIT_WIDTHS, ValueType


@pytest.mark.parametrize(
    ("type_", "count"),
    [
        ("bool", 1),
        ("uint8", 1),
        ("int16", 1),
        ("uint24", 2),
        ("float32", 2),
        ("int48", 3),
        ("bcd64", 4),
        ("hhmm", 1),
        ("version", 1),
        ("string", 0),
        ("datetime", 0),
    ],
)
def test_the_width_of_a_type(type_: ValueType, count: int) -> None:
    assert width(type_) == count


@pytest.mark.parametrize(
    ("address", "count"),
    [
        (Address(at=0, type="string", length=10), 10),
        (Address(at=0, type="datetime"), 3),
        (Address(at=0, type="datetime", length=6), 6),
        (Address(registers=(1, 2, 3), type="string"), 3),
        (Address(at=0, type="bool", table="coil"), 1),
    ],
)
def test_the_registers_of_an_address(address: Address, count: int) -> None:
    assert registers(address) == count
    assert form(address).words == count


@pytest.mark.parametrize(
    ("address", "order"),
    [
        (Address(at=0, type="float32", order="CDAB"), "CDAB"),
        (Address(at=0, type="uint24", order="DCBA"), "DCBA"),
        (Address(at=0, order="CDAB"), "ABCD"),
        (Address(at=0, order="DCBA"), "BADC"),
        (Address(at=0, type="string", length=4, order="CDAB"), "ABCD"),
        (Address(at=0, type="string", length=4, order="DCBA"), "BADC"),
        (Address(at=0, type="bytes", length=4, order="BADC"), "BADC"),
        (Address(at=0, type="datetime", length=6, order="CDAB"), "ABCD"),
    ],
)
def test_only_numbers_of_several_registers_have_an_order_of_words(address: Address, order: Order) -> None:
    assert form(address).order == order


@pytest.mark.parametrize(
    ("order", "letters"),
    [("ABCD", b"ABCDEFGH"), ("CDAB", b"GHEFCDAB"), ("BADC", b"BADCFEHG"), ("DCBA", b"HGFEDCBA")],
)
def test_the_letters_on_the_wire(order: Order, letters: bytes) -> None:
    assert in_order(letters, order) == b"ABCDEFGH"


def test_swapped_bytes() -> None:
    assert byte_swapped(b"ABCD") == b"BADC"


def test_a_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="uint32 takes 4 bytes, not 2"):
        value(Form("uint32", words=2), b"\0\0")


def test_every_type_can_be_read_from_its_registers() -> None:
    for type_ in BIT_WIDTHS:
        one = form(Address(at=0, type=type_, length=None if width(type_) else 3))
        value(one, bytes(2 * one.words))


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        (Address(file=1, record=0, type="float64"), 4),
        (Address(file=1, record=0, type="string", length=5), 5),
        (Address.model_validate({"file": 1, "record": 0, "table": "coil", "type": "uint32"}), 2),
        (Address(object="revision", type="string"), 1),
        (Address(object="revision", type="bytes", length=9), 1),
    ],
)
def test_records_are_as_many_as_registers_and_an_object_is_one(address: Address, taken: int) -> None:
    assert registers(address) == taken
