"""Report by exception: which values of a scan have something to tell. Pure; time comes with the scan."""

from __future__ import annotations

from typing import NamedTuple

from gateway.mapping.program import LAYOUTS, Layout, Row, Scan
from gateway.model import Status, Value

_NUMBERS = (float, int)
"""Not bool: it has no distance."""
_NEARLY = 1 + 1e-9
"""Exactly the deadband is not beyond it, also where 230.3 - 230.2 is a little more than 0.1."""


class _Rule(NamedTuple):
    """When the point of a row is published."""

    position: int
    size: float
    """How far a number may move; 0: not at all."""
    share: float
    """The same as a share of the value that was published last; 0 where ``size`` is meant."""
    heartbeat_ns: int


class _Told:
    """What was published of a point last."""

    __slots__ = ("at_ns", "status", "value")

    def __init__(self, value: Value, status: Status, at_ns: int) -> None:
        self.value = value
        self.status = status
        self.at_ns = at_ns


class Reporter:
    """Remembers what was published last of the points of one device that have a deadband."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}
        self._rules: dict[Layout, tuple[_Rule | None, ...]] = {}

    def select(self, scan: Scan, at_ns: int) -> list[int] | None:
        """Indices of the rows to publish now; None for all. What is selected counts as published.

        A point without a deadband is published always; one with a deadband when it has moved beyond it, when its status
        has changed, and when its heartbeat has passed since. A clock that went back counts as passed.
        """
        if not scan.layout.exceptions:
            return scan.shown
        rules = self._rules.get(scan.layout) or self._prepare(scan.layout)
        values, statuses, remembered = scan.values, scan.statuses, self._told
        chosen = []
        for index in range(len(rules)) if scan.shown is None else scan.shown:
            rule = rules[index]
            if rule is not None:
                told = remembered.get(rule.position)
                if told is None:
                    remembered[rule.position] = _Told(values[index], statuses[index], at_ns)
                elif _is_news(rule, told, values[index], statuses[index], at_ns):
                    told.value, told.status, told.at_ns = values[index], statuses[index], at_ns
                else:
                    continue
            chosen.append(index)
        return None if len(chosen) == len(rules) else chosen

    def _prepare(self, layout: Layout) -> tuple[_Rule | None, ...]:
        if len(self._rules) >= LAYOUTS:
            self._rules.clear()
        rules = self._rules[layout] = tuple(_rule(row) for row in layout.rows)
        return rules


def _rule(row: Row) -> _Rule | None:
    deadband, heartbeat_ns = row.report.deadband, round(row.report.heartbeat_s * 1e9)
    if deadband is None:
        return None
    size, share = deadband.size * _NEARLY, 0.0
    if deadband.percent and row.range is not None:
        size *= (row.range[1] - row.range[0]) / 100
    elif deadband.percent:
        size, share = 0.0, size / 100
    return _Rule(row.position, size, share, heartbeat_ns)


def _is_news(rule: _Rule, told: _Told, value: Value, status: Status, at_ns: int) -> bool:
    before = told.value
    if status is not told.status and status != told.status:
        return True
    if not 0 <= at_ns - told.at_ns < rule.heartbeat_ns:
        return True
    if type(value) in _NUMBERS and type(before) in _NUMBERS:
        # Both are numbers.
        size = rule.share * abs(before) if rule.share else rule.size  # type: ignore[arg-type]
        return abs(value - before) > size  # type: ignore[operator, no-any-return]
    return before != value or type(before) is not type(value)
