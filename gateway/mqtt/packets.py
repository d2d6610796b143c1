"""The control packets of MQTT 3.1.1 as values, and their bytes: no socket, no clock, no state of a session.

Section numbers are those of the OASIS standard of 29 October 2014. QoS 2 is not spoken here (IoT Hub closes the
connection at it): a PUBLISH with QoS 2 and the packets of its exchange are malformed to us. Filters and wills may ask
for it; who answers grants less.

Errors::

    MalformedPacket       the bytes, or the packet to be encoded, break a rule of the standard
    └── ForeignProtocol   a CONNECT that speaks another level; a server answers it with CONNACK code 1 (3.1.2.2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

MAX_REMAINING = 268_435_455
"""Largest remaining length that four bytes can say (2.2.3)."""
_MAX_STRING = 65_535
_MAX_QOS = 2
SUBSCRIPTION_FAILED = 0x80
"""Return code of a SUBACK for a filter that was not granted (3.9.3)."""


class MalformedPacket(Exception):
    """A rule of the standard is broken. The connection must be closed (4.8)."""

    def __init__(self, what: str, section: str) -> None:
        super().__init__(f"{what} (MQTT 3.1.1, {section})")
        self.what = what
        self.section = section
        """Section or numbered statement of the standard: ``2.2.3``, ``MQTT-2.3.1-1``."""


class ForeignProtocol(MalformedPacket):
    """A CONNECT of another protocol level."""

    def __init__(self, level: int) -> None:
        super().__init__(f"protocol level {level} instead of 4", "MQTT-3.1.2-2")
        self.level = level


class Kind(IntEnum):
    """The packet types that are spoken here (2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


FIXED_FLAGS = {Kind.SUBSCRIBE: 0b0010, Kind.UNSUBSCRIBE: 0b0010}
"""Bits 3-0 of the first byte where they are fixed and not 0 (table 2.2); a PUBLISH has DUP, QoS and RETAIN there."""


# The two packets of the data path are named tuples (a third of the cost). The others are dataclasses: named tuples of
# one length would all be equal to each other.
class Publish(NamedTuple):
    """A message (3.3)."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    """1 to 65,535 with QoS 1; 0 with QoS 0, which has none."""
    retain: bool = False
    duplicate: bool = False


class Puback(NamedTuple):
    """The acknowledgement of a PUBLISH with QoS 1 (3.4)."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the server publishes when the client goes without DISCONNECT (3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Connect:
    """The first packet of a client (3.1)."""

    client_id: str
    clean_session: bool = True
    keepalive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None


@dataclass(frozen=True, slots=True)
class Connack:
    """The answer to CONNECT (3.2)."""

    session_present: bool
    code: int
    """0: accepted; else one of ``REFUSALS`` or a code that the standard reserves."""


REFUSALS = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
"""CONNACK return codes (table 3.1)."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Filters with the largest QoS that the client wants for each (3.8)."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Suback:
    """The granted QoS or ``SUBSCRIPTION_FAILED`` for each filter, in the order of the SUBSCRIBE (3.9)."""

    packet_id: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Filters to be forgotten (3.10)."""

    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsuback:
    """The answer to UNSUBSCRIBE (3.11)."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class Pingreq:
    """Are you there? (3.12)"""


@dataclass(frozen=True, slots=True)
class Pingresp:
    """I am (3.13)."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The last packet of a client that goes in order (3.14)."""


Packet: TypeAlias = (
    Connect | Connack | Publish | Puback | Subscribe | Suback | Unsubscribe | Unsuback | Pingreq | Pingresp | Disconnect
)


def encode(packet: Packet) -> bytes:
    """The bytes of one packet. Raises MalformedPacket where the packet breaks a rule."""
    return _ENCODERS[type(packet)](packet)


def check_topic(topic: str) -> None:
    """A topic name: at least one character (4.7.3), no wildcard (3.3.2.1)."""
    if not topic:
        raise MalformedPacket("a topic without characters", "MQTT-4.7.3-1")
    if "+" in topic or "#" in topic:
        raise MalformedPacket(f"a wildcard in the topic name {topic!r}", "MQTT-3.3.2-2")


def check_filter(text: str) -> None:
    """A topic filter: ``#`` alone in the last level, ``+`` alone in a level (4.7.1)."""
    if not text:
        raise MalformedPacket("a filter without characters", "MQTT-4.7.3-1")
    levels = text.split("/")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        raise MalformedPacket(f"# is not the last level of the filter {text!r}", "MQTT-4.7.1-2")
    if any("+" in level and level != "+" for level in levels):
        raise MalformedPacket(f"+ is not a whole level of the filter {text!r}", "MQTT-4.7.1-3")


def check_packet_id(packet_id: int) -> None:
    """1 to 65,535 (2.3.1)."""
    if not 0 < packet_id <= 0xFFFF:
        raise MalformedPacket(f"packet identifier {packet_id}", "MQTT-2.3.1-1")


def check_qos(qos: int, section: str) -> None:
    """0, 1 or 2."""
    if not 0 <= qos <= _MAX_QOS:
        raise MalformedPacket(f"QoS {qos}", section)


def check_publish(packet: Publish) -> None:
    """What one field of a PUBLISH says about another (3.3.1)."""
    if packet.qos == 1:
        check_packet_id(packet.packet_id)
    elif packet.qos == 0:
        if packet.duplicate:
            raise MalformedPacket("DUP with QoS 0", "MQTT-3.3.1-2")
        if packet.packet_id:
            raise MalformedPacket("a packet identifier with QoS 0", "MQTT-2.3.1-5")
    else:
        raise MalformedPacket(f"PUBLISH with QoS {packet.qos}; only 0 and 1 are spoken here", "3.3.1.2")
    check_topic(packet.topic)


def check_connect(packet: Connect) -> None:
    """What one field of a CONNECT says about another (3.1.2, 3.1.3)."""
    if packet.password is not None and packet.username is None:
        raise MalformedPacket("a password without user name", "MQTT-3.1.2-22")
    if not packet.client_id and not packet.clean_session:
        raise MalformedPacket("a session to be kept for a client without identifier", "MQTT-3.1.3-7")
    if packet.will is not None:
        check_qos(packet.will.qos, "MQTT-3.1.2-14")
        check_topic(packet.will.topic)


def check_connack(packet: Connack) -> None:
    """No session where the connection is refused (3.2.2.2)."""
    if packet.session_present and packet.code:
        raise MalformedPacket("session present in a refusal", "MQTT-3.2.2-4")


def check_filters(packet: Subscribe | Unsubscribe) -> None:
    """At least one filter (3.8.3, 3.10.3), each well formed."""
    if not packet.filters:
        section = "MQTT-3.8.3-3" if isinstance(packet, Subscribe) else "MQTT-3.10.3-2"
        raise MalformedPacket("no filter", section)
    for item in packet.filters:
        text, qos = (item, 0) if isinstance(item, str) else item
        check_qos(qos, "MQTT-3-8.3-4")
        check_filter(text)


def check_codes(codes: tuple[int, ...]) -> None:
    """Return codes of a SUBACK: one for each filter, so at least one (3.9.3)."""
    if not codes:
        raise MalformedPacket("a SUBACK without return code", "3.9.3")
    for code in codes:
        if code not in (0, 1, _MAX_QOS, SUBSCRIPTION_FAILED):
            raise MalformedPacket(f"return code {code} in a SUBACK", "MQTT-3.9.3-2")


def _header(first: int, remaining: int) -> bytes:
    """Fixed header: type and flags, then seven bits of the length in each byte, the lowest first (2.2)."""
    if remaining < 0x80:
        return bytes((first, remaining))
    if remaining > MAX_REMAINING:
        raise MalformedPacket(f"a packet of {remaining} bytes", "2.2.3")
    header = bytearray((first,))
    while remaining >= 0x80:
        header.append(remaining & 0x7F | 0x80)
        remaining >>= 7
    header.append(remaining)
    return bytes(header)


def _binary(data: bytes) -> bytes:
    if len(data) > _MAX_STRING:
        raise MalformedPacket(f"a field of {len(data)} bytes; {_MAX_STRING} is the most", "1.5.3")
    return len(data).to_bytes(2, "big") + data


def _string(text: str) -> bytes:
    """A UTF-8 string behind its length in two bytes (1.5.3)."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise MalformedPacket("a surrogate in a string", "MQTT-1.5.3-1") from None
    if b"\0" in data:
        raise MalformedPacket("U+0000 in a string", "MQTT-1.5.3-2")
    return _binary(data)


def _publish(packet: Publish) -> bytes:
    check_publish(packet)
    topic = _string(packet.topic)
    packet_id = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
    flags = packet.duplicate << 3 | packet.qos << 1 | packet.retain
    size = len(topic) + len(packet_id) + len(packet.payload)
    return b"".join((_header(Kind.PUBLISH << 4 | flags, size), topic, packet_id, packet.payload))


def _connect(packet: Connect) -> bytes:
    check_connect(packet)
    if not 0 <= packet.keepalive_s <= 0xFFFF:
        raise MalformedPacket(f"keep alive of {packet.keepalive_s} s", "3.1.2.10")
    flags = packet.clean_session << 1
    fields = [_string(packet.client_id)]
    if packet.will is not None:
        flags |= 0x04 | packet.will.qos << 3 | packet.will.retain << 5
        fields += [_string(packet.will.topic), _binary(packet.will.payload)]
    if packet.username is not None:
        flags |= 0x80
        fields.append(_string(packet.username))
    if packet.password is not None:
        flags |= 0x40
        fields.append(_binary(packet.password))
    body = b"\x00\x04MQTT\x04" + bytes((flags,)) + packet.keepalive_s.to_bytes(2, "big") + b"".join(fields)
    return _header(Kind.CONNECT << 4, len(body)) + body


def _connack(packet: Connack) -> bytes:
    check_connack(packet)
    if not 0 <= packet.code <= 0xFF:
        raise MalformedPacket(f"return code {packet.code}", "3.2.2.3")
    return bytes((Kind.CONNACK << 4, 2, packet.session_present, packet.code))


def _subscribe(packet: Subscribe) -> bytes:
    check_filters(packet)
    return _identified(
        Kind.SUBSCRIBE, packet.packet_id, [_string(text) + bytes((qos,)) for text, qos in packet.filters]
    )


def _suback(packet: Suback) -> bytes:
    check_codes(packet.codes)
    return _identified(Kind.SUBACK, packet.packet_id, [bytes(packet.codes)])


def _unsubscribe(packet: Unsubscribe) -> bytes:
    check_filters(packet)
    return _identified(Kind.UNSUBSCRIBE, packet.packet_id, [_string(text) for text in packet.filters])


def _identified(kind: Kind, packet_id: int, fields: list[bytes]) -> bytes:
    """A packet that begins with its identifier (2.3.1)."""
    check_packet_id(packet_id)
    body = packet_id.to_bytes(2, "big") + b"".join(fields)
    return _header(kind << 4 | FIXED_FLAGS.get(kind, 0), len(body)) + body


_ENCODERS: dict[type, Callable[..., bytes]] = {
    Connect: _connect,
    Connack: _connack,
    Publish: _publish,
    Puback: lambda packet: _identified(Kind.PUBACK, packet.packet_id, []),
    Subscribe: _subscribe,
    Suback: _suback,
    Unsubscribe: _unsubscribe,
    Unsuback: lambda packet: _identified(Kind.UNSUBACK, packet.packet_id, []),
    Pingreq: lambda _: b"\xc0\x00",
    Pingresp: lambda _: b"\xd0\x00",
    Disconnect: lambda _: b"\xe0\x00",
}
