"""SIGSTOP for a while, in the middle of everything: the process goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import mistakes
from tests.faults.kill import DEADLINE_S, Lives, finish
from tests.faults.ledger import Ledger, judge
from tests.faults.row import Row, scratch
from tests.faults.workload import BEHIND, BRIEF, LOSSES, STEADY, live, opened


def work_on(folder: Path, ledger: Path, seed: int, enough: Path) -> None:
    """A gateway until that file is there; then it closes in order."""
    logging.disable()
    mistakes.seed()
    asyncio.run(_work_on(folder, Ledger(ledger), random.Random(seed), enough))


async def _work_on(folder: Path, ledger: Ledger, chance: random.Random, enough: Path) -> None:
    async with opened(folder, ledger.note) as buffer:
        for number in itertools.count(1):
            await live(buffer, ledger.note, chance, number, chance.choice((STEADY, BRIEF, BEHIND)))
            if enough.exists():
                return


def main(row: Row, seed: int, stops: int, shortest_ms: int = 300, longest_ms: int = 900) -> None:
    """So many processes, each stopped once."""
    chance = random.Random(seed)
    lives = Lives()
    for number in range(stops):
        with scratch() as root:
            folder, ledger, enough = root / "buffer", root / "ledger", root / "enough"
            process = lives.begin(work_on, folder, ledger, chance.randrange(2**32), enough)
            _until(ledger.exists)
            time.sleep(chance.uniform(0, 0.4))
            assert process.pid is not None
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(chance.triangular(shortest_ms, longest_ms, shortest_ms) / 1000)
            before = ledger.stat().st_size
            os.kill(process.pid, signal.SIGCONT)
            delivers = _until(lambda: b"\nD " in ledger.read_bytes()[before:])  # noqa: B023  # asked at once
            enough.touch()
            process.join(DEADLINE_S)
            troubles = [] if process.exitcode == 0 else [f"it ended with {process.exitcode}"]
            process.kill()
            if not delivers:
                troubles.append("nothing was delivered after it")
            troubles += lives.through(finish, folder, ledger)
            verdict = judge(ledger.read_text().splitlines(), LOSSES)
            verdict.troubles += troubles
            row.add(verdict, f"seed {seed} stop {number}")


def _until(true: Callable[[], bool]) -> bool:
    """Whether it became true in time."""
    for _ in range(600):
        if true():
            return True
        time.sleep(DEADLINE_S / 600)
    return False
