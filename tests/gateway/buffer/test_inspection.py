"""A directory seen from outside: the same messages as from inside, and not a byte of it changes."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from gateway.buffer import Loss, inspection
from gateway.buffer.clock import Clocks
from gateway.buffer.inspection import CannotLook, read_kept
from gateway.buffer.port import BufferSettings
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Message, Priority
from tests.gateway.buffer.making import QUOTA, SECOND_NS, messages, sequences, settings
from tests.gateway.buffer.outside import arrive, exported

SCHEMA_1 = Path(__file__).parents[2] / "data" / "buffer_schema_1.tar.xz"


def traces(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything that somebody who writes would change."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


async def synced(buffer: DiskBuffer) -> None:
    """Cursors are on the disk as they stand."""
    await buffer.told([])


async def test_what_waits_is_given_with_its_ids_and_nothing_changes(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 50) + messages("b", 1, 30))
        await arrive(buffer, "a", 20)
        claim = await buffer.claim("a", max_messages=1)
    before = traces(tmp_path)
    found = exported(tmp_path)
    assert sequences([one for one in found if one.identity == "a"]) == list(range(21, 51))
    assert sequences([one for one in found if one.identity == "b"]) == list(range(1, 31))
    assert found[0] == claim.messages[0]
    assert inspection.look(tmp_path, read_kept(tmp_path)).waiting == {"a": 30, "b": 30}
    assert traces(tmp_path) == before


async def test_a_running_gateway_tells_the_same_and_goes_on(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        for number in range(1, 41):
            await buffer.append(messages("a", number, number) + messages("b", number, number, priority=Priority.BULK))
        await arrive(buffer, "a", 20)
        await synced(buffer)
        outside = await asyncio.to_thread(lambda: inspection.look(tmp_path, read_kept(tmp_path)))
        inside = buffer.stats()
        assert (outside.waiting, outside.messages) == (inside.waiting, inside.messages)
        assert outside.bytes_on_disk == inside.bytes_on_disk
        for priority, held in outside.classes.items():
            assert held[:2] == inside.classes[priority][:2]
            # By segments: it may be the time of one that has been delivered.
            assert (held.oldest_ns or 0) <= (inside.classes[priority].oldest_ns or 0)
        found = await asyncio.to_thread(exported, tmp_path)
        assert [(one.priority, one.sequence) for one in found] == [
            *((Priority.TELEMETRY, number) for number in range(21, 41)),
            *((Priority.BULK, number) for number in range(1, 41)),
        ]
        await buffer.append(messages("a", 41, 41))
        assert await arrive(buffer, "a", 21) == list(range(21, 42))


async def test_both_ends_of_a_lane_that_drains_from_two_are_told(tmp_path: Path) -> None:
    live = BufferSettings(QUOTA, order="live-first")
    async with open_buffer(tmp_path, live) as buffer:
        await buffer.append(messages("a", 1, 300))
        seen: set[int] = set()
        for first in (301, 311, 321, 331):
            claim = await buffer.claim("a")
            seen |= set(sequences(claim.messages))
            await buffer.acknowledge(claim)
            await buffer.append(messages("a", first, first + 9))
        assert min(seen) == 1
        assert max(seen) > 300
        left = buffer.stats().waiting["a"]
    found = exported(tmp_path)
    assert len(found) == left == inspection.look(tmp_path, read_kept(tmp_path)).messages
    assert not seen & {one.sequence for one in found}


async def test_what_was_thinned_is_counted_as_it_is(tmp_path: Path) -> None:
    """Rewritten segments have holes in their sequences."""
    async with open_buffer(tmp_path, settings(2 * 1024 * 1024, "thin")) as buffer:
        for first in range(0, 40_000, 1000):
            await buffer.append([scan(number) for number in range(first, first + 1000)])
        claim = await buffer.claim("a", max_messages=7)
        await buffer.acknowledge(claim)
        assert buffer.stats().dropped["thinned"] > 0
        left = buffer.stats().waiting["a"]
    kept = read_kept(tmp_path)
    found = exported(tmp_path)
    assert len(found) == left == inspection.look(tmp_path, kept).messages
    assert [one.sequence for one in found] == sorted({one.sequence for one in found})
    thinned = [loss for loss in kept.losses if loss.reason == "thinned"]
    assert [(loss.identity, loss.priority) for loss in thinned] == [("a", Priority.TELEMETRY)]


def scan(number: int) -> Message:
    """As a meter sends them: it compresses as scans do."""
    chance = random.Random(number)  # the same in every run
    values = ",".join(f'"point_{point}":{chance.random():.8f}' for point in range(8))
    return Message("a", number * SECOND_NS, "profile=x", f'{{"ts":{number},"values":{{{values}}}}}'.encode())


def schema_1(folder: Path) -> Path:
    with tarfile.open(SCHEMA_1) as archive:
        archive.extractall(folder, filter="data")
    return folder / "buffer"


def test_a_directory_of_the_first_version_is_read(tmp_path: Path) -> None:
    folder = schema_1(tmp_path)
    before = traces(folder)
    assert inspection.look(folder, read_kept(folder)).waiting == {"a": 310, "b": 360, "c": 60}
    assert sequences([one for one in exported(folder) if one.identity == "a"]) == list(range(51, 361))
    assert inspection.growth(folder, read_kept(folder)) is None
    assert traces(folder) == before


def test_a_directory_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = schema_1(tmp_path)
    with closing(sqlite3.connect(folder / "meta.db")) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(CannotLook, match="newer version"):
        read_kept(folder)


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotLook, match="there is no buffer in"):
        read_kept(tmp_path / "missing")


async def test_without_its_cursors_all_of_it_waits(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 10))
        await arrive(buffer, "a", 5)
    for path in tmp_path.glob("meta.db*"):
        path.unlink()
    assert [one.sequence for one in exported(tmp_path)] == list(range(1, 11))
    assert inspection.look(tmp_path, read_kept(tmp_path)).messages == 10


def test_a_file_that_cannot_be_read_is_said_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_TRY_EVERY_S", 0.0)
    (tmp_path / "meta.db").write_bytes(b"no database " * 500)
    with pytest.raises(CannotLook, match=r"meta\.db cannot be read: file is not a database"):
        read_kept(tmp_path)


async def test_how_fast_it_grows_is_told_by_what_was_written(tmp_path: Path) -> None:
    """By the buffer's own clock: one message of 3,000 bytes in a second."""
    now = [1000.0]
    clock = Clocks(wall_ns=lambda: 0, boottime_s=lambda: now[0], boot_id=lambda: "b")
    async with open_buffer(tmp_path, settings(QUOTA), clock=clock) as buffer:
        for number in range(1, 101):
            await buffer.append(messages("a", number, number, size=3000))
            now[0] += 1
            if number == 50:
                await synced(buffer)
                assert inspection.growth(tmp_path, read_kept(tmp_path)) is None  # less than a minute
        rate = inspection.growth(tmp_path, read_kept(tmp_path))
    assert rate is not None
    assert 3000 < rate < 8000
    assert inspection.growth(tmp_path, read_kept(tmp_path)) == pytest.approx(rate, rel=0.2)


async def test_what_was_set_aside_and_refused_is_told(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 3))
        await buffer.refuse(await buffer.claim("a"), "too large", 2)
        await synced(buffer)
        assert inspection.look(tmp_path, read_kept(tmp_path)).quarantined == 2
    (tmp_path / "p1-000000000042.db.damaged-20261124T100000Z").write_bytes(b"x" * 5)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "frame").write_bytes(b"x" * 7)
    assert inspection.aside(tmp_path) == [("p1-000000000042.db.damaged-20261124T100000Z", 5), ("damaged/", 7)]
    stats = inspection.look(tmp_path, read_kept(tmp_path))
    assert (stats.messages, stats.quarantined, stats.dropped) == (1, 2, {"refused": 2})
    (loss,) = read_kept(tmp_path).losses
    assert loss == Loss("refused", "a", Priority.TELEMETRY, 2, 1, 2, SECOND_NS, 2 * SECOND_NS)
