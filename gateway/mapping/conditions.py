"""Points that are published only while a condition is true (``when:``), whenever it turns out to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.mapping.arithmetic import unfit
from gateway.mapping.expression import Formula
from gateway.model import Quality, Status, Value

NOT_YET = Status(Quality.BAD, "not read yet")


class Known(NamedTuple):
    """What is known of a point."""

    value: Value
    status: Status
    at_ns: int


class Condition:
    """The condition of one point, and what of the point was held back."""

    def __init__(self, formula: Formula, positions: Mapping[str, int]) -> None:
        self._holds = formula.bind(positions)
        self._named = [(positions[name], name) for name in formula.names]
        self.inputs = frozenset(position for position, _ in self._named)
        """The positions of the points that it uses."""
        self._newest: Known | None = None
        self._told: bool | Status = False
        """Whether the newest is published; a Status where instead of it was told that the condition is not known."""

    def read(self, known: Known, newest: Sequence[Value], why: Sequence[Status]) -> Known | None:
        """What is published of the point that was just read; None for nothing."""
        self._newest = known
        self._told = verdict = self._verdict(newest, why)
        return _published(known, verdict, known.at_ns)

    def turned(self, newest: Sequence[Value], why: Sequence[Status], at_ns: int) -> Known | None:
        """What is published of the point, which was read before, because its condition is another now.

        What was held back comes with the time at which it was read. None for nothing.
        """
        verdict = self._verdict(newest, why)
        if self._newest is None or verdict is False or verdict == self._told:
            return None
        self._told = verdict
        return _published(self._newest, verdict, at_ns)

    def _verdict(self, newest: Sequence[Value], why: Sequence[Status]) -> bool | Status:
        """Whether it is true, or why that is not known; of what was not read yet nothing is said."""
        result = self._holds(newest)
        if isinstance(result, int | float):  # ``and`` and ``or`` give one of their operands
            return bool(result)
        if result is None:
            position, name = next(named for named in self._named if newest[named[0]] is None)
            return why[position] is not NOT_YET and because(name, why[position].reason)
        return because("when", (result if isinstance(result, Status) else unfit("", result)).reason)


def _published(known: Known, verdict: bool | Status, at_ns: int) -> Known | None:
    if isinstance(verdict, bool):
        return known if verdict else None
    return known if known.status.quality is Quality.BAD else Known(None, verdict, at_ns)


@lru_cache(maxsize=4096)
def because(name: str, reason: str) -> Status:
    """BAD for the reason of another point."""
    return Status(Quality.BAD, f"{name}: {reason}")
