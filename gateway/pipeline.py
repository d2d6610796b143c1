"""A batch in, messages in the buffer out: split into scans, normalised, and on disk before the next one is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import accumulate
from math import isinf
from typing import Any, TypeAlias

from gateway.buffer import Buffer, BufferFull, BufferTrouble
from gateway.mapping.spec import ENRICH
from gateway.mapping.totals import Totals
from gateway.message import Made, Scans
from gateway.model import LINK_DOWN, Batch, Message, Quality, Reading, Status
from gateway.plant import Device, Enrichment
from gateway.record.recorder import Keep
from gateway.retry import Backoff
from gateway.status import Board

Remedy: TypeAlias = Callable[[Any, Status, Mapping[str, int]], str]

LOOK = "check the device's power, its cable and what it shows"
DISK_FULL = "the disk is full, or has no more room than shall stay free: polling waits, nothing accepted is lost"
"""Those who know the disk say how much is missing."""

_Split: TypeAlias = tuple[str, tuple[int, ...], int]
"""A scan in a batch: its device, the positions of its points, and where it begins."""
_SPLITS = 256
"""So many are remembered: a poller's batches are few, a listener's may hold ever other points."""


class Pipeline:
    """The way of one line's batches into the buffer."""

    def __init__(
        self,
        devices: Sequence[Device],
        buffer: Buffer,
        board: Board,
        *,
        totals: Totals | None = None,
        enrich: Sequence[Enrichment] = ENRICH,
        keep: Keep | None = None,
        remedy: Remedy = lambda connect, status, counters: "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``keep``: takes the raw blocks of batches that have some. ``remedy``: as the devices' adapter has it."""
        self._buffer = buffer
        self._keep = keep
        self._buffer_health = board.health("buffer", "buffer")
        self._sleep = sleep
        totals = totals or Totals()
        self.scans = {device.name: Scans(device, totals, enrich) for device in devices}
        self._remedy = remedy
        self._connects = {device.name: device.connect for device in devices}
        self._line = board.health("line", devices[0].line if devices else "")
        self._healths = {device.name: board.health("device", device.name) for device in devices}
        self._talking: dict[str, set[int]] = {device.name: set() for device in devices}
        """The points whose last reading said something. What is read once proves nothing for long: it is not here."""
        self._once = {
            device.name: frozenset(n for n, spec in enumerate(device.points) if isinf(spec.point.every_s))
            for device in devices
        }
        self._splits: dict[tuple[int, ...], list[_Split]] = {}
        # The line's points are the devices' points one after the other: where each device's begin.
        begins = accumulate((len(device.points) for device in devices), initial=0)
        self._partial = [
            (begin, self.scans[device.name])
            for begin, device in zip(begins, devices, strict=False)
            if any(spec.exists is not None for spec in device.points)
        ]
        self.absent = self._absent()
        """Points of the line that their devices have not, as far as is known: they need not be read."""
        self._home: list[tuple[str, int]] = [
            (device.name, index) for device in devices for index in range(len(device.points))
        ]

    async def store(self, batch: Batch) -> None:
        """Normalise and store; on disk when this returns. Waits as long as the buffer is full."""
        readings = batch.readings
        if self.absent:
            readings = [reading for reading in readings if reading.point not in self.absent]
        scans = self._by_device(readings)
        made = [self.scans[device].make(positions, readings) for device, positions, readings in scans]
        messages = [message for scan in made for message in scan.messages]
        if messages:
            await self._append(messages)
        for (device, positions, readings), scan in zip(scans, made, strict=True):
            self._report(device, scan, positions, readings)
        if self._partial:
            self.absent = self._absent()
        if batch.blocks and self._keep is not None:
            for device in dict.fromkeys(block.device for block in batch.blocks):
                read = [position for name, positions, _ in scans if name == device for position in positions]
                self._keep(device, read, [block for block in batch.blocks if block.device == device])

    def _absent(self) -> frozenset[int]:
        return frozenset(begin + position for begin, scans in self._partial for position in scans.absent)

    def _by_device(self, readings: Sequence[Reading]) -> list[tuple[str, tuple[int, ...], Sequence[Reading]]]:
        """Split where the device changes or a point comes a second time."""
        points = tuple([reading.point for reading in readings])
        splits = self._splits.get(points) or self._prepare(points)
        return [(device, positions, readings[begin : begin + len(positions)]) for device, positions, begin in splits]

    def _prepare(self, points: tuple[int, ...]) -> list[_Split]:
        groups: list[tuple[str, dict[int, None]]] = []
        for point in points:
            device, position = self._home[point]
            if not groups or groups[-1][0] != device or position in groups[-1][1]:
                groups.append((device, {}))
            groups[-1][1][position] = None
        ends = accumulate((len(scan) for _, scan in groups), initial=0)
        if len(self._splits) >= _SPLITS:
            self._splits.clear()
        splits = [(device, tuple(scan), begin) for (device, scan), begin in zip(groups, ends, strict=False)]
        self._splits[points] = splits
        return splits

    def _report(self, device: str, scan: Made, positions: tuple[int, ...], readings: Sequence[Reading]) -> None:
        health, talking = self._healths[device], self._talking[device]
        health.counters["accepted"] += len(scan.messages)
        health.counters["bad_values"] += scan.bad
        # A device that says "no value" of all its points does talk.
        silent: list[int] = []
        if scan.bad:
            pairs = zip(positions, readings, strict=True)
            silent = [position for position, reading in pairs if reading.status.quality is Quality.BAD]
        talking.update(positions)
        talking.difference_update(silent, self._once[device])
        # One scan of several that is all BAD, of a register that is not there, does not stop the device.
        if talking or len(silent) < len(readings):
            health.flowing()
        else:
            first = next(reading.status for reading in readings if reading.status.quality is Quality.BAD)
            health.stopped(scan.reason, self._do(device, first))

    def _do(self, device: str, status: Status) -> str:
        if status.reason.startswith(LINK_DOWN):
            return "see its line"
        return self._remedy(self._connects[device], status, self._line.counters) or LOOK

    async def _append(self, messages: Sequence[Message]) -> None:
        backoff = Backoff(first_s=0.05, limit_s=2.0)
        while True:
            try:
                await self._buffer.append(messages)
            except BufferTrouble as error:
                messages = [message for message in messages if message.priority not in error.stored]
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
            "bring the upstream back, or raise buffer: quota: in gateway.yaml and reload",
        )
    if isinstance(error, BufferFull):
        return (
            DISK_FULL,
            "free space on the disk of the state directory, or lower buffer: min_free: in gateway.yaml and reload; "
            "it goes on by itself",
        )
    return f"the disk does not take data: {error}", "check the disk of the state directory; it goes on by itself"
