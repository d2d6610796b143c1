"""How many connections are begun at a time, and who asks whether a hub that is away has come back.

A thousand identities that all come back at once would be refused by the hub's own limit (100 new connections a second
in the smallest tier) and would starve this machine. And while the hub is away for all, one that knocks is enough.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from gateway.upstream.port import Channel, NoCredential, Refused, Upstream, UpstreamLost


@dataclass(frozen=True)
class Limits:
    """How fast identities may come in."""

    in_flight: int = 20
    """Connections that are being opened at a time."""
    per_s: float = 50.0
    """Begun per second: half of what the smallest tier of IoT Hub takes."""
    probe_every_s: float = 1.0
    """While the hub is away for all."""


class Gate:
    """Who may begin, decided from what has happened so far; no clock, no waiting. Times are monotonic seconds."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._tokens = float(limits.in_flight)
        self._filled_s = now_s
        self._begun_s = now_s - limits.probe_every_s
        self._beginning = 0
        self._open = 0
        self._missed = False

    @property
    def away(self) -> bool:
        """The hub is away for all: none is open, and the last that asked found nobody."""
        return self._missed and not self._open

    def delay_s(self, now_s: float) -> float | None:
        """How long the next one waits: 0 = begin now; None = until one of those under way has its answer."""
        if self._beginning >= self._limits.in_flight:
            return None
        if self.away:
            # Not only when the last has its answer: a hub that swallows everything is asked anew each second too.
            return max(0.0, self._begun_s + self._limits.probe_every_s - now_s)
        return max(0.0, (1.0 - self._filled(now_s)) / self._limits.per_s)

    def begin(self, now_s: float) -> None:
        """One begins."""
        self._tokens = self._filled(now_s) - 1.0
        self._filled_s = self._begun_s = now_s
        self._beginning += 1

    def opened(self) -> None:
        """Its channel is open."""
        self._beginning -= 1
        self._open += 1
        self._missed = False

    def closed(self) -> None:
        """A channel that was open is not any more."""
        self._open -= 1

    def refused(self) -> None:
        """It was sent away: the hub is there."""
        self._beginning -= 1
        self._missed = False

    def missed(self) -> None:
        """It found nobody."""
        self._beginning -= 1
        self._missed = True

    def abstained(self) -> None:
        """It did not ask."""
        self._beginning -= 1

    def _filled(self, now_s: float) -> float:
        """Tokens in the bucket; as many as may be under way fit in."""
        grown = self._tokens + (now_s - self._filled_s) * self._limits.per_s
        return min(float(self._limits.in_flight), grown)


class Governor:
    """One queue for all identities of one upstream."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._gate = Gate(limits or Limits(), clock())
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._back = asyncio.Event()

    @property
    def away(self) -> bool:
        """The hub is away for all."""
        return self._gate.away

    @asynccontextmanager
    async def connect(self, upstream: Upstream, identity: str) -> AsyncIterator[Channel]:
        """``upstream.connect``, when it is this one's turn. Raises what it raises."""
        await self._turn()
        account = self._gate.abstained
        async with AsyncExitStack() as stack:
            try:
                channel = await stack.enter_async_context(upstream.connect(identity))
                account = self._gate.opened
            except Refused:
                account = self._gate.refused
                raise
            except NoCredential:
                raise
            except UpstreamLost:
                account = self._gate.missed
                raise
            finally:
                self._account(account)
            try:
                yield channel
            finally:
                self._account(self._gate.closed)

    async def rest(self, seconds: float) -> None:
        """Wait before the next try, but no longer than until a hub that was away for all is back."""
        with suppress(TimeoutError):  # The usual end of a rest.
            async with asyncio.timeout(seconds):
                await self._back.wait()

    def _account(self, happened: Callable[[], None]) -> None:
        was_away = self.away
        happened()
        if was_away and not self.away:
            self._back.set()
            self._back = asyncio.Event()
        self._admit()

    async def _turn(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._account(self._gate.abstained)
            elif place in self._queue:
                self._queue.remove(place)
            raise

    def _admit(self) -> None:
        """Let in who may begin now; look again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            now_s = self._clock()
            delay_s = self._gate.delay_s(now_s)
            if delay_s is None:
                return
            if delay_s > 0:
                self._timer = asyncio.get_running_loop().call_later(delay_s, self._admit)
                return
            place = self._queue.popleft()
            if not place.done():
                self._gate.begin(now_s)
                place.set_result(None)
