"""What was recorded, read with the mapping that was in force and with another one: what differs, and what is right.

Counters with a rollover begin with the first scan: what rollovers before it amount to is not in the record. Deadband
and heartbeat are passed over: a value that is corrected is news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.adapter import Adapter
from gateway.mapping import program
from gateway.mapping.program import Program
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import Message, Quality, RawBlock, Reading, Status, Value
from gateway.plant import Device, Enrichment
from gateway.record import ring
from gateway.record.frames import Damaged, Scan

CORRECTED = "corrected"
"""The property that marks a message as corrected; its value is when it was."""


class Shown(NamedTuple):
    """One value as it is published."""

    value: Value
    unit: str
    status: Status


class Moment(NamedTuple):
    """A scan in which a point differs."""

    at_ns: int
    old: Shown | None
    """None: it was not published."""
    new: Shown | None


@dataclass
class Extent:
    """What the values of a point were with one mapping."""

    lowest: float | None = None
    highest: float | None = None
    bad: int = 0
    unit: str = ""

    def add(self, shown: Shown) -> None:
        """One more."""
        self.unit = shown.unit
        self.bad += shown.status.quality is Quality.BAD
        if type(shown.value) in (int, float):
            number: float = shown.value  # type: ignore[assignment]  # mypy does not narrow on ``type() in``
            self.lowest = number if self.lowest is None else min(self.lowest, number)
            self.highest = number if self.highest is None else max(self.highest, number)


@dataclass
class PointReplay:
    """What became of one point."""

    scans: int = 0
    """In which it is, with one mapping or both."""
    differ: int = 0
    first: Moment | None = None
    last: Moment | None = None
    old: Extent = field(default_factory=Extent)
    new: Extent = field(default_factory=Extent)
    unread: int = 0
    """Scans in which the new mapping looks for it where nothing was read."""

    def add(self, at_ns: int, old: Shown | None, new: Shown | None) -> bool:
        """One more scan; whether the point differs in it."""
        self.scans += 1
        if old is not None:
            self.old.add(old)
        if new is not None:
            self.new.add(new)
        if _same(old, new):
            return False
        self.differ += 1
        self.last = Moment(at_ns, old, new)
        self.first = self.first or self.last
        return True


class Replay:
    """Takes the scans of one device in order. ``begin`` comes first, and again where another mapping was in force."""

    def __init__(
        self,
        device: Device,
        adapter: Adapter[Any, Any],
        enrich: Sequence[Enrichment] = (),
        only: Collection[str] = (),
        properties: str = "",
    ) -> None:
        """``device``: as the new mapping has it. ``only``: points; none: all.

        ``properties``: are added to those of each message.
        """
        self._adapter = adapter
        self._only = frozenset(only)
        self._properties = properties
        self._scans = Scans(device, Totals(), enrich, self)
        self._side = _Side(device, adapter)
        self._names = [spec.point.name for spec in device.points]
        self._told: dict[str, list[Shown]] = {}
        self._counting = False
        self.points: dict[str, PointReplay] = defaultdict(PointReplay)
        self.scans = 0
        self.first_ns: int | None = None
        self.last_ns = 0
        self.mappings = 0
        """How many were in force one after the other."""

    def begin(self, old: Device) -> None:
        """The scans that follow were made with this mapping."""
        self.mappings += 1
        self._old = _Side(old, self._adapter)
        self._old_program = Program(old, Totals())
        self._old_names = [spec.point.name for spec in old.points]
        self._known: set[tuple[int, ...]] = set()

    def knows(self, scan: Scan) -> bool:
        """Whether one of its kind came before, since ``begin``."""
        return scan.positions in self._known

    def warm(self, scan: Scan) -> None:
        """Take its values for those that later scans need, and count nothing."""
        self._counting = False
        self._run(scan)

    def take(self, scan: Scan) -> list[Message]:
        """Compare a scan; returns what is to be published to correct it."""
        self.scans += 1
        self.first_ns = scan.at_ns if self.first_ns is None else self.first_ns
        self.last_ns = scan.at_ns
        self._counting = True
        made = self._run(scan)
        return [message._replace(properties=message.properties + self._properties) for message in made]

    def select(self, scan: program.Scan, at_ns: int) -> list[int] | None:
        """The rows to publish: those that the old mapping gave another value; see ``message.Selector``."""
        rows = range(len(scan.values)) if scan.shown is None else scan.shown
        chosen = []
        for index in rows:
            row = scan.layout.rows[index]
            new = Shown(scan.values[index], row.unit, scan.statuses[index])
            told = self._told.get(row.name)
            old = told.pop(0) if told else None
            if not self._counting or not self._is_wanted(row.name):
                continue
            differs = self.points[row.name].add(at_ns, old, new)
            # Of a point that is new here it is no news that it has no value.
            if differs and (old is not None or new.value is not None):
                chosen.append(index)
        return chosen

    def _run(self, scan: Scan) -> list[Message]:
        self._known.add(scan.positions)
        self._told = self._as_it_was(scan)
        messages: list[Message] = []
        new = self._scans
        for positions, readings in self._side.scans(self._wanted(scan), scan.blocks, lambda: new.absent, self._miss):
            messages += new.make(positions, readings).messages
        if self._counting:
            for name, left in self._told.items():
                for old in left if self._is_wanted(name) else ():
                    self.points[name].add(scan.at_ns, old, None)
        return messages

    def _as_it_was(self, scan: Scan) -> dict[str, list[Shown]]:
        found: dict[str, list[Shown]] = defaultdict(list)
        old = self._old_program
        for positions, readings in self._old.scans(scan.positions, scan.blocks, lambda: old.absent):
            made = old.scan(positions, readings)
            for index in range(len(made.values)) if made.shown is None else made.shown:
                row = made.layout.rows[index]
                found[row.name].append(Shown(made.values[index], row.unit, made.statuses[index]))
        return found

    def _wanted(self, scan: Scan) -> tuple[int, ...]:
        """Points of the new mapping: those that this scan was made for, and such as the old one had not."""
        read = {self._old_names[position] for position in scan.positions}
        old = {*self._old_names}
        return tuple(n for n, name in enumerate(self._names) if name in read or name not in old)

    def _miss(self, positions: Collection[int]) -> None:
        for position in positions if self._counting else ():
            name = self._names[position]
            if name in self._old_names and self._is_wanted(name):
                self.points[name].unread += 1

    def _is_wanted(self, name: str) -> bool:
        return not self._only or name in self._only


def run(
    files: Sequence[ring.File],
    device: str,
    since_ns: int,
    until_ns: int,
    mapping: Callable[[str], Device],
    replay: Replay,
) -> Iterator[Message | Damaged]:
    """Take all scans of the files that were made in this time; gives what corrects them, and what cannot be read.

    ``mapping``: the device as it was in force, by the name of the plant; what it raises flies. Raises OSError.
    """
    plant = ""
    earlier: dict[tuple[int, ...], Scan] = {}
    for file in files:
        # Every file tells by itself the newest values that were known when it was begun.
        if file.last_ns < since_ns or file.begun_ns > until_ns:
            continue
        if file.plant != plant:
            plant = file.plant
            replay.begin(mapping(plant))
            earlier.clear()
        for scan in ring.scans(file, device):
            if isinstance(scan, Damaged):
                yield scan
            elif scan.carried or scan.at_ns < since_ns:
                earlier[scan.positions] = scan
            elif scan.at_ns <= until_ns:
                for before in sorted(earlier.values(), key=_time):
                    if not replay.knows(before):
                        replay.warm(before)
                earlier.clear()
                yield from replay.take(scan)


def _time(scan: Scan) -> int:
    return scan.at_ns


class _Side:
    """The readings of one device's mapping in recorded scans."""

    def __init__(self, device: Device, adapter: Adapter[Any, Any]) -> None:
        self._decode = adapter.decode
        self._points = [spec.point for spec in device.points]

    def scans(
        self,
        positions: Sequence[int],
        blocks: Sequence[RawBlock],
        absent: Callable[[], Collection[int]],
        miss: Callable[[Collection[int]], None] = lambda positions: None,
    ) -> Iterator[tuple[tuple[int, ...], list[Reading]]]:
        """Positions and readings, apart where a point comes a second time; ``miss`` is told of what is not held."""
        if self._decode is None:
            return
        wanted = sorted({*positions} - {*absent()})
        group: dict[int, Reading] = {}
        missing = {*wanted}
        for reading in self._decode([self._points[position] for position in wanted], blocks):
            position = wanted[reading.point]
            missing.discard(position)
            if position in group:
                yield tuple(group), list(group.values())
                group = {}
            group[position] = reading
        if missing:
            miss(missing)
        if group:
            yield tuple(group), list(group.values())


def _same(old: Shown | None, new: Shown | None) -> bool:
    if old is None or new is None:
        return old is new
    if old.unit != new.unit or old.status.quality is not new.status.quality:
        return False
    # True is 1, but it is not published as it.
    return old.value == new.value and isinstance(old.value, bool) is isinstance(new.value, bool)
