"""The buffer as those see it who claim: classes, parked identities, what is refused, what is lost, what goes first."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.buffer.lanes import FAR_BEHIND
from gateway.buffer.port import BufferFull, BufferSettings, Claim, Loss
from gateway.buffer.quarantine import NAME, Quarantine
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Priority
from tests.gateway.buffer.making import QUOTA, SECOND_NS, drain, message, messages, sequences, settings

MB = 1024 * 1024
ALARM, TELEMETRY, BULK = Priority


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "buffer"


@asynccontextmanager
async def opened(folder: Path, how: BufferSettings | None = None) -> AsyncIterator[DiskBuffer]:
    async with asyncio.timeout(30), open_buffer(folder, how or settings(QUOTA)) as buffer:
        yield buffer


async def took(buffer: DiskBuffer, identity: str, claims: int, most: int = 20) -> list[tuple[Priority, list[int]]]:
    """Class and sequences of so many claims, each acknowledged."""
    found = []
    for _ in range(claims):
        claim = await buffer.claim(identity, most)
        found.append((claim.messages[0].priority, sequences(claim.messages)))
        assert {one.priority for one in claim.messages} == {claim.messages[0].priority}
        await buffer.acknowledge(claim)
    return found


# Classes.


async def test_each_class_has_sequences_and_ids_of_its_own(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append([message("a", 1, priority=one) for one in (BULK, TELEMETRY, ALARM)])
        await buffer.append([message("a", 2, priority=ALARM)])
        claims = [await buffer.claim("a", 1)]
        for _ in range(3):
            await buffer.acknowledge(claims[-1])
            claims.append(await buffer.claim("a", 1))
        ids = [claim.messages[0].message_id.rpartition("-")[2] for claim in claims]
        assert ids == ["a1", "a2", "1", "b1"]


async def test_an_alarm_overtakes_a_backlog_and_each_class_keeps_its_order(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 60))
        assert await took(buffer, "a", 1) == [(TELEMETRY, list(range(1, 21)))]
        await buffer.append(messages("a", 1, 3, priority=ALARM))
        assert await took(buffer, "a", 3) == [
            (ALARM, [1, 2, 3]),
            (TELEMETRY, list(range(21, 41))),
            (TELEMETRY, list(range(41, 61))),
        ]


async def test_an_alarm_overtakes_a_backlog_on_the_disk_after_a_restart(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 200))
        await buffer.append(messages("a", 1, 2, priority=ALARM))
        await buffer.append(messages("a", 1, 2, priority=BULK))
    async with opened(folder) as buffer:
        assert await took(buffer, "a", 1) == [(ALARM, [1, 2])]
        rest = await took(buffer, "a", 11)
        assert rest[-1] == (BULK, [1, 2])
        assert [number for _, found in rest[:-1] for number in found] == list(range(1, 201))
        assert buffer.stats().messages == 0


async def test_bulk_has_a_small_share_while_telemetry_waits(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 100))
        await buffer.append(messages("a", 1, 100, priority=BULK))
        found = await took(buffer, "a", 64, most=1)
        assert [number for number, (priority, _) in enumerate(found, 1) if priority is BULK] == [16, 32, 48, 64]


async def test_while_a_claim_is_out_its_identity_waits_whatever_comes(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 2))
        claim = await buffer.claim("a", 1)
        await buffer.append([message("a", 1, priority=ALARM)])
        waiting = asyncio.create_task(buffer.claim("a"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await buffer.acknowledge(claim)
        assert (await waiting).messages[0].priority is ALARM


async def test_stats_tell_depth_and_age(folder: Path) -> None:
    async with opened(folder) as buffer:
        stats = buffer.stats()
        assert (stats.messages, stats.quota_bytes, stats.oldest_ns, stats.full) == (0, QUOTA, None, "")
        assert (stats.waiting, stats.dropped) == ({}, {})
        await buffer.append(messages("b", 3, 4) + messages("a", 7, 9))
        stats = buffer.stats()
        assert (stats.messages, stats.waiting, stats.oldest_ns) == (5, {"a": 3, "b": 2}, 3 * SECOND_NS)
        assert stats.bytes_on_disk > MB


async def test_stats_tell_each_class(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 3, 5) + messages("b", 9, 9, priority=ALARM))
        stats = buffer.stats()
        assert {priority: (one.messages, one.oldest_ns, one.full) for priority, one in stats.classes.items()} == {
            ALARM: (1, 9 * 10**9, ""),
            TELEMETRY: (3, 3 * 10**9, ""),
            BULK: (0, None, ""),
        }
        assert (stats.messages, stats.waiting) == (4, {"a": 3, "b": 1})
        assert stats.classes[TELEMETRY].bytes_on_disk > stats.classes[BULK].bytes_on_disk == 0
        assert 0 < stats.append.p50_s <= stats.append.p99_s < 5
        assert 0 < stats.fsync.p50_s <= stats.fsync.p99_s < 5


async def test_of_a_mixed_append_the_alarms_are_stored_though_the_rest_is_refused(folder: Path) -> None:
    async with opened(folder, settings(MB)) as buffer:
        number = await _fill(buffer)
        with pytest.raises(BufferFull) as caught:
            await buffer.append([message("a", number, 20_000), message("a", 1, priority=ALARM)])
        assert caught.value.stored == {ALARM}
        assert buffer.stats().classes[ALARM].messages == 1
        assert buffer.stats().classes[TELEMETRY].messages == number - 1


async def _fill(buffer: DiskBuffer) -> int:
    """Append until there is no room; the number of the first that was refused."""
    for number in range(1, 1000):
        try:
            await buffer.append([message("a", number, 20_000)])
        except BufferFull:
            return number
    raise AssertionError("never full")


# Fairness.


async def test_a_million_of_one_do_not_keep_the_reads_of_others_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The large one asks first and lacks far more than a round; the others are served after a round each."""
    async with opened(folder) as buffer:
        for first in range(1, 20_001, 1000):
            await buffer.append(messages("large", first, first + 999, 100))
            await buffer.append([message(f"small-{first // 1000}", 1)])
    async with opened(folder) as buffer:
        rounds: list[str] = []
        load = buffer._reader.load

        async def noted(lane: object) -> bool:
            rounds.append(lane.identity)  # type: ignore[attr-defined]  # it is a Lane
            return await load(lane)  # type: ignore[arg-type]

        monkeypatch.setattr(buffer._reader, "load", noted)
        claims = [asyncio.create_task(buffer.claim(name)) for name in ("large", *(f"small-{n}" for n in range(20)))]
        await asyncio.wait(claims)
        assert rounds.count("large") <= 3
        assert len(rounds) <= 2 * len(claims)


# Parked.


async def test_a_parked_identity_takes_no_memory_and_comes_back_with_its_next_claim(folder: Path) -> None:
    async with opened(folder) as buffer:
        claim = await _first(buffer, "a")
        await buffer.append(messages("a", 2, 50))
        assert buffer._disk.lanes.used_bytes > 0
        await buffer.give_back(claim)
        await buffer.park("a", "not authorized")
        assert buffer.stats().parked == {"a": "not authorized"}
        assert buffer._disk.lanes.used_bytes == 0
        await buffer.append([message("a", 51)])
        assert buffer._disk.lanes.used_bytes == 0
        assert await drain(buffer, "a", 51) == list(range(1, 52))
        assert buffer.stats().parked == {}


async def test_a_parked_identity_keeps_no_disk_but_its_own(folder: Path) -> None:
    async with opened(folder, settings(8 * MB)) as buffer:
        for number in range(1, 201):
            await buffer.append([message("dead", number, 1000), *messages("busy", number * 20 - 19, number * 20, 1000)])
        full = buffer.stats().bytes_on_disk
        await buffer.park("dead", "not authorized")
        assert await drain(buffer, "busy", 4000) == list(range(1, 4001))
        for _ in range(20):
            await buffer._upkeep.once(pack=True)
        assert buffer.stats().bytes_on_disk < full / 3
        assert buffer.stats().parked == {"dead": "not authorized"}
        assert await drain(buffer, "dead", 200) == list(range(1, 201))


async def _first(buffer: DiskBuffer, identity: str) -> Claim:
    """The claim of a first message, which is in the window because somebody waits for it."""
    waiting = asyncio.create_task(buffer.claim(identity))
    await asyncio.sleep(0)
    await buffer.append([message(identity, 1)])
    return await waiting


# Refused for good.


async def test_what_is_refused_lies_in_the_quarantine_and_the_rest_goes_on(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 5))
        await buffer.refuse(await buffer.claim("a"), "too large", 2)
        assert await drain(buffer, "a", 3) == [3, 4, 5]
        stats = buffer.stats()
        assert (stats.messages, stats.quarantined, stats.dropped) == (0, 2, {"refused": 2})
        assert buffer.gaps() == [Loss("refused", "a", TELEMETRY, 2, 1, 2, 10**9, 2 * 10**9)]
    async with opened(folder) as buffer:
        entries = await buffer.quarantine.entries()
        assert [(entry.message.sequence, entry.reason) for entry in entries] == [(1, "too large"), (2, "too large")]
        assert buffer.stats().messages == 0


async def test_it_is_in_the_quarantine_before_its_cursor_moves(folder: Path, tmp_path: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 2))
        put = Quarantine.put
        image = tmp_path / "image"

        async def copied(self: Quarantine, held: object, reason: str) -> None:
            await put(self, held, reason)  # type: ignore[arg-type]
            shutil.copytree(folder, image)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Quarantine, "put", copied)
            await buffer.refuse(await buffer.claim("a"), "too large")
    async with opened(image) as buffer:
        assert buffer.stats().quarantined == 1
        assert await drain(buffer, "a", 2) == [1, 2], "twice, never not at all"


async def test_without_room_for_it_nothing_goes_and_the_claim_is_given_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise BufferFull("disk")

    monkeypatch.setattr(Quarantine, "put", full)
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 2))
        with pytest.raises(BufferFull):
            await buffer.refuse(await buffer.claim("a"), "too large")
        assert await drain(buffer, "a", 2) == [1, 2]
        assert buffer.stats().dropped == {}


async def test_tried_again_it_goes_the_way_of_every_message(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 2, priority=ALARM))
        claim = await buffer.claim("a")
        await buffer.refuse(claim, "too large")
        old = claim.messages[0].message_id
        assert await buffer.quarantine.retry(buffer.append, [old]) == [old]
        found = (await buffer.claim("a")).messages
        assert [one.sequence for one in found] == [2, 3]
        assert found[1].properties == f"profile=test&retried={old}"
        assert found[1].body == claim.messages[0].body
        assert not (folder / NAME).exists()


async def test_refusing_and_being_cancelled_leaves_the_claim_settled(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 3))
        refusing = asyncio.create_task(buffer.refuse(await buffer.claim("a"), "too large"))
        await asyncio.sleep(0)
        refusing.cancel()
        await asyncio.wait([refusing])
        assert refusing.cancelled()
        assert await drain(buffer, "a", 2) == [2, 3]


# Losses to be told.


async def test_what_was_told_is_not_told_again_after_a_restart(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 3) + messages("b", 1, 3))
        for identity in ("a", "b"):
            await buffer.refuse(await buffer.claim(identity), "too large")
        gaps = {gap.identity: gap for gap in buffer.gaps()}
        await buffer.told([gaps["a"]])
    async with opened(folder) as buffer:
        assert list(buffer.gaps()) == [gaps["b"]]
        await buffer.refuse(await buffer.claim("b"), "too large")
        assert [(gap.messages, gap.first, gap.last) for gap in buffer.gaps()] == [(2, 1, 2)]


async def test_told_is_on_the_disk_when_it_returns(folder: Path, tmp_path: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 3))
        await buffer.refuse(await buffer.claim("a"), "too large")
        await buffer.told(buffer.gaps())
        shutil.copytree(folder, tmp_path / "image")
    async with opened(tmp_path / "image") as buffer:
        assert list(buffer.gaps()) == []


# What is new goes first.

LIVE = BufferSettings(QUOTA, order="live-first")


async def test_after_an_outage_what_is_new_goes_first_and_the_rest_beside_it(folder: Path) -> None:
    async with opened(folder, LIVE) as buffer:
        await buffer.append(messages("a", 1, 200))
        found: list[int] = []
        for number in range(201, 231):
            claim = await buffer.claim("a")
            await buffer.acknowledge(claim)
            found += sequences(claim.messages)
            await buffer.append([message("a", number)])
        while len(found) < 230:
            found += (await took(buffer, "a", 1))[0][1]
        new = [number for number in found if number > 200]
        assert new == list(range(201, 231))
        assert [number for number in found if number <= 200] == list(range(1, 201))
        assert found.index(201) < 60


async def test_by_default_the_oldest_go_first(folder: Path) -> None:
    async with opened(folder) as buffer:
        await buffer.append(messages("a", 1, 200))
        await took(buffer, "a", 1)
        await buffer.append([message("a", 201)])
        assert await drain(buffer, "a", 181) == list(range(21, 202))


@pytest.mark.parametrize("order", ["live-first", "oldest-first"])
async def test_a_restart_in_the_middle_loses_nothing_and_keeps_the_order_of_each_part(folder: Path, order: str) -> None:
    parts: list[int] = []
    async with opened(folder, LIVE) as buffer:
        await buffer.append(messages("a", 1, 2 * FAR_BEHIND))
        parts += (await took(buffer, "a", 1))[0][1]
        await buffer.append(messages("a", 201, 240))
        for _, found in await took(buffer, "a", 3):
            parts += found
    async with opened(folder, BufferSettings(QUOTA, order=order)) as buffer:  # type: ignore[arg-type]
        await buffer.append(messages("a", 241, 250))
        while len(parts) < 250:
            parts += (await took(buffer, "a", 1))[0][1]
        assert buffer.stats().messages == 0
    assert sorted(parts) == list(range(1, 251))
    for part in (range(1, 201), range(201, 251)):
        assert [number for number in parts if number in part] == list(part)


async def test_a_crash_in_the_middle_keeps_every_part(folder: Path, crashed: Callable[[Path], Path]) -> None:
    async with opened(folder, LIVE) as buffer:
        await buffer.append(messages("a", 1, 200))
        await took(buffer, "a", 2)
        await buffer.append(messages("a", 201, 240))
        delivered = [number for _, found in await took(buffer, "a", 2) for number in found]
        assert {number > 200 for number in delivered} == {True, False}
        await asyncio.sleep(0.3)  # the cursors are written every 100 ms
        image = crashed(folder)
    async with opened(image, LIVE) as buffer:
        rest: list[int] = []
        while buffer.stats().messages:
            rest += (await took(buffer, "a", 1))[0][1]
    assert sorted(rest) == sorted(set(range(41, 241)) - set(delivered))
    for part in (range(1, 201), range(201, 241)):
        assert [number for number in rest if number in part] == sorted(set(rest) & set(part))


async def test_an_older_part_is_drained_from_the_disk_to_its_end(folder: Path) -> None:
    async with opened(folder, settings(8 * MB)) as buffer:
        for first in range(1, 4001, 100):
            await buffer.append(messages("a", first, first + 99, 300))
    async with opened(folder, BufferSettings(8 * MB, order="live-first")) as buffer:
        found = (await took(buffer, "a", 1))[0][1]
        assert found[0] == 1
        await buffer.append(messages("a", 4001, 4090, 300))
        while len(found) < 4090:
            found += (await took(buffer, "a", 1))[0][1]
        assert sorted(found) == list(range(1, 4091))
        assert found.index(4090) < 400
        assert buffer.stats().messages == 0
        assert buffer.stats().dropped == {}
        await asyncio.sleep(0.3)
        assert len(list(folder.glob("p1-*.db"))) == 1
