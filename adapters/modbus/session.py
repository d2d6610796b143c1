"""The scans of all units of a line, run over its one TCP connection, one request at a time.

What to ask, when, and what an answer means is decided by ``plan``, ``schedule``, ``pdu`` and ``answers``; the bytes go
through ``wire``.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import NamedTuple, TypeAlias

from adapters.modbus import pdu
from adapters.modbus.answers import Answer, Block, block, readings
from adapters.modbus.plan import plan
from adapters.modbus.schedule import FIRST_PAUSE, SILENT_AFTER, Schedule, pause_s
from adapters.modbus.settings import Address, Connect, host_and_port
from adapters.modbus.wire import Wire
from gateway.adapter import TIMEOUT, Batch, LinkLost, Point, Quality, RawBlock, Reading, Session, Status

UNREACHABLE = frozenset((10, 11))
"""Exceptions by which a gateway says that the unit behind it is not there: the line is well, the unit is not."""


@asynccontextmanager
async def connect(points: Sequence[Point[Connect, Address]]) -> AsyncIterator[Session]:
    """Open the connection of one line; see ``gateway.adapter.Adapter.connect``."""
    poller = Poller(points)
    await poller.open()
    try:
        yield poller
    finally:
        await poller.close()


class _Fault(NamedTuple):
    """Why a block has no values."""

    status: Status
    unheard: bool
    """The unit itself was not heard, so asking it for more is of no use now."""
    spoils_scan: bool = False
    """The stream was out of step: what came before in the same scan is not believed either."""


_Outcome: TypeAlias = bytes | _Fault


class Poller:
    """An open line: ``read`` waits for the next scan that is due and returns its readings."""

    def __init__(self, points: Sequence[Point[Connect, Address]]) -> None:
        self._host, self._port = host_and_port(points[0].connect.modbus)
        self._patience_s = max(point.connect.timeout for point in points)
        self._scans = plan(points)
        self._blocks = [[block(scan.device, request) for request in scan.requests] for scan in self._scans]
        self._of_unit: dict[int, list[int]] = {}
        for index, scan in enumerate(self._scans):
            self._of_unit.setdefault(scan.unit, []).append(index)
        self._failures = dict.fromkeys(self._of_unit, 0)
        self._refused = [0] * len(self._scans)
        """Rounds in a row of each scan in which the unit refused a part of it."""
        self._unheard = 0
        self.counters: Counter[str] = Counter()

    async def open(self) -> None:
        """Connect; the first scans are due from now on. Raises OSError (also for the timeout)."""
        self._wire = await self._connected()
        loop = asyncio.get_running_loop()
        self._schedule = Schedule([scan.every_s for scan in self._scans], loop.time())

    async def close(self) -> None:
        """Nothing is left open when this returns."""
        await self._wire.close()

    async def read(self) -> Batch:
        """The readings of the next due scan, all with the time at which its last block arrived.

        Raises LinkLost when the connection is gone, or no unit of the line answers any more.
        """
        if self._unheard >= SILENT_AFTER and min(self._failures.values()) >= SILENT_AFTER:
            raise LinkLost("no unit answers", "check that the devices are on, and their unit ids")
        await self._wire.rest(self._schedule.due())
        await self._mend()
        index = self._schedule.take(asyncio.get_running_loop().time())
        self.counters["late_scans"] = self._schedule.late
        return Batch(await self._scan(index))

    async def look(self) -> list[RawBlock]:
        """What every request of the line gives, asked once, one after the other; not while ``read`` is under way.

        A unit that has not answered to three of them is not asked for the rest, which is told as it is of the third.
        """
        seen: list[RawBlock] = []
        silences: dict[int, list[Status]] = {unit: [] for unit in self._of_unit}
        for scan, blocks in zip(self._scans, self._blocks, strict=True):
            silence = silences[scan.unit]
            for asked in blocks:
                if len(silence) >= SILENT_AFTER:
                    seen.append(_seen(asked, silence[-1]))
                    continue
                await self._mend()
                outcome = await self._asked(asked, scan.timeout_s)
                if isinstance(outcome, _Fault) and outcome.unheard:
                    silence.append(outcome.status)
                else:
                    silence.clear()
                seen.append(_seen(asked, outcome.status if isinstance(outcome, _Fault) else outcome))
        return seen

    async def _connected(self) -> Wire:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience_s):
            _, wire = await loop.create_connection(Wire, self._host, self._port)
        wire.tune(self._patience_s)
        wire.counters = self.counters
        return wire

    async def _mend(self) -> None:
        """Connect anew where the stream is out of step."""
        if self._wire.broken is not None:
            await self._wire.close()
            self._wire = await self._connected()
            self.counters["reopened"] += 1

    async def _scan(self, index: int) -> list[Reading]:
        scan, blocks = self._scans[index], self._blocks[index]
        heard: list[tuple[Block, Answer]] = []
        fault: _Fault | None = None
        for asked in blocks:
            outcome = await self._asked(asked, scan.timeout_s)
            if not isinstance(outcome, _Fault):
                heard.append((asked, outcome))
            elif outcome.unheard:
                fault = outcome
                break
            else:
                heard.append((asked, outcome.status))
        at_ns = time.time_ns()
        if heard:
            self._answered(index)
        if fault is None:
            self._again(index, refused=any(isinstance(answer, Status) for _, answer in heard))
            return readings(heard, at_ns)
        # Next time the others come first: one block that a device passes over in silence must not hide them.
        self._blocks[index] = blocks[len(heard) + 1 :] + blocks[: len(heard) + 1]
        believed = [] if fault.spoils_scan else heard
        missing = blocks[len(believed) :] + self._failed(index)
        return readings(believed + [(block, fault.status) for block in missing], at_ns)

    async def _asked(self, block: Block, timeout_s: float) -> _Outcome:
        self.counters["requests"] += 1
        try:
            data = await self._wire.ask(block, timeout_s)
        except TimeoutError:
            self.counters["timeouts"] += 1
            self._unheard += 1
            return _Fault(TIMEOUT, unheard=True)
        except pdu.Refusal as refusal:
            self.counters["exceptions"] += 1
            self._unheard = 0
            return _Fault(_refused(refusal.code), unheard=refusal.code in UNREACHABLE)
        except pdu.WrongAnswer as error:
            self.counters["wrong_answers"] += 1
            self._unheard = 0
            return _Fault(Status(Quality.BAD, f"wrong answer: {error}"), unheard=True, spoils_scan=True)
        self._unheard = 0
        return data

    def _answered(self, index: int) -> None:
        """The unit of this scan is there. Its other scans, held back while it was silent, are due now."""
        unit = self._scans[index].unit
        if self._failures[unit] >= SILENT_AFTER:
            now = asyncio.get_running_loop().time()
            for other in self._of_unit[unit]:
                if other != index:
                    self._schedule.move(other, now)
        self._failures[unit] = 0

    def _again(self, index: int, *, refused: bool) -> None:
        """What is read once and was refused is asked again, with growing pauses: a device refuses while it boots."""
        scan = self._scans[index]
        if refused and math.isinf(scan.every_s):
            pause = pause_s(SILENT_AFTER + self._refused[index], scan.timeout_s)
            self._schedule.move(index, asyncio.get_running_loop().time() + pause)
        self._refused[index] = self._refused[index] + 1 if refused else 0

    def _failed(self, index: int) -> list[Block]:
        """Count a failure of this scan's unit; where it is silent, hold its scans back until the next probe.

        Returns the blocks of its other scans that are held back with this one and have no values either.
        """
        scan = self._scans[index]
        now = asyncio.get_running_loop().time()
        self._failures[scan.unit] += 1
        pause = pause_s(self._failures[scan.unit], scan.timeout_s)
        if not pause:
            if math.isinf(scan.every_s):
                # Its turn, the only one, has passed.
                self._schedule.move(index, now + FIRST_PAUSE * scan.timeout_s)
            return []
        until = now + pause
        members = self._of_unit[scan.unit]
        for member in members:
            self._schedule.move(member, until)
        return [block for member in members if member != index for block in self._blocks[member]]


@cache
def _refused(code: int) -> Status:
    return Status(Quality.BAD, str(pdu.Refusal(code)), code)


def _seen(asked: Block, answer: Answer) -> RawBlock:
    at_ns = time.time_ns()
    if isinstance(answer, Status):
        return RawBlock(asked.device, asked.where, b"", at_ns, answer)
    return RawBlock(asked.device, asked.where, answer, at_ns)
