"""Our own layer between a process and the kernel (``shim.c``): built with gcc, preloaded, driven from within.

A process that was started with ``environment()`` can ask ``preloaded()`` for the handle; until then nothing is changed.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("shim.c")
_HEAD = struct.Struct("<IIQQQ")


class Kind(IntEnum):
    """What happened; the numbers stand in ``shim.c`` as well."""

    WRITE = 1
    TRUNCATE = 2
    SYNC_BEGIN = 3
    SYNC_END = 4
    SYNC_FAILED = 5
    CREATE = 6
    RENAME = 7
    UNLINK = 8
    MKDIR = 9
    LINK = 10
    MARK = 11
    MAPPED = 12


class Failing(IntFlag):
    """Which calls fail."""

    WRITE = 1
    SYNC = 2
    TRUNCATE = 4
    OPEN = 8
    """Only those that create or truncate."""
    NAME = 16
    """rename, unlink, mkdir, link."""
    READ = 32
    SHORT = 64
    """Not a failure: a write takes a part only."""


class Event(NamedTuple):
    """One thing that the process asked for, in the order of the kernel."""

    kind: Kind
    inode: int
    offset: int
    """Of a write; the size of a truncated file; the number of a sync."""
    at_ns: int
    """CLOCK_MONOTONIC."""
    data: bytes
    """What was written; the names (one or two, with a zero between); the text of a mark."""

    @property
    def names(self) -> tuple[str, str]:
        """Of a CREATE, MKDIR or UNLINK the first, of a RENAME or LINK both."""
        first, _, second = self.data.partition(b"\0")
        return first.decode(), second.decode()


def parse(log: bytes) -> Iterator[Event]:
    """The events of a log, in order."""
    position = 0
    while position < len(log):
        kind, size, inode, offset, at_ns = _HEAD.unpack_from(log, position)
        position += _HEAD.size
        yield Event(Kind(kind), inode, offset, at_ns, log[position : position + size])
        position += size


class Shim:
    """The layer in this very process."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.faults_log.restype = ctypes.c_void_p
        library.faults_failed.restype = ctypes.c_long
        library.faults_operations.restype = ctypes.c_long
        library.faults_start.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_uint64]
        library.faults_fail.argtypes = [ctypes.c_int, ctypes.c_double, ctypes.c_int]
        library.faults_clocks.argtypes = [ctypes.c_int64, ctypes.c_int64]

    def start(self, folder: Path, *, record: bool = True, slow_sync_us: int = 0, seed: int = 1) -> None:
        """Watch this folder from now on; what was recorded before is forgotten.

        A sync takes up to ``slow_sync_us`` microseconds longer, so that other calls come between its ends.
        """
        self._library.faults_start(str(folder).encode(), int(record), slow_sync_us, seed)

    def stop(self) -> None:
        """Nothing is recorded and nothing fails any more; the log can still be fetched."""
        self._library.faults_stop()

    def mark(self, text: bytes) -> None:
        """A remark between the events."""
        self._library.faults_mark(text, len(text))

    def log(self) -> list[Event]:
        """What was recorded since ``start``."""
        size = ctypes.c_size_t()
        address = self._library.faults_log(ctypes.byref(size))
        return list(parse(ctypes.string_at(address, size.value))) if address else []

    def fail(self, what: Failing, rate: float, error: int) -> None:
        """This share of these calls fails from now on with this errno; 0 ends it."""
        self._library.faults_fail(int(what), rate, error)

    def failed(self) -> int:
        """How many calls were made to fail."""
        return int(self._library.faults_failed())

    def clocks(self, wall_s: float, boot_s: float = 0.0) -> None:
        """CLOCK_REALTIME and CLOCK_BOOTTIME are shifted by so much from now on."""
        self._library.faults_clocks(int(wall_s * 1e9), int(boot_s * 1e9))


@functools.cache
def library() -> Path | None:
    """The built layer; None where there is no gcc. Built once per version of the source."""
    gcc = shutil.which("gcc")
    if gcc is None or sys.platform != "linux":
        return None
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"fieldgate-faults-{os.getuid()}-{digest}.so"
    if not built.exists():
        made = built.with_name(f"{built.name}.{os.getpid()}")
        subprocess.run([gcc, "-shared", "-fPIC", "-O2", "-o", made, SOURCE, "-ldl", "-lpthread"], check=True)
        made.rename(built)
    return built


def environment() -> dict[str, str]:
    """For a process that shall have the layer. Raises FileNotFoundError where it cannot be built."""
    built = library()
    if built is None:
        raise FileNotFoundError("gcc is missing: apt-get install gcc libc6-dev")
    return {**os.environ, "LD_PRELOAD": str(built)}


def preloaded() -> Shim:
    """The layer in this process. Raises AttributeError where it was started without."""
    return Shim(ctypes.CDLL(None))
