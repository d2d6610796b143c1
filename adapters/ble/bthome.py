"""BTHome v2: from the service data of 0xFCD2 to the objects in it. Pure; what needs memory is the session's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from adapters.ble.bthome_objects import COMMAND, OBJECTS
from adapters.ble.encryption import WrongKey, decrypt
from gateway.adapter import Quality, Status, Value

SERVICE = "0xFCD2"

TOO_SHORT = Status(Quality.BAD, "too short")
NO_KEY = Status(Quality.BAD, "encrypted, and connect: names no key")
NOT_ENCRYPTED = Status(Quality.BAD, "not encrypted, though connect: names a key")
KEY_DOES_NOT_FIT = Status(Quality.BAD, "the key does not fit, or the data was changed on its way")

_ENCRYPTED = 0x01
_WITH_MAC = 0x02
"""Reserved today; older devices set it and send their address."""
_VERSION = 2

Objects: TypeAlias = Mapping[tuple[str, int], Value | Status]
"""By name and how manieth of that name, counted from 1: the value, or why there is none."""


def unpack(payload: bytes, mac: bytes, key: bytes | None = None) -> Objects | Status:
    """All objects of one advertisement; a Status where nothing in it can be believed.

    Reading ends at the first unknown id, whose length nobody knows. An object that is cut off is TOO_SHORT.
    """
    if not payload:
        return TOO_SHORT
    info, rest = payload[0], payload[1:]
    if info >> 5 != _VERSION:
        return Status(Quality.BAD, f"BTHome version {info >> 5} is not known")
    if info & _WITH_MAC:
        if len(rest) < 6:
            return TOO_SHORT
        mac, rest = rest[5::-1], rest[6:]
    if not info & _ENCRYPTED:
        return _objects(rest) if key is None else NOT_ENCRYPTED
    if key is None:
        return NO_KEY
    try:
        return _objects(decrypt(info, rest, key, mac).objects)
    except WrongKey:
        return KEY_DOES_NOT_FIT


def _objects(data: bytes) -> Objects:
    found: dict[tuple[str, int], Value | Status] = {}
    seen: dict[str, int] = {}
    here = 0
    while here < len(data) and data[here] in OBJECTS:
        id_, here = data[here], here + 1
        known = OBJECTS[id_]
        start, stop = _span(id_, known.size, data, here)
        for name, read in known.readers.items():
            seen[name] = seen.get(name, 0) + 1
            value = read(data[start:stop]) if stop <= len(data) else TOO_SHORT
            if value is not None:
                found[name, seen[name]] = value
        here = stop
    return found


def _span(id_: int, size: int, data: bytes, here: int) -> tuple[int, int]:
    """Where the bytes of an object are; beyond the end of the data where they are cut off."""
    if size:
        return here, here + size
    if here >= len(data):
        return here + 1, here + 2
    return here + 1, here + 1 + (1 + (data[here] & 0x1F) if id_ == COMMAND else data[here])
