"""Requests that cost a connection or a timeout again and again: they are left alone for growing times.

A stream that a wrong answer has put out of step is opened anew, for every unit on it. Behind a box with many units one
that always answers wrongly would cost all of them a connection with each of its scans, and one that answers all but one
request a timeout.

Times are seconds. Nothing here has a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adapters.modbus.breaker import SILENT_AFTER, pause_s
from adapters.modbus.pdu import Ask, WrongAnswer

LONGEST_S = 30.0
"""Between two tries at the most: none of them waits for a timeout, so this may be short."""

KEPT = 1000
"""Silent requests that are remembered."""

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


@dataclass(slots=True)
class _Silence:
    score: int = 0
    """Timeouts between which the unit has answered something else."""
    until: float = 0.0
    answers: int = -1
    """How many its unit had given when it was silent last."""


class Silences:
    """Requests of one line that are not answered, while their units answer others.

    What a unit is asked that answers nothing at all is not counted here: it is the ``breaker``'s.
    """

    def __init__(self) -> None:
        self._silent: dict[_Key, _Silence] = {}
        self._answers: dict[int, int] = {}
        """How many each unit has given."""

    def answered(self, unit: int, ask: Ask) -> None:
        """The unit answered this, be it with an exception."""
        self._answers[unit] = self._answers.get(unit, 0) + 1
        if self._silent:
            self._silent.pop(_key(unit, ask), None)

    def silent(self, unit: int, ask: Ask, timeout_s: float, now: float) -> None:
        """There was no answer in time."""
        silence = self._silent.setdefault(_key(unit, ask), _Silence())
        answers = self._answers.get(unit, 0)
        silence.score += answers != silence.answers
        silence.answers = answers
        sharers = sum(one.score >= SILENT_AFTER for one in self._silent.values())
        silence.until = now + pause_s(silence.score, timeout_s, sharers)
        while len(self._silent) > KEPT:
            del self._silent[next(iter(self._silent))]

    def held(self, unit: int, ask: Ask, now: float) -> bool:
        """Whether it is not to be asked now. Where its unit has answered nothing since, it is as good as any other."""
        silence = self._silent.get(_key(unit, ask)) if self._silent else None
        return silence is not None and now < silence.until and self._answers.get(unit, 0) != silence.answers


def _key(unit: int, ask: Ask) -> _Key:
    return unit, ask.function, ask.body
