from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.buffer import directory, segments
from gateway.buffer.content import Extent
from gateway.buffer.frames import Frame, encode, read_body, read_section
from gateway.buffer.segments import Scan, Segment, create
from tests.gateway.buffer.making import message, messages, sequences


def frame(number: int, first: int = 1, identity: str = "a", size: int = 20) -> Frame:
    """Two messages of one identity."""
    return encode(number, 7, {identity: (first, messages(identity, first, first + 1, size))})


async def put(segment: Segment, *frames: Frame) -> None:
    await segment.insert(frames)
    for one in frames:
        segment.accepted(one.number, one.sections)


@pytest.fixture
async def segment(tmp_path: Path) -> AsyncIterator[Segment]:
    made = await create(tmp_path, 41, wal_pages=8)
    yield made
    await made.end()


@asynccontextmanager
async def reopened(segment: Segment) -> AsyncIterator[Segment]:
    """As the next process finds it."""
    await segment.end()
    found = Segment(segment.path)
    try:
        await found.find_last()
        yield found
    finally:
        await found.end()


def numbers(scan: Scan) -> list[int]:
    return [found.number for found in scan.found]


def corrupt(path: Path, needle: bytes) -> None:
    """Overwrite these bytes where they lie in the file."""
    content = path.read_bytes()
    assert needle in content
    path.write_bytes(content.replace(needle, b"\xff" * len(needle), 1))


async def test_is_named_after_its_first_frame_and_durable_by_name(segment: Segment, tmp_path: Path) -> None:
    assert segment.path == tmp_path / "p1-000000000041.db"
    assert (segment.first, segment.last) == (41, 40)
    assert not list(tmp_path.glob("*.new*"))
    assert list(tmp_path.glob(segments.PATTERN)) == [segment.path]


async def test_every_commit_is_synced_and_the_log_bounded(segment: Segment) -> None:
    await put(segment, frame(41))
    assert segment._connection is not None
    ask = segment._connection.execute_fetchall
    settings = {
        "journal_mode": "wal",
        "synchronous": 2,
        "mmap_size": 0,
        "page_size": 8192,
        "wal_autocheckpoint": 8,
        "journal_size_limit": 2 * 8 * 8192,
        "locking_mode": "exclusive",
    }
    for name, value in settings.items():
        found = list(await ask(f"PRAGMA {name}"))
        assert [row[0] for row in found] == [value], name


async def test_gives_back_heads_and_bodies_in_order(segment: Segment) -> None:
    await put(segment, frame(41, 1), frame(42, 3))
    await put(segment, frame(43, 5))
    assert numbers(await segment.heads(41, 10)) == [41, 42, 43]
    bodies = await segment.bodies([42])
    head = (await segment.heads(42, 1)).found[0].head
    assert head is not None
    raw = read_body(head, bodies[42])
    assert sequences(list(read_section(raw, head.sections[0]))) == [3, 4]


async def test_a_scan_tells_from_where_to_go_on(segment: Segment) -> None:
    await put(segment, *(frame(number, number * 2) for number in range(41, 46)))
    first = await segment.heads(41, 2)
    assert (numbers(first), first.following, first.more) == ([41, 42], 43, True)
    last = await segment.heads(43, 3)
    assert (numbers(last), last.following, last.more) == ([43, 44, 45], 46, False)


async def test_a_group_of_frames_is_stored_as_a_whole_or_not_at_all(segment: Segment) -> None:
    await put(segment, frame(42))
    with pytest.raises(sqlite3.IntegrityError):
        await segment.insert([frame(41), frame(42)])
    assert segment.last == 42
    async with reopened(segment) as found:
        assert numbers(await found.heads(41, 10)) == [42]


async def test_knows_what_it_holds_while_it_is_written_and_when_it_is_sealed(segment: Segment) -> None:
    await put(segment, frame(41, 1), frame(42, 1, "b"))
    await put(segment, frame(43, 3))
    expected = {
        "a": Extent(1, 4, 4, 41, 10**9, 4 * 10**9),
        "b": Extent(1, 2, 2, 42, 10**9, 2 * 10**9),
    }
    assert await segment.read_content() == expected
    assert segment.remaining == 6
    await segment.seal()
    assert await segment.read_content() == expected
    async with reopened(segment) as found:
        assert await found.read_content() == expected


async def test_a_crash_before_it_was_sealed_is_made_up_for_from_the_heads(segment: Segment, tmp_path: Path) -> None:
    await put(segment, *(frame(number, 1 + 2 * (number - 41)) for number in range(41, 44)))
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for path in tmp_path.glob("*.db*"):
        (crashed / path.name).write_bytes(path.read_bytes())
    async with reopened(Segment(crashed / segment.path.name)) as found:
        assert found.last == 43
        assert await found.read_content() == {"a": Extent(1, 6, 6, 41, 10**9, 6 * 10**9)}
    assert not directory.has_log(found.path)


async def test_a_sealed_one_is_read_without_a_trace(segment: Segment, tmp_path: Path) -> None:
    await put(segment, frame(41))
    await segment.seal()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert list(before) == [segment.path.name]
    segment.path.chmod(0o400)
    assert numbers(await segment.heads(41, 10)) == [41]
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


async def test_who_asks_after_the_end_is_told_that_nothing_is_there(segment: Segment) -> None:
    await put(segment, frame(41))
    await segment.seal()
    await segment.end()
    directory.remove(segment.path)
    assert (await segment.heads(41, 10)).found == []
    assert await segment.bodies([41]) == {}
    assert await segment.read_content() == {}


async def test_a_damaged_head_is_told_with_the_messages_that_it_had(segment: Segment) -> None:
    frames = [frame(41, 1), frame(42, 3), frame(43, 5)]
    await put(segment, *frames)
    await segment.seal()
    corrupt(segment.path, frames[1].head)
    async with reopened(segment) as found:
        scan = await found.heads(41, 10)
        assert [(one.number, one.head is None) for one in scan.found] == [(41, False), (42, True), (43, False)]
        assert found.damaged
        assert found.unreadable == {42: 2}


async def test_a_damaged_page_costs_the_frames_on_it_and_no_other(segment: Segment) -> None:
    await put(segment, *(frame(number, number * 2, size=3000) for number in range(41, 91)))
    await segment.seal()
    content = bytearray(segment.path.read_bytes())
    middle = len(content) // 2 // 8192 * 8192
    content[middle : middle + 8192] = b"\xa5" * 8192
    segment.path.write_bytes(content)
    async with reopened(segment) as found:
        scan = await found.heads(41, 100)
        readable = [one.number for one in scan.found if one.head is not None]
        bodies = await found.bodies(readable)
        assert found.damaged
        assert 44 <= len(bodies) < 50
        assert {41, 90} <= bodies.keys()


async def test_a_damaged_content_is_found_out_anew(segment: Segment) -> None:
    await put(segment, frame(41, 1))
    held = await segment.read_content()
    await segment.seal()
    with closing(sqlite3.connect(segment.path)) as foreign, foreign:
        foreign.execute("UPDATE content SET packed = zeroblob(50)")
    async with reopened(segment) as found:
        assert await found.read_content() == held


@pytest.mark.parametrize("damage", [b"", b"no database" * 1000], ids=["emptied", "overwritten"])
async def test_a_file_that_is_no_segment_says_so(segment: Segment, damage: bytes) -> None:
    await segment.seal()
    segment.path.write_bytes(damage)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        async with reopened(segment):
            pass
    assert directory.damaged(caught.value)


async def test_a_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(directory, "settle", no_space)
    with pytest.raises(OSError, match="no space"):
        await create(tmp_path, 1, wal_pages=8)
    assert list(tmp_path.iterdir()) == []


async def test_measures_the_log_as_well(segment: Segment) -> None:
    empty = segment.measure()
    await put(segment, encode(41, 7, {"a": (1, [message("a", 1, 30_000)])}))
    assert segment.measure() >= empty + 30_000
    assert directory.has_log(segment.path)
