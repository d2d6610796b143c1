"""How long to wait before the next try: exponential with full jitter, so that many never return at once."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Waits of one thing that fails: each drawn from 0..cap, the cap doubling from ``first_s`` to ``limit_s``.

    >>> backoff = Backoff(first_s=0.2, limit_s=30, uniform=lambda low, high: high)
    >>> [backoff.next_s() for _ in range(4)]
    [0.2, 0.4, 0.8, 1.6]
    """

    def __init__(
        self, *, first_s: float = 0.2, limit_s: float = 30.0, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._uniform = uniform
        self.failures = 0

    def next_s(self) -> float:
        """Count one failure and return the seconds to wait."""
        cap_s = min(self._limit_s, self._first_s * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return self._uniform(0.0, cap_s)

    def reset(self) -> None:
        """It worked: start small again."""
        self.failures = 0
