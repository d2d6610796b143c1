"""What the log has said of points lately: what comes and goes is told once an hour, both ways or not at all.

Times are seconds of any clock that runs evenly.
"""

from __future__ import annotations

from collections.abc import Iterable

AGAIN_S = 3600.0


class Said:
    """Of the points of one line, by their numbers."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}
        self._open: set[int] = set()
        """Of which it was said that it began, and not yet that it ended."""

    def begun(self, points: Iterable[int], now: float) -> list[int]:
        """For these it begins: those of which it is to be said."""
        said = [point for point in points if now - self._at.get(point, -AGAIN_S) >= AGAIN_S]
        self._at.update(dict.fromkeys(said, now))
        self._open.update(said)
        return said

    def ended(self, points: Iterable[int]) -> list[int]:
        """For these it has ended: those of which it is to be said."""
        said = [point for point in points if point in self._open]
        self._open.difference_update(said)
        return said
