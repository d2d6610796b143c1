"""Recording while a gateway runs: who is recorded, when it is written, and what the disk's trouble costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.plant import Plant
from gateway.record import recorder, ring
from gateway.record.frames import Scan
from gateway.record.recorder import Recorder, health
from gateway.status import Board, State
from tests.gateway.field import PROFILE
from tests.gateway.record.making import DEVICE, FAST, at, described, fast


def made(state: Path, board: Board, free_bytes: int = 0) -> Recorder:
    return Recorder(state, board, free_bytes=free_bytes, now_ns=lambda: at(0))


def written(state: Path) -> list[Scan]:
    folder = state / "record"
    return [scan for file in ring.files(folder, DEVICE) for scan in ring.scans(file, DEVICE) if isinstance(scan, Scan)]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return described(tmp_path / "plant")


async def test_what_is_taken_is_written_together_later(plant: Plant, tmp_path: Path) -> None:
    board = Board()
    here = made(tmp_path, board)
    keep = await here.follow(plant)
    assert keep is not None
    for second in range(3):
        keep(DEVICE, list(FAST), fast(second).blocks)
    assert not (tmp_path / "record").exists()
    await here.write()
    assert written(tmp_path) == [fast(second) for second in range(3)]
    assert (health(board).state, health(board).counters) == (State.FLOWING, {"scans": 3, "not_recorded": 0})


async def test_a_plant_that_records_nothing_costs_nothing(plant: Plant, tmp_path: Path) -> None:
    board = Board()
    here = made(tmp_path, board)
    plain = replace(plant, devices=tuple(replace(device, record_s=None) for device in plant.devices))
    assert await here.follow(plain) is None
    await here.write()
    assert not (tmp_path / "record").exists()
    assert board.of_kind("record") == []


async def test_a_disk_without_room_is_said_and_counted_and_it_goes_on_by_itself(plant: Plant, tmp_path: Path) -> None:
    board = Board()
    here = made(tmp_path, board, free_bytes=10**18)
    keep = await here.follow(plant)
    assert keep is not None
    keep(DEVICE, FAST, fast(0).blocks)
    await here.write()
    assert health(board).state is State.STOPPED
    assert "are free on the disk" in health(board).reason
    assert health(board).counters["not_recorded"] == 1
    here._ring._free_bytes = 0
    keep(DEVICE, FAST, fast(1).blocks)
    await here.write()
    assert health(board).state is State.FLOWING
    assert written(tmp_path) == [fast(1)]


async def test_a_disk_that_hangs_costs_a_bounded_memory(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board()
    here = made(tmp_path, board)
    keep = await here.follow(plant)
    assert keep is not None
    monkeypatch.setattr(recorder, "WAITING_BYTES", 1000)
    for second in range(10):
        keep(DEVICE, FAST, fast(second).blocks)
    await here.write()
    assert [scan.at_ns for scan in written(tmp_path)] == [at(0), at(1), at(2)]
    assert health(board).counters == {"scans": 3, "not_recorded": 7}


async def test_lines_of_the_plant_before_go_on_under_their_own_mapping(plant: Plant, tmp_path: Path) -> None:
    here = made(tmp_path, Board())
    before = await here.follow(plant)
    after = await here.follow(described(tmp_path / "b", "# another\n" + PROFILE))
    assert before is not None
    assert after is not None
    before(DEVICE, FAST, fast(0).blocks)
    await here.write()
    after(DEVICE, FAST, fast(1).blocks)
    await here.write()
    assert len({file.plant for file in ring.files(tmp_path / "record", DEVICE)}) == 2


async def test_it_writes_now_and_then_until_it_is_cancelled(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "WRITE_S", 0.01)
    here = made(tmp_path, Board())
    keep = await here.follow(plant)
    assert keep is not None
    task = asyncio.create_task(here.run())
    async with asyncio.timeout(5):
        for second in range(2):
            keep(DEVICE, FAST, fast(second).blocks)
            while not (tmp_path / "record").exists() or len(written(tmp_path)) <= second:
                await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_too_old_goes_also_while_nothing_is_recorded(plant: Plant, tmp_path: Path) -> None:
    here = made(tmp_path, Board())
    keep = await here.follow(plant)
    assert keep is not None
    keep(DEVICE, FAST, fast(0).blocks)
    await here.write()
    later = Recorder(tmp_path, Board(), free_bytes=0, now_ns=lambda: at(40 * 86_400))
    await later.write()
    assert ring.devices(tmp_path / "record") == []
