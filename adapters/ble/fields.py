"""Fields of bytes: a number or a text at its place in advertised data or in a characteristic."""

from __future__ import annotations

from adapters.ble.settings import Address
from gateway.adapter import BIT_WIDTHS, Quality, Status, Value, ValueType, encoding

TOO_SHORT = Status(Quality.BAD, "too short")

SIZED: frozenset[ValueType] = frozenset(("string", "bytes", "datetime"))
"""Types whose length is written; their bytes have no order, they stand as they are read."""


def width(type_: ValueType) -> int:
    """Bits among which ``bits`` may choose; 0 where there is nothing to choose."""
    if type_ == "bool":
        return 8
    return BIT_WIDTHS[type_] if type_.startswith(("int", "uint")) else 0


def read(address: Address, data: bytes) -> Value | Status:
    """The value of a complete address (``byte`` and ``type`` are given), or why there is none."""
    type_, first = address.type, address.byte
    if type_ is None or first is None:
        raise ValueError("an address without byte and type")
    size = address.length or max(1, BIT_WIDTHS[type_] // 8)
    field = data[first : first + size]
    if len(field) < size:
        return TOO_SHORT
    if address.order == "little" and type_ not in SIZED:
        field = field[::-1]
    if address.bits is None:
        return encoding.decode(type_, field)
    raw = encoding.bits(int.from_bytes(field, "big"), *address.bits)
    return raw != 0 if type_ == "bool" else raw
