"""A buffer in memory and an upstream that the test leads: both ports, implemented without disk and network."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate
from typing import NoReturn

from gateway.buffer import Claim, Loss, Stats
from gateway.model import Message, Priority, Stored
from gateway.upstream.port import Channel, UpstreamLost


class MemoryBuffer:
    """A ``Buffer`` that forgets."""

    def __init__(self) -> None:
        self.lanes: dict[str, list[Stored]] = defaultdict(list)
        self.claims: dict[str, Claim] = {}
        self.refused: list[tuple[Stored, str]] = []
        self.parked: dict[str, str] = {}
        self.losses: list[Loss] = []
        self._sequences: dict[tuple[str, Priority], int] = defaultdict(int)
        self._stirred = asyncio.Condition()

    async def append(self, messages: Sequence[Message]) -> None:
        for identity, created_ns, properties, body, priority in messages:
            self._sequences[identity, priority] += 1
            sequence = self._sequences[identity, priority]
            self.lanes[identity].append(Stored(identity, 1, sequence, created_ns, properties, body, priority))
        await self._stir()

    async def fill(self, identity: str, *bodies: bytes) -> None:
        await self.append([Message(identity, 0, "", body) for body in bodies])

    async def claim(self, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        async with self._stirred:
            await self._stirred.wait_for(lambda: self.lanes[identity] and identity not in self.claims)
            lane = self.lanes[identity]
            lane.sort(key=lambda message: (message.priority, message.sequence))
            head = [message for message in lane[:max_messages] if message.priority is lane[0].priority]
            sizes = accumulate(len(message.body) + len(message.properties) for message in head)
            fitting = sum(size <= max_bytes for size in sizes)
            self.claims[identity] = Claim(identity, tuple(head[: max(1, fitting)]))
            return self.claims[identity]

    async def acknowledge(self, claim: Claim, count: int | None = None) -> None:
        await self.give_back(claim)
        arrived = claim.messages[:count]
        self.lanes[claim.identity] = [one for one in self.lanes[claim.identity] if one not in arrived]
        await self._stir()

    async def give_back(self, claim: Claim) -> None:
        assert self.claims.pop(claim.identity) is claim
        await self._stir()

    async def refuse(self, claim: Claim, reason: str, count: int = 1) -> None:
        self.refused += [(message, reason) for message in claim.messages[:count]]
        await self.acknowledge(claim, count)

    async def park(self, identity: str, reason: str) -> None:
        self.parked[identity] = reason

    def gaps(self) -> Sequence[Loss]:
        return self.losses

    async def told(self, gaps: Sequence[Loss]) -> None:
        self.losses = [loss for loss in self.losses if loss not in gaps]

    def stats(self) -> Stats:
        waiting = {identity: len(lane) for identity, lane in self.lanes.items()}
        return Stats(sum(waiting.values()), 0, 0, None, waiting, {}, "")

    async def drained(self, identity: str) -> None:
        """Wait until nothing of an identity is left."""
        async with self._stirred:
            await self._stirred.wait_for(lambda: not self.lanes[identity] and identity not in self.claims)

    async def _stir(self) -> None:
        async with self._stirred:
            self._stirred.notify_all()


class Line:
    """One channel of the fake upstream."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self._upstream = upstream
        self._ended: asyncio.Future[UpstreamLost] = asyncio.get_running_loop().create_future()
        self.begun = asyncio.Event()
        self.closed = asyncio.Event()

    async def publish(self, messages: Sequence[Stored]) -> None:
        self.begun.set()
        for count, message in enumerate(messages):
            if (error := self._upstream.breaks(message)) is not None:
                error.acknowledged = count
                self.end(error)
                raise error
            if self._upstream.bytes_per_s:
                await asyncio.sleep(len(message.body) / self._upstream.bytes_per_s)
            if self._upstream.stuck:
                await asyncio.Event().wait()
            self._upstream.received.append(message)

    async def lost(self) -> NoReturn:
        raise await asyncio.shield(self._ended)

    def end(self, error: UpstreamLost) -> None:
        if not self._ended.done():
            self._ended.set_result(error)


class FakeUpstream:
    """An ``Upstream``. ``trouble`` says why an identity cannot connect now, ``breaks`` at which message it breaks."""

    name = "fake"

    def __init__(self) -> None:
        self.trouble: Callable[[str], UpstreamLost | None] = lambda identity: None
        self.breaks: Callable[[Stored], UpstreamLost | None] = lambda message: None
        self.stuck = False
        self.bytes_per_s = 0.0
        self.received: list[Stored] = []
        self.asked: list[str] = []
        self.open: dict[str, Line] = {}
        self.opened = asyncio.Condition()

    @asynccontextmanager
    async def connect(self, identity: str) -> AsyncIterator[Channel]:
        self.asked.append(identity)
        await asyncio.sleep(0)
        if (error := self.trouble(identity)) is not None:
            raise error
        self.open[identity] = Line(self)
        async with self.opened:
            self.opened.notify_all()
        try:
            yield self.open[identity]
        finally:
            self.open.pop(identity).closed.set()

    def objection(self, message: Stored) -> str:
        return "it is too long" if len(message.body) > 100 else ""

    async def line(self, identity: str) -> Line:
        """The channel of an identity, when it is open."""
        async with self.opened:
            await self.opened.wait_for(lambda: identity in self.open)
        return self.open[identity]

    def bodies(self, identity: str) -> list[bytes]:
        return [message.body for message in self.received if message.identity == identity]
