"""What the guest does (``guest.py``): a gateway whose ledger is the console."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
from pathlib import Path

from tests.faults import mistakes
from tests.faults.ledger import line
from tests.faults.workload import BEHIND, BRIEF, STEADY, drain_all, live, opened

FOLDER = Path("/run/disk/buffer")


def run() -> None:
    """As the words on the kernel's command line say: they are the environment of its first process."""
    logging.disable()
    mistakes.seed()
    asyncio.run(_finish() if os.environ["FAULTS_MODE"] == "finish" else _work())


def _note(kind: str, *words: str) -> None:
    text = f"@{line(kind, *words)}\n".encode()
    while text:  # the console takes less than a long line at once
        text = text[os.write(1, text) :]


async def _work() -> None:
    chance = random.Random(int(os.environ["FAULTS_SEED"]))
    async with opened(FOLDER, _note) as buffer:
        for number in itertools.count(int(os.environ["FAULTS_RUN"]) * 100):
            await live(buffer, _note, chance, number, chance.choice((STEADY, BRIEF, BEHIND)))


async def _finish() -> None:
    async with opened(FOLDER, _note) as buffer:
        await drain_all(buffer, _note, 60)
    await asyncio.sleep(1000)  # the first process must not end: the kernel would panic
