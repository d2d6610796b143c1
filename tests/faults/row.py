"""A row of the table, the processes that fill it, and the table itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tests.faults import shim
from tests.faults.ledger import Verdict

ROOT = Path(__file__).parents[2]
PROCESSES = 2
MISTAKE = "FIELDGATE_FAULTS_MISTAKE"
"""Environment variable: the mistake that a process of the tests seeds into itself. The product knows nothing of it."""
KEEP = "FIELDGATE_FAULTS_KEEP"
"""Environment variable: a folder for the directories over which it turned red, as they were before the recovery."""
_KEPT = 20
_scratch: list[Path] = []


@dataclass
class Row:
    """What was tried of one fault and what came of it."""

    fault: str
    tried: int = 0
    accepted: int = 0
    delivered: int = 0
    dropped: int = 0
    lost: int = 0
    duplicates: int = 0
    worst_opening_s: float = 0.0
    wrongs: list[str] = field(default_factory=list)
    """Each broken promise, with what one needs to see it again; the first of them."""
    red: int = 0
    """How many tries broke a promise."""
    left_out: str = ""
    """Why it was not tried here."""

    def add(self, verdict: Verdict, where: str) -> None:
        """One more try."""
        self.tried += 1
        self.accepted += verdict.accepted
        self.delivered += verdict.delivered
        self.dropped += verdict.dropped
        self.lost += len(verdict.lost)
        self.duplicates += verdict.duplicates
        self.worst_opening_s = max(self.worst_opening_s, verdict.worst_opening_s)
        if wrongs := verdict.wrongs():
            self.red += 1
            self.wrongs = [*self.wrongs, f"{where}: {'; '.join(wrongs)}"][:_KEPT]

    def join(self, other: Row) -> None:
        """The same fault, tried by another process."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.name not in ("fault", "left_out", "worst_opening_s"):
                setattr(self, each.name, mine + theirs)
        self.worst_opening_s = max(self.worst_opening_s, other.worst_opening_s)

    def print(self) -> None:
        """For the process that has started this one."""
        print(json.dumps(asdict(self)), flush=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory, where a sync costs nothing; gone afterwards."""
    shm = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="faults-", dir=shm if shm.is_dir() else None))
    _scratch.append(root)
    try:
        yield root
    finally:
        _scratch.remove(root)
        shutil.rmtree(root, ignore_errors=True)


def clear() -> None:
    """Leave nothing behind where a process ends without leaving its blocks."""
    for root in _scratch:
        for disk in root.iterdir():
            if disk.is_mount():
                subprocess.run(["umount", "--lazy", str(disk)], check=False)
        shutil.rmtree(root, ignore_errors=True)


def tried(module: str, arguments: Sequence[Sequence[object]], mistake: str = "", *, preload: bool = True) -> Row:
    """One process per set of arguments, ``PROCESSES`` at a time; their rows as one."""
    environment = shim.environment() if preload else dict(os.environ)
    environment[MISTAKE] = mistake
    # Not -m: a process that is forked for a kill would import its parent's main module once more.
    start = [sys.executable, "-c", "from tests.faults.process import run; run()", module]
    waiting = [[*start, *map(str, each)] for each in arguments]
    running: list[subprocess.Popen[str]] = []
    row: Row | None = None
    try:
        while waiting or running:
            while waiting and len(running) < PROCESSES:
                command = waiting.pop(0)
                running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True))
            process = running[0]
            output, _ = process.communicate()
            running.pop(0)
            if process.returncode:
                raise RuntimeError(f"{module} {arguments} ended with {process.returncode}")
            found = Row(**json.loads(output.splitlines()[-1]))
            if row is None:
                row = found
            else:
                row.join(found)
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert row is not None
    return row


def table(rows: Sequence[Row]) -> str:
    """All rows as Markdown."""
    lines = [
        "| fault | tried | accepted | delivered | given up and said | lost | duplicates | worst recovery |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.left_out:
            lines.append(f"| {row.fault} | left out: {row.left_out} |" + " |" * 6)
            continue
        numbers = (row.tried, row.accepted, row.delivered, row.dropped, row.lost, row.duplicates)
        lines.append(
            f"| {row.fault}{f' **({row.red} red)**' if row.red else ''} | "
            + " | ".join(f"{number:,}" for number in numbers)
            + f" | {row.worst_opening_s:.2f} s |"
        )
    return "\n".join(lines)
