"""The faults: how often each is tried in the short and in the long form, and by which process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.faults import guest
from tests.faults.row import PROCESSES, Row, tried

IMAGES_A_RUN = 1000
"""Of one recorded run: enough for every sync."""


class Fault(NamedTuple):
    """A row of the table."""

    name: str
    short: int
    long: int
    try_it: Callable[[int, str], Row]
    """Given how many and the mistake that is seeded (or an empty string)."""


def _shared(module: str, *more: int, part: int = 0) -> Callable[[int, str], Row]:
    """Several processes with a seed each; ``part``: at most so many for one."""

    def attempt(count: int, mistake: str) -> Row:
        parts = max(min(PROCESSES, count), -(-count // part) if part else 0)
        share = [count // parts + (number < count % parts) for number in range(parts)]
        return tried(module, [(seed, size, *more) for seed, size in enumerate(share, 1)], mistake)

    return attempt


def _stops(count: int, mistake: str) -> Row:
    short = count < 10
    return _shared("stops", *((300, 900) if short else (5000, 60_000)))(count, mistake)


FAULTS = {
    "power": Fault("power cut, images of a recorded run", 2000, 50_000, _shared("power", part=IMAGES_A_RUN)),
    "kill": Fault("kill -9", 50, 1000, _shared("kill")),
    "guest": Fault("power cut of a guest on ext4", 0, 20, guest.attempt),
    "full": Fault("full disk", 5, 50, _shared("full")),
    "errors": Fault("failing writes and syncs", 200, 10_000, _shared("errors")),
    "flips": Fault("flipped bits", 200, 5000, _shared("flips")),
    "clocks": Fault("clock jumps", 8, 20, _shared("clocks")),
    "stops": Fault("SIGSTOP", 2, 20, _stops),
}
