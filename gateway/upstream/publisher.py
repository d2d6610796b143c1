"""From the buffer to the upstream: one task for each identity, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.buffer import Buffer, BufferTrouble, Claim
from gateway.model import Stored
from gateway.retry import Backoff
from gateway.status import Board, Health
from gateway.upstream.governor import Governor
from gateway.upstream.pace import Pace
from gateway.upstream.poison import Arrivals, Suspicion
from gateway.upstream.port import Channel, NoCredential, Refused, Upstream, UpstreamLost

log = logging.getLogger("fieldgate")

FIRST_S, LIMIT_S = 0.2, 300.0
CLAIM = 20
"""Messages of one identity that are sent at a time."""
PARK_S = 30.0
"""Who waits so long while others get through (throttled, say) keeps no memory and no disk of theirs meanwhile."""
QUARANTINE_AGAIN_S = 1.0
"""Between two tries to put aside what the hub will never take, while the disk has no room for it."""
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
        self._arrivals = Arrivals()
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
                    suspicion = Suspicion(self._arrivals)
                    lane = Lane(identity, self._upstream, self._buffer, health, self._governor, suspicion=suspicion)
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


def alike(objections: Sequence[str]) -> int:
    """How many messages at the head of a claim share the fate of the first.

    >>> alike(["", "", "too large", ""])
    2
    """
    return next((index for index, one in enumerate(objections) if one != objections[0]), len(objections))


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
    suspicion: Suspicion = field(default_factory=lambda: Suspicion(Arrivals()))
    _blocked: bool = False
    """Nothing could be put into the quarantine when it was tried last."""

    async def run(self) -> None:
        """Connect when there is the first message, then stay connected and publish, until cancelled."""
        # Lazy: an identity without traffic costs no connection. The claim is not held: connecting can take days.
        await self.buffer.give_back(await self.buffer.claim(self.identity))
        while True:
            lost = await self._connection()
            self.health.stopped(lost.reason, lost.remedy)
            if isinstance(lost, Refused | NoCredential):
                # Their own trouble: that the hub is back does not end it.
                await self.buffer.park(self.identity, lost.reason)
                await asyncio.sleep(wait_s(lost, self.backoff))
            elif not self.governor.away:
                seconds = wait_s(lost, self.backoff)
                if seconds >= PARK_S:
                    await self.buffer.park(self.identity, lost.reason)
                await self.governor.rest(seconds)

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
        watch, pace = Watch(), Pace()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run(channel), name=f"watch {self.identity}")
            while True:
                try:
                    at_most = 1 if self.suspicion.alone else CLAIM
                    claim = await watch.claim(self.buffer, self.identity, at_most, pace.max_bytes)
                    await self._deliver(channel, claim, pace)
                except UpstreamLost as error:
                    watching.cancel()
                    return error

    async def _deliver(self, channel: Channel, claim: Claim, pace: Pace) -> None:
        """Publish the head of a claim, or put it aside; the rest is given back. Raises UpstreamLost."""
        objections = [self.upstream.objection(message) for message in claim.messages]
        count = alike(objections)
        if objections[0]:
            await self._refuse(claim, objections[0], count)
            return
        messages = claim.messages[:count]
        begun_s = self.clock()
        try:
            await channel.publish(messages)
        except UpstreamLost as error:
            await self._broken(claim, messages, error)
            raise
        except asyncio.CancelledError:
            await self.buffer.give_back(claim)
            raise
        await self._arrived(claim, count)
        pace.took(sum(len(one.body) + len(one.properties) for one in messages), self.clock() - begun_s)

    async def _arrived(self, claim: Claim, count: int) -> None:
        """Take what has arrived from the buffer and count it."""
        await self.buffer.acknowledge(claim, count)
        arrived = claim.messages[:count]
        self.suspicion.arrived(arrived)
        self.health.counters["messages"] += count
        self.health.counters["bytes"] += sum(len(message.body) for message in arrived)

    async def _broken(self, claim: Claim, messages: Sequence[Stored], error: UpstreamLost) -> None:
        """The connection is gone: what arrived goes, the rest is given back, what always breaks it is put aside."""
        done = error.acknowledged
        condemned = done < len(messages) and self.suspicion.broke(messages[done], alone=len(messages) == 1)
        if done:
            await self._arrived(claim, done)
        elif condemned:
            await self._refuse(claim, f"the connection breaks whenever it is sent: {error.reason}", 1)
        else:
            await self.buffer.give_back(claim)

    async def _refuse(self, claim: Claim, reason: str, count: int) -> None:
        """They would stand at the head of their lane for ever: into the quarantine. Once in the log."""
        counters = self.health.counters
        try:
            await self.buffer.refuse(claim, reason, count)
        except BufferTrouble as error:
            if not self._blocked:
                log.warning("upstream %s: nothing can be put into the quarantine: %s", self.identity, error)
            self._blocked = True
            await asyncio.sleep(QUARANTINE_AGAIN_S)
            return
        self._blocked = False
        if not counters["refused"]:
            first = claim.messages[0].message_id
            log.error("upstream %s: message %s is put into the quarantine: %s", self.identity, first, reason)
        counters["refused"] += count


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

    async def claim(self, buffer: Buffer, identity: str, max_messages: int, max_bytes: int) -> Claim:
        """The next messages. Raises UpstreamLost when the channel is lost before there are any."""
        if self._lost is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as idle:
                    self._idle = idle
                    try:
                        return await buffer.claim(identity, max_messages, max_bytes)
                    finally:
                        self._idle = None
        raise self._lost or UpstreamLost("connection lost")
