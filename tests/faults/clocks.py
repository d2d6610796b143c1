"""A wall clock that jumps: ten years on, two days back, to and fro, 1970 at boot; running, over a stop, over a boot.

Nothing is dropped for it, and what is too old by the time that has really passed goes all the same.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from pathlib import Path

from gateway.buffer import Buffer, BufferSettings
from gateway.model import Priority
from tests.faults.ledger import Account
from tests.faults.row import Row, scratch
from tests.faults.shim import Shim, preloaded
from tests.faults.workload import IDENTITIES, append, boot, drain_all, opened, stay_at_home

KEEP_S = 7200.0
LATER_S = 10_800.0
DAY_S = 86_400.0
SETTINGS = BufferSettings(quota_bytes=8 * 1024 * 1024, keep=dict.fromkeys(Priority, KEEP_S))
JUMPS = ("ten years on", "two days back", "to and fro", "1970 at boot")
STOPS = ("running", "over a stop", "over a boot")
EXPIRED_WITHIN_S = 5.0


def main(row: Row, seed: int, cases: int) -> None:
    """So many cases: each jump, then each again with another kind of stop."""
    stay_at_home()
    for number in range(cases):
        jump, stop = JUMPS[number % len(JUMPS)], STOPS[(number // len(JUMPS) + seed) % len(STOPS)]
        with scratch() as root:
            case = Case(preloaded(), root, random.Random(seed * 1000 + number), jump)
            asyncio.run(case.run(stop))
            row.add(case.account.close(("expired",)), f"seed {seed}: {jump}, {stop}")


class Case:
    """One directory whose clock jumps once (or to and fro all the time)."""

    def __init__(self, shim: Shim, root: Path, chance: random.Random, jump: str) -> None:
        self._shim = shim
        self._root = root
        self._chance = chance
        self._jump = jump
        self._numbers = itertools.count(1)
        self.account = Account()

    async def run(self, stop: str) -> None:
        """Messages before and after the jump stay; then time really passes, and they go."""
        self._new_boot()
        try:
            await self._jump_and_stay(stop)
            await self._pass_time()
        except Exception as error:  # whatever it is, it belongs into the table
            self.account.verdict.troubles.append(f"{type(error).__name__}: {error}")
        finally:
            self._shim.clocks(0)

    def _new_boot(self) -> None:
        self._clock = boot(self._chance.randrange(2**64))

    def _shift_s(self) -> float:
        if self._jump == "ten years on":
            return 3652 * DAY_S
        if self._jump == "two days back":
            return -2 * DAY_S
        if self._jump == "1970 at boot":
            return 30.0 - time.time()
        return self._chance.choice((-3600.0, 3600.0))

    async def _jump_and_stay(self, stop: str) -> None:
        note = self.account.note
        async with opened(self._root / "buffer", note, SETTINGS, self._clock) as buffer:
            await self._say(buffer, 20)
            shift_s = self._shift_s()
            if stop == "running":
                self._shim.clocks(shift_s)
                for _ in range(4):
                    await self._say(buffer, 5)
                    await asyncio.sleep(0.06)
                    if self._jump == "to and fro":
                        self._shim.clocks(self._shift_s())
        self._shim.clocks(shift_s)
        if stop == "over a boot":
            self._new_boot()
        async with opened(self._root / "buffer", note, SETTINGS, self._clock) as buffer:
            await self._say(buffer, 5)
            await asyncio.sleep(0.15)
            kept = len(self.account.accepted)
            if (waiting := buffer.stats().messages) != kept or buffer.gaps():
                self.account.verdict.troubles.append(f"{waiting} of {kept} wait, {list(buffer.gaps())} are lost")
            claim = await buffer.claim(IDENTITIES[0])
            await buffer.give_back(claim)
        self._wall_s = shift_s

    async def _pass_time(self) -> None:
        """By the time since boot all that lies there is too old; the wall clock says that no time has passed."""
        note = self.account.note
        old = len(self.account.accepted)
        async with opened(self._root / "buffer", note, SETTINGS, self._clock) as buffer:
            self._shim.clocks(self._wall_s - LATER_S, LATER_S)
            await self._say(buffer, 5)
            try:
                async with asyncio.timeout(EXPIRED_WITHIN_S):
                    while sum(loss.messages for loss in buffer.gaps()) < old:
                        await asyncio.sleep(0.05)
                        await self._say(buffer, 1)
            except TimeoutError:
                gone = sum(loss.messages for loss in buffer.gaps())
                self.account.verdict.troubles.append(f"{old - gone} of {old} are kept beyond their time")
            await drain_all(buffer, note)

    async def _say(self, buffer: Buffer, messages: int) -> None:
        for _ in range(messages):
            producer = f"{self._chance.choice(IDENTITIES)}/{self._chance.randrange(3)}/p"
            await append(buffer, self.account.note, [f"{producer}.{next(self._numbers)}"], 300)
