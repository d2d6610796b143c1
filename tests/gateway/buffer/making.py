"""Messages to put in and the bodies to expect back."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.buffer.port import Buffer, BufferSettings, OnFull
from gateway.model import Message, Priority, Stored

SECOND_NS = 1_000_000_000
QUOTA = 64 * 1024 * 1024


def settings(quota_bytes: int, on_full: OnFull = "refuse") -> BufferSettings:
    """A quota, and one policy for all classes."""
    return BufferSettings(quota_bytes, on_full=dict.fromkeys(Priority, on_full))


def message(identity: str, number: int, size: int = 20, priority: Priority = Priority.TELEMETRY) -> Message:
    """The message that shall get this sequence: the body tells it; of bytes that do not compress."""
    body = b"%s/%d/" % (identity.encode(), number) + _noise(number, size)
    return Message(identity, number * SECOND_NS, "profile=test", body, priority)


def messages(
    identity: str, first: int, last: int, size: int = 20, priority: Priority = Priority.TELEMETRY
) -> list[Message]:
    """Those of the sequences first to last."""
    return [message(identity, number, size, priority) for number in range(first, last + 1)]


def stored(identity: str, first: int, last: int, epoch: int = 7, size: int = 20) -> list[Stored]:
    """The same as they come out."""
    return [Stored(identity, epoch, number, *message(identity, number, size)[1:]) for number in range(first, last + 1)]


def sequences(found: Sequence[Stored]) -> list[int]:
    """The sequences, after a look at whether each body is the one that was given this sequence."""
    for one in found:
        assert one.body.startswith(b"%s/%d/" % (one.identity.encode(), one.sequence)), one
    return [one.sequence for one in found]


async def drain(buffer: Buffer, identity: str, count: int) -> list[int]:
    """Claim and acknowledge until so many have come; their sequences."""
    found: list[int] = []
    while len(found) < count:
        claim = await buffer.claim(identity)
        found += sequences(claim.messages)
        await buffer.acknowledge(claim)
    return found


def _noise(seed: int, size: int) -> bytes:
    state = bytearray()
    value = seed * 2_654_435_761 + 12_345
    while len(state) < size:
        value = (value * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        state += (value >> 24).to_bytes(5, "little")
    return bytes(state[:size])
