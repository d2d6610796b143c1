"""Mistakes that a buffer can make, each seeded into a process of the tests by the name in its environment.

The suite has to turn red over each of them (``test_mistakes.py``): a test that no mistake can break proves nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.buffer import BufferTrouble, Claim, directory, segments
from gateway.buffer.clock import BufferClock
from gateway.buffer.disk import Disk
from gateway.buffer.lane import Cursor, Lane
from gateway.buffer.store import DiskBuffer
from gateway.model import Message
from tests.faults.row import MISTAKE


def synchronous_normal() -> None:
    """A commit is written but not synced."""
    _reword(segments, "synchronous=FULL", "synchronous=NORMAL")


def unlink_before_sync() -> None:
    """A drained segment goes while the highest sequences that were in it are known in memory alone."""

    async def hasty(self: Disk) -> None:
        async with self._tidying:
            drained = await self._drained()
            self.leave([segment for segment in drained if not segment.held.locked()])
            await self._unlink(list(self._gone))
        await asyncio.sleep(0.01)
        if self.changed:
            await self.sync()

    _put(Disk, tidy=hasty)


def name_not_synced() -> None:
    """A new file's bytes are on the disk, its name is not."""
    sync = directory.sync
    vars(directory)["sync"] = lambda path: None if path.is_dir() else sync(path)


def _reword(module: Any, old: str, new: str) -> None:
    for name, value in vars(module).items():
        if isinstance(value, str) and old in value:
            setattr(module, name, value.replace(old, new))


def acknowledge_before_commit() -> None:
    """Append returns when the writer has taken the messages, not when they are on the disk."""
    append = DiskBuffer.append
    tasks: set[asyncio.Task[None]] = set()

    async def later(self: DiskBuffer, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0.005)
        try:
            await append(self, messages)
        except BufferTrouble:
            return

    async def hasty(self: DiskBuffer, messages: Sequence[Message]) -> None:
        tasks.add(asyncio.create_task(later(self, messages)))

    _put(DiskBuffer, append=hasty)


def delete_before_puback() -> None:
    """What is claimed is gone from the buffer."""
    claim, acknowledge = DiskBuffer.claim, DiskBuffer.acknowledge

    async def taken(self: DiskBuffer, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        found = await claim(self, identity, max_messages, max_bytes)
        await acknowledge(self, found)
        return found

    async def nothing(self: DiskBuffer, claim: Claim, *_: object) -> None:
        pass

    _put(DiskBuffer, claim=taken, acknowledge=nothing, give_back=nothing, refuse=nothing)


def cursor_before_acknowledgement() -> None:
    """What is claimed counts as acknowledged on the disk, though in memory it can still be given back."""
    claim = DiskBuffer.claim
    claimed: dict[tuple[str, int], int] = {}
    cursor = vars(Lane)["cursor"].fget

    async def noted(self: DiskBuffer, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        found = await claim(self, identity, max_messages, max_bytes)
        last = found.messages[-1]
        claimed[identity, last.priority] = last.sequence
        self._moved(self._disk.lanes.lane(identity, last.priority), {})
        return found

    def ahead(self: Lane) -> Cursor:
        real: Cursor = cursor(self)
        return real._replace(acked=max(real.acked, claimed.get((self.identity, self.priority), 0)))

    _put(DiskBuffer, claim=noted)
    _put(Lane, cursor=property(ahead))


def two_in_flight() -> None:
    """A second claim of an identity does not wait for the first one to come back."""
    real = {name: getattr(DiskBuffer, name) for name in ("claim", "acknowledge", "refuse")}
    second: dict[str, Claim] = {}
    whole: dict[int, tuple[Claim, list[Claim], dict[int, int]]] = {}

    async def claim(self: DiskBuffer, identity: str, max_messages: int = 20, max_bytes: int = 262_144) -> Claim:
        if identity in second:
            return second.pop(identity)
        found: Claim = await real["claim"](self, identity, max_messages, max_bytes)
        half = len(found.messages) // 2
        parts = [Claim(identity, part) for part in (found.messages[:half], found.messages[half:]) if part]
        for part in parts:
            whole[id(part)] = found, parts, {}
        if len(parts) > 1:
            second[identity] = parts[1]
        return parts[0]

    async def back(self: DiskBuffer, claim: Claim, count: int | None = None) -> None:
        found, parts, arrived = whole[id(claim)]
        arrived[id(claim)] = len(claim.messages) if count is None else count
        if len(arrived) == len(parts):
            first = arrived[id(parts[0])]
            more = arrived[id(parts[-1])] if len(parts) > 1 and first == len(parts[0].messages) else 0
            await real["acknowledge"](self, found, first + more)

    async def none(self: DiskBuffer, claim: Claim) -> None:
        await back(self, claim, 0)

    async def refused(self: DiskBuffer, claim: Claim, reason: str, count: int = 1) -> None:
        await back(self, claim, count)

    _put(DiskBuffer, claim=claim, acknowledge=back, give_back=none, refuse=refused)


def lifetime_by_wall_clock() -> None:
    """A message is as old as the wall clock says."""
    _put(BufferClock, seconds=lambda self: time.time())


def poison_for_ever() -> None:
    """What the hub refuses for good is tried again and again."""

    async def again(self: DiskBuffer, claim: Claim, reason: str, count: int = 1) -> None:
        await self.give_back(claim)

    _put(DiskBuffer, refuse=again)


def _put(owner: type, **new: object) -> None:
    """Put these in the place of what the class has."""
    for name, value in new.items():
        setattr(owner, name, value)


MISTAKES: dict[str, Callable[[], None]] = {
    "synchronous-normal": synchronous_normal,
    "acknowledge-before-commit": acknowledge_before_commit,
    "delete-before-puback": delete_before_puback,
    "lifetime-by-wall-clock": lifetime_by_wall_clock,
    "two-in-flight": two_in_flight,
    "cursor-before-acknowledgement": cursor_before_acknowledgement,
    "unlink-before-sync": unlink_before_sync,
    "poison-for-ever": poison_for_ever,
    "name-not-synced": name_not_synced,
}


def seed() -> None:
    """The mistake that the environment names, if it names one."""
    if name := os.environ.get(MISTAKE):
        MISTAKES[name]()
