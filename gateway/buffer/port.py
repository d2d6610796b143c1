"""What the rest of the gateway knows of a buffer; thin, so that a replicated one can stand behind it later.

Errors::

    BufferTrouble
    ├── BufferFull         nothing was stored: the quota or the disk is at its end and the policy is to refuse
    ├── BufferUnavailable  nothing was stored: the disk refuses to write; trying again may work
    └── Fenced             nothing was stored: these identities belong to another gateway by now
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from gateway.model import Message, Priority, Stored

OnFull: TypeAlias = Literal["refuse", "thin", "drop-oldest"]
"""``refuse``: the sender waits (back-pressure). ``thin``: of the oldest every fourth scan stays, then one a minute, and
only then they go. ``drop-oldest``: the oldest segment goes. What goes is counted and said."""
Order: TypeAlias = Literal["oldest-first", "live-first"]
"""What a lane that is far behind gives first; ``live-first`` drains what waited beside it."""


@dataclass(frozen=True)
class BufferSettings:
    """What an operator decides about a buffer."""

    quota_bytes: int
    min_free_bytes: int = 0
    """What stays free on the disk, whoever fills it."""
    keep: Mapping[Priority, float | None] = field(default_factory=dict)
    """Seconds of buffer time that a message may wait; None, or a class that is not named: as long as there is room."""
    on_full: Mapping[Priority, OnFull] = field(default_factory=dict)
    """A class that is not named refuses."""
    order: Order = "oldest-first"


class BufferTrouble(Exception):
    """The buffer did not do what was asked; nothing was stored."""

    stored: frozenset[Priority] = frozenset()
    """Of an append with messages of several classes: those that were stored all the same."""


class BufferFull(BufferTrouble):
    """The quota or the disk is at its end, and the policy is to refuse."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """``quota`` or ``disk``."""


class BufferUnavailable(BufferTrouble):
    """The disk refuses to write for another reason; the text says which."""


class Fenced(BufferTrouble):
    """A replicated buffer says that another gateway owns these identities now; a local one never does."""


class Claim(NamedTuple):
    """The head of one identity's lane: messages in order, all of one class, held by the one who claimed them."""

    identity: str
    messages: tuple[Stored, ...]


class Loss(NamedTuple):
    """Messages of one identity and class that will not be delivered."""

    reason: str
    """``quota``, ``thinned``, ``expired`` (the policy gave them up), ``damaged`` (they could not be read) or
    ``refused`` (the upstream will never take them; they are in the quarantine)."""
    identity: str
    """Empty where not even that can be read; the sequences are then the frame's number."""
    priority: Priority
    messages: int
    first: int
    """Sequence of the first."""
    last: int
    first_ns: int
    """Source time of the first, nanoseconds since 1970; 0 where it is not known."""
    last_ns: int


class ClassStats(NamedTuple):
    """One class of messages in the buffer."""

    messages: int = 0
    bytes_on_disk: int = 0
    oldest_ns: int | None = None
    """Source time of the oldest message, nanoseconds since 1970."""
    full: str = ""
    """Why nothing more of this class can be stored now: ``quota`` or ``disk``; empty while there is room."""


class Timing(NamedTuple):
    """How long something took lately, in seconds."""

    p50_s: float = 0.0
    p99_s: float = 0.0


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
    """Messages that were lost, by reason (those of ``Loss``)."""
    full: str
    """Why no scan can be stored now; empty while there is room."""
    classes: Mapping[Priority, ClassStats] = {}
    parked: Mapping[str, str] = {}
    """Identities whose messages wait aside, with the reason."""
    draining: frozenset[str] = frozenset()
    """Identities of which something was acknowledged within the last minute."""
    append_per_s: float = 0.0
    """Messages a second, over the last minute."""
    drain_per_s: float = 0.0
    append: Timing = Timing()
    """From append's call to its return."""
    fsync: Timing = Timing()
    """Of the commit alone."""
    quarantined: int = 0
    """Messages in the quarantine."""


class Buffer(Protocol):
    """Durable, ordered per identity and class; one claim in flight per identity."""

    async def append(self, messages: Sequence[Message]) -> None:
        """Store all or nothing; on disk when this returns. Raises BufferFull, BufferUnavailable or Fenced.

        Of several classes one may be refused alone: the error's ``stored`` names the others, which are on disk.
        """
        ...

    async def claim(self, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        """The oldest messages (at least one) of this identity's most important class that has any; waits until one has.

        Every 16th claim goes to the least important class that waits. Nothing else of this identity can be claimed
        until the claim is acknowledged, given back or refused.
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

    async def refuse(self, claim: Claim, reason: str, count: int = 1) -> None:
        """The upstream will never take the first ``count`` messages: they lie in the quarantine when this returns.

        The rest is given back. Raises BufferFull or BufferUnavailable: then all of the claim is given back.
        """
        ...

    async def park(self, identity: str, reason: str) -> None:
        """Refused or throttled upstream: its messages hold no memory and keep no disk that others could use.

        The next claim of it ends that.
        """
        ...

    def gaps(self) -> Sequence[Loss]:
        """Losses that nobody upstream was told of yet, one per reason, identity and class."""
        ...

    async def told(self, gaps: Sequence[Loss]) -> None:
        """These are in the buffer as messages by now; a restart does not bring them again."""
        ...

    def stats(self) -> Stats:
        """Depth, age and losses; cheap enough for once a second."""
        ...
