from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from gateway.buffer import directory, upkeep
from gateway.buffer.disk import Disk
from gateway.buffer.upkeep import Upkeep
from gateway.model import Priority
from tests.gateway.buffer.disks import MB, Time, acknowledge, fill, group, opened, read, shelf, store
from tests.gateway.buffer.making import messages

A, T, B = Priority
LIMIT = int(1.1 * MB)


# What gives way.


async def test_thinning_goes_before_dropping_and_what_is_new_stays_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full={T: "thin"}) as disk:
        for number in range(1, 900):
            await store(disk, group("a", number, number))
            assert disk.used_bytes() <= LIMIT
        reasons = disk.losses.since_opened
        assert reasons["thinned"] > 0
        found = (await read(disk))["a"]
        assert found == sorted(set(found))
        assert found[-60:] == list(range(840, 900)), "the newest lie there whole"
        assert len(found) == disk.lanes.lane("a").waiting == 899 - reasons.total()
        steps = [after - before for before, after in itertools.pairwise(found)]
        assert steps.count(4) > 0, "of older ones each fourth"
        waiting = disk.lanes.lane("a").waiting
    async with opened(tmp_path, on_full={T: "thin"}) as disk:
        assert disk.lanes.lane("a").waiting == waiting
        assert disk.losses.since_opened == {}
        assert sum(loss.messages for loss in disk.losses.all.values()) == reasons.total()


async def test_thinning_alone_lasts_until_one_a_minute_is_left(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full={T: "thin"}) as disk:
        for number in range(1, 600):
            await store(disk, group("a", number, number))
        assert "quota" not in disk.losses.since_opened


async def test_the_least_important_class_gives_first_and_alarms_never(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=4 * MB, on_full={A: "refuse", T: "drop-oldest", B: "drop-oldest"}) as disk:
        for number in range(1, 151):
            await store(disk, group("a", number, number, priority=A))
        await fill(disk, 4, "bulk", priority=B)
        for number in range(1, 1100):
            await store(disk, group("a", number, number))
            assert disk.used_bytes() <= 1.1 * 4 * MB
        assert set(disk.losses.all) == {("quota", "bulk", B), ("quota", "a", T)}
        assert disk.lanes.lane("bulk", B).waiting == 0
        assert await read(disk, A) == {"a": list(range(1, 151))}


async def test_bulk_pushes_no_telemetry_out(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full="drop-oldest") as disk:
        await fill(disk, 8)
        for number in range(1, 400):
            await store(disk, group("bulk", number, number, priority=B))
        assert set(disk.losses.all) == {("quota", "bulk", B)}


async def test_what_lies_there_in_small_commits_is_packed_before_anything_goes(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full="drop-oldest") as disk:
        for number in range(1, 1500):
            body = messages("a", number, number, 30)
            await store(disk, [(T, {"a": body})])
        assert disk.losses.all == {}
        assert disk.used_bytes() <= MB
        assert any(segment.place.generation for segment in shelf(disk).segments)
        assert await read(disk) == {"a": list(range(1, 1500))}


async def test_a_parked_identity_keeps_no_disk_that_others_could_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        for number in range(1, 500):
            parts = {"a": messages("a", number, number, 3000)}
            if number % 20 == 1:
                parts["parked"] = messages("parked", number // 20 + 1, number // 20 + 1)
            await store(disk, [(T, parts)])
            acknowledge(disk, number)
            await disk.tidy()
            assert disk.used_bytes() <= LIMIT
        assert (await read(disk))["parked"] == list(range(1, 26))
        assert disk.losses.all == {}


# Lifetimes.


@pytest.mark.parametrize("jump_s", [0.0, 10 * 365 * 86_400.0, -2 * 86_400.0])
async def test_what_has_become_too_old_goes_by_the_buffers_clock(tmp_path: Path, jump_s: float) -> None:
    time = Time()
    async with opened(tmp_path, keep={T: 1000.0}, time=time) as disk:
        for number in range(1, 201):
            await store(disk, group("a", number, number, size=30))
            time.go(10)
            time.wall_ns += int(jump_s * 10**9 / 200)
            await Upkeep(disk).once(pack=False)
        found = (await read(disk))["a"]
        assert found[-1] == 200
        assert 100 <= len(found) <= 108, "each lived 1000 to 1050 seconds and a commit"
        loss = disk.losses.all["expired", "a", T]
        assert (loss.messages, loss.first, loss.last) == (200 - len(found), 1, 200 - len(found))


async def test_a_stop_counts_and_a_clock_that_was_wrong_does_not(tmp_path: Path) -> None:
    time = Time()
    async with opened(tmp_path, keep={T: 1000.0}, time=time) as disk:
        await store(disk, group("a", 1, 5))
    time.boot, time.boottime_s = "boot-2", 5.0
    time.wall_ns += 400 * 86_400 * 10**9
    async with opened(tmp_path, keep={T: 1000.0}, time=time) as disk:
        await Upkeep(disk).once(pack=False)
        assert disk.lanes.lane("a").waiting == 5
    time.wall_ns += 2000 * 10**9
    time.boot = "boot-3"
    async with opened(tmp_path, keep={T: 1000.0}, time=time) as disk:
        await Upkeep(disk).once(pack=False)
        assert disk.lanes.lane("a").waiting == 0
        assert disk.losses.since_opened == {"expired": 5}


async def test_a_class_without_a_lifetime_keeps_everything(tmp_path: Path) -> None:
    time = Time()
    async with opened(tmp_path, keep={B: 10.0, T: None}, time=time) as disk:
        await store(disk, group("a", 1, 5))
        await store(disk, group("a", 1, 5, priority=B))
        time.go(1e6)
        await Upkeep(disk).once(pack=False)
        assert await read(disk) == {"a": [1, 2, 3, 4, 5]}
        assert await read(disk, B) == {}


# Without haste.


async def test_what_lies_is_packed_and_what_moves_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=4 * MB) as disk:
        await fill(disk, 4, size=60)
        keeper = Upkeep(disk)
        await keeper.once(pack=True)
        await disk.sync()
        assert not any(segment.place.generation for segment in shelf(disk).segments), "seen once"
        shelf(disk).segments[0].remaining -= 1
        await keeper.once(pack=True)
        first, second, *_ = shelf(disk).segments
        assert (first.place.generation, second.place.generation) == (0, 1), "somebody drains the first"


async def test_the_clock_is_kept_while_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.01)
    monkeypatch.setattr(upkeep, "MARK_EVERY_S", 0.02)
    async with opened(tmp_path) as disk:
        keeper = Upkeep(disk)
        synced = asyncio.Event()
        sync = disk.sync

        async def noted() -> None:
            await sync()
            synced.set()

        monkeypatch.setattr(disk, "sync", noted)
        running = asyncio.create_task(keeper.run())
        await asyncio.wait_for(synced.wait(), 5)
        keeper.stop()
        await running


async def test_a_segment_that_the_disk_does_not_let_go_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        caplog.set_level("INFO")
        await fill(disk, 2)
        first = shelf(disk).segments[0]
        acknowledge(disk, first.last)
        remove = directory.remove

        def broken(path: Path) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(directory, "remove", broken)
            await disk.tidy()
            await disk.tidy()
        assert first.path.exists()
        assert caplog.text.count("cannot be removed") == 1
        assert directory.remove is remove
        await Upkeep(disk).once(pack=False)
        assert not first.path.exists()
        assert "are removed again" in caplog.text


async def test_nothing_may_go_where_all_refuse(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await fill(disk, 3)
        assert not await gives(disk)


async def gives(disk: Disk) -> bool:
    return await upkeep.give_way(disk, A)
