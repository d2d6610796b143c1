"""What IoT Hub reads out of texts: the username of a CONNECT, topics, filters, and the property bag of a message.

Written from Microsoft's documents "Communicate with an IoT hub using the MQTT protocol" and "Create and read IoT Hub
messages".
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

LARGEST_MESSAGE = 256 * 1024
"""Bytes of the body, of the system properties' values, and of the application properties' names and values."""
MOST_SUBSCRIPTIONS = 5

_SYSTEM = {
    "$.mid": "message-id",
    "$.cid": "correlation-id",
    "$.uid": "user-id",
    "$.to": "to",
    "$.ct": "content-type",
    "$.ce": "content-encoding",
    "$.exp": "absolute-expiry-time",
    "$.ctime": "iothub-creation-time-utc",
    "$.on": "iothub-output-name",
    "$.ifid": "iothub-interface-id",
    "$.sub": "dt-subject",
    "iothub-creation-time-utc": "iothub-creation-time-utc",
}
_RESERVED = "iothub-connection-"
"""The hub stamps these itself and never takes them from a device."""

_DOCUMENTED = (
    "devices/{device}/messages/devicebound/#",
    "$iothub/methods/POST/#",
    "$iothub/twin/res/#",
    "$iothub/twin/PATCH/properties/desired/#",
)


class BadUsername(ValueError):
    """The username is not of the documented form."""


class User(NamedTuple):
    """Who a username says that it is."""

    hub: str
    client_id: str
    """``device`` or ``device/module``."""


class Bag(NamedTuple):
    """The properties of a message; None for a name without ``=``."""

    system: dict[str, str | None]
    properties: dict[str, str | None]


def user(text: str) -> User:
    """Read ``hub/device[/module]/?api-version=...&...``, also without ``?``. Raises BadUsername.

    An ``api-version`` must be there; its value and the other parameters are not looked at.
    """
    hub, _, rest = text.partition("/")
    ids, mark, query = rest.partition("/?")
    if not mark:
        ids, mark, query = rest.partition("/api-version=")
        query = "api-version=" + query
    parameters = dict(part.partition("=")[::2] for part in query.split("&"))
    names = ids.split("/")
    if not mark or not hub or not all(names) or len(names) > 2 or not parameters.get("api-version"):
        raise BadUsername(text)
    return User(hub, ids)


def events(device: str) -> str:
    """The topic of a device's telemetry; the property bag follows behind a slash."""
    return f"devices/{device}/messages/events"


def bag_text(topic: str, events_topic: str) -> str | None:
    """The property bag in the topic of a message; None where it is another topic."""
    if not topic.startswith(events_topic):
        return None
    rest = topic[len(events_topic) :]
    if rest and rest[0] != "/":
        return None
    return rest[1:]


def bag(text: str) -> Bag:
    """Decode a property bag ``k=v&k=&k``; names of system properties as the hub's endpoints show them."""
    found = Bag({}, {})
    for part in text.split("&"):
        name, mark, value = part.partition("=")
        if "%" in part:
            name, value = unquote(name), unquote(value)
        if not name or name.startswith(_RESERVED):
            continue
        known = _SYSTEM.get(name)
        (found.properties if known is None else found.system)[known or name] = value if mark else None
    return found


def size(body: bytes, properties: Bag) -> int:
    """The size of a message as its limit counts it, in bytes."""
    total = len(body)
    for value in properties.system.values():
        total += len((value or "").encode())
    for name, value in properties.properties.items():
        total += len(name.encode()) + len((value or "").encode())
    return total


def documented(topic_filter: str, device: str) -> bool:
    """Whether a device may subscribe to this: to a documented filter, or to a part of one."""
    for template in _DOCUMENTED:
        whole = template.format(device=device)
        if topic_filter == whole or topic_filter.startswith(whole[:-1]):
            return True
    return False
