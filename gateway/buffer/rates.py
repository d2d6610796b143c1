"""How fast and how long: events over the last minute, and the lately longest of many durations; no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gateway.buffer.port import Timing

WINDOW_S = 60
_SAMPLES = 2048


class Rate:
    """Events a second over the last minute. Times are seconds of a clock that does not jump."""

    def __init__(self, now_s: float) -> None:
        self._begun_s = int(now_s)
        self._counts: deque[tuple[int, int]] = deque()
        self._second = self._begun_s
        self._count = 0
        """Of the second that is not over yet."""

    def add(self, events: int, now_s: float) -> None:
        """So many happened now."""
        second = int(now_s)
        if second != self._second:
            self._turn(second)
        self._count += events

    def per_s(self, now_s: float) -> float:
        """Over the last 60 whole seconds, or over those since it began; 0 in its first second."""
        second = int(now_s)
        if second != self._second:
            self._turn(second)
        span = min(WINDOW_S, second - self._begun_s)
        return sum(count for _, count in self._counts) / span if span else 0.0

    def _turn(self, second: int) -> None:
        """Another second has begun."""
        if self._count:
            self._counts.append((self._second, self._count))
        self._second, self._count = second, 0
        while self._counts and self._counts[0][0] < second - WINDOW_S:
            self._counts.popleft()


class Durations:
    """The last two thousand durations of something."""

    def __init__(self) -> None:
        self._kept: deque[float] = deque(maxlen=_SAMPLES)

    def note(self, seconds: float) -> None:
        """One of them."""
        self._kept.append(seconds)

    def note_all(self, seconds: Iterable[float]) -> None:
        """Some of them."""
        self._kept.extend(seconds)

    @property
    def timing(self) -> Timing:
        """Half of them, and all but one of a hundred, took no longer."""
        if not self._kept:
            return Timing()
        ordered = sorted(self._kept)
        return Timing(ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100])
