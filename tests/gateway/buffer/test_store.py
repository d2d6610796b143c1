from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import BufferFull, BufferUnavailable
from gateway.buffer.commits import Commits
from gateway.buffer.frames import Frame, MessageRefused
from gateway.buffer.segments import Segment
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Message, Priority, Stored
from tests.gateway.buffer.making import QUOTA, SECOND_NS, drain, message, messages, sequences, settings

MB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "buffer"


@pytest.fixture
async def buffer(folder: Path) -> AsyncIterator[DiskBuffer]:
    async with asyncio.timeout(20), open_buffer(folder, settings(QUOTA)) as opened:
        yield opened


async def everything(folder: Path, identity: str, *, limit_s: float = 10) -> list[int]:
    """Open, drain one identity as far as its messages wait, close."""
    async with asyncio.timeout(limit_s), open_buffer(folder, settings(QUOTA)) as opened:
        return await drain(opened, identity, opened.stats().waiting.get(identity, 0))


def segment_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("p1-*.db"))


# Accepted means on disk.


async def test_what_was_appended_is_on_the_disk_at_once(
    buffer: DiskBuffer, folder: Path, crashed: Callable[[Path], Path]
) -> None:
    await buffer.append(messages("a", 1, 3))
    image = crashed(folder)
    assert await everything(image, "a") == [1, 2, 3]


async def test_the_message_comes_out_as_it_went_in(buffer: DiskBuffer) -> None:
    given = Message("meter-1", 1_795_000_000_123_456_789, "profile=sdm630&kind=telemetry", bytes(range(256)))
    await buffer.append([given])
    found = (await buffer.claim("meter-1")).messages[0]
    assert found[:1] + found[3:] == given
    assert found.sequence == 1
    assert found.message_id == f"meter-1-{found.epoch:08x}-1"


async def test_many_producers_share_a_commit(buffer: DiskBuffer, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    insert = Segment.insert

    async def counted(self: Segment, frames: Sequence[Frame]) -> None:
        commits.append(sum(frame.messages for frame in frames))
        await insert(self, frames)

    monkeypatch.setattr(Segment, "insert", counted)
    await asyncio.gather(*(buffer.append([message(f"dev-{number}", 1)]) for number in range(100)))
    assert sum(commits) == 100
    assert len(commits) <= 2


async def test_each_identity_has_its_own_sequence_without_a_gap(buffer: DiskBuffer) -> None:
    async def produce(identity: str) -> None:
        for number in range(1, 41):
            await buffer.append([message(identity, number)])

    identities = [f"dev-{number}" for number in range(10)]
    await asyncio.gather(*map(produce, identities))
    for identity in identities:
        assert await drain(buffer, identity, 40) == list(range(1, 41))


async def test_an_append_larger_than_a_frame_is_one_commit(
    folder: Path, crashed: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[list[int]] = []
    insert = Segment.insert

    async def counted(self: Segment, frames: Sequence[Frame]) -> None:
        commits.append([frame.messages for frame in frames])
        await insert(self, frames)

    monkeypatch.setattr(Segment, "insert", counted)
    async with open_buffer(folder, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 2500))
        image = crashed(folder)
    assert commits == [[1000, 1000, 500]]
    assert await everything(image, "a") == list(range(1, 2501))


async def test_nothing_is_nothing(buffer: DiskBuffer) -> None:
    await buffer.append([])
    assert buffer.stats().messages == 0


async def test_a_message_that_breaks_a_limit_is_refused_and_the_others_with_it(buffer: DiskBuffer) -> None:
    with pytest.raises(MessageRefused, match="a: body of"):
        await buffer.append([message("a", 1), Message("a", 1, "", bytes(5 * MB))])
    assert buffer.stats().messages == 0


async def test_more_at_once_than_a_quarter_of_the_quota_is_refused(folder: Path) -> None:
    async with open_buffer(folder, settings(MB)) as buffer:
        with pytest.raises(MessageRefused, match="a quota of 1048576 takes a quarter of it"):
            await buffer.append(messages("a", 1, 30, size=10_000))


async def test_a_cancelled_append_does_not_disturb_the_others(buffer: DiskBuffer) -> None:
    appends = [asyncio.create_task(buffer.append([message(f"dev-{number}", 1)])) for number in range(10)]
    await asyncio.sleep(0)
    for task in appends[::2]:
        task.cancel()
    results = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(result) for result in results[::2]] == [asyncio.CancelledError] * 5
    assert results[1::2] == [None] * 5
    for number in range(1, 10, 2):
        assert await drain(buffer, f"dev-{number}", 1) == [1]


async def test_an_append_cancelled_before_its_turn_is_not_stored(
    buffer: DiskBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    store = Commits.store

    async def held_up(self: Commits, group: Any) -> Any:
        await go_on.wait()
        return await store(self, group)

    monkeypatch.setattr(Commits, "store", held_up)
    first = asyncio.create_task(buffer.append([message("a", 1)]))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(buffer.append([message("a", 99)]))
    third = asyncio.create_task(buffer.append([message("a", 2)]))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.wait([second])
    go_on.set()
    await asyncio.gather(first, third)
    assert await drain(buffer, "a", 2) == [1, 2]
    assert buffer.stats().messages == 0


# A commit that fails.


async def taken(buffer: DiskBuffer, identity: str, count: int) -> list[Stored]:
    """So many messages, claimed and acknowledged."""
    found: list[Stored] = []
    while len(found) < count:
        claim = await buffer.claim(identity)
        found += claim.messages
        await buffer.acknowledge(claim)
    return found


def failing(code: int, times: int = 1) -> Callable[..., Any]:
    """An insert that fails so often with this code of SQLite, then works."""
    insert = Segment.insert
    left = times

    async def attempt(self: Segment, frames: Sequence[Frame]) -> None:
        nonlocal left
        if left:
            left -= 1
            error = sqlite3.OperationalError("as the disk says it")
            error.sqlite_errorcode = code
            raise error
        await insert(self, frames)

    return attempt


async def test_a_failed_commit_is_told_to_all_who_wait_and_leaves_no_gap(
    buffer: DiskBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await buffer.append([message("a", 1), message("b", 1)])
    monkeypatch.setattr(Segment, "insert", failing(sqlite3.SQLITE_FULL, times=2))
    results = await asyncio.gather(
        buffer.append([message("a", 2)]), buffer.append([message("b", 2)]), return_exceptions=True
    )
    assert [type(result) for result in results] == [BufferFull, BufferFull]
    assert buffer.stats().messages == 2
    await buffer.append([message("a", 2), message("b", 2)])
    found = [one for identity in "ab" for one in await taken(buffer, identity, 2)]
    assert sequences(found) == [1, 2, 1, 2]
    assert len({one.epoch for one in found}) == 1


async def test_sequences_of_a_commit_in_doubt_are_never_used_again(
    buffer: DiskBuffer, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    await buffer.append([message("a", 1)])
    monkeypatch.setattr(Segment, "insert", failing(sqlite3.SQLITE_IOERR_FSYNC))
    with pytest.raises(BufferUnavailable, match="as the disk says it"):
        await buffer.append([message("a", 2)])
    await buffer.append([message("a", 3), message("b", 1)])
    first, second = found = await taken(buffer, "a", 2)
    assert sequences(found) == [1, 3], "2 may be on the disk"
    assert first.epoch != second.epoch
    assert await drain(buffer, "b", 1) == [1]


async def test_a_mistake_in_the_writer_is_told_to_everybody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def mistaken(self: Commits, group: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Commits, "store", mistaken)
    results: list[object] = []

    async def use() -> None:
        async with asyncio.timeout(10), open_buffer(folder, settings(QUOTA)) as buffer:
            claim = asyncio.create_task(buffer.claim("a"))
            await asyncio.sleep(0)
            first, second = buffer.append([message("a", 1)]), buffer.append([message("b", 1)])
            results.extend(await asyncio.gather(first, second, claim, return_exceptions=True))
            results.extend(await asyncio.gather(buffer.append([message("a", 1)]), return_exceptions=True))

    with pytest.raises(ZeroDivisionError):
        await use()
    assert [type(result) for result in results] == [ZeroDivisionError] * 4


# Claiming.


async def test_a_claim_waits_until_there_is_something(buffer: DiskBuffer) -> None:
    claim = asyncio.create_task(buffer.claim("a"))
    await buffer.append([message("b", 1)])
    assert not claim.done()
    await buffer.append([message("a", 1)])
    assert sequences((await claim).messages) == [1]


async def test_one_claim_per_identity_is_out_at_a_time(buffer: DiskBuffer) -> None:
    await buffer.append(messages("a", 1, 4) + messages("b", 1, 1))
    first = await buffer.claim("a", max_messages=2)
    second = asyncio.create_task(buffer.claim("a"))
    assert sequences((await buffer.claim("b")).messages) == [1]
    assert not second.done()
    await buffer.acknowledge(first)
    assert sequences((await second).messages) == [3, 4]


async def test_what_did_not_arrive_stands_at_the_head_again(buffer: DiskBuffer) -> None:
    await buffer.append(messages("a", 1, 6))
    claim = await buffer.claim("a", max_messages=4)
    await buffer.acknowledge(claim, 3)
    claim = await buffer.claim("a", max_messages=2)
    assert sequences(claim.messages) == [4, 5]
    await buffer.give_back(claim)
    claim = await buffer.claim("a")
    assert sequences(claim.messages) == [4, 5, 6]
    await buffer.acknowledge(claim, 0)
    assert await drain(buffer, "a", 3) == [4, 5, 6]


async def test_a_claim_is_settled_once(buffer: DiskBuffer) -> None:
    await buffer.append(messages("a", 1, 2))
    claim = await buffer.claim("a")
    await buffer.give_back(claim)
    with pytest.raises(ValueError, match="a: this claim is not out"):
        await buffer.acknowledge(claim)


async def test_a_claim_keeps_to_its_limits(buffer: DiskBuffer) -> None:
    await buffer.append(messages("a", 1, 30, size=1000))
    sizes = []
    for max_messages, max_bytes in ((20, 10_000), (3, 10_000), (20, 1)):
        claim = await buffer.claim("a", max_messages, max_bytes)
        sizes.append(len(claim.messages))
        await buffer.acknowledge(claim)
    assert sizes == [9, 3, 1]


async def test_a_cancelled_claim_leaves_the_lane_to_others(buffer: DiskBuffer) -> None:
    waiting = asyncio.create_task(buffer.claim("a"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await buffer.append([message("a", 1)])
    assert sequences((await buffer.claim("a")).messages) == [1]


# Restarts.


async def test_a_restart_brings_back_what_was_not_acknowledged(folder: Path) -> None:
    async with open_buffer(folder, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 10) + messages("b", 1, 2))
        await buffer.acknowledge(await buffer.claim("a", max_messages=4))
        await buffer.claim("a")
    async with open_buffer(folder, settings(QUOTA)) as buffer:
        assert buffer.stats().waiting == {"a": 6, "b": 2}
        assert await drain(buffer, "a", 6) == [5, 6, 7, 8, 9, 10]
        assert await drain(buffer, "b", 2) == [1, 2]


async def test_sequences_and_epoch_go_on_after_everything_was_drained(folder: Path) -> None:
    epochs = set()
    for number in range(1, 4):
        async with asyncio.timeout(10), open_buffer(folder, settings(QUOTA)) as buffer:
            await buffer.append([message("a", number)])
            claim = await buffer.claim("a")
            assert sequences(claim.messages) == [number]
            epochs.add(claim.messages[0].epoch)
            await buffer.acknowledge(claim)
        assert segment_files(folder) == []
    assert len(epochs) == 1


async def test_cursors_are_on_the_disk_soon_after_an_acknowledgement(
    buffer: DiskBuffer, folder: Path, crashed: Callable[[Path], Path]
) -> None:
    await buffer.append(messages("a", 1, 5))
    await buffer.acknowledge(await buffer.claim("a", max_messages=3))
    await asyncio.sleep(0.3)
    assert await everything(crashed(folder), "a") == [4, 5]


async def test_what_was_appended_before_the_end_is_stored(folder: Path) -> None:
    async with open_buffer(folder, settings(QUOTA)) as buffer:
        appends = [asyncio.create_task(buffer.append([message("a", number)])) for number in range(1, 6)]
        await asyncio.sleep(0)
    await asyncio.gather(*appends)
    assert await everything(folder, "a") == [1, 2, 3, 4, 5]


async def test_a_closed_buffer_says_so(folder: Path) -> None:
    async with open_buffer(folder, settings(QUOTA)) as buffer:
        claim = asyncio.create_task(buffer.claim("a"))
        await asyncio.sleep(0)
    with pytest.raises(BufferUnavailable, match="closed"):
        await claim
    with pytest.raises(BufferUnavailable, match="closed"):
        await buffer.append([message("a", 1)])


@pytest.mark.parametrize("turns", [1, 5, 20, 60])
async def test_opening_can_be_cancelled_at_any_time_and_leaves_nothing_open(folder: Path, turns: int) -> None:
    async def hold() -> None:
        async with open_buffer(folder, settings(QUOTA)):
            await asyncio.Event().wait()

    opening = asyncio.create_task(hold())
    for _ in range(turns):
        await asyncio.sleep(0.0005)
    opening.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([opening])
    assert opening.cancelled()


async def test_an_error_in_the_block_comes_out_as_it_is(folder: Path) -> None:
    with pytest.raises(KeyError):
        async with open_buffer(folder, settings(QUOTA)):
            raise KeyError("of the caller")


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BufferUnavailable, match="file"):
        async with open_buffer(tmp_path / "file" / "buffer", settings(QUOTA)):
            pass


# The quota.


async def fill(buffer: DiskBuffer, most: int = 1000) -> int:
    """Append 10 kB after 10 kB, until it is refused; how many went in."""
    for number in range(1, most + 1):
        try:
            await buffer.append([message("a", number, 10_000)])
        except BufferFull:
            assert buffer.stats().full == "quota"
            return number - 1
    return most


async def test_with_refuse_the_quota_is_kept_to_and_nothing_is_lost(folder: Path) -> None:
    async with asyncio.timeout(20), open_buffer(folder, settings(2 * MB)) as buffer:
        taken = await fill(buffer)
        stats = buffer.stats()
        assert stats.full == "quota"
        assert 1.6 * MB < stats.bytes_on_disk <= 1.1 * 2 * MB
        assert taken >= 100
        assert (stats.messages, stats.dropped) == (taken, {})
        assert await drain(buffer, "a", taken) == list(range(1, taken + 1))
        await asyncio.sleep(0.25)
        assert buffer.stats().full == ""
        await buffer.append([message("a", taken + 1, 10_000)])
        assert await drain(buffer, "a", 1) == [taken + 1]


async def test_after_a_refusal_one_segment_must_become_free(folder: Path) -> None:
    async with asyncio.timeout(20), open_buffer(folder, settings(2 * MB)) as buffer:
        taken = await fill(buffer)
        await buffer.acknowledge(await buffer.claim("a", max_messages=3))
        with pytest.raises(BufferFull):
            await buffer.append([message("a", taken + 1, 10)])
        drained = 3 + len(await drain(buffer, "a", 30))
        await buffer.append([message("a", taken + 1, 10)])
        assert buffer.stats().messages == taken + 1 - drained


async def test_with_drop_oldest_the_oldest_go_counted_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(30), open_buffer(folder, settings(2 * MB, "drop-oldest")) as buffer:
        for number in range(1, 301):
            await buffer.append([message("a", number, 10_000)])
            assert buffer.stats().bytes_on_disk <= 1.1 * 2 * MB
        stats = buffer.stats()
        dropped = stats.dropped["quota"]
        assert stats.full == ""
        assert stats.messages == 300 - dropped
        assert 100 <= stats.messages <= 130, "10 kB in pages of 8 kB"
        assert stats.oldest_ns == dropped * SECOND_NS, "no later than the truth"
        assert await drain(buffer, "a", 300 - dropped) == list(range(dropped + 1, 301))
    begun, ended = (record.getMessage() for record in caplog.records)
    assert "the quota is used up: the oldest messages are dropped" in begun
    assert f"no more is dropped; it was {dropped} messages of 1 identities, measured from 1970-01-01T00:00:01Z" in ended


async def test_what_was_dropped_is_remembered(folder: Path) -> None:
    async with asyncio.timeout(30), open_buffer(folder, settings(MB, "drop-oldest")) as buffer:
        for number in range(1, 151):
            await buffer.append([message("a", number, 10_000)])
        dropped = buffer.stats().dropped["quota"]
    async with open_buffer(folder, settings(MB, "drop-oldest")) as buffer:
        assert buffer.stats().dropped == {}, "since it was opened"
        loss = buffer._disk.losses.all["quota", "a", Priority.TELEMETRY]
        assert (loss.messages, loss.first, loss.last) == (dropped, 1, dropped)
        assert buffer.stats().waiting == {"a": 150 - dropped}


async def test_a_claim_that_is_out_when_its_messages_are_dropped_can_be_settled(folder: Path) -> None:
    async with asyncio.timeout(30), open_buffer(folder, settings(MB, "drop-oldest")) as buffer:
        await buffer.append([message("a", 1, 10_000)])
        claim = await buffer.claim("a")
        for number in range(2, 151):
            await buffer.append([message("a", number, 10_000)])
        dropped = buffer.stats().dropped["quota"]
        await buffer.acknowledge(claim)
        assert sequences((await buffer.claim("a", max_messages=1)).messages) == [dropped + 1]
        assert buffer.stats().messages == 150 - dropped


async def test_a_lane_that_nobody_drains_holds_up_no_other(folder: Path) -> None:
    async with asyncio.timeout(30), open_buffer(folder, settings(MB, "drop-oldest")) as buffer:
        for number in range(1, 31):
            await buffer.append([message("idle", number, 5000), message("busy", number, 5000)])
            assert await drain(buffer, "busy", 1) == [number]
        stats = buffer.stats()
        assert stats.waiting == {"idle": 30}
        assert stats.dropped == {}


# What it costs.


async def test_a_drained_buffer_gives_the_disk_back(folder: Path) -> None:
    async with asyncio.timeout(30), open_buffer(folder, settings(4 * MB)) as buffer:
        for first in range(1, 200, 10):
            await buffer.append(messages("a", first, first + 9, 10_000))
        assert buffer.stats().bytes_on_disk > 2 * MB
        await drain(buffer, "a", 200)
        await asyncio.sleep(0.3)
        assert buffer.stats().bytes_on_disk < 2 * (4 * MB // 16) + 300_000, "ballast, one segment, the cursors"
    assert segment_files(folder) == []
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4 * MB // 16 + 50_000, "ballast and cursors"


async def test_a_group_is_written_in_a_fraction_of_its_bytes(folder: Path) -> None:
    body = b'{"ts":"2026-11-22T18:29:49.%03dZ","asset":"acme/tampere/line-4","values":{"voltage_l1":%d.2,"power":15.5}}'
    payload = 0
    async with asyncio.timeout(30), open_buffer(folder, settings(QUOTA)) as buffer:
        for scan in range(20):
            group = [Message(f"dev-{n}", scan, "", body % (n * scan % 999, n)) for n in range(500)]
            payload += sum(len(one.body) for one in group)
            await buffer.append(group)
        written = sum(path.stat().st_size for path in segment_files(folder)) + sum(
            path.stat().st_size for path in folder.glob("p1-*-wal")
        )
    assert written < 0.5 * payload
