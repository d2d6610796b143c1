"""Which items are monitored at which rate."""

from __future__ import annotations

import math

from adapters.opcua.nodes import parse
from adapters.opcua.plan import plan
from adapters.opcua.settings import Address, Connect, NodeAddress
from gateway.adapter import Point

CONNECT = Connect(opcua="opc.tcp://10.20.0.30")


def point(name: str, every_s: float, device: str = "filler-01") -> Point[Connect, Address]:
    node = f"s=Filler01.{name}"
    return Point(device, CONNECT, name, NodeAddress(node=node, id=parse(node, {})), every_s)


def test_one_line_for_each_device_and_rate() -> None:
    points = [point("speed", 1.0), point("mode", 0.5), point("count", 1.0), point("speed", 1.0, "filler-02")]
    assert [(one.device, one.text, one.points, one.every_s) for one in plan(points)] == [
        ("filler-01", "2 monitored items, sampled every 1 s", (0, 2), 1.0),
        ("filler-01", "1 monitored item, sampled every 0.5 s", (1,), 0.5),
        ("filler-02", "1 monitored item, sampled every 1 s", (3,), 1.0),
    ]


def test_what_is_read_once_is_read() -> None:
    (one,) = plan([point("serial", math.inf), point("maker", math.inf)])
    assert (one.text, one.every_s) == ("2 nodes, read once", math.inf)


def test_more_items_are_more_bytes_in_answers_only() -> None:
    (few,), (many,) = plan([point("p1", 1.0)]), plan([point(f"p{number}", 1.0) for number in range(101)])
    assert many.sent_bytes == few.sent_bytes
    # A client handle, a double, two times and a mask: 30 bytes (OPC 10000-6, sections 5.2.2.16 and 5.2.2.17).
    assert many.received_bytes - few.received_bytes == 100 * 30


def test_a_longer_node_id_is_more_bytes_in_the_request() -> None:
    (short,), (long,) = plan([point("p", math.inf)]), plan([point("p" * 51, math.inf)])
    assert long.sent_bytes - short.sent_bytes == 50
    assert long.received_bytes == short.received_bytes


def test_nothing_to_read_is_nothing_to_plan() -> None:
    assert plan([]) == []
