"""What goes through the buffer while something breaks: seeded producers, and a hub with its moods.

Everything is noted in the ledger, in the order in which a gateway would take it for granted.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.buffer import Buffer, BufferFull, BufferSettings, BufferTrouble, meta, policy, shelf
from gateway.buffer.clock import Clocks
from gateway.buffer.store import open_buffer
from gateway.model import Priority, Stored
from tests.faults.ledger import Note
from tests.faults.messages import make, token_of

IDENTITIES = tuple(f"dev-{number}" for number in range(3))
RARE = "rare"
"""Says one thing in each run, so that its highest sequence lies in a segment that is soon drained."""
TOKENS_A_RUN = 1_000_000
POISON = 41
"""The hub takes no message whose number is a multiple of this."""
SMALL = BufferSettings(
    quota_bytes=1024 * 1024,
    on_full={Priority.ALARM: "refuse", Priority.TELEMETRY: "thin", Priority.BULK: "drop-oldest"},
)
LOSSES = ("quota", "thinned")
"""Reasons that such settings allow."""


class Load(NamedTuple):
    """One life of a gateway."""

    appends: int
    """Of each producer."""
    sizes: Sequence[int]
    """Bytes of a message, one of them at a time."""
    pause_s: float
    """Between two appends, at most."""
    hub_s: float
    """What the hub takes for a claim, at most."""
    priorities: Sequence[Priority] = tuple(Priority)


STEADY = Load(12, (0, 30, 300, 2000), 0.004, 0.002)
BEHIND = Load(6, (5000, 20_000, 40_000), 0.002, 0.05)
"""The hub is too slow: the quota is reached."""
BRIEF = Load(4, (0, 200, 1000), 0.002, 0.002)
LOADS = (STEADY, BEHIND, BRIEF, STEADY)


def stay_at_home() -> None:
    """A copy of a directory passes for the original: it is what its disk would have held after a power cut.

    Else the buffer would see the copy, begin a new epoch and so hide a sequence that is used twice.
    """
    vars(meta)["_home"] = lambda path: {"inode": 1, "machine": "the same"}
    vars(meta)["RESTORED_S"] = math.inf


def pages_of(*, large: bool) -> None:
    """Segments have large pages, or small ones, from now on, whatever their frames take: here most are small."""
    vars(shelf)["PAGE_SIZE"] = policy.LARGE_PAGE_SIZE if large else policy.PAGE_SIZE
    vars(policy)["_LARGE_FROM_BYTES"] = 0 if large else math.inf


def boot(name: object) -> Clocks:
    """The machine's clocks after the boot of this name: a power cut is followed by another one, a kill is not."""
    return Clocks(boot_id=lambda: str(name))


@asynccontextmanager
async def opened(
    folder: Path, note: Note, settings: BufferSettings = SMALL, clock: Clocks | None = None
) -> AsyncIterator[Buffer]:
    """The real buffer, its opening and its end noted."""
    start = time.monotonic()
    async with open_buffer(folder, settings, clock=clock) as buffer:
        note("O", f"{time.monotonic() - start:.4f}")
        yield buffer
        note_losses(buffer, note)
    note("X")


def note_losses(buffer: Buffer, note: Note) -> None:
    for loss in buffer.gaps():
        note("L", loss.reason, loss.identity or "-", str(int(loss.priority)), str(loss.messages))


async def live(buffer: Buffer, note: Note, chance: random.Random, run: int, load: Load) -> None:
    """Producers until all is said; the hub meanwhile and a moment longer."""
    hub = [asyncio.create_task(drain(buffer, note, each, chance, load.hub_s)) for each in (*IDENTITIES, RARE)]
    hub.append(asyncio.create_task(drain(buffer, note, IDENTITIES[0], chance, load.hub_s)))
    try:
        producers = [
            produce(buffer, note, f"{identity}/{priority.value}/p", chance, run, load)
            for identity in IDENTITIES
            for priority in load.priorities
        ]
        producers.append(produce(buffer, note, f"{RARE}/1/p", chance, run, load._replace(appends=1)))
        await asyncio.gather(*producers, mix(buffer, note, IDENTITIES[1], chance, run, load))
        await asyncio.sleep(chance.uniform(0, 0.05))
    finally:
        for task in hub:
            task.cancel()
        ended = await asyncio.gather(*hub, return_exceptions=True)
    for error in ended:
        if not isinstance(error, asyncio.CancelledError) and isinstance(error, BaseException):
            raise error


async def mix(buffer: Buffer, note: Note, identity: str, chance: random.Random, run: int, load: Load) -> None:
    """Messages of all classes at once."""
    for number in range(1 + run * TOKENS_A_RUN, 1 + run * TOKENS_A_RUN + load.appends):
        tokens = [f"{identity}/{priority.value}/m.{number}" for priority in Priority]
        await append(buffer, note, tokens, chance.choice(load.sizes))
        await asyncio.sleep(chance.uniform(0, load.pause_s))


async def produce(buffer: Buffer, note: Note, producer: str, chance: random.Random, run: int, load: Load) -> None:
    """Scan after scan, one to five messages at a time."""
    numbers = itertools.count(1 + run * TOKENS_A_RUN)
    for _ in range(load.appends):
        tokens = [f"{producer}.{next(numbers)}" for _ in range(chance.choice((1, 1, 2, 5)))]
        await append(buffer, note, tokens, chance.choice(load.sizes))
        await asyncio.sleep(chance.uniform(0, load.pause_s))


async def append(buffer: Buffer, note: Note, tokens: Sequence[str], size: int) -> bool:
    """Whether all were taken; noted either way."""
    note("B", *tokens)
    try:
        await buffer.append([make(token, size) for token in tokens])
    except BufferTrouble as error:
        stored = [token for token in tokens if Priority(int(token.split("/")[1])) in error.stored]
        failed = [token for token in tokens if token not in stored]
        note("F", "full" if isinstance(error, BufferFull) else "doubtful", *failed)
        note("A", *stored)
        return False
    note("A", *tokens)
    return True


def seen(note: Note, messages: Sequence[Stored]) -> list[str]:
    """Note that these were claimed; their tokens."""
    tokens: list[str] = []
    words: list[str] = []
    for message in messages:
        try:
            tokens.append(token_of(message))
            words += [message.message_id, tokens[-1]]
        except ValueError as error:
            note("W", *str(error).split())
    note("S", *words)
    return tokens


async def drain(buffer: Buffer, note: Note, identity: str, chance: random.Random, hub_s: float) -> None:
    """Deliver for ever; the hub breaks off, takes a part, throttles, refuses for good."""
    while True:
        claim = await buffer.claim(identity, chance.choice((1, 5, 20)))
        tokens = seen(note, claim.messages)
        poison = next((place for place, token in enumerate(tokens) if _poison(token)), len(tokens))
        try:
            await asyncio.sleep(chance.uniform(0, hub_s))
        except asyncio.CancelledError:
            # Who comes after this hub has to get them: one claim of an identity is out at a time.
            await buffer.give_back(claim)
            raise
        mood = chance.random()
        if mood < 0.06:
            await buffer.give_back(claim)
        elif mood < 0.08:
            await buffer.give_back(claim)
            await buffer.park(identity, "throttled")
            await asyncio.sleep(chance.uniform(0, 0.03))
        elif poison == 0:
            note("R", tokens[0])
            await buffer.refuse(claim, "too large")
            note("K", tokens[0])
        else:
            arrived = tokens[:poison] if mood > 0.15 else tokens[: chance.randrange(poison + 1)]
            note("D", *arrived)
            await buffer.acknowledge(claim, len(arrived))
            note("K", *arrived)


def _poison(token: str) -> bool:
    return int(token.rpartition(".")[2]) % POISON == 0


async def drain_all(buffer: Buffer, note: Note, limit_s: float = 20.0) -> None:
    """Deliver until nothing waits. Raises TimeoutError where that does not happen."""
    async with asyncio.timeout(limit_s):
        while waiting := [identity for identity, count in buffer.stats().waiting.items() if count]:
            for identity in waiting:
                try:
                    async with asyncio.timeout(limit_s / 4):
                        claim = await buffer.claim(identity, 1000)
                except TimeoutError:
                    if not buffer.stats().waiting.get(identity):
                        continue  # what was left of it turned out to be damaged
                    raise
                tokens = seen(note, claim.messages)
                note("D", *tokens)
                await buffer.acknowledge(claim)
                note("K", *tokens)
