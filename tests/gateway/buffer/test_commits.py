from __future__ import annotations

from pathlib import Path

import pytest

from gateway.buffer import BufferFull, directory
from gateway.buffer.commits import Commits
from gateway.model import Priority
from tests.gateway.buffer.disks import MB, Time, acknowledge, fill, group, opened, read, shelf, store

A, T, B = Priority


async def test_each_class_has_its_own_segments_frames_and_sequences(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        await store(disk, [*group("a", 1, 3), *group("a", 1, 2, priority=B), *group("a", 1, 1, priority=A)])
        await store(disk, group("a", 4, 4))
        assert sorted(path.name for path in tmp_path.glob("p*.db")) == [f"p{one}-000000000001.db" for one in (0, 1, 2)]
        assert [await read(disk, one) for one in Priority] == [{"a": [1]}, {"a": [1, 2, 3, 4]}, {"a": [1, 2]}]
        assert [shelf(disk, one).next_frame for one in Priority] == [2, 3, 2]
    async with opened(tmp_path) as disk:
        assert [disk.lanes.lane("a", one).highest for one in Priority] == [1, 4, 2]
        assert [shelf(disk, one).next_frame for one in Priority] == [2, 3, 2]


async def test_pages_are_as_large_as_the_frames_of_the_segment_before_want_and_the_quota_holds(tmp_path: Path) -> None:
    async with opened(tmp_path, on_full="drop-oldest") as disk:
        await fill(disk, 4, size=40_000)
        pages = [_page_size(one.path) for one in shelf(disk).segments]
        assert pages == [512, 2048, 2048, 2048], "what the first one would hold was not known"
        for number in range(5, 200):
            await store(disk, group("a", number, number, size=40_000))
            assert disk.used_bytes() <= MB
        for number in range(200, 300):
            await store(disk, group("a", number, number, size=10))
            assert disk.used_bytes() <= MB
        assert _page_size(shelf(disk).segments[-1].path) == 512
        assert {sequence for found in (await read(disk)).values() for sequence in found} >= set(range(200, 300))


def _page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


async def test_alarms_are_taken_when_the_quota_is_used_up_for_the_rest(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        with pytest.raises(BufferFull, match="quota"):
            await fill(disk, 1000)
        both = [*group("a", 1, 1, priority=A), *group("b", 1, 1)]
        failed = await Commits(disk).store(both)
        assert list(failed) == [T]
        for number in range(2, 12):
            await store(disk, group("a", number, number, priority=A))
        assert (disk.refuses(T), disk.refuses(A)) == ("quota", "")
        with pytest.raises(BufferFull):
            await fill(disk, 1000, priority=A)
        assert disk.used_bytes() <= 1.1 * MB
        assert disk.refuses(A) == "quota"


async def test_after_a_refusal_a_segment_must_be_free(tmp_path: Path) -> None:
    async with opened(tmp_path) as disk:
        with pytest.raises(BufferFull):
            await fill(disk, 1000)
        last = disk.lanes.lane("a").highest
        with pytest.raises(BufferFull):
            await store(disk, group("a", last + 1, last + 1, size=1))
        acknowledge(disk, shelf(disk).segments[1].last)
        await store(disk, group("a", last + 1, last + 1, size=1))


async def test_what_shall_stay_free_is_for_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as disk:
        object.__setattr__(disk.settings, "min_free_bytes", 10 * MB)
        await store(disk, group("a", 1, 1))
        monkeypatch.setattr(directory, "free_bytes", lambda _: 10 * MB)
        with pytest.raises(BufferFull, match="disk"):
            await store(disk, group("a", 2, 2))
        assert disk.refuses(T) == "disk"
        await store(disk, group("a", 1, 1, priority=A))
        monkeypatch.undo()
        await store(disk, group("a", 2, 2))
        assert disk.refuses(T) == ""


async def test_a_quota_larger_than_the_disk_is_what_the_disk_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def free(folder: Path) -> int:
        return 3 * MB - sum(path.stat().st_size for path in folder.iterdir())

    monkeypatch.setattr(directory, "free_bytes", free)
    async with opened(tmp_path, quota=64 * MB, on_full="drop-oldest") as disk:
        assert "only 3 MB for a quota of 67 MB" in caplog.text
        for number in range(1, 1200):
            await store(disk, group("a", number, number))
        assert disk.losses.since_opened["quota"] > 100
        assert disk.used_bytes() <= 3 * MB
        monkeypatch.undo()
        await store(disk, group("a", 1200, 1200))
        assert disk.sizes.quota == 64 * MB, "others gave room back"


async def test_no_segment_spans_more_than_a_part_of_its_classs_lifetime(tmp_path: Path) -> None:
    time = Time()
    async with opened(tmp_path, keep={T: 2000.0}, time=time) as disk:
        for number in range(1, 41):
            await store(disk, group("a", number, number, size=10))
            time.go(10)
        assert len(shelf(disk).segments) == 4
        spans = [one.facts.born_last - one.facts.born_first for one in shelf(disk).segments]
        assert max(spans) == 100
