"""The traffic on a line: one request at a time, whoever asks, over a connection that is made anew where it broke."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.modbus import wire
from adapters.modbus.pdu import Ask, Refusal
from adapters.modbus.settings import Connect
from adapters.modbus.turns import Turns
from adapters.modbus.wire import Wire
from gateway.adapter import LinkLost


class Traffic:
    """An open line for several tasks. Devices that share it may differ in what they ask for: the slowest is heeded."""

    def __init__(self, connects: Sequence[Connect], counters: Counter[str]) -> None:
        self._connect = connects[0]
        self._patience_s = max(connect.timeout for connect in connects)
        self._delay_s = max(connect.delay for connect in connects)
        self._pause_s = max(connect.pause for connect in connects)
        self._idle_s = min((connect.idle for connect in connects if connect.idle is not None), default=math.inf)
        self._counters = counters
        self._turns = Turns()
        self._used_at = 0.0
        """When the last answer came."""
        self._proven = False
        """This connection has answered."""
        self._delayed: asyncio.TimerHandle | None = None
        self._ended = False

    @property
    def proven(self) -> bool:
        """This connection has answered."""
        return self._proven

    async def open(self) -> None:
        """Connect. Raises LinkLost or OSError (also for the timeout)."""
        self._loop = asyncio.get_running_loop()
        self._wire: Wire = await wire.opened(self._connect, self._patience_s, self._counters)
        await self._begin()

    async def close(self) -> None:
        """Nothing is left open when this returns; who waits for the line gets LinkLost."""
        self._ended = True
        self._turns.end(_ended())
        if self._delayed is not None:
            self._delayed.cancel()
        await self._wire.close()

    async def ask(self, unit: int, ask: Ask, timeout_s: float, *, urgent: bool = False) -> bytes:
        """Read something, in turn; asked a second time where the connection was lost.

        Raises TimeoutError, Refusal, WrongAnswer; LinkLost or OSError where there is no new connection, or the same
        happens to it.
        """
        await self._turns.take(urgent=urgent)
        try:
            await self.ready()
            try:
                return await self.send(unit, ask, timeout_s)
            except LinkLost:
                await self._reopen()
            return await self.send(unit, ask, timeout_s)
        finally:
            self._over()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Have the line for several requests with nothing between them, before all polls that wait."""
        await self._turns.take(urgent=True)
        try:
            yield
        finally:
            self._over()

    async def ready(self) -> None:
        """For who holds the line: there is a connection. Raises LinkLost or OSError; nothing was sent then."""
        if self._wire.broken is not None or self._used_at + self._idle_s <= self._loop.time():
            await self._reopen()
            return
        try:
            await self._wire.rest(0.0)
        except LinkLost:
            await self._reopen()

    async def send(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """For who holds the line: send once. Raises TimeoutError, Refusal, WrongAnswer or LinkLost."""
        if self._delay_s:
            await asyncio.sleep(self._used_at + self._delay_s - self._loop.time())
        try:
            answer = await self._wire.ask(unit, ask, timeout_s)
        except Refusal:
            self._proven = True
            raise
        finally:
            self._used_at = self._loop.time()
        self._proven = True
        return answer

    async def rest(self, until: float) -> None:
        """Wait until this time of the loop's clock.

        A connection that is closed meanwhile is made anew, without a word; LinkLost or OSError where that fails. Where
        the new one is closed too, or the device is known to close those that are idle, the next request makes another.
        """
        try:
            await self._wire.rest(until)
        except LinkLost:
            lost = self._wire
            await self._turns.take()
            try:
                if self._wire is lost and self._proven and math.isinf(self._idle_s):
                    await self._reopen()
            finally:
                self._over()
            if self._wire is not lost:
                await self.rest(until)
            else:
                await asyncio.sleep(until - self._loop.time())

    async def _reopen(self) -> None:
        if self._ended:
            raise _ended()
        await self._wire.close()
        # Nobody is told meanwhile, so it must not take long, also where a device is to call us.
        async with asyncio.timeout(self._patience_s):
            opened = await wire.opened(self._connect, self._patience_s, self._counters)
        if self._ended:
            await opened.close()
            raise _ended()
        self._wire = opened
        self._counters["reopened"] += 1
        await self._begin()

    async def _begin(self) -> None:
        self._proven = False
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        self._used_at = self._loop.time() - self._delay_s

    def _over(self) -> None:
        """The turn ends; the next one begins when the delay between requests has passed."""
        left = self._used_at + self._delay_s - self._loop.time() if self._delay_s else 0.0
        if left > 0.0:
            self._delayed = self._loop.call_later(left, self._turns.give)
        else:
            self._turns.give()


def _ended() -> LinkLost:
    return LinkLost("the line has been closed")
