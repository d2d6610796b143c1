"""Coding raw values into registers and bits: types, orders, and parts of a register that others share.

Written for the simulator alone. The orders name the bytes as they go over the wire: 230.2 as float32 is 43 66 33 33 in
ABCD, 33 33 43 66 in CDAB, 66 43 33 33 in BADC and 33 33 66 43 in DCBA.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import NamedTuple

from simulators.modbus.points import BIT_TABLES, Address, Order, Raw, Type

_FLOATS: dict[Type, str] = {"float16": ">e", "float32": ">f", "float64": ">d"}
_BITS: dict[Type, int] = {"bool": 16, "hhmm": 16, "version": 16}
"""Of the types that do not tell it by their name."""
_SEQUENCES: frozenset[Type] = frozenset(("string", "bytes", "datetime"))
"""One thing after the other: there is no order of words."""
_DATETIME_REGISTERS = 3


class Part(NamedTuple):
    """What a point puts into one register, or bit."""

    at: int
    value: int
    mask: int
    """The bits that are its own."""


def size_bits(kind: Type) -> int:
    """How many bits a value has; 0 where the address says it."""
    if kind in _SEQUENCES:
        return 0
    return _BITS.get(kind) or int("".join(letter for letter in kind if letter.isdigit()))


def limits(address: Address) -> tuple[int, int] | None:
    """The smallest and the largest raw integer; None for what is no integer."""
    kind = address.type
    if address.table in BIT_TABLES:
        return 0, 1
    if address.bits is not None:
        return 0, (2 << address.bits[1] - address.bits[0]) - 1
    if not kind.startswith(("int", "uint", "bcd", "signmag")):
        return None
    bits = size_bits(kind)
    if kind.startswith("bcd"):
        return 0, 10 ** (bits // 4) - 1
    if kind.startswith("uint"):
        return 0, (1 << bits) - 1
    highest = (1 << bits - 1) - 1
    return (-highest if kind.startswith("signmag") else -highest - 1), highest


def spots(address: Address) -> tuple[int, ...]:
    """The registers (or the bit) that a point takes, in the order of the words of its value."""
    if address.registers is not None:
        return address.registers
    if address.at is None:
        raise ValueError("an address has at or registers")
    if address.table in BIT_TABLES:
        count = 1
    elif address.type in _SEQUENCES:
        count = address.length or (_DATETIME_REGISTERS if address.type == "datetime" else 1)
    else:
        count = (size_bits(address.type) + 15) // 16
    return tuple(range(address.at, address.at + count))


def parts(address: Address, raw: Raw) -> list[Part]:
    """What a raw value puts into the registers. Raises OverflowError or struct.error beyond the type."""
    at = spots(address)
    if address.table in BIT_TABLES:
        return [Part(at[0], int(bool(raw)), 1)]
    if address.type in _SEQUENCES:
        data = _sequence(address.type, raw, 2 * len(at))
        mask = b"\xff" * len(data)
    else:
        number, own, shift = _field(address, raw, 16 * len(at))
        data = (number << shift).to_bytes(2 * len(at), "big")
        mask = (own << shift).to_bytes(2 * len(at), "big")
    order = address.order
    if len(at) == 1 or address.type in _SEQUENCES:
        order = "BADC" if order in ("BADC", "DCBA") else "ABCD"
    return [Part(*part) for part in zip(at, _on_the_wire(data, order), _on_the_wire(mask, order), strict=True)]


def words(address: Address, raw: Raw) -> list[int]:
    """The registers of a point that shares them with no other, in the order of ``spots``."""
    return [part.value for part in parts(address, raw)]


def pattern(address: Address, raw: Raw) -> int:
    """The bits of a number, as a data sheet names those that mean "no value": 0x8000 of an int16."""
    if address.bits is not None or address.table in BIT_TABLES:
        return _whole(raw)
    return int.from_bytes(_number(address.type, raw), "big")


def _field(address: Address, raw: Raw, room_bits: int) -> tuple[int, int, int]:
    """The bits of the value, which of them are its own, and how far they are shifted."""
    shift, own = 0, (1 << room_bits) - 1
    if address.type in ("int8", "uint8") or (address.type == "bool" and address.byte is not None):
        shift, own = (8 if address.byte == "high" else 0), 0xFF
    if address.bits is None:
        return int.from_bytes(_number(address.type, raw), "big") & own, own, shift
    low, high = address.bits
    own = (2 << high - low) - 1
    return _whole(raw) & own, own, shift + low


def _number(kind: Type, raw: Raw) -> bytes:
    """The bytes of a number, the most significant first."""
    letter = _FLOATS.get(kind)
    if letter is not None:
        return struct.pack(letter, raw)
    bits, number = size_bits(kind), _whole(raw)
    if kind.startswith("bcd"):
        return bytes.fromhex(f"{number:0{bits // 4}d}")
    if kind.startswith("signmag") and number < 0:
        number = -number | 1 << bits - 1
    return number.to_bytes(bits // 8, "big", signed=number < 0)


def _whole(raw: Raw) -> int:
    if not isinstance(raw, int):
        raise TypeError(f"{raw!r} is no integer")
    return int(raw)


def _sequence(kind: Type, raw: Raw, size: int) -> bytes:
    if isinstance(raw, datetime):
        step = size // 6
        year = raw.year if step > 1 else raw.year % 100
        numbers = (year, raw.month, raw.day, raw.hour, raw.minute, raw.second)
        return b"".join(number.to_bytes(step, "big") for number in numbers)
    data = raw if isinstance(raw, bytes) else str(raw).encode()
    return data[:size].ljust(size, b"\0")


def _on_the_wire(data: bytes, order: Order) -> list[int]:
    pairs = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    swapped = order in ("BADC", "DCBA")
    return [int.from_bytes(pair, "little" if swapped else "big") for pair in pairs]
