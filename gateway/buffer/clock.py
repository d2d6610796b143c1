"""The buffer's clock: seconds that messages have aged, whatever is done to the wall clock.

While the gateway runs, and over a stop without a restart of the machine, the time since the boot counts. Over a restart
of the machine nothing is left but the wall clock: its difference counts where it can be believed, otherwise the stop
took no time. So a clock that jumps neither drops a message nor keeps one for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

STOP_LIMIT_S = 90 * 86_400.0
"""A longer stop is not believed: it is a wall clock that was wrong before or is wrong now."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Mark(NamedTuple):
    """What the clocks said at one moment; kept on the disk."""

    seconds: float
    """Of the buffer's clock."""
    boottime_s: float
    wall_ns: int
    boot_id: str


def boot_id() -> str:
    """Another one after every boot of the machine; empty where it is not told."""
    with suppress(OSError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return ""


class Clocks(NamedTuple):
    """The machine's clocks."""

    wall_ns: Callable[[], int] = time.time_ns
    boottime_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
    boot_id: Callable[[], str] = boot_id


class BufferClock:
    """Goes on from where the last mark was made."""

    def __init__(self, clocks: Clocks, last: Mark | None) -> None:
        self.clocks = clocks
        self._boot_id = clocks.boot_id()
        self._start_s = clocks.boottime_s()
        self.same_boot = last is not None and last.boot_id == self._boot_id != ""
        self._seconds = 0.0 if last is None else last.seconds + self._stopped_s(last)

    def _stopped_s(self, last: Mark) -> float:
        if self.same_boot:
            return max(0.0, self._start_s - last.boottime_s)
        stopped_s = (self.clocks.wall_ns() - last.wall_ns) / 1e9
        return stopped_s if 0 <= stopped_s <= STOP_LIMIT_S else 0.0

    def seconds(self) -> float:
        """How old the buffer is by now; never less than before."""
        return self._seconds + max(0.0, self.clocks.boottime_s() - self._start_s)

    def mark(self) -> Mark:
        """To be kept, so that another process can go on from it."""
        return Mark(self.seconds(), self.clocks.boottime_s(), self.clocks.wall_ns(), self._boot_id)
