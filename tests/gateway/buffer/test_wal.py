from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.buffer import wal

COMMITS = 12


@pytest.fixture
def files(tmp_path: Path) -> tuple[bytes, bytes]:
    """A database and its log as SQLite itself writes them, of a connection that was not closed."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;")
        connection.execute("CREATE TABLE t(number INTEGER PRIMARY KEY, body BLOB)")
        for number in range(1, COMMITS):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, random.Random(number).randbytes(1500)))
        return path.read_bytes(), Path(f"{path}-wal").read_bytes()


def rows(database: bytes) -> dict[int, bytes]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(database)
        return dict(connection.execute("SELECT number, body FROM t"))


def test_a_whole_log_is_neither_broken_nor_torn(files: tuple[bytes, bytes]) -> None:
    found = wal.examine(files[1], 512)
    assert found.page_size == 512
    assert sum(page.commits for page in found.pages) == COMMITS
    assert found.end == len(found.pages) == (len(files[1]) - 32) // 536
    assert not found.broken
    assert not found.torn


def test_any_flipped_bit_is_seen_as_broken_or_torn(files: tuple[bytes, bytes]) -> None:
    _, log = files
    pages = wal.examine(log, 512).pages
    last_commit = [index for index, page in enumerate(pages) if page.commits][-2] + 1
    for turn in range(200):
        bit = random.Random(turn).randrange(len(log) * 8)
        flipped = bytearray(log)
        flipped[bit // 8] ^= 1 << bit % 8
        found = wal.examine(bytes(flipped), 512)
        before_the_end = bit // 8 < 32 + 536 * last_commit
        assert found.broken or found.torn, bit
        assert found.broken == before_the_end, bit


def test_a_last_page_that_is_wrong_anywhere_is_seen_and_its_commit_counted(files: tuple[bytes, bytes]) -> None:
    _, log = files
    for place in range(len(log) - 536, len(log), 7):
        flipped = bytearray(log)
        flipped[place : place + 512] = bytes(len(flipped[place : place + 512]))
        found = wal.examine(bytes(flipped), 512, begun_anew=False)
        assert found.torn or bytes(flipped) == log, place
        assert found.commits == COMMITS, place


@pytest.mark.parametrize("place", [0, 16, 18, 19, 21])
def test_a_database_whose_head_sqlite_does_not_take_is_not_sound(
    files: tuple[bytes, bytes], tmp_path: Path, place: int
) -> None:
    wrong = bytearray(wal.replayed(*files, 512))
    wrong[18:20] = b"\x02\x02"
    assert wal.is_sound(bytes(wrong), b"", 512)
    wrong[place] ^= 0x40
    assert not wal.is_sound(bytes(wrong), b"", 512)
    (tmp_path / "y.db").write_bytes(wrong)
    with closing(sqlite3.connect(tmp_path / "y.db")) as connection, pytest.raises(sqlite3.DatabaseError):
        connection.execute("INSERT INTO t VALUES (0, '')")


def test_however_one_page_is_wrong_its_commit_is_counted_once(files: tuple[bytes, bytes]) -> None:
    _, log = files
    for bit in range(8 * (32 + 536 * 10), 8 * (32 + 536 * 14), 5):
        flipped = bytearray(log)
        flipped[bit // 8] ^= 1 << bit % 8
        assert wal.examine(bytes(flipped), 512, begun_anew=False).commits == COMMITS, bit


def test_a_log_that_ends_in_the_middle_of_a_commit_is_not_damaged(files: tuple[bytes, bytes]) -> None:
    _, log = files
    for cut in range(32, len(log), 300):
        found = wal.examine(log[:cut], 512)
        assert not found.broken
        assert not found.torn


def test_pages_of_an_older_log_behind_the_end_do_not_count(files: tuple[bytes, bytes], tmp_path: Path) -> None:
    _, log = files
    path = tmp_path / "y.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA page_size=512; PRAGMA journal_mode=WAL; CREATE TABLE t(body BLOB);")
        connection.execute("INSERT INTO t VALUES (zeroblob(20000))")
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO t VALUES (zeroblob(700))")
        again = Path(f"{path}-wal").read_bytes()
    found = wal.examine(again, 512)
    assert 0 < found.end == len(found.pages) < (len(again) - 32) // 536
    assert not found.broken
    assert not found.torn
    assert wal.examine(log, 4096).page_size == 512, "as its own header says"


def test_replaying_gives_the_rows_that_sqlite_gives(files: tuple[bytes, bytes]) -> None:
    assert rows(wal.replayed(*files, 512)) == {
        number: random.Random(number).randbytes(1500) for number in range(1, COMMITS)
    }


def test_replaying_goes_on_behind_what_is_broken(files: tuple[bytes, bytes]) -> None:
    database, log = files
    whole = rows(wal.replayed(database, log, 512))
    for turn in range(60):
        bit = random.Random(turn).randrange(32 * 8, len(log) * 8)
        flipped = bytearray(log)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = rows(wal.replayed(database, bytes(flipped), 512))
        except sqlite3.DatabaseError:
            continue  # a page of the tree: row by row is the caller's business
        assert sum(found.get(number) == body for number, body in whole.items()) >= COMMITS - 3


def test_an_empty_log_has_no_pages() -> None:
    found = wal.examine(b"", 512)
    assert (found.pages, found.broken, found.torn) == ([], False, False)


def test_a_whole_copy_is_sound_and_a_damaged_one_is_not(files: tuple[bytes, bytes]) -> None:
    database, log = files
    assert wal.is_sound(database, log, 512)
    flipped = bytearray(log)
    flipped[len(log) // 2] ^= 1
    assert not wal.is_sound(database, bytes(flipped), 512)
    assert not wal.is_sound(b"no database" * 100, b"", 512)
    assert not wal.is_sound(b"", b"", 512)


def test_an_empty_database_is_taken_by_sqlite_as_one_with_a_log(tmp_path: Path) -> None:
    path = tmp_path / "z.db"
    path.write_bytes(wal.empty_database("PRAGMA page_size=512; PRAGMA user_version=7; CREATE TABLE t(x);"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)
        connection.execute("INSERT INTO t VALUES (1)")
        assert Path(f"{path}-wal").stat().st_size > 0
