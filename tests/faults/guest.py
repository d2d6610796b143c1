"""A power cut of a whole machine: a user-mode-linux guest writes to ext4 and is killed with its page cache."""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.ledger import judge
from tests.faults.row import MISTAKE, PROCESSES, ROOT, Row, tried
from tests.faults.workload import LOSSES

NAME = "power cut of a guest on ext4"
NEEDED = {"linux.uml": "user-mode-linux", "mke2fs": "e2fsprogs", "busybox": "busybox-static"}
BOOT_LIMIT_S = 60.0
CUTS_A_DISK = 5
_INIT = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/disk
mount -t ext4 /dev/ubda /run/disk
cd {root}
exec {python} -c "from tests.faults.guest_life import run; run()"
"""


def missing() -> str:
    """What has to be installed first; empty if nothing."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    packages = [package for program, package in NEEDED.items() if shutil.which(program, path=path) is None]
    return f"apt-get install {' '.join(packages)}" if packages else ""


def attempt(cuts: int, mistake: str) -> Row:
    """The row, or why it is left out."""
    if not cuts or (lacking := missing()):
        return Row(NAME, left_out=lacking if cuts else "in the long form alone")
    share = [cuts // PROCESSES + (number < cuts % PROCESSES) for number in range(PROCESSES)]
    return tried("guest", list(enumerate(share, 1)), mistake)


def main(row: Row, seed: int, cuts: int) -> None:
    """So many cuts, a fresh disk after every few."""
    chance = random.Random(seed)
    number = 0
    while row.tried < cuts:
        number += 1
        # Not in /dev/shm: the guest sees the host's files, but for /dev.
        with tempfile.TemporaryDirectory(prefix="faults-") as root:
            guest = Guest(Path(root))
            here = min(CUTS_A_DISK, cuts - row.tried)
            troubles: list[str] = []
            for run in range(1, here + 1):
                troubles += guest.cut("work", run, chance.randrange(2**31), chance.uniform(0.3, 2.5))
            troubles += guest.cut("finish", 0, 0, None)
            verdict = judge(guest.lines, LOSSES)
            verdict.troubles += troubles
            row.add(verdict, f"seed {seed} disk {number}")
            row.tried += here - 1


class Guest:
    """One disk, and the machine that is switched on and off."""

    def __init__(self, root: Path) -> None:
        self._disk = root / "disk.img"
        self._init = root / "init.sh"
        self._init.write_text(_INIT.format(root=ROOT, python=sys.executable))
        self._init.chmod(0o755)
        with self._disk.open("wb") as file:
            file.truncate(64 * 1024 * 1024)
        command = ["mke2fs", "-q", "-F", "-t", "ext4", str(self._disk)]
        subprocess.run(command, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
        self.lines: list[str] = []
        """The ledger: what the console said, with the host's time."""
        self._end_s = 0.0

    def cut(self, mode: str, run: int, seed: int, after_s: float | None) -> list[str]:
        """Switch it on, and off so long after the buffer was opened (None: when it says that it has ended)."""
        words = [f"FAULTS_MODE={mode}", f"FAULTS_RUN={run}", f"FAULTS_SEED={seed}"]
        words.append(f"{MISTAKE}={os.environ.get(MISTAKE, '')}")
        command = ["linux.uml", "mem=256M", f"ubd0={self._disk}", "rootfstype=hostfs", "rootflags=/", "ro"]
        command += [f"init={self._init}", "con=null", "con0=fd:0,fd:1", "quiet", *words]
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**environment, "TMPDIR": str(self._disk.parent)},
        ) as process:
            try:
                return self._listen(process, after_s)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _listen(self, process: subprocess.Popen[bytes], after_s: float | None) -> list[str]:
        self._end_s = time.monotonic() + BOOT_LIMIT_S
        opened = False
        for line in self._console(process):
            if not line.startswith("@"):
                continue
            kind, _, rest = line[1:].partition(" ")
            self.lines.append(f"{kind} {time.monotonic():.4f} {rest.partition(' ')[2]}".rstrip())
            if kind == "O" and after_s is not None:
                opened, self._end_s = True, time.monotonic() + after_s
            if kind == "X" and after_s is None:
                return []
        return [] if opened and process.poll() is None else [f"the guest did not come so far: {self.lines[-1:]}"]

    def _console(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """Whole lines until the time is over or nothing more can come."""
        assert process.stdout is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while (left_s := self._end_s - time.monotonic()) > 0 and selector.select(left_s):
                found = os.read(process.stdout.fileno(), 65_536)
                if not found:
                    return
                *lines, rest = (rest + found).split(b"\n")
                yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
