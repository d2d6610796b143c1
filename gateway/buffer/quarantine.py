"""``quarantine.db``: what the upstream will never take, kept with the reason until somebody decides about it.

It is bounded by itself, beside the quota: a plant that sends nothing but what is refused must not fill the disk, nor
push out what can be delivered. Foreign errors are translated: every function raises BufferFull or BufferUnavailable.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sqlite3
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiosqlite

from gateway.buffer import directory, wal
from gateway.buffer.port import BufferUnavailable
from gateway.buffer.unbroken import unbroken
from gateway.model import Message, Priority, Stored

T = TypeVar("T")

log = logging.getLogger("fieldgate")

NAME = "quarantine.db"
SCHEMA = 1
RETRIED = "retried"
"""The property of a message that was tried again: the id under which it was refused."""
_PAGE_SIZE = 4096
_TABLES = f"""
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA page_size={_PAGE_SIZE};
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA user_version={SCHEMA};
CREATE TABLE refused(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, refused_ns INTEGER NOT NULL,
                     reason TEXT NOT NULL, class INTEGER NOT NULL, identity TEXT NOT NULL, epoch INTEGER NOT NULL,
                     sequence INTEGER NOT NULL, created_ns INTEGER NOT NULL, properties TEXT NOT NULL,
                     body BLOB NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL);
"""
_SETTINGS = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA mmap_size=0;
PRAGMA wal_autocheckpoint=256;
PRAGMA journal_size_limit=1048576;
"""
_INSERT = "INSERT OR IGNORE INTO refused VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS = "id, refused_ns, reason, class, identity, epoch, sequence, created_ns, properties, body, size, crc"
_TYPES = (str, int, str, int, str, int, int, int, str)
"""Of the columns before the body."""
_PAGE = 64
"""Messages read at a time."""


class Limits(NamedTuple):
    """How much is kept; beyond it the oldest go."""

    messages: int = 10_000
    size_bytes: int = 64 * 1024 * 1024


class Entry(NamedTuple):
    """One message in the quarantine."""

    id: str
    """The message id under which it was refused."""
    refused_ns: int
    reason: str
    message: Stored
    """Without its body in a list."""
    size_bytes: int
    sound: bool
    """Whether its bytes are those that were written; always true in a list."""

    def as_json(self) -> dict[str, Any]:
        """For people and programs; the body as text where it is text, else as ``base64``."""
        message = self.message
        body: dict[str, str]
        try:
            body = {"body": message.body.decode()}
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(message.body).decode()}
        return {
            "id": self.id,
            "identity": message.identity,
            "class": message.priority.name.lower(),
            "refused": _time(self.refused_ns),
            "reason": self.reason,
            "created": _time(message.created_ns),
            "properties": message.properties,
            "size": self.size_bytes,
            **body,
            **({} if self.sound else {"damaged": True}),
        }


class Quarantine:
    """The file, which is there only while something is in it; one connection, one who works with it at a time."""

    def __init__(self, folder: Path, now_ns: Callable[[], int] = time.time_ns, limits: Limits | None = None) -> None:
        self.path = folder / NAME
        self.messages = 0
        self.size_bytes = 0
        self.evicted = 0
        """Of those that had to go for others since it was opened."""
        self._now_ns = now_ns
        self._limits = limits or Limits()
        self._connection: aiosqlite.Connection | None = None
        self._lock = asyncio.Lock()
        self._closed = False

    async def open(self) -> None:
        """Count what is there; trouble with it keeps no buffer from opening."""
        try:
            await self._locked(self._totals())
        except (sqlite3.Error, OSError, BufferUnavailable) as error:
            log.warning("buffer: the quarantine %s cannot be read: %s", self.path, error)

    async def close(self) -> None:
        """Give the connection and its thread back."""
        self._closed = True
        async with self._lock:
            await self._close()

    async def put(self, messages: Sequence[Stored], reason: str) -> None:
        """On the disk when this returns; one that is there already stays as it is."""
        rows = [_row(message, reason, self._now_ns()) for message in messages]
        await self._do(self._put(rows))

    async def entries(self, identity: str = "") -> list[Entry]:
        """All, or those of one identity, the oldest first, without bodies."""
        return await self._do(self._entries(identity))

    async def show(self, id_: str) -> Entry | None:
        """One message, whole; None if it is not there."""
        found = await self._do(self._read("id = ?", [id_]))
        return found[0] if found else None

    async def drop(self, ids: Collection[str] | None = None) -> int:
        """These are gone, or all; how many that were."""
        return await self._do(self._drop(ids))

    async def retry(self, append: Callable[[Sequence[Message]], Awaitable[None]], ids: Collection[str]) -> list[str]:
        """Append these anew, as messages of their own; returns the ids of those that were sound and are gone from here.

        Raises what ``append`` raises; a crash in between leaves a message in both places.
        """
        done = []
        for id_ in ids:
            entry = await self.show(id_)
            if entry is not None and entry.sound:
                await append([again(entry)])
                await self.drop([id_])
                done.append(id_)
        return done

    async def export(self) -> AsyncIterator[str]:
        """One line of JSON for each message, the oldest first."""
        number = 0
        while rows := await self._do(self._page(number)):
            number = rows[-1][0]
            for row in rows:
                yield json.dumps(_entry(row[1:]).as_json(), ensure_ascii=False)

    # The parts, with the lock held. They run to their end also when the caller is cancelled.

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await unbroken(self._locked(work))
        except (sqlite3.Error, OSError) as error:
            raise directory.translated(error, self.path) from error

    async def _locked(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._lock:
            if self._closed:
                work.close()
                raise BufferUnavailable("the buffer is closed")
            return await work

    async def _put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            await self._insert(await self._made(), rows)
        except sqlite3.Error as error:
            if not await self._is_damage(error):
                raise
            await self._set_aside(error)
            await self._insert(await self._made(), rows)
        await self._totals()
        await self._evict(await self._made())

    async def _insert(self, connection: aiosqlite.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        await connection.execute_fetchall("BEGIN IMMEDIATE")
        try:
            await (await connection.executemany(_INSERT, rows)).close()
            await connection.execute_fetchall("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):  # SQLite has rolled back itself after some errors
                await connection.execute_fetchall("ROLLBACK")
            raise

    async def _evict(self, connection: aiosqlite.Connection) -> None:
        """The oldest go until the rest is within the limits; the newest stays in any case."""
        while self.messages > 1 and (
            self.messages > self._limits.messages or self.size_bytes > self._limits.size_bytes
        ):
            if not self.evicted:
                log.warning(
                    "buffer: the quarantine is full: the oldest of its messages go "
                    "(look at them with  fieldgate buffer quarantine list)"
                )
            await connection.execute_fetchall("DELETE FROM refused WHERE number = (SELECT min(number) FROM refused)")
            self.evicted += 1
            await self._totals()

    async def _totals(self) -> None:
        connection = await self._open()
        rows: Any = [(0, 0)]
        if connection is not None:
            rows = await _rows(connection, "SELECT count(*), coalesce(sum(size), 0) FROM refused")
        ((self.messages, self.size_bytes),) = rows

    async def _entries(self, identity: str) -> list[Entry]:
        connection = await self._open()
        if connection is None:
            return []
        query = f"SELECT {_COLUMNS.replace('body', 'NULL')} FROM refused"  # noqa: S608
        where = " WHERE identity = ?" if identity else ""
        rows = await _rows(connection, f"{query}{where} ORDER BY number", [identity] if identity else [])
        return [_entry(row) for row in rows]

    async def _read(self, where: str, values: Sequence[Any]) -> list[Entry]:
        connection = await self._open()
        if connection is None:
            return []
        rows = await _rows(connection, f"SELECT {_COLUMNS} FROM refused WHERE {where}", values)  # noqa: S608
        return [_entry(row) for row in rows]

    async def _page(self, after: int) -> list[Any]:
        connection = await self._open()
        if connection is None:
            return []
        query = f"SELECT number, {_COLUMNS} FROM refused WHERE number > ? ORDER BY number LIMIT {_PAGE}"  # noqa: S608
        return await _rows(connection, query, [after])

    async def _drop(self, ids: Collection[str] | None) -> int:
        connection = await self._open()
        if connection is None:
            return 0
        before = self.messages
        if ids is None:
            await connection.execute_fetchall("DELETE FROM refused")
        else:
            await (await connection.executemany("DELETE FROM refused WHERE id = ?", [(one,) for one in ids])).close()
        await self._totals()
        if not self.messages:
            await self._close()
            await asyncio.to_thread(directory.remove, self.path)
        else:
            # execute would free one page; a script runs it to its end.
            await connection.executescript("PRAGMA incremental_vacuum")
        return before - self.messages

    async def _open(self) -> aiosqlite.Connection | None:
        """The connection; None where there is no file. A damaged one is set aside."""
        if self._connection is None and self.path.exists():
            try:
                self._connection = await self._connect()
            except sqlite3.Error as error:
                if not await self._is_damage(error):
                    raise
                await self._set_aside(error)
        return self._connection

    async def _made(self) -> aiosqlite.Connection:
        """The connection; the file is made if there is none."""
        connection = await self._open()
        if connection is None:
            await self._make()
            connection = self._connection = await self._connect()
        return connection

    async def _is_damage(self, error: sqlite3.Error) -> bool:
        if not directory.damaged(error):
            return False
        return directory.certain(error) or not await asyncio.to_thread(_is_sound, self.path)

    async def _set_aside(self, error: sqlite3.Error) -> None:
        """What of it is sound goes into a new file, the rest with all of it aside."""
        await self._close()
        rows = await asyncio.to_thread(_sound_rows, self.path)
        aside = await asyncio.to_thread(directory.set_aside, self.path, self._now_ns())
        log.error(
            "buffer: %s is damaged (%s) and was set aside as %s; messages that could be read and are kept: %d",
            self.path,
            error,
            aside.name,
            len(rows),
        )
        if rows:
            await self._make()
            self._connection = await self._connect()
            await self._insert(self._connection, rows)

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(directory.uri(self.path, "mode=rw"), uri=True, isolation_level=None)
        try:
            connection.text_factory = _text
            with directory.readable():
                await connection.executescript(_SETTINGS)
            ((version,),) = await _rows(connection, "PRAGMA user_version")
            if version > SCHEMA:
                raise BufferUnavailable(f"{self.path} was made by a newer version (schema {version})")
            ((verdict,),) = await _rows(connection, "PRAGMA quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            await _rows(connection, f"SELECT number, {_COLUMNS} FROM refused LIMIT 0")  # noqa: S608
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _make(self) -> None:
        await asyncio.to_thread(directory.write_new, self.path, wal.empty_database(_TABLES))
        await asyncio.to_thread(directory.sync, self.path.parent)

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # what was committed stays committed; the thread ends in any case
                await connection.close()


async def _rows(connection: aiosqlite.Connection, query: str, values: Sequence[Any] = ()) -> list[Any]:
    with directory.readable():
        return list(await connection.execute_fetchall(query, values))


def _text(stored: bytes) -> str:
    """A text that is none any more is shown as far as it is one: the checksum tells of it."""
    return stored.decode(errors="replace")


def _sound_rows(path: Path) -> list[Any]:
    """Of a damaged file, as far as they can be read from its beginning and from its end."""
    database, written = directory.read_all(path), directory.read_log(path)
    found: dict[int, Any] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.text_factory = _text
        for order in ("ASC", "DESC"):
            query = f"SELECT number, {_COLUMNS} FROM refused ORDER BY number {order}"  # noqa: S608
            with suppress(sqlite3.Error), directory.readable():
                connection.deserialize(wal.replayed(database, written, _PAGE_SIZE))
                for number, *row in connection.execute(query):
                    found[number] = row
    return [found[number] for number in sorted(found) if _entry(found[number]).sound and found[number][9] is not None]


def _is_sound(path: Path) -> bool:
    return wal.is_sound(directory.read_all(path), directory.read_log(path), _PAGE_SIZE)


def again(entry: Entry) -> Message:
    """The message as it is tried once more: a new one, which names the one that was refused."""
    message = entry.message
    kept = [pair for pair in message.properties.split("&") if pair and not pair.startswith(f"{RETRIED}=")]
    properties = "&".join([*kept, f"{RETRIED}={entry.id}"])
    return Message(message.identity, message.created_ns, properties, message.body, message.priority)


def _row(message: Stored, reason: str, now_ns: int) -> tuple[Any, ...]:
    identity, epoch, sequence, created_ns, properties, body, priority = message
    size = len(properties) + len(body)
    head = (message.message_id, now_ns, reason, int(priority), identity, epoch, sequence, created_ns, properties)
    return (*head, body, size, _crc(head, body))


def _entry(row: Sequence[Any]) -> Entry:
    """A row of _COLUMNS; without a body it is one of a list, and not judged."""
    *head, body, size, crc = row
    if not all(map(isinstance, head, _TYPES)) or not isinstance(body, bytes | None) or head[3] not in set(Priority):
        # SQLite gives out what it finds, whatever the column was made for.
        shown = [found if isinstance(found, type_) else type_() for found, type_ in zip(head, _TYPES, strict=True)]
        return _entry([*shown[:3], Priority.TELEMETRY, *shown[4:], b"", 0, None])
    id_, refused_ns, reason, priority, identity, epoch, sequence, created_ns, properties = head
    message = Stored(identity, epoch, sequence, created_ns, properties, body or b"", Priority(priority))
    return Entry(id_, refused_ns, reason, message, size, body is None or crc == _crc(head, body))


def _crc(head: Sequence[Any], body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(repr(tuple(head)).encode()))


def _time(at_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ns // 1_000_000_000))
