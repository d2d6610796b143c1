"""How IoT Hub names things over MQTT: client, user, telemetry topic with its property bag, and the size it takes.

Source: "Communicate with an IoT hub using the MQTT protocol" and "Create and read IoT Hub messages", both of
https://learn.microsoft.com/azure/iot-hub.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from gateway.model import Stored

API_VERSION = "2021-04-12"
MAX_BYTES = 262_144
"""Body, values of system properties, names and values of application properties together."""
MAX_TOPIC = 65_535
"""Bytes of a topic (MQTT 3.1.1, 1.5.3)."""
KEEPALIVE_S = 240
"""The hub takes at most 1,177; some firewalls forget a connection after 300."""
_CONTENT_TYPE = "application/json"
_ENCODING = "utf-8"
_CREATED = "iothub-creation-time-utc"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def client_id(identity: str) -> str:
    """The client identifier is the device id."""
    return identity


def username(host: str, identity: str) -> str:
    """With X.509 there is no password."""
    return f"{host}/{identity}/?api-version={API_VERSION}"


def topic(message: Stored) -> str:
    """Where a message is published: the device's events, its properties in the last level.

    System properties (message id, content type, content encoding), creation time, then the application properties as
    they are in the message. Percent-encoded as in RFC 3986, 2.1: a slash, a plus sign or a hash in a value would be
    topic levels and wildcards. Content type and encoding let the hub route by what the body says.
    """
    bag = (
        f"$.mid={quote(message.message_id, safe='')}"
        f"&$.ct={quote(_CONTENT_TYPE, safe='')}&$.ce={_ENCODING}"
        f"&{_CREATED}={quote(creation_time(message.created_ns), safe='')}"
    )
    properties = f"&{message.properties}" if message.properties else ""
    return f"devices/{message.identity}/messages/events/{bag}{properties}"


def creation_time(at_ns: int) -> str:
    """Nanoseconds since 1970 as the hub reads it: ISO 8601, UTC, milliseconds (cut), ``Z``."""
    at = _EPOCH + timedelta(milliseconds=at_ns // 1_000_000)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def size_bytes(message: Stored) -> int:
    """What the hub counts of a message against ``MAX_BYTES``."""
    system = len(message.message_id) + len(_CONTENT_TYPE) + len(_ENCODING)
    created = len(_CREATED) + len(creation_time(message.created_ns))
    # Without the characters that only separate: names and values are counted as they are before encoding.
    properties = sum(
        len(unquote_to_bytes(part)) for pair in message.properties.split("&") for part in pair.split("=", 1)
    )
    return len(message.body) + system + created + properties


def objection(message: Stored) -> str:
    """Why the hub can never take this message, in words; empty where it can."""
    # Nearly all: what the topic holds beside the properties is less than 512 bytes.
    if len(message.body) + len(message.properties) + 512 <= MAX_TOPIC:
        return ""
    if (topic_bytes := len(topic(message).encode())) > MAX_TOPIC:
        return f"its properties make a topic of {topic_bytes} bytes, and MQTT takes {MAX_TOPIC}"
    if (size := size_bytes(message)) > MAX_BYTES:
        return f"it has {size} bytes with its properties, and the hub takes {MAX_BYTES}"
    return ""
