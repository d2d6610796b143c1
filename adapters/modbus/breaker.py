"""Which units of a line are heard: a silent one is left alone for growing times, so that the others keep their rate.

Times are seconds. Nothing here has a clock.
"""

from __future__ import annotations

from collections.abc import Iterable

SILENT_AFTER = 3
"""Failures in a row after which a unit is only probed."""
FIRST_PAUSE = 4.0
"""Timeouts between the first two probes: a silent unit takes at most a fifth of the line's time."""
LONGEST_PAUSE = 25.0
"""Timeouts between later probes, where that is more than ``LONGEST_PAUSE_S``: at most a 25th of the line's time."""
LONGEST_PAUSE_S = 30.0


def pause_s(failures: int, timeout_s: float) -> float:
    """How long a unit is left alone after so many failures in a row; 0 while it still keeps its rate."""
    if failures < SILENT_AFTER:
        return 0.0
    longest = max(LONGEST_PAUSE_S, LONGEST_PAUSE * timeout_s)
    return min(longest, FIRST_PAUSE * timeout_s * 2.0 ** min(failures - SILENT_AFTER, 30))


class Breaker:
    """The units of one line, and how often each has failed since it was last heard."""

    def __init__(self, units: Iterable[int]) -> None:
        self._failures = dict.fromkeys(units, 0)
        self._silences = 0

    @property
    def dead(self) -> bool:
        """Nothing has come over the line for a while, and each unit is silent."""
        return self._silences >= SILENT_AFTER and min(self._failures.values()) >= SILENT_AFTER

    def spoke(self) -> None:
        """Something came over the line, be it that a gateway does not reach the unit."""
        self._silences = 0

    def silence(self) -> None:
        """A request was not answered at all."""
        self._silences += 1

    def heard(self, unit: int) -> bool:
        """The unit answered; whether it had been silent until now."""
        returned = self._failures.get(unit, 0) >= SILENT_AFTER
        self._failures[unit] = 0
        return returned

    def failed(self, unit: int, timeout_s: float) -> float:
        """The unit was not heard. How long it is left alone now; 0: it keeps its rate."""
        self._failures[unit] += 1
        return pause_s(self._failures[unit], timeout_s)
