"""One request out, its own answer in: what waits on an open transport of any kind."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from adapters.modbus.pdu import Ask, Refusal, SilenceWrong, WrongAnswer
from gateway.adapter import LinkLost


class Talk(Protocol):
    """What to send and what to believe on one kind of line, without I/O."""

    mends: bool
    """After a wrong answer the line comes back into step by itself; else only a new connection helps."""
    gap_s: float
    """After so long without a byte, what has come is judged; 0: silence has no meaning."""
    wire_s: float
    """What the bytes of this request and its answer take on the wire; 0 where that does not matter."""

    def free_at(self, unit: int, ask: Ask) -> float:
        """When this may be sent, by the loop's clock; asked again then."""
        ...

    def request(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """The frame to send; its answer is waited for from now on."""
        ...

    def take(self, data: bytes) -> bytes | Refusal | None:
        """What the answer holds, once it is whole. Raises WrongAnswer."""
        ...

    def silent(self) -> bytes | Refusal | None:
        """The same, after ``gap_s`` without a byte."""
        ...

    def leave(self) -> WrongAnswer | None:
        """The answer is waited for no longer. What stands in the way of the next one, if anything does."""
        ...


class Sender(Protocol):
    """What of a transport is used."""

    def write(self, data: bytes) -> None: ...
    def abort(self) -> None: ...


class Exchange(asyncio.Protocol):
    """A ``wire.Wire`` over a transport that calls it as asyncio's do."""

    def __init__(self, talk: Talk, counters: Counter[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._talk = talk
        self._transport: Sender
        self._answer: asyncio.Future[bytes] | None = None
        self._rest: asyncio.Future[None] | None = None
        self._gap: asyncio.TimerHandle | None = None
        self._lost: LinkLost | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.broken: WrongAnswer | None = None
        self.counters = counters

    async def ask(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """See ``wire.Wire``."""
        talk = self._talk
        if (free := talk.free_at(unit, ask)) > 0.0:
            await self._until_free(free, unit, ask, timeout_s)
        if self._lost is not None:
            raise self._lost
        self._answer = answer = self._loop.create_future()
        self._transport.write(talk.request(unit, ask, timeout_s))
        try:
            async with asyncio.timeout(timeout_s + talk.wire_s):
                data: bytes = await answer
                return data
        except TimeoutError:
            error = talk.leave()
            if error is None:
                raise
            self._wrong(error)
            if talk.mends:
                raise error from None
            raise
        except asyncio.CancelledError:
            talk.leave()
            raise
        finally:
            self._answer = None

    async def rest(self, until: float) -> None:
        """See ``wire.Wire``."""
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
        """See ``wire.Wire``."""
        if self._gap is not None:
            self._gap.cancel()
        self._transport.abort()
        await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport | Sender) -> None:
        """The transport is open."""
        assert not isinstance(transport, asyncio.BaseTransport) or isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes, or a datagram."""
        if self.broken is not None:
            return
        talk = self._talk
        try:
            found = talk.take(data)
            while found is not None:
                self._found(found)
                found = talk.take(b"")
        except WrongAnswer as error:
            self._wrong(error)
        if talk.gap_s and self._answer is not None and not self._answer.done():
            if self._gap is not None:
                self._gap.cancel()
            self._gap = self._loop.call_later(talk.gap_s, self._silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, or closed by us."""
        _finish(self._closed)
        if self.broken is None:
            self.lose(loss(exc))

    def lose(self, lost: LinkLost) -> None:
        """Whatever waits or is asked from now on gets this."""
        self._lost = self._lost or lost
        for waiting in (self._answer, self._rest):
            if waiting is not None and not waiting.done():
                waiting.set_exception(self._lost)

    async def _until_free(self, free: float, unit: int, ask: Ask, timeout_s: float) -> None:
        now = self._loop.time()
        latest = max(free, now + timeout_s)
        while free > now:
            if now >= latest:
                raise SilenceWrong("silence", "busy all the time")
            await self.rest(min(free, latest))
            free, now = self._talk.free_at(unit, ask), self._loop.time()

    def _silent(self) -> None:
        try:
            found = self._talk.silent()
        except WrongAnswer as error:
            self._wrong(error)
        else:
            if found is not None:
                self._found(found)

    def _found(self, found: bytes | Refusal) -> None:
        answer = self._answer
        if answer is None or answer.done():
            return
        if isinstance(found, Refusal):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def _wrong(self, error: WrongAnswer) -> None:
        if not self._talk.mends:
            self.broken = error
            self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def loss(exc: Exception | None) -> LinkLost:
    """Why a connection is gone, in words; None: the other side closed it."""
    if exc is None:
        return LinkLost("the device closed the connection", "it may allow fewer connections: close other clients")
    lost = LinkLost(f"the connection broke: {(getattr(exc, 'strerror', None) or str(exc)).lower()}")
    lost.__cause__ = exc
    return lost


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
