"""Counters that have rolled over, kept in the state directory, so that a total goes on after a restart."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.mapping.totals import Totals

log = logging.getLogger("fieldgate")

NAME = "counters.json"
LOOK_S = 1.0
LAST_S = 600.0
"""How old the last value of a counter may be that is kept: by it a rollover while the gateway stood still is seen."""
LARGEST_BYTES = 64_000_000


@contextmanager
def kept(state: Path) -> Iterator[Totals]:
    """The totals as they were at the last stop; written again when the block ends."""
    totals = Totals(_read(state / NAME))
    try:
        yield totals
    finally:
        _write(state / NAME, totals.dump())


async def keep(state: Path, totals: Totals) -> None:
    """Write them within a second after one has rolled over, and now and then, until cancelled."""
    bases, waited_s = totals.bases, 0.0
    while True:
        await asyncio.sleep(LOOK_S)
        waited_s += LOOK_S
        if totals.bases != bases or waited_s >= LAST_S:
            bases, waited_s = totals.bases, 0.0
            await asyncio.to_thread(_write, state / NAME, totals.dump())


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
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(known, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error.strerror)
