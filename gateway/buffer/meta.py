"""``meta.db``: what must outlive the segments: the epoch, the cursors, the highest sequences, the losses."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from gateway.buffer import directory
from gateway.buffer.frames import TELEMETRY
from gateway.buffer.losses import Loss
from gateway.buffer.port import BufferUnavailable

log = logging.getLogger("fieldgate")

NAME = "meta.db"
SCHEMA = 1
_MACHINE = Path("/etc/machine-id")
_TABLES = f"""
PRAGMA page_size=4096;
PRAGMA synchronous=OFF;
PRAGMA journal_mode=WAL;
PRAGMA user_version={SCHEMA};
CREATE TABLE fact(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE cursor(class INTEGER, identity TEXT, acked INTEGER NOT NULL, crc INTEGER NOT NULL,
                    PRIMARY KEY(class, identity)) WITHOUT ROWID;
CREATE TABLE highest(identity TEXT PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
                     crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dropped(class INTEGER, reason TEXT, identity TEXT, messages INTEGER NOT NULL, first INTEGER NOT NULL,
                     last INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
                     PRIMARY KEY(class, reason, identity)) WITHOUT ROWID;
"""
_SETTINGS = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA mmap_size=0;
PRAGMA wal_autocheckpoint=32;
PRAGMA journal_size_limit=262144;
"""
_WRITE_FACT = "INSERT OR REPLACE INTO fact VALUES (?, ?)"


class Saved(NamedTuple):
    """What was read when it was opened."""

    epoch: int
    frame: int
    """No frame with a higher number has been unlinked."""
    acked: dict[str, int]
    highest: dict[str, int]
    losses: list[Loss]


class Cursor(NamedTuple):
    """How far one identity has come."""

    identity: str
    acked: int
    highest: int


class Meta:
    """The open file."""

    def __init__(self, connection: aiosqlite.Connection, path: Path, saved: Saved) -> None:
        self._connection = connection
        self.path = path
        self.saved = saved

    async def write(self, epoch: int, frame: int, cursors: Iterable[Cursor], losses: Iterable[Loss]) -> None:
        """All of it or nothing; on the disk when this returns. Raises sqlite3.Error."""
        cursors = list(cursors)
        run = self._connection.executemany
        await self._connection.execute_fetchall("BEGIN IMMEDIATE")
        try:
            await (await run(_WRITE_FACT, [("epoch", epoch), ("frame", frame)])).close()
            rows: list[tuple[Any, ...]]
            rows = [(TELEMETRY, c.identity, c.acked, checksum(c.identity, c.acked)) for c in cursors]
            await (await run("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", rows)).close()
            rows = [(c.identity, epoch, c.highest, checksum(c.identity, c.highest)) for c in cursors]
            await (await run("INSERT OR REPLACE INTO highest VALUES (?, ?, ?, ?)", rows)).close()
            rows = [(TELEMETRY, *loss) for loss in losses]
            await (await run("INSERT OR REPLACE INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)).close()
            await self._connection.execute_fetchall("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):  # SQLite has rolled back itself after some errors
                await self._connection.execute_fetchall("ROLLBACK")
            raise

    async def close(self) -> None:
        """Give the connection and its thread back."""
        with suppress(sqlite3.Error):  # what was committed stays committed; the thread ends in any case
            await self._connection.close()


async def open_meta(folder: Path, now_ns: int, random32: Callable[[], int]) -> Meta:
    """Open the file, or make it; a damaged one is set aside and the epoch made anew.

    Raises sqlite3.Error or OSError where the disk does not let it, BufferUnavailable for a file of a newer version.
    """
    path = folder / NAME
    if path.exists():
        try:
            return await _open(path, random32)
        except sqlite3.Error as error:
            if not directory.damaged(error):
                raise
            aside = await asyncio.to_thread(directory.set_aside, path, now_ns)
            log.warning(
                "buffer: %s is damaged (%s) and was set aside as %s: messages that were delivered already may be "
                "delivered again, with the same ids",
                path,
                error,
                aside.name,
            )
    await _make(path)
    return await _open(path, random32)


async def _make(path: Path) -> None:
    made = path.with_name(f"{path.name}{directory.NEW}")
    try:
        async with aiosqlite.connect(made, isolation_level=None) as connection:
            await connection.executescript(_TABLES)
        await asyncio.to_thread(directory.settle, made, path)
    except BaseException:
        directory.remove(made)
        raise


async def _open(path: Path, random32: Callable[[], int]) -> Meta:
    connection = await aiosqlite.connect(directory.uri(path, "mode=rw"), uri=True, isolation_level=None)
    try:
        await connection.executescript(_SETTINGS)
        version = (await _rows(connection, "PRAGMA user_version"))[0][0]
        if version > SCHEMA:
            raise BufferUnavailable(f"{path} was made by a newer version (schema {version}; this one knows {SCHEMA})")
        saved = await _read(connection, path, random32)
    except BaseException:
        await connection.close()
        raise
    return Meta(connection, path, saved)


async def _read(connection: aiosqlite.Connection, path: Path, random32: Callable[[], int]) -> Saved:
    facts = dict(await _rows(connection, "SELECT name, value FROM fact"))
    acked, bad_cursors = _checked(await _rows(connection, "SELECT identity, acked, crc FROM cursor"))
    highest, bad_highest = _checked(await _rows(connection, "SELECT identity, sequence, crc FROM highest"))
    if bad_cursors or bad_highest:
        log.error(
            "buffer: cursors in %s are damaged: messages that were delivered already may be delivered again", path
        )
        for identity in bad_cursors:
            await _rows(connection, "DELETE FROM cursor WHERE identity IS ?", identity)
        for identity in bad_highest:
            await _rows(connection, "DELETE FROM highest WHERE identity IS ?", identity)
    losses = [Loss(*row[1:]) for row in await _rows(connection, "SELECT * FROM dropped")]
    here = _home(path)
    at_home = all(facts.get(name) == value for name, value in here.items())
    epoch = facts.get("epoch")
    if not isinstance(epoch, int) or not at_home or bad_highest:
        if epoch is not None:
            log.warning("buffer: %s was copied, restored or damaged: message ids go on with a new epoch", path.parent)
        epoch = another(epoch, random32)
        values = ["epoch", epoch, *(value for fact in here.items() for value in fact)]
        await _rows(connection, "INSERT OR REPLACE INTO fact VALUES (?, ?), (?, ?), (?, ?)", *values)
    frame = facts.get("frame", 0)
    return Saved(epoch, frame if isinstance(frame, int) else 0, acked, highest, losses)


def another(epoch: object, random32: Callable[[], int] = lambda: secrets.randbits(32)) -> int:
    """A random 32-bit number that is not this one."""
    while (found := random32()) == epoch:
        pass
    return found


def _checked(rows: Iterable[tuple[Any, Any, Any]]) -> tuple[dict[str, int], list[Any]]:
    """The numbers whose checksum is right, and the identities of the others."""
    found: dict[str, int] = {}
    bad: list[Any] = []
    for identity, number, crc in rows:
        if isinstance(identity, str) and isinstance(number, int) and checksum(identity, number) == crc:
            found[identity] = number
        else:
            bad.append(identity)
    return found, bad


def checksum(identity: str, number: int) -> int:
    """A flipped bit in a cursor would skip messages, one in a highest sequence would use it twice."""
    return zlib.crc32(f"{identity} {number}".encode())


async def _rows(connection: aiosqlite.Connection, query: str, *values: Any) -> list[Any]:
    return list(await connection.execute_fetchall(query, values))


def _home(path: Path) -> dict[str, object]:
    """What a copy of the file, or the file on another machine, does not have."""
    machine = ""
    with suppress(OSError):
        machine = _MACHINE.read_text(encoding="ascii", errors="replace").strip()
    return {"inode": path.stat().st_ino, "machine": machine}
