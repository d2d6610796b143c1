"""The files of the record: by device, of an hour or 4 MB each, the oldest unlinked when they are too old or too many.

Nothing is synced: it is not the buffer, whose promise nobody makes here. A power cut costs what the system had not
written yet, half a minute mostly; a frame that it tore is passed over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gateway.record import frames, plants
from gateway.record.frames import Damaged, Scan

FOLDER = "record"
LIMIT_BYTES = 256_000_000
"""Of all devices of a gateway."""
FILE_BYTES = 4_000_000
FILE_S = 3600.0
FREE_BYTES = 256_000_000
"""The disk belongs to the buffer: with less than this nothing is recorded."""
GONE_S = 7 * 86_400.0
"""How long the files of a device are kept that is not recorded any more."""
_SHAPES = 64
"""So many kinds of scans of a device are repeated in each file; a listener's may be ever other ones."""
_ENDING = ".rec"


class NoRoom(OSError):
    """The disk is nearly full."""


class File(NamedTuple):
    """One file of a device."""

    path: Path
    begun_ns: int
    plant: str
    """The mapping that was in force; see ``plants``."""
    size_bytes: int
    last_ns: int
    """When it was written last."""


@dataclass
class _Open:
    """The file of a device that is being written."""

    path: Path
    begun_ns: int
    size_bytes: int = 0


@dataclass
class _Track:
    """What is known of a device while its mapping stays the same."""

    plant: str
    newest: dict[tuple[int, ...], Scan] = field(default_factory=dict)
    """Of each kind of its scans the last one, the newest last."""
    file: _Open | None = None


class Ring:
    """Writes the files and takes them away. One thread at a time."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES, free_bytes: int = FREE_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._free_bytes = free_bytes
        self._tracks: dict[str, _Track] = {}

    def append(self, device: str, packed: plants.Packed, scans: Sequence[Scan], now_ns: int) -> int:
        """Write scans that were made with this plant; returns the bytes. Raises OSError: nothing is kept of them."""
        track = self._tracks.get(device)
        if track is None or track.plant != packed.id:
            # Positions of another mapping mean other points.
            track = self._tracks[device] = _Track(packed.id)
        plants.keep(self._folder, packed)
        if track.file is None or _is_full(track.file, now_ns):
            track.file = self._begin(device, packed, now_ns)
        carried = [] if track.file.size_bytes else [scan._replace(carried=True) for scan in track.newest.values()]
        data = (frames.of_scans(carried) if carried else b"") + frames.of_scans(scans)
        self._write(track, track.file, data, now_ns)
        for scan in scans:
            track.newest.pop(scan.positions, None)
            track.newest[scan.positions] = scan
        for positions in list(track.newest)[:-_SHAPES]:
            del track.newest[positions]
        return len(data)

    def prune(self, keep_s: Mapping[str, float], now_ns: int) -> int:
        """Unlink what is too old or too much; returns the bytes that are left. Raises OSError.

        ``keep_s``: by device; those of others are kept for a week, or as long as the longest of these.
        """
        gone_s = max([GONE_S, *keep_s.values()])
        left = []
        for name, file in sorted(_all(self._folder), key=lambda pair: pair[1].begun_ns):
            if now_ns - file.last_ns > keep_s.get(name, gone_s) * 1e9:
                self._drop(name, file)
            else:
                left.append((name, file))
        total = sum(file.size_bytes for _, file in left)
        while left and total > self._limit_bytes:
            name, file = left.pop(0)
            self._drop(name, file)
            total -= file.size_bytes
        plants.forget(self._folder, frozenset({file.plant for _, file in left}))
        return total

    def _begin(self, device: str, packed: plants.Packed, now_ns: int) -> _Open:
        place = _place(self._folder, device)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Open(place / f"{now_ns:020d}-{packed.id}{_ENDING}", now_ns)

    def _write(self, track: _Track, file: _Open, data: bytes, now_ns: int) -> None:
        try:
            if shutil.disk_usage(file.path.parent).free < self._free_bytes + len(data):
                raise NoRoom(f"less than {self._free_bytes // 1_000_000} MB are free on the disk")
            with file.path.open("ab") as stream:
                stream.write(data)
            os.utime(file.path, ns=(now_ns, now_ns))
        except OSError:
            track.file = None
            with suppress(OSError), file.path.open("r+b") as stream:
                # Else what is torn is passed over when it is read.
                stream.truncate(file.size_bytes)
            raise
        file.size_bytes += len(data)

    def _drop(self, device: str, file: File) -> None:
        file.path.unlink(missing_ok=True)
        track = self._tracks.get(device)
        if track is not None and track.file is not None and track.file.path == file.path:
            track.file = None
        with suppress(OSError):  # it holds other files
            file.path.parent.rmdir()


def devices(folder: Path) -> list[str]:
    """Those of which anything is kept. Raises OSError."""
    return sorted({name for name, _ in _all(folder)})


def files(folder: Path, device: str) -> list[File]:
    """What is kept of a device, the oldest first. Raises OSError."""
    return sorted((file for name, file in _all(folder, device) if name == device), key=lambda file: file.begun_ns)


def scans(file: File, device: str) -> Iterator[Scan | Damaged]:
    """What a file of the device holds, in the order in which it was written. Raises OSError."""
    return frames.scans(file.path.read_bytes(), device)


def _is_full(file: _Open, now_ns: int) -> bool:
    # A clock that went back begins a new one, too.
    return file.size_bytes >= FILE_BYTES or not 0 <= now_ns - file.begun_ns < FILE_S * 1e9


def _place(folder: Path, device: str) -> Path:
    """The folder of a device: a name may be ``..`` or begin with a dot, but it holds no % of its own."""
    return folder / "devices" / (device.replace(".", "%2E", 1) if device.startswith(".") else device)


def _all(folder: Path, device: str | None = None) -> Iterator[tuple[str, File]]:
    places = folder / "devices"
    wanted = [_place(folder, device)] if device is not None else list(places.iterdir()) if places.is_dir() else []
    for place in wanted:
        for path in place.glob(f"*{_ENDING}") if place.is_dir() else ():
            begun, _, plant = path.stem.partition("-")
            with suppress(FileNotFoundError, ValueError):  # it went meanwhile, or is none of ours
                status = path.stat()
                file = File(path, int(begun), plant, status.st_size, status.st_mtime_ns)
                yield place.name.replace("%2E", ".", 1), file
