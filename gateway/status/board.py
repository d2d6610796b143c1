"""The state of everything that data flows through, one line in the log when it breaks and one when it heals."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

log = logging.getLogger("fieldgate")


class State(StrEnum):
    """STARTING until the first report; then FLOWING or STOPPED."""

    STARTING = "starting"
    FLOWING = "flowing"
    STOPPED = "stopped"


class Health:
    """The state of one thing that data flows through."""

    def __init__(self, kind: str, name: str, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.kind = kind
        """``line``, ``device``, ``upstream`` or ``buffer``."""
        self.name = name
        self.state = State.STARTING
        self.reason = ""
        """Why it is stopped, in words for people; empty while it flows."""
        self.remedy = ""
        """What to do about it."""
        self._now_ns = now_ns
        self.since_ns = now_ns()
        """When the state was entered, nanoseconds since 1970."""
        self.counters: Counter[str] = Counter()
        """What was counted here, by name (``scans``, ``messages``, ``connects``, ...)."""

    def flowing(self) -> None:
        """Data flows. Cheap when it did so before; logs once when it heals."""
        if self.state is State.FLOWING:
            return
        if self.state is State.STOPPED:
            seconds = (self._now_ns() - self.since_ns) / 1e9
            log.info("%s %s: flows again after %.1f s (was: %s)", self.kind, self.name, seconds, self.reason)
        self._enter(State.FLOWING, "", "")

    def stopped(self, reason: str, remedy: str = "") -> None:
        """Data does not flow. Logs once when it breaks; later reports only sharpen the reason."""
        if self.state is not State.STOPPED:
            log.warning("%s %s: %s%s", self.kind, self.name, reason, f" ({remedy})" if remedy else "")
            self._enter(State.STOPPED, reason, remedy)
        else:
            self.reason, self.remedy = reason, remedy

    def _enter(self, state: State, reason: str, remedy: str) -> None:
        self.state, self.reason, self.remedy = state, reason, remedy
        self.since_ns = self._now_ns()


class Board:
    """All healths of a gateway by kind and name; made on first mention."""

    def __init__(self, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._healths: dict[tuple[str, str], Health] = {}

    def health(self, kind: str, name: str) -> Health:
        """The one Health of this kind and name."""
        key = (kind, name)
        if key not in self._healths:
            self._healths[key] = Health(kind, name, self._now_ns)
        return self._healths[key]

    def of_kind(self, kind: str) -> list[Health]:
        """All healths of one kind, in the order in which they were first mentioned."""
        return [health for health in self._healths.values() if health.kind == kind]
