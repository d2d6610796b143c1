"""Counters that begin at 0 again when their register is full, as totals that go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Total:
    """One counter: what its rollovers so far amount to."""

    def __init__(self, rollover: int, source: str = "") -> None:
        self.rollover = rollover
        """How many raw values it has."""
        self.source = source
        """Which counter in the field it is."""
        self.base = 0
        """Is added to the raw value."""
        self.last: int | float | None = None

    def __call__(self, raw: int | float) -> int | float:
        """The total at this raw value. A counter that falls by less than half its range was reset, not full."""
        last = self.last
        if last is not None and raw < last:
            self.base = self.base + self.rollover if last - raw > self.rollover / 2 else 0
        self.last = raw
        return raw + self.base


class Totals:
    """All counters with a rollover, by device and point, so that they can be kept over a restart."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        """``kept``: what ``dump`` gave; what does not look like it is left out."""
        self._kept = dict(kept or {})
        self._totals: dict[str, Total] = {}

    def total(self, device: str, point: str, rollover: int, source: str = "") -> Total:
        """The counter of one point; the same object for the same rollover and source.

        With another one it begins anew: a smaller value of another counter is no rollover.
        """
        key = f"{device}/{point}"
        total = self._totals.get(key)
        if total is None or (total.rollover, total.source) != (rollover, source):
            total = self._totals[key] = Total(rollover, source)
            match self._kept.pop(key, None):
                case {"rollover": size, "source": whose, "base": int(base), "last": int() | float() as last} if (
                    size,
                    whose,
                ) == (rollover, source):
                    total.base, total.last = base, last
        return total

    @property
    def bases(self) -> tuple[int, ...]:
        """Changes when one of them has rolled over: then it is time to keep them."""
        return tuple(total.base for total in self._totals.values())

    def dump(self) -> dict[str, Any]:
        """Ready for JSON; also those that nobody asked for this time."""
        now = {
            key: {"rollover": total.rollover, "source": total.source, "base": total.base, "last": total.last}
            for key, total in self._totals.items()
            if total.last is not None
        }
        return self._kept | now
