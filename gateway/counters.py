"""Counters that have rolled over, kept in the state directory, so that a total goes on after a restart."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway import durable
from gateway.mapping.totals import Totals

log = logging.getLogger("fieldgate")

NAME = "counters.json"
LOOK_S = 1.0
LAST_S = 600.0
"""How old the last value of a counter may be that is kept: by it a rollover while the gateway stood still is seen."""
LARGEST_BYTES = 64_000_000


class Kept:
    """The totals of one state directory, and their file."""

    def __init__(self, state: Path) -> None:
        self._path = state / NAME
        self._one_at_a_time = threading.Lock()
        self._written = 0
        self._taken = 0
        self.totals = Totals(_read(self._path))

    def take(self) -> tuple[int, dict[str, Any]]:
        """What is to be written now, numbered."""
        self._taken += 1
        return self._taken, self.totals.dump()

    def write(self, number: int, known: dict[str, Any]) -> None:
        """Write it, unless a later one is written already: a thread may be slow."""
        with self._one_at_a_time:
            if number > self._written:
                self._written = number
                _write(self._path, known)


@contextmanager
def kept(state: Path) -> Iterator[Kept]:
    """The totals as they were at the last stop; written again when the block ends."""
    file = Kept(state)
    try:
        yield file
    finally:
        file.write(*file.take())


async def keep(file: Kept) -> None:
    """Write them within a second after one has rolled over, and now and then, until cancelled."""
    totals = file.totals
    bases, waited_s = totals.bases, 0.0
    while True:
        await asyncio.sleep(LOOK_S)
        waited_s += LOOK_S
        if totals.bases != bases or waited_s >= LAST_S:
            bases, waited_s = totals.bases, 0.0
            await asyncio.to_thread(file.write, *file.take())


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read (%s): counters that had rolled over begin anew", path, error)
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, known: dict[str, Any]) -> None:
    if not known and not path.exists():
        return
    try:
        durable.replace(path, json.dumps(known).encode())
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error.strerror)
