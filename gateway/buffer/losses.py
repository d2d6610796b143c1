"""What was lost of what had been accepted: counted by reason and identity with its span, and the words for the log."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple


class Loss(NamedTuple):
    """Messages of one identity that will not be delivered."""

    reason: str
    """``quota`` (the policy gave them up) or ``damaged`` (they could not be read)."""
    identity: str
    """Empty where not even that can be read; the sequences are then the frame's number."""
    messages: int
    first: int
    """Sequence of the first."""
    last: int
    first_ns: int
    """Source time of the first, nanoseconds since 1970; 0 where it is not known."""
    last_ns: int


class Losses:
    """All losses of this buffer since it was made, one line per reason and identity."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str], Loss] = {}
        self.since_opened: Counter[str] = Counter()
        """Messages by reason."""

    def add(self, loss: Loss) -> bool:
        """Count it; False if it was known already, as damage is that a restart meets again."""
        key = loss.reason, loss.identity
        known = self.all.get(key)
        messages = min(loss.messages, loss.last - known.last) if known else loss.messages
        if messages <= 0:
            return False
        self.since_opened[loss.reason] += messages
        if known is not None:
            loss = loss._replace(
                messages=known.messages + messages, first=known.first, first_ns=known.first_ns or loss.first_ns
            )
        self.all[key] = loss
        return True


class Episode:
    """A time of dropping, for one line in the log when it begins and one that sums it up when it ends."""

    def __init__(self) -> None:
        self.messages = 0
        self.identities: set[str] = set()
        self._first_ns: int | None = None
        self._last_ns: int | None = None

    def note(self, loss: Loss) -> None:
        """This was dropped."""
        self.messages += loss.messages
        self.identities.add(loss.identity)
        self._first_ns = loss.first_ns if self._first_ns is None else min(self._first_ns, loss.first_ns)
        self._last_ns = loss.last_ns if self._last_ns is None else max(self._last_ns, loss.last_ns)

    def summary(self) -> str:
        """``1200 messages of 3 identities, measured from ... to ...``."""
        span = ""
        if self._first_ns is not None and self._last_ns is not None:
            span = f", measured from {_time(self._first_ns)} to {_time(self._last_ns)}"
        return f"{self.messages} messages of {len(self.identities)} identities{span}"


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
