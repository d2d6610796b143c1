"""The lanes in memory, and the window that they share: what is in it, who may fill it, who gives way; no I/O.

The windows of all lanes together are bounded, whatever the backlog: what does not fit stays on the disk. A lane that
nobody claims from gets no window, and one that is claimed from no more gives its window up to those that are.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.buffer import content
from gateway.buffer.content import Content, Extent
from gateway.buffer.frames import Section
from gateway.buffer.lane import Bundle, Held, Lane
from gateway.model import Message, Priority, Stored

WINDOW_BYTES = 16 * 1024 * 1024
"""All windows together, with what Python adds to each message."""
SHARE_BYTES = 512 * 1024
"""One lane's part is at most this when it is read back from the disk."""
OVERHEAD_BYTES = 400
"""What a message in a window takes beside its body and properties (measured: tuple, bytes and int objects)."""
FAR_BEHIND = 100
FAR_BEHIND_NS = 60_000_000_000
"""A lane is split, so that new messages go first, when so many wait (five claims) from so long a time."""
SPANS_LIMIT = 16
"""Of one lane: with more it is not split again before one is drained."""


class Dropped(NamedTuple):
    """Messages of a lane that waited and are gone."""

    messages: int
    first: int
    """Sequence of the first."""
    last: int


class Lanes:
    """All lanes, and the window that they share."""

    def __init__(self, window_bytes: int = WINDOW_BYTES) -> None:
        self.window_bytes = window_bytes
        self.used_bytes = 0
        self._bundles: dict[str, Bundle] = {}
        self._claimed: OrderedDict[str, Bundle] = OrderedDict()  # the one claimed from longest ago stands first

    def __iter__(self) -> Iterator[Lane]:
        return (lane for bundle in self._bundles.values() for lane in bundle.lanes if lane is not None)

    # Who is here.

    def bundle(self, identity: str) -> Bundle:
        """The lanes of this identity; made on first mention."""
        if identity not in self._bundles:
            self._bundles[identity] = Bundle(identity)
        return self._bundles[identity]

    def lane(self, identity: str, priority: Priority = Priority.TELEMETRY) -> Lane:
        """The lane of this identity and class; made on first mention."""
        lanes = (self._bundles.get(identity) or self.bundle(identity)).lanes
        lane = lanes[priority]
        if lane is None:
            lane = lanes[priority] = Lane(identity, priority)
        return lane

    def used(self, bundle: Bundle) -> None:
        """Somebody claims from these lanes: they may have a window."""
        bundle.parked = ""
        self._claimed[bundle.identity] = bundle
        self._claimed.move_to_end(bundle.identity)

    def park(self, bundle: Bundle, reason: str) -> None:
        """Nobody will claim from these for a while: what is not in flight leaves the window."""
        bundle.parked = reason
        self._claimed.pop(bundle.identity, None)
        for lane in _spans(bundle):
            self._shorten(lane, self._kept(lane), bytes_left=0)

    def parked(self) -> dict[str, str]:
        """The reason, for each identity that is parked."""
        return {bundle.identity: bundle.parked for bundle in self._bundles.values() if bundle.parked}

    def draining(self, since: float) -> frozenset[str]:
        """The identities of which something has arrived since this time, in seconds as in ``acked_s``."""
        return frozenset(bundle.identity for bundle in self._bundles.values() if bundle.acked_s >= since)

    # What comes.

    def stored(self, lane: Lane, frame: int, messages: Sequence[Stored]) -> None:
        """A commit brought these; they enter the window if nothing before them waits on the disk and there is room."""
        caught_up = not lane.behind
        lane.highest, lane.newest_ns = messages[-1].sequence, messages[-1].created_ns
        lane.waiting += len(messages)
        size = sum(map(_size, messages))
        if not caught_up:
            return
        if lane.identity in self._claimed and self.used_bytes + size <= self.window_bytes:
            self._enter(lane, frame, messages, size)
        else:
            lane.position, lane.behind_ns = frame, messages[0].created_ns

    def committed(
        self, priority: Priority, frame: int, sections: Sequence[Section], held: Mapping[str, Sequence[Message]]
    ) -> None:
        """A commit brought a frame; what does not enter a window is not even made into what is given out."""
        for identity, epoch, first, last, count, _, _, _, _ in sections:
            messages = held[identity]
            lane = self.lane(identity, priority)
            if identity in self._claimed and lane.loaded >= lane.highest:
                numbered = enumerate(messages, first)
                self.stored(lane, frame, [Stored(identity, epoch, number, *one[1:]) for number, one in numbered])
                continue
            if lane.loaded >= lane.highest:
                lane.position, lane.behind_ns = frame, messages[0].created_ns
            lane.highest, lane.newest_ns = last, messages[-1].created_ns
            lane.waiting += count

    def pass_over(self, lane: Lane, sequence: int) -> None:
        """Sequences up to this one were assigned to what may not have been stored: go on after them."""
        if not lane.behind:
            lane.loaded = sequence
        lane.highest = sequence

    def split(self, lane: Lane) -> bool:
        """What waits in this lane becomes an older span, if it is much: what comes from now on goes first."""
        few = lane.waiting < FAR_BEHIND or lane.newest_ns - (lane.own_oldest_ns or 0) < FAR_BEHIND_NS
        if few or len(lane.before) >= SPANS_LIMIT:
            return False
        old = Lane(lane.identity, lane.priority)
        for name in ("acked", "loaded", "highest", "waiting", "window", "window_bytes", "position", "behind_ns"):
            setattr(old, name, getattr(lane, name))
        lane.before.append(old)
        lane.acked = lane.loaded = lane.highest
        lane.waiting = lane.window_bytes = 0
        lane.window = deque()
        return True

    # Reading back.

    def wants(self, lane: Lane, frame: int, first: int, last: int) -> bool:
        """Whether a section, found in a frame that was read for another lane, is just what this one would read next."""
        here = lane.identity in self._claimed and lane.behind and lane.position <= frame
        return here and first <= lane.loaded + 1 <= last and self.used_bytes < self.window_bytes

    def share_bytes(self) -> int:
        """How much to read back for one lane, so that all that are in use find room."""
        return min(SHARE_BYTES, self.window_bytes // max(1, len(self._claimed)))

    def read_back(self, lane: Lane, frame: int, messages: Sequence[Stored]) -> None:
        """These were read from the disk; what the lane has already, and what is of a later span, is left out."""
        fresh = [message for message in messages if lane.loaded < message.sequence <= lane.highest]
        if fresh:
            self._enter(lane, frame, fresh, sum(map(_size, fresh)))
        lane.position = frame + 1

    def _enter(self, lane: Lane, frame: int, messages: Sequence[Stored], size: int) -> None:
        lane.window.extend([Held(frame, message) for message in messages])
        lane.window_bytes += size
        self.used_bytes += size
        lane.loaded = messages[-1].sequence

    def lost(self, lane: Lane, last: int, count: int, frame: int) -> None:
        """``count`` messages after those in the window, up to sequence ``last`` in this frame, cannot be read."""
        lane.waiting -= count
        lane.loaded = max(lane.loaded, last)
        lane.position = frame + 1
        if not lane.window:
            lane.acked = max(lane.acked, last)
            self._forget_drained(lane)

    def make_room(self, lane: Lane, wanted: int) -> None:
        """Windows of others give way to this lane, the one claimed from longest ago first; claims in flight stay."""
        for bundle in list(self._claimed.values()):
            for other in reversed(_spans(bundle)):
                if self.used_bytes + wanted <= self.window_bytes:
                    return
                if other is not lane:
                    self._shorten(other, self._kept(other), self.window_bytes - wanted)

    def _kept(self, lane: Lane) -> int:
        """How many at the head of its window are in flight."""
        bundle = self._bundles[lane.identity]
        return len(bundle.claim.messages) if bundle.claim and bundle.claimed is lane else 0

    def _shorten(self, lane: Lane, kept: int, bytes_left: int, frame: int = 0) -> None:
        """The end of its window, not below ``frame``, goes back to the disk until all take no more than this."""
        while len(lane.window) > kept and self.used_bytes > bytes_left and lane.window[-1].frame >= frame:
            at, message = lane.window.pop()
            self._freed(lane, message)
            lane.loaded = message.sequence - 1
            lane.position, lane.behind_ns = at, message.created_ns

    # What goes.

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

    def acknowledge(self, lane: Lane, sequence: int) -> dict[int, int]:
        """All up to this sequence have arrived; returns how many messages of each frame are done with."""
        done: dict[int, int] = {}
        window, size, count = lane.window, 0, 0
        while window and window[0].message.sequence <= sequence:
            frame, message = window.popleft()
            done[frame] = done.get(frame, 0) + 1
            count += 1
            size += _size(message)
            lane.behind_ns = message.created_ns
        lane.window_bytes -= size
        self.used_bytes -= size
        lane.waiting -= count
        # An empty window with nothing behind it: what was lost after the last arrival is done with as well.
        done_with_all = not window and lane.loaded >= lane.highest
        lane.acked = max(lane.acked, lane.highest if done_with_all else sequence)
        if done_with_all:
            self._forget_drained(lane)
        return done

    def _forget_drained(self, lane: Lane) -> None:
        live = self._bundles[lane.identity].lanes[lane.priority]
        if live is not None and live.before:
            live.before = [span for span in live.before if span.window or span.behind]

    def _freed(self, lane: Lane, message: Stored) -> None:
        lane.window_bytes -= _size(message)
        self.used_bytes -= _size(message)

    # What the disk does with segments. An extent is what one of them holds of a lane.

    def take_in(self, lane: Lane, extent: Extent) -> int:
        """Found at the opening; returns how many of them wait. Extents come in order, cursors before them."""
        total = 0
        lane.highest, lane.newest_ns = max(lane.highest, extent.last), extent.last_ns
        for span in lane.spans:
            count = _waiting(span, extent)
            if count and not span.waiting:
                span.position, span.behind_ns = extent.frame, extent.first_ns
            span.waiting += count
            total += count
        return total

    def take_in_all(self, priority: Priority, held: Content) -> int:
        """What a segment holds of all of them; how many wait. A million may lie there: nothing is done twice."""
        total = 0
        bundles = self._bundles
        for identity, extent in held.items():
            bundle = bundles.get(identity)
            lane = (bundle.lanes[priority] if bundle else None) or self.lane(identity, priority)
            first, last, messages, frame, first_ns, last_ns = extent
            if lane.before or first <= lane.acked:
                total += self.take_in(lane, extent)
                continue
            lane.highest, lane.newest_ns = max(lane.highest, last), last_ns
            if not lane.waiting:
                lane.position, lane.behind_ns = frame, first_ns
            lane.waiting += messages
            total += messages
        return total

    def taken_in(self) -> None:
        """All extents have come: what none of them holds is not waited for."""
        for lane in self:
            for span in lane.spans:
                span.loaded = span.acked if span.waiting else span.highest
            lane.before = [span for span in lane.before if span.waiting]

    def waiting(self, lane: Lane, extent: Extent) -> int:
        """How many of these are not acknowledged."""
        return sum(_waiting(span, extent) for span in lane.spans)

    def drop(self, lane: Lane, extent: Extent, frame: int) -> Dropped | None:
        """The whole segment is gone, ``frame`` was its last: what waited of it, None if nothing did."""
        gone = 0
        first = 0
        for span in lane.spans:
            count = _waiting(span, extent)
            if count and not gone:
                first = max(extent.first, span.acked + 1)
            gone += count
            if extent.last > span.acked:
                self.cut(span, min(extent.last, span.highest), count, frame, extent.last_ns)
        lane.before = [span for span in lane.before if span.window or span.behind]
        return Dropped(gone, first, extent.last) if gone else None

    def cut(self, lane: Lane, last: int, count: int, frame: int, last_ns: int) -> None:
        """``count`` messages that waited are gone with frames up to ``frame``: all to ``last``, of ``last_ns``."""
        while lane.window and lane.window[0].message.sequence <= last:
            self._freed(lane, lane.window.popleft().message)
        lane.waiting -= count
        lane.acked = max(lane.acked, last)
        lane.loaded = max(lane.loaded, last)
        if lane.loaded == last:
            lane.position, lane.behind_ns = max(lane.position, frame + 1), last_ns

    def thinned(self, lane: Lane, messages: int, last: int) -> None:
        """So many that waited on the disk are gone from between others, the last of them with this sequence."""
        for span in lane.spans:
            if last <= span.highest:
                span.waiting -= messages
                return

    def unload(self, lane: Lane, frame: int) -> None:
        """What lies in this frame and later ones leaves the window, to be read again; claims in flight stay."""
        for span in lane.spans:
            self._shorten(span, self._kept(span), bytes_left=-1, frame=frame)

    def claimed(self, lane: Lane) -> int:
        """The highest sequence of the claim that is in flight of this lane; 0 if none is."""
        bundle = self._bundles[lane.identity]
        if bundle.claim is None or bundle.claimed not in lane.spans:
            return 0
        return bundle.claim.messages[-1].sequence


def _spans(bundle: Bundle) -> list[Lane]:
    """All lanes of an identity with their older spans; alarms first."""
    return [span for lane in bundle.lanes if lane is not None for span in (lane, *reversed(lane.before))]


def _waiting(span: Lane, extent: Extent) -> int:
    """How many of these are in the span and not acknowledged."""
    return content.waiting(extent, span.acked) - content.waiting(extent, max(span.highest, span.acked))


def _size(message: Stored) -> int:
    return len(message.body) + len(message.properties) + OVERHEAD_BYTES
