"""A batch in, messages in the buffer out: one message per scan of one device, normalised and enriched."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

import msgspec

from gateway.buffer import Buffer, BufferFull, BufferTrouble
from gateway.mapping.compile import normaliser
from gateway.model import GOOD, Batch, Message, Quality, Reading, Status, Value
from gateway.plant import Device, PointSpec
from gateway.retry import Backoff
from gateway.status import Board, Health

MESSAGE_BYTES = 200_000
"""A scan whose JSON is longer goes up in parts: IoT Hub takes 256 KB with the properties."""

CLOCK_SET_NS = 1_735_689_600_000_000_000
"""2025-01-01: a clock that shows less was never set since this gateway was built."""

Normaliser: TypeAlias = Callable[[Value], Value | Status]


class Latest(NamedTuple):
    """The newest reading of one point, for people who ask."""

    name: str
    value: Value
    unit: str
    status: Status
    at_ns: int


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
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is the same in every scan of the same points, prepared once."""

    names: tuple[str, ...]
    steps: tuple[tuple[int, Normaliser], ...]
    """Position in the scan and the function for its raw value, for those points that need one."""
    singles: tuple[int, ...]
    """Positions of float32 values that are written with their shortest text."""
    head: bytes
    tail: bytes


class Made(NamedTuple):
    """What one scan became."""

    messages: list[Message]
    bad: int
    """Values that are BAD, after normalising."""
    reason: str
    """Why the first of them is; empty where none is."""


class Scans:
    """Turns readings of one device into the JSON of its messages (design: one scan, one message)."""

    def __init__(self, device: Device, specs: Sequence[PointSpec]) -> None:
        self.identity = device.identity
        self.properties = f"profile={quote(device.profile, safe='')}&kind=telemetry"
        self._device = device
        self._specs = specs
        self._normalisers = [normaliser(spec) for spec in specs]
        self._layouts: dict[tuple[int, ...], _Layout] = {}
        self._latest: dict[tuple[int, ...], tuple[int, list[Value], list[Status]]] = {}

    def make(self, positions: tuple[int, ...], readings: Sequence[Reading]) -> Made:
        """One message, or several where the JSON would be too long; ``positions`` are indices into the specs."""
        layout = self._layouts.get(positions) or self._prepare(positions)
        values = [reading.value for reading in readings]
        statuses = [reading.status for reading in readings]
        for position, step in layout.steps:
            value = values[position]
            if value is not None:
                result = step(value)
                if type(result) is Status:
                    values[position], statuses[position] = None, result
                else:
                    values[position] = result  # type: ignore[assignment]  # mypy does not narrow on ``type() is``
        created_ns = readings[0].at_ns
        self._latest[positions] = (created_ns, values, statuses)
        body = self._body(layout, readings, values, statuses)
        if len(body) <= MESSAGE_BYTES or len(readings) == 1:
            bad = [status for status in statuses if status.quality is Quality.BAD]
            message = Message(self.identity, created_ns, self.properties, body)
            return Made([message], len(bad), bad[0].reason if bad else "")
        middle = len(readings) // 2
        first = self.make(positions[:middle], readings[:middle])
        second = self.make(positions[middle:], readings[middle:])
        return Made(first.messages + second.messages, first.bad + second.bad, first.reason or second.reason)

    def latest(self) -> list[Latest]:
        """The newest reading of each point that was read so far, in the order of the profile."""
        newest: dict[int, Latest] = {}
        for positions, (at_ns, values, statuses) in self._latest.items():
            for position, value, status in zip(positions, values, statuses, strict=True):
                if position not in newest or newest[position].at_ns < at_ns:
                    spec = self._specs[position]
                    newest[position] = Latest(spec.point.name, value, spec.unit, status, at_ns)
        return [newest[position] for position in sorted(newest)]

    def _prepare(self, positions: tuple[int, ...]) -> _Layout:
        specs = [self._specs[position] for position in positions]
        context: dict[str, str] = {}
        if self._device.asset is not None:
            context["asset"] = self._device.asset.path
        context["profile"] = self._device.profile
        units = {spec.point.name: spec.unit for spec in specs if spec.unit}
        steps = [(index, self._normalisers[position]) for index, position in enumerate(positions)]
        layout = _Layout(
            names=tuple(spec.point.name for spec in specs),
            steps=tuple((index, step) for index, step in steps if step is not None),
            singles=tuple(index for index, spec in enumerate(specs) if spec.single),
            head=b"," + msgspec.json.encode(context)[1:-1] + b',"values":',
            tail=b',"units":' + msgspec.json.encode(units) if units else b"",
        )
        self._layouts[positions] = layout
        return layout

    def _body(self, layout: _Layout, readings: Sequence[Reading], values: list[Value], statuses: list[Status]) -> bytes:
        at_ns = readings[0].at_ns
        parts = [b'{"ts":"', timestamp(at_ns).encode(), b'"', layout.head]
        parts += [msgspec.json.encode(dict(zip(layout.names, _written(layout, values), strict=True))), layout.tail]
        if any(status is not GOOD for status in statuses):
            doubts = {
                name: (status.quality.name.lower(), status.reason)
                for name, status in zip(layout.names, statuses, strict=True)
                if status.quality is not Quality.GOOD
            }
            parts += [b',"quality":', msgspec.json.encode(doubts)] if doubts else []
        others = {
            name: timestamp(reading.at_ns)
            for name, reading in zip(layout.names, readings, strict=True)
            if reading.at_ns != at_ns
        }
        parts += [b',"at":', msgspec.json.encode(others)] if others else []
        parts.append(b',"clock":"unsynced"}' if at_ns < CLOCK_SET_NS else b"}")
        return b"".join(parts)


def _written(layout: _Layout, values: list[Value]) -> list[Value]:
    """The values as they are written: float32 with their shortest text, all else as it is."""
    singles = [index for index in layout.singles if type(values[index]) is float]
    if not singles:
        return values
    written = list(values)
    for index, value in zip(singles, shortest_single([float(values[i] or 0) for i in singles]), strict=True):
        written[index] = value
    return written


class Pipeline:
    """The way of one line's batches into the buffer."""

    def __init__(
        self,
        devices: Sequence[Device],
        buffer: Buffer,
        board: Board,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._buffer = buffer
        self._buffer_health = board.health("buffer", "buffer")
        self._sleep = sleep
        self.scans = {device.name: Scans(device, device.points) for device in devices}
        self._healths = {device.name: board.health("device", device.name) for device in devices}
        # The line's points are the devices' points one after the other: where each device's begin.
        self._home: list[tuple[str, int]] = [
            (device.name, index) for device in devices for index in range(len(device.points))
        ]

    async def store(self, batch: Batch) -> None:
        """Normalise and store; on disk when this returns. Waits as long as the buffer is full."""
        scans = self._by_device(batch.readings)
        made = [self.scans[device].make(positions, readings) for device, positions, readings in scans]
        if made:
            await self._append([message for scan in made for message in scan.messages])
        for (device, positions, _), scan in zip(scans, made, strict=True):
            self._report(self._healths[device], scan, len(positions))

    def _by_device(self, readings: Sequence[Reading]) -> list[tuple[str, tuple[int, ...], list[Reading]]]:
        """Split where the device changes or a point comes a second time."""
        groups: list[tuple[str, dict[int, Reading]]] = []
        for reading in readings:
            device, position = self._home[reading.point]
            if not groups or groups[-1][0] != device or position in groups[-1][1]:
                groups.append((device, {}))
            groups[-1][1][position] = reading
        return [(device, tuple(scan), list(scan.values())) for device, scan in groups]

    def _report(self, health: Health, scan: Made, values: int) -> None:
        health.counters["accepted"] += len(scan.messages)
        health.counters["bad_values"] += scan.bad
        if scan.bad < values:
            health.flowing()
        else:
            health.stopped(scan.reason, "check the device's power, its cable and its unit id")

    async def _append(self, messages: Sequence[Message]) -> None:
        backoff = Backoff(first_s=0.05, limit_s=2.0)
        while True:
            try:
                await self._buffer.append(messages)
            except BufferTrouble as error:
                self._buffer_health.stopped(*_explain(error))
                await self._sleep(backoff.next_s())
            else:
                self._buffer_health.flowing()
                return


def _explain(error: BufferTrouble) -> tuple[str, str]:
    """Reason and remedy for people."""
    if isinstance(error, BufferFull) and error.what == "quota":
        return (
            "the quota is used up: polling waits, nothing accepted is lost",
            "bring the upstream back, or raise buffer: quota: in gateway.yaml",
        )
    if isinstance(error, BufferFull):
        return (
            "the disk is full: polling waits, nothing accepted is lost",
            "free space on the disk of the state directory; it goes on by itself",
        )
    return f"the disk does not take data: {error}", "check the disk of the state directory; it goes on by itself"
