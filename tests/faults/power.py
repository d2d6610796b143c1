"""Power cuts: images of what the disk may hold, from one recorded run, each opened by the real buffer and judged."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.faults import old
from tests.faults.crash import STYLES, Image, Style, Volume
from tests.faults.ledger import Account, Note, line
from tests.faults.row import KEEP, MISTAKE, Row, scratch
from tests.faults.shim import Event, Kind, Shim, preloaded
from tests.faults.workload import (
    IDENTITIES,
    LOADS,
    LOSSES,
    TOKENS_A_RUN,
    append,
    boot,
    drain_all,
    live,
    opened,
    stay_at_home,
)

SLOW_SYNC_US = 400
AGAIN_EVERY = 25
"""After so many images the recovery itself is recorded, and cut off as well."""
CUTS_OF_A_RECOVERY = 5
ENOUGH = 10
"""Red images are enough where a mistake is seeded."""
MIGRATIONS = 20
"""One of so many images is cut out of the migration of a directory of schema 1."""


class Bench:
    """The room for one recorded run and its images."""

    def __init__(self, shim: Shim, root: Path, seed: int, row: Row) -> None:
        self._boots = itertools.count(100)
        self._shim = shim
        self._root = root
        self._seed = seed
        self._chance = random.Random(seed)
        self.row = row

    async def record(self) -> list[Event]:
        """The seeded workload over several lives; what it asked of the kernel."""
        folder = self._root / "run"
        folder.mkdir()
        self._shim.start(folder, slow_sync_us=SLOW_SYNC_US, seed=self._seed)
        for run, load in enumerate(LOADS):
            async with opened(folder / "buffer", self._mark, clock=boot("before the cut")) as buffer:
                await live(buffer, self._mark, self._chance, run, load)
        self._shim.stop()
        return self._shim.log()

    def judge_uncut(self, events: Sequence[Event]) -> None:
        """Nothing has broken yet: order and repetitions must be right all the same. What still waits is not lost."""
        account = Account()
        for event in events:
            if event.kind is Kind.MARK:
                account.read(event.data.decode())
        verdict = account.close(LOSSES)
        verdict.lost.clear()
        self.row.add(verdict, f"seed {self._seed} uncut")
        self.row.tried -= 1

    def _mark(self, kind: str, *words: str) -> None:
        self._shim.mark(line(kind, *words).encode())

    async def cut(self, events: Sequence[Event], images: int) -> None:
        """The power goes before and after every sync and in between, so many times in all."""
        root = str(self._root / "run")
        volume = Volume(root, (self._root / "run").stat().st_ino)
        account = Account()
        plan = self._plan(events, -(-images * AGAIN_EVERY // (AGAIN_EVERY + CUTS_OF_A_RECOVERY)))
        for index, event in enumerate(events):
            for style in plan.get(index, ()):
                again = self.row.tried % AGAIN_EVERY == 0 and self.row.tried + CUTS_OF_A_RECOVERY < images
                cuts = CUTS_OF_A_RECOVERY if again else 0
                where = f"seed {self._seed} event {index} {style.name}"
                crashed = account.copy()
                crashed.crashed(event.at_ns / 1e9)
                await self.try_image(volume.crash(style, self._chance), root, crashed, where, cuts)
                if self.row.tried >= images or (self.row.red >= ENOUGH and os.environ.get(MISTAKE)):
                    return
            volume.feed(event)
            if event.kind is Kind.MARK:
                account.read(event.data.decode())
        if volume.mapped:
            self.row.wrongs.append("something was written through a shared mapping")

    async def migrate(self, cuts: int) -> None:
        """The power goes while a directory of an old version is opened for the first time."""
        folder, ledger = self._root / "old" / "buffer", self._root / "ledger"
        folder.parent.mkdir()
        old.lay_down(folder, ledger)
        image: Image = {str(path): path.read_bytes() for path in folder.iterdir()}
        image |= {str(folder): None, str(folder.parent): None}
        account = Account()
        for text in ledger.read_text().splitlines():
            account.read(text)
        account.crashed(1000.0)  # long after the last line: all of it had been synced
        await self.try_image(image, str(folder.parent), account, f"seed {self._seed} migration", cuts)

    def _plan(self, events: Sequence[Event], images: int) -> dict[int, list[Style]]:
        """Per event the styles of the images of the moment before it."""
        moments = [
            moment
            for index, event in enumerate(events)
            if event.kind in (Kind.SYNC_END, Kind.SYNC_FAILED)
            for moment in (index, index + 1)
        ]
        moments = self._chance.sample(moments, min(len(moments), images))
        moments += self._chance.choices(range(len(events)), k=images - len(moments))
        plan: dict[int, list[Style]] = {}
        for moment in moments:
            plan.setdefault(moment, []).append(self._chance.choice(STYLES))
        return plan

    async def try_image(self, image: Image, root: str, before: Account, where: str, cuts: int = 0) -> None:
        """One image: opened, drained, appended to, drained again, judged; and so many times cut off in all that too."""
        folder = self._root / "image"
        lay_down(image, root, folder)
        account = before.copy()
        inodes = {str(path): path.stat().st_ino for path in (folder, *folder.glob("**/*"))} if cuts else {}
        if cuts:
            self._shim.start(folder, slow_sync_us=SLOW_SYNC_US, seed=self.row.tried)

        def note(kind: str, *words: str) -> None:
            text = line(kind, *words)
            account.read(text)
            if cuts:
                self._shim.mark(text.encode())

        await recover(folder / "buffer", account, note, next(self._boots))
        verdict = account.close(LOSSES)
        self.row.add(verdict, where)
        red = self.row.red
        if cuts:
            self._shim.stop()
            moved = {path.replace(root, str(folder), 1): content for path, content in image.items()}
            await self._cut_recovery(self._shim.log(), moved, inodes, before, where, cuts)
        if (verdict.wrongs() or self.row.red > red) and (kept := os.environ.get(KEEP)):
            lay_down(image, root, Path(kept) / where.replace(" ", "_"))

    async def _cut_recovery(
        self, events: Sequence[Event], image: Image, inodes: dict[str, int], before: Account, where: str, cuts: int
    ) -> None:
        root = str(self._root / "image")
        volume = Volume(root, inodes.pop(root), image)
        for path, inode in inodes.items():
            volume.adopt(path, inode)
        account = before.copy()
        plan = self._plan(events, cuts)
        for index, event in enumerate(events):
            for style in plan.get(index, ()):
                crashed = account.copy()
                crashed.crashed(event.at_ns / 1e9)
                place = f"{where}, recovery event {index} {style.name}"
                await self.try_image(volume.crash(style, self._chance), root, crashed, place)
            volume.feed(event)
            if event.kind is Kind.MARK:
                account.read(event.data.decode())


def lay_down(image: Image, root: str, folder: Path) -> None:
    """The files of an image that was taken under ``root``, in this folder instead, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path, content in sorted(image.items()):
        target = folder / path[len(root) :].lstrip("/")
        if content is None:
            target.mkdir(mode=0o700, exist_ok=True)
        else:
            target.write_bytes(content)


async def recover(folder: Path, account: Account, note: Note, run: int) -> None:
    """What a gateway does after the power is back; trouble with it goes into the verdict."""
    try:
        async with asyncio.timeout(30), opened(folder, note, clock=boot(run)) as buffer:
            if run % 2:
                await drain_all(buffer, note)
            await append(buffer, note, [f"{identity}/1/p.{run * TOKENS_A_RUN + 1}" for identity in IDENTITIES], 10)
            await drain_all(buffer, note)
    except Exception as error:  # whatever it is, it belongs into the table
        account.verdict.troubles.append(f"{type(error).__name__}: {error}")
    aside = [path.name for path in folder.glob("**/*damaged*")] if folder.exists() else []
    account.verdict.troubles += [f"{name} was set aside" for name in aside]


def main(row: Row, seed: int, images: int) -> None:
    """So many images of one recorded run."""
    asyncio.run(_main(row, seed, images))


async def _main(row: Row, seed: int, images: int) -> None:
    stay_at_home()
    with scratch() as root:
        bench = Bench(preloaded(), root, seed, row)
        events = await bench.record()
        bench.judge_uncut(events)
        await bench.cut(events, images - images // MIGRATIONS)
        if images >= MIGRATIONS:
            await bench.migrate(images // MIGRATIONS - 1)
