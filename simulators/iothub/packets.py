"""MQTT 3.1.1 as a server reads and writes it: bytes in, packets out, without I/O.

Written from the OASIS standard of 29 October 2014; section numbers are its own. Shares nothing with any client.

Errors::

    Malformed        the bytes are not MQTT 3.1.1: the connection is closed
    UnknownLevel     a CONNECT of another version: CONNACK 1 (section 3.1.2.2)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 10, 12, 14

ACCEPTED, UNACCEPTABLE_LEVEL, IDENTIFIER_REJECTED, UNAVAILABLE, BAD_USERNAME, NOT_AUTHORIZED = range(6)
"""Return codes of CONNACK (section 3.2.2.3)."""

SUBSCRIPTION_REFUSED = 0x80
PINGRESP = b"\xd0\x00"

_FLAGS = {CONNECT: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}
"""The flags that the fixed header of a type must have (section 2.2.2); those of PUBLISH say something."""


class Malformed(Exception):
    """The bytes are not MQTT 3.1.1."""


class UnknownLevel(Exception):
    """A CONNECT of another version of MQTT."""


class Packet(NamedTuple):
    """One control packet: type and flags of its fixed header, and what follows its remaining length."""

    type: int
    flags: int
    body: bytes


class Will(NamedTuple):
    """What is to be published for a client that goes without DISCONNECT."""

    topic: str
    payload: bytes
    retain: bool


class Connect(NamedTuple):
    """A CONNECT (section 3.1)."""

    client_id: str
    clean_session: bool
    keepalive_s: int
    username: str | None
    password: bytes | None
    will: Will | None


class Publish(NamedTuple):
    """A PUBLISH (section 3.3)."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    """0 where the QoS is 0."""
    retain: bool


class Subscribe(NamedTuple):
    """A SUBSCRIBE (section 3.8): filters with the QoS asked for."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


class Unsubscribe(NamedTuple):
    """An UNSUBSCRIBE (section 3.10)."""

    packet_id: int
    filters: tuple[str, ...]


def split(buffer: bytearray, largest: int) -> Iterator[Packet]:
    """Take the complete packets out of the buffer.

    Raises Malformed, also for one larger than ``largest`` bytes; what came before it has been given out then.
    """
    start, end = 0, len(buffer)
    while end - start >= 2:
        at, length, shift = start + 1, 0, 0
        while at < end:
            byte = buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:
                raise Malformed("a remaining length of more than four bytes")
        else:
            break
        if length > largest:
            raise Malformed("a packet larger than any message may be")
        if at + length > end:
            break
        yield Packet(buffer[start] >> 4, buffer[start] & 15, bytes(buffer[at : at + length]))
        start = at + length
    del buffer[:start]


def check_flags(packet: Packet) -> None:
    """Raises Malformed for a type that no server takes, and for flags that its type must not have."""
    if packet.type == PUBLISH:
        return
    expected = _FLAGS.get(packet.type)
    if expected is None:
        raise Malformed(f"a packet of type {packet.type}, which no client of this server sends")
    if packet.flags != expected:
        raise Malformed(f"flags {packet.flags} in a packet of type {packet.type}")


class _Reader:
    """The fields of a packet's body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def left(self) -> bool:
        return self._at < len(self._body)

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise Malformed("a packet that ends within a field")
        return self._body[start : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def word(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def packet_id(self) -> int:
        """Section 2.3.1: never 0."""
        number = self.word()
        if not number:
            raise Malformed("packet id 0")
        return number

    def binary(self) -> bytes:
        return self.take(self.word())

    def text(self) -> str:
        """Section 1.5.3: well-formed UTF-8 without U+0000."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError as error:
            raise Malformed("a text that is not UTF-8") from error
        if "\0" in text:
            raise Malformed("a text with U+0000")
        return text

    def rest(self) -> bytes:
        return self._body[self._at :]

    def end(self) -> None:
        if self.left():
            raise Malformed("bytes behind the last field")


def connect(packet: Packet) -> Connect:
    """Read a CONNECT. Raises Malformed or UnknownLevel."""
    reader = _Reader(packet.body)
    if reader.text() != "MQTT":
        raise Malformed("a protocol name other than MQTT")
    level = reader.byte()
    if level != 4:
        raise UnknownLevel(f"protocol level {level}")
    flags = reader.byte()
    _check_connect_flags(flags)
    keepalive_s = reader.word()
    client_id = reader.text()
    will = Will(reader.text(), reader.binary(), bool(flags & 0x20)) if flags & 0x04 else None
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    reader.end()
    return Connect(client_id, bool(flags & 0x02), keepalive_s, username, password, will)


def _check_connect_flags(flags: int) -> None:
    """Sections 3.1.2.3 to 3.1.2.9."""
    if flags & 0x01:
        raise Malformed("the reserved flag of CONNECT is set")
    if not flags & 0x04 and flags & 0x38:
        raise Malformed("a QoS or RETAIN for a will that is not there")
    if flags & 0x18 == 0x18:
        raise Malformed("a will of QoS 3")
    if flags & 0x40 and not flags & 0x80:
        raise Malformed("a password without a username")


def publish(packet: Packet) -> Publish:
    """Read a PUBLISH. Raises Malformed."""
    qos = packet.flags >> 1 & 3
    if qos == 3:
        raise Malformed("a PUBLISH of QoS 3")
    if packet.flags & 8 and not qos:
        raise Malformed("a repeated PUBLISH of QoS 0")
    reader = _Reader(packet.body)
    topic = reader.text()
    if not topic or "+" in topic or "#" in topic:
        raise Malformed("a PUBLISH to a topic that is empty or has wildcards")
    packet_id = reader.packet_id() if qos else 0
    return Publish(topic, reader.rest(), qos, packet_id, bool(packet.flags & 1))


def subscribe(packet: Packet) -> Subscribe:
    """Read a SUBSCRIBE. Raises Malformed."""
    reader = _Reader(packet.body)
    packet_id = reader.packet_id()
    filters = []
    while reader.left():
        topic_filter, qos = reader.text(), reader.byte()
        if qos > 2:
            raise Malformed(f"a SUBSCRIBE with QoS {qos}")
        filters.append((topic_filter, qos))
    if not filters:
        raise Malformed("a SUBSCRIBE without a filter")
    return Subscribe(packet_id, tuple(filters))


def unsubscribe(packet: Packet) -> Unsubscribe:
    """Read an UNSUBSCRIBE. Raises Malformed."""
    reader = _Reader(packet.body)
    packet_id = reader.packet_id()
    filters = []
    while reader.left():
        filters.append(reader.text())
    if not filters:
        raise Malformed("an UNSUBSCRIBE without a filter")
    return Unsubscribe(packet_id, tuple(filters))


def connack(code: int, session_present: bool) -> bytes:
    """Section 3.2; a refusal never says that a session is present."""
    return bytes((0x20, 2, session_present and code == ACCEPTED, code))


def puback(packet_id: int) -> bytes:
    """Section 3.4."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def suback(packet_id: int, codes: list[int]) -> bytes:
    """Section 3.9; a code per filter, in their order."""
    return b"\x90" + _length(2 + len(codes)) + packet_id.to_bytes(2, "big") + bytes(codes)


def unsuback(packet_id: int) -> bytes:
    """Section 3.11."""
    return b"\xb0\x02" + packet_id.to_bytes(2, "big")


def _length(length: int) -> bytes:
    """Section 2.2.3."""
    coded = bytearray()
    while length > 0x7F:
        coded.append(length & 0x7F | 0x80)
        length >>= 7
    coded.append(length)
    return bytes(coded)
