"""One gateway per state directory: a lock that names who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NAME = "lock"


class Holder(NamedTuple):
    """Who runs in a state directory."""

    gateway: str
    pid: int
    plant: str
    since: str
    command: str = "fieldgate run"


class InUse(Exception):
    """Another gateway runs in this state directory, or a command works in it; the text names it."""

    def __init__(self, directory: Path, holder: Holder | None) -> None:
        super().__init__(_words(directory, holder))
        self.holder = holder


def _words(directory: Path, holder: Holder | None) -> str:
    if holder is None or not holder.pid:
        return f"the state directory {directory} is in use by another gateway"
    return (
        f'the state directory {directory} is in use by gateway "{holder.gateway}": '
        f"{holder.command}, pid {holder.pid}, plant {holder.plant}, since {holder.since}"
    )


@contextmanager
def held(directory: Path, holder: Holder) -> Iterator[None]:
    """Hold the directory while the block runs. The kernel lets go when the process ends, however it ends."""
    handle = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(directory, _read(os.read(handle, 4096))) from error
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(holder._asdict()).encode())
        yield
    finally:
        os.close(handle)


def holder(directory: Path) -> Holder | None:
    """Who holds the directory now; None where nobody does. Holds and changes nothing."""
    try:
        handle = os.open(directory / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(os.read(handle, 4096)) or Holder("unknown", 0, "", "", "unknown")
    finally:
        os.close(handle)
    return None


def _read(text: bytes) -> Holder | None:
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):  # it is just being written
        return None
