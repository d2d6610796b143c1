"""A buffer's directory seen from outside: read without a lock or a trace, whether a gateway works in it or not.

A segment never changes where it was written once, so it is read as it lies there; of one that is being written all
commits are seen that were made before it was opened. ``meta.db`` does change: it is read again until nobody wrote
meanwhile. What vanishes while it is looked at was delivered, or rewritten under another name.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gateway.buffer import content, directory, meta, quarantine, rewriting
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content
from gateway.buffer.frames import FrameDamaged, Head, read_head
from gateway.buffer.lane import Cursor, restore
from gateway.buffer.lanes import Lanes
from gateway.buffer.port import ClassStats, Loss, Stats
from gateway.buffer.segments import Facts, Place, place, reading_uri
from gateway.model import Priority

T = TypeVar("T")

_TRIES = 100
_TRY_EVERY_S = 0.02
_GROWTH_SPAN_S = 60
"""Segments that took frames for less than this say nothing of how fast the buffer grows."""


class CannotLook(Exception):
    """The directory cannot be read; the text says why."""


class Aside(NamedTuple):
    """A damaged file that was set aside."""

    name: str
    size_bytes: int


class Kept(NamedTuple):
    """What ``meta.db`` says."""

    cursors: list[Cursor]
    losses: list[Loss]
    """Since the buffer was made."""
    contents: Mapping[Place, bytes]
    """What sealed segments hold, packed."""
    facts: Mapping[Place, Facts]


def read_kept(folder: Path) -> Kept:
    """Raises CannotLook."""
    path = folder / meta.NAME
    if not path.exists():
        if not places(folder):
            raise CannotLook(f"there is no buffer in {folder}")
        return Kept([], [], {}, {})
    return _steadily(path, lambda: _read_kept(path))


def _steadily(path: Path, read: Callable[[], T]) -> T:
    why = "somebody keeps writing to it"
    for _ in range(_TRIES):
        before = _stamp(path)
        try:
            found = read()
        except (sqlite3.Error, TypeError, ValueError) as error:  # whatever half a page may look like
            why = str(error)
        else:
            if _stamp(path) == before:
                return found
        time.sleep(_TRY_EVERY_S)
    raise CannotLook(f"{path} cannot be read: {why}")


def _stamp(path: Path) -> list[tuple[int, int]]:
    found = []
    for one in (path, Path(f"{path}-wal")):
        with suppress(FileNotFoundError):
            status = one.stat()
            found.append((status.st_mtime_ns, status.st_size))
    return found


def _connect(path: Path) -> sqlite3.Connection:
    """Opens the file and its log; tries again where it has another name just then."""
    for left in reversed(range(_TRIES)):
        try:
            connection = sqlite3.connect(reading_uri(path), uri=True, isolation_level=None)
        except sqlite3.OperationalError:
            if not left or not again(path):
                raise
            continue
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except BaseException:
            connection.close()
            raise
        break
    return connection


def _read_kept(path: Path) -> Kept:
    with closing(_connect(path)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version")
        if version > meta.SCHEMA:
            raise CannotLook(f"{path} was made by a newer version (schema {version}; this one knows {meta.SCHEMA})")
        losses = [
            Loss(reason, identity, Priority(number), *span)
            for number, reason, identity, *span in connection.execute("SELECT * FROM dropped")
        ]
        if version == 1:
            rows = connection.execute("SELECT class, identity, acked FROM cursor")
            return Kept([Cursor(row[1], Priority(row[0]), row[2], row[2]) for row in rows], losses, {}, {})
        sealed = [(Place(Priority(row[0]), *row[1:4]), row) for row in connection.execute("SELECT * FROM segment")]
        return Kept(
            _cursors(connection),
            losses,
            {one: row[12] for one, row in sealed},
            {one: Facts(*row[4:11]) for one, row in sealed},
        )


def _cursors(connection: sqlite3.Connection) -> list[Cursor]:
    """A lane of which something is damaged is left out: all of it waits, as after the next start."""
    found: dict[tuple[int, str], Cursor] = {}
    damaged: set[tuple[int, str]] = set()
    query = "SELECT class, identity, span, acked, crc FROM cursor ORDER BY span"
    for priority, identity, span, acked, crc in connection.execute(query):
        key = priority, identity
        if meta.checksum(priority, identity, span, acked) != crc:
            damaged.add(key)
        elif span == 0:
            found[key] = Cursor(identity, Priority(priority), acked, acked)
        elif key in found:
            found[key] = found[key]._replace(spans=(*found[key].spans, (span, acked)))
    return [cursor for key, cursor in found.items() if key not in damaged]


# What lies there.


def places(folder: Path) -> dict[Place, Path]:
    """The segments that count, in the order of their classes and frames. Raises CannotLook."""
    named = {found: path for path in _listed(folder) if (found := place(path)) is not None}
    rewritten = [one for one in named if one.generation]
    counting = [one for one in named if not any(other.replaces(one) for other in rewritten)]
    return {one: named[one] for one in sorted(counting)}


def _listed(folder: Path) -> list[Path]:
    """All files, once two looks see the same: one alone may miss what is renamed meanwhile."""
    before: list[str] = []
    moved: list[str] = []
    for _ in range(_TRIES):
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        moved = [name for name in names if name.endswith(directory.MOVED)]
        if names == before and not moved:
            return [folder / name for name in names]
        before = names
        time.sleep(_TRY_EVERY_S if moved else 0)
    if moved:
        right = moved[0].removesuffix(directory.MOVED)
        raise CannotLook(f"a gateway was cut off while it closed {folder / moved[0]}: rename it to {right}")
    return [folder / name for name in before]


def again(path: Path) -> bool:
    """Whether a file that was not there is there again: it has another name while it is closed."""
    for _ in range(_TRIES):
        if path.exists():
            return True
        if not Path(f"{path}{directory.MOVED}").exists():
            break
        time.sleep(_TRY_EVERY_S)
    return path.exists()


def look(folder: Path, kept: Kept) -> Stats:
    """What waits there, without what only a running gateway knows. Raises CannotLook."""
    lanes = Lanes()
    for cursor in kept.cursors:
        restore(lanes.lane(cursor.identity, cursor.priority), cursor)
    sizes = dict.fromkeys(Priority, 0)
    for one, path in places(folder).items():
        held = _holds(one, path, kept, lanes)
        while held is None and again(path):
            held = _holds(one, path, kept, lanes)
        if held is None:
            continue  # it was delivered meanwhile
        sizes[one.priority] += directory.size(path)
        for identity, extent in held.items():
            lanes.take_in(lanes.lane(identity, one.priority), extent)
    lanes.taken_in()
    return _stats(folder, lanes, sizes, kept.losses)


def _holds(one: Place, path: Path, kept: Kept, lanes: Lanes) -> Content | None:
    """What a segment holds of each identity; where sequences have holes, with the number that really waits.

    None where it is not there.
    """
    try:
        held = _content(one, path, kept)
    except FileNotFoundError:
        return None
    holes = {
        identity: acked
        for identity, extent in held.items()
        if extent.messages <= extent.last - extent.first
        and extent.first <= (acked := lanes.lane(identity, one.priority).acked) < extent.last
    }
    if not holes:
        return held
    counted = rewriting.count_after(path, holes)
    return held | {
        identity: held[identity]._replace(first=acked + 1, messages=counted[identity])
        for identity, acked in holes.items()
    }


def _content(one: Place, path: Path, kept: Kept) -> Content:
    with suppress(TableDamaged, KeyError):
        return content.from_bytes(kept.contents[one])
    if one.generation and (about := rewriting.read_about(path, one.priority)) is not None:
        return about.content
    held: Content = {}
    for head in _heads(path):
        content.add(held, head.number, head.sections)
    return held


def _heads(path: Path) -> Iterator[Head]:
    """Of the frames that can be read."""
    for (packed,) in rows(path, "SELECT head FROM frame ORDER BY number"):
        with suppress(FrameDamaged, TypeError):
            yield read_head(packed)


def rows(path: Path, query: str, *, strict: bool = False) -> Iterator[Any]:
    """As far as they can be read; ``strict``: raises sqlite3.Error where damage ends them."""
    try:
        with closing(_connect(path)) as connection:
            yield from connection.execute(query)
    except sqlite3.Error as error:
        if not path.exists():
            raise FileNotFoundError(path) from error
        if not directory.damaged(error):
            raise CannotLook(f"{path} cannot be read: {error}") from error
        if strict:
            raise


def _stats(folder: Path, lanes: Lanes, sizes: Mapping[Priority, int], losses: Collection[Loss]) -> Stats:
    classes: dict[Priority, ClassStats] = {}
    waiting: dict[str, int] = {}
    for priority in Priority:
        here = [lane for lane in lanes if lane.priority is priority and lane.all_waiting]
        times = [at_ns for lane in here if (at_ns := lane.oldest_ns) is not None]
        count = sum(lane.all_waiting for lane in here)
        classes[priority] = ClassStats(count, sizes[priority], min(times, default=None))
        for lane in here:
            waiting[lane.identity] = waiting.get(lane.identity, 0) + lane.all_waiting
    dropped: dict[str, int] = {}
    for loss in losses:
        dropped[loss.reason] = dropped.get(loss.reason, 0) + loss.messages
    other = directory.size(folder / meta.NAME) + directory.size(folder / directory.BALLAST)
    oldest = [one.oldest_ns for one in classes.values() if one.oldest_ns is not None]
    return Stats(
        messages=sum(waiting.values()),
        bytes_on_disk=sum(sizes.values()) + other,
        quota_bytes=0,
        oldest_ns=min(oldest, default=None),
        waiting=waiting,
        dropped=dropped,
        full="",
        classes=classes,
        quarantined=_quarantined(folder),
    )


def _quarantined(folder: Path) -> int:
    path = folder / quarantine.NAME
    with suppress(FileNotFoundError):
        return next((row[0] for row in rows(path, "SELECT count(*) FROM refused")), 0) if path.exists() else 0
    return 0


def aside(folder: Path) -> list[Aside]:
    """Damaged files that were set aside, the oldest first, and the frames that could not be read as one."""
    found = sorted((path.stat().st_mtime_ns, path.name, path.stat().st_size) for path in folder.glob("*.damaged-*"))
    files = [Aside(name, size) for _, name, size in found]
    frames = sum(path.stat().st_size for path in (folder / directory.DAMAGED).glob("*"))
    return [*files, Aside(f"{directory.DAMAGED}/", frames)] if frames else files


def growth(folder: Path, kept: Kept) -> float | None:
    """Bytes a second that were written lately, by the newest segments of each class; None where that is not known."""
    total: float | None = None
    for priority in Priority:
        written = seconds = 0.0
        newest = [(one, path) for one, path in places(folder).items() if one.priority is priority and not one.last]
        for one, path in newest[-2:]:
            with suppress(FileNotFoundError):
                size, span_s = directory.size(path), _span_s(one, path, kept)
                if span_s is not None:
                    written, seconds = written + size, seconds + span_s
        if seconds >= _GROWTH_SPAN_S:
            total = (total or 0.0) + written / seconds
    return total


def _span_s(one: Place, path: Path, kept: Kept) -> int | None:
    """How long a segment has taken frames; None for one of an older version."""
    if one in kept.facts:
        return kept.facts[one].born_last - kept.facts[one].born_first
    ends = "SELECT head FROM frame WHERE number IN ((SELECT min(number) FROM frame), (SELECT max(number) FROM frame))"
    born = []
    for (packed,) in rows(path, ends):
        with suppress(FrameDamaged, TypeError):
            born.append(read_head(packed).born)
    known = [at_s for at_s in born if at_s is not None]
    return max(known) - min(known) if known else None
