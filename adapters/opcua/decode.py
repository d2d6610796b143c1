"""From recorded values to readings. A block is one node: its id as text, and its value as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.opcua.settings import Address, Connect, NodeAddress
from gateway.adapter import Point, Quality, RawBlock, Reading, Status, Value

NO_VALUE = Status(Quality.BAD, "no value")
NOT_ONE_VALUE = Status(Quality.BAD, "an array or a structure, not one value")
UNREADABLE = Status(Quality.BAD, "the recorded value is not readable")


def decode(points: Sequence[Point[Connect, Address]], blocks: Sequence[RawBlock]) -> list[Reading]:
    """The readings in blocks with keys like ``nsu=urn:acme;s=Speed`` and data like ``1480.5``, ``true``, ``"auto"``."""
    holders: dict[tuple[str, str], list[int]] = {}
    for index, point in enumerate(points):
        if isinstance(point.address, NodeAddress):
            holders.setdefault((point.device, str(point.address.id)), []).append(index)
    readings = []
    for block in blocks:
        value, status = _judged(block)
        readings += [Reading(index, value, block.at_ns, status) for index in holders.get((block.device, block.key), ())]
    return readings


def _judged(block: RawBlock) -> tuple[Value, Status]:
    if block.status.quality is Quality.BAD:
        return None, block.status
    try:
        value = json.loads(block.data)
    except (ValueError, RecursionError):
        return None, UNREADABLE
    if value is None:
        return None, NO_VALUE
    if isinstance(value, (list, dict)):
        return None, NOT_ONE_VALUE
    return value, block.status
