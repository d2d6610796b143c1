"""What was lost of what had been accepted: counted by reason, identity and class, told once, and words for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from gateway.buffer.port import Loss
from gateway.model import Priority

Key: TypeAlias = tuple[str, str, Priority]
"""Reason, identity, class."""


class Damage(NamedTuple):
    """A frame that could not be read for one identity; empty for those whose names could not be read either."""

    priority: Priority
    frame: int
    identity: str


class Losses:
    """All losses of this buffer since it was made, and those of them that nobody upstream was told of yet."""

    def __init__(self) -> None:
        self.all: dict[Key, Loss] = {}
        """One line per reason, identity and class."""
        self.untold: dict[Key, Loss] = {}
        self.damage: set[Damage] = set()
        """Counted already, so that a restart that meets them again does not count them again."""
        self.since_opened: Counter[str] = Counter()
        """Messages by reason."""
        self._changed: set[Key] = set()
        self._damaged: set[Damage] = set()

    def restore(self, counted: Iterable[Loss], untold: Iterable[Loss], damage: Iterable[Damage]) -> None:
        """What an earlier process has counted."""
        self.all |= {_key(loss): loss for loss in counted}
        self.untold |= {_key(loss): loss for loss in untold}
        self.damage |= set(damage)

    def add(self, loss: Loss, damage: Damage | None = None) -> bool:
        """Count it; False where it is of damage that was counted before."""
        if loss.messages <= 0 or damage in self.damage:
            return False
        if damage is not None:
            self.damage.add(damage)
            self._damaged.add(damage)
        key = _key(loss)
        self.since_opened[loss.reason] += loss.messages
        self.all[key] = _sum(self.all.get(key), loss)
        self.untold[key] = _sum(self.untold.get(key), loss)
        self._changed.add(key)
        return True

    def gaps(self) -> list[Loss]:
        """Those that nobody was told of yet."""
        return list(self.untold.values())

    def told(self, gaps: Sequence[Loss]) -> None:
        """These were told; what was added to them meanwhile is still to be told."""
        for gap in gaps:
            key = _key(gap)
            known = self.untold.get(key)
            if known is None:
                continue
            self._changed.add(key)
            if known.messages <= gap.messages:
                del self.untold[key]
            else:
                first = gap.last + 1 if known.last > gap.last else known.first
                rest = known.messages - gap.messages
                self.untold[key] = known._replace(messages=rest, first=first, first_ns=gap.last_ns)

    def changes(self) -> tuple[set[Key], set[Damage]]:
        """What is not on the disk yet; hand it to ``again`` if it could not be written."""
        changed, self._changed = self._changed, set()
        damaged, self._damaged = self._damaged, set()
        return changed, damaged

    def again(self, changed: set[Key], damaged: set[Damage]) -> None:
        """These are not on the disk yet after all."""
        self._changed |= changed
        self._damaged |= damaged

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self._changed or self._damaged)


def _key(loss: Loss) -> Key:
    return loss.reason, loss.identity, loss.priority


def _sum(known: Loss | None, loss: Loss) -> Loss:
    if known is None:
        return loss
    earlier = [at_ns for at_ns in (known.first_ns, loss.first_ns) if at_ns]
    return known._replace(
        messages=known.messages + loss.messages,
        first=min(known.first, loss.first),
        last=max(known.last, loss.last),
        first_ns=min(earlier, default=0),
        last_ns=max(known.last_ns, loss.last_ns),
    )


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
