"""One lane: how far the messages of one identity and class have come; and the lanes of an identity, which take turns.

The sequences of a lane fall into four stretches, in this order::

    1 .. acked | acked+1 .. loaded | loaded+1 .. highest
    gone         in the window      on the disk alone: read back from frame ``position`` on

Where new messages shall go first, a lane that is far behind is split: what waits becomes a span of its own, with these
stretches and a fixed end, that is drained beside what comes.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from gateway.buffer.port import Claim
from gateway.model import Priority, Stored

BULK_TURN = 16
"""Every so many claims of an identity, its least important class that waits has its turn."""


class Held(NamedTuple):
    """A message in a window, with the frame it lies in on the disk."""

    frame: int
    message: Stored


class Cursor(NamedTuple):
    """How far one lane has come, as it is kept on the disk."""

    identity: str
    priority: Priority
    acked: int
    highest: int
    spans: tuple[tuple[int, int], ...] = ()
    """Last sequence, and how far it has come, of each older span."""


class Lane:
    """The way of one identity's messages of one class through the buffer; or an older span of it."""

    __slots__ = (
        "acked",
        "before",
        "behind_ns",
        "highest",
        "identity",
        "loaded",
        "newest_ns",
        "position",
        "priority",
        "turns",
        "waiting",
        "window",
        "window_bytes",
    )

    def __init__(self, identity: str, priority: Priority) -> None:
        self.identity = identity
        self.priority = priority
        self.acked = 0
        self.loaded = 0
        self.highest = 0
        """Last sequence that was assigned; in an older span its last one."""
        self.waiting = 0
        """Messages stored and not acknowledged, those of older spans not counted."""
        self.window: deque[Held] = deque()
        self.window_bytes = 0
        self.position = 0
        """No frame below this holds what follows ``loaded``; without meaning while the lane is not behind."""
        self.behind_ns = 0
        """Source time of what follows ``loaded``, or a little earlier."""
        self.newest_ns = 0
        """Source time of the last message."""
        self.before: list[Lane] = []
        """Older spans, the oldest first."""
        self.turns = 0
        """Claims from it and its older spans so far."""

    @property
    def behind(self) -> bool:
        """Whether there is more on the disk than in the window."""
        return self.loaded < self.highest

    @property
    def oldest_ns(self) -> int | None:
        """Source time of the oldest message that waits; None if none does."""
        return self.before[0].own_oldest_ns if self.before else self.own_oldest_ns

    @property
    def own_oldest_ns(self) -> int | None:
        """The same without older spans."""
        if not self.waiting:
            return None
        return self.window[0].message.created_ns if self.window else self.behind_ns

    @property
    def spans(self) -> tuple[Lane, ...]:
        """The older spans and the lane itself, in the order of their sequences."""
        return (*self.before, self)

    @property
    def all_waiting(self) -> int:
        """Messages stored and not acknowledged, those of older spans as well."""
        return self.waiting + (sum(span.waiting for span in self.before) if self.before else 0)

    @property
    def cursor(self) -> Cursor:
        """As it is kept on the disk."""
        spans = tuple((span.highest, span.acked) for span in self.before)
        return Cursor(self.identity, self.priority, self.acked, self.highest, spans)


class Bundle:
    """The lanes of one identity, of which one at a time is claimed from."""

    __slots__ = ("acked_s", "claim", "claimed", "identity", "lanes", "parked", "turns")

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.lanes: list[Lane | None] = [None] * len(Priority)
        self.claim: Claim | None = None
        self.claimed: Lane | None = None
        """The lane, or the span of it, that the claim in flight was taken from."""
        self.turns = 0
        """Claims so far."""
        self.parked = ""
        """Why it was put aside; empty while it is not."""
        self.acked_s = float("-inf")
        """When something was acknowledged last, in seconds of a clock that does not jump."""

    def turn(self) -> Lane | None:
        """What the next claim is taken from: None where nothing waits."""
        lanes = self.lanes if (self.turns + 1) % BULK_TURN else reversed(self.lanes)
        for lane in lanes:
            if lane is None:
                continue
            if lane.before:
                return self._span(lane)
            if lane.window or lane.loaded < lane.highest:
                return lane
        return None

    def _span(self, lane: Lane) -> Lane:
        """Every second claim goes to what waited before, if anything new waits."""
        new = lane.window or lane.behind
        return lane if new and lane.turns % 2 == 0 else lane.before[0]

    def take(self, lane: Lane, messages: tuple[Stored, ...]) -> Claim:
        """A claim of these, which stand at the head of the lane."""
        self.turns += 1
        live = self.lanes[lane.priority] or lane
        live.turns += 1
        self.claimed = lane
        self.claim = Claim(self.identity, messages)
        return self.claim

    def check(self, claim: Claim) -> Lane:
        """The lane that it was taken from. Raises ValueError if it is not out."""
        if self.claim is not claim or self.claimed is None:
            raise ValueError(f"{claim.identity}: this claim is not out")
        return self.claimed

    def release(self, claim: Claim) -> Lane:
        """The claim comes back. Raises ValueError if it is not out."""
        lane = self.check(claim)
        self.claimed = self.claim = None
        return lane


def restore(lane: Lane, cursor: Cursor) -> None:
    """Where the lane and its older spans stood, before anything is taken in."""
    lane.acked = cursor.acked
    lane.highest = max(cursor.acked, cursor.highest)
    for last, acked in sorted(cursor.spans):
        span = Lane(lane.identity, lane.priority)
        span.acked, span.highest = acked, last
        lane.before.append(span)
