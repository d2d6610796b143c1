from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import directory, reshaping
from gateway.buffer.disk import Disk
from gateway.model import Message, Priority, Stored
from tests.gateway.buffer.disks import MB, acknowledge, fill, opened, read, shelf, store
from tests.gateway.buffer.making import messages

T = Priority.TELEMETRY


async def several(disk: Disk, count: int, size: int = 300) -> int:
    """Commits of one message each, in so many sealed segments and one that is written."""
    last = await fill(disk, count + 1, size=size)
    await disk.sync()
    return last


async def test_neighbours_are_merged_and_read_on_from_any_number(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        last = await several(disk, 3, size=60)
        lane = disk.lanes.lane("a")
        lane.position = 100
        used = disk.used_bytes()
        assert await reshaping.merge(disk, shelf(disk), shelf(disk).sealed)
        merged = shelf(disk).segments[0]
        assert disk.holding(T, 100) is merged
        assert merged.place.generation == 1
        assert (merged.remaining, lane.waiting) == (merged.facts.messages, last)
        await disk.tidy()
        assert disk.used_bytes() < used * 0.7
        assert sorted(path.name for path in tmp_path.glob("p1-*.db")) == [
            segment.path.name for segment in shelf(disk).segments
        ]
        assert await read(disk) == {"a": list(range(1, last + 1))}
    async with opened(tmp_path) as disk:
        assert await read(disk) == {"a": list(range(1, last + 1))}
        assert disk.lanes.lane("a").waiting == last


async def test_what_was_acknowledged_is_left_behind_and_unpins_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=4 * MB) as disk:
        for number in range(1, 400):
            parts: dict[str, Any] = {"a": messages("a", number, number, 600)}
            if number % 50 == 1:
                parts["parked"] = messages("parked", number // 50 + 1, number // 50 + 1)
            await store(disk, [(T, parts)])
        await disk.seal(shelf(disk))
        acknowledge(disk, 399)
        for segment in shelf(disk).segments:
            held = await segment.read_content()
            segment.remaining = disk.waiting(segment, held)
        await disk.tidy()
        before = disk.used_bytes()
        assert await reshaping.merge(disk, shelf(disk), shelf(disk).sealed)
        await disk.tidy()
        assert await read(disk) == {"parked": list(range(1, 9))}
        assert disk.used_bytes() < before - 100_000
        assert disk.losses.all == {}


async def test_thinning_counts_what_goes_and_spares_what_is_in_flight(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await several(disk, 2)
        first = shelf(disk).segments[0]
        lane = disk.lanes.lane("a")
        count = first.facts.messages
        bundle = disk.lanes.bundle("a")
        disk.lanes.used(bundle)
        segment_messages = messages("a", 1, 6, 300)
        disk.lanes.read_back(lane, 6, [_stored(disk, one, number) for number, one in enumerate(segment_messages, 1)])
        claim = bundle.take(lane, disk.lanes.head(lane, 3, MB))
        assert len(claim.messages) == 3
        assert await reshaping.thin(disk, shelf(disk), first)
        await disk.tidy()
        kept = [number for number in range(1, count + 1) if number <= 3 or number % 4 == 1]
        assert (await read(disk))["a"][: len(kept) + 1] == [*kept, count + 1]
        loss = disk.losses.all["thinned", "a", T]
        assert loss.messages == count - len(kept)
        assert lane.waiting == lane.highest - loss.messages
        assert shelf(disk).segments[0].remaining == len(kept)
        assert lane.loaded == 3, "what is not in flight is read again"
        total = lane.waiting
    async with opened(tmp_path) as disk:
        assert disk.lanes.lane("a").waiting == total
        assert disk.losses.gaps() == [loss]


def _stored(disk: Disk, message: Message, number: int) -> Stored:
    return Stored(message.identity, disk.epoch, number, *message[1:])


async def test_a_thinned_segment_drained_in_part_is_counted_as_it_is_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await several(disk, 1)
        first = shelf(disk).segments[0]
        assert await reshaping.thin(disk, shelf(disk), first)
        await disk.tidy()
        lane = disk.lanes.lane("a")
        lane.acked, left = 9, lane.waiting - 3  # 1, 5 and 9
        disk.touch([lane])
    async with opened(tmp_path) as disk:
        assert disk.lanes.lane("a").waiting == left
        assert sum(segment.remaining for segment in shelf(disk).segments) == left


@pytest.mark.parametrize("stop", range(6))
async def test_a_crash_at_any_step_leaves_all_of_it_once(
    tmp_path: Path, crashed: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """The directory as it is at every step of a merge, a thinning and their unlinking."""
    folder = tmp_path / "buffer"
    images: list[Path] = []

    def noted(name: str) -> None:
        works = getattr(directory, name)

        def step(*arguments: Any) -> Any:
            images.append(crashed(folder))
            result = works(*arguments)
            images.append(crashed(folder))
            return result

        monkeypatch.setattr(directory, name, step)

    async with opened(folder) as disk:
        last = await several(disk, 3, size=60)
        with monkeypatch.context() as patch:
            monkeypatch = patch
            noted("settle")
            noted("remove")
            merged = stop % 2 == 0
            if merged:
                assert await reshaping.merge(disk, shelf(disk), shelf(disk).sealed)
            else:
                assert await reshaping.thin(disk, shelf(disk), shelf(disk).segments[0])
            images.append(crashed(folder))
            await disk.tidy()
    assert len(images) >= 6
    for image in images[stop // 2 :: 3]:
        async with opened(image) as disk:
            lane = disk.lanes.lane("a")
            lost = disk.losses.since_opened.total() or sum(loss.messages for loss in disk.losses.all.values())
            assert lane.waiting == last - lost
            found = (await read(disk))["a"]
            assert found == sorted(set(found))
            assert len(found) == last - lost
            assert lost == 0 or not merged
            assert sum(segment.remaining for segment in shelf(disk).segments) == lane.waiting
        async with opened(image) as disk:
            assert disk.lanes.lane("a").waiting == last - lost, "and again after a restart"
            assert sum(loss.messages for loss in disk.losses.all.values()) == lost, "counted once"
        shutil.rmtree(image)


async def test_damage_is_salvaged_counted_by_identity_and_the_file_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as disk:
        last = await several(disk, 2)
        await disk.sync()
        first = shelf(disk).segments[0]
        await first.close()
        log = Path(f"{first.path}-wal")
        content = bytearray(log.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 1000] = b"\xa5" * 1000
        log.write_bytes(content)
        assert await first.heads(1, 1)
        assert first.damaged, "fewer frames than it had"
        await reshaping.salvage(disk, first)
        await disk.tidy()
        lane = disk.lanes.lane("a")
        loss = disk.losses.all["damaged", "a", T]
        assert 1 <= loss.messages <= 6
        assert lane.waiting == last - loss.messages
        found = (await read(disk))["a"]
        missing = sorted(set(range(1, last + 1)) - set(found))
        assert len(missing) == loss.messages
        assert loss.last == missing[-1]
        names = {path.name for path in tmp_path.iterdir()}
        assert any(name.startswith(f"{first.path.name}.damaged-") and name.endswith("-wal") for name in names)
        assert [path.suffix for path in (tmp_path / directory.DAMAGED).iterdir()] == [".frame"] * len(missing)
        assert "cannot be read any more" in caplog.text
    async with opened(tmp_path) as disk:
        assert disk.losses.all["damaged", "a", T] == loss


async def test_without_room_for_a_new_file_damage_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as disk:
        await several(disk, 1)
        first = shelf(disk).segments[0]
        log = Path(f"{first.path}-wal")
        log.write_bytes(log.read_bytes()[:-5000])
        first.damaged = True

        def no_room(*_: object, **__: object) -> None:
            raise OSError(28, "no space")

        monkeypatch.setattr("gateway.buffer.rewriting.rewrite", no_room)
        await reshaping.salvage(disk, first)
        assert first.hopeless
        assert shelf(disk).segments[0] is first


async def test_a_disk_that_did_not_give_a_page_for_a_moment_has_damaged_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        last = await several(disk, 1)
        first = shelf(disk).segments[0]
        first.damaged = True  # as SQLite says where a page cannot be read
        await reshaping.salvage(disk, first)
        assert not first.damaged
        assert shelf(disk).segments[0] is first
        assert await read(disk) == {"a": list(range(1, last + 1))}


async def test_who_reads_is_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await several(disk, 1)
        first = shelf(disk).segments[0]
        async with first.held:
            merging = asyncio.create_task(reshaping.merge(disk, shelf(disk), [first]))
            await asyncio.sleep(0.05)
            assert not merging.done()
            shelf(disk).segments.remove(first)  # dropped meanwhile
        assert not await merging
        shelf(disk).segments.insert(0, first)
