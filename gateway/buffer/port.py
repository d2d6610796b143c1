"""What the rest of the gateway knows of a buffer; thin, so that a replicated one can stand behind it later.

Errors::

    BufferTrouble
    ├── BufferFull         nothing was stored: the quota or the disk is at its end and the policy is to refuse
    └── BufferUnavailable  nothing was stored: the disk refuses to write; trying again may work
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.model import Message, Stored


class BufferTrouble(Exception):
    """The buffer did not do what was asked; nothing was stored."""


class BufferFull(BufferTrouble):
    """The quota or the disk is at its end, and the policy is to refuse."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """``quota`` or ``disk``."""


class BufferUnavailable(BufferTrouble):
    """The disk refuses to write for another reason; the text says which."""


class Claim(NamedTuple):
    """The head of one identity's lane: consecutive messages, held by the one who claimed them."""

    identity: str
    messages: tuple[Stored, ...]


class Stats(NamedTuple):
    """What lies in the buffer now, and what was lost from it since it was opened."""

    messages: int
    bytes_on_disk: int
    quota_bytes: int
    oldest_ns: int | None
    """Source time of the oldest message, nanoseconds since 1970."""
    waiting: dict[str, int]
    """Messages per identity that are not acknowledged."""
    dropped: dict[str, int]
    """Messages that were dropped, by reason (``quota``)."""
    full: str
    """Why nothing more can be stored now; empty while there is room."""


class Buffer(Protocol):
    """Durable, ordered per identity; one claim in flight per identity."""

    async def append(self, messages: Sequence[Message]) -> None:
        """Store all or nothing; on disk when this returns. Raises BufferFull or BufferUnavailable."""
        ...

    async def claim(self, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        """The oldest messages of this identity (at least one); waits until there are any.

        Nothing else of this identity can be claimed until the claim is acknowledged or given back.
        """
        ...

    async def acknowledge(self, claim: Claim, count: int | None = None) -> None:
        """The first ``count`` messages of the claim (default: all) have arrived and may go; the rest is given back.

        A crash right after may bring up to 100 ms of acknowledgements back: duplicates, never losses.
        """
        ...

    async def give_back(self, claim: Claim) -> None:
        """Nothing of it arrived: the same messages stand at the head of their lane again."""
        ...

    def stats(self) -> Stats:
        """Depth, age and losses; cheap enough for once a second."""
        ...
