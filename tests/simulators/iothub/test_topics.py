"""Usernames, topics, property bags and filters of IoT Hub."""

from __future__ import annotations

import pytest

from simulators.iothub import topics
from simulators.iothub.topics import BadUsername, Bag, User


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("h.azure-devices.net/d/?api-version=2021-04-12", User("h.azure-devices.net", "d")),
        ("h/d/?api-version=2021-04-12&DeviceClientType=py%2F2.14", User("h", "d")),
        ("h/d/?DeviceClientType=a/b&api-version=1", User("h", "d")),
        ("h/d/api-version=2016-11-14", User("h", "d")),
        ("h/d/api-version=2016-11-14/DeviceClientType=x", User("h", "d")),
        ("h/d/m/?api-version=2021-04-12", User("h", "d/m")),
    ],
)
def test_reads_usernames(text: str, user: User) -> None:
    assert topics.user(text) == user


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "h/d",
        "h/d/",
        "h/d/?",
        "h/d/?x=1",
        "h/d/?api-version=",
        "/d/?api-version=1",
        "h//?api-version=1",
        "h/a/b/c/?api-version=1",
        "d?api-version=1",
    ],
)
def test_refuses_usernames(text: str) -> None:
    with pytest.raises(BadUsername):
        topics.user(text)


def test_the_bag_stands_behind_the_topic() -> None:
    own = topics.events("m-1")
    assert own == "devices/m-1/messages/events"
    assert topics.bag_text("devices/m-1/messages/events/a=b", own) == "a=b"
    assert topics.bag_text("devices/m-1/messages/events/", own) == ""
    assert topics.bag_text("devices/m-1/messages/events", own) == ""


@pytest.mark.parametrize("topic", ["devices/m-2/messages/events/", "devices/m-1/messages/eventsx", "x", "$iothub/x"])
def test_other_topics_have_no_bag(topic: str) -> None:
    assert topics.bag_text(topic, topics.events("m-1")) is None


def test_decodes_the_bag_of_the_documents() -> None:
    text = (
        "$.mid=m-1-0a0b0c0d-7&$.ct=application%2Fjson&$.ce=utf-8&iothub-creation-time-utc=2026-11-22T18%3A29%3A49.123Z"
    )
    found = topics.bag(text + "&kind=telemetry")
    assert found == Bag(
        {
            "message-id": "m-1-0a0b0c0d-7",
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "iothub-creation-time-utc": "2026-11-22T18:29:49.123Z",
        },
        {"kind": "telemetry"},
    )


def test_names_may_be_percent_encoded_as_the_sdk_does() -> None:
    assert topics.bag("%24.mid=1&a%20b=c%20d") == Bag({"message-id": "1"}, {"a b": "c d"})


def test_null_and_empty_differ() -> None:
    assert topics.bag("nothing&empty=&some=x").properties == {"nothing": None, "empty": "", "some": "x"}


def test_a_plus_is_a_plus() -> None:
    assert topics.bag("a=1+1").properties == {"a": "1+1"}


def test_a_value_may_hold_an_equals_sign() -> None:
    assert topics.bag("a=b=c").properties == {"a": "b=c"}


def test_what_the_hub_stamps_is_not_taken_from_a_device() -> None:
    assert topics.bag("iothub-connection-device-id=other&a=b") == Bag({}, {"a": "b"})


def test_an_empty_bag_is_empty() -> None:
    assert topics.bag("") == Bag({}, {})


def test_size_counts_body_and_properties() -> None:
    # System properties by their values, application properties by names and values too.
    assert topics.size(b"12345", topics.bag("$.mid=abc&name=value&null&%C3%A4=")) == 5 + 3 + 9 + 4 + 2


@pytest.mark.parametrize(
    "text",
    [
        "devices/m-1/messages/devicebound/#",
        "$iothub/twin/res/#",
        "$iothub/twin/PATCH/properties/desired/#",
        "$iothub/methods/POST/#",
        "$iothub/methods/POST/reboot/#",
    ],
)
def test_documented_filters(text: str) -> None:
    assert topics.documented(text, "m-1")


@pytest.mark.parametrize("text", ["#", "devices/#", "devices/m-2/messages/devicebound/#", "$iothub/#", "+/m-1/#", ""])
def test_other_filters_are_not_documented(text: str) -> None:
    assert not topics.documented(text, "m-1")
