"""A disk that is really full: a small tmpfs is filled and drained, with and without a quota."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.buffer import Buffer, BufferSettings
from gateway.model import Priority
from tests.faults.ledger import Account, Note
from tests.faults.row import Row, scratch
from tests.faults.workload import IDENTITIES, LOSSES, TOKENS_A_RUN, append, drain_all, opened

MB = 1024 * 1024
DISK_MB = 4
AGAIN_S = 5.0
"""So long after room was made the intake is open again, without a restart."""
FREELY = BufferSettings(quota_bytes=64 * MB)
BOUNDED = BufferSettings(
    quota_bytes=2 * MB,
    on_full={Priority.ALARM: "refuse", Priority.TELEMETRY: "thin", Priority.BULK: "drop-oldest"},
)


def main(row: Row, seed: int, cycles: int) -> None:
    """So many times: full, drained, open again."""
    if os.geteuid():
        row.left_out = "mounting a small disk needs root"
        return
    for cycle in range(cycles):
        with scratch() as root, small_disk(root / "disk") as disk:
            settings = (FREELY, BOUNDED)[cycle % 2]
            account = Account()
            asyncio.run(_cycle(disk, settings, account, random.Random(seed * 1000 + cycle)))
            row.add(account.close(LOSSES), f"seed {seed} cycle {cycle}")


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A tmpfs of a few megabytes; needs root."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


async def _cycle(disk: Path, settings: BufferSettings, account: Account, chance: random.Random) -> None:
    note, numbers = account.note, itertools.count(1)
    others = disk / "somebody-else"
    try:
        async with asyncio.timeout(60), opened(disk / "buffer", note, settings) as buffer:
            await _fill(buffer, note, chance, numbers)
            if settings is BOUNDED or chance.random() < 0.5:
                _take_all(others)
                await _fill(buffer, note, chance, numbers)
            if chance.random() < 0.5:
                await drain_all(buffer, note)
        async with asyncio.timeout(60), opened(disk / "buffer", note, settings) as buffer:
            await _fill(buffer, note, chance, numbers)
            await drain_all(buffer, note)
            others.unlink(missing_ok=True)
            async with asyncio.timeout(AGAIN_S):
                while not await append(buffer, note, [f"{IDENTITIES[0]}/1/p.{TOKENS_A_RUN + next(numbers)}"], 1000):
                    await asyncio.sleep(0.02)
            await drain_all(buffer, note)
    except Exception as error:  # whatever it is, it belongs into the table
        account.verdict.troubles.append(f"{type(error).__name__}: {error}")


async def _fill(buffer: Buffer, note: Note, chance: random.Random, numbers: Iterator[int]) -> None:
    """Append until ten in a row were refused."""
    refused = 0
    for _ in range(3000):
        token = f"{chance.choice(IDENTITIES)}/{chance.choice((0, 1, 1, 1, 2))}/p.{next(numbers)}"
        refused = 0 if await append(buffer, note, [token], chance.choice((100, 5000, 20_000))) else refused + 1
        if refused == 10:
            return


def _take_all(path: Path) -> None:
    """Somebody else takes all that is free."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
