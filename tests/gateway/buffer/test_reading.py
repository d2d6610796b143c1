from __future__ import annotations

import asyncio
import functools
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import disk as disk_module
from gateway.buffer.lanes import OVERHEAD_BYTES, Lanes
from gateway.buffer.segments import Segment
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Priority
from tests.gateway.buffer.making import drain, message, messages, sequences, settings

MB = 1024 * 1024
WINDOW = 200_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "buffer"


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that holds a few of the messages alone, so that the rest must come from the disk."""
    monkeypatch.setattr(disk_module, "Lanes", functools.partial(Lanes, WINDOW))


@asynccontextmanager
async def opened(folder: Path, quota: int = 16 * MB) -> AsyncIterator[DiskBuffer]:
    async with asyncio.timeout(30), open_buffer(folder, settings(quota)) as buffer:
        yield buffer


async def fill(buffer: DiskBuffer, identities: list[str], last: int, size: int = 500) -> None:
    """Messages 1 to ``last`` of each, ten scans a commit."""
    for first in range(1, last + 1, 10):
        group = [message(name, number, size) for number in range(first, first + 10) for name in identities]
        await buffer.append(group)


def used(buffer: DiskBuffer) -> int:
    return buffer._disk.lanes.used_bytes


@pytest.mark.usefixtures("small_window")
async def test_a_backlog_far_beyond_the_window_comes_back_in_order(folder: Path) -> None:
    names = [f"dev-{number}" for number in range(8)]
    most = 0

    async def watched(buffer: DiskBuffer, name: str) -> list[int]:
        nonlocal most
        found: list[int] = []
        while len(found) < 400:
            claim = await buffer.claim(name, max_messages=7)
            most = max(most, used(buffer))
            found += sequences(claim.messages)
            await buffer.acknowledge(claim)
        return found

    async with opened(folder) as buffer:
        await fill(buffer, names, 400)
        assert used(buffer) == 0, "nobody claims yet"
        results = await asyncio.gather(*(watched(buffer, name) for name in names))
        assert results == [list(range(1, 401))] * 8
        assert most <= WINDOW + 100_000, "one frame may come on top"
        assert buffer.stats().messages == 0


@pytest.mark.usefixtures("small_window")
async def test_a_backlog_comes_back_in_order_while_more_is_stored_behind_it(folder: Path) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, ["a", "b"], 300)

        async def go_on() -> None:
            for number in range(301, 601):
                await buffer.append([message("a", number, 500), message("b", number, 500)])

        _, *found = await asyncio.gather(go_on(), drain(buffer, "a", 600), drain(buffer, "b", 600))
        assert found == [list(range(1, 601))] * 2


@pytest.mark.usefixtures("small_window")
async def test_lanes_that_stopped_draining_hold_up_nobody(folder: Path) -> None:
    names = [f"dead-{number}" for number in range(10)]
    async with opened(folder) as buffer:
        claims = [asyncio.create_task(buffer.claim(name)) for name in names]
        await fill(buffer, [*names, "alive"], 100)
        dead = [await claim for claim in claims]
        assert used(buffer) > 0
        assert await drain(buffer, "alive", 100) == list(range(1, 101))
        for claim in dead[:5]:
            await buffer.give_back(claim)
        for name in names[:5]:
            assert await drain(buffer, name, 100) == list(range(1, 101)), "what gave way is read back"
        assert buffer.stats().waiting == dict.fromkeys(names[5:], 100)


@pytest.mark.usefixtures("small_window")
async def test_a_restart_in_the_middle_of_a_backlog_goes_on_in_the_middle(folder: Path) -> None:
    async with opened(folder) as buffer:
        await fill(buffer, ["a", "b"], 500)
        await drain(buffer, "a", 260)
    for name, first in (("a", 261), ("b", 1)):
        async with opened(folder) as buffer:
            assert await drain(buffer, name, 501 - first) == list(range(first, 501))


async def test_a_rare_identity_is_found_behind_many_segments_of_others(folder: Path) -> None:
    async with opened(folder, quota=MB) as buffer:
        await buffer.append([message("rare", 1)])
        for number in range(1, 61):
            await buffer.append([message("often", number, 6000)])
        await buffer.append([message("rare", 2)])
        assert len(list(folder.glob("p1-*.db"))) > 5
        assert await drain(buffer, "rare", 2) == [1, 2]


async def test_a_frame_is_unpacked_once_for_all_who_drain_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    bodies = Segment.bodies

    async def counted(self: Segment, numbers: Any) -> dict[int, bytes]:
        nonlocal read
        read += len(numbers)
        return await bodies(self, numbers)

    monkeypatch.setattr(Segment, "bodies", counted)
    names = [f"dev-{number}" for number in range(20)]
    async with opened(folder) as buffer:
        await fill(buffer, names, 100)
        frames = buffer._disk.shelves[Priority.TELEMETRY].next_frame - 1
        await asyncio.gather(*(drain(buffer, name, 100) for name in names))
    assert read <= 2 * frames


async def test_what_is_claimed_as_it_comes_is_never_read_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def must_not(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Segment, "bodies", must_not)
    async with opened(folder) as buffer:
        claim = asyncio.create_task(buffer.claim("a"))
        await buffer.append([message("a", 1)])
        await buffer.acknowledge(await claim)
        for number in range(2, 20):
            await buffer.append([message("a", number)])
            assert await drain(buffer, "a", 1) == [number]


# Damage and trouble.


def overwrite(path: Path, at: float) -> None:
    """Some pages in this part of the file are not what was written."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * at) // 8192 * 8192
    content[start : start + 8192] = b"\xa5" * 8192
    path.write_bytes(content)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
async def test_damage_is_passed_over_counted_and_said(
    folder: Path, at: float, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(folder, quota=MB) as buffer:
        for number in range(1, 41):
            await buffer.append([message("a", number, 3000)])
        await buffer.append([message("a", 41)])
    first = sorted(folder.glob("p1-*.db"))[0]
    overwrite(Path(f"{first}-wal"), at)
    async with opened(folder, quota=MB) as buffer:
        found: list[int] = []
        while 41 not in found:
            claim = await buffer.claim("a")
            found += sequences(claim.messages)
            await buffer.acknowledge(claim)
        lost = 41 - len(found)
        assert found == sorted(set(found))
        assert 0 < lost < 15
        stats = buffer.stats()
        assert stats.messages == 0
        assert stats.dropped == {"damaged": lost}
        await asyncio.sleep(0.3)
        assert not first.exists()
        aside = [path.name for path in folder.glob(f"{first.name}.damaged-*")]
        assert sum(not name.endswith("-wal") for name in aside) == 1
    assert f"{first} is damaged: {lost} messages in it cannot be read any more" in caplog.text


async def test_a_damaged_body_is_counted_for_each_of_its_identities(folder: Path) -> None:
    async with opened(folder, quota=MB) as buffer:
        await buffer.append(messages("a", 1, 3, 3000) + messages("b", 1, 2, 3000))
        await buffer.append([message("a", 4), message("b", 3)])
    with closing(sqlite3.connect(next(folder.glob("p1-*.db")))) as foreign, foreign:
        foreign.execute("UPDATE frame SET body = zeroblob(length(body)) WHERE number = 1")
    async with opened(folder, quota=MB) as buffer:
        assert sequences((await buffer.claim("a")).messages) == [4]
        assert sequences((await buffer.claim("b")).messages) == [3]
        assert buffer.stats().dropped == {"damaged": 5}
        assert buffer.stats().waiting == {"a": 1, "b": 1}


async def test_a_file_that_somebody_removed_is_said_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(folder, quota=MB) as buffer:
        for number in range(1, 41):
            await buffer.append([message("a", number, 3000)])
        sorted(folder.glob("p1-*.db"))[0].unlink()
        claim = await buffer.claim("a")
        first = claim.messages[0].sequence
        assert first > 5
        await buffer.acknowledge(claim)
        found = [*sequences(claim.messages)]
        while 40 not in found:
            claim = await buffer.claim("a")
            found += sequences(claim.messages)
            await buffer.acknowledge(claim)
        assert found == list(range(first, 41))
        assert buffer.stats().dropped == {"damaged": first - 1}
        assert buffer.stats().messages == 0
    assert "is gone: somebody removed it" in caplog.text


async def test_a_disk_that_does_not_read_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    heads = Segment.heads
    left = 2

    async def moody(self: Segment, start: int, limit: int) -> Any:
        nonlocal left
        if left:
            left -= 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
            raise error
        return await heads(self, start, limit)

    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 5))
        monkeypatch.setattr("gateway.buffer.reading._AGAIN_S", 0.01)
        monkeypatch.setattr(Segment, "heads", moody)
        assert await drain(buffer, "a", 5) == [1, 2, 3, 4, 5]
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "buffer: the disk does not give back what was stored (disk I/O error); trying again",
        "buffer: the disk gives back again what was stored (was: disk I/O error)",
    ]


@pytest.mark.slow
async def test_memory_stays_flat_whatever_the_backlog(folder: Path) -> None:
    """20,000 messages wait; what Python holds of them is the window and nothing per message."""
    peaks = []
    async with opened(folder, quota=64 * MB) as buffer:
        tracemalloc.start()
        for part in range(4):
            await fill_from(buffer, 1 + 5000 * part, 5000)
            peaks.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert buffer.stats().messages == 20_000
    assert peaks[-1] - peaks[0] < 500_000 < 5000 * OVERHEAD_BYTES


async def fill_from(buffer: DiskBuffer, first: int, count: int) -> None:
    for start in range(first, first + count, 1000):
        await buffer.append(messages("a", start, start + 999, 50))
