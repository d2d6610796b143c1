"""One segment: a SQLite file of frames with one connection, written at its end, read in order, unlinked whole.

While it is written it has a write-ahead log and every commit is synced; sealed, it is one file that is only read
(opened ``immutable``: no lock, no log, not a byte written, so that draining needs no room on the disk).

The functions here are awaited by tasks of the buffer alone, which are never cancelled: a call that is cut off in the
middle would leave the connection's thread behind. Foreign errors pass; ``store`` and ``reading`` translate them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from gateway.buffer import content, directory
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content
from gateway.buffer.frames import TELEMETRY, Frame, FrameDamaged, Head, Section, read_head
from gateway.buffer.policy import PAGE_SIZE, pages

PATTERN = f"p{TELEMETRY}-????????????.db"
_SCHEMA = f"""
PRAGMA page_size={PAGE_SIZE};
PRAGMA synchronous=OFF;
PRAGMA journal_mode=WAL;
CREATE TABLE frame(number INTEGER PRIMARY KEY, messages INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE content(packed BLOB NOT NULL);
"""
# EXCLUSIVE stands first: it keeps the log's index in memory, so that there is no third file to make room for.
_WRITING = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA mmap_size=0;
PRAGMA cache_size=-2000;
PRAGMA wal_autocheckpoint={pages};
PRAGMA journal_size_limit={bytes};
"""
_FRAMES_AT_MOST = 65_536
"""In one segment: where the last frame's number cannot be read, it is looked for as far as this."""


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


class Segment:
    """A segment that lies on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first = int(path.stem.partition("-")[2])
        """Frame number that the file is named after: no frame in it has a lower one."""
        self.last = self.first - 1
        """Number of the last frame that was accepted."""
        self.size_bytes = 0
        self.filled_bytes = 0
        """Of those, what the frames take: the log is copied into the same pages when it is sealed."""
        self.remaining = 0
        """Messages in it that are not acknowledged."""
        self.damaged = False
        """Something in it could not be read: it is set aside when the rest is drained, not unlinked."""
        self.unreadable: dict[int, int] = {}
        """Frames whose head is damaged, with the number of messages that they had."""
        self.content: Content | None = None
        """In memory while it is written; read from the file when it is sealed."""
        self._connection: aiosqlite.Connection | None = None
        self._lock = asyncio.Lock()
        self._ended = False

    def __repr__(self) -> str:
        return f"<{self.path.name}: frames to {self.last}, {self.remaining} messages remain>"

    async def insert(self, frames: Sequence[Frame]) -> None:
        """Store the frames, all or none; on the disk when this returns."""
        values = ",".join(["(?,?,?,?)"] * len(frames))
        # One statement is one transaction and one trip to the connection's thread: it has committed when it returns.
        await self._fetch(f"INSERT INTO frame VALUES {values}", [value for frame in frames for value in frame[:4]])  # noqa: S608
        self.last = frames[-1].number
        self.filled_bytes += sum(pages(len(frame.head) + len(frame.body)) for frame in frames)

    def accepted(self, frame: int, sections: Iterable[Section]) -> None:
        """The commit has returned: these messages are in the segment."""
        sections = list(sections)
        assert self.content is not None, "only a segment that is written takes frames"  # noqa: S101
        content.add(self.content, frame, sections)
        self.remaining += sum(section.messages for section in sections)

    def measure(self) -> int:
        """Bytes on the disk now."""
        self.size_bytes = directory.size(self.path)
        return self.size_bytes

    async def seal(self) -> None:
        """Write nothing more: the content is noted, the log copied into the file and removed.

        Raises the error of a full or failing disk; sealed it is all the same, with its log still beside it.
        """
        held, self.content = self.content, None
        async with self._lock:
            try:
                if held is not None and self._connection is not None:
                    await self._connection.execute_fetchall("INSERT INTO content VALUES (?)", (content.to_bytes(held),))
                    await self._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await self._close()
                self.measure()

    async def read_content(self) -> Content:
        """What the segment holds: as noted when it was sealed, else found out from the heads of its frames."""
        if self.content is not None:
            return self.content
        try:
            rows = await self._fetch("SELECT packed FROM content", ())
            return content.from_bytes(rows[-1][0])
        except (sqlite3.Error, TableDamaged, TypeError, IndexError) as error:
            # IndexError: a crash came before it was sealed. TypeError: not a blob any more.
            if isinstance(error, sqlite3.Error) and not directory.damaged(error):
                raise
        held: Content = {}
        following, more = self.first, True
        while more:
            found, following, more = await self.heads(following, 64)
            for frame in found:
                if frame.head is not None:
                    content.add(held, frame.number, frame.head.sections)
        return held

    async def find_last(self) -> int:
        """The number of the last frame, as far as it can be read. Raises sqlite3.Error where nothing can be."""
        rows = await self._fetch("SELECT name FROM sqlite_master WHERE name = 'frame'", ())
        if not rows:
            raise sqlite3.DatabaseError("file has no frames")
        try:
            rows = await self._fetch("SELECT max(number) FROM frame", ())
            self.last = rows[0][0] if rows[0][0] is not None else self.first - 1
        except sqlite3.DatabaseError as error:
            if not directory.damaged(error):
                raise
            self.damaged = True
            self.last = self.first + _FRAMES_AT_MOST
        return self.last

    async def heads(self, start: int, limit: int) -> Scan:
        """The heads of up to ``limit`` frames from number ``start`` on; what cannot be read is left out or None."""
        last = self.last  # as it is now: a commit during the query is left for the next scan
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
        if head is None or head.number != number:
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
            if self._ended:
                return []
            if self._connection is None:
                self._connection = await _connect_to_read(self.path)
            return list(await self._connection.execute_fetchall(query, values))

    async def start_writing(self, wal_pages: int) -> None:
        """Open the connection that every commit goes through."""
        async with self._lock:
            self.content = {}
            self._connection = await _connect(self.path, wal_pages)

    async def close(self) -> None:
        """Give the connection and its thread back; a log that is still there is copied and removed."""
        async with self._lock:
            await self._close()

    async def end(self) -> None:
        """Close it for good: who still asks is told that nothing is there."""
        self._ended = True
        await self.close()

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # the thread ends in any case, and what was committed stays committed
                await connection.close()


async def create(folder: Path, first: int, wal_pages: int) -> Segment:
    """A new segment for frames from number ``first`` on, its name durable, open to be written."""
    path = folder / f"p{TELEMETRY}-{first:012d}.db"
    made = path.with_name(f"{path.name}{directory.NEW}")
    try:
        async with aiosqlite.connect(made, isolation_level=None) as connection:
            await connection.executescript(_SCHEMA)
        await asyncio.to_thread(directory.settle, made, path)
    except BaseException:
        directory.remove(made)
        raise
    segment = Segment(path)
    await segment.start_writing(wal_pages)
    segment.measure()
    return segment


async def _connect_to_read(path: Path) -> aiosqlite.Connection:
    """A sealed file is opened without a trace; one whose log was left by a crash is recovered first."""
    if directory.has_log(path):
        return await _connect(path, wal_pages=1000)
    return await aiosqlite.connect(directory.uri(path, "mode=ro&immutable=1"), uri=True, isolation_level=None)


async def _connect(path: Path, wal_pages: int) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(directory.uri(path, "mode=rw"), uri=True, isolation_level=None)
    try:
        await connection.executescript(_WRITING.format(pages=wal_pages, bytes=2 * wal_pages * PAGE_SIZE))
    except BaseException:
        await connection.close()
        raise
    return connection
