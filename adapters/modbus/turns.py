"""Whose turn it is on a line: one request at a time; writes and commands before polls, though not for ever."""

from __future__ import annotations

import asyncio
from collections import deque

URGENT_IN_A_ROW = 8
"""After so many, one poll that waits has its turn: a flood of commands does not silence the measurements."""


class Turns:
    """The order in which tasks use a line. Whoever has taken a turn gives it back."""

    def __init__(self) -> None:
        self._taken = False
        # Both are bounded by the tasks that wait: each waits for its own turn before it asks for another.
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    async def take(self, *, urgent: bool = False) -> None:
        """Wait for the turn; those of one kind have it in the order in which they came."""
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._patient).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it came together with the cancellation
            raise

    def give(self) -> None:
        """The turn is over; the next one has it."""
        while self._urgent or self._patient:
            urgent = bool(self._urgent) and not (self._patient and self._in_a_row >= URGENT_IN_A_ROW)
            self._in_a_row = self._in_a_row + 1 if urgent else 0
            turn = (self._urgent if urgent else self._patient).popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_a_row = 0
        self._taken = False

    def end(self, reason: Exception) -> None:
        """Nobody who waits will have a turn: they get this instead."""
        for queue in (self._urgent, self._patient):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_exception(reason)
