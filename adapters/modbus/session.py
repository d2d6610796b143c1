"""One TCP connection for all units of a line, and the scans that run over it, one request at a time.

The only I/O of this adapter. What to ask, when, and what an answer means is decided by ``plan``, ``schedule``, ``pdu``
and ``decode``.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from itertools import repeat
from typing import NamedTuple, TypeAlias

from adapters.modbus import pdu
from adapters.modbus.decode import decoder
from adapters.modbus.plan import Scan, plan
from adapters.modbus.schedule import SILENT_AFTER, Schedule, pause_s
from adapters.modbus.settings import Address, Connect, host_and_port
from gateway.adapter import GOOD, TIMEOUT, Batch, LinkLost, Point, Quality, Reading, Session, Status, Value

UNREACHABLE = frozenset((10, 11))
"""Exceptions by which a gateway says that the unit behind it is not there: the line is well, the unit is not."""
IGNORED_AT_MOST = 16
"""Late or doubled answers in a row; a device that sends more of them is out of step."""


@asynccontextmanager
async def connect(points: Sequence[Point[Connect, Address]]) -> AsyncIterator[Session]:
    """Open the connection of one line; see ``gateway.adapter.Adapter.connect``."""
    poller = Poller(points)
    await poller.open()
    try:
        yield poller
    finally:
        await poller.close()


class _Block(NamedTuple):
    """A request, made ready once."""

    unit: int
    function: int
    first: int
    quantity: int
    size: int
    decode: Callable[[bytes], list[Value]]
    points: tuple[int, ...]


class _Fault(NamedTuple):
    """Why a block has no values."""

    status: Status
    unheard: bool
    """The unit itself was not heard, so asking it for more is of no use now."""
    spoils_scan: bool = False
    """The stream was out of step: what came before in the same scan is not believed either."""


_Outcome: TypeAlias = list[Value] | _Fault


class Poller:
    """An open line: ``read`` waits for the next scan that is due and returns its readings."""

    def __init__(self, points: Sequence[Point[Connect, Address]]) -> None:
        self._host, self._port = host_and_port(points[0].connect.modbus)
        self._patience_s = max(point.connect.timeout for point in points)
        self._scans = plan(points)
        self._blocks = [_prepared(scan) for scan in self._scans]
        self._of_unit: dict[int, list[int]] = {}
        for index, scan in enumerate(self._scans):
            self._of_unit.setdefault(scan.unit, []).append(index)
        self._failures = dict.fromkeys(self._of_unit, 0)
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
        if self._wire.broken is not None:
            await self._wire.close()
            self._wire = await self._connected()
            self.counters["reopened"] += 1
        index = self._schedule.take(asyncio.get_running_loop().time())
        self.counters["late_scans"] = self._schedule.late
        return Batch(await self._scan(index))

    async def _connected(self) -> _Wire:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience_s):
            _, wire = await loop.create_connection(_Wire, self._host, self._port)
        wire.tune(self._patience_s)
        wire.counters = self.counters
        return wire

    async def _scan(self, index: int) -> list[Reading]:
        scan, blocks = self._scans[index], self._blocks[index]
        outcomes: list[tuple[_Block, _Outcome]] = []
        fault: _Fault | None = None
        for block in blocks:
            outcome = await self._asked(block, scan.timeout_s)
            outcomes.append((block, outcome))
            if isinstance(outcome, _Fault) and outcome.unheard:
                fault = outcome
                break
        at_ns = time.time_ns()
        heard = outcomes if fault is None else outcomes[:-1]
        if heard:
            self._answered(index)
        if fault is None:
            return _readings(outcomes, at_ns)
        # Next time the others come first: one block that a device passes over in silence must not hide them.
        self._blocks[index] = blocks[len(outcomes) :] + blocks[: len(outcomes)]
        believed = [] if fault.spoils_scan else heard
        missing = blocks[len(believed) :] + self._failed(index)
        return _readings(believed + [(block, fault) for block in missing], at_ns)

    async def _asked(self, block: _Block, timeout_s: float) -> _Outcome:
        self.counters["requests"] += 1
        try:
            values = block.decode(await self._wire.ask(block, timeout_s))
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
        return values

    def _answered(self, index: int) -> None:
        """The unit of this scan is there. Its other scans, held back while it was silent, are due now."""
        unit = self._scans[index].unit
        if self._failures[unit] >= SILENT_AFTER:
            now = asyncio.get_running_loop().time()
            for other in self._of_unit[unit]:
                if other != index:
                    self._schedule.move(other, now)
        self._failures[unit] = 0

    def _failed(self, index: int) -> list[_Block]:
        """Count a failure of this scan's unit; where it is silent, hold its scans back until the next probe.

        Returns the blocks of its other scans that are held back with this one and have no values either.
        """
        scan = self._scans[index]
        self._failures[scan.unit] += 1
        pause = pause_s(self._failures[scan.unit], scan.timeout_s)
        if not pause:
            return []
        until = asyncio.get_running_loop().time() + pause
        members = self._of_unit[scan.unit]
        for member in members:
            self._schedule.move(member, until)
        return [block for member in members if member != index for block in self._blocks[member]]


def _prepared(scan: Scan) -> list[_Block]:
    return [
        _Block(
            request.unit,
            request.function,
            request.first,
            request.count,
            request.size,
            decoder(request),
            tuple(field.point for field in request.fields),
        )
        for request in scan.requests
    ]


@cache
def _refused(code: int) -> Status:
    return Status(Quality.BAD, str(pdu.Refusal(code)), code)


def _readings(outcomes: Sequence[tuple[_Block, _Outcome]], at_ns: int) -> list[Reading]:
    readings: list[Reading] = []
    for block, outcome in outcomes:
        if isinstance(outcome, _Fault):
            readings += [Reading(point, None, at_ns, outcome.status) for point in block.points]
        else:
            readings += map(Reading, block.points, outcome, repeat(at_ns), repeat(GOOD))
    return readings


class _Wire(asyncio.Protocol):
    """The connection: one request out, its own answer in, late answers to earlier requests passed over."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        # A start that is drawn: a gateway that mixes up its connections is found out. 0 is never used, some devices
        # answer with it whatever was asked.
        self._transaction = secrets.randbelow(65535) + 1
        self._asked = 0
        self._ignored = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._rest: asyncio.Future[None] | None = None
        self._lost: LinkLost | None = None
        self._closed = self._loop.create_future()
        self.broken: pdu.WrongAnswer | None = None
        """What put the stream out of step; only a new connection helps then."""
        self.counters: Counter[str] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_connection makes)
        self._transport = transport

    def tune(self, patience_s: float) -> None:
        """Notice a peer that vanished without a word: idle within 25 s, with a request under way sooner."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * max(5.0, 3 * patience_s)))

    async def ask(self, block: _Block, timeout_s: float) -> bytes:
        """The data of the answer. Raises TimeoutError, Refusal, WrongAnswer (``broken`` is set then) or LinkLost."""
        if self._lost is not None:
            raise self._lost
        self._transaction = transaction = self._transaction % 65535 + 1
        self._asked += 1
        self._answer = self._loop.create_future()
        self._transport.write(pdu.request(transaction, block.unit, block.function, block.first, block.quantity))
        try:
            async with asyncio.timeout(timeout_s):
                frame = await self._answer
        except TimeoutError:
            if self._received:
                self._break(pdu.LengthWrong("a whole frame", f"a part of {len(self._received)} bytes"))
            raise
        finally:
            self._answer = None
        try:
            return pdu.data(frame, transaction, block.unit, block.function, block.size)
        except pdu.WrongAnswer as error:
            self._break(error)
            raise

    async def rest(self, until: float) -> None:
        """Wait until this time of the loop's clock. Raises LinkLost as soon as the connection is gone."""
        if self._lost is not None:
            raise self._lost
        if until <= self._loop.time():
            return
        self._rest = rest = self._loop.create_future()
        timer = self._loop.call_at(until, _finish, rest)
        try:
            await rest
        finally:
            timer.cancel()
            self._rest = None

    async def close(self) -> None:
        """Closed when this returns."""
        self._transport.abort()
        await asyncio.shield(self._closed)

    def data_received(self, data: bytes) -> None:
        if self.broken is not None:
            return
        self._received += data
        try:
            while (frame := pdu.take(self._received)) is not None:
                self._frame(frame)
        except pdu.WrongAnswer as error:
            self._break(error)

    def connection_lost(self, exc: Exception | None) -> None:
        _finish(self._closed)
        if self.broken is None:
            self._lost = _loss(exc)
            for waiting in (self._answer, self._rest):
                if waiting is not None and not waiting.done():
                    waiting.set_exception(self._lost)

    def _frame(self, frame: bytes) -> None:
        transaction = pdu.transaction_of(frame)
        waiting = self._answer is not None and not self._answer.done()
        if waiting and transaction == self._transaction and self._answer is not None:
            self._ignored = 0
            self._answer.set_result(frame)
            return
        age = (self._transaction - transaction) % 65535
        if transaction == 0 or age >= self._asked or (age == 0 and waiting):
            raise pdu.TransactionWrong(str(self._transaction), str(transaction))
        self._ignored += 1
        self.counters["late_answers"] += 1
        if self._ignored > IGNORED_AT_MOST:
            raise pdu.TransactionWrong(str(self._transaction), f"{transaction} of an old request, again and again,")

    def _break(self, error: pdu.WrongAnswer) -> None:
        self.broken = error
        self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _loss(exc: Exception | None) -> LinkLost:
    if exc is None:
        return LinkLost("the device closed the connection", "it may allow fewer connections: close other clients")
    loss = LinkLost(f"the connection broke: {(getattr(exc, 'strerror', None) or str(exc)).lower()}")
    loss.__cause__ = exc
    return loss


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
