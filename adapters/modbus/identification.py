"""What a device says of itself: the objects of Read Device Identification (function 43, type 14).

Modbus Application Protocol V1.1b3, section 6.21. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from adapters.modbus.pdu import identification_bytes
from gateway.adapter import encoding

LEVELS = {"basic": 1, "regular": 2, "extended": 3}
"""The code by which all objects of a level and those below it are asked for."""
NAMES: dict[int, str] = {
    0: "vendor_name",
    1: "product_code",
    2: "revision",
    3: "vendor_url",
    4: "product_name",
    5: "model_name",
    6: "user_application_name",
}
"""Of the objects that the standard gives a meaning."""
NUMBERS: dict[str, int] = {name: number for number, name in NAMES.items()}
PRIVATE = range(0x80, 0x100)
"""Objects of the maker's own."""
_FIRST = {2: 0x03, 3: 0x80}
"""Of the objects that a level adds, by its code."""
_HEAD_BYTES = 6
"""Type, level that was asked for, conformity, whether more follows, the next object, how many objects there are."""
_FUNCTION = b"\x2b"
_TYPE = 14
_MORE = 0xFF


class Objects(NamedTuple):
    """One answer."""

    conformity: int
    """1 to 3: up to which level the device has objects; 0x80 is added where each can be asked for alone."""
    following: int | None
    """The object to go on with."""
    held: Mapping[int, bytes]
    """By object."""

    @property
    def texts(self) -> dict[int, str]:
        """As people read them."""
        return {number: text(data) for number, data in self.held.items()}


class ObjectsWrong(Exception):
    """The bytes of an answer do not hold what they say."""


def objects(data: bytes) -> Objects:
    """What an answer holds; ``data`` begins behind the function code. Raises ObjectsWrong."""
    if len(data) < _HEAD_BYTES or data[0] != _TYPE:
        raise ObjectsWrong("this is no device identification")
    found = dict(_cut(data))
    if len(found) != data[5]:
        raise ObjectsWrong(f"{data[5]} objects were announced, {len(found)} came")
    # A next object that was there already would go round in circles.
    more = data[3] == _MORE and bool(found) and data[4] > max(found)
    return Objects(data[2], data[4] if more else None, found)


def pages(data: bytes) -> Iterator[Objects]:
    """What several answers hold, one behind the other. Raises ObjectsWrong."""
    place = 0
    while place < len(data):
        size = identification_bytes(_FUNCTION + data[place:])
        end = len(data) if size is None else place + size - 1
        yield objects(data[place:end])
        place = end


def level_of(number: int) -> int:
    """The code of the level to which an object belongs."""
    return max((code for code, first in _FIRST.items() if first <= number), default=LEVELS["basic"])


def _cut(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = _HEAD_BYTES
    while place < len(data):
        if place + 2 > len(data) or place + 2 + data[place + 1] > len(data):
            raise ObjectsWrong("an object ends behind the answer")
        number, size = data[place], data[place + 1]
        yield number, data[place + 2 : place + 2 + size]
        place += 2 + size


def text(data: bytes) -> str:
    """The text of an object, without blanks and NUL round it; what is none is shown in hexadecimal."""
    found = encoding.decode("string", data)
    return found if isinstance(found, str) else data.hex(" ")


def level(text: str) -> int:
    """The code of a level as people type it; 0 for ``none``. Raises ValueError."""
    if text == "none":
        return 0
    if text not in LEVELS:
        raise ValueError(f'"{text}" is no level; there are: {", ".join(LEVELS)}, none')
    return LEVELS[text]


def deeper(wanted: int, conformity: int) -> list[tuple[int, int]]:
    """What to ask for after the basic objects, up to a level: the code of each level, and its first object.

    A device that has no such objects is not asked.
    """
    return [(code, first) for code, first in _FIRST.items() if code <= wanted and code <= conformity & 0x7F]


def named(texts: Mapping[int, str]) -> dict[str, str]:
    """The objects by the names of the standard, others as ``0x80``; empty ones are left out."""
    return {NAMES.get(number, f"0x{number:02x}"): texts[number] for number in sorted(texts) if texts[number]}
