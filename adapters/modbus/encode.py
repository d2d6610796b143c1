"""From a value to the registers that hold it: the way of ``form`` and ``decode`` back.

What does not fit is refused, never cut or clamped. A float is the nearest there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from struct import Struct
from typing import NamedTuple

from adapters.modbus.form import Form, in_order, part
from gateway.adapter import BIT_WIDTHS, Value, ValueType, encoding


class Unfit(Exception):
    """The value is none that the point can hold; the text says what it can hold."""


class Words(NamedTuple):
    """What to write into the registers of a point."""

    data: bytes
    """Of all its registers, as on the wire."""
    mask: bytes
    """Ones where bits are the point's own; the others belong to neighbours."""

    @property
    def whole(self) -> bool:
        """The registers belong to the point alone."""
        return self.mask == b"\xff" * len(self.mask)

    def over(self, held: bytes) -> bytes:
        """The registers, if they hold this now."""
        return bytes(old & ~own | new & own for old, new, own in zip(held, self.data, self.mask, strict=True))


def encoded(of: Form, value: Value) -> Words:
    """The registers of a value, as ``form.value`` gives it. Raises Unfit."""
    here = part(of)
    size = len(range(2 * of.words)[here])
    if of.bits is not None:
        data, mask = _field(of, value, size)
    else:
        data, mask = _encoded(of.type, value, size), b"\xff" * size
    # Above a number of 24 bits stands its sign, and it is not looked at: nobody else's bits are there.
    above = b"\xff" if of.bits is None and BIT_WIDTHS[of.type] > 8 else b"\0"
    sign = above if of.type.startswith("int") and data[0] & 0x80 else b"\0"
    words, own = bytearray(sign * (2 * of.words)), bytearray(above * (2 * of.words))
    words[here], own[here] = data, mask
    # Putting bytes into an order and back is the same.
    return Words(in_order(bytes(words), of.order), in_order(bytes(own), of.order))


def flag(value: Value) -> bool:
    """What a coil is set to. Raises Unfit."""
    if not isinstance(value, bool):
        raise Unfit(f"{_told(value)} is neither true nor false")
    return value


def _field(of: Form, value: Value, size: int) -> tuple[bytes, bytes]:
    assert of.bits is not None  # noqa: S101 (only such forms come here)
    low, high = of.bits
    highest = (1 << high - low + 1) - 1
    number = int(flag(value)) if of.type == "bool" else _whole(value)
    if not 0 <= number <= highest:
        raise Unfit(f"{number} does not fit into its bits: 0 to {highest}")
    return (number << low).to_bytes(size, "big"), (highest << low).to_bytes(size, "big")


def _encoded(type_: ValueType, value: Value, size: int) -> bytes:
    if encoding.is_integer(type_):
        number = _whole(value)
        lowest, highest = encoding.limits(type_)
        if not lowest <= number <= highest:
            raise Unfit(f"{number} does not fit into {type_}: {lowest} to {highest}")
        return _INTEGERS.get(type_, _twos_complement)(number, size)
    return _OTHERS[type_](value, size)


def _whole(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1 != 0:
        raise Unfit(f"{_told(value)} is no whole number")
    return int(value)


def _told(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _twos_complement(number: int, size: int) -> bytes:
    return (number % (1 << 8 * size)).to_bytes(size, "big")


def _bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}}")


def _sign_and_magnitude(number: int, size: int) -> bytes:
    sign = 1 << 8 * size - 1 if number < 0 else 0
    return (abs(number) | sign).to_bytes(size, "big")


_INTEGERS: dict[ValueType, Callable[[int, int], bytes]] = {
    "bcd16": _bcd,
    "bcd32": _bcd,
    "bcd64": _bcd,
    "signmag16": _sign_and_magnitude,
    "signmag32": _sign_and_magnitude,
}


def _bool(value: Value, size: int) -> bytes:
    return int(flag(value)).to_bytes(size, "big")


def _float(letter: str, type_: str, value: Value, size: int) -> bytes:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unfit(f"{_told(value)} is no number")
    try:
        number = float(value)
        data = Struct(f">{letter}").pack(number)
    except OverflowError:
        raise Unfit(f"{value} does not fit into {type_}") from None
    if not math.isfinite(number):
        raise Unfit(f"{value} is no number")
    return data


def _text(value: Value, size: int) -> bytes:
    if not isinstance(value, str):
        raise Unfit(f"{_told(value)} is no text")
    if re.search("[\x00-\x1f\x7f-\x9f]", value):
        raise Unfit(f"{value!r} has control characters")
    data = value.encode()
    if len(data) > size:
        raise Unfit(f'"{value}" is {len(data)} bytes long, but there is room for {size}')
    return data.ljust(size, b"\0")


def _bytes(value: Value, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise Unfit(f"{_told(value)} is not {size} bytes")
    return value


def _hhmm(value: Value, size: int) -> bytes:
    match = re.fullmatch("([0-9]{2}):([0-9]{2})", value) if isinstance(value, str) else None
    if match is None or not ((int(match[1]) < 24 and int(match[2]) < 60) or value == "24:00"):
        raise Unfit(f'{_told(value)} is no time of day: write for example "06:30"')
    return int(match[1] + match[2]).to_bytes(size, "big")


def _datetime(value: Value, size: int) -> bytes:
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        when = None
    # A device has no time zone and no parts of a second.
    if when is None or when.tzinfo is not None or when.microsecond:
        raise Unfit(f'{_told(value)} is no date and time: write for example "2026-11-25T07:33:17"')
    step = size // 6
    if step == 1 and not 2000 <= when.year < 2100:
        raise Unfit(f"the year {when.year} does not fit: 2000 to 2099")
    if step != 1 and when.year < 1000:
        # A device that gives less than four digits means the years of a century, and so is it read back.
        raise Unfit(f"the year {when.year} does not fit: 1000 to 9999")
    year = when.year - 2000 if step == 1 else when.year
    parts = (year, when.month, when.day, when.hour, when.minute, when.second)
    return b"".join(number.to_bytes(step, "big") for number in parts)


def _version(value: Value, size: int) -> bytes:
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 2 * size or not all(re.fullmatch("[0-9]|1[0-5]", number) for number in parts):
        raise Unfit(f'{_told(value)} is no version: write for example "1.2.3.4", each 0 to 15')
    return bytes.fromhex("".join(f"{int(number):x}" for number in parts))


_OTHERS: dict[ValueType, Callable[[Value, int], bytes]] = {
    "bool": _bool,
    "float16": partial(_float, "e", "float16"),
    "float32": partial(_float, "f", "float32"),
    "float64": partial(_float, "d", "float64"),
    "string": _text,
    "bytes": _bytes,
    "hhmm": _hhmm,
    "datetime": _datetime,
    "version": _version,
}
