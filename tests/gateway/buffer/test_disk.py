from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import BufferFull, BufferUnavailable, directory
from gateway.buffer.disk import Disk
from gateway.buffer.frames import Frame
from gateway.buffer.meta import Cursor, Meta
from gateway.buffer.policy import OnFull, sizes
from gateway.buffer.recovery import open_disk
from gateway.buffer.segments import Segment
from gateway.model import Message
from tests.gateway.buffer.making import messages

MB = 1024 * 1024


@asynccontextmanager
async def opened(folder: Path, quota: int = MB, on_full: OnFull = "refuse") -> AsyncIterator[Disk]:
    disk = await open_disk(folder, sizes(quota), on_full, lambda: 1_795_000_000 * 10**9)
    try:
        async with asyncio.timeout(20):
            yield disk
    finally:
        await disk.close()


def group(identity: str, first: int, last: int, size: int = 3000) -> list[Mapping[str, Sequence[Message]]]:
    return [{identity: messages(identity, first, last, size)}]


async def fill(disk: Disk, segments: int) -> int:
    """Commit one message after the other until so many segments lie there; the last sequence."""
    number = 0
    while len(disk.segments) < segments:
        number += 1
        await disk.store(group("a", number, number))
    return number


def acknowledge(disk: Disk, up_to: int) -> None:
    """As one who reads everything from memory would."""
    lane = disk.lanes.lane("a")
    frames = {segment.last: segment.remaining for segment in disk.segments if segment.last <= up_to}
    lane.acked = up_to
    lane.waiting = lane.highest - up_to
    disk.done_with(lane, frames)


def error(code: int) -> sqlite3.Error:
    made = sqlite3.OperationalError("as SQLite says it")
    made.sqlite_errorcode = code
    return made


def fails(monkeypatch: pytest.MonkeyPatch, method: Any, name: str, code: int, times: int = 1) -> None:
    """This method fails so often, then works."""
    works = getattr(method, name)
    left = times

    async def attempt(self: Any, *arguments: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise error(code)
        return await works(self, *arguments)

    monkeypatch.setattr(method, name, attempt)


async def test_segments_are_sealed_at_their_size(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=4 * MB) as disk:
        await fill(disk, 4)
        sealed = disk.segments[:-1]
        assert all(0.8 * MB / 4 < segment.path.stat().st_size <= 1.5 * MB / 4 for segment in sealed)
        assert not any(directory.has_log(segment.path) for segment in sealed)
        assert disk.writing is disk.segments[-1]
        assert disk.used_bytes() == sum(path.stat().st_size for path in tmp_path.iterdir())


async def test_finds_the_segment_of_a_frame(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        last = await fill(disk, 3)
        first, second, third = disk.segments
        assert disk.holding(1) is first
        assert disk.holding(first.last) is first
        assert disk.holding(first.last + 1) is second
        assert disk.holding(last) is third
        assert disk.holding(last + 1) is None
        disk.segments.remove(second)
        assert disk.holding(first.last + 1) is third
        disk.segments.append(second)


async def test_the_cursors_are_on_the_disk_before_a_segment_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[tuple[str, Any]] = []
    write, remove = Meta.write, directory.remove

    async def noted_write(self: Meta, epoch: int, frame: int, cursors: Sequence[Cursor], losses: Any) -> None:
        await write(self, epoch, frame, cursors, losses)
        happened.extend(("synced", cursor) for cursor in cursors)

    def noted_remove(path: Path) -> None:
        happened.append(("removed", path.name))
        remove(path)

    monkeypatch.setattr(Meta, "write", noted_write)
    monkeypatch.setattr(directory, "remove", noted_remove)
    async with opened(tmp_path) as disk:
        last = await fill(disk, 3)
        first = disk.segments[0]
        acknowledge(disk, first.last)
        await disk.tidy()
        assert happened == [("synced", Cursor("a", first.last, last)), ("removed", first.path.name)]


async def test_a_segment_stays_while_the_cursors_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = disk.segments[0]
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
        acknowledge(disk, disk.segments[0].last)
        assert (tmp_path / directory.BALLAST).exists()
        await disk.tidy()
        assert not (tmp_path / directory.BALLAST).exists()
        assert disk.full == "disk"
        assert disk.refuses() == "", "there is room by now"
        number = disk.lanes.lane("a").highest + 1
        await disk.store(group("a", number, number))
        assert (tmp_path / directory.BALLAST).exists()
        assert disk.full == ""


async def test_a_full_disk_seals_what_was_written_so_that_it_can_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await disk.store(group("a", 1, 5))
        monkeypatch.setattr(directory, "free_bytes", lambda _: 0)
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL)
        with pytest.raises(BufferFull):
            await disk.store(group("a", 6, 6))
        with pytest.raises(BufferFull):
            await disk.store(group("a", 6, 6))
        assert (disk.writing, disk.refuses()) == (None, "disk")
        acknowledge(disk, 5)
        await disk.tidy()
        assert disk.segments == []
        monkeypatch.undo()
        await disk.store(group("a", 6, 6))
        assert disk.lanes.lane("a").highest == 6


async def at_a_full_disk(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> tuple[Segment, int, list[Mapping[str, Sequence[Message]]]]:
    """Three segments lie on a disk without room until the first is gone: it, its messages, and what comes next."""
    last = await fill(disk, 3)
    first = disk.segments[0]
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
            await disk.store(coming)
        assert first.path.exists()
        assert disk.losses.since_opened == {}


async def test_what_sealing_frees_is_used_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as disk:
        await disk.store(group("a", 1, 5))
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL)
        await disk.store(group("a", 6, 6))
        assert (disk.lanes.lane("a").highest, disk.refuses(), len(disk.segments)) == (6, "", 2)


async def test_a_disk_that_is_full_again_at_once_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as disk:
        await disk.store(group("a", 1, 5))
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL, times=2)
        with pytest.raises(BufferFull):
            await disk.store(group("a", 6, 6))
        assert (disk.full, disk.writing, len(disk.segments)) == ("disk", None, 1)
        await disk.store(group("a", 6, 6))
        assert disk.lanes.lane("a").waiting == 6


async def test_a_disk_without_a_byte_for_the_cursors_gives_up_a_drained_segment_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, bool]] = []
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = disk.segments[0]
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
        assert len(disk.segments) == 2


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
        await disk.store(group("a", 1, 2))
        before = disk.epoch
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_IOERR_FSYNC)
        with pytest.raises(BufferUnavailable):
            await disk.store(group("a", 3, 4))
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_IOERR_FSYNC)
        with pytest.raises(BufferUnavailable, match=r"meta\.db"):
            await disk.store(group("a", 3, 4))
        assert disk.epoch == before
        await disk.store(group("a", 5, 6))
        assert disk.epoch != before
        assert [segment.first for segment in disk.segments] == [1, 3]
        assert (disk.lanes.lane("a").highest, disk.lanes.lane("a").waiting) == (6, 4)
        epoch = disk.epoch
    async with opened(tmp_path) as disk:
        assert disk.epoch == epoch


async def test_what_was_in_doubt_and_turns_up_keeps_its_own_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = Segment.insert

    async def stored_all_the_same(self: Segment, frames: Sequence[Frame]) -> None:
        await insert(self, frames)
        monkeypatch.setattr(Segment, "insert", insert)
        self.last = frames[0].number - 1
        raise error(sqlite3.SQLITE_IOERR_FSYNC)

    async with opened(tmp_path) as disk:
        await disk.store(group("a", 1, 2))
        monkeypatch.setattr(Segment, "insert", stored_all_the_same)
        with pytest.raises(BufferUnavailable):
            await disk.store(group("a", 3, 4))
        await disk.store(group("a", 5, 6))
        assert disk.lanes.lane("a").waiting == 4
    async with opened(tmp_path) as disk:
        lane = disk.lanes.lane("a")
        assert (lane.waiting, lane.highest) == (4, 6), "the content of the sealed segment does not mention it"


async def test_a_segment_that_could_not_be_made_costs_no_sequence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise PermissionError(13, "permission denied")

    async with opened(tmp_path) as disk:
        epoch = disk.epoch
        with monkeypatch.context() as patch:
            patch.setattr("gateway.buffer.disk.create", refused)
            with pytest.raises(BufferUnavailable, match="permission denied"):
                await disk.store(group("a", 1, 1))
        await disk.store(group("a", 1, 1))
        assert (disk.lanes.lane("a").highest, disk.epoch) == (1, epoch)


async def test_a_segment_without_a_frame_goes_when_it_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        fails(monkeypatch, Segment, "insert", sqlite3.SQLITE_FULL, times=2)
        with pytest.raises(BufferFull):
            await disk.store(group("a", 1, 1))
        assert disk.segments == []
        await disk.store(group("a", 1, 1))
        assert [segment.path.name for segment in disk.segments] == ["p1-000000000001.db"]


async def test_a_damaged_segment_is_set_aside_when_the_rest_of_it_is_drained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        first = disk.segments[0]
        first.damaged = True
        await disk.tidy()
        assert first.path.exists()
        disk.lanes.lane("a").acked = first.last
        await disk.tidy()
        assert not first.path.exists()
        assert [path.name for path in tmp_path.glob("*.damaged-*")] == [f"{first.path.name}.damaged-20261118T110640Z"]
        assert "was damaged; what could be read is delivered" in caplog.text


async def test_closing_on_a_broken_disk_closes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        await disk.store(group("a", 1, 1))
        fails(monkeypatch, Meta, "write", sqlite3.SQLITE_IOERR_WRITE, times=9)
    assert "closed without the last cursors" in caplog.text


async def test_losses_reach_the_file_with_the_next_sync(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full="drop-oldest") as disk:
        for number in range(1, 400):
            await disk.store(group("a", number, number))
        loss = disk.losses.all["quota", "a"]
        assert (loss.first, loss.last) == (1, loss.messages)
    async with opened(tmp_path) as disk:
        assert disk.saved.losses == [loss]
