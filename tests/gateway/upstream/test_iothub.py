"""Names and sizes of IoT Hub, written out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.model import Stored
from gateway.upstream import iothub

AT_NS = 1_795_372_189_123_456_789
"""2026-11-22T18:29:49.123456789Z."""


def message(body: bytes = b"{}", properties: str = "", identity: str = "meter-mcc1", at_ns: int = AT_NS) -> Stored:
    return Stored(identity, 0xDEADBEEF, 1017, at_ns, properties, body)


def test_a_client_is_its_device_and_its_user_names_the_hub() -> None:
    assert iothub.client_id("meter-mcc1") == "meter-mcc1"
    expected = "acme.azure-devices.net/meter-mcc1/?api-version=2021-04-12"
    assert iothub.username("acme.azure-devices.net", "meter-mcc1") == expected


def test_the_topic_carries_what_the_hub_wants_to_know() -> None:
    assert iothub.topic(message()) == (
        "devices/meter-mcc1/messages/events/$.mid=meter-mcc1-deadbeef-1017"
        "&$.ct=application%2Fjson&$.ce=utf-8"
        "&iothub-creation-time-utc=2026-11-22T18%3A29%3A49.123Z"
    )


def test_application_properties_stand_behind_as_they_are() -> None:
    topic = iothub.topic(message(properties="profile=eastron-sdm630&asset=acme%2Ftampere"))
    assert topic.endswith("49.123Z&profile=eastron-sdm630&asset=acme%2Ftampere")


def test_a_message_has_the_same_topic_whenever_it_is_sent() -> None:
    assert iothub.topic(message()) == iothub.topic(message())


@pytest.mark.parametrize(
    ("at_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999_999, "1970-01-01T00:00:00.000Z"),
        (1_000_000, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854Z"),
    ],
)
def test_creation_times_are_utc_with_milliseconds(at_ns: int, text: str) -> None:
    assert iothub.creation_time(at_ns) == text


def test_the_creation_time_of_these_vectors_is_what_the_clock_says() -> None:
    at = datetime(2026, 11, 22, 18, 29, 49, tzinfo=UTC)
    assert int(at.timestamp()) == AT_NS // 1_000_000_000


def test_size_counts_names_and_values_and_no_separators() -> None:
    # mid 24, application/json 16, utf-8 5, iothub-creation-time-utc 24, its time 24.
    empty = 24 + 16 + 5 + 24 + 24
    assert iothub.size_bytes(message(b"")) == empty
    # profile=x: 8; a%2Fb=%C3%A4: "a/b" and the two bytes of ä: 5; flag without value: 4.
    assert iothub.size_bytes(message(b"12345", "profile=x&a%2Fb=%C3%A4&flag")) == empty + 5 + 8 + 5 + 4


EMPTY = 24 + 16 + 5 + 24 + 24


@pytest.mark.parametrize("body", [0, 1000, 65_000, 262_144 - EMPTY])
def test_a_message_that_fits_meets_no_objection(body: int) -> None:
    assert iothub.objection(message(bytes(body))) == ""


def test_one_byte_too_many_meets_an_objection() -> None:
    objection = iothub.objection(message(bytes(262_144 - EMPTY + 1)))
    assert objection == "it has 262145 bytes with its properties, and the hub takes 262144"


def test_properties_count_too() -> None:
    properties = "note=" + "x" * 1000
    assert iothub.objection(message(bytes(262_144 - EMPTY - 1004), properties)) == ""
    assert iothub.objection(message(bytes(262_144 - EMPTY - 1003), properties))


def test_properties_that_no_topic_can_hold_meet_an_objection() -> None:
    assert "and MQTT takes 65535" in iothub.objection(message(b"", "note=" + "x" * 65_536))
    # Small for the hub, which counts the decoded text, and too long for a topic.
    assert "and MQTT takes 65535" in iothub.objection(message(b"", "note=" + "%20" * 30_000))
