"""From recorded advertisements (and characteristics) to readings.

A block is the data of one company, service or characteristic, without company id or UUID, as BlueZ gives it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

from adapters.ble import bthome, fields, ruuvi
from adapters.ble.settings import Address, Connect, Located
from gateway.adapter import Point, Quality, RawBlock, Reading, SecretMissing, Status, Value


def decode(points: Sequence[Point[Connect, Address]], blocks: Sequence[RawBlock]) -> list[Reading]:
    """The readings in these blocks, block by block; points that a block does not hold are left out."""
    holders: dict[tuple[str, str], list[tuple[int, Point[Connect, Address], Located]]] = {}
    for index, point in enumerate(points):
        if isinstance(point.address, Located):
            key = (point.device, point.address.source.key)
            holders.setdefault(key, []).append((index, point, point.address))
    readings = []
    for block in blocks:
        opened = _Opened(block)
        for index, point, address in holders.get((block.device, block.key), ()):
            value = opened.value(point.connect, address)
            if isinstance(value, Status):
                readings.append(Reading(index, None, block.at_ns, value))
            elif value is not None:
                readings.append(Reading(index, value, block.at_ns, block.status))
    return readings


class _Opened:
    """One block, of which BTHome's objects are unpacked once for all points."""

    def __init__(self, block: RawBlock) -> None:
        self._block = block
        self._objects: bthome.Objects | Status | None = None

    def value(self, connect: Connect, address: Located) -> Value | Status:
        """The value of a point, a Status that says why there is none, or None where the block does not hold it."""
        if self._block.status.quality is Quality.BAD:
            return self._block.status
        data, source = self._block.data, address.source
        if not data.startswith(bytes.fromhex(source.starts)):
            return None
        match source.decoder:
            case "fields":
                return fields.read(address, data)
            case "ruuvi":
                return ruuvi.unpack(data, address.object)
            case "bthome":
                if self._objects is None:
                    self._objects = _objects(data, connect)
                found = self._objects
                return found if isinstance(found, Status) else found.get((address.object, address.index))
        assert_never(source.decoder)


def _objects(data: bytes, connect: Connect) -> bthome.Objects | Status:
    key = _key(connect)
    return key if isinstance(key, Status) else bthome.unpack(data, bytes.fromhex(connect.ble.replace(":", "")), key)


def _key(connect: Connect) -> bytes | Status | None:
    if connect.key is None:
        return None
    try:
        text = connect.key.reveal().strip()
    except SecretMissing as missing:
        return Status(Quality.BAD, str(missing))
    if not re.fullmatch("[0-9a-fA-F]{32}", text):
        return Status(Quality.BAD, f'the secret "{connect.key.secret}" is not 32 hexadecimal digits')
    return bytes.fromhex(text)
