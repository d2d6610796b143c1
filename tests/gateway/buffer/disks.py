"""A disk of the buffer without the tasks that work on it, and faults to put into it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer.clock import Clocks
from gateway.buffer.commits import Commits, Group
from gateway.buffer.disk import Disk
from gateway.buffer.frames import read_body, read_section
from gateway.buffer.port import BufferSettings, OnFull
from gateway.buffer.recovery import open_disk
from gateway.buffer.segments import Segment
from gateway.buffer.shelf import Shelf
from gateway.model import Message, Priority
from tests.gateway.buffer.making import messages

MB = 1024 * 1024
NOW_NS = 1_795_000_000 * 10**9


class Time:
    """Clocks that go when they are told to."""

    def __init__(self) -> None:
        self.boottime_s = 1000.0
        self.wall_ns = NOW_NS
        self.boot = "boot-1"

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.wall_ns, lambda: self.boottime_s, lambda: self.boot)

    def go(self, seconds: float) -> None:
        self.boottime_s += seconds
        self.wall_ns += int(seconds * 10**9)


@asynccontextmanager
async def opened(
    folder: Path,
    quota: int = MB,
    on_full: OnFull | Mapping[Priority, OnFull] = "refuse",
    keep: Mapping[Priority, float | None] | None = None,
    time: Time | None = None,
) -> AsyncIterator[Disk]:
    policies = dict.fromkeys(Priority, on_full) if isinstance(on_full, str) else on_full
    settings = BufferSettings(quota, on_full=policies, keep=keep or {})
    disk = await open_disk(folder, settings, (time or Time()).clocks)
    try:
        async with asyncio.timeout(30):
            yield disk
    finally:
        await disk.close()


def group(
    identity: str, first: int, last: int, size: int = 3000, priority: Priority = Priority.TELEMETRY
) -> list[tuple[Priority, Mapping[str, Sequence[Message]]]]:
    return [(priority, {identity: messages(identity, first, last, size, priority)})]


async def store(disk: Disk, group: Group) -> None:
    """Raises what the first class that was not stored says."""
    for trouble in (await Commits(disk).store(group)).values():
        raise trouble


def shelf(disk: Disk, priority: Priority = Priority.TELEMETRY) -> Shelf:
    return disk.shelves[priority]


async def fill(
    disk: Disk, segments: int, identity: str = "a", size: int = 3000, priority: Priority = Priority.TELEMETRY
) -> int:
    """Commit one message after the other until so many segments lie there; the last sequence."""
    lane = disk.lanes.lane(identity, priority)
    while len(shelf(disk, priority).segments) < segments:
        await store(disk, group(identity, lane.highest + 1, lane.highest + 1, size, priority))
    return lane.highest


def acknowledge(disk: Disk, up_to: int, identity: str = "a", priority: Priority = Priority.TELEMETRY) -> None:
    """As one who reads everything from memory would; of an identity whose messages have a frame each."""
    lane = disk.lanes.lane(identity, priority)
    frames = dict.fromkeys(range(lane.acked + 1, up_to + 1), 1)
    lane.acked = lane.loaded = up_to
    lane.waiting = lane.highest - up_to
    lane.position = up_to + 1
    disk.done_with(lane, frames)


def error(code: int) -> sqlite3.Error:
    made = sqlite3.OperationalError("as SQLite says it")
    made.sqlite_errorcode = code
    return made


def fails(monkeypatch: pytest.MonkeyPatch, method: Any, name: str, code: int, times: int = 1) -> None:
    """This method fails so often, then works."""
    works = getattr(method, name)
    left = times

    async def attempt(self: Any, *arguments: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise error(code)
        return await works(self, *arguments)

    monkeypatch.setattr(method, name, attempt)


async def read(disk: Disk, priority: Priority = Priority.TELEMETRY) -> dict[str, list[int]]:
    """All sequences that lie on this shelf, by identity, as the files have them."""
    found: dict[str, list[int]] = {}
    for segment in shelf(disk, priority).segments:
        for identity, sequences in (await _in(segment)).items():
            found.setdefault(identity, []).extend(sequences)
    return found


async def _in(segment: Segment) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    scan = await segment.heads(0, 100_000)
    for one in scan.found:
        assert one.head is not None
        raw = read_body(one.head, (await segment.bodies([one.number]))[one.number])
        for section in one.head.sections:
            for message in read_section(one.head, raw, section):
                assert message.body.startswith(b"%s/%d/" % (message.identity.encode(), message.sequence))
                found.setdefault(message.identity, []).append(message.sequence)
    return found
