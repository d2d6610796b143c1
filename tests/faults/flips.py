"""Flipped bits in databases and logs, torn and emptied sectors: all of it is noticed, or it does no harm.

What may go is counted; a message that was delivered may come again, under the same id; nothing wrong is delivered.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from gateway.buffer import BufferSettings
from gateway.buffer.clock import Clocks
from tests.faults.crash import Image
from tests.faults.ledger import Account, Note
from tests.faults.power import lay_down
from tests.faults.row import Row, scratch
from tests.faults.workload import (
    IDENTITIES,
    TOKENS_A_RUN,
    Load,
    append,
    boot,
    drain_all,
    live,
    opened,
    pages_of,
    stay_at_home,
)

LOAD = Load(10, (0, 100, 1000, 5000), 0.001, 0.004)
SETTINGS = BufferSettings(quota_bytes=8 * 1024 * 1024)
TRIES_A_RUN = 100


def main(row: Row, seed: int, tries: int) -> None:
    """So many directories with a few wrong bits each."""
    stay_at_home()
    chance = random.Random(seed)
    while row.tried < tries:
        with scratch() as root:
            closed = chance.random() < 0.5
            account, image = asyncio.run(_made(root / "run", chance, closed=closed))
            for _ in range(min(TRIES_A_RUN, tries - row.tried)):
                wrong = dict(image)
                what = _spoil(wrong, chance, closed=closed)
                lay_down(wrong, str(root / "run"), root / "image")
                # The end of a log that was never closed may be torn by a power cut: only without one it must be whole.
                name = "another" if closed and chance.random() < 0.5 else "the same"
                asyncio.run(_open(root / "image" / "buffer", found := account.copy(), boot(name)))
                row.add(found.close(("damaged",), exact=False), f"seed {seed} try {row.tried}: {what}")


async def _made(folder: Path, chance: random.Random, *, closed: bool) -> tuple[Account, Image]:
    """A directory with a backlog: as it was closed, or as kill -9 leaves it."""
    account = Account()
    pages_of(large=chance.random() < 0.5)
    async with opened(folder / "buffer", account.note, SETTINGS, boot("the same")) as buffer:
        await live(buffer, account.note, chance, 1, LOAD)
        for identity in IDENTITIES:
            for number in range(1, 12):
                token = f"{identity}/{chance.choice((0, 1, 2))}/p.{2 * TOKENS_A_RUN + number}"
                await append(buffer, account.note, [token], 700)
        await asyncio.sleep(0.3)
        killed = _read(folder)
    return account, _read(folder) if closed else killed


def _read(folder: Path) -> Image:
    paths = [folder, *folder.glob("**/*")]
    return {str(path): None if path.is_dir() else path.read_bytes() for path in paths if path.name != "ballast"}


def _spoil(image: Image, chance: random.Random, *, closed: bool) -> str:
    """Change a few bits of one file; what was changed."""
    path = chance.choice([path for path, content in image.items() if content])
    content = bytearray(image[path] or b"")
    way = chance.choice(("bit", "bit", "bit", "bits", "sector", "cut" if closed else "bit"))
    place = chance.randrange(len(content))
    if way == "sector":
        content[place - place % 512 : place - place % 512 + 512] = bytes(512)
    elif way == "cut":
        del content[place:]
    else:
        for each in [place] if way == "bit" else chance.choices(range(len(content)), k=8):
            content[each] ^= 1 << chance.randrange(8)
    del content[len(image[path] or b"") :]
    image[path] = bytes(content)
    return f"{way} at {place} of {Path(path).name} ({len(image[path] or b'')} bytes)"


async def _open(folder: Path, account: Account, clock: Clocks) -> None:
    note: Note = account.note
    account.damaged()
    try:
        async with asyncio.timeout(30), opened(folder, note, SETTINGS, clock) as buffer:
            await drain_all(buffer, note)
            for identity in IDENTITIES:
                await append(buffer, note, [f"{identity}/1/p.{100 * TOKENS_A_RUN}"], 10)
            await drain_all(buffer, note)
    except Exception as error:  # whatever it is, it belongs into the table
        account.verdict.troubles.append(f"{type(error).__name__}: {error}")
