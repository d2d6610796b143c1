"""Where points live on the wire: registers and bits by table, records of files, objects of the identification.

Each place is a number in its area. A record's is its file's number above 16 bits and its own below: neighbours are
neighbours, and nothing reaches from one file into the next.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from adapters.modbus.form import registers
from adapters.modbus.identification import NUMBERS
from adapters.modbus.settings import Address, Connect, Table
from gateway.adapter import Point

Area: TypeAlias = Table | Literal["file", "object"]

HIGHEST_RECORD = 9999
"""Of any file (Application Protocol V1.1b3, section 6.14)."""
_FILE = 1 << 16


def area(address: Address) -> Area:
    """In which area a point lives."""
    return "object" if address.object is not None else "file" if address.file is not None else address.table


def place_key(address: Address) -> str:
    """The setting that says where a point lives."""
    said = (("object", address.object), ("record", address.file), ("registers", address.registers))
    return next((key for key, value in said if value is not None), "at")


def spans(point: Point[Connect, Address]) -> tuple[range, ...]:
    """The places on the wire that a point occupies; those that are neighbours together."""
    address, base = point.address, point.connect.base
    if address.object is not None:
        number = NUMBERS[address.object] if isinstance(address.object, str) else address.object
        return (range(number, number + 1),)
    if address.file is not None:
        first = record(address.file, address.record or 0)
        return (range(first, first + registers(address)),)
    if address.registers is None:
        first = base + (address.at or 0)
        return (range(first, first + registers(address)),)
    found: list[range] = []
    for register in address.registers:
        here = base + register
        if found and found[-1].stop == here:
            found[-1] = range(found[-1].start, here + 1)
        else:
            found.append(range(here, here + 1))
    return tuple(found)


def record(file: int, number: int) -> int:
    """The place of a record."""
    return file * _FILE + number


def of_file(place: int) -> tuple[int, int]:
    """File and number of the record that has this place."""
    return divmod(place, _FILE)


def where(area: Area, here: range) -> str:
    """Places in words: ``holding 23296..23332``, ``file 4 record 7..8``, ``object 0x00``."""
    if area == "object":
        return f"object 0x{here.start:02x}" + (f"..0x{here.stop - 1:02x}" if len(here) > 1 else "")
    head, first = f"{area} ", here.start
    if area == "file":
        file, first = of_file(here.start)
        head = f"file {file} record "
    return f"{head}{first}" if len(here) == 1 else f"{head}{first}..{first + len(here) - 1}"
