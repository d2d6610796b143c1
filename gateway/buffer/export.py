"""The messages that wait in a buffer's directory, read from outside as ``inspection`` reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.buffer.frames import FrameDamaged, Head, Section, read_body, read_head, read_section
from gateway.buffer.inspection import Kept, again, places, rows
from gateway.buffer.lane import Lane, restore
from gateway.buffer.lanes import Lanes
from gateway.buffer.segments import Place
from gateway.model import Priority, Stored


class Wanted(NamedTuple):
    """Which messages."""

    identities: Collection[str] = ()
    """Empty: all."""
    classes: Collection[Priority] = tuple(Priority)
    since_ns: int = -(2**63)
    """Of source time, nanoseconds since 1970."""


_EVERYTHING = Wanted()


class Export:
    """The messages that wait, one frame of them in memory at a time."""

    def __init__(self, folder: Path, kept: Kept, wanted: Wanted = _EVERYTHING) -> None:
        self.unreadable = 0
        """Frames and ends of files that are damaged."""
        self._folder = folder
        self._wanted = wanted
        self._lanes = Lanes()
        for cursor in kept.cursors:
            restore(self._lanes.lane(cursor.identity, cursor.priority), cursor)
        self._given: dict[tuple[Priority, str], int] = {}
        self._read: set[Place] = set()

    def __iter__(self) -> Iterator[Stored]:
        """What waits now: the most important class first, in it each identity in order. Raises CannotLook."""
        listed = places(self._folder)
        newest = {one.priority: one.first for one in listed}  # a gateway may go on writing for ever
        for priority in sorted(set(self._wanted.classes) & newest.keys()):
            while (following := self._next(listed, priority, newest[priority])) is not None:
                self._read.add(following)
                try:
                    for head, body in self._frames(listed[following]):
                        yield from self._messages(head, body)
                except FileNotFoundError:
                    if again(listed[following]):
                        self._read.discard(following)
                    else:  # delivered, or rewritten under a name that is listed now
                        listed = places(self._folder)

    def _next(self, listed: Collection[Place], priority: Priority, newest: int) -> Place | None:
        mine = (one for one in listed if one.priority is priority and one.first <= newest)
        return next((one for one in mine if one not in self._read), None)

    def _frames(self, path: Path) -> Iterator[tuple[Head, bytes]]:
        try:
            for packed, body in rows(path, "SELECT head, body FROM frame ORDER BY number", strict=True):
                try:
                    head = read_head(packed)
                except (FrameDamaged, TypeError):
                    self.unreadable += 1
                else:
                    yield head, body
        except sqlite3.DatabaseError:
            self.unreadable += 1

    def _messages(self, head: Head, body: bytes) -> Iterator[Stored]:
        sections = [one for one in head.sections if self._wants(one, head.priority)]
        if not sections:
            return
        try:
            raw = read_body(head, body)
        except (FrameDamaged, TypeError):
            self.unreadable += 1
            return
        for section in sections:
            lane = self._lanes.lane(section.identity, head.priority)
            for message in read_section(head, raw, section):
                if self._is_new(lane, message) and message.created_ns >= self._wanted.since_ns:
                    yield message

    def _wants(self, section: Section, priority: Priority) -> bool:
        named = not self._wanted.identities or section.identity in self._wanted.identities
        return named and section.last > self._given.get((priority, section.identity), 0)

    def _is_new(self, lane: Lane, message: Stored) -> bool:
        """Whether it waits, and was not given before from a file that was rewritten meanwhile."""
        key = lane.priority, lane.identity
        if message.sequence <= self._given.get(key, 0):
            return False
        self._given[key] = message.sequence
        span = next((one for one in lane.before if message.sequence <= one.highest), lane)
        return message.sequence > span.acked
