"""Which units of a line are heard: a silent one is left alone for growing times, so that the others keep their rate.

Times are seconds. Nothing here has a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

SILENT_AFTER = 3
"""Failures in a row after which a unit is only probed."""
FIRST_PAUSE = 4.0
"""Timeouts between the first two probes: a silent unit takes at most a fifth of the line's time."""
LONGEST_PAUSE = 25.0
"""Timeouts between later probes, where that is more than ``LONGEST_PAUSE_S``: at most a 25th of the line's time."""
LONGEST_PAUSE_S = 30.0
SHARED_PAUSE_S = 300.0
"""Where many units are silent they share that time, and each is probed less often; but no less than so."""


def pause_s(failures: int, timeout_s: float, sharers: int = 1) -> float:
    """How long a unit is left alone after so many failures in a row; 0 while it still keeps its rate.

    ``sharers``: so many are left alone on this line, this one with them.
    """
    if failures < SILENT_AFTER:
        return 0.0
    shared_s = timeout_s * max(1, sharers)
    longest = max(LONGEST_PAUSE_S, LONGEST_PAUSE * timeout_s, min(SHARED_PAUSE_S, LONGEST_PAUSE * shared_s))
    return min(longest, FIRST_PAUSE * shared_s * 2.0 ** min(failures - SILENT_AFTER, 30))


class Breaker:
    """The units of one line, and how often each has failed since it was last heard."""

    def __init__(self, units: Iterable[int]) -> None:
        self._failures = dict.fromkeys(units, 0)
        self._failing: set[int] = set()
        self._silent: set[int] = set()
        self._unheard = set(self._failures)
        """Since the line was opened."""
        self._silences = 0

    @property
    def quiet(self) -> bool:
        """Nothing has come over the line for a while."""
        return self._silences >= SILENT_AFTER

    def dead(self, units: Set[int]) -> bool:
        """Nothing has come over the line for a while, and each of these units, of all that can be asked, is silent."""
        return self.quiet and units <= self._silent

    @property
    def silent(self) -> Set[int]:
        """The units that are only probed."""
        return self._silent

    @property
    def spoken(self) -> Set[int]:
        """The units that keep their rate."""
        return self._failures.keys() - self._silent

    @property
    def doubtful(self) -> Set[int]:
        """Where some have failed: these, and those not heard yet. They may cost a timeout, so others go first."""
        return self._failing | self._unheard if self._failing else frozenset()

    def spoke(self) -> None:
        """Something came over the line, be it that a gateway does not reach the unit."""
        self._silences = 0

    def silence(self) -> None:
        """A request was not answered at all."""
        self._silences += 1

    def heard(self, unit: int) -> bool:
        """The unit answered; whether it had been silent until now."""
        if unit not in self._failing:
            self._unheard.discard(unit)
            return False
        returned = unit in self._silent
        for units in (self._failing, self._silent, self._unheard):
            units.discard(unit)
        self._failures[unit] = 0
        return returned

    def failed(self, unit: int, timeout_s: float) -> float:
        """The unit was not heard. How long it is left alone now; 0: it keeps its rate.

        One of several that fail gives the others two timeouts each, so that those that do not fail have half the line.
        """
        self._failures[unit] += 1
        self._failing.add(unit)
        if self._failures[unit] >= SILENT_AFTER:
            self._silent.add(unit)
            return pause_s(self._failures[unit], timeout_s, len(self._silent))
        return 2 * timeout_s * (len(self._failing) - 1)
