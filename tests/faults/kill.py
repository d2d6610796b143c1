"""kill -9 at random moments of append, drain, seal, rewrite, start and migration."""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.faults import mistakes, old
from tests.faults.ledger import Ledger, judge
from tests.faults.row import KEEP, Row, scratch
from tests.faults.workload import BEHIND, BRIEF, LOSSES, STEADY, drain_all, live, opened, stay_at_home

LIVES_A_FOLDER = 10
DEADLINE_S = 60.0


def work(folder: Path, ledger: Path, run: int, seed: int) -> None:
    """A gateway until it is killed; what it says to the operator lies beside its folder."""
    logging.disable(logging.NOTSET)
    logging.basicConfig(filename=f"{folder}.log", level=logging.INFO, format=f"{run} %(relativeCreated)d %(message)s")
    mistakes.seed()
    asyncio.run(_work(folder, Ledger(ledger), run, random.Random(seed)))


async def _work(folder: Path, ledger: Ledger, run: int, chance: random.Random) -> None:
    async with opened(folder, ledger.note) as buffer:
        for number in itertools.count(run * 100):
            await live(buffer, ledger.note, chance, number, chance.choice((STEADY, BRIEF, BEHIND)))


def finish(folder: Path, ledger: Path) -> None:
    """A gateway that delivers what is left and ends."""
    logging.disable()
    mistakes.seed()
    asyncio.run(_finish(folder, Ledger(ledger)))


async def _finish(folder: Path, ledger: Ledger) -> None:
    stay_at_home()
    async with asyncio.timeout(DEADLINE_S), opened(folder, ledger.note) as buffer:
        await drain_all(buffer, ledger.note)


class Lives:
    """Processes that start at once: they are forked from one that has imported everything."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.faults.kill"])

    def begin(self, what: Callable[..., None], *arguments: object) -> BaseProcess:
        process = self._context.Process(target=what, args=arguments, daemon=True)
        process.start()
        return process

    def through(self, what: Callable[..., None], *arguments: object) -> list[str]:
        """Wait for it to end well; what is wrong with that, or nothing."""
        process = self.begin(what, *arguments)
        process.join(DEADLINE_S + 10)
        if process.exitcode == 0:
            return []
        process.kill()
        process.join()
        return [f"{what.__name__} ended with {process.exitcode}"]

    def cut(self, after_s: float, what: Callable[..., None], *arguments: object) -> list[str]:
        """Kill it so long after its start; what is wrong if it ended before."""
        process = self.begin(what, *arguments)
        time.sleep(after_s)
        process.kill()
        process.join()
        return [] if process.exitcode == -9 else [f"{what.__name__} ended by itself with {process.exitcode}"]


def main(row: Row, seed: int, kills: int) -> None:
    """Folder after folder, each killed several times and then drained; every fourth one comes from an old version."""
    chance = random.Random(seed)
    lives = Lives()
    number = 0
    while (left := kills - row.tried) > 0:
        number += 1
        with scratch() as root:
            folder, ledger = root / "buffer", root / "ledger"
            migrating = number % 4 == 0 and old.lay_down(folder, ledger)
            troubles: list[str] = []
            for run in range(1, 1 + min(left, LIVES_A_FOLDER)):
                early = migrating or chance.random() < 0.3
                after_s = chance.uniform(0, 0.08) if early else chance.uniform(0.05, 0.5)
                troubles += lives.cut(after_s, work, folder, ledger, run, chance.randrange(2**32))
                row.tried += 1
                if KEEP in os.environ and folder.exists():
                    shutil.copytree(folder, root / f"killed-{run}")
            troubles += lives.through(finish, folder, ledger)
            verdict = judge(ledger.read_text().splitlines(), LOSSES)
            verdict.troubles += troubles + [f"{path.name} was set aside" for path in folder.glob("**/*damaged*")]
            row.tried -= 1
            row.add(verdict, f"seed {seed} folder {number}")
            if verdict.wrongs() and KEEP in os.environ:
                shutil.copytree(root, Path(os.environ[KEEP]) / f"kill_{seed}_{number}")
