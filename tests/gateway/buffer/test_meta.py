from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.buffer import content, meta
from gateway.buffer.clock import Clocks, Mark
from gateway.buffer.content import Extent
from gateway.buffer.lane import Cursor
from gateway.buffer.losses import Damage
from gateway.buffer.meta import Changes, Meta, Saved, Sealed
from gateway.buffer.port import BufferUnavailable, Loss
from gateway.buffer.segments import Facts, Place
from gateway.model import Priority

SCHEMA_1 = Path(__file__).parents[2] / "data" / "buffer_schema_1.tar.xz"
LOSS = Loss("quota", "a", Priority.TELEMETRY, 3, 1, 3, 10, 30)
MARK = Mark(12.5, 1000.0, 10**18, "boot-1")
CLOCKS = Clocks(lambda: 0, lambda: 0.0, lambda: "boot-1")
NO_FRAMES = dict.fromkeys(Priority, 0)
NEW = Saved(100, NO_FRAMES, NO_FRAMES, [], [], [], [], [], None, None, new=True)


def cursor(identity: str, acked: int, highest: int, *spans: tuple[int, int]) -> Cursor:
    return Cursor(identity, Priority.TELEMETRY, acked, highest, spans)


def changes(cursors: Sequence[Cursor] = (), epoch: int = 100, frame: int = 9) -> Changes:
    return Changes(epoch, MARK, {Priority.TELEMETRY: frame}, {Priority.TELEMETRY: frame - 1}, cursors)


def counting(first: int) -> Callable[[], int]:
    numbers = iter(range(first, first + 10))
    return lambda: next(numbers)


@asynccontextmanager
async def opened(folder: Path, first_random: int = 100) -> AsyncIterator[Meta]:
    found = await meta.open_meta(folder, CLOCKS, counting(first_random))
    try:
        yield found
    finally:
        await found.close()


async def saved_again(folder: Path, first_random: int = 200) -> Saved:
    async with opened(folder, first_random) as found:
        return found.saved


async def test_a_new_one_has_an_epoch_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        assert found.saved == NEW


async def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    place = Place(Priority.BULK, 4, 9, 2)
    sealed = Sealed(place, Facts(9, 3, 30, 4000, 5, 6, 1), 8192, content.to_bytes({"a": Extent(1, 2, 2, 4, 5, 6)}))
    other = sealed._replace(place=Place(Priority.ALARM, 1, 0, 0))
    alarm = Cursor("a", Priority.ALARM, 7, 8)
    damage = Damage(Priority.TELEMETRY, 5, "a")
    async with opened(tmp_path) as found:
        first = changes([cursor("a", 3, 5, (2, 1), (1, 0)), cursor("b", 0, 1), alarm])
        await found.write(replace(first, losses=[LOSS], untold=[LOSS], damage=[damage], sealed=[sealed, other]))
        assert await found.read_content(place) == sealed.content
        assert await found.read_content(place._replace(generation=3)) == b""
        told = [(LOSS.priority, LOSS.reason, LOSS.identity)]
        await found.write(replace(changes([cursor("a", 4, 6, (2, 2))], frame=10), told=told, gone=[other.place]))
    saved = await saved_again(tmp_path)
    assert sorted(saved.cursors) == [alarm, cursor("a", 4, 6, (2, 2)), cursor("b", 0, 1)]
    assert (saved.epoch, saved.frames) == (100, {Priority.ALARM: 0, Priority.TELEMETRY: 10, Priority.BULK: 0})
    assert (saved.losses, saved.untold, saved.damage) == ([LOSS], [], [damage])
    assert (saved.sealed, saved.clock, saved.new) == ([sealed], MARK, False)


async def test_it_is_synced_with_every_write_and_has_no_third_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 1, 1)]))
        ask = found._connection.execute_fetchall
        assert [row[0] for row in await ask("PRAGMA synchronous")] == [2]
        assert [row[0] for row in await ask("PRAGMA journal_mode")] == ["wal"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["meta.db", "meta.db-wal"]


# The epoch.


async def test_a_copy_of_the_directory_goes_on_under_another_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    async with opened(here) as found:
        await found.write(changes([cursor("a", 3, 5)]))
    shutil.copytree(here, there)
    assert (await saved_again(there)).epoch == 200
    assert "it was copied or restored" in caplog.text
    again = await saved_again(there, 300)
    assert (again.epoch, again.cursors) == (200, [cursor("a", 3, 5)])
    assert (await saved_again(here, 400)).epoch == 100


async def test_the_same_file_on_another_machine_goes_on_under_another_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saved_again(tmp_path, 100)
    other = tmp_path / "machine-id"
    other.write_text("another machine\n")
    monkeypatch.setattr(meta, "_MACHINE", other)
    assert (await saved_again(tmp_path, 200)).epoch == 200


@pytest.mark.parametrize("keeps_times", [True, False])
async def test_a_backup_restored_into_the_same_file_goes_on_under_another_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_times: bool
) -> None:
    monkeypatch.setattr(meta, "RESTORED_S", 0.05)
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 3, 5)]))
    path = tmp_path / meta.NAME
    backup, times = path.read_bytes(), path.stat()
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 8, 9)]))
    assert (await saved_again(tmp_path)).epoch == 100, "nobody else has written it"
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 9, 9)]))
    os.sync()
    await asyncio.sleep(0.1)
    with path.open("r+b") as stream:
        stream.write(backup)
        stream.truncate()
    if keeps_times:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    saved = await saved_again(tmp_path)
    assert (saved.epoch, saved.cursors) == (200, [cursor("a", 3, 5)])


@pytest.mark.parametrize(("boot", "epoch"), [("boot-1", 200), ("boot-2", 100)])
async def test_a_torn_log_is_a_power_cut_after_a_boot_and_damage_without_one(
    tmp_path: Path, boot: str, epoch: int
) -> None:
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 1, 1)]))
        await found.write(changes([cursor("a", 2, 2)]))
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    log = bytearray(kept["meta.db-wal"])
    log[-1] ^= 1
    for name, was in (kept | {"meta.db-wal": bytes(log)}).items():
        (tmp_path / name).write_bytes(was)
    found = await meta.open_meta(tmp_path, CLOCKS._replace(boot_id=lambda: boot), counting(200))
    await found.close()
    assert (found.saved.epoch, found.saved.cursors) == (epoch, [cursor("a", 1, 1)])


async def test_a_flipped_bit_in_the_log_before_its_end_begins_a_new_epoch(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        for number in range(1, 9):
            await found.write(changes([cursor("a", number, number)]))
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    log = bytearray(kept["meta.db-wal"])
    log[len(log) // 2] ^= 1
    for name, was in (kept | {"meta.db-wal": bytes(log)}).items():
        (tmp_path / name).write_bytes(was)
    assert (await saved_again(tmp_path, 200)).epoch == 200


def test_another_epoch_is_never_the_same_one() -> None:
    assert meta.another(100, counting(100)) == 101


# Damage.


@pytest.mark.parametrize("damage", [b"no database at all", b""], ids=["overwritten", "emptied"])
async def test_a_damaged_file_is_set_aside_and_the_epoch_made_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await saved_again(tmp_path, 100)
    (tmp_path / meta.NAME).write_bytes(damage)
    assert await saved_again(tmp_path, 200) == replace(NEW, epoch=200)
    aside = tmp_path / "meta.db.damaged-19700101T000000Z"
    assert aside.read_bytes()[: len(damage)] == damage
    assert "delivered again, with the same ids" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE fact SET name = 'clock_boottimE' WHERE name = 'clock_boottime'",
        "UPDATE fact SET value = 'x' WHERE name = 'frame1'",
        "INSERT INTO damage VALUES (7, 1, 'a')",
        "ALTER TABLE highest RENAME COLUMN sequence TO sequenze",
        "ALTER TABLE cursor RENAME TO curser",
        "UPDATE cursor SET identity = CAST(x'e1' AS TEXT)",
    ],
)
async def test_what_no_version_has_written_is_damage_though_sqlite_finds_the_file_well(
    tmp_path: Path, change: str
) -> None:
    async with opened(tmp_path) as made:
        await made.write(changes([cursor("a", 1, 2)]))
    with closing(sqlite3.connect(tmp_path / "meta.db")) as foreign, foreign:
        foreign.execute(change)
    async with opened(tmp_path, 200) as found:
        assert (found.saved.epoch, found.saved.new) == (200, True)
    assert (tmp_path / "meta.db.damaged-19700101T000000Z").exists()


@pytest.mark.parametrize(
    ("change", "expected", "epoch"),
    [
        ("UPDATE cursor SET acked = acked + 64 WHERE identity = 'a'", [("a", 0, 5), ("b", 1, 2)], 100),
        ("UPDATE highest SET sequence = sequence - 1 WHERE identity = 'a'", [("a", 3, 0), ("b", 1, 2)], 200),
        ("UPDATE highest SET identity = 'c' WHERE identity = 'a'", [("a", 3, 0), ("b", 1, 2), ("c", 0, 0)], 200),
    ],
    ids=["cursor", "highest", "whose"],
)
async def test_a_cursor_with_a_flipped_bit_is_forgotten(
    tmp_path: Path, change: str, expected: list[tuple[str, int, int]], epoch: int
) -> None:
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 3, 5), cursor("b", 1, 2)]))
    with closing(sqlite3.connect(tmp_path / meta.NAME)) as foreign, foreign:
        foreign.execute(change)
    saved = await saved_again(tmp_path, 200)
    assert (saved.epoch, sorted(saved.cursors)) == (epoch, [cursor(*one) for one in expected])
    assert (await saved_again(tmp_path, 300)).epoch == epoch, "said once, then it is healed"


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    await saved_again(tmp_path)
    with closing(sqlite3.connect(tmp_path / meta.NAME)) as foreign:
        foreign.execute("PRAGMA user_version=3")
    with pytest.raises(BufferUnavailable, match=r"newer version \(schema 3; this one knows 2\)"):
        await meta.open_meta(tmp_path, CLOCKS, counting(1))


async def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as found:
        await found.write(changes([cursor("a", 1, 1)]))
        with pytest.raises(sqlite3.Error):
            await found.write(changes([cursor("a", 2, 2), cursor("b", None, 1)]))  # type: ignore[arg-type]  # NOT NULL
        await found.write(changes([cursor("c", 1, 1)]))
    assert sorted((await saved_again(tmp_path)).cursors) == [cursor("a", 1, 1), cursor("c", 1, 1)]


async def test_a_crash_while_it_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("pulled")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(OSError, match="pulled"):
            await meta.open_meta(tmp_path, CLOCKS, counting(1))
    assert list(tmp_path.iterdir()) == []


# Schema 1.


def unpacked(folder: Path) -> Path:
    """A directory as the version with schema 1 left it, killed: 360 of a (50 acknowledged) and of b, 60 of c."""
    with tarfile.open(SCHEMA_1) as archive:
        archive.extractall(folder, filter="data")
    return folder / "buffer"


async def test_a_file_of_schema_1_is_brought_to_schema_2(tmp_path: Path) -> None:
    saved = await saved_again(unpacked(tmp_path))
    assert {one.identity: one.acked for one in saved.cursors} == {"a": 50, "b": 0}
    assert {one.priority for one in saved.cursors} == {Priority.TELEMETRY}
    assert saved.frames[Priority.TELEMETRY] > 0
    assert (await saved_again(tmp_path / "buffer", 300)).cursors == saved.cursors


async def test_a_crash_while_it_is_brought_up_leaves_schema_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = unpacked(tmp_path)
    steps = meta._FROM_1.split(";\n")
    for cut in range(1, len(steps) - 1):
        image = tmp_path / f"image-{cut}"
        shutil.copytree(folder, image)
        with monkeypatch.context() as patch:
            patch.setattr(meta, "_FROM_1", ";\n".join([*steps[:cut], "INSERT INTO nowhere VALUES (1);"]))
            with pytest.raises(sqlite3.OperationalError, match="nowhere"):
                await meta._open(image / meta.NAME, CLOCKS, counting(1))
        saved = await saved_again(image)
        assert {one.identity: one.acked for one in saved.cursors} == {"a": 50, "b": 0}
