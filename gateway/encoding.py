"""The types of raw values as bytes: what a value is when its bytes stand in order, the most significant first.

Which bytes these are, and how they came over the wire, is the business of an adapter. Bytes that are not of their type
(a BCD digit above 9, a 30th of February) give a shared Status that says so, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from struct import Struct
from typing import TypeAlias

from gateway.model import Quality, Status, Value
from gateway.values import BIT_WIDTHS, ValueType

NOT_BCD = Status(Quality.BAD, "not a BCD number")
NOT_TEXT = Status(Quality.BAD, "not a text")
NOT_A_TIME = Status(Quality.BAD, "not a time of day")
NOT_A_DATE = Status(Quality.BAD, "not a date and time")

INTEGERS: frozenset[ValueType] = frozenset(
    type_ for type_ in BIT_WIDTHS if type_.startswith(("int", "uint", "bcd", "signmag"))
)
"""Types whose values are whole numbers."""
FLOATS: frozenset[ValueType] = frozenset(("float16", "float32", "float64"))
FALLIBLE: frozenset[ValueType] = frozenset(("bcd16", "bcd32", "bcd64", "string", "hhmm", "datetime"))
"""Types that not all bytes are of."""
DATETIME_BYTES = (6, 12)
"""Year, month, day, hour, minute and second: a byte each, or two each."""


def decode(type_: ValueType, data: bytes) -> Value | Status:
    """The value of all these bytes, or why they are none.

    A bool is whether any bit is set. Signed integers are two's complement (int24 has its sign in bit 23), ``signmag``
    has its sign in the top bit. A text is UTF-8, else Latin-1, without the padding round it (spaces, NUL, 0xFF); it
    ends at a NUL. ``datetime`` takes 6 or 12 bytes; a year below 100 counts from 2000. Raises ValueError for a wrong
    length.
    """
    width = BIT_WIDTHS[type_]
    if width >= 8 and 8 * len(data) != width:
        raise ValueError(f"{type_} takes {width // 8} bytes, not {len(data)}")
    if type_ == "datetime" and len(data) not in DATETIME_BYTES:
        raise ValueError(f"datetime takes 6 or 12 bytes, not {len(data)}")
    return _DECODERS[type_](data)


def is_integer(type_: ValueType) -> bool:
    """Whether its values are whole numbers."""
    return type_ in INTEGERS


def is_float(type_: ValueType) -> bool:
    """Whether its values are floating-point numbers."""
    return type_ in FLOATS


def limits(type_: ValueType) -> tuple[int, int]:
    """The smallest and the largest value of an integer type. Raises ValueError for the others."""
    if type_ not in INTEGERS:
        raise ValueError(f"{type_} is no integer")
    width = BIT_WIDTHS[type_]
    if type_.startswith("bcd"):
        return 0, 10 ** (width // 4) - 1
    if type_.startswith("uint"):
        return 0, (1 << width) - 1
    highest = (1 << width - 1) - 1
    return (-highest if type_.startswith("signmag") else -highest - 1), highest


def bits(value: int, low: int, high: int) -> int:
    """The field from bit ``low`` to bit ``high``, counted from 0, the least significant; never negative.

    Of a negative number its two's complement is meant.
    """
    return value >> low & (1 << high - low + 1) - 1


_Decoder: TypeAlias = Callable[[bytes], Value | Status]


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def _sign_and_magnitude(data: bytes) -> int:
    raw, sign = _unsigned(data), 1 << 8 * len(data) - 1
    return sign - raw if raw & sign else raw


def _float(letter: str) -> _Decoder:
    unpack = Struct(f">{letter}").unpack
    return lambda data: float(unpack(data)[0])


def _bcd(data: bytes) -> int | Status:
    digits = data.hex()
    return int(digits) if digits.isdecimal() else NOT_BCD


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# 0xFF is in no UTF-8 text: it is what erased flash memory holds.
_PADDING = b"\x00 \xff"


def _text(data: bytes) -> str | Status:
    # What stands after a NUL is the rest of a longer text that was there before.
    kept = data.strip(_PADDING).partition(b"\0")[0].strip(_PADDING)
    try:
        text = kept.decode("utf-8")
    except UnicodeDecodeError:
        text = kept.decode("latin-1")
    return NOT_TEXT if _CONTROL.search(text) else text


def _hhmm(data: bytes) -> str | Status:
    hour, minute = divmod(_unsigned(data), 100)
    # 24:00 is the end of a day (ISO 8601), as in the tables of tariffs.
    if (hour > 23 or minute > 59) and (hour, minute) != (24, 0):
        return NOT_A_TIME
    return f"{hour:02}:{minute:02}"


def _datetime(data: bytes) -> str | Status:
    step = len(data) // 6
    year, month, day, hour, minute, second = (
        _unsigned(data[place : place + step]) for place in range(0, len(data), step)
    )
    if 100 <= year < 1000:
        return NOT_A_DATE
    try:
        return datetime(year + 2000 if year < 100 else year, month, day, hour, minute, second).isoformat()
    except ValueError:
        return NOT_A_DATE


_DECODERS: dict[ValueType, _Decoder] = {
    "bool": any,
    **{type_: _bcd if type_.startswith("bcd") else _signed for type_ in INTEGERS},
    **{type_: _unsigned for type_ in INTEGERS if type_.startswith("uint")},
    "signmag16": _sign_and_magnitude,
    "signmag32": _sign_and_magnitude,
    "float16": _float("e"),
    "float32": _float("f"),
    "float64": _float("d"),
    "string": _text,
    "bytes": bytes,
    "hhmm": _hhmm,
    "datetime": _datetime,
    "version": lambda data: ".".join(str(nibble) for byte in data for nibble in (byte >> 4, byte & 15)),
}
