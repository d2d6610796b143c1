"""How the registers of one value are read: how many there are, and what becomes of their words.

First the bytes are put into order (the most significant first), then ``byte`` and ``bits`` take their part, and what is
left is decoded as its type.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.modbus.settings import BIT_TABLES, Address, Byte, Order
from gateway.adapter import BIT_WIDTHS, Status, Value, ValueType, encoding

SEQUENCES: frozenset[ValueType] = frozenset(("string", "bytes", "datetime"))
"""Types that are one thing after the other, and no number: the order of words is not for them."""
_DATETIME_REGISTERS = 3
_WORDS_IN_TURN: dict[Order, Order] = {"ABCD": "ABCD", "CDAB": "ABCD", "BADC": "BADC", "DCBA": "BADC"}

SWAPPED: frozenset[Order] = frozenset(("BADC", "CDAB"))
"""Orders that are read in the block with the bytes of every register swapped."""
BACKWARDS: frozenset[Order] = frozenset(("DCBA", "CDAB"))
"""Orders that are read from the end there: as little-endian."""

Reader: TypeAlias = Callable[[bytes], Value | Status]


@dataclass(frozen=True, slots=True)
class Form:
    """What makes a value of some registers."""

    type: ValueType
    order: Order = "ABCD"
    """ABCD or BADC where there is no order of words."""
    words: int = 1
    """Registers."""
    byte: Byte | None = None
    bits: tuple[int, int] | None = None


def form(address: Address) -> Form:
    """The form of an address. What ``check`` finds wrong is taken as well as it can be."""
    words = registers(address)
    in_turn = words == 1 or address.type in SEQUENCES
    order = _WORDS_IN_TURN[address.order] if in_turn else address.order
    return Form(address.type, order, words, address.byte, address.bits)


def registers(address: Address) -> int:
    """How many registers, records or bits the value takes; an object is one."""
    if address.object is not None or (address.file is None and address.table in BIT_TABLES):
        return 1
    if address.registers is not None:
        return len(address.registers)
    if BIT_WIDTHS[address.type]:
        return width(address.type)
    return address.length or (_DATETIME_REGISTERS if address.type == "datetime" else 1)


def width(type_: ValueType) -> int:
    """How many registers the type takes; 0 where the address says it. What is smaller is in their low end."""
    return (BIT_WIDTHS[type_] + 15) // 16


def in_order(data: bytes, order: Order) -> bytes:
    """The bytes of one value, the most significant first."""
    swapped = byte_swapped(data) if order in SWAPPED else data
    return swapped[::-1] if order in BACKWARDS else swapped


def byte_swapped(data: bytes) -> bytes:
    """With the two bytes of every register swapped."""
    words = array("H", data)
    words.byteswap()
    return words.tobytes()


def value(of: Form, data: bytes) -> Value | Status:
    """The one value that these registers hold, or why they hold none. Raises ValueError for a wrong length."""
    if len(data) != 2 * of.words:
        raise ValueError(f"{of.type} takes {2 * of.words} bytes, not {len(data)}")
    return reader(of)(in_order(data, of.order))


def reader(of: Form) -> Reader:
    """What makes the value of its bytes in order."""
    type_, here = of.type, part(of)
    if of.bits is None:
        return lambda data: encoding.decode(type_, data[here])
    low, high = of.bits
    if type_ == "bool":
        return lambda data: encoding.bits(int.from_bytes(data[here], "big"), low, high) != 0
    return lambda data: encoding.bits(int.from_bytes(data[here], "big"), low, high)


def part(of: Form) -> slice:
    """The bytes, in order, that the type is made of: at the end of the registers, where it is smaller than they are."""
    if of.byte is not None and of.words == 1 and BIT_WIDTHS[of.type] <= 8:
        return slice(0, 1) if of.byte == "high" else slice(1, 2)
    size = BIT_WIDTHS[of.type] // 8
    return slice(2 * of.words - size, None) if size else slice(None)
