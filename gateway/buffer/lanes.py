"""The lanes in memory: what of each identity is acknowledged, in the window, on the disk alone; no I/O, no clock.

A lane's sequences fall into four stretches, in this order::

    1 .. acked | acked+1 .. loaded | loaded+1 .. highest
    gone         in the window      on the disk alone: read back from frame ``position`` on

The windows of all lanes together are bounded, whatever the backlog: what does not fit stays on the disk. A lane that
nobody claims from gets no window, and one that is claimed from no more gives its window up to those that are.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.buffer.port import Claim
from gateway.model import Stored

WINDOW_BYTES = 16 * 1024 * 1024
"""All windows together, with what Python adds to each message."""
SHARE_BYTES = 512 * 1024
"""One lane's part is at most this when it is read back from the disk."""
OVERHEAD_BYTES = 400
"""What a message in a window takes beside its body and properties (measured: tuple, bytes and int objects)."""


class Held(NamedTuple):
    """A message in a window, with the frame it lies in on the disk."""

    frame: int
    message: Stored


class Lane:
    """One identity's way through the buffer."""

    __slots__ = (
        "acked",
        "behind_ns",
        "claim",
        "highest",
        "identity",
        "loaded",
        "position",
        "waiting",
        "window",
        "window_bytes",
    )

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.acked = 0
        self.loaded = 0
        self.highest = 0
        """Last sequence that was assigned."""
        self.waiting = 0
        """Messages stored and not acknowledged."""
        self.window: deque[Held] = deque()
        self.window_bytes = 0
        self.position = 0
        """No frame below this holds what follows ``loaded``; without meaning while the lane is not behind."""
        self.behind_ns = 0
        """Source time of what follows ``loaded``, or a little earlier."""
        self.claim: Claim | None = None

    @property
    def behind(self) -> bool:
        """Whether there is more on the disk than in the window."""
        return self.loaded < self.highest

    @property
    def oldest_ns(self) -> int | None:
        """Source time of the oldest message that waits; None if none does."""
        if not self.waiting:
            return None
        return self.window[0].message.created_ns if self.window else self.behind_ns


class Lanes:
    """All lanes, and the window that they share."""

    def __init__(self, window_bytes: int = WINDOW_BYTES) -> None:
        self.window_bytes = window_bytes
        self.used_bytes = 0
        self._lanes: dict[str, Lane] = {}
        self._claimed: OrderedDict[str, Lane] = OrderedDict()  # the one that was claimed from longest ago stands first

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def lane(self, identity: str) -> Lane:
        """The lane of this identity; made on first mention."""
        if identity not in self._lanes:
            self._lanes[identity] = Lane(identity)
        return self._lanes[identity]

    def used(self, lane: Lane) -> None:
        """Somebody claims from this lane: it may have a window."""
        self._claimed[lane.identity] = lane
        self._claimed.move_to_end(lane.identity)

    def wants(self, lane: Lane, frame: int, first: int, last: int) -> bool:
        """Whether a section, found in a frame that was read for another lane, is just what this one would read next."""
        here = lane.identity in self._claimed and lane.behind and lane.position <= frame
        return here and first <= lane.loaded + 1 <= last and self.used_bytes < self.window_bytes

    def share_bytes(self) -> int:
        """How much to read back for one lane, so that all that are in use find room."""
        return min(SHARE_BYTES, self.window_bytes // max(1, len(self._claimed)))

    def stored(self, lane: Lane, frame: int, messages: Sequence[Stored]) -> None:
        """A commit brought these; they enter the window if nothing before them waits on the disk and there is room."""
        caught_up = not lane.behind
        lane.highest = messages[-1].sequence
        lane.waiting += len(messages)
        size = sum(map(_size, messages))
        if not caught_up:
            return
        if lane.identity in self._claimed and self.used_bytes + size <= self.window_bytes:
            self._enter(lane, frame, messages, size)
        else:
            lane.position, lane.behind_ns = frame, messages[0].created_ns

    def read_back(self, lane: Lane, frame: int, messages: Sequence[Stored]) -> None:
        """These were read from the disk; what the lane has already is left out."""
        fresh = [message for message in messages if message.sequence > lane.loaded]
        if fresh:
            self._enter(lane, frame, fresh, sum(map(_size, fresh)))
        lane.position = frame + 1

    def _enter(self, lane: Lane, frame: int, messages: Sequence[Stored], size: int) -> None:
        lane.window.extend([Held(frame, message) for message in messages])
        lane.window_bytes += size
        self.used_bytes += size
        lane.loaded = messages[-1].sequence

    def head(self, lane: Lane, max_messages: int, max_bytes: int) -> tuple[Stored, ...]:
        """The oldest messages in the window: at least one if there is one, then as many as the limits allow."""
        taken: list[Stored] = []
        size = 0
        for _, message in lane.window:
            size += len(message.body) + len(message.properties)
            if taken and (len(taken) >= max_messages or size > max_bytes):
                break
            taken.append(message)
        return tuple(taken)

    def acknowledge(self, lane: Lane, sequence: int) -> Counter[int]:
        """All up to this sequence have arrived; returns how many messages of each frame are done with."""
        done: Counter[int] = Counter()
        while lane.window and lane.window[0].message.sequence <= sequence:
            frame, message = self._leave(lane)
            done[frame] += 1
            lane.behind_ns = message.created_ns
        lane.waiting -= done.total()
        # An empty window with nothing behind it: what was lost after the last arrival is done with as well.
        done_with_all = not lane.window and not lane.behind
        lane.acked = max(lane.acked, lane.highest if done_with_all else sequence)
        return done

    def _leave(self, lane: Lane) -> Held:
        held = lane.window.popleft()
        self._freed(lane, held.message)
        return held

    def _freed(self, lane: Lane, message: Stored) -> None:
        lane.window_bytes -= _size(message)
        self.used_bytes -= _size(message)

    def cut(self, lane: Lane, last: int, count: int, frame: int, last_ns: int) -> None:
        """``count`` messages that waited are gone with frames up to ``frame``: all to ``last``, of ``last_ns``."""
        while lane.window and lane.window[0].message.sequence <= last:
            self._leave(lane)
        lane.waiting -= count
        lane.acked = max(lane.acked, last)
        lane.loaded = max(lane.loaded, last)
        if lane.loaded == last:
            lane.position, lane.behind_ns = max(lane.position, frame + 1), last_ns

    def lost(self, lane: Lane, last: int, count: int, frame: int) -> None:
        """``count`` messages after those in the window, up to sequence ``last`` in this frame, cannot be read."""
        lane.waiting -= count
        lane.loaded = max(lane.loaded, last)
        lane.position = frame + 1
        if not lane.window:
            lane.acked = max(lane.acked, last)

    def pass_over(self, lane: Lane, sequence: int) -> None:
        """Sequences up to this one were assigned to what may not have been stored: go on after them."""
        if not lane.behind:
            lane.loaded = sequence
        lane.highest = sequence

    def make_room(self, lane: Lane, wanted: int) -> None:
        """Windows of others give way to this lane, the one claimed from longest ago first; claims in flight stay."""
        for other in list(self._claimed.values()):
            if self.used_bytes + wanted <= self.window_bytes:
                return
            if other is not lane:
                self._shorten(other, wanted)

    def _shorten(self, lane: Lane, wanted: int) -> None:
        kept = len(lane.claim.messages) if lane.claim else 0
        while len(lane.window) > kept and self.used_bytes + wanted > self.window_bytes:
            frame, message = lane.window.pop()
            self._freed(lane, message)
            lane.loaded = message.sequence - 1
            lane.position, lane.behind_ns = frame, message.created_ns


def _size(message: Stored) -> int:
    return len(message.body) + len(message.properties) + OVERHEAD_BYTES
