"""MQTT 3.1.1 packets of a client, made by hand from the standard."""

from __future__ import annotations


def text(value: str) -> bytes:
    """A UTF-8 string with its length (section 1.5.3)."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def frame(first: int, body: bytes) -> bytes:
    """Fixed header and body (section 2.2)."""
    length, coded = len(body), b""
    while True:
        byte, length = length % 128, length // 128
        coded += bytes((byte | 128 if length else byte,))
        if not length:
            return bytes((first,)) + coded + body


def connect(
    client_id: str,
    username: str | None,
    *,
    clean: bool = True,
    keepalive: int = 60,
    will: tuple[str, bytes] | None = None,
) -> bytes:
    """CONNECT (section 3.1)."""
    flags = (0x80 if username is not None else 0) | (0x02 if clean else 0) | (0x04 if will else 0)
    body = text("MQTT") + bytes((4, flags)) + keepalive.to_bytes(2, "big") + text(client_id)
    if will:
        body += text(will[0]) + len(will[1]).to_bytes(2, "big") + will[1]
    if username is not None:
        body += text(username)
    return frame(0x10, body)


def publish(topic: str, payload: bytes, packet_id: int, *, qos: int = 1, retain: bool = False) -> bytes:
    """PUBLISH (section 3.3)."""
    identifier = packet_id.to_bytes(2, "big") if qos else b""
    return frame(0x30 | qos << 1 | retain, text(topic) + identifier + payload)


def subscribe(packet_id: int, *filters: tuple[str, int]) -> bytes:
    """SUBSCRIBE (section 3.8)."""
    return frame(0x82, packet_id.to_bytes(2, "big") + b"".join(text(name) + bytes((qos,)) for name, qos in filters))


def unsubscribe(packet_id: int, *filters: str) -> bytes:
    """UNSUBSCRIBE (section 3.10)."""
    return frame(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(text, filters)))


PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
