"""When each scan of a line is due: spread, without drift, never queued up.

Times are seconds of any clock that runs evenly; it is passed in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush

SPREAD_S = 5.0
"""First scans begin within this time (or their period): a point that is read once an hour has its first value soon."""
GOLDEN = 0.618
PATIENCE_S = 10.0
"""So long a scan waits for others that are to go before it, at most."""


def phases(periods: Sequence[float]) -> list[float]:
    """Seconds until each first scan, so that they do not bunch.

    Those of one period stand evenly in it; those of another period stand between them.

    >>> phases([1, 1])
    [0.0, 0.5]
    """
    total = Counter(periods)
    # The golden section of the narrowest step: however many periods there are, they begin apart from each other.
    step = min((_room(period) / count for period, count in total.items()), default=0.0)
    begins = {period: step * (place * GOLDEN % 1) for place, period in enumerate(sorted(total))}
    seen: Counter[float] = Counter()
    spread = []
    for period in periods:
        spread.append(begins[period] + _room(period) * seen[period] / total[period])
        seen[period] += 1
    return spread


def _room(period: float) -> float:
    return min(period, SPREAD_S)


class Schedule:
    """The due times of scans, by index."""

    def __init__(self, periods: Sequence[float], start: float) -> None:
        self._periods = list(periods)
        self._anchors = [start + phase for phase in phases(periods)]
        # Whole turns are counted: adding up periods would drift by their rounding.
        self._turns = [0] * len(self._periods)
        self._due = list(self._anchors)
        self._moved = [False] * len(self._periods)
        self._queue = [(due, index) for index, due in enumerate(self._due)]
        heapify(self._queue)
        self.late = 0
        """Scans that were left out because their time had passed before they could begin."""

    def due(self) -> float:
        """When the next scan is due. There is always one."""
        while self._queue[0][0] != self._due[self._queue[0][1]]:
            heappop(self._queue)  # was moved since
        return self._queue[0][0]

    def take(self, now: float, behind: Collection[int] = ()) -> int:
        """The scan that is due first; its next turn is the first one after ``now``, those between are late.

        Those of ``behind`` come after all others that are due, if they have not waited for long.
        """
        due = self.due()
        index = self._queue[0][1]
        if index in behind and due + PATIENCE_S > now:
            index = self._before(now, behind, index)
        if index == self._queue[0][1]:
            heappop(self._queue)
        period = self._periods[index]
        # A scan that was moved forward has its own turn still before it.
        turn = self._turns[index] + (not self._moved[index])
        passed = 0 if math.isinf(period) else math.floor((now - self._anchors[index]) / period)
        self._turns[index] = max(turn, passed + 1)
        if not self._moved[index]:
            self.late += self._turns[index] - turn
        self._put(index, self._anchors[index] + self._turns[index] * period, moved=False)
        return index

    def due_of(self, index: int) -> float:
        """When this scan is due."""
        return self._due[index]

    def postpone(self, index: int, until: float) -> None:
        """A scan is not due before this time."""
        if self._due[index] < until:
            self.move(index, until)

    def move(self, index: int, due: float) -> None:
        """Make a scan due at another time, once; its later turns stay where they were."""
        self._put(index, due, moved=True)

    def _before(self, now: float, behind: Collection[int], first: int) -> int:
        """The scan that goes before ``first``: which itself, where no other is due."""
        others = [(due, index) for index, due in enumerate(self._due) if due <= now and index not in behind]
        return min(others)[1] if others else first

    def _put(self, index: int, due: float, *, moved: bool) -> None:
        self._due[index] = due
        self._moved[index] = moved
        heappush(self._queue, (due, index))
