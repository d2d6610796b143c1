"""The frames of sealed segments, read from end to end: to be rewritten, or to be salvaged where something is damaged.

Of a damaged log several readings are tried for each frame (``wal.replayed``): a wrong page near the root of the tree
hides frames that are as good as ever, and lie where they were before that page was written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from gateway.buffer import directory, wal
from gateway.buffer.frames import FrameDamaged, Head, read_body, read_head
from gateway.buffer.policy import PAGE_SIZE
from gateway.buffer.segments import Facts, Place, place, reading_uri
from gateway.model import Priority

_FRAMES_AT_MOST = 65_536
_UNKNOWN = Place(Priority.TELEMETRY, 0, 0, 0)
_Row: TypeAlias = tuple[int, Any, Any, Any]
"""Number, messages, head, body, as SQLite gives them."""


class SegmentDamaged(Exception):
    """A source cannot be read to its end: it has to be salvaged."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path


class Source(NamedTuple):
    """A sealed segment to be read."""

    path: Path
    first: int
    facts: Facts
    known: bool = True
    """Whether the facts are those of all that was accepted; else only their ``last`` counts, and there may be more."""
    whole: bool = True
    """Whether no commit can be half on the disk: the power did not go."""


class Bad(NamedTuple):
    """A frame that cannot be read, with its bytes as far as they could be had."""

    number: int
    messages: int
    head: bytes
    body: bytes


class Whole(NamedTuple):
    """A frame as it was read, and found to be right."""

    head: Head
    packed_head: bytes
    body: bytes
    raw: bytes


def frames(source: Source, priority: Priority, *, salvage: bool) -> Iterator[Whole | Bad]:
    """Those of the source, in order; what cannot be read is a Bad one.

    Not to ``salvage``: raises SegmentDamaged for the first of them, and where some are missing. Raises sqlite3.Error.
    """
    if salvage:
        yield from _salvaged(source, priority)
        return
    seen = 0
    with closing(open_to_read(source.path)) as connection:
        for row in _all(connection, source):
            seen += 1
            found = _judged(row, priority)
            if isinstance(found, Bad):
                raise SegmentDamaged(source.path, f"frame {found.number} is damaged")
            yield found
    if seen != source.facts.frames:
        raise SegmentDamaged(source.path, f"{seen} frames of {source.facts.frames}")


def is_sound(source: Source) -> bool:
    """Whether every frame is in it as it was written, and the log is whole: the disk did not give it for a moment."""
    size = wal.page_size(directory.read_all(source.path), PAGE_SIZE)
    log = wal.examine(directory.read_log(source.path), size, begun_anew=False)
    found = list(frames(source, (place(source.path) or _UNKNOWN).priority, salvage=True))
    whole = not any(isinstance(frame, Bad) for frame in found) and len(found) == source.facts.frames
    return whole and not log.broken and not log.torn


def open_to_read(path: Path) -> sqlite3.Connection:
    """A sealed file, as it is."""
    connection = sqlite3.connect(reading_uri(path), uri=True, isolation_level=None)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    return connection


_ALL = "SELECT number, messages, head, body FROM frame WHERE number <= ? ORDER BY number"
_ONE = "SELECT number, messages, head, body FROM frame WHERE number = ?"


def _all(connection: sqlite3.Connection, source: Source) -> Iterator[_Row]:
    try:
        yield from connection.execute(_ALL, (source.facts.last,))
    except sqlite3.Error as error:
        if not directory.damaged(error):
            raise
        raise SegmentDamaged(source.path, str(error)) from error


def _judged(row: _Row, priority: Priority) -> Whole | Bad:
    number, messages, packed_head, body = row
    try:
        head = read_head(packed_head)
        if head.number == number and head.priority is priority:
            return Whole(head, packed_head, body, read_body(head, body))
    except (FrameDamaged, TypeError):
        pass
    return Bad(number, messages if isinstance(messages, int) else 1, _bytes(packed_head), _bytes(body))


def _bytes(found: object) -> bytes:
    return found if isinstance(found, bytes) else b""


# Salvaging.


def _salvaged(source: Source, priority: Priority) -> Iterator[Whole | Bad]:
    log, database = directory.read_log(source.path), directory.read_all(source.path)
    size = wal.page_size(database, PAGE_SIZE)
    found = wal.examine(log, size, begun_anew=False)
    ways: Sequence[wal.Reading] = ("all",) if all(page.sound for page in found.pages) else ("all", "sound", "before")
    with ExitStack() as stack:
        readings: list[sqlite3.Connection] = []
        for way in ways:
            connection = stack.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
            connection.deserialize(wal.replayed(database, log, size, way))
            readings.append(connection)
        numbers, listed = _numbers(readings, source, found)
        hidden = 0
        for number in numbers:
            frame, failed = _best(readings, number, priority, listed=listed)
            if frame is not None:
                yield frame
            elif listed:
                yield Bad(number, 1, b"", b"")  # it was in a page of the tree that is not the one written last
            elif failed:
                hidden = hidden or number
        if hidden:
            yield Bad(hidden, 1, b"", b"")  # and perhaps more: how many there were cannot be read


def _best(
    readings: Sequence[sqlite3.Connection], number: int, priority: Priority, *, listed: bool
) -> tuple[Whole | Bad | None, bool]:
    """The frame as the first of the readings has it that has it right; and whether something stood in the way."""
    bad: Bad | None = None
    failed = False
    for connection in readings:
        row: _Row | None = None
        try:
            row = connection.execute(_ONE, (number,)).fetchone()
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            _raise_if_whole(error)
            failed = True
            if listed:
                row = _piecewise(connection, number)
        if row is not None:
            found = _judged(row, priority)
            if isinstance(found, Whole):
                return found, failed
            bad = bad or found
    return bad, failed


def _numbers(readings: Sequence[sqlite3.Connection], source: Source, log: wal.Log) -> tuple[Sequence[int], bool]:
    """Which frames there should be, and whether that is known: of one that was not rewritten none is missing."""
    end = source.facts.last if source.known else source.first + _FRAMES_AT_MOST
    found: set[int] = set()
    failed = False
    for connection in readings:
        try:
            query = "SELECT number FROM frame WHERE number <= ? ORDER BY number"
            found.update(number for (number,) in connection.execute(query, (end,)))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            _raise_if_whole(error)
            failed = True
    if (place(source.path) or _UNKNOWN).generation:
        return (range(source.first, end + 1), False) if failed else (sorted(found), True)
    if not source.known:
        commits = log.commits if source.whole else log.certain
        # A number may itself be what is wrong: one commit holds few frames.
        likely = [number for number in found if number < source.first + 2 * commits + 8]
        end = max([source.first + commits - 1, source.facts.last, *likely])
    return range(source.first, end + 1), True


def _raise_if_whole(error: Exception) -> None:
    """A disk that does not give the bytes back for now does not make them wrong."""
    if isinstance(error, sqlite3.Error) and not directory.damaged(error):
        raise error


def _piecewise(connection: sqlite3.Connection, number: int) -> _Row:
    """A frame that cannot be read as a whole: its head may lie on other pages than its body."""
    found: dict[str, object] = {"messages": 1, "head": b"", "body": b""}
    for column in found:
        query = f"SELECT {column} FROM frame WHERE number = ?"  # noqa: S608  # our own names
        try:
            found[column] = connection.execute(query, (number,)).fetchone()[0]
        except (sqlite3.Error, OverflowError, UnicodeDecodeError, TypeError) as error:
            _raise_if_whole(error)
    return number, found["messages"], found["head"], found["body"]
