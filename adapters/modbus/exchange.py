"""One request out, its own answer in: what waits on an open transport of any kind."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from contextlib import suppress
from typing import Protocol

from adapters.modbus import tls
from adapters.modbus.pdu import Ask, Refusal, SilenceWrong, WrongAnswer
from gateway.adapter import LinkLost

FEWER = "it may allow fewer connections: close other clients"

ROOM_BYTES = 4096
"""Of a stream that are taken at a time; an answer has 260 at most, in ASCII 513."""


class Unsent(LinkLost):
    """The line was gone before this request was sent."""


class Talk(Protocol):
    """What to send and what to believe on one kind of line, without I/O."""

    mends: bool
    """After a wrong answer the line comes back into step by itself; else only a new connection helps."""
    gap_s: float
    """After so long without a byte, what has come is judged; 0: silence has no meaning."""
    wire_s: float
    """What the bytes of this request and its answer take on the wire; 0 where that does not matter."""

    def free_at(self, unit: int, ask: Ask, *, fresh: bool = False) -> float:
        """When this may be sent, by the loop's clock; asked again then. 0: at any time, whatever has come."""
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


class Exchange(asyncio.BufferedProtocol):
    """A ``wire.Wire`` over a transport that calls it as asyncio's do."""

    def __init__(self, talk: Talk, counters: Counter[str], remedy: str = FEWER) -> None:
        """``remedy``: what to do where the device closes the connection."""
        self._loop = asyncio.get_running_loop()
        self._talk = talk
        self._remedy = remedy
        self._transport: Sender
        self._room = memoryview(bytearray(ROOM_BYTES))
        self._answer: asyncio.Future[bytes] | None = None
        self._rests: set[asyncio.Future[None]] = set()
        """Several tasks may rest at once: one between scans, one that waits until it may send."""
        self._gap: asyncio.TimerHandle | None = None
        self._until = 0.0
        """When the answer is waited for no longer."""
        self._timer: asyncio.TimerHandle | None = None
        self._lost: LinkLost | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.broken: WrongAnswer | None = None
        self.counters = counters

    async def ask(self, unit: int, ask: Ask, timeout_s: float, *, fresh: bool = False) -> bytes:
        """See ``wire.Wire``."""
        talk = self._talk
        if self._lost is None and (free := talk.free_at(unit, ask, fresh=fresh)) > 0.0:
            with suppress(LinkLost):
                await self._until_free(free, unit, ask, timeout_s, fresh=fresh)
        if self._lost is not None:
            raise Unsent(self._lost.reason, self._lost.remedy) from self._lost
        self._answer = answer = self._loop.create_future()
        self._transport.write(talk.request(unit, ask, timeout_s))
        self._until = self._loop.time() + timeout_s + talk.wire_s
        # One timer serves many requests: asyncio.timeout would cost each of them a sixth of its CPU.
        if self._timer is None or self._timer.when() > self._until:
            self._watch()
        try:
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
        except (asyncio.CancelledError, LinkLost):
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
        rest: asyncio.Future[None] = self._loop.create_future()
        self._rests.add(rest)
        timer = self._loop.call_at(until, _finish, rest)
        try:
            await rest
        finally:
            timer.cancel()
            self._rests.discard(rest)

    def wake(self) -> None:
        """See ``wire.Wire``."""
        for rest in self._rests:
            _finish(rest)

    async def close(self) -> None:
        """See ``wire.Wire``."""
        for timer in (self._gap, self._timer):
            if timer is not None:
                timer.cancel()
        self._transport.abort()
        await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport | Sender) -> None:
        """The transport is open."""
        assert not isinstance(transport, asyncio.BaseTransport) or isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where a stream puts what has come. Without it asyncio makes 256 KiB for each answer: up to 20 us of CPU."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """So much of it has come."""
        self.data_received(bytes(self._room[:nbytes]))

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
            self.lose(loss(exc, self._remedy))

    def lose(self, lost: LinkLost) -> None:
        """Whatever waits or is asked from now on gets this."""
        self._lost = self._lost or lost
        for waiting in (self._answer, *self._rests):
            if waiting is not None and not waiting.done():
                waiting.set_exception(self._lost)

    async def _until_free(self, free: float, unit: int, ask: Ask, timeout_s: float, *, fresh: bool) -> None:
        now = self._loop.time()
        # What is waited for may be an answer of old, with a silence behind it.
        latest = max(free, now + timeout_s) + self._talk.gap_s
        while True:
            while free > now:
                if now >= latest:
                    raise SilenceWrong("silence", "busy all the time")
                await self.rest(min(free, latest))
                free, now = self._talk.free_at(unit, ask, fresh=fresh), self._loop.time()
            # Where the loop was held up, a late answer that had come by now is not taken yet: it is in two turns.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if (free := self._talk.free_at(unit, ask, fresh=fresh)) <= now:
                return
            now = self._loop.time()

    def _watch(self) -> None:
        """End the wait for the answer when its time is over; called again then, and where a timer is due too late."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._answer is None or self._answer.done():
            return
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._watch)
        else:
            self._answer.set_exception(TimeoutError())

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


def loss(exc: Exception | None, remedy: str = FEWER) -> LinkLost:
    """Why a connection is gone, in words; None: the other side closed it, and ``remedy`` says what to do."""
    if exc is None:
        return LinkLost("the device closed the connection", remedy)
    if isinstance(exc, ssl.SSLError):
        # With TLS 1.3 a device refuses our certificate when the handshake is over for us.
        lost = tls.refused(exc)
    else:
        lost = LinkLost(f"the connection broke: {(getattr(exc, 'strerror', None) or str(exc)).lower()}")
    lost.__cause__ = exc
    return lost


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
