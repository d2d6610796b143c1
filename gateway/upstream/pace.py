"""How much of one identity is sent at a time, so that an alarm that comes meanwhile waits a second and not a minute."""

from __future__ import annotations

BUDGET_S = 1.0
"""What is sent at a time shall be acknowledged in about this long."""
FIRST_BYTES = 8_192
LEAST_BYTES, MOST_BYTES = 1_024, 262_144


class Pace:
    """The limit for the next claim, learnt from how long those before it took; no clock of its own."""

    def __init__(self) -> None:
        self.max_bytes = FIRST_BYTES
        self._least_s = float("inf")

    def took(self, sent_bytes: int, seconds: float) -> None:
        """So much was sent and acknowledged within this time.

        Half of the shortest time seen, or half a second, is taken for the way there and back, which does not grow with
        the bytes: a satellite's second must not be answered with ever smaller pieces.
        """
        self._least_s = min(self._least_s, seconds)
        sending_s = seconds - min(self._least_s, BUDGET_S) / 2
        fitting = sent_bytes * BUDGET_S / sending_s if sending_s > 0 else MOST_BYTES
        if seconds > BUDGET_S:
            limit = min(fitting, self.max_bytes)
        elif 2 * sent_bytes >= self.max_bytes:
            limit = min(fitting, 2 * self.max_bytes)
        else:
            return  # a small piece says little of a large one
        self.max_bytes = int(min(MOST_BYTES, max(LEAST_BYTES, limit)))
