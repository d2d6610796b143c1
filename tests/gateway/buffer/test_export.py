"""The messages that wait, taken from outside: whole, once, in order, whatever the gateway does meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.buffer import inspection
from gateway.buffer.export import Export, Wanted
from gateway.buffer.inspection import CannotLook, read_kept
from gateway.buffer.store import open_buffer
from gateway.model import Priority
from tests.gateway.buffer.making import QUOTA, SECOND_NS, messages, settings
from tests.gateway.buffer.outside import arrive, exported


async def test_while_it_fills_and_drains_each_lane_comes_in_order_and_once(tmp_path: Path) -> None:
    """Segments vanish, are sealed and begun under the reader's hands."""
    small = settings(2 * 1024 * 1024, "drop-oldest")
    async with open_buffer(tmp_path, small) as buffer:
        await buffer.append(messages("still", 1, 20))
        stop = asyncio.Event()

        async def fill() -> None:
            first = 1
            while not stop.is_set():
                await buffer.append(messages("busy", first, first + 9, size=2000))
                await arrive(buffer, "busy", 10)
                first += 10

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(fill())
            for _ in range(20):
                found = await asyncio.to_thread(exported, tmp_path)
                by_lane = {one: [m.sequence for m in found if m.identity == one] for one in ("still", "busy")}
                assert by_lane["still"] == list(range(1, 21))
                assert by_lane["busy"] == sorted(set(by_lane["busy"]))
            stop.set()


async def test_alarms_come_first_and_only_what_is_wanted(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 9) + messages("b", 1, 9))
        await buffer.append(messages("a", 1, 2, priority=Priority.ALARM))
    assert [one.priority for one in exported(tmp_path)[:3]] == [Priority.ALARM, Priority.ALARM, Priority.TELEMETRY]
    assert {one.identity for one in exported(tmp_path, Wanted({"b"}))} == {"b"}
    assert len(exported(tmp_path, Wanted(classes=[Priority.ALARM]))) == 2
    late = exported(tmp_path, Wanted({"b"}, since_ns=8 * SECOND_NS))
    assert [one.sequence for one in late] == [8, 9]


async def test_a_damaged_frame_is_left_out_and_counted(tmp_path: Path) -> None:
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        for number in range(1, 11):
            await buffer.append(messages("a", number, number, size=3000))
    log = next(tmp_path.glob("p1-*.db-wal"))
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0x10
    log.write_bytes(content)
    export = Export(tmp_path, read_kept(tmp_path), Wanted())
    found = [one.sequence for one in export]
    assert found == sorted(set(found))
    assert len(found) < 10


async def test_a_file_that_has_another_name_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """As while it is sealed; one that keeps it belongs to a gateway that was killed just then."""
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 10))
    (path,) = tmp_path.glob("p1-*.db")
    path.rename(f"{path}.closing")
    looking = asyncio.create_task(asyncio.to_thread(exported, tmp_path))
    await asyncio.sleep(0.1)
    Path(f"{path}.closing").rename(path)
    assert len(await looking) == 10


async def test_a_file_that_keeps_another_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_TRY_EVERY_S", 0.0)
    async with open_buffer(tmp_path, settings(QUOTA)) as buffer:
        await buffer.append(messages("a", 1, 10))
    (path,) = tmp_path.glob("p1-*.db")
    path.rename(f"{path}.closing")
    with pytest.raises(CannotLook, match=r"cut off while it closed .*: rename it to p1-000000000001\.db"):
        exported(tmp_path)


def test_what_cannot_be_opened_is_said_not_tried_for_ever(tmp_path: Path) -> None:
    (tmp_path / "p1-000000000001.db").mkdir()
    with pytest.raises(CannotLook, match=r"p1-000000000001\.db cannot be read"):
        exported(tmp_path)
