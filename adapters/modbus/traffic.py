"""The traffic on a line: one request at a time, whoever asks, over a connection that is made anew where it broke."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from adapters.modbus import endpoint, wire
from adapters.modbus.doubt import Doubts, Silences
from adapters.modbus.pdu import UNREACHABLE, Ask, ClosedWrong, Refusal, WrongAnswer
from adapters.modbus.settings import Connect, disagreement
from adapters.modbus.turns import Turns
from adapters.modbus.wire import Wire
from gateway.adapter import LinkLost


class HeldBack(Exception):
    """Not asked now: it cost the connection, or a timeout, again and again."""

    def __init__(self, error: WrongAnswer | None = None) -> None:
        """``error``: what came the last time; None where nothing came, while its unit answers others."""
        super().__init__(str(error or "no answer"))
        self.error = error


class Traffic:
    """An open line for several tasks. Devices that share it may differ in what they ask for: the slowest is heeded."""

    def __init__(self, connects: Sequence[Connect], counters: Counter[str]) -> None:
        self._disagreement = disagreement(connects)
        self._connect = connects[0]
        self._calls = endpoint.parts(self._connect.modbus).carrier in ("tcp", "tls", "listen")
        """A connection shows that the other side is there; a socket for datagrams shows nothing."""
        self._patience_s = max(connect.timeout for connect in connects)
        self._delay_s = max(connect.delay for connect in connects)
        self._pause_s = max(connect.pause for connect in connects)
        self._idle_s = min((connect.idle for connect in connects if connect.idle is not None), default=math.inf)
        self._counters = counters
        self._turns = Turns()
        self._doubts = Doubts()
        self._silences = Silences()
        self._used_at = 0.0
        """When the last answer came."""
        self._answered: set[int] = set()
        """Units that have answered on this connection."""
        self._delayed: asyncio.TimerHandle | None = None
        self._opening = asyncio.Lock()
        self._asleep: asyncio.Future[None] | None = None
        """A rest without a connection."""
        self._wakes = 0
        self._ended = False

    @property
    def proven(self) -> bool:
        """This connection has answered."""
        return bool(self._answered)

    async def open(self) -> None:
        """Connect. Raises LinkLost or OSError (also for the timeout)."""
        if self._disagreement:
            raise LinkLost(self._disagreement, "write it alike for all devices of the line")
        self._loop = asyncio.get_running_loop()
        self._wire: Wire = await wire.opened(self._connect, self._patience_s, self._counters)
        try:
            await self._begin()
        except asyncio.CancelledError:
            await self._wire.close()
            raise

    async def close(self) -> None:
        """Nothing is left open when this returns; who waits for the line gets LinkLost."""
        self._ended = True
        self._turns.end(_ended())
        if self._delayed is not None:
            self._delayed.cancel()
        await self._wire.close()
        async with self._opening:
            # A connection that was being made just now.
            await self._wire.close()

    async def ask(self, unit: int, ask: Ask, timeout_s: float, *, urgent: bool = False) -> bytes:
        """Read something, in turn; asked a second time where the connection was lost.

        What costs the connection, or a timeout, again and again is not asked for a while, unless it is urgent. Raises
        HeldBack then; TimeoutError, Refusal, WrongAnswer; LinkLost or OSError where there is no new connection, or the
        same happens to it (but ClosedWrong where the connection was good enough for other units).
        """
        if not urgent and (held := self._doubts.held(unit, ask, self._loop.time())) is not None:
            self._counters["held_back"] += 1
            raise HeldBack(held)
        if not urgent and self._silences.held(unit, ask, self._loop.time()):
            self._counters["held_back"] += 1
            raise HeldBack
        await self._turns.take(urgent=urgent)
        try:
            await self.ready()
            try:
                return await self._asked(unit, ask, timeout_s)
            except LinkLost:
                others = self._answered - {unit} if self._calls else set()
                await self._reopen()
            try:
                return await self._asked(unit, ask, timeout_s)
            except LinkLost as lost:
                if not others:
                    raise
                error = ClosedWrong("an answer", "closed, twice,")
                self._doubts.wrong(unit, ask, error, timeout_s, self._loop.time())
                raise error from lost
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

    async def send(self, unit: int, ask: Ask, timeout_s: float, *, fresh: bool = False) -> bytes:
        """For who holds the line: send once. Raises as ``wire.Wire.ask`` does."""
        if self._delay_s:
            await asyncio.sleep(self._used_at + self._delay_s - self._loop.time())
        try:
            answer = await self._wire.ask(unit, ask, timeout_s, fresh=fresh)
        except Refusal:
            self._answered.add(unit)
            raise
        finally:
            self._used_at = self._loop.time()
        self._answered.add(unit)
        return answer

    async def rest(self, until: float) -> None:
        """Wait until this time of the loop's clock, or for ``wake``.

        A connection that is closed meanwhile is made anew, without a word; LinkLost or OSError where that fails. Where
        the new one is closed too, or the device is known to close those that are idle, the next request makes another.
        """
        wakes = self._wakes
        while wakes == self._wakes:
            lost = self._wire
            try:
                await lost.rest(until)
                return
            except LinkLost:
                pass
            await self._turns.take()
            try:
                if self._wire is lost and self.proven and math.isinf(self._idle_s):
                    await self._reopen()
            finally:
                self._over()
            if self._wire is lost:
                await self._sleep(until)
                return

    def wake(self) -> None:
        """Something is due sooner than was thought: ``rest`` ends."""
        self._wakes += 1
        self._wire.wake()
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    async def _sleep(self, until: float) -> None:
        self._asleep = self._loop.create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._asleep

    async def _asked(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        try:
            answer = await self.send(unit, ask, timeout_s)
        except Refusal as refusal:
            self._doubts.right(unit, ask)
            if refusal.code not in UNREACHABLE:
                self._silences.answered(unit, ask)
            raise
        except (TimeoutError, WrongAnswer) as trouble:
            if (error := self._wire.broken) is not None:
                self._doubts.wrong(unit, ask, error, timeout_s, self._loop.time())
            elif isinstance(trouble, TimeoutError):
                self._silences.silent(unit, ask, timeout_s, self._loop.time())
            raise
        self._doubts.right(unit, ask)
        self._silences.answered(unit, ask)
        return answer

    async def _reopen(self) -> None:
        """Make the connection anew. Raises LinkLost or OSError, but no TimeoutError: that is a unit's."""
        if self._ended:
            raise _ended()
        async with self._opening:
            await self._replace()
        await self._begin()

    async def _replace(self) -> None:
        await self._wire.close()
        try:
            # Nobody is told meanwhile, so it must not take long, also where a device is to call us.
            async with asyncio.timeout(self._patience_s):
                opened = await wire.opened(self._connect, self._patience_s, self._counters)
        except TimeoutError as error:
            remedy = f"is {self._connect.modbus} on, its address right, and the network up?"
            raise LinkLost("no answer in time", remedy) from error
        if self._ended:
            await opened.close()
            raise _ended()
        self._wire = opened
        self._counters["reopened"] += 1

    async def _begin(self) -> None:
        self._answered.clear()
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
