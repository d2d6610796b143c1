"""The JSON of a device's messages: one scan, one message, with what the plant knows of the device."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from gateway.mapping.program import LAYOUTS, Layout, Program, Row, Scan
from gateway.mapping.totals import Totals
from gateway.model import GOOD, Message, Quality, Reading, Status, Value
from gateway.plant import Asset, Device, Enrichment, From
from gateway.reporting import Reporter

_SCANS = 64
"""So many are kept to be looked at; a listener's batches may hold ever other points."""

MESSAGE_BYTES = 200_000
"""A scan whose JSON is longer goes up in parts: IoT Hub takes 256 KB with the properties."""

CLOCK_SET_NS = 1_735_689_600_000_000_000
"""2025-01-01: a clock that shows less was never set since this gateway was built."""


_LAST_NS = 253_402_300_799_999_999_999
"""The end of the year 9999."""

TOO_LONG = Status(Quality.BAD, "too long for a message")
_LONGEST_CONTEXT = 1024
"""Characters of a point's text that is repeated in every message."""


class Latest(NamedTuple):
    """The newest reading of one point, for people who ask."""

    name: str
    value: Value
    unit: str
    status: Status
    at_ns: int


class Made(NamedTuple):
    """What one scan became."""

    messages: list[Message]
    """None where nothing has moved beyond its deadband."""
    bad: int
    """Points that were read and are BAD, after normalising."""
    reason: str
    """Why the first of them is; empty where none is."""


def shortest_single(values: Sequence[float]) -> list[float]:
    """For each float32 (held as a double) the double with seven digits that is the same float32, eight or nine at need.

    So that 230.2 is written as 230.2 and not as 230.1999969482422.
    """
    layout = struct.Struct(f"{len(values)}f")
    exact = struct.unpack(layout.format, layout.pack(*values))
    short = [float(f"{value:.7g}") for value in values]
    try:
        same = layout.unpack(layout.pack(*short))
    except OverflowError:  # seven digits of the largest float32 lie above it
        same = ()
    if same == exact:
        return short
    return [_shortest(value) for value in exact]


def _shortest(value: float) -> float:
    for digits in (7, 8):
        candidate = float(f"{value:.{digits}g}")
        try:
            if struct.unpack("f", struct.pack("f", candidate))[0] == value:
                return candidate
        except OverflowError:
            continue
    return float(f"{value:.9g}")


def timestamp(at_ns: int) -> str:
    """ISO 8601, UTC, milliseconds: ``2026-11-22T18:29:49.123Z``."""
    # A device's clock may say what it likes: years have four digits.
    seconds, rest = divmod(min(max(at_ns, 0), _LAST_NS), 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


class Selector(Protocol):
    """Says which values of a scan are published."""

    def select(self, scan: Scan, at_ns: int) -> list[int] | None:
        """Indices of the rows to publish now; None for all."""
        ...


class Scans:
    """Turns readings of one device into its messages (design: one scan, one message)."""

    def __init__(
        self, device: Device, totals: Totals, enrich: Sequence[Enrichment], selector: Selector | None = None
    ) -> None:
        """``selector``: instead of deadband and heartbeat."""
        self.identity = device.identity
        self.properties = f"profile={quote(device.profile, safe='')}&kind=telemetry"
        self._program = Program(device, totals)
        self._selector: Selector = selector or Reporter()
        self._context = _Context(device, enrich)
        self._shapes: dict[Layout, _Shape] = {}
        self._latest: dict[tuple[int, ...], tuple[int, Scan]] = {}
        """By the points that were read, the newest last."""
        self._older: dict[int, Latest] = {}
        """By position, of scans that are not among them any more."""

    @property
    def absent(self) -> frozenset[int]:
        """The positions of points that the device has not, as far as is known."""
        return self._program.absent

    def make(self, positions: tuple[int, ...], readings: Sequence[Reading]) -> Made:
        """What the scan says, in one message or in several where the JSON would be too long.

        ``positions`` are indices into the device's points.
        """
        scan = self._program.scan(positions, readings)
        at_ns = readings[0].at_ns
        self._remember(positions, at_ns, scan)
        self._context.learn(scan)
        bad = []
        if scan.statuses.count(GOOD) != len(scan.statuses):
            bad = [status for status in scan.statuses[: len(readings)] if status.quality is Quality.BAD]
        shown = self._selector.select(scan, at_ns)
        messages = self._messages(scan, readings, shown, at_ns) if shown is None or shown else []
        return Made(messages, len(bad), bad[0].reason if bad else "")

    def latest(self) -> list[Latest]:
        """The newest reading of each point that was read so far, in the order of the profile."""
        newest = self._by_position()
        return [newest[position] for position in sorted(newest)]

    def _by_position(self) -> dict[int, Latest]:
        newest = dict(self._older)
        for at_ns, scan in self._latest.values():
            times = [at_ns] * (len(scan.values) - len(scan.late)) + [*scan.late]
            for row, value, status, time in zip(scan.layout.rows, scan.values, scan.statuses, times, strict=True):
                newest[row.position] = Latest(row.name, value, row.unit, status, time)
        return newest

    def _remember(self, positions: tuple[int, ...], at_ns: int, scan: Scan) -> None:
        # What came last is the newest, whatever its clock says.
        self._latest.pop(positions, None)
        self._latest[positions] = (at_ns, scan)
        # Late rows are not in the next scan of these points: what they say must outlive this one.
        if len(self._latest) > _SCANS or scan.late:
            self._older = self._by_position()
            self._latest.clear()

    def _messages(self, scan: Scan, readings: Sequence[Reading], shown: list[int] | None, at_ns: int) -> list[Message]:
        values, statuses, times = scan.values, scan.statuses, [reading.at_ns for reading in readings]
        times += [at_ns] * (len(values) - len(times) - len(scan.late))
        times += scan.late
        if shown is None:
            shape = self._shapes.get(scan.layout) or self._prepare(scan.layout)
        else:
            shape = _shape([scan.layout.rows[index] for index in shown])
            values, statuses = [values[index] for index in shown], [statuses[index] for index in shown]
            times = [times[index] for index in shown]
        body = self._body(at_ns, shape, values, statuses, times)
        if len(body) > MESSAGE_BYTES and len(values) == 1:
            body = self._body(at_ns, shape, [None], [TOO_LONG], times)
        if len(body) <= MESSAGE_BYTES or len(values) == 1:
            return [Message(self.identity, at_ns, self.properties, body)]
        every = list(range(len(values))) if shown is None else shown
        middle = len(every) // 2
        first = self._messages(scan, readings, every[:middle], at_ns)
        return first + self._messages(scan, readings, every[middle:], at_ns)

    def _prepare(self, layout: Layout) -> _Shape:
        if len(self._shapes) >= LAYOUTS:
            self._shapes.clear()
        shape = self._shapes[layout] = _shape(layout.rows)
        return shape

    def _body(
        self, at_ns: int, shape: _Shape, values: list[Value], statuses: list[Status], times: Sequence[int]
    ) -> bytes:
        names = shape.names
        parts = [b'{"ts":"', timestamp(at_ns).encode(), b'"', self._context.fragment, b',"values":']
        parts += [msgspec.json.encode(dict(zip(names, _written(shape, values), strict=True))), shape.units]
        if statuses.count(GOOD) != len(statuses):
            doubts = {
                name: (status.quality.name.lower(), status.reason)
                for name, status in zip(names, statuses, strict=True)
                if status.quality is not Quality.GOOD
            }
            parts += [b',"quality":', msgspec.json.encode(doubts)] if doubts else []
        if times.count(at_ns) != len(times):
            others = {name: timestamp(time) for name, time in zip(names, times, strict=True) if time != at_ns}
            parts += [b',"at":', msgspec.json.encode(others)]
        parts.append(b',"clock":"unsynced"}' if at_ns < CLOCK_SET_NS else b"}")
        return b"".join(parts)


class _Shape(NamedTuple):
    """What is the same in every message with the same points."""

    names: tuple[str, ...]
    singles: tuple[int, ...]
    """Indices of float32 values that are written with their shortest text."""
    units: bytes


def _shape(rows: Sequence[Row]) -> _Shape:
    units = {row.name: row.unit for row in rows if row.unit}
    return _Shape(
        tuple(row.name for row in rows),
        tuple(index for index, row in enumerate(rows) if row.single),
        b',"units":' + msgspec.json.encode(units) if units else b"",
    )


def _written(shape: _Shape, values: list[Value]) -> list[Value]:
    """The values as they are written: float32 with their shortest text, all else as it is."""
    singles = [index for index in shape.singles if type(values[index]) is float]
    if not singles:
        return values
    written = list(values)
    exact = [value for index in singles if isinstance(value := values[index], float)]
    for index, value in zip(singles, shortest_single(exact), strict=True):
        written[index] = value
    return written


class _Context:
    """What every message of a device says besides values, encoded once, and anew when a point that it names changes."""

    def __init__(self, device: Device, enrich: Sequence[Enrichment]) -> None:
        self._head: dict[str, Any] = {}
        if device.asset is not None:
            self._head["asset"] = device.asset.path
        self._head["profile"] = device.profile
        self._texts = {**_asset(device.asset, enrich), **device.context}
        self._heard: dict[str, Value] = dict.fromkeys(_sources(self._texts))
        self.fragment = self._encoded()

    def learn(self, scan: Scan) -> None:
        """Take over the values of the points that the context names."""
        if not self._heard:
            return
        changed = False
        for row, value in zip(scan.layout.rows, scan.values, strict=True):
            # What was heard once stays: a serial number does not vanish because one poll failed.
            if row.name in self._heard and value is not None:
                heard = value[:_LONGEST_CONTEXT] if isinstance(value, str) else value
                changed |= heard != self._heard[row.name]
                self._heard[row.name] = heard
        if changed:
            self.fragment = self._encoded()

    def _encoded(self) -> bytes:
        context = self._filled(self._texts)
        whole = self._head | ({"context": context} if context else {})
        return b"," + msgspec.json.encode(whole)[1:-1]

    def _filled(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for name, text in texts.items():
            if isinstance(text, From):
                filled[name] = self._heard[text.point]
            else:
                filled[name] = self._filled(text) if isinstance(text, Mapping) else text
        return filled


def _sources(texts: Mapping[str, Any]) -> list[str]:
    inner = [text for text in texts.values() if isinstance(text, Mapping)]
    return [text.point for text in texts.values() if isinstance(text, From)] + [
        name for texts_ in inner for name in _sources(texts_)
    ]


def _asset(asset: Asset | None, enrich: Sequence[Enrichment]) -> dict[str, Any]:
    if asset is None:
        return {}
    parts: dict[str, Any] = {
        "name": asset.name,
        "maker": asset.maker,
        "model": asset.model,
        "serial": asset.serial,
        "tags": asset.tags,
        "levels": dict(zip(asset.levels, asset.path.split("/"), strict=False)),
    }
    return {name: part for name, part in parts.items() if name in enrich and part}
