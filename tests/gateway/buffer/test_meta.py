from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.buffer import meta
from gateway.buffer.losses import Loss
from gateway.buffer.meta import Cursor, Meta, Saved
from gateway.buffer.port import BufferUnavailable

LOSS = Loss("quota", "a", 3, 1, 3, 10, 30)


def counting(first: int) -> Callable[[], int]:
    numbers = iter(range(first, first + 10))
    return lambda: next(numbers)


@asynccontextmanager
async def opened(folder: Path, first_random: int = 100) -> AsyncIterator[Meta]:
    found = await meta.open_meta(folder, 0, counting(first_random))
    try:
        yield found
    finally:
        await found.close()


async def saved_again(folder: Path, first_random: int = 200) -> Saved:
    async with opened(folder, first_random) as found:
        return found.saved


async def test_a_new_one_has_an_epoch_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        assert found.saved == Saved(100, 0, {}, {}, [])


async def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        await found.write(100, 42, [Cursor("a", 3, 5), Cursor("b", 0, 1)], [LOSS])
        await found.write(100, 43, [Cursor("a", 4, 6)], [])
    assert await saved_again(tmp_path) == Saved(100, 43, {"a": 4, "b": 0}, {"a": 6, "b": 1}, [LOSS])


async def test_it_is_synced_with_every_write_and_has_no_third_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        await found.write(100, 1, [Cursor("a", 1, 1)], [])
        ask = found._connection.execute_fetchall
        assert [row[0] for row in await ask("PRAGMA synchronous")] == [2]
        assert [row[0] for row in await ask("PRAGMA journal_mode")] == ["wal"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["meta.db", "meta.db-wal"]


async def test_a_copy_of_the_directory_goes_on_under_another_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    async with opened(here) as found:
        await found.write(100, 9, [Cursor("a", 3, 5)], [])
    shutil.copytree(here, there)
    assert (await saved_again(there)).epoch == 200
    assert "was copied, restored or damaged" in caplog.text
    assert await saved_again(there, 300) == Saved(200, 9, {"a": 3}, {"a": 5}, [])
    assert (await saved_again(here, 400)).epoch == 100


async def test_the_same_file_on_another_machine_goes_on_under_another_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saved_again(tmp_path, 100)
    other = tmp_path / "machine-id"
    other.write_text("another machine\n")
    monkeypatch.setattr(meta, "_MACHINE", other)
    assert (await saved_again(tmp_path, 200)).epoch == 200


def test_another_epoch_is_never_the_same_one() -> None:
    assert meta.another(100, counting(100)) == 101


@pytest.mark.parametrize("damage", [b"no database at all", b""], ids=["overwritten", "emptied"])
async def test_a_damaged_file_is_set_aside_and_the_epoch_made_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await saved_again(tmp_path, 100)
    (tmp_path / meta.NAME).write_bytes(damage)
    assert await saved_again(tmp_path, 200) == Saved(200, 0, {}, {}, [])
    aside = tmp_path / "meta.db.damaged-19700101T000000Z"
    assert aside.read_bytes()[: len(damage)] == damage
    assert "delivered again, with the same ids" in caplog.text


@pytest.mark.parametrize(
    ("change", "acked", "highest", "epoch"),
    [
        ("UPDATE cursor SET acked = acked + 64 WHERE identity = 'a'", {"b": 1}, {"a": 5, "b": 2}, 100),
        ("UPDATE highest SET sequence = sequence - 1 WHERE identity = 'a'", {"a": 3, "b": 1}, {"b": 2}, 200),
        ("UPDATE highest SET identity = 'c' WHERE identity = 'a'", {"a": 3, "b": 1}, {"b": 2}, 200),
    ],
    ids=["cursor", "highest", "whose"],
)
async def test_a_cursor_with_a_flipped_bit_is_forgotten(
    tmp_path: Path, change: str, acked: dict[str, int], highest: dict[str, int], epoch: int
) -> None:
    async with opened(tmp_path) as found:
        await found.write(100, 9, [Cursor("a", 3, 5), Cursor("b", 1, 2)], [])
    with closing(sqlite3.connect(tmp_path / meta.NAME)) as foreign, foreign:
        foreign.execute(change)
    assert await saved_again(tmp_path, 200) == Saved(epoch, 9, acked, highest, [])
    assert (await saved_again(tmp_path, 300)).epoch == epoch, "said once, then it is healed"


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await saved_again(tmp_path)
    with closing(sqlite3.connect(tmp_path / meta.NAME)) as foreign:
        foreign.execute("PRAGMA user_version=2")
    with pytest.raises(BufferUnavailable, match=r"newer version \(schema 2; this one knows 1\)"):
        await meta.open_meta(tmp_path, 0, counting(1))


async def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        await found.write(100, 1, [Cursor("a", 1, 1)], [])
        with pytest.raises(sqlite3.Error):
            await found.write(100, 2, [Cursor("a", 2, 2), Cursor("b", None, 1)], [])  # type: ignore[arg-type]  # NOT NULL
        await found.write(100, 3, [Cursor("c", 1, 1)], [])
    assert await saved_again(tmp_path) == Saved(100, 3, {"a": 1, "c": 1}, {"a": 1, "c": 1}, [])


async def test_a_crash_while_it_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("pulled")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.buffer.directory.settle", crash)
        with pytest.raises(OSError, match="pulled"):
            await meta.open_meta(tmp_path, 0, counting(1))
    assert list(tmp_path.iterdir()) == []
