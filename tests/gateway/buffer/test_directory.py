from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import directory
from gateway.buffer.port import BufferFull, BufferUnavailable

WHERE = Path("buffer")


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "no space"), OSError(errno.EDQUOT, "quota"), sqlite_error(sqlite3.SQLITE_FULL)],
)
def test_a_disk_at_its_end_is_full(error: sqlite3.Error | OSError) -> None:
    trouble = directory.translated(error, WHERE)
    assert isinstance(trouble, BufferFull)
    assert trouble.what == "disk"


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EIO, "input/output error"), sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), sqlite3.OperationalError("?")],
)
def test_any_other_trouble_of_the_disk_names_place_and_reason(error: sqlite3.Error | OSError) -> None:
    trouble = directory.translated(error, WHERE)
    assert isinstance(trouble, BufferUnavailable)
    assert str(trouble) == f"buffer: {error}"


def test_a_mistake_of_our_own_is_not_the_disk() -> None:
    with pytest.raises(sqlite3.ProgrammingError):
        directory.translated(sqlite3.ProgrammingError("4 bindings, 5 supplied"), WHERE)


@pytest.mark.parametrize(
    ("code", "damaged"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_NOTADB, True),
        (sqlite3.SQLITE_ERROR, True),
        (sqlite3.SQLITE_IOERR_SHORT_READ, True),
        (sqlite3.SQLITE_IOERR_READ, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_CANTOPEN, False),
        (sqlite3.SQLITE_READONLY, False),
    ],
)
def test_wrong_bytes_are_told_from_a_disk_in_trouble(code: int, damaged: bool) -> None:
    assert directory.damaged(sqlite_error(code)) is damaged


def test_makes_the_directory_for_the_owner_alone_and_clears_what_a_crash_left(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "buffer"
    directory.make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("p1-000000000001.db.new", "p1-000000000001.db.new-wal", "p1-000000000001.db"):
        (folder / name).touch()
    directory.make(folder)
    assert [path.name for path in folder.iterdir()] == ["p1-000000000001.db"]


def test_measures_and_removes_a_database_with_its_side_files(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(bytes(10))
    Path(f"{path}-wal").write_bytes(bytes(5))
    assert directory.size(path) == 15
    assert directory.has_log(path)
    directory.remove(path)
    assert list(tmp_path.iterdir()) == []
    assert directory.size(path) == 0
    assert not directory.has_log(path)
    directory.remove(path)


def test_an_empty_log_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.db-wal").touch()
    assert not directory.has_log(tmp_path / "a.db")


def test_sets_aside_under_the_date_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "p1-000000000007.db"
    for content in (b"first", b"second"):
        path.write_bytes(content)
        Path(f"{path}-wal").write_bytes(b"log")
        directory.set_aside(path, now_ns=1_795_000_000 * 10**9)
    stamp = "p1-000000000007.db.damaged-20261118T110640Z"
    assert sorted(found.name for found in tmp_path.iterdir()) == [stamp, f"{stamp}-1", f"{stamp}-1-wal", f"{stamp}-wal"]
    assert (tmp_path / stamp).read_bytes() == b"first"
    assert (tmp_path / f"{stamp}-1").read_bytes() == b"second"


def test_a_sacrifice_gives_the_bytes_back_and_leaves_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "p1-000000000007.db"
    path.write_bytes(bytes(10_000))
    Path(f"{path}-wal").write_bytes(b"log")
    mark = directory.sacrifice(path)
    assert {found.name: found.stat().st_size for found in tmp_path.iterdir()} == {directory.UNSYNCED: 0}
    assert mark == tmp_path / directory.UNSYNCED


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    made = tmp_path / "a.new"
    made.write_bytes(b"whole")
    directory.settle(made, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_ballast_takes_real_bytes_and_gives_them_back(tmp_path: Path) -> None:
    assert directory.take_ballast(tmp_path, 1_000_000)
    assert (tmp_path / directory.BALLAST).stat().st_blocks * 512 >= 1_000_000
    assert directory.take_ballast(tmp_path, 1_000_000)
    assert directory.take_ballast(tmp_path, 5000)
    assert (tmp_path / directory.BALLAST).stat().st_size == 5000
    directory.drop_ballast(tmp_path)
    assert list(tmp_path.iterdir()) == []
    directory.drop_ballast(tmp_path)


def test_a_disk_without_room_for_the_ballast_goes_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "posix_fallocate", no_space)
    assert not directory.take_ballast(tmp_path, 1000)
    assert list(tmp_path.iterdir()) == []


def test_knows_the_free_space(tmp_path: Path) -> None:
    assert directory.free_bytes(tmp_path) > 0


def test_blocks_that_the_disk_does_not_give_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    content = bytes(range(256)) * 40
    path.write_bytes(content)
    works, failures = Path.open, iter([True] * 3 + [False] * 100)

    def opened(self: Path, *arguments: Any, **options: Any) -> Any:
        if next(failures):
            raise OSError(5, "Input/output error")
        return works(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened(self, "rb").read())
    assert directory.read_all(path) == content
    failures = iter([True] * 11 + [False] * 100)
    assert directory.read_all(path) == bytes(4096) + content[4096:]


def test_a_new_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"

    def no_space(_: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="no space"):
            directory.write_new(path, b"whole")
    assert list(tmp_path.iterdir()) == []
    directory.write_new(path, b"whole")
    assert path.read_bytes() == b"whole"


def test_the_oldest_of_what_was_damaged_goes_where_there_is_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "DAMAGED_LIMIT", 25)
    for number in range(5):
        directory.keep_damaged(tmp_path, f"{number}.frame", bytes(10))
        os.utime(tmp_path / directory.DAMAGED / f"{number}.frame", (number, number))
    assert sorted(path.name for path in (tmp_path / directory.DAMAGED).iterdir()) == ["3.frame", "4.frame"]


def test_what_was_away_while_it_was_closed_is_back_and_a_log_alone_is_gone(tmp_path: Path) -> None:
    (tmp_path / "p1-1.db").write_bytes(b"x")
    (tmp_path / "p1-1.db-wal").write_bytes(b"y")
    (tmp_path / "p1-2.db-wal").write_bytes(b"z")
    assert directory.move_away(tmp_path / "p1-1.db")
    assert not directory.move_away(tmp_path / "p1-3.db")
    directory.make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p1-1.db", "p1-1.db-wal"]
