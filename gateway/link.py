"""Keeping one link to the field open: connect, read, store, and try again."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any, NamedTuple

from gateway.adapter import (
    Adapter,
    Batch,
    Choosing,
    Counting,
    LinkLost,
    Point,
    Quality,
    Reading,
    Recording,
    Session,
    Status,
)
from gateway.model import LINK_DOWN
from gateway.retry import Backoff
from gateway.status.board import Health

PATIENCE_S = 1.0
"""How long a session may take to close; then its cancellation is repeated."""

VAIN = 3
"""So many times in a row each device of a line must have said nothing of use until the line is said to stand still."""

Store = Callable[[Batch], Awaitable[None]]
"""Takes a batch over; on disk when it returns."""


async def run(
    line: str,
    adapter: Adapter[Any, Any],
    points: Sequence[Point[Any, Any]],
    store: Store,
    health: Health,
    *,
    absent: Callable[[], Collection[int]] = frozenset,
    record: Collection[str] = (),
    backoff: Backoff | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Read these points for as long as the task lives; ends with its cancellation, or with a bug of adapter or store.

    An outage begins when the link is lost and ends with the next answer of a device: it is reported once to ``health``,
    and as one batch of BAD readings of all points to ``store``. ``absent``: points that need not be read just now, as
    their devices have not got them; asked before each read. ``record``: devices whose raw blocks are wanted, too.
    """
    watch = _Watch(health, backoff or Backoff(), [point.device for point in points])
    while True:
        loss = await _apart(_connected(adapter, points, store, watch, absent, record), watch)
        trouble = words(loss, line)
        health.stopped(*trouble)
        if not watch.outage:
            watch.outage = True
            await store(_down(points, trouble.reason, now_ns()))
        await sleep(watch.backoff.next_s())


class Trouble(NamedTuple):
    """Why a link is down, in words for people."""

    reason: str
    remedy: str


def words(error: BaseException, line: str) -> Trouble:
    """What a lost link means to an operator, and what he can do."""
    if isinstance(error, BaseExceptionGroup):
        return words(error.exceptions[0], line)
    if isinstance(error, LinkLost):
        return Trouble(error.reason, error.remedy)
    if isinstance(error, socket.gaierror):
        return Trouble("host name not known", f"check the spelling of {line}, and the name server of this gateway")
    number = _errno(error)
    for numbers, reason, remedy in _WORDS:
        if number in numbers:
            return Trouble(reason, remedy.format(line=line))
    return Trouble(str(error) or type(error).__name__, "")


_WORDS: tuple[tuple[frozenset[int], str, str], ...] = (
    (
        frozenset((errno.ECONNREFUSED,)),
        "connection refused",
        "nobody listens on {line}: is the device on, the port right?",
    ),
    (frozenset((errno.ETIMEDOUT,)), "no answer in time", "is {line} on, its address right, and the network up?"),
    (
        frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)),
        "no way to the device",
        "check the address in {line}, the cable, and the routes of this gateway",
    ),
    (
        frozenset((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)),
        "connection reset by the device",
        "{line} may allow fewer connections: close other clients",
    ),
    (
        frozenset((errno.ENOENT, errno.ENODEV, errno.ENXIO)),
        "there is no such port",
        "check {line}, and that it is plugged in",
    ),
    (frozenset((errno.EACCES, errno.EPERM)), "not permitted", "let the user of this gateway use {line}"),
    (frozenset((errno.EMFILE, errno.ENFILE)), "too many open files", "raise the limit of open files of this gateway"),
)


def _errno(error: BaseException) -> int | None:
    number: int | None = getattr(error, "errno", None)
    if number is None and isinstance(error, TimeoutError):
        return errno.ETIMEDOUT
    if number is None:
        # A name with several addresses: asyncio puts all their errors into one text.
        several = re.search(r"\[Errno (\d+)]", str(error))
        return int(several[1]) if several else None
    return number


class _Watch:
    """What outlives one connection."""

    def __init__(self, health: Health, backoff: Backoff, devices: Sequence[str]) -> None:
        """``devices``: that of each point."""
        self._devices = devices
        self._all = frozenset(devices)
        self._vain: Counter[str] = Counter()
        """By device: batches without an answer since the last answer of any of them."""
        self.health = health
        self.backoff = backoff
        self.outage = False
        """The present outage has been stored."""
        self.stopping = False
        """The link is being cancelled: nothing more is read."""

    def connected(self, session: Session) -> None:
        """A new connection is open."""
        self.health.counters["connects"] += 1
        self._session = session if isinstance(session, Counting) else None
        self._counted: Counter[str] = Counter()

    def took(self, batch: Batch) -> None:
        """Count what was stored; the first answer of a device ends the outage."""
        counters = self.health.counters
        counters["batches"] += 1
        counters["readings"] += len(batch.readings)
        if self._session is not None and self._session.counters != self._counted:
            counters.update(self._session.counters - self._counted)
            self._counted = self._session.counters.copy()
        # A connection alone proves nothing: a gateway box accepts it for devices that are not there.
        if any(map(_is_answer, batch.readings)):
            self.outage = False
            self.backoff.reset()
            self.health.flowing()
            self._vain.clear()
        elif batch.readings and not self.outage:
            self._in_vain(batch)

    def _in_vain(self, batch: Batch) -> None:
        """A connection on which all that comes is of no use carries no data either."""
        self._vain.update({self._devices[reading.point] for reading in batch.readings})
        if all(self._vain[device] >= VAIN for device in self._all):
            self.health.stopped(f"no device answers rightly: {batch.readings[0].status.reason}", "see its devices")


async def _apart(connection: Coroutine[Any, Any, BaseException], watch: _Watch) -> BaseException:
    """Run one connection in a task of its own, so that what a plug-in does with cancellations stays in there.

    Before Python 3.13 a task group that fails inside a session can swallow the cancellation that was meant for us, and
    the gateway would not stop; or leave a cancellation counted that nobody asked for, and the line would end unnoticed.
    No plug-in's code runs in the task that waits here: whether that one is cancelled is certain.
    """
    task = asyncio.create_task(connection)
    try:
        await asyncio.wait([task])
    finally:
        watch.stopping = not task.done()
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE_S)
        if watch.stopping and not task.cancelled():
            task.result()  # a bug flies, also now
    if task.cancelled():
        return LinkLost("the session was cancelled from within", "report this to the maker of the adapter")
    return task.result()


async def _connected(
    adapter: Adapter[Any, Any],
    points: Sequence[Point[Any, Any]],
    store: Store,
    watch: _Watch,
    absent: Callable[[], Collection[int]],
    record: Collection[str],
) -> BaseException:
    """One connection from its begin to its end; returns what ended it."""
    storing = False
    try:
        if adapter.connect is None:
            raise LinkLost(
                "this version of Fieldgate cannot read such devices yet", "take them out of the plant until then"
            )
        async with adapter.connect(points) as session:
            watch.connected(session)
            if record and isinstance(session, Recording):
                session.record(record)
            left: Collection[int] = frozenset()
            while True:
                if isinstance(session, Choosing) and absent() != left:
                    left = absent()
                    session.leave(left)
                batch = await session.read()
                if watch.stopping:
                    raise asyncio.CancelledError
                storing = True
                await store(batch)
                storing = False
                watch.took(batch)
    except (LinkLost, OSError, ExceptionGroup) as error:
        # What the store raises is not the field's trouble.
        if storing or not _is_loss(error):
            raise
        return error


def _is_answer(reading: Reading) -> bool:
    """A value, or a refusal in the protocol's own words."""
    return reading.status.quality is not Quality.BAD or reading.status.code is not None


def _is_loss(error: BaseException) -> bool:
    """Whether this (or all of this group, where a session has tasks of its own) says that the link is gone."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_loss(inner) for inner in error.exceptions)
    return isinstance(error, (LinkLost, OSError))


def _down(points: Sequence[Point[Any, Any]], reason: str, at_ns: int) -> Batch:
    status = Status(Quality.BAD, f"{LINK_DOWN}{reason}")
    by_device = sorted(range(len(points)), key=lambda index: points[index].device)
    return Batch([Reading(index, None, at_ns, status) for index in by_device])
