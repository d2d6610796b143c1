"""A disk that fails now and then: writes, syncs, new files and names, reads, by the layer under the process.

While it fails nothing that was refused counts as taken; when it has healed the buffer goes on without a restart; and
the power may go at any moment, with what a failed sync has left in doubt.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import random
from pathlib import Path

from gateway.buffer import Buffer, BufferTrouble
from tests.faults.crash import STYLES, Volume
from tests.faults.ledger import GRACE_S, Account, Verdict, line
from tests.faults.power import lay_down, recover
from tests.faults.row import Row, scratch
from tests.faults.shim import Failing, Kind, Shim, preloaded
from tests.faults.workload import IDENTITIES, LOSSES, append, drain_all, opened, pages_of, seen, stay_at_home

OPERATIONS = 25
"""Of one directory: appends and deliveries while its disk fails."""
CUTS = 3
HEALED_S = 10.0
_FAILS, _HEALED = b"the disk fails", b"the disk has healed"
WAYS = (
    (Failing.SYNC, errno.EIO),
    (Failing.WRITE, errno.EIO),
    (Failing.WRITE, errno.ENOSPC),
    (Failing.WRITE | Failing.SYNC | Failing.TRUNCATE, errno.EIO),
    (Failing.SHORT | Failing.SYNC, errno.EIO),
    (Failing.OPEN | Failing.NAME, errno.EIO),
    (Failing.OPEN | Failing.WRITE, errno.EDQUOT),
    (Failing.READ, errno.EIO),
    (Failing.WRITE | Failing.SYNC | Failing.OPEN | Failing.NAME | Failing.TRUNCATE, errno.EIO),
)


def main(row: Row, seed: int, operations: int) -> None:
    """So many operations on disks that fail."""
    stay_at_home()
    shim = preloaded()
    chance = random.Random(seed)
    for number in range(-(-operations // OPERATIONS)):
        what, error = WAYS[number % len(WAYS)]
        where = f"seed {seed} directory {number} {what!r} {errno.errorcode[error]}"
        with scratch() as root:
            episode = Episode(shim, root, chance)
            asyncio.run(episode.run(what, error, chance.choice((0.05, 0.3))))
            row.add(episode.account.close(LOSSES), where)
            for verdict in asyncio.run(episode.cut()):
                row.add(verdict, f"{where}, power cut")
                row.tried -= 1
            row.tried += OPERATIONS - 1


class Episode:
    """One directory on a failing disk."""

    def __init__(self, shim: Shim, root: Path, chance: random.Random) -> None:
        self._shim = shim
        self._folder = root / "run"
        self._image = root / "image"
        self._chance = chance
        self._numbers = itertools.count(1)
        self.account = Account()

    def _note(self, kind: str, *words: str) -> None:
        text = line(kind, *words)
        self.account.read(text)
        self._shim.mark(text.encode())

    async def run(self, what: Failing, error: int, rate: float) -> None:
        """Work while it fails and after it has healed, restart, drain."""
        self._folder.mkdir()
        pages_of(large=self._chance.random() < 0.5)
        self._shim.start(self._folder, seed=self._chance.randrange(2**32))
        try:
            async with asyncio.timeout(60), opened(self._folder / "buffer", self._note) as buffer:
                await self._work(buffer, 10)
                self._shim.mark(_FAILS)
                self._shim.fail(what, rate, error)
                await self._work(buffer, OPERATIONS)
                self._shim.fail(Failing(0), 0, 0)
                self._shim.mark(_HEALED)
                await self._healed(buffer)
            async with asyncio.timeout(60), opened(self._folder / "buffer", self._note) as buffer:
                await drain_all(buffer, self._note)
        except Exception as trouble:  # whatever it is, it belongs into the table
            self.account.verdict.troubles.append(f"{type(trouble).__name__}: {trouble}")
        finally:
            self._shim.stop()

    async def _work(self, buffer: Buffer, operations: int) -> None:
        for _ in range(operations):
            identity = self._chance.choice(IDENTITIES)
            if self._chance.random() < 0.6:
                await append(buffer, self._note, self._tokens(identity), self._chance.choice((10, 1000, 9000)))
            elif buffer.stats().waiting.get(identity):
                await self._deliver(buffer, identity)

    def _tokens(self, identity: str) -> list[str]:
        one = self._chance.choice((0, 1, 1, 2))
        classes = self._chance.choice(((one,), (one, one, one), (0, 1, 2)))
        return [f"{identity}/{priority}/p.{next(self._numbers)}" for priority in classes]

    async def _deliver(self, buffer: Buffer, identity: str) -> None:
        try:
            async with asyncio.timeout(0.05):
                claim = await buffer.claim(identity)
        except TimeoutError:
            return  # the disk does not give back what was stored, for now
        tokens = seen(self._note, claim.messages)
        if tokens and self._chance.random() < 0.2:
            try:
                await buffer.refuse(claim, "malformed")
            except BufferTrouble:
                return  # given back
            self._note("R", tokens[0])
        else:
            self._note("D", *tokens)
            await buffer.acknowledge(claim)
            self._note("K", *tokens)

    async def _healed(self, buffer: Buffer) -> None:
        """The intake is open again in time, and the hub gets all that waits but a little."""
        async with asyncio.timeout(HEALED_S):
            while not await append(buffer, self._note, self._tokens(IDENTITIES[0]), 100):
                await asyncio.sleep(0.02)
        if self._chance.random() < 0.5:
            await drain_all(buffer, self._note)
        await self._work(buffer, 10)

    async def cut(self) -> list[Verdict]:
        """The power went at some moments of all that."""
        events = self._shim.log()
        volume = Volume(str(self._folder), self._folder.stat().st_ino)
        account = Account()
        moments = {self._chance.randrange(len(events)) for _ in range(CUTS)}
        failing_until = float("-inf")
        verdicts: list[Verdict] = []
        for index, event in enumerate(events):
            if index in moments:
                lay_down(volume.crash(self._chance.choice(STYLES), self._chance), str(self._folder), self._image)
                crashed = account.copy()
                crashed.crashed(event.at_ns / 1e9)
                if event.at_ns / 1e9 < failing_until + GRACE_S:
                    crashed.damaged()  # cursors could not be written: what had arrived comes again
                await recover(self._image / "buffer", crashed, crashed.note, 1)
                verdicts.append(crashed.close(LOSSES))
            volume.feed(event)
            if event.kind is Kind.MARK and event.data == _FAILS:
                failing_until = float("inf")
            elif event.kind is Kind.MARK and event.data == _HEALED:
                failing_until = event.at_ns / 1e9
            elif event.kind is Kind.MARK:
                account.read(event.data.decode())
        return verdicts
