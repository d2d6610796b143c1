"""Requests whose answers cost the connection again and again: they are left alone for growing times.

A stream that a wrong answer has put out of step is opened anew, for every unit on it. Behind a box with many units one
that always answers wrongly would cost all of them a connection with each of its scans.

Times are seconds. Nothing here has a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adapters.modbus.breaker import pause_s
from adapters.modbus.pdu import Ask, WrongAnswer

LONGEST_S = 30.0
"""Between two tries at the most: none of them waits for a timeout, so this may be short."""

_Key: TypeAlias = tuple[int, int, bytes]


@dataclass(slots=True)
class _Doubt:
    error: WrongAnswer
    score: int = 0
    """Wrong answers; a right one makes up for one of them."""
    until: float = 0.0


class Doubts:
    """Of one line. The first few wrong answers to a request cost nothing; then pauses grow as for a silent unit."""

    def __init__(self) -> None:
        self._doubts: dict[_Key, _Doubt] = {}

    def wrong(self, unit: int, ask: Ask, error: WrongAnswer, timeout_s: float, now: float) -> None:
        """The answer cost the connection."""
        doubt = self._doubts.setdefault(_key(unit, ask), _Doubt(error))
        doubt.error = error
        if pause_s(doubt.score, timeout_s) < LONGEST_S:
            doubt.score += 1
        doubt.until = now + min(LONGEST_S, pause_s(doubt.score, timeout_s))

    def right(self, unit: int, ask: Ask) -> None:
        """It was answered, be it with an exception."""
        doubt = self._doubts.get(_key(unit, ask))
        if doubt is not None:
            doubt.score -= 1
            if doubt.score <= 0:
                del self._doubts[_key(unit, ask)]

    def held(self, unit: int, ask: Ask, now: float) -> WrongAnswer | None:
        """What its last answer was, where it is not to be asked now."""
        doubt = self._doubts.get(_key(unit, ask))
        if doubt is None or now >= doubt.until:
            return None
        # A new one: an exception that is raised again and again would hold on to all places where it was.
        return type(doubt.error)(doubt.error.expected, doubt.error.received)


def _key(unit: int, ask: Ask) -> _Key:
    return unit, ask.function, ask.body
