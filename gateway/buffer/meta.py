"""``meta.db``: what must outlive the segments: epoch, clock, cursors, highest sequences, losses, what segments hold."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from gateway.buffer import directory, wal
from gateway.buffer.clock import Clocks, Mark
from gateway.buffer.lane import Cursor
from gateway.buffer.losses import Damage
from gateway.buffer.port import BufferUnavailable, Loss
from gateway.buffer.segments import Facts, Place
from gateway.model import Priority

log = logging.getLogger("fieldgate")

NAME = "meta.db"
SCHEMA = 2
PAGE_SIZE = 4096
RESTORED_S = 5.0
"""A file that was touched so long after what stands in it as its last time of writing was touched by somebody else."""
_MACHINE = Path("/etc/machine-id")
_LOSS = """messages INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL, PRIMARY KEY(class, reason, identity)) WITHOUT ROWID"""
_TABLES = f"""
CREATE TABLE cursor(class INTEGER, identity TEXT, span INTEGER, acked INTEGER NOT NULL, crc INTEGER NOT NULL,
                    PRIMARY KEY(class, identity, span)) WITHOUT ROWID;
CREATE TABLE highest(class INTEGER, identity TEXT, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
                     crc INTEGER NOT NULL, PRIMARY KEY(class, identity)) WITHOUT ROWID;
CREATE TABLE untold(class INTEGER, reason TEXT, identity TEXT, {_LOSS};
CREATE TABLE damage(class INTEGER, frame INTEGER, identity TEXT, PRIMARY KEY(class, frame, identity)) WITHOUT ROWID;
CREATE TABLE segment(class INTEGER, first INTEGER, end INTEGER, generation INTEGER, last INTEGER NOT NULL,
                     frames INTEGER NOT NULL, messages INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,
                     born_first INTEGER NOT NULL, born_last INTEGER NOT NULL, thinned INTEGER NOT NULL,
                     bytes INTEGER NOT NULL, content BLOB NOT NULL,
                     PRIMARY KEY(class, first, end, generation));
"""
_NEW = f"""
PRAGMA page_size={PAGE_SIZE};
BEGIN;
PRAGMA user_version={SCHEMA};
CREATE TABLE fact(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE dropped(class INTEGER, reason TEXT, identity TEXT, {_LOSS};
{_TABLES}
COMMIT;
"""
# Schema 1 had one class, one cursor and one highest sequence per identity, and knew nothing of segments.
_FROM_1 = f"""
BEGIN IMMEDIATE;
ALTER TABLE cursor RENAME TO cursor_1;
ALTER TABLE highest RENAME TO highest_1;
{_TABLES}
INSERT INTO cursor SELECT class, identity, 0, acked,
    CASE WHEN crc = crc32_1(identity, acked) THEN crc32(class, identity, 0, acked) ELSE -1 END FROM cursor_1;
INSERT INTO highest SELECT 1, identity, epoch, sequence,
    CASE WHEN crc = crc32_1(identity, sequence) THEN crc32(1, identity, sequence) ELSE -1 END FROM highest_1;
INSERT INTO fact SELECT 'frame1', value FROM fact WHERE name = 'frame';
DROP TABLE cursor_1;
DROP TABLE highest_1;
PRAGMA user_version={SCHEMA};
COMMIT;
"""  # noqa: S608  # our own names
_SETTINGS = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA mmap_size=0;
PRAGMA wal_autocheckpoint=32;
PRAGMA journal_size_limit=262144;
"""
_WRITE_FACT = "INSERT OR REPLACE INTO fact VALUES (?, ?)"
_WRITTEN = "written_ns"
_FACTS_OF_MARK = ("clock_seconds", "clock_boottime", "clock_wall_ns", "clock_boot_id")


class NotAsWritten(sqlite3.DatabaseError):
    """SQLite finds nothing wrong with the file, but no version of ours has written this."""


class Sealed(NamedTuple):
    """What is kept of a sealed segment, so that opening, skipping, dropping and unlinking read no frames."""

    place: Place
    facts: Facts
    size_bytes: int
    content: bytes
    """As ``content.to_bytes`` packs it."""


@dataclass(frozen=True)
class Saved:
    """What was read when it was opened."""

    epoch: int
    frames: dict[Priority, int]
    """No frame with a higher number has been unlinked, and no file has a name with a higher one."""
    written: dict[Priority, int]
    """The last frame of the segment that was being written, as far as it is known; 0 if none was."""
    cursors: list[Cursor]
    losses: list[Loss]
    untold: list[Loss]
    damage: list[Damage]
    sealed: list[Sealed]
    clock: Mark | None
    written_ns: int | None
    """When the file was written last, by the file system's clock."""
    new: bool
    """Made just now."""


@dataclass
class Changes:
    """What one transaction writes."""

    epoch: int
    clock: Mark
    frames: dict[Priority, int] = field(default_factory=dict)
    written: dict[Priority, int] = field(default_factory=dict)
    cursors: Sequence[Cursor] = ()
    losses: Sequence[Loss] = ()
    untold: Sequence[Loss] = ()
    told: Sequence[tuple[Priority, str, str]] = ()
    """Class, reason and identity of losses that were told."""
    damage: Sequence[Damage] = ()
    sealed: Sequence[Sealed] = ()
    gone: Sequence[Place] = ()
    """Segments whose files are gone."""


class Meta:
    """The open file."""

    def __init__(self, connection: aiosqlite.Connection, path: Path, saved: Saved) -> None:
        self._connection = connection
        self.path = path
        self.saved = saved

    async def write(self, changes: Changes) -> None:
        """All of it or nothing; on the disk when this returns. Raises sqlite3.Error."""
        written_ns = await asyncio.to_thread(directory.now_ns, self.path)
        await self._connection.execute_fetchall("BEGIN IMMEDIATE")
        try:
            await self._connection.execute_fetchall(_WRITE_FACT, (_WRITTEN, written_ns))
            for query, rows in _queries(changes):
                if rows:
                    await (await self._connection.executemany(query, rows)).close()
            await self._connection.execute_fetchall("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):  # SQLite has rolled back itself after some errors
                await self._connection.execute_fetchall("ROLLBACK")
            raise

    async def read_content(self, place: Place) -> bytes:
        """What a sealed segment holds, packed; empty where that is not known. Raises sqlite3.Error."""
        query = "SELECT content FROM segment WHERE class = ? AND first = ? AND end = ? AND generation = ?"
        rows = await _rows(self._connection, query, *place)
        return bytes(rows[0][0]) if rows else b""

    async def close(self) -> None:
        """Give the connection and its thread back."""
        with suppress(sqlite3.Error):  # what was committed stays committed; the thread ends in any case
            await self._connection.close()


def _queries(changes: Changes) -> list[tuple[str, list[tuple[Any, ...]]]]:
    facts: list[tuple[Any, ...]] = [("epoch", changes.epoch), *zip(_FACTS_OF_MARK, changes.clock, strict=True)]
    facts += [(f"frame{priority.value}", number) for priority, number in changes.frames.items()]
    facts += [(f"written{priority.value}", number) for priority, number in changes.written.items()]
    lanes = [(c.priority.value, c.identity) for c in changes.cursors]
    cursors = [
        (priority, identity, span, acked, checksum(priority, identity, span, acked))
        for (priority, identity), c in zip(lanes, changes.cursors, strict=True)
        for span, acked in ((0, c.acked), *c.spans)
    ]
    highest = [
        (*lane, changes.epoch, c.highest, checksum(*lane, c.highest))
        for lane, c in zip(lanes, changes.cursors, strict=True)
    ]
    return [
        (_WRITE_FACT, facts),
        ("DELETE FROM cursor WHERE class = ? AND identity = ? AND span > 0", list(lanes)),
        ("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?)", cursors),
        ("INSERT OR REPLACE INTO highest VALUES (?, ?, ?, ?, ?)", highest),
        ("INSERT OR REPLACE INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _loss_rows(changes.losses)),
        ("DELETE FROM untold WHERE class = ? AND reason = ? AND identity = ?", list(changes.told)),
        ("INSERT OR REPLACE INTO untold VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _loss_rows(changes.untold)),
        ("INSERT OR REPLACE INTO damage VALUES (?, ?, ?)", list(changes.damage)),
        (
            "DELETE FROM segment WHERE class = ? AND first = ? AND end = ? AND generation = ?",
            [tuple(place) for place in changes.gone],
        ),
        (
            "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*one.place, *one.facts, one.size_bytes, one.content) for one in changes.sealed],
        ),
    ]


def _loss_rows(losses: Iterable[Loss]) -> list[tuple[Any, ...]]:
    return [(loss.priority, loss.reason, loss.identity, *loss[3:]) for loss in losses]


async def open_meta(folder: Path, clocks: Clocks, random32: Callable[[], int]) -> Meta:
    """Open the file, or make it; a damaged one is set aside and the epoch made anew.

    Raises sqlite3.Error or OSError where the disk does not let it, BufferUnavailable for a file of a newer version.
    """
    path = folder / NAME
    if path.exists():
        try:
            with directory.readable():
                return await _open(path, clocks, random32)
        except sqlite3.Error as error:
            wrong = isinstance(error, NotAsWritten) or directory.certain(error)
            if not wrong and (not directory.damaged(error) or await asyncio.to_thread(_is_sound, path)):
                raise
            aside = await asyncio.to_thread(directory.set_aside, path, clocks.wall_ns())
            log.warning(
                "buffer: %s is damaged (%s) and was set aside as %s: messages that were delivered already may be "
                "delivered again, with the same ids",
                path,
                error,
                aside.name,
            )
    await _make(path)
    return await _open(path, clocks, random32, new=True)


def _is_sound(path: Path) -> bool:
    return wal.is_sound(directory.read_all(path), directory.read_log(path), PAGE_SIZE)


async def _make(path: Path) -> None:
    await asyncio.to_thread(directory.write_new, path, wal.empty_database(_NEW))
    await asyncio.to_thread(directory.sync, path.parent)


async def _open(path: Path, clocks: Clocks, random32: Callable[[], int], *, new: bool = False) -> Meta:
    times_ns, log_found = await asyncio.to_thread(_looked_at, path)
    connection = await aiosqlite.connect(directory.uri(path, "mode=rw"), uri=True, isolation_level=None)
    connection.text_factory = bytes.decode  # it raises a ValueError; the sqlite3 module an error that says nothing
    try:
        await connection.executescript(_SETTINGS)
        # SQLite has made the log by now, and does not say whether its name is on the disk.
        await asyncio.to_thread(directory.sync, path.parent)
        version = (await _rows(connection, "PRAGMA user_version"))[0][0]
        if version > SCHEMA:
            raise BufferUnavailable(f"{path} was made by a newer version (schema {version}; this one knows {SCHEMA})")
        if version == 1:
            await _migrate(connection)
            log.info("buffer: %s was brought from schema 1 to %d", path, SCHEMA)
        saved = await _judged(connection, new=new)
        doubts = [] if new else _doubts(saved, times_ns, log_found, clocks)
        saved = await _settle_epoch(connection, path, saved, doubts, random32)
    except BaseException:
        await connection.close()
        raise
    return Meta(connection, path, saved)


def _looked_at(path: Path) -> tuple[list[int], wal.Log]:
    """Times of the file as it was found (of contents and of names and rights), and its log."""
    beside = Path(f"{path}-wal")
    newest = beside if directory.has_log(path) else path
    found = newest.stat()
    return [found.st_mtime_ns, found.st_ctime_ns], wal.examine(directory.read_log(path), PAGE_SIZE)


def _doubts(saved: Saved, times_ns: Sequence[int], found: wal.Log, clocks: Clocks) -> list[str]:
    """Why sequences above the highest that are known may have been used; empty if none can have been."""
    doubts: list[str] = []
    if found.broken or (found.torn and saved.clock is not None and saved.clock.boot_id == clocks.boot_id() != ""):
        doubts.append("its log is damaged")
    if saved.written_ns is not None and max(times_ns) - saved.written_ns > RESTORED_S * 1e9:
        doubts.append("it was written by somebody else, as when a backup is restored")
    return doubts


async def _migrate(connection: aiosqlite.Connection) -> None:
    """From schema 1, in one transaction: killed in the middle, it is schema 1 still."""
    await connection.create_function("crc32", -1, checksum)
    await connection.create_function("crc32_1", 2, lambda identity, number: zlib.crc32(f"{identity} {number}".encode()))
    try:
        await connection.executescript(_FROM_1)
    except sqlite3.Error:
        with suppress(sqlite3.Error):  # SQLite has rolled back itself after some errors
            await connection.execute_fetchall("ROLLBACK")
        raise


async def _judged(connection: aiosqlite.Connection, *, new: bool) -> Saved:
    """All of it. Raises sqlite3.Error also where SQLite gives out what cannot have been written."""
    try:
        return await _read(connection, new=new)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise NotAsWritten(f"what is in it is not what was written: {error}") from error


async def _read(connection: aiosqlite.Connection, *, new: bool) -> Saved:
    facts = dict(await _rows(connection, "SELECT name, value FROM fact"))
    epoch = facts.get("epoch")
    return Saved(
        epoch=epoch if isinstance(epoch, int) else -1,
        frames={one: int(facts.get(f"frame{one.value}", 0)) for one in Priority},
        written={one: int(facts.get(f"written{one.value}", 0)) for one in Priority},
        cursors=await _read_cursors(connection),
        losses=await _read_losses(connection, "dropped"),
        untold=await _read_losses(connection, "untold"),
        damage=[Damage(Priority(row[0]), *row[1:]) for row in await _rows(connection, "SELECT * FROM damage")],
        sealed=[
            Sealed(Place(Priority(row[0]), *row[1:4]), Facts(*row[4:11]), row[11], row[12])
            for row in await _rows(connection, "SELECT * FROM segment ORDER BY class, first, end, generation")
        ],
        clock=Mark(*(facts[name] for name in _FACTS_OF_MARK)) if _FACTS_OF_MARK[0] in facts else None,
        written_ns=facts.get(_WRITTEN),
        new=new,
    )


async def _read_losses(connection: aiosqlite.Connection, table: str) -> list[Loss]:
    rows = await _rows(connection, f"SELECT * FROM {table}")  # noqa: S608  # our own names
    return [Loss(row[1], row[2], Priority(row[0]), *row[3:]) for row in rows]


async def _read_cursors(connection: aiosqlite.Connection) -> list[Cursor]:
    """Those whose checksums are right; a highest sequence of -1 tells of one that is wrong. Raises sqlite3.Error."""
    found: dict[tuple[int, str], Cursor] = {}
    query = "SELECT class, identity, sequence, crc FROM highest"
    for priority, identity, sequence, crc in await _rows(connection, query):
        right = checksum(priority, identity, sequence) == crc
        found[priority, identity] = Cursor(identity, Priority(priority), 0, sequence if right else -1)
    for priority, identity, span, acked, crc in await _rows(connection, "SELECT * FROM cursor"):
        key = priority, identity
        known = found.get(key, Cursor(identity, Priority(priority), 0, 0))
        if checksum(priority, identity, span, acked) != crc:
            log.error(
                "buffer: a cursor is damaged: messages of %s that were delivered may be delivered again", identity
            )
            query = "DELETE FROM cursor WHERE class IS ? AND identity IS ? AND span IS ?"
            await _rows(connection, query, priority, identity, span)
        elif span:
            found[key] = known._replace(spans=(*known.spans, (span, acked)))
        else:
            found[key] = known._replace(acked=acked)
    return list(found.values())


async def _settle_epoch(
    connection: aiosqlite.Connection, path: Path, saved: Saved, doubts: list[str], random32: Callable[[], int]
) -> Saved:
    """A new epoch where the old one's sequences may have been used by another, or are not known."""
    facts = dict(await _rows(connection, "SELECT name, value FROM fact"))
    here = _home(path)
    if not all(facts.get(name) == value for name, value in here.items()):
        doubts = [*doubts, "it was copied or restored"]
    bad = [cursor for cursor in saved.cursors if cursor.highest < 0]
    if bad:
        doubts = [*doubts, "highest sequences in it are damaged"]
        for cursor in bad:
            query = "DELETE FROM highest WHERE class IS ? AND identity IS ?"
            await _rows(connection, query, cursor.priority.value, cursor.identity)
        saved = replace(saved, cursors=[c._replace(highest=0) if c.highest < 0 else c for c in saved.cursors])
    if saved.epoch >= 0 and not doubts:
        return saved
    if saved.epoch >= 0:
        log.warning("buffer: message ids go on with a new epoch: of %s, %s", path, "; ".join(doubts))
    epoch = another(saved.epoch, random32)
    values = ["epoch", epoch, *(value for fact in here.items() for value in fact)]
    await _rows(connection, "INSERT OR REPLACE INTO fact VALUES (?, ?), (?, ?), (?, ?)", *values)
    return replace(saved, epoch=epoch)


def another(epoch: object, random32: Callable[[], int] = lambda: secrets.randbits(32)) -> int:
    """A random 32-bit number that is not this one."""
    while (found := random32()) == epoch:
        pass
    return found


def checksum(*values: object) -> int:
    """A flipped bit in a cursor would skip messages, one in a highest sequence would use it twice."""
    return zlib.crc32(" ".join(map(str, values)).encode())


async def _rows(connection: aiosqlite.Connection, query: str, *values: Any) -> list[Any]:
    return list(await connection.execute_fetchall(query, values))


def _home(path: Path) -> dict[str, object]:
    """What a copy of the file, or the file on another machine, does not have."""
    machine = ""
    with suppress(OSError):
        machine = _MACHINE.read_text(encoding="ascii", errors="replace").strip()
    return {"inode": path.stat().st_ino, "machine": machine}
