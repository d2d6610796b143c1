"""The contract with a field protocol: all that an adapter may import.

One function (``connect``) and one method (``read``); no base class, no registration call. The core owns
connecting, waiting after errors and storing; an adapter never retries, never logs "reconnecting" and never
sees the buffer. Backpressure is the missing call: ``read`` is not called again before its batch is on disk.

Errors::

    LinkLost          the link to the devices is gone; connecting again may bring it back
    (OSError)         means the same when it flies out of ``connect`` or ``read``
    anything else     is a bug of the adapter and ends the gateway

One dead device on a live line is a reading with status BAD and its reason, not an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, runtime_checkable

from gateway.model import GOOD, TIMEOUT, A, Batch, D, Point, Quality, Reading, Status, Value
from gateway.values import (
    BIT_WIDTHS,
    Duration,
    Settings,
    ValueType,
    Whole,
    fault,
)

__all__ = [
    "BIT_WIDTHS",
    "GOOD",
    "TIMEOUT",
    "Adapter",
    "Batch",
    "Counting",
    "Duration",
    "Finding",
    "LinkLost",
    "Point",
    "Quality",
    "Reading",
    "Session",
    "Settings",
    "Status",
    "Value",
    "ValueType",
    "Whole",
    "Writable",
    "fault",
]


class LinkLost(Exception):
    """The link to the devices is gone; connecting again may bring it back."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        """What happened, in words for people: ``the device closed the connection``."""
        self.remedy = remedy
        """What to do about it."""


class Session(Protocol):
    """An open link. It lasts until the ``async with`` that opened it ends."""

    async def read(self) -> Batch:
        """Wait for the next readings and return all there are."""
        ...


@runtime_checkable
class Writable(Session, Protocol):
    """A session that can also set points."""

    async def write(self, point: int, value: Value) -> None:
        """Set one point; return when the device has confirmed it. May run during ``read``."""
        ...


@runtime_checkable
class Counting(Session, Protocol):
    """A session that counts what happens on its line, for the operator."""

    counters: Counter[str]
    """From 0 when the link was opened, by name: ``requests``, ``timeouts``, ``late_scans``, ..."""


class Finding(NamedTuple):
    """What ``check`` found wrong with one point of a device."""

    code: str
    """Of the message catalogue, for example ``B07``."""
    point: int
    """Index into the points that were checked."""
    key: str
    """The setting to point at, for example ``at``."""
    text: str
    hint: str = ""
    warning: bool = False


@dataclass(frozen=True)
class Adapter(Generic[D, A]):
    """What an entry point in the group ``fieldgate.adapters`` names. Its name is the profile's ``protocol:``."""

    settings: type[D]
    """A frozen ``Settings`` model of a device's ``connect:``. The field named as the protocol is the endpoint."""
    address: type[A]
    """A frozen ``Settings`` model of the protocol's keys of a point in a profile."""
    line: Callable[[D], str]
    """Which line a device is on: devices of one line share one link, whatever their unit ids and timeouts."""
    connect: Callable[[Sequence[Point[D, A]]], AbstractAsyncContextManager[Session]]
    """Open the link of one line for these points. Raises LinkLost or OSError when it cannot."""
    check: Callable[[Sequence[Point[D, A]]], Sequence[Finding]] = lambda points: ()
    """Rules over the points of one device (overlaps, ranges)."""
