"""The one connection of a line: a request out, its own answer in, and nothing else believed."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter

from adapters.modbus import pdu
from adapters.modbus.answers import Block
from gateway.adapter import LinkLost

IGNORED_AT_MOST = 16
"""Late or doubled answers in a row; a device that sends more of them is out of step."""


class Wire(asyncio.Protocol):
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

    async def ask(self, block: Block, timeout_s: float) -> bytes:
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
