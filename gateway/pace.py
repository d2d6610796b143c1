"""When each point was written last, kept in the state directory: ``every`` of ``write:`` binds all processes.

Two clocks are kept. While the machine runs, the one that counts from its start tells how long ago a write was, whatever
happens to the wall clock. After a restart, or where a snapshot was restored, the wall clock does; where the write lies
in its future as well, it was at least as long ago as the machine runs. So a point is locked for ``every`` at the most.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway import durable
from gateway.mapping.refused import Unkept
from gateway.mapping.spec import PointSpec
from gateway.mapping.writing import allowed, paced

NAME, LOCK = "written.json", "written.lock"
MOST = 10_000
"""So many points are remembered: those that were written last."""

log = logging.getLogger("fieldgate")


class Now(NamedTuple):
    """One moment, on both clocks."""

    boot: str
    """Which start of the machine it is."""
    up_s: float
    """Since then, the time that it slept included."""
    wall_s: float
    """Since 1970."""


def now() -> Now:
    """This moment."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return Now(boot, time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


def since_s(then: Now, this: Now) -> float:
    """How long ago it was."""
    if then.boot == this.boot and then.up_s <= this.up_s:
        return this.up_s - then.up_s
    return max(this.wall_s - then.wall_s, this.up_s)


class Pace:
    """The last writes of one state directory. Only points with ``every`` are remembered, and asked for."""

    def __init__(self, state: Path, now: Callable[[], Now] = now) -> None:
        self._state = state
        self._now = now

    def check(self, device: str, spec: PointSpec) -> None:
        """Raises TooSoon, or Unkept where it cannot be known."""
        if allowed(spec).every_s:
            try:
                self._check(_read(self._state / NAME), device, spec)
            except OSError as error:
                raise self._unkept(spec, error) from error

    def take(self, device: str, spec: PointSpec) -> None:
        """It is written now; on disk when this returns. Raises TooSoon, or Unkept."""
        if allowed(spec).every_s:
            try:
                self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
                with durable.locked(self._state / LOCK):
                    known = _read(self._state / NAME)
                    self._check(known, device, spec)
                    known.pop((device, spec.point.name), None)
                    known[device, spec.point.name] = self._now()
                    entries = [(*key, *then) for key, then in [*known.items()][-MOST:]]
                    durable.replace(self._state / NAME, msgspec.json.encode(entries))
            except OSError as error:
                raise self._unkept(spec, error) from error

    def _check(self, known: dict[tuple[str, str], Now], device: str, spec: PointSpec) -> None:
        then, this = known.get((device, spec.point.name)), self._now()
        if then is not None:
            paced(spec, since_s(then, this), this.wall_s)

    def _unkept(self, spec: PointSpec, error: OSError) -> Unkept:
        why = f"when it was written is kept in {self._state / NAME}, which cannot be used: {error.strerror or error}"
        return Unkept(spec.point.name, f"{why}; nothing was sent", "call it as the user of the gateway")


def _read(path: Path) -> dict[tuple[str, str], Now]:
    """By device and point, those that were written last at the end. Raises OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        entries = msgspec.json.decode(data, type=list[tuple[str, str, str, float, float]])
    except msgspec.DecodeError as error:
        # It is written whole or not at all: somebody else did this.
        log.warning("%s is damaged (%s): it is not known when points were written last", path, error)
        return {}
    return {(device, point): Now(boot, up_s, wall_s) for device, point, boot, up_s, wall_s in entries}
