"""The files of the record: when they begin, what each of them tells, and which go first."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.record import ring
from gateway.record.frames import Damaged, Scan
from gateway.record.plants import Packed, pack
from gateway.record.ring import FILE_BYTES, NoRoom, Ring
from tests.gateway.record.making import DEVICE, WRONG, S, at, described, fast, slow

HOUR = 3600


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    return pack(described(tmp_path / "plant"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "record"


def write(made: Ring, packed: Packed, *scans: Scan, device: str = DEVICE) -> None:
    for one in scans:
        made.append(device, packed, [one], one.at_ns)


def age(folder: Path, device: str, hours: float) -> None:
    """As if the device's files had been written so long ago."""
    for file in ring.files(folder, device):
        then = at(0) - round(hours * HOUR * S)
        os.utime(file.path, ns=(then, then))


def held(folder: Path, device: str = DEVICE) -> list[list[Scan | Damaged]]:
    return [list(ring.scans(file, device)) for file in ring.files(folder, device)]


def carried(*scans: Scan) -> list[Scan]:
    return [one._replace(carried=True) for one in scans]


def test_an_hour_is_a_file_and_each_begins_with_the_newest_of_every_kind(packed: Packed, folder: Path) -> None:
    write(Ring(folder, free_bytes=0), packed, slow(0), fast(1), fast(HOUR - 1), fast(HOUR), fast(HOUR + 1))
    assert held(folder) == [
        [slow(0), fast(1), fast(HOUR - 1)],
        [*carried(slow(0), fast(HOUR - 1)), fast(HOUR), fast(HOUR + 1)],
    ]


def test_a_file_has_an_end(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=0)
    large = fast(0)._replace(blocks=(fast(0).blocks[0]._replace(data=os.urandom(FILE_BYTES // 2 + 1)),))
    write(made, packed, large, large, fast(2))
    assert [file.size_bytes > FILE_BYTES for file in ring.files(folder, DEVICE)] == [True, False]


def test_a_clock_that_goes_back_begins_another_file(packed: Packed, folder: Path) -> None:
    write(Ring(folder, free_bytes=0), packed, fast(10), fast(-7200), fast(-7199))
    assert held(folder) == [[*carried(fast(10)), fast(-7200), fast(-7199)], [fast(10)]]


def test_another_mapping_has_files_of_its_own_and_takes_nothing_along(
    packed: Packed, folder: Path, tmp_path: Path
) -> None:
    made = Ring(folder, free_bytes=0)
    other = pack(described(tmp_path / "other", WRONG))
    write(made, packed, fast(0))
    write(made, other, fast(1))
    assert held(folder) == [[fast(0)], [fast(1)]]
    assert [file.plant for file in ring.files(folder, DEVICE)] == [packed.id, other.id]


def test_a_restart_begins_a_new_file_behind_a_torn_one(packed: Packed, folder: Path) -> None:
    write(Ring(folder, free_bytes=0), packed, fast(0), fast(1))
    with ring.files(folder, DEVICE)[0].path.open("r+b") as stream:
        stream.truncate(stream.seek(0, 2) - 3)
    write(Ring(folder, free_bytes=0), packed, fast(2))
    first, second = held(folder)
    assert first[0] == fast(0)
    assert isinstance(first[1], Damaged)
    assert second == [fast(2)]


def test_what_is_too_old_goes_and_its_mapping_with_it(packed: Packed, folder: Path, tmp_path: Path) -> None:
    made = Ring(folder, free_bytes=0)
    write(made, packed, fast(-25 * HOUR))
    age(folder, DEVICE, 25)
    write(made, pack(described(tmp_path / "other", WRONG)), fast(0))
    made.prune({DEVICE: 24.0 * HOUR}, at(0))
    assert held(folder) == [[fast(0)]]
    assert len(list((folder / "plants").iterdir())) == 1
    write(made, packed, fast(1))
    assert [file.plant for file in ring.files(folder, DEVICE)][-1] == packed.id
    assert len(list((folder / "plants").iterdir())) == 2, "it is in force again"


def test_a_device_that_is_not_recorded_any_more_is_kept_for_a_week(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=0)
    write(made, packed, fast(0), device="old-press")
    age(folder, "old-press", 6.9 * 24)
    made.prune({DEVICE: 24.0 * HOUR}, at(0))
    assert ring.devices(folder) == ["old-press"]
    age(folder, "old-press", 7.1 * 24)
    made.prune({DEVICE: 24.0 * HOUR}, at(0))
    assert ring.devices(folder) == []
    assert list((folder / "devices").iterdir()) == []


def test_the_oldest_file_of_all_devices_goes_first_when_there_are_too_many_bytes(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=0)
    for hour in range(4):
        write(made, packed, fast(hour * HOUR), device="a")
        write(made, packed, fast(hour * HOUR + 1), device="b")
    total = made.prune({"a": 1e9, "b": 1e9}, at(4 * HOUR))
    small = Ring(folder, limit_bytes=total // 2, free_bytes=0)
    assert small.prune({"a": 1e9, "b": 1e9}, at(4 * HOUR)) <= total // 2
    assert {file.begun_ns for file in [*ring.files(folder, "a"), *ring.files(folder, "b")]} <= {
        at(hour * HOUR + second) for hour in (2, 3) for second in (0, 1)
    }
    assert ring.devices(folder) == ["a", "b"]


def test_a_disk_that_is_nearly_full_is_left_to_the_buffer(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=10**18)
    with pytest.raises(NoRoom, match="are free on the disk"):
        made.append(DEVICE, packed, [fast(0)], at(0))
    assert ring.files(folder, DEVICE) == []


class Full:
    """A disk that is full after some bytes of a write."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        opening = Path.open

        def opened(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            stream = opening(path, mode, *more, **named)
            if mode != "ab":
                return stream

            class Torn:
                def __enter__(self) -> Torn:
                    return self

                def __exit__(self, *error: object) -> None:
                    stream.close()

                def write(self, data: bytes) -> int:
                    stream.write(data[: len(data) // 2])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            return Torn()

        patch.setattr(Path, "open", opened)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        yield made


def test_a_write_that_breaks_off_leaves_nothing_torn_and_it_goes_on(
    packed: Packed, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    made = Ring(folder, free_bytes=0)
    write(made, packed, slow(0), fast(0))
    Full(patch)
    with pytest.raises(OSError, match="No space left"):
        made.append(DEVICE, packed, [fast(1)], at(1))
    patch.undo()
    write(made, packed, fast(2))
    assert held(folder) == [[slow(0), fast(0)], [*carried(slow(0), fast(0)), fast(2)]]


def test_who_removes_the_files_by_hand_harms_nobody(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=0)
    write(made, packed, fast(0))
    for file in ring.files(folder, DEVICE):
        file.path.unlink()
        file.path.parent.rmdir()
    with pytest.raises(OSError, match="No such file"):
        made.append(DEVICE, packed, [fast(1)], at(1))
    write(made, packed, fast(2))
    assert held(folder) == [[*carried(fast(0)), fast(2)]]


@pytest.mark.parametrize("name", ["..", ".", ".a", "a.b", "a-b"])
def test_a_device_may_be_called_what_it_likes(packed: Packed, folder: Path, name: str) -> None:
    write(Ring(folder, free_bytes=0), packed, fast(0), device=name)
    assert ring.devices(folder) == [name]
    assert sorted(path.name for path in folder.iterdir()) == ["devices", "plants"]
    assert [len(list(ring.scans(file, name))) for file in ring.files(folder, name)] == [1]


def test_what_else_lies_there_is_left_alone(packed: Packed, folder: Path) -> None:
    made = Ring(folder, free_bytes=0)
    write(made, packed, fast(0))
    (folder / "devices" / DEVICE / "notes.rec").write_text("mine")
    (folder / "devices" / DEVICE / "notes.txt").write_text("mine")
    assert len(ring.files(folder, DEVICE)) == 1
    made.prune({}, at(10**9))
    assert sorted(path.name for path in (folder / "devices" / DEVICE).iterdir()) == ["notes.rec", "notes.txt"]
