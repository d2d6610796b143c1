"""One process of a row: ``run`` finds the row's module, does its ``main`` and prints what came of it."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import time

from tests.faults import mistakes
from tests.faults.row import Row, clear

STUCK_S = 120.0
"""Longer than any single try takes: something waits for ever, and may not even be cancelled."""
_LOOK_S = 1.0


def run() -> None:
    """Arguments: the module, a seed, how many to try, whatever else its ``main`` takes."""
    logging.disable()  # what the operator would read: thousands of power cuts
    mistakes.seed()
    row = Row(sys.argv[1])
    threading.Thread(target=_watch, args=(row,), daemon=True).start()
    importlib.import_module(f"tests.faults.{sys.argv[1]}").main(row, *map(int, sys.argv[2:]))
    _look_behind(row)
    row.print()
    clear()
    os._exit(0)


def _look_behind(row: Row) -> None:
    """A connection that was not closed has a thread, and a thread keeps a gateway from ending."""
    connections = [thread for thread in threading.enumerate() if "_connection_worker" in thread.name]
    for thread in connections:
        thread.join(2)  # it ends a moment after it has told so
    if left := sum(thread.is_alive() for thread in connections):
        row.red += 1
        row.wrongs.append(f"{' '.join(sys.argv[1:])}: {left} connections were never closed")


def _watch(row: Row) -> None:
    """Say where it stands still, and end the process: nothing else would."""
    tried, since_s = row.tried, time.monotonic()
    while time.monotonic() - since_s < STUCK_S:
        time.sleep(_LOOK_S)
        if row.tried != tried:
            tried, since_s = row.tried, time.monotonic()
    row.red += 1
    row.wrongs.append(f"{' '.join(sys.argv[1:])}: stands still after {row.tried} tries")
    row.print()
    clear()
    os._exit(0)
