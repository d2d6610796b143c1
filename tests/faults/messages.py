"""Messages whose every byte follows from their token, so that a wrong one is recognised without a note of it."""

from __future__ import annotations

import hashlib

from gateway.model import Message, Priority, Stored


def make(token: str, size: int) -> Message:
    """The message of this token: ``size`` bytes that do not compress, after the token and the size."""
    identity, priority, _ = token.split("/")
    return Message(
        identity,
        _created_ns(token),
        f"token={token}",
        b"%s %d " % (token.encode(), size) + _noise(token, size),
        Priority(int(priority)),
    )


def token_of(stored: Stored) -> str:
    """The token. Raises ValueError where a byte of the message is not what it was."""
    try:
        word, size, noise = stored.body.split(b" ", 2)
        token = word.decode()
        right = make(token, int(size))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{stored.message_id}: {stored.body[:60]!r}") from error
    if noise != _noise(token, int(size)) or (stored.identity, stored.created_ns, stored.properties) != right[:3]:
        raise ValueError(f"{stored.message_id} is not what was given as {token}")
    if stored.priority != right.priority:
        raise ValueError(f"{stored.message_id} came with class {stored.priority}, was given as {token}")
    return token


def _created_ns(token: str) -> int:
    return 1_700_000_000_000_000_000 + int(token.rpartition(".")[2]) * 1_000_000_000


def _noise(token: str, size: int) -> bytes:
    return hashlib.shake_128(token.encode()).digest(size)
