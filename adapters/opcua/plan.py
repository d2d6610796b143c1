"""What reading some points takes: which items are monitored at which rate, and about how many bytes that is.

Sizes follow the binary encoding (OPC 10000-6) of a secured channel; they are those of one Publish in which every
value has changed, so what really flows is less. Server and signature add what they like: read them as an order of size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from adapters.opcua.settings import Address, Connect, NodeAddress
from gateway.adapter import Planned, Point

_CHANNEL = 12 + 4 + 8 + 4 + 48
"""Message header, token, sequence, type id; padding and signature."""
_REQUEST = _CHANNEL + 66
_RESPONSE = _CHANNEL + 24
_ACKNOWLEDGEMENT = 4 + 8
_NOTIFICATION = 4 + 8 + 1 + 16 + 9 + 4 + 4 + 8 + 4
"""Subscription, sequence numbers, notification message, extension object, results."""
_ITEM = 4 + 1 + 9 + 8 + 8
"""Client handle and a DataValue of 8 bytes with both times."""
_READ_ITEM = 14
"""Of a node to read, without its id."""


def plan(points: Sequence[Point[Connect, Address]]) -> list[Planned]:
    """One subscription for each device and rate, and one Read for what is read only once."""
    groups: dict[tuple[str, float], list[int]] = {}
    for index, point in enumerate(points):
        groups.setdefault((point.device, point.every_s), []).append(index)
    return [
        _once(device, points, members) if math.isinf(every_s) else _monitored(device, every_s, members)
        for (device, every_s), members in groups.items()
    ]


def _monitored(device: str, every_s: float, members: Sequence[int]) -> Planned:
    text = f"{_count(members, 'monitored item')}, sampled every {every_s:g} s"
    received = _RESPONSE + _NOTIFICATION + _ITEM * len(members)
    return Planned(device, text, tuple(members), every_s, _REQUEST + 4 + _ACKNOWLEDGEMENT, received)


def _once(device: str, points: Sequence[Point[Connect, Address]], members: Sequence[int]) -> Planned:
    addresses = [points[index].address for index in members]
    ids = sum(len(address.id.identifier) for address in addresses if isinstance(address, NodeAddress))
    sent = _REQUEST + 16 + _READ_ITEM * len(members) + ids
    received = _RESPONSE + 8 + (_ITEM - 4) * len(members)
    return Planned(device, f"{_count(members, 'node')}, read once", tuple(members), math.inf, sent, received)


def _count(members: Sequence[int], noun: str) -> str:
    return f"{len(members)} {noun}{'' if len(members) == 1 else 's'}"
