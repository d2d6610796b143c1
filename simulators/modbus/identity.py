"""What a simulated device says of itself: the objects of function 43/14, and which of them are asked for. Pure.

Modbus Application Protocol V1.1b3, section 6.21.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.modbus.points import Device

VENDOR, PRODUCT, REVISION, NAME = 0x00, 0x01, 0x02, 0x04
OWN = 0x80
"""From here on objects are the maker's."""
LONGEST = 240
"""Bytes of an object: the longest that any answer has room for is 244."""
ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
"""Exception codes."""
ALONE = 4
"""The level that asks for one object."""
_LAST = {1: REVISION, 2: OWN - 1, 3: 0xFF}
"""The last object of each level."""


def of(device: Device) -> dict[int, bytes]:
    """What the list says, else names that are made up; where it says nothing, own objects are names of points."""
    said = {VENDOR: "Fieldgate", PRODUCT: "SIMULATOR", REVISION: "1.0", NAME: device.name}
    if not device.identification:
        said |= {OWN + place: point.name for place, point in enumerate(device.points[: 0x100 - OWN])}
    said |= device.identification
    return {number: said[number].encode()[:LONGEST] for number in sorted(said)}


def conformity(objects: Mapping[int, bytes]) -> int:
    """The highest level of which there are objects, with the bit that each can be asked for alone."""
    return 0x80 | next(level for level, last in _LAST.items() if max(objects, default=0) <= last)


def asked(objects: Mapping[int, bytes], level: int, first: int) -> dict[int, bytes] | int:
    """The objects of a level from ``first`` on, or that one alone; a code where there is an exception instead.

    They may be more than one answer holds. A stream that is to begin where nothing is begins at the beginning.
    """
    if level == ALONE:
        return {first: objects[first]} if first in objects else ILLEGAL_ADDRESS
    if level not in _LAST:
        return ILLEGAL_VALUE
    members = {number: text for number, text in objects.items() if number <= _LAST[level]}
    return {number: text for number, text in members.items() if first not in members or number >= first}
