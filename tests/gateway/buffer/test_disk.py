from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import BufferFull, BufferUnavailable, directory
from gateway.buffer.commits import Group
from gateway.buffer.disk import Disk
from gateway.buffer.frames import Frame
from gateway.buffer.lane import Cursor
from gateway.buffer.meta import Changes, Meta
from gateway.buffer.port import OnFull
from gateway.buffer.segments import Segment
from gateway.model import Priority
from tests.gateway.buffer.disks import MB, acknowledge, error, fails, fill, group, opened, read, shelf, store


async def test_segments_are_sealed_at_their_size(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=4 * MB) as disk:
        await fill(disk, 4)
        sealed = shelf(disk).segments[:-1]
        assert all(0.9 * MB / 4 < directory.size(segment.path) <= MB / 4 for segment in sealed)
        assert all(directory.has_log(segment.path) for segment in sealed), "nothing is copied"
        assert shelf(disk).writing is shelf(disk).segments[-1]
        assert disk.used_bytes() == sum(path.stat().st_size for path in tmp_path.iterdir())


async def test_finds_the_segment_of_a_frame(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        last = await fill(disk, 3)
        first, second, third = shelf(disk).segments
        assert disk.holding(Priority.TELEMETRY, 1) is first
        assert disk.holding(Priority.TELEMETRY, first.last) is first
        assert disk.holding(Priority.TELEMETRY, first.last + 1) is second
        assert disk.holding(Priority.TELEMETRY, last) is third
        assert disk.holding(Priority.TELEMETRY, last + 1) is None
        shelf(disk).segments.remove(second)
        assert disk.holding(Priority.TELEMETRY, first.last + 1) is third
        shelf(disk).segments.append(second)


async def test_the_cursors_are_on_the_disk_before_a_segment_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[tuple[str, Any]] = []
    write, remove = Meta.write, directory.remove

    async def noted_write(self: Meta, changes: Changes) -> None:
        await write(self, changes)
        happened.extend(("synced", cursor) for cursor in changes.cursors)

    def noted_remove(path: Path) -> None:
        happened.append(("removed", path.name))
        remove(path)

    monkeypatch.setattr(Meta, "write", noted_write)
    monkeypatch.setattr(directory, "remove", noted_remove)
    async with opened(tmp_path) as disk:
        last = await fill(disk, 3)
        first = shelf(disk).segments[0]
        acknowledge(disk, first.last)
        await disk.tidy()
        assert happened == [("synced", Cursor("a", Priority.TELEMETRY, first.last, last)), ("removed", first.path.name)]


async def test_a_segment_stays_while_the_cursors_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = shelf(disk).segments[0]
        acknowledge(disk, first.last)
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_IOERR_WRITE)
        with pytest.raises(BufferUnavailable, match=r"meta\.db: as SQLite says it"):
            await disk.tidy()
        assert first.path.exists()
        await disk.tidy()
        assert not first.path.exists()


async def test_the_ballast_goes_first_when_the_cursors_find_the_disk_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 2)
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_FULL)
        acknowledge(disk, shelf(disk).segments[0].last)
        assert (tmp_path / directory.BALLAST).exists()
        await disk.tidy()
        assert not (tmp_path / directory.BALLAST).exists()
        assert disk.disk_full
        assert disk.refuses(Priority.TELEMETRY) == "", "there is room by now"
        number = disk.lanes.lane("a").highest + 1
        await store(disk, group("a", number, number))
        assert (tmp_path / directory.BALLAST).exists()
        assert not disk.disk_full


async def test_a_full_disk_seals_what_was_written_so_that_it_can_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        for number in range(1, 6):
            await store(disk, group("a", number, number))
        monkeypatch.setattr(directory, "free_bytes", lambda _: 0)
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL)
        with pytest.raises(BufferFull):
            await store(disk, group("a", 6, 6))
        with pytest.raises(BufferFull):
            await store(disk, group("a", 6, 6))
        assert (shelf(disk).writing, disk.refuses(Priority.TELEMETRY)) == (None, "disk")
        acknowledge(disk, 5)
        await disk.tidy()
        assert shelf(disk).segments == []
        monkeypatch.undo()
        await store(disk, group("a", 6, 6))
        assert disk.lanes.lane("a").highest == 6


async def at_a_full_disk(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> tuple[Segment, int, Group]:
    """Three segments lie on a disk without room until the first is gone: it, its messages, and what comes next."""
    last = await fill(disk, 3)
    first = shelf(disk).segments[0]
    monkeypatch.setattr(directory, "free_bytes", lambda _: 0 if first.path.exists() else MB)
    fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL)
    return first, first.remaining, group("a", last + 1, last + 1)


@pytest.mark.parametrize("on_full", ["refuse", "drop-oldest"])
async def test_a_full_disk_pushes_nothing_out_whatever_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_full: OnFull
) -> None:
    async with opened(tmp_path, on_full=on_full) as disk:
        first, _, coming = await at_a_full_disk(disk, monkeypatch)
        with pytest.raises(BufferFull, match="disk"):
            await store(disk, coming)
        assert first.path.exists()
        assert disk.losses.since_opened == {}


async def test_what_sealing_frees_is_used_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as disk:
        await store(disk, group("a", 1, 5))
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL)
        await store(disk, group("a", 6, 6))
        assert (disk.lanes.lane("a").highest, disk.refuses(Priority.TELEMETRY), len(shelf(disk).segments)) == (6, "", 2)


async def test_a_disk_that_is_full_again_at_once_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as disk:
        await store(disk, group("a", 1, 5))
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL, times=2)
        with pytest.raises(BufferFull):
            await store(disk, group("a", 6, 6))
        assert (disk.disk_full, shelf(disk).writing, len(shelf(disk).segments)) == (True, None, 1)
        await store(disk, group("a", 6, 6))
        assert disk.lanes.lane("a").waiting == 6


async def test_a_disk_without_a_byte_for_the_cursors_gives_up_a_drained_segment_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, bool]] = []
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = shelf(disk).segments[0]
        acknowledge(disk, first.last)
        write = Meta.write

        async def no_byte_until_it_is_gone(self: Meta, *arguments: Any) -> None:
            seen.append((first.path.exists(), (tmp_path / directory.UNSYNCED).exists()))
            if first.path.exists():
                raise error(sqlite3.SQLITE_FULL)
            await write(self, *arguments)

        monkeypatch.setattr(Meta, "write", no_byte_until_it_is_gone)
        await disk.tidy()
        assert seen == [(True, False), (True, False), (False, True)], "with ballast, without, without the segment"
        assert not (tmp_path / directory.UNSYNCED).exists()
        assert len(shelf(disk).segments) == 2


async def test_a_crash_before_the_cursors_follow_begins_a_new_epoch(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 2)
        epoch = disk.epoch
    (tmp_path / directory.UNSYNCED).touch()
    async with opened(tmp_path) as disk:
        assert disk.epoch != epoch
        epoch = disk.epoch
    async with opened(tmp_path) as disk:
        assert disk.epoch == epoch


async def test_a_commit_in_doubt_changes_the_epoch_before_anything_else_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await store(disk, group("a", 1, 2))
        before = disk.epoch
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_IOERR_FSYNC)
        with pytest.raises(BufferUnavailable):
            await store(disk, group("a", 3, 4))
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_IOERR_FSYNC)
        with pytest.raises(BufferUnavailable, match=r"meta\.db"):
            await store(disk, group("a", 3, 4))
        assert disk.epoch == before
        await store(disk, group("a", 5, 6))
        assert disk.epoch != before
        assert [segment.first for segment in shelf(disk).segments] == [1, 3]
        assert (disk.lanes.lane("a").highest, disk.lanes.lane("a").waiting) == (6, 4)
        epoch = disk.epoch
    async with opened(tmp_path) as disk:
        assert disk.epoch == epoch


async def test_what_was_in_doubt_and_turns_up_keeps_its_own_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = Segment.insert

    async def stored_all_the_same(self: Segment, frames: Sequence[Frame]) -> None:
        await insert(self, frames)
        monkeypatch.setattr(Segment, "insert", insert)
        del frames
        raise error(sqlite3.SQLITE_IOERR_FSYNC)

    async with opened(tmp_path) as disk:
        await store(disk, group("a", 1, 2))
        monkeypatch.setattr(Segment, "insert", stored_all_the_same)
        with pytest.raises(BufferUnavailable):
            await store(disk, group("a", 3, 4))
        await store(disk, group("a", 5, 6))
        assert disk.lanes.lane("a").waiting == 4
    async with opened(tmp_path) as disk:
        lane = disk.lanes.lane("a")
        assert (lane.waiting, lane.highest) == (4, 6), "what stands about the segment does not mention it"
        assert await read(disk) == {"a": [1, 2, 5, 6]}


async def test_a_segment_that_could_not_be_made_costs_no_sequence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise PermissionError(13, "permission denied")

    async with opened(tmp_path) as disk:
        epoch = disk.epoch
        with monkeypatch.context() as patch:
            patch.setattr("gateway.buffer.commits.create", refused)
            with pytest.raises(BufferUnavailable, match="permission denied"):
                await store(disk, group("a", 1, 1))
        await store(disk, group("a", 1, 1))
        assert (disk.lanes.lane("a").highest, disk.epoch) == (1, epoch)


async def test_a_segment_without_a_frame_goes_when_it_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL, times=2)
        with pytest.raises(BufferFull):
            await store(disk, group("a", 1, 1))
        assert shelf(disk).segments == []
        await store(disk, group("a", 1, 1))
        assert [segment.path.name for segment in shelf(disk).segments] == ["p1-000000000002.db"]


async def test_a_damaged_segment_is_set_aside_when_the_rest_of_it_is_drained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = shelf(disk).segments[0]
        first.damaged = first.hopeless = True
        await disk.tidy()
        assert first.path.exists()
        acknowledge(disk, first.last)
        await disk.tidy()
        assert not first.path.exists()
        assert [path.name for path in tmp_path.glob("*.damaged-*Z")] == [f"{first.path.name}.damaged-20261118T110640Z"]
        assert "was damaged; what could be read" in caplog.text


async def test_closing_on_a_broken_disk_closes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        await store(disk, group("a", 1, 1))
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_IOERR_WRITE, times=9)
    assert "closed without the last cursors" in caplog.text


async def test_losses_reach_the_file_with_the_next_sync(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full="drop-oldest") as disk:
        for number in range(1, 400):
            await store(disk, group("a", number, number))
        loss = disk.losses.all["quota", "a", Priority.TELEMETRY]
        assert (loss.first, loss.last) == (1, loss.messages)
    async with opened(tmp_path) as disk:
        assert disk.saved.losses == [loss]
