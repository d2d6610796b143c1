"""From recorded values to readings."""

from __future__ import annotations

import pytest

from adapters.opcua import ADAPTER
from adapters.opcua.decode import NO_VALUE, NOT_ONE_VALUE, UNREADABLE, decode
from adapters.opcua.settings import Address, Connect, Profile
from gateway.adapter import TIMEOUT, Point, Quality, RawBlock, Status

PROFILE = Profile(namespaces={"m": "urn:acme"})
KEY = "nsu=urn:acme;s=Speed"


def point(node: str = "m;s=Speed", device: str = "filler-01") -> Point[Connect, Address]:
    address, findings = ADAPTER.resolve("speed", PROFILE, Address(node=node), {"node": node})
    assert not [finding for finding in findings if not finding.warning]
    return Point(device, Connect(opcua="opc.tcp://10.20.0.30"), "speed", address, 1.0)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("1480.5", 1480.5),
        ("-3", -3),
        ("18446744073709551615", 18446744073709551615),
        ("true", True),
        ('"Execute"', "Execute"),
        ('""', ""),
    ],
)
def test_a_value_comes_with_its_type(data: str, value: object) -> None:
    (reading,) = decode([point()], [RawBlock("filler-01", KEY, data.encode(), 7)])
    assert (reading.point, type(reading.value), reading.value, reading.at_ns) == (0, type(value), value, 7)
    assert reading.status.quality is Quality.GOOD


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"null", NO_VALUE),
        (b"[1, 2]", NOT_ONE_VALUE),
        (b'{"a": 1}', NOT_ONE_VALUE),
        (b"", UNREADABLE),
        (b"1480,5", UNREADABLE),
        (b"\xff\xfe\xfd", UNREADABLE),
        (b"[" * 100_000, UNREADABLE),
    ],
)
def test_what_is_not_one_value_says_why(data: bytes, status: Status) -> None:
    (reading,) = decode([point()], [RawBlock("filler-01", KEY, data, 7)])
    assert (reading.value, reading.status) == (None, status)


def test_a_bad_status_of_the_server_has_no_value() -> None:
    bad = Status(Quality.BAD, "BadSensorFailure", 0x808C0000)
    (reading,) = decode([point()], [RawBlock("filler-01", KEY, b"1480.5", 7, bad)])
    assert (reading.value, reading.status) == (None, bad)


def test_a_doubt_of_the_server_stays_with_the_value() -> None:
    doubt = Status(Quality.UNCERTAIN, "UncertainLastUsableValue", 0x40900000)
    (reading,) = decode([point()], [RawBlock("filler-01", KEY, b"1480.5", 7, doubt)])
    assert (reading.value, reading.status) == (1480.5, doubt)


def test_a_node_is_found_however_it_was_written() -> None:
    nodes = ["m;s=Speed", "nsu=urn:acme;s=Speed", "i=2258", "ns=0;i=2258", "nsu=http://opcfoundation.org/UA/;i=2258"]
    blocks = [RawBlock("filler-01", KEY, b"1", 7), RawBlock("filler-01", "i=2258", b"2", 7)]
    readings = decode([point(node) for node in nodes], blocks)
    assert [(reading.point, reading.value) for reading in readings] == [(0, 1), (1, 1), (2, 2), (3, 2), (4, 2)]


def test_values_of_other_devices_and_nodes_are_left_out() -> None:
    blocks = [
        RawBlock("filler-02", KEY, b"1", 7),
        RawBlock("filler-01", "nsu=urn:acme;s=Mode", b"1", 7),
        RawBlock("filler-01", "ns=2;s=Speed", b"1", 7, TIMEOUT),
    ]
    assert not decode([point()], blocks)
