"""From the buffer to the upstream: one task for each identity, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.buffer import Buffer, Claim
from gateway.retry import Backoff
from gateway.status import Board, Health
from gateway.upstream.governor import Governor
from gateway.upstream.port import Channel, NoCredential, Refused, Upstream, UpstreamLost

log = logging.getLogger("fieldgate")

FIRST_S, LIMIT_S = 0.2, 300.0
DISMISS_S = 1.0
"""Between two looks at whether an identity that is no longer in the plant has anything left to publish."""
SETTLED_S = 10.0
"""A connection that lived so long was a good one: the next trouble starts with short waits again. Less would let two
boxes with one identity throw each other out several times a second."""


class Publisher:
    """The lanes of one upstream; identities come and go while it runs."""

    def __init__(self, upstream: Upstream, buffer: Buffer, board: Board, governor: Governor | None = None) -> None:
        self._upstream = upstream
        self._buffer = buffer
        self._board = board
        self._governor = governor or Governor()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()

    def serve(self, identities: Iterable[str]) -> None:
        """Publish what the buffer holds of these from now on; others stop when nothing of theirs waits any more."""
        self._wanted = frozenset(identities)
        self._changed.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for identity in sorted(self._wanted - self._lanes.keys()):
                    health = self._board.health("upstream", identity)
                    lane = Lane(identity, self._upstream, self._buffer, health, self._governor)
                    self._lanes[identity] = group.create_task(lane.run(), name=f"publish {identity}")
                leaving = self._lanes.keys() - self._wanted
                self._dismiss(leaving)
                # Whoever leaves with messages waiting is looked at again; else only a change wakes this up.
                with suppress(TimeoutError):
                    async with asyncio.timeout(DISMISS_S if self._lanes.keys() - self._wanted else None):
                        await self._changed.wait()

    def _dismiss(self, leaving: Iterable[str]) -> None:
        waiting = self._buffer.stats().waiting
        for identity in [identity for identity in leaving if not waiting.get(identity)]:
            self._lanes.pop(identity).cancel()


async def run(
    upstream: Upstream,
    buffer: Buffer,
    identities: Iterable[str],
    board: Board,
    governor: Governor | None = None,
) -> None:
    """Publish what the buffer holds of these identities until cancelled."""
    publisher = Publisher(upstream, buffer, board, governor)
    publisher.serve(identities)
    await publisher.run()


def prefix(sendable: Sequence[bool], acknowledged: int) -> int:
    """How many messages of a claim are done when so many of its sendable ones are acknowledged.

    The others need nothing but those before them.

    >>> prefix([True, False, True, True], 1)
    2
    """
    for index, flag in enumerate(sendable):
        if flag:
            if not acknowledged:
                return index
            acknowledged -= 1
    return len(sendable)


def wait_s(error: UpstreamLost, backoff: Backoff) -> float:
    """Seconds until the next try. A refusal seldom heals by itself: its waits grow twice as fast."""
    if isinstance(error, Refused | NoCredential):
        backoff.next_s()
    return backoff.next_s()


@dataclass
class Lane:
    """One identity's way up."""

    identity: str
    upstream: Upstream
    buffer: Buffer
    health: Health
    governor: Governor
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=FIRST_S, limit_s=LIMIT_S))
    clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)

    async def run(self) -> None:
        """Connect when there is the first message, then stay connected and publish, until cancelled."""
        # Lazy: an identity without traffic costs no connection. The claim is not held: connecting can take days.
        await self.buffer.give_back(await self.buffer.claim(self.identity))
        while True:
            lost = await self._connection()
            self.health.stopped(lost.reason, lost.remedy)
            if isinstance(lost, Refused | NoCredential):
                # Their own trouble: that the hub is back does not end it.
                await asyncio.sleep(wait_s(lost, self.backoff))
            elif not self.governor.away:
                await self.governor.rest(wait_s(lost, self.backoff))

    async def _connection(self) -> UpstreamLost:
        """One connection from its begin to its end."""
        try:
            async with self.governor.connect(self.upstream, self.identity) as channel:
                self.health.counters["connects"] += 1
                self.health.flowing()
                begun_s = self.clock()
                lost = await self._watched(channel)
                if self.clock() - begun_s >= SETTLED_S:
                    self.backoff.reset()
                return lost
        except UpstreamLost as error:
            return error

    async def _watched(self, channel: Channel) -> UpstreamLost:
        """Publish over an open channel until it is lost; that is noticed also while there is nothing to publish."""
        watch = Watch()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run(channel), name=f"watch {self.identity}")
            while True:
                try:
                    await self._deliver(channel, await watch.claim(self.buffer, self.identity))
                except UpstreamLost as error:
                    watching.cancel()
                    return error

    async def _deliver(self, channel: Channel, claim: Claim) -> None:
        """Publish a claim; what is acknowledged goes from the buffer, the rest is given back. Raises UpstreamLost."""
        objections = [self.upstream.objection(message) for message in claim.messages]
        messages = [message for message, objection in zip(claim.messages, objections, strict=True) if not objection]
        try:
            if messages:
                await channel.publish(messages)
        except UpstreamLost as error:
            await self._settle(claim, objections, error.acknowledged)
            raise
        except asyncio.CancelledError:
            await self.buffer.give_back(claim)
            raise
        await self._settle(claim, objections, len(messages))

    async def _settle(self, claim: Claim, objections: Sequence[str], acknowledged: int) -> None:
        """Take what is done from the buffer and count it."""
        done = prefix([not objection for objection in objections], acknowledged)
        if not done:
            await self.buffer.give_back(claim)
            return
        await self.buffer.acknowledge(claim, done)
        counters = self.health.counters
        for message, objection in zip(claim.messages[:done], objections, strict=False):
            if not objection:
                counters["messages"] += 1
                counters["bytes"] += len(message.body)
                continue
            # It would stand at the head of its lane for ever. Once in the log; the counter says how many.
            if not counters["too_large"]:
                log.error("upstream %s: message %s is given up: %s", self.identity, message.message_id, objection)
            counters["too_large"] += 1


class Watch:
    """Ends the waiting for messages when the channel is lost meanwhile.

    A task for each claim and ``asyncio.wait`` for the two of them would cost more than all else in this file.
    """

    def __init__(self) -> None:
        self._lost: UpstreamLost | None = None
        self._idle: asyncio.Timeout | None = None

    async def run(self, channel: Channel) -> None:
        """Wait for the end of the channel."""
        try:
            await channel.lost()
        except UpstreamLost as error:
            self._lost = error
            if self._idle is not None:
                self._idle.reschedule(asyncio.get_running_loop().time())

    async def claim(self, buffer: Buffer, identity: str) -> Claim:
        """The next messages. Raises UpstreamLost when the channel is lost before there are any."""
        if self._lost is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as idle:
                    self._idle = idle
                    try:
                        return await buffer.claim(identity)
                    finally:
                        self._idle = None
        raise self._lost or UpstreamLost("connection lost")
