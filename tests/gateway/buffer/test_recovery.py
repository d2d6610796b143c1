from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.buffer import BufferUnavailable, meta, reshaping, wal
from gateway.buffer.clock import Clocks
from gateway.buffer.disk import Disk
from gateway.buffer.recovery import open_disk
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Priority
from tests.gateway.buffer.making import QUOTA, drain, message, messages, settings
from tests.gateway.buffer.test_meta import unpacked

SMALL = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "buffer"


@asynccontextmanager
async def opened(folder: Path, quota: int = SMALL) -> AsyncIterator[DiskBuffer]:
    async with asyncio.timeout(20), open_buffer(folder, settings(quota)) as buffer:
        yield buffer


async def fill(buffer: DiskBuffer, last: int = 60) -> None:
    """Messages 1 to ``last`` of a and b, one of each per commit, over some segments of 64 kB."""
    for number in range(1, last + 1):
        await buffer.append([message("a", number, 3000), message("b", number, 3000)])


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("p1-*.db"))


def aside(folder: Path) -> list[str]:
    return sorted(path.name.partition(".damaged-")[0] for path in folder.glob("*.damaged-*Z"))


def waiting(buffer: DiskBuffer, identity: str = "a") -> int:
    return buffer.stats().waiting.get(identity, 0)


async def test_a_new_directory_is_made_with_ballast_and_cursors_alone(folder: Path) -> None:
    async with opened(folder):
        pass
    assert sorted(path.name for path in folder.iterdir()) == ["ballast", "meta.db"]


async def test_a_crash_at_any_commit_keeps_all_that_was_accepted(folder: Path, crashed: Callable[[Path], Path]) -> None:
    images = []
    async with opened(folder) as buffer:
        for number in range(1, 41):
            await buffer.append([message("a", number, 3000)])
            if number % 8 == 0:
                images.append((number, crashed(folder)))
    for number, image in images:
        async with opened(image) as buffer:
            assert await drain(buffer, "a", waiting(buffer)) == list(range(1, number + 1))


async def test_frames_that_were_accepted_and_whose_end_of_the_log_is_gone_are_counted(
    folder: Path, crashed: Callable[[Path], Path]
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 8)
        disk: Disk = buffer._disk
        await disk.sync()  # from now on meta.db knows of 8 frames
        image = crashed(folder)
    log = Path(f"{segment_files(image)[0]}-wal")
    found = wal.examine(log.read_bytes(), 512, begun_anew=False)
    sixth = [index for index, page in enumerate(found.pages) if page.commits][-3]
    with log.open("r+b") as stream:
        stream.truncate(32 + (sixth + 1) * 536)
    async with opened(image) as buffer:
        assert buffer.stats().dropped == {"damaged": 2}, "two frames, of whom is not known any more"
        assert await drain(buffer, "a", 6) == list(range(1, 7))
        assert await drain(buffer, "b", 6) == list(range(1, 7))


@pytest.mark.parametrize("size", [1, 300, 3000])
async def test_a_segment_that_somebody_opened_after_a_crash_is_no_empty_one(
    folder: Path, crashed: Callable[[Path], Path], size: int
) -> None:
    async with opened(folder) as buffer:
        await buffer.append([message("a", 1, size)])
        image = crashed(folder)
    with closing(sqlite3.connect(segment_files(image)[0])) as foreign:  # who closes last, copies the log
        assert foreign.execute("SELECT count(*) FROM frame").fetchone() == (1,)
    assert not Path(f"{segment_files(image)[0]}-wal").exists()
    async with opened(image) as buffer:
        assert await drain(buffer, "a", waiting(buffer)) == [1]


async def test_a_number_that_was_passed_over_is_no_frame_that_is_missing(
    folder: Path, crashed: Callable[[Path], Path]
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 3)
        disk: Disk = buffer._disk
        disk.shelves[Priority.TELEMETRY].next_frame += 2  # two files were made and gone: there was no room for a frame
        disk.touch()
        await disk.sync()
        image = crashed(folder)
    async with opened(image) as buffer:
        assert buffer.stats().dropped == {}
        assert await drain(buffer, "a", 3) == [1, 2, 3]


async def test_a_sequence_that_only_a_segment_knew_is_not_used_again_when_thinning_has_left_its_message_out(
    folder: Path, crashed: Callable[[Path], Path]
) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 2))
        image = crashed(folder)
    async with opened(image) as buffer:
        disk: Disk = buffer._disk
        shelf = disk.shelves[Priority.TELEMETRY]
        assert await reshaping.thin(disk, shelf, shelf.segments[0])
        await disk.tidy()
        image = crashed(image)
    async with opened(image) as buffer:
        await buffer.append([message("a", 3)])
        assert await drain(buffer, "a", 2) == [1, 3]


async def test_lanes_go_on_where_their_cursors_are(folder: Path) -> None:
    async with opened(folder) as buffer:
        await fill(buffer)
        await drain(buffer, "b", 60)
        await buffer.acknowledge(await buffer.claim("a", max_messages=7))
    async with opened(folder) as buffer:
        assert buffer.stats().waiting == {"a": 53}
        assert buffer.stats().oldest_ns is not None
        assert await drain(buffer, "a", 53) == list(range(8, 61))


async def test_a_crash_between_cursor_and_unlink_brings_no_duplicate(
    folder: Path, crashed: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 30)
        kept = asyncio.Event()

        async def not_yet(*_: object) -> None:
            kept.set()

        with monkeypatch.context() as patch:
            patch.setattr(Disk, "_unlink", not_yet)
            await drain(buffer, "a", 30)
            await drain(buffer, "b", 30)
            await kept.wait()
            await asyncio.sleep(0.15)
            image = crashed(folder)
        assert len(segment_files(image)) > 1
    async with opened(image) as buffer:
        assert buffer.stats().waiting == {}
        await buffer.append([message("a", 31)])
        assert await drain(buffer, "a", 1) == [31]
        assert len(segment_files(image)) == 1


async def test_what_a_crash_left_half_made_is_removed(folder: Path) -> None:
    folder.mkdir()
    (folder / "p1-000000000009.db.new").write_bytes(b"half")
    async with opened(folder) as buffer:
        await buffer.append([message("a", 1)])
    assert not list(folder.glob("*.new"))


# Damage.


def ruin(path: Path) -> None:
    """Nothing in the file and its log is what was written."""
    for one in (path, Path(f"{path}-wal")):
        one.write_bytes(b"no database" * (one.stat().st_size // 11))


async def test_a_segment_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer)
        epoch = buffer._disk.epoch
    victim = segment_files(folder)[1]
    ruin(victim)
    async with opened(folder) as buffer:
        found = await drain_what_comes(buffer, "a")
        assert aside(folder) == [victim.name]
        assert f"{victim} is damaged" in caplog.text
        assert found == sorted(found)
        assert 40 <= len(found) < 60
        assert {1, 60} <= set(found)
        assert buffer.stats().dropped == {"damaged": 2 * (60 - len(found))}, "of a and of b, each one"
        lost = {loss.identity: (loss.messages, loss.first, loss.last) for loss in buffer.gaps()}
        gap = sorted(set(range(1, 61)) - set(found))
        assert lost == dict.fromkeys(("a", "b"), (len(gap), gap[0], gap[-1]))
        assert buffer._disk.epoch == epoch, "what it held stood elsewhere"
        await buffer.append([message("a", 61)])
        assert await drain(buffer, "a", 1) == [61]
    async with opened(folder) as buffer:
        assert buffer.stats().dropped == {}, "since it was opened"
        assert len(buffer.gaps()) == 2


async def test_a_segment_that_nobody_knows_and_cannot_be_read_begins_a_new_epoch(
    folder: Path, crashed: Callable[[Path], Path]
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 3)
        epoch = buffer._disk.epoch
        image = crashed(folder)
    ruin(segment_files(image)[0])
    async with opened(image) as buffer:
        assert buffer._disk.epoch != epoch
        assert buffer.stats().dropped == {"damaged": 1}, "at least one: how many there were cannot be read"
    async with opened(image) as buffer:
        assert buffer._disk.losses.all["damaged", "", Priority.TELEMETRY].messages == 1


async def test_a_database_without_a_byte_is_made_anew_from_its_log(folder: Path) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 20)
    count = len(segment_files(folder))
    for path in segment_files(folder):
        path.write_bytes(b"")
    async with opened(folder) as buffer:
        assert await drain(buffer, "a", 20) == list(range(1, 21))
        assert buffer.stats().dropped == {}
    assert len(aside(folder)) == count


async def test_all_segments_lost_is_not_an_empty_start(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 20)
    for path in segment_files(folder):
        path.unlink()
    async with opened(folder) as buffer:
        assert buffer.stats().messages == 0
        assert buffer.stats().dropped == {"damaged": 40}
    assert "somebody removed it" in caplog.text
    async with opened(folder) as buffer:
        assert buffer._disk.losses.all["damaged", "a", Priority.TELEMETRY].messages == 20


async def test_lost_cursors_bring_duplicates_and_no_loss(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(folder) as buffer:
        await fill(buffer)
        await drain(buffer, "a", 60)
    (folder / meta.NAME).unlink()
    async with opened(folder) as buffer:
        assert await drain(buffer, "a", waiting(buffer)) == list(range(1, 61))
        await buffer.append([message("a", 61)])
        assert await drain(buffer, "a", 1) == [61]


async def test_damaged_cursors_are_set_aside(folder: Path) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 5)
        await buffer.acknowledge(await buffer.claim("a", max_messages=3))
    (folder / meta.NAME).write_bytes(b"\xa5" * 20_000)
    async with opened(folder) as buffer:
        assert await drain(buffer, "a", waiting(buffer)) == [1, 2, 3, 4, 5]
    assert aside(folder) == [meta.NAME]


def flips(content: bytes, count: int) -> Iterator[bytes]:
    """The file with one bit flipped, at places spread over all of it."""
    for index in range(count):
        bit = (index * 2_654_435_761) % (len(content) * 8)
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


@pytest.mark.slow
@pytest.mark.parametrize("ended", ["closed", "killed"])
async def test_every_flipped_bit_is_harmless_or_counted(
    folder: Path, tmp_path: Path, crashed: Callable[[Path], Path], ended: str
) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, 8)
        killed = crashed(folder)
    start = folder if ended == "closed" else killed
    victim = Path(f"{segment_files(start)[0]}-wal")
    noticed = 0
    for index, flipped in enumerate(flips(victim.read_bytes(), 100)):
        image = tmp_path / f"image-{index}"
        shutil.copytree(start, image)
        (image / victim.name).write_bytes(flipped)
        async with opened(image) as buffer:
            await buffer.append([message("c", 1)])
            lost = 0
            for identity in ("a", "b"):
                async with asyncio.timeout(5):
                    found = await drain_what_comes(buffer, identity)
                assert found == sorted(set(found))
                assert set(found) <= set(range(1, 9))
                lost += 8 - len(found)
            counted = buffer.stats().dropped.get("damaged", 0)
            assert counted == lost if ended == "closed" else (counted > 0) == (lost > 0)
            noticed += lost > 0
            assert await drain(buffer, "c", 1) == [1]
        async with opened(image) as buffer:
            assert buffer.stats().dropped == {}, "counted once"
    assert noticed > 50


async def drain_what_comes(buffer: DiskBuffer, identity: str) -> list[int]:
    """Drain until nothing of this identity waits any more."""
    found: list[int] = []
    while waiting(buffer, identity):
        drained = asyncio.create_task(drain(buffer, identity, 1))
        while not drained.done() and waiting(buffer, identity):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0)
        if not drained.done():
            drained.cancel()
            await asyncio.wait([drained])
            break
        found += drained.result()
    return found


# A disk that does not let it.


async def test_a_newer_file_is_not_touched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(meta, "_NEW", meta._NEW.replace("user_version=2", "user_version=9"))
        patch.setattr(meta, "SCHEMA", 9)
        async with opened(folder) as buffer:
            await fill(buffer, 3)
    with pytest.raises(BufferUnavailable, match="made by a newer version"):
        async with opened(folder):
            pass
    assert aside(folder) == []
    assert len(segment_files(folder)) == 1


async def test_trouble_while_restoring_closes_everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(folder) as buffer:
        await fill(buffer)

    def no_reading(*_: object) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr("gateway.buffer.segments.Segment.measure", no_reading)
    with pytest.raises(BufferUnavailable, match="input/output error"):
        await open_disk(folder, settings(QUOTA), Clocks())


async def test_frame_numbers_go_on_after_everything_was_drained(folder: Path) -> None:
    for number in range(1, 4):
        async with opened(folder) as buffer:
            await buffer.append(messages("a", number, number))
            assert [path.name for path in segment_files(folder)] == [f"p1-{number:012d}.db"]
            await drain(buffer, "a", 1)


# Schema 1.


async def test_a_directory_of_schema_1_is_opened_read_drained_and_goes_on(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    async with opened(folder) as buffer:
        assert buffer.stats().waiting == {"a": 310, "b": 360, "c": 60}
        assert await drain(buffer, "a", 310) == list(range(51, 361))
        for number in range(361, 400):
            await buffer.append([message("a", number, 3000)])
    async with opened(folder) as buffer:
        assert await drain(buffer, "b", 360) == list(range(1, 361))
        assert await drain(buffer, "a", 39) == list(range(361, 400))
        claim = await buffer.claim("c", max_messages=20)
        await buffer.acknowledge(claim)
    async with opened(folder) as buffer:
        assert buffer.stats().waiting == {"c": 60 - len(claim.messages)}


async def test_what_schema_1_has_left_is_packed_like_the_rest(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    disk = await open_disk(folder, settings(SMALL), Clocks())
    try:
        await disk.sync()
        row = disk.shelves[Priority.TELEMETRY]
        await reshaping.merge(disk, row, row.sealed)
        await disk.tidy()
    finally:
        await disk.close()
    async with opened(folder) as buffer:
        for identity, first in (("a", 51), ("b", 1)):
            assert await drain(buffer, identity, 361 - first) == list(range(first, 361))


# Many segments.


async def test_opening_reads_no_sealed_segment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(folder) as buffer:
        await fill(buffer)

    def no_connection(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr("gateway.buffer.segments.reading_uri", no_connection)
    disk = await open_disk(folder, settings(SMALL), Clocks())
    assert disk.lanes.lane("b").waiting == 60
    await disk.close()
