"""Files of the state directory that survive a crash and several processes: locked, for their owner alone, on disk.

Where root makes one (``sudo``), it belongs to the owner of the directory all the same, so that the gateway's own user
can go on with it. All functions raise OSError.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 10.0
"""So long others may hold a lock: they need milliseconds, a disk that hangs needs longer than anybody waits."""
_PAUSE_S = 0.01


@contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Nobody else is in such a block of this lock. Raises TimeoutError where somebody does not leave it."""
    handle = opened(path, os.O_RDWR)
    until = time.monotonic() + patience_s
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise TimeoutError(None, f"another process holds {path.name}") from error
                time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(handle)


def opened(path: Path, flags: int) -> int:
    """A descriptor of the file, which is made where there is none. Never through a link: root may be who opens it."""
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def append(path: Path, data: bytes) -> None:
    """Behind all that is in the file; on disk when this returns."""
    with os.fdopen(opened(path, os.O_WRONLY | os.O_APPEND), "ab") as stream:
        fresh = stream.tell() == 0
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if fresh:
        settle(path.parent)


def replace(path: Path, data: bytes) -> None:
    """The file holds this, on disk, when it returns; after a crash this or what it held before. One at a time."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(opened(fresh, os.O_WRONLY), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Names that were made or changed in it are on disk when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
