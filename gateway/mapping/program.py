"""A device's points as plain functions, compiled once: one scan of raw readings in, what it means out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from gateway.mapping.compile import linear
from gateway.mapping.conditions import NOT_YET, Condition, Known, because
from gateway.mapping.existence import Existence
from gateway.mapping.sources import source
from gateway.mapping.spec import DerivedSpec, Device, PointSpec, Report
from gateway.mapping.steps import Doubtful, Step, step, within
from gateway.mapping.totals import Total, Totals
from gateway.model import GOOD, Quality, Reading, Status, Value

LAYOUTS = 256
"""So many are remembered: a listener's batches may hold ever other points."""


class Row(NamedTuple):
    """What is the same for a point in every scan."""

    position: int
    """Index into the device's points, with the derived ones behind them."""
    name: str
    unit: str
    single: bool
    """A float32 that is written with its shortest text."""
    report: Report
    range: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What is the same in every scan of the same points, prepared once; each is equal to itself alone."""

    rows: tuple[Row, ...]
    """The points that were read, then those that are computed from them."""
    steps: tuple[tuple[int, Step], ...]
    """Index into the rows and the function for its raw value, for those points that need one."""
    powers: tuple[tuple[int, int, Step | None], ...]
    """Index and position of scale factors, and what says that there is none just now."""
    kept: tuple[tuple[int, int], ...]
    """Index and position of points that formulas use."""
    derived: tuple[int, ...]
    """Which of the device's derived points are computed."""
    conditional: tuple[tuple[int, int], ...]
    """Index and position of points that are published only while a condition is true."""
    watched: tuple[int, ...]
    """Positions of other such points, whose condition uses one that was read, or was computed."""
    exceptions: bool
    """Whether one of them is reported by exception."""


class Scan(NamedTuple):
    """One scan of a device, normalised."""

    layout: Layout
    values: list[Value]
    """For each row of the layout."""
    statuses: list[Status]
    shown: list[int] | None
    """Indices of the rows whose ``when`` is not false; None for all."""
    late: tuple[int, ...] = ()
    """When the last rows were read: those of other scans, whose ``when`` has turned just now."""


class Program:
    """The functions of one device, and the newest values that they need of one another."""

    def __init__(self, device: Device, totals: Totals) -> None:
        self._points = device.points
        self._powers: dict[int, int | None] = {
            spec.scale_from: None for spec in device.points if spec.scale_from is not None
        }
        self._steps = [step(spec, _total(spec, device, totals), self._powers) for spec in device.points]
        self._rows = _rows(device)
        positions = {row.name: row.position for row in self._rows}
        self._newest: list[Value] = [None] * len(self._rows)
        self._why: list[Status] = [NOT_YET] * len(self._rows)
        self._derived = [_Derived(spec, positions) for spec in device.derived]
        conditions = [*(spec.when for spec in device.points), *(spec.when for spec in device.derived)]
        self._conditions = {
            position: Condition(when, positions) for position, when in enumerate(conditions) if when is not None
        }
        self._existence = Existence(device.points, positions)
        used = {name for spec in device.derived for name in spec.formula.names}
        self._used = frozenset(positions[name] for name in used).union(
            *(condition.inputs for condition in self._conditions.values()), self._existence.inputs
        )
        self._layouts: dict[tuple[int, ...], Layout] = {}

    @property
    def absent(self) -> frozenset[int]:
        """The positions of points that the device has not, as far as is known: they shall not be read."""
        return self._existence.absent

    def scan(self, positions: tuple[int, ...], readings: Sequence[Reading]) -> Scan:
        """What these readings of the points at these positions mean, in their order."""
        layout = self._layouts.get(positions) or self._prepare(positions)
        values = [reading.value for reading in readings]
        statuses = [reading.status for reading in readings]
        for index, position, missing in layout.powers:
            self._powers[position] = _power(values[index], missing)
        for index, function in layout.steps:
            value = values[index]
            if value is not None:
                result = function(value)
                if type(result) is Status:
                    values[index], statuses[index] = None, result
                elif type(result) is Doubtful:
                    values[index], statuses[index] = result
                else:
                    values[index] = result  # type: ignore[assignment]  # mypy does not narrow on ``type() is``
        if not layout.kept and not layout.conditional:
            return Scan(layout, values, statuses, None)
        for index, position in layout.kept:
            self._newest[position], self._why[position] = values[index], statuses[index]
        for number in layout.derived:
            value, status = self._derived[number].compute(self._newest, self._why)
            values.append(value)
            statuses.append(status)
            position = len(self._points) + number
            self._newest[position], self._why[position] = value, status
        if layout.kept and self._existence.inputs:
            self._existence.learn(self._newest)
        if not layout.conditional and not layout.watched:
            return Scan(layout, values, statuses, None)
        return self._judged(layout, values, statuses, readings)

    def _judged(self, layout: Layout, values: list[Value], statuses: list[Status], readings: Sequence[Reading]) -> Scan:
        """The scan without the points whose condition is false, and with those of other scans whose has turned."""
        at_ns = readings[0].at_ns
        hidden = set()
        for index, position in layout.conditional:
            read_ns = readings[index].at_ns if index < len(readings) else at_ns
            known = Known(values[index], statuses[index], read_ns)
            told = self._conditions[position].read(known, self._newest, self._why)
            if told is None:
                hidden.add(index)
            else:
                values[index], statuses[index], _ = told
        late = []
        for position in layout.watched:
            told = self._conditions[position].turned(self._newest, self._why, at_ns)
            if told is not None:
                layout = _with(layout, self._rows[position])
                values.append(told.value)
                statuses.append(told.status)
                late.append(told.at_ns)
        shown = [index for index in range(len(values)) if index not in hidden] if hidden else None
        return Scan(layout, values, statuses, shown, tuple(late))

    def _prepare(self, positions: tuple[int, ...]) -> Layout:
        computed = self._computed(positions)
        rows = [self._rows[position] for position in positions]
        rows += [self._rows[len(self._points) + number] for number in computed]
        steps = [(index, self._steps[position]) for index, position in enumerate(positions)]
        powers = [
            (index, position, self._steps[position])
            for index, position in enumerate(positions)
            if position in self._powers
        ]
        new, conditions = {row.position for row in rows}, self._conditions
        layout = Layout(
            rows=tuple(rows),
            steps=tuple((index, function) for index, function in steps if function is not None),
            powers=tuple(powers),
            kept=tuple((index, position) for index, position in enumerate(positions) if position in self._used),
            derived=tuple(computed),
            conditional=tuple((index, row.position) for index, row in enumerate(rows) if row.position in conditions),
            watched=tuple(
                position
                for position, condition in conditions.items()
                if position not in new and not new.isdisjoint(condition.inputs)
            ),
            exceptions=any(row.report.deadband is not None for row in rows),
        )
        if len(self._layouts) >= LAYOUTS:
            self._layouts.clear()
        self._layouts[positions] = layout
        return layout

    def _computed(self, positions: tuple[int, ...]) -> list[int]:
        """The derived points that are computed with a scan of these: one that they use is among them, or computed."""
        new, found = {*positions}, []
        for number, derived in enumerate(self._derived):
            if not new.isdisjoint(derived.inputs):
                new.add(len(self._points) + number)
                found.append(number)
        return found


def _power(raw: Value, missing: Step | None) -> int | None:
    """What a scale factor says; None where it says nothing."""
    if not isinstance(raw, int | float) or (missing is not None and type(missing(raw)) is Status):
        return None
    return int(raw) if isfinite(raw) and raw == int(raw) else None


def _rows(device: Device) -> list[Row]:
    rows = [
        Row(position, spec.point.name, spec.unit, spec.single, spec.report, spec.range)
        for position, spec in enumerate(device.points)
    ]
    return rows + [
        Row(len(rows) + number, spec.name, spec.unit, False, spec.report, spec.range)
        for number, spec in enumerate(device.derived)
    ]


def _with(layout: Layout, row: Row) -> Layout:
    exceptions = layout.exceptions or row.report.deadband is not None
    return replace(layout, rows=(*layout.rows, row), exceptions=exceptions)


def _total(spec: PointSpec, device: Device, totals: Totals) -> Total | None:
    if not spec.rollover:
        return None
    return totals.total(device.name, spec.point.name, spec.rollover, source(spec.point))


class _Derived:
    """One derived point of a device."""

    def __init__(self, spec: DerivedSpec, positions: dict[str, int]) -> None:
        self._named = [(positions[name], name) for name in spec.formula.names]
        self.inputs = [position for position, _ in self._named]
        """The positions of the points that it uses."""
        self._formula = spec.formula.bind(positions)
        finish = linear(spec.factor, spec.shift)
        self._finish = within(*spec.range, finish) if spec.range is not None else finish

    def compute(self, newest: Sequence[Value], why: Sequence[Status]) -> tuple[Value, Status]:
        """The value now, and its quality: that of the worst point it was made of."""
        value = self._formula(newest)
        if type(value) is Status:
            return None, value
        if value is None:
            return None, self._blame(newest, why)
        status = self._worst(why)
        if self._finish is not None and type(value) is not bool and isinstance(value, int | float):
            result = self._finish(value)
            if type(result) is Status:
                return None, result
            if type(result) is Doubtful:
                return result.value, result.status
            return result, status  # type: ignore[return-value]  # mypy does not narrow on ``type() is``
        return value, status  # type: ignore[return-value]  # as above

    def _blame(self, newest: Sequence[Value], why: Sequence[Status]) -> Status:
        for position, name in self._named:
            if newest[position] is None:
                return because(name, why[position].reason)
        return NOT_YET

    def _worst(self, why: Sequence[Status]) -> Status:
        for position, name in self._named:
            status = why[position]
            if status.quality is Quality.UNCERTAIN:
                return _doubt(name, status.reason)
        return GOOD


@lru_cache(maxsize=4096)
def _doubt(name: str, reason: str) -> Status:
    return Status(Quality.UNCERTAIN, f"{name}: {reason}")
