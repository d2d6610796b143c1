"""The process that is killed: it appends and drains at the same time and notes both in the ledger.

Run as ``python -m tests.gateway.buffer.child FOLDER LEDGER RUN MODE``. MODE is ``work`` (until it is killed),
``drain`` (until nothing waits), or the name of a mistake, which is ``work`` with that mistake seeded.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.buffer import BufferFull, Claim
from gateway.buffer.disk import Disk
from gateway.buffer.store import DiskBuffer, Waiting, open_buffer
from gateway.model import Message
from tests.gateway.buffer.ledger import Ledger

QUOTA = 2 * 1024 * 1024
IDENTITIES = [f"dev-{number}" for number in range(6)]
PRODUCERS = 2
"""Per identity."""
RARE = "rare"
"""Says one thing in each run, so that its highest sequence lies in a segment that is soon drained."""
TOKENS_A_RUN = 1_000_000


async def produce(buffer: DiskBuffer, ledger: Ledger, identity: str, producer: str, first: int) -> None:
    """Scan after scan, one to five messages at a time, as fast as they are accepted."""
    numbers = itertools.count(first)
    while True:
        tokens = [f"{producer}.{next(numbers)}" for _ in range(random.choice((1, 1, 2, 5)))]
        batch = [Message(identity, time.time_ns(), "", _body(token)) for token in tokens]
        await _accepted(buffer, batch)
        ledger.note(*(f"A {identity} {token}" for token in tokens))
        await asyncio.sleep(random.choice((0, 0, 0.001, 0.005)))


def _body(token: str) -> bytes:
    return token.encode() + b" " + random.randbytes(random.randrange(800))


async def _accepted(buffer: DiskBuffer, batch: Sequence[Message]) -> None:
    while True:
        try:
            return await buffer.append(batch)
        except BufferFull:
            await asyncio.sleep(0.01)


async def say_once(buffer: DiskBuffer, ledger: Ledger, first: int) -> None:
    await _accepted(buffer, [Message(RARE, time.time_ns(), "", _body(f"rare.{first}"))])
    ledger.note(f"A {RARE} rare.{first}")


async def drain(buffer: DiskBuffer, ledger: Ledger, identity: str) -> None:
    """Deliver and acknowledge; now and then a part only, as when a connection breaks."""
    while True:
        claim = await buffer.claim(identity)
        arrived = len(claim.messages) if random.random() < 0.9 else random.randrange(len(claim.messages) + 1)
        ledger.note(
            *(
                f"D {identity} {one.epoch:08x} {one.sequence} {one.body.split(b' ', 1)[0].decode()}"
                for one in claim.messages[:arrived]
            )
        )
        await asyncio.sleep(0)
        await buffer.acknowledge(claim, arrived)


async def main(folder: Path, ledger: Ledger, run: int, mode: str) -> None:
    if mode in MISTAKES:
        MISTAKES[mode]()
    first = 1 + run * TOKENS_A_RUN
    start = time.monotonic()
    async with open_buffer(folder, quota_bytes=QUOTA) as buffer:
        ledger.note(f"O {time.monotonic() - start:.3f}")
        print("open", flush=True)
        work = [drain(buffer, ledger, identity) for identity in (*IDENTITIES, RARE)]
        if mode == "drain":
            tasks = [asyncio.create_task(one) for one in work]
            while buffer.stats().messages:
                await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            return
        work.append(say_once(buffer, ledger, first))
        for identity in IDENTITIES:
            names = (f"{identity}/{number}" for number in range(PRODUCERS))
            work += [produce(buffer, ledger, identity, name, first) for name in names]
        await asyncio.gather(*work)


# The seeded mistakes.


def acknowledge_before_commit() -> None:
    """Append returns when the writer has taken the messages, not when they are on the disk."""
    commit = DiskBuffer._commit

    async def hasty(self: DiskBuffer, group: Sequence[Waiting]) -> None:
        for waiting in group:
            if not waiting.stored.done():
                waiting.stored.set_result(None)
        await asyncio.sleep(0.02)
        await commit(self, group)

    DiskBuffer._commit = hasty  # type: ignore[method-assign]  # a mistake, seeded on purpose


def unlink_before_sync() -> None:
    """A drained segment goes while the highest sequences are in memory alone."""

    async def hasty(self: Disk) -> None:
        for segment in [part for part in self.segments if part is not self.writing and part.remaining <= 0]:
            await self.forget(segment)

    Disk.tidy = hasty  # type: ignore[method-assign]  # a mistake, seeded on purpose


def cursor_before_delivery() -> None:
    """What is claimed counts as acknowledged."""
    claim = DiskBuffer.claim

    async def hasty(self: DiskBuffer, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        found = await claim(self, identity, max_messages, max_bytes)
        self._disk.done_with(self._disk.lanes.lane(identity), {})
        self._disk.lanes.lane(identity).acked = found.messages[-1].sequence
        self._acknowledged.set()
        await asyncio.sleep(0.15)
        return found

    DiskBuffer.claim = hasty  # type: ignore[method-assign]  # a mistake, seeded on purpose


MISTAKES: dict[str, Callable[[], None]] = {
    "acknowledge-before-commit": acknowledge_before_commit,
    "unlink-before-sync": unlink_before_sync,
    "cursor-before-delivery": cursor_before_delivery,
}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Ledger(Path(sys.argv[2])), int(sys.argv[3]), sys.argv[4]))
