"""One segment: a SQLite file of frames with one connection, written at its end, read in order, unlinked whole.

Its frames stay in its write-ahead log: every byte is written once, nothing is copied when it is sealed. Sealed, it is
only read, without a lock, a shared index or a byte written, so that draining needs no room on the disk. What a sealed
segment holds of each identity stands in ``meta.db``. A segment that was rewritten (``rewriting``) is one plain file.

A name says what is in it: ``p<class>-<first frame>.db``, or where it was rewritten
``p<class>-<first frame>-<last frame>-<how often>.db``: which of two files counts can be read from their names.

The functions here are awaited by tasks of the buffer alone, which are never cancelled: a call that is cut off in the
middle would leave the connection's thread behind. Foreign errors pass; ``store`` and ``reading`` translate them.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from gateway.buffer import content, directory, wal
from gateway.buffer.content import Content
from gateway.buffer.frames import Frame, FrameDamaged, Head, read_head
from gateway.buffer.policy import PAGE_SIZE
from gateway.model import Priority

log = logging.getLogger("fieldgate")

_TRIES, _AGAIN_S = 20, 0.1
"""To give a file its name back."""

_NAME = re.compile(r"p([012])-(\d{12})(?:-(\d{12})-(\d{1,9}))?\.db")
TABLE = """
CREATE TABLE frame(number INTEGER PRIMARY KEY, messages INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
"""
# EXCLUSIVE stands first: it keeps the log's index in memory, so that there is no third file to make room for.
_WRITING = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA mmap_size=0;
PRAGMA cache_size=-2000;
PRAGMA wal_autocheckpoint=0;
"""


class Place(NamedTuple):
    """What the name of a file says of it."""

    priority: Priority
    first: int
    """No frame in it has a lower number."""
    last: int
    """Of a rewritten one: no frame in it has a higher number; 0 where it was not rewritten."""
    generation: int
    """How often it was rewritten."""

    @property
    def name(self) -> str:
        """The file's name."""
        rewritten = f"-{self.last:012d}-{self.generation}" if self.generation else ""
        return f"p{self.priority}-{self.first:012d}{rewritten}.db"

    def replaces(self, other: Place) -> bool:
        """Whether the other one is what this one was made of."""
        if self == other or self.priority is not other.priority or not self.generation:
            return False
        if not other.generation:
            return self.first <= other.first <= self.last
        inside = self.first <= other.first and other.last <= self.last
        return inside and (self.generation > other.generation or (self.first, self.last) != (other.first, other.last))


class Facts(NamedTuple):
    """What is known of the frames in a segment without reading it."""

    last: int
    """Number of the last frame."""
    frames: int = 0
    messages: int = 0
    raw_bytes: int = 0
    """Before they were packed."""
    born_first: int = 0
    """When the first was stored, in seconds of the buffer's clock."""
    born_last: int = 0
    thinned: int = 0
    """How often some were left out to save room."""


class Found(NamedTuple):
    """One frame as a scan of heads sees it."""

    number: int
    messages: int
    head: Head | None
    """None where it is damaged."""


class Scan(NamedTuple):
    """Some frames in order."""

    found: list[Found]
    following: int
    """The number from which to go on."""
    more: bool
    """Whether there were more frames when the scan began."""


def place(path: Path) -> Place | None:
    """What the name says; None if it is not that of a segment."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    priority, first, last, generation = match.groups("0")
    return Place(Priority(int(priority)), int(first), int(last), int(generation))


class Segment:
    """A segment that lies on the disk."""

    def __init__(self, path: Path, load: Callable[[Segment], Awaitable[Content]] | None = None) -> None:
        found = place(path)
        if found is None:
            raise ValueError(f"{path.name} is not the name of a segment")
        self.path = path
        self.place = found
        self.priority = found.priority
        self.first = found.first
        self.facts = Facts(last=found.last or found.first - 1)
        self.size_bytes = 0
        self.remaining = 0
        """Messages in it that are not acknowledged, as far as was counted; ``tidy`` asks the cursors before it acts."""
        self.damaged = False
        """Something in it could not be read."""
        self.unreadable: dict[int, int] = {}
        """Frames whose head is damaged, with the number of messages that they had."""
        self.content: Content | None = None
        """In memory while it is written; sealed, it is in ``meta.db``."""
        self.sealed_facts = False
        """Whether ``facts`` are those of a sealed segment, so that less than they say is damage."""
        self.held = asyncio.Lock()
        """Held by who reads from it and by who takes something out of it."""
        self._load = load
        self._connection: aiosqlite.Connection | None = None
        self._lock = asyncio.Lock()
        self.writes = False
        """Whether it takes frames."""
        self.hopeless = False
        """It is damaged and cannot be rewritten: what cannot be read is passed over."""
        self.doubtful = False
        """After its last frame there may be another in the file, which was not accepted."""
        self.unpackable = False
        """It was tried without gain."""
        self.seen = -1
        """How many messages remained when ``upkeep`` looked last."""
        self.ended = False
        """It is gone, or another file has taken its place."""

    def __repr__(self) -> str:
        return f"<{self.path.name}: frames to {self.last}, {self.remaining} messages remain>"

    @property
    def last(self) -> int:
        """Number of the last frame that was accepted."""
        return self.facts.last

    # Writing.

    async def insert(self, frames: Sequence[Frame]) -> None:
        """Store the frames, all or none; on the disk when this returns."""
        values = ",".join(["(?,?,?,?)"] * len(frames))
        # One statement is one transaction and one trip to the connection's thread: it has committed when it returns.
        await self._fetch(f"INSERT INTO frame VALUES {values}", [value for frame in frames for value in frame[:4]])  # noqa: S608

    def accepted(self, frame: Frame) -> None:
        """The commit has returned: these messages are in the segment."""
        assert self.content is not None, "only a segment that is written takes frames"  # noqa: S101
        content.add(self.content, frame.number, frame.sections)
        self.note(frame.number, frame.messages, frame.raw_size, frame.born)
        self.remaining += frame.messages

    def note(self, number: int, messages: int, raw_size: int, born: int) -> None:
        """A frame is in it, after those before."""
        known = self.facts
        self.facts = known._replace(
            last=number,
            frames=known.frames + 1,
            messages=known.messages + messages,
            raw_bytes=known.raw_bytes + raw_size,
            born_first=known.born_first if known.frames else born,
            born_last=max(known.born_last, born),
        )

    def measure(self) -> int:
        """Look how large it has become."""
        self.size_bytes = directory.size(self.path)
        return self.size_bytes

    async def start_writing(self) -> None:
        """Open the connection that every commit goes through."""
        async with self._lock:
            self.content = {}
            self._connection = await _connect_to_write(self.path)
            self.writes = True

    # Reading.

    def load_with(self, load: Callable[[Segment], Awaitable[Content]]) -> None:
        """How to learn what it holds once that is not in memory any more."""
        self._load = load

    async def read_content(self) -> Content:
        """What it holds of each identity."""
        if self.content is not None:
            return self.content
        if self._load is None:
            raise ValueError(f"nobody knows what {self.path.name} holds")
        return await self._load(self)

    async def scan(self, last: int | None = None) -> Content:
        """Read all heads, up to the frame ``last``: what it holds, as far as it can be read, and the facts with it."""
        await self._find_last()
        if last is not None:
            self.facts = self.facts._replace(last=min(self.last, last))
        end, self.facts = self.last, Facts(last=self.first - 1)
        held: Content = {}
        following, more = self.first, True
        while more:
            found, following, more = await self.heads(following, 64, end)
            for frame in found:
                if frame.head is not None:
                    content.add(held, frame.number, frame.head.sections)
                    self.note(frame.number, frame.messages, frame.head.raw_size, frame.head.born or 0)
        self.facts = self.facts._replace(last=max(self.last, self.place.last, *self.unreadable, 0))
        return held

    async def _find_last(self) -> None:
        """Raises sqlite3.Error where nothing can be read."""
        rows = await self._fetch("SELECT name FROM sqlite_master WHERE name = 'frame'", ())
        if not rows:
            raise sqlite3.DatabaseError("file has no frames")
        rows = await self._fetch("SELECT max(number) FROM frame", ())
        self.facts = self.facts._replace(last=rows[0][0] if rows[0][0] is not None else self.first - 1)

    async def heads(self, start: int, limit: int, last: int | None = None) -> Scan:
        """The heads of up to ``limit`` frames from number ``start`` on; what cannot be read is left out or None."""
        last = self.last if last is None else last  # as it is now: a commit during the query is left for the next scan
        query = "SELECT number, messages, head FROM frame WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?"
        rows = await self._readable(query, (start, last, limit))
        if rows is not None:
            following = rows[-1][0] + 1 if len(rows) == limit else last + 1
        else:
            following = min(start + limit, last + 1)
            single = [await self._readable(query, (number, number, 1)) for number in range(start, following)]
            rows = [row for found in single if found for row in found]
        return Scan([self._found(*row) for row in rows], following, following <= last)

    def _found(self, number: int, messages: Any, packed: Any) -> Found:
        try:
            head = read_head(packed) if isinstance(packed, bytes) else None
        except FrameDamaged:
            head = None
        if head is None or head.number != number or head.priority is not self.priority:
            self.damaged = True
            self.unreadable[number] = messages if isinstance(messages, int) else 1
            return Found(number, self.unreadable[number], None)
        return Found(number, head.messages, head)

    async def bodies(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """The packed bodies of these frames; those that cannot be read are missing."""
        query = "SELECT number, body FROM frame WHERE number IN ({})"
        rows = await self._readable(query.format(",".join("?" * len(numbers))), numbers)
        if rows is None:
            single = [await self._readable(query.format("?"), (number,)) for number in numbers]
            rows = [row for found in single if found for row in found]
        return {number: body for number, body in rows if isinstance(body, bytes)}

    async def _readable(self, query: str, values: Sequence[Any]) -> list[Any] | None:
        """The rows; None where damage stands in the way."""
        try:
            return await self._fetch(query, values)
        except sqlite3.Error as error:
            if not directory.damaged(error):
                raise
            self.damaged = True
            return None

    async def _fetch(self, query: str, values: Sequence[Any]) -> list[Any]:
        async with self._lock:
            if self.ended:
                return []
            if self._connection is None:
                self._connection = await _connect_to_read(self.path)
                await self._check()
            with directory.readable():
                return list(await self._connection.execute_fetchall(query, values))

    async def _check(self) -> None:
        """A log that is broken ends for SQLite where it is broken, without a word: count what it sees."""
        if self.sealed_facts and self._connection is not None:
            query = "SELECT count(*) FROM frame WHERE number <= ?"
            (counted,) = next(iter(await self._connection.execute_fetchall(query, (self.last,))))
            self.damaged |= counted != self.facts.frames

    async def vanished(self) -> bool:
        """Whether somebody has removed the file; while it is being closed it may be away for a moment."""
        async with self._lock:
            return not self.ended and not self.path.exists() and not directory.is_away(self.path)

    # Ending.

    async def close(self) -> None:
        """Give the connection and its thread back; nothing is copied, the log stays as it is."""
        async with self._lock:
            await self._close()

    async def end(self) -> None:
        """Close it for good: who still asks is told that nothing is there."""
        self.ended = True
        await self.close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # SQLite copies the log of the last connection that closes, unless the file is not where it was opened.
        moved = False
        with suppress(OSError):  # then it is copied: that costs time, nothing else
            moved = self.writes and await asyncio.to_thread(directory.move_away, self.path)
        self.writes = False
        try:
            with suppress(sqlite3.Error):  # the thread ends in any case, and what was committed stays committed
                await connection.close()
        finally:
            if moved:
                await self._move_back()

    async def _move_back(self) -> None:
        """Where the disk does not let it, even after a while, the next start does it; until then nothing reads it."""
        trouble = ""
        for _ in range(_TRIES):
            try:
                await asyncio.to_thread(directory.move_back, self.path)
            except OSError as error:
                trouble = str(error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return
        log.error("buffer: %s cannot be given its name (%s): it is read after the next start", self.path, trouble)


async def create(folder: Path, priority: Priority, first: int, page_size: int = PAGE_SIZE) -> Segment:
    """A new segment for frames from number ``first`` on, open to be written, its name and its log's durable."""
    segment = Segment(folder / Place(priority, first, 0, 0).name)
    try:
        await asyncio.to_thread(directory.write_new, segment.path, _empty(page_size))
        await segment.start_writing()
        # SQLite has made the log by now, and does not say whether its name is on the disk.
        await asyncio.to_thread(directory.sync, folder)
    except BaseException:
        await segment.end()
        directory.remove(segment.path)
        raise
    segment.measure()
    return segment


@cache
def _empty(page_size: int) -> bytes:
    return wal.empty_database(f"PRAGMA page_size={page_size}; {TABLE}")


def reading_uri(path: Path) -> str:
    """How a sealed file is opened without a trace; where a log lies beside it, its index is made in memory.

    Raises sqlite3.DatabaseError for an empty file: SQLite would unlink the log beside it.
    """
    if path.stat().st_size == 0:
        raise sqlite3.DatabaseError(f"{path.name} is empty")
    return directory.uri(path, "mode=ro&vfs=unix-none" if directory.has_log(path) else "mode=ro&immutable=1")


async def _connect_to_read(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(reading_uri(path), uri=True, isolation_level=None)
    try:
        await connection.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA mmap_size=0; PRAGMA cache_size=-500;")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _connect_to_write(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(directory.uri(path, "mode=rw"), uri=True, isolation_level=None)
    try:
        await connection.executescript(_WRITING)
    except BaseException:
        await connection.close()
        raise
    return connection
