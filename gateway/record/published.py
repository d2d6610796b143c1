"""What was corrected and published already: nobody shall do it twice unawares."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway import durable

NAME = "published.json"
LONGEST = 1000
"""So many are remembered."""


class Unusable(Exception):
    """The ledger cannot be had; the text says why."""


class Correction(msgspec.Struct):
    """Some points of a device, of a span of time."""

    device: str
    points: list[str]
    first_ns: int
    """Source time of the first message."""
    last_ns: int
    """Of the last one."""
    at: str
    """When it was done; the mark of its messages."""
    messages: int = 0
    whole: bool = False
    """False: it is under way, or was broken off without a word; not all of its messages may be in the buffer."""


class Ledger:
    """The corrections of one state directory, while nobody else publishes any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.corrections = _read(path)

    def before(self, device: str, points: Collection[str], first_ns: int, last_ns: int) -> list[Correction]:
        """Those that have a point and a time in common with this."""
        return [
            one
            for one in self.corrections
            if one.device == device
            and not {*points}.isdisjoint(one.points)
            and one.first_ns <= last_ns
            and first_ns <= one.last_ns
        ]

    def add(self, correction: Correction) -> None:
        """Remember one, which may go on changing until ``write``. Raises OSError."""
        self.corrections = [*self.corrections, correction][-LONGEST:]
        self.write()

    def remove(self, correction: Correction) -> None:
        """Forget one that came to nothing. Raises OSError."""
        self.corrections = [one for one in self.corrections if one is not correction]
        self.write()

    def write(self) -> None:
        """On disk when this returns. Raises OSError."""
        durable.replace(self._path, msgspec.json.encode(self.corrections))


@contextmanager
def ledger(folder: Path) -> Iterator[Ledger]:
    """The ledger in the folder of the record. Raises Unusable or OSError."""
    handle = os.open(folder / "publishing", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unusable("somebody else publishes corrections just now") from error
        yield Ledger(folder / NAME)
    finally:
        os.close(handle)


def _read(path: Path) -> list[Correction]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    try:
        return msgspec.json.decode(data, type=list[Correction])
    except msgspec.DecodeError as error:
        raise Unusable(f"{path} is damaged, it says what was published already: {error}") from error
