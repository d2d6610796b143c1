"""Reading control packets of MQTT 3.1.1 from chunks of bytes as they come; each broken rule is a MalformedPacket."""

from __future__ import annotations

from collections.abc import Callable

from gateway.mqtt.packets import (
    FIXED_FLAGS,
    MAX_REMAINING,
    Connack,
    Connect,
    Disconnect,
    ForeignProtocol,
    Kind,
    MalformedPacket,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
    check_codes,
    check_connack,
    check_connect,
    check_filters,
    check_packet_id,
    check_publish,
)

_LENGTH_BYTES = 4
_LEVEL = 4


class Reader:
    """The bytes that came and are not yet packets.

    It holds at most one unfinished packet beside what was fed: a packet that announces more than ``max_size`` bytes
    behind its fixed header is refused when its length is read. After a MalformedPacket the stream is lost (4.8).
    """

    def __init__(self, max_size: int = MAX_REMAINING) -> None:
        self._max_size = max_size
        self._bytes = bytearray()
        self._start = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, however they were cut."""
        if self._start:
            del self._bytes[: self._start]
            self._start = 0
        self._bytes += chunk

    def next_packet(self) -> Packet | None:
        """The next whole packet, or None until more bytes are fed. Raises MalformedPacket."""
        data, start = self._bytes, self._start
        if start >= len(data):
            return None
        kind = _kind(data[start])
        body = self._body(kind)
        return None if body is None else _DECODERS[kind](data[start], body)

    def _body(self, kind: Kind) -> bytes | None:
        """What stands behind the fixed header, and step over it; None while it is not all there (2.2.3)."""
        data = self._bytes
        remaining = 0
        for index in range(_LENGTH_BYTES):
            at = self._start + 1 + index
            if at >= len(data):
                return None
            remaining |= (data[at] & 0x7F) << 7 * index
            if data[at] < 0x80:
                break
        else:
            raise MalformedPacket("a remaining length of more than four bytes", "2.2.3")
        if remaining > self._max_size:
            raise MalformedPacket(f"a {kind.name} of {remaining} bytes; {self._max_size} is the most here", "2.2.3")
        end = at + 1 + remaining
        if end > len(data):
            return None
        self._start = end
        return bytes(data[at + 1 : end])


def _kind(first: int) -> Kind:
    """The type in bits 7-4 of the first byte; its flags must be the fixed ones (2.2.1, 2.2.2)."""
    try:
        kind = Kind(first >> 4)
    except ValueError:
        raise MalformedPacket(f"packet type {first >> 4}, which is reserved or of QoS 2", "2.2.1") from None
    if kind is not Kind.PUBLISH and first & 0x0F != FIXED_FLAGS.get(kind, 0):
        raise MalformedPacket(f"flags {first & 0x0F:04b} in a {kind.name}", "MQTT-2.2.2-2")
    return kind


class _Fields:
    """The fields of one packet behind its fixed header, read from the left."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._body):
            raise MalformedPacket("a field that ends behind its packet", "2.2.3")
        data = self._body[self._at : end]
        self._at = end
        return data

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """Two bytes, the high one first (1.5.2)."""
        return int.from_bytes(self.take(2), "big")

    def binary(self) -> bytes:
        return self.take(self.number())

    def string(self) -> str:
        """UTF-8 behind its length: no surrogates, no U+0000 (1.5.3)."""
        data = self.binary()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise MalformedPacket("a string that is not UTF-8", "MQTT-1.5.3-1") from None
        if "\0" in text:
            raise MalformedPacket("U+0000 in a string", "MQTT-1.5.3-2")
        return text

    def packet_id(self) -> int:
        number = self.number()
        check_packet_id(number)
        return number

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    @property
    def more(self) -> bool:
        return self._at < len(self._body)

    def end(self) -> None:
        if self.more:
            raise MalformedPacket(f"{len(self._body) - self._at} bytes too many", "2.2.3")


def _connect(_: int, body: bytes) -> Connect:
    fields = _Fields(body)
    if fields.string() != "MQTT":
        raise MalformedPacket("a protocol name other than MQTT", "MQTT-3.1.2-1")
    level = fields.byte()
    if level != _LEVEL:
        raise ForeignProtocol(level)
    flags = fields.byte()
    if flags & 0x01:
        raise MalformedPacket("the reserved flag in a CONNECT", "MQTT-3.1.2-3")
    if not flags & 0x04 and flags & 0x38:
        raise MalformedPacket("QoS or RETAIN of a will that is not there", "MQTT-3.1.2-13, MQTT-3.1.2-15")
    keepalive_s = fields.number()
    client_id = fields.string()
    will = None
    if flags & 0x04:
        will = Will(fields.string(), fields.binary(), flags >> 3 & 0x03, bool(flags & 0x20))
    username = fields.string() if flags & 0x80 else None
    password = fields.binary() if flags & 0x40 else None
    fields.end()
    packet = Connect(client_id, bool(flags & 0x02), keepalive_s, username, password, will)
    check_connect(packet)
    return packet


def _connack(_: int, body: bytes) -> Connack:
    fields = _Fields(body)
    flags = fields.byte()
    if flags & 0xFE:
        raise MalformedPacket("reserved flags in a CONNACK", "3.2.2.1")
    packet = Connack(bool(flags), fields.byte())
    fields.end()
    check_connack(packet)
    return packet


def _publish(first: int, body: bytes) -> Publish:
    fields = _Fields(body)
    qos = first >> 1 & 0x03
    topic = fields.string()
    packet_id = fields.packet_id() if qos == 1 else 0
    packet = Publish(topic, fields.rest(), qos, packet_id, bool(first & 0x01), bool(first & 0x08))
    check_publish(packet)
    return packet


def _puback(_: int, body: bytes) -> Puback:
    return Puback(_only_packet_id(body))


def _subscribe(_: int, body: bytes) -> Subscribe:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    filters = []
    while fields.more:
        text, qos = fields.string(), fields.byte()
        filters.append((text, qos))
    packet = Subscribe(packet_id, tuple(filters))
    check_filters(packet)
    return packet


def _suback(_: int, body: bytes) -> Suback:
    fields = _Fields(body)
    packet = Suback(fields.packet_id(), tuple(fields.rest()))
    check_codes(packet.codes)
    return packet


def _unsubscribe(_: int, body: bytes) -> Unsubscribe:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    filters = []
    while fields.more:
        filters.append(fields.string())
    packet = Unsubscribe(packet_id, tuple(filters))
    check_filters(packet)
    return packet


def _unsuback(_: int, body: bytes) -> Unsuback:
    return Unsuback(_only_packet_id(body))


def _only_packet_id(body: bytes) -> int:
    fields = _Fields(body)
    packet_id = fields.packet_id()
    fields.end()
    return packet_id


def _empty(packet: Packet) -> Callable[[int, bytes], Packet]:
    def decode(_: int, body: bytes) -> Packet:
        _Fields(body).end()
        return packet

    return decode


_DECODERS: dict[Kind, Callable[[int, bytes], Packet]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBLISH: _publish,
    Kind.PUBACK: _puback,
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: _unsuback,
    Kind.PINGREQ: _empty(Pingreq()),
    Kind.PINGRESP: _empty(Pingresp()),
    Kind.DISCONNECT: _empty(Disconnect()),
}
