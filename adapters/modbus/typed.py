"""What people type behind a command: unit ids, tables, addresses, rates. All raise ValueError, in words for them."""

from __future__ import annotations

import re
from typing import NamedTuple, get_args

from adapters.modbus.settings import BIT_TABLES, Table

HIGHEST_UNIT = 255
HIGHEST = 65535
FASTEST = 1000.0
"""Requests per second."""

_UNITS = re.compile(r"([0-9]{1,3})(?: *\.\. *([0-9]{1,3}))?")
_ADDRESSES = re.compile(r"(0x[0-9a-f]{1,4}|[0-9]{1,5})(?: *\.\. *(0x[0-9a-f]{1,4}|[0-9]{1,5}))?", re.IGNORECASE)
_RATE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?) */ *(s|min)")
_PER_S = {"s": 1, "min": 60}


class Where(NamedTuple):
    """A table and an address in it."""

    table: Table
    at: int


def units(text: str) -> tuple[int, ...]:
    """``1..247`` or ``1,2,10..20``: each unit id once, in the order in which they were typed."""
    found: dict[int, None] = {}
    for part in map(str.strip, text.split(",")):
        match = _UNITS.fullmatch(part)
        if match is None:
            raise ValueError(f'"{part}" is no unit id and no range of them; write for example 1..247 or 1,2,10..20')
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= HIGHEST_UNIT:
            raise ValueError(f"{part}: unit ids are 1 to {HIGHEST_UNIT}, the lower one first")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def table(text: str) -> Table:
    """One of the four tables."""
    for known in get_args(Table):
        if text.lower() == known:
            name: Table = known
            return name
    raise ValueError(f'"{text}" is no table; there are: {", ".join(get_args(Table))}')


def register_table(text: str) -> Table:
    """One of the two tables of registers."""
    found = table(text)
    if found in BIT_TABLES:
        raise ValueError(f"{found} holds single bits, which have no order; there are: input, holding")
    return found


def addresses(text: str) -> range:
    """``0..99``, ``0x5B00..0x5B20`` or ``72``: 0-based, as on the wire."""
    match = _ADDRESSES.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no address and no range of them; write for example 72, 0..99 or 0x5B00..0x5B20')
    first = int(match[1], 16 if match[1][:2].lower() == "0x" else 10)
    last = first if match[2] is None else int(match[2], 16 if match[2][:2].lower() == "0x" else 10)
    if not first <= last <= HIGHEST:
        raise ValueError(f"{text}: addresses are 0 to {HIGHEST}, the lower one first")
    return range(first, last + 1)


def address(text: str) -> int:
    """``72`` or ``0x0048``."""
    found = addresses(text)
    if len(found) > 1:
        raise ValueError(f'"{text}" is more than one address; write the first')
    return found.start


def where(text: str) -> Where:
    """``holding 0``."""
    name, _, at = text.strip().partition(" ")
    return Where(table(name), address(at.strip() or "0"))


def per_second(text: str) -> float:
    """``5/s`` or ``30/min``, as requests per second."""
    match = _RATE.fullmatch(text.strip())
    rate = float(match[1]) / _PER_S[match[2]] if match else 0.0
    if not 0 < rate <= FASTEST:
        raise ValueError(f'"{text}" is no rate; write for example 5/s or 30/min, up to {FASTEST:g}/s')
    return rate


def at_least_one(text: str) -> int:
    """A count."""
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST:
        raise ValueError(f'"{text}" is no count; write for example 8')
    return int(text)
