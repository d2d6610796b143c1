"""The buffer's directory as the file system sees it: names that last, sizes, free space, the ballast."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.buffer.port import BufferFull, BufferTrouble, BufferUnavailable

BALLAST = "ballast"
NEW = ".new"
"""Ends the name of a file that is being made: it gets its own name when it is whole and on the disk."""
MOVED = ".closing"
"""Ends the name that a database has while its connection closes, so that SQLite leaves its log alone."""
DAMAGED = "damaged"
"""Folder of the frames that could not be read."""
DAMAGED_LIMIT = 64 * 1024 * 1024
"""Of that folder."""
ASIDE_LIMIT = 10 * 16 * 1024 * 1024
"""Of the files that were set aside, with their side files."""
UNSYNCED = "unsynced"
"""While this file is there, a drained segment has gone before the highest sequences were on the disk."""
_SIDE_FILES = ("", "-wal", "-shm", "-journal")
_PRIMARY = 0xFF
_BLOCK = 4096
_TRIES = 10
_FULL = {errno.ENOSPC, errno.EDQUOT}


def translated(error: sqlite3.Error | OSError, where: Path) -> BufferTrouble:
    """What a foreign error means to those who use the buffer; a mistake of our own passes."""
    if isinstance(error, sqlite3.ProgrammingError):
        raise error
    if isinstance(error, OSError):
        full = error.errno in _FULL
    else:
        full = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY == sqlite3.SQLITE_FULL
    return BufferFull("disk") if full else BufferUnavailable(f"{where}: {error}")


def damaged(error: sqlite3.Error) -> bool:
    """Whether the error says that the bytes in the file are wrong, not that the disk is slow, full or gone."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    wrong = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
    return code & _PRIMARY in wrong or code == sqlite3.SQLITE_IOERR_SHORT_READ


def certain(error: sqlite3.Error) -> bool:
    """Whether what is wrong stands in the file itself: a disk that has trouble for a moment does not look like that."""
    return getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}


def uri(path: Path, options: str) -> str:
    """How SQLite is told to open a file with options."""
    return f"{path.absolute().as_uri()}?{options}"


def has_log(path: Path) -> bool:
    """Whether a write-ahead log with something in it lies beside the database."""
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


def make(directory: Path) -> None:
    """The directory and those above it exist, on the disk, for the owner alone; leftovers of a crash are gone."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)
    for path in directory.glob(f"*{NEW}*"):
        path.unlink()
    for path in directory.glob(f"*{MOVED}"):
        move_back(path.with_suffix(""))
    for path in directory.glob("*.db-wal"):
        if not path.with_name(path.name.removesuffix("-wal")).exists():
            path.unlink()


def move_away(path: Path) -> bool:
    """Give a database another name for a moment; False where it has gone already."""
    try:
        path.rename(f"{path}{MOVED}")
    except FileNotFoundError:
        return False
    return True


def is_away(path: Path) -> bool:
    """Whether it was moved away and not back."""
    return Path(f"{path}{MOVED}").exists()


def move_back(path: Path) -> None:
    """Give it its name again. A crash between the two is made good by ``make``."""
    Path(f"{path}{MOVED}").rename(path)


def sync(path: Path) -> None:
    """A file's bytes, or a directory's names, are on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_all(path: Path) -> bytes:
    """The bytes of a file, each block asked for several times; those that the disk does not give even so are zero.

    SQLite calls it damage when the disk does not give a page, which may be over in a moment.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError:
        size = path.stat().st_size
    return b"".join([_block(path, start, min(_BLOCK, size - start)) for start in range(0, size, _BLOCK)])


def read_log(path: Path) -> bytes:
    """The bytes of the write-ahead log beside a database, as ``read_all`` gives them; none where there is none."""
    return read_all(Path(f"{path}-wal")) if has_log(path) else b""


def _block(path: Path, start: int, size: int) -> bytes:
    for _ in range(_TRIES):
        with suppress(OSError), path.open("rb", buffering=0) as stream:
            stream.seek(start)
            found = stream.read(size)
            if len(found) == size:
                return found
    return bytes(size)


def write_new(path: Path, content: bytes) -> None:
    """A file of these bytes under this name, if the name lasts: that is for the caller to see to."""
    made = path.with_name(f"{path.name}{NEW}")
    try:
        with made.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        made.rename(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


@contextmanager
def readable() -> Iterator[None]:
    """What SQLite says of a damaged file may itself not be text: that is damage too. Raises sqlite3.DatabaseError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError(f"what is said of the damage is not text: {error}") from error


def settle(made: Path, path: Path) -> None:
    """Give a whole file its name: after a crash it is there whole, or not at all."""
    sync(made)
    made.rename(path)
    sync(path.parent)


def size(path: Path) -> int:
    """Bytes on the disk of a database with its side files."""
    total, name = 0, str(path)
    for suffix in _SIDE_FILES:
        try:
            total += os.stat(name + suffix).st_size  # noqa: PTH116  # asked after every commit: a Path takes twice as long
        except FileNotFoundError:
            continue
    return total


def remove(path: Path) -> None:
    """A database is gone with its side files. A power cut may bring it back: what it held must be known to be done."""
    for suffix in reversed(_SIDE_FILES):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def sacrifice(path: Path) -> Path:
    """Give a database's bytes back without needing a single one to do so; what stays is a mark of it.

    No order of these steps on the disk is harmful: an emptied file under its own name counts as damaged.
    """
    mark = path.with_name(UNSYNCED)
    path.rename(mark)
    sync(path.parent)
    os.truncate(mark, 0)
    remove(path)
    return mark


def set_aside(path: Path, now_ns: int) -> Path:
    """A damaged database keeps its bytes under a name that nothing here reads; returns the name."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ns / 1e9))
    for number in range(1000):
        aside = path.with_name(f"{path.name}.damaged-{stamp}" + (f"-{number}" if number else ""))
        if not aside.exists():
            break
    for suffix in reversed(_SIDE_FILES):
        side = Path(f"{path}{suffix}")
        if side.exists():
            side.rename(f"{aside}{suffix}")
    bound(list(path.parent.glob("*.damaged-*")), ASIDE_LIMIT)
    sync(path.parent)
    return aside


def keep_damaged(folder: Path, name: str, content: bytes) -> None:
    """Bytes that could not be read, for people; the oldest of them go where there would be too many."""
    kept = folder / DAMAGED
    kept.mkdir(mode=0o700, exist_ok=True)
    (kept / name).write_bytes(content)
    bound(list(kept.iterdir()), DAMAGED_LIMIT)


def bound(paths: Sequence[Path], limit: int) -> None:
    """The oldest of these files go until all together are no larger than this."""
    found = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in paths)
    total = sum(size for _, size, _ in found)
    for _, size, path in found[:-1]:
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def now_ns(path: Path) -> int:
    """The time as the file system counts it, which no shift of the process's clock changes; the file is touched."""
    os.utime(path)
    return path.stat().st_mtime_ns


def free_bytes(directory: Path) -> int:
    """Bytes that may still be written to the disk."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def take_ballast(directory: Path, size_bytes: int) -> bool:
    """Hold this much of the disk in a file of no use; False where there is no room for it."""
    path = directory / BALLAST
    if path.exists() and path.stat().st_size == size_bytes:
        return True
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError:  # no inode left, for example
        return False
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
        os.fsync(descriptor)
    except OSError:
        path.unlink()
        return False
    finally:
        os.close(descriptor)
    return True


def drop_ballast(directory: Path) -> None:
    """Give the ballast's bytes to whoever writes next."""
    (directory / BALLAST).unlink(missing_ok=True)
