"""What the buffer's directory lies on: whether it keeps what it is given, how fast, and how much of it there is."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gateway.buffer import directory

MIN_FREE_LIMIT = 2_000_000_000
SLOW_S = 0.020
"""A commit that takes longer holds up devices that are polled often."""
_PROBES = 32
_PROBE = ".sync-test"
_MOUNTS = Path("/proc/self/mountinfo")
_FORGETS = {"tmpfs": "memory", "ramfs": "memory", "overlay": "the writable layer of a container", "aufs": "a container"}
"""File systems whose files go with a restart of the machine or of the container."""
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "virtiofs", "afs"}
"""Where a sync is a promise of another machine, or none."""


class Ground(NamedTuple):
    """What was found."""

    kind: str
    """Of the file system, as the kernel calls it; empty where it does not say."""
    free_bytes: int
    sync_s: float
    """So long 30 of 32 small writes took at the most until they were on the disk."""


def look(folder: Path, clock: Callable[[], float] = time.perf_counter) -> Ground:
    """Looks at the directory, which must be there, and writes a small file to it for a moment. Raises OSError."""
    return Ground(kind(folder), directory.free_bytes(folder), _sync_s(folder, clock))


def total_bytes(folder: Path) -> int:
    """How large the disk is that the directory is on."""
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


def kind(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Which file system the directory is on; empty where the kernel does not say."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # id parent major:minor root where options ... - kind source options
    found = [re.search(r"^\S+ \S+ (\S+) .* - (\S+) ", line) for line in lines]
    return next((match[2] for match in reversed(found) if match and match[1] == wanted), "")


def _sync_s(folder: Path, clock: Callable[[], float]) -> float:
    path = folder / _PROBE
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    took: list[float] = []
    try:
        for _ in range(_PROBES):
            began = clock()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            took.append(clock() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(took)[-3]  # one or two may have met with something else


def min_free(total_bytes: int) -> int:
    """What stays free where nobody says how much: a twentieth of the disk, at most 2 GB."""
    return min(total_bytes // 20, MIN_FREE_LIMIT)


def doubts(ground: Ground, folder: Path, min_free_bytes: int) -> list[str]:
    """What an operator should know of it, each with what to do; of the quota the buffer speaks when it opens."""
    found: list[str] = []
    if ground.kind in _FORGETS:
        what = _FORGETS[ground.kind]
        found.append(f"{folder} is {what} ({ground.kind}): what waits there is lost with it; put state: on a real disk")
    if ground.kind in _REMOTE:
        found.append(
            f"{folder} is on another machine ({ground.kind}): what it calls stored may be lost with its power, and "
            "without it nothing is polled; put state: on a disk of this machine"
        )
    if ground.sync_s > SLOW_S:
        found.append(
            f"{folder}: a commit to the disk takes {ground.sync_s * 1000:.0f} ms: devices that are polled more often "
            "wait for it; use a faster disk, or poll less often"
        )
    if ground.free_bytes < min_free_bytes:
        found.append(
            f"{folder}: {_size(min_free_bytes)} shall stay free (buffer: min_free), but only "
            f"{_size(ground.free_bytes)} are: nothing but alarms is stored; free some space, or lower min_free"
        )
    return found


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
