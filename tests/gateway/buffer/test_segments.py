from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.buffer import directory
from gateway.buffer.content import Extent
from gateway.buffer.frames import Frame, encode, read_body, read_section
from gateway.buffer.segments import Place, Scan, Segment, create, place
from gateway.model import Priority
from tests.gateway.buffer.making import message, messages, sequences


def frame(number: int, first: int = 1, identity: str = "a", size: int = 20) -> Frame:
    """Two messages of one identity."""
    return encode(number, 7, {identity: (first, messages(identity, first, first + 1, size))})


async def put(segment: Segment, *frames: Frame) -> None:
    await segment.insert(frames)
    for one in frames:
        segment.accepted(one)


@pytest.fixture
async def segment(tmp_path: Path) -> AsyncIterator[Segment]:
    made = await create(tmp_path, Priority.TELEMETRY, 41)
    yield made
    await made.end()


@asynccontextmanager
async def reopened(segment: Segment) -> AsyncIterator[Segment]:
    """As the next process finds it."""
    await segment.end()
    found = Segment(segment.path)
    try:
        found.content = await found.scan()
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
    assert place(segment.path) == Place(Priority.TELEMETRY, 41, 0, 0)


async def test_every_commit_is_synced_and_the_log_never_copied(segment: Segment) -> None:
    await put(segment, frame(41))
    assert segment._connection is not None
    ask = segment._connection.execute_fetchall
    settings = {
        "journal_mode": "wal",
        "synchronous": 2,
        "mmap_size": 0,
        "page_size": 512,
        "wal_autocheckpoint": 0,
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
    assert sequences(list(read_section(head, raw, head.sections[0]))) == [3, 4]


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


async def test_knows_what_it_holds_while_it_is_written_and_when_all_heads_were_read(segment: Segment) -> None:
    await put(segment, frame(41, 1), frame(42, 1, "b"))
    await put(segment, frame(43, 3)._replace(born=77))
    expected = {
        "a": Extent(1, 4, 4, 41, 10**9, 4 * 10**9),
        "b": Extent(1, 2, 2, 42, 10**9, 2 * 10**9),
    }
    assert await segment.read_content() == expected
    assert segment.remaining == 6
    facts = segment.facts
    assert (facts.last, facts.frames, facts.messages, facts.born_first, facts.born_last) == (43, 3, 6, 0, 77)
    async with reopened(segment) as found:
        assert await found.read_content() == expected
        assert found.facts == facts._replace(born_last=0), "the head was packed before"


async def test_closing_copies_nothing(segment: Segment, tmp_path: Path) -> None:
    await put(segment, *(frame(number, 1 + 2 * (number - 41), size=3000) for number in range(41, 51)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == [segment.path.name, f"{segment.path.name}-wal"]
    await segment.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def test_a_crash_while_it_is_closed_is_made_good(segment: Segment, tmp_path: Path) -> None:
    await put(segment, frame(41))
    await segment.close()
    assert directory.move_away(segment.path)
    directory.make(tmp_path)
    async with reopened(segment) as found:
        assert numbers(await found.heads(41, 10)) == [41]


async def test_a_sealed_one_is_read_without_a_trace(segment: Segment, tmp_path: Path) -> None:
    await put(segment, frame(41))
    await segment.close()
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.iterdir()}
    assert numbers(await segment.heads(41, 10)) == [41]
    assert {path.name for path in tmp_path.iterdir()} == before.keys(), "no index beside it while it is read"
    await segment.close()
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.iterdir()} == before


async def test_who_asks_after_the_end_is_told_that_nothing_is_there(segment: Segment) -> None:
    await put(segment, frame(41))
    await segment.end()
    directory.remove(segment.path)
    assert (await segment.heads(41, 10)).found == []
    assert await segment.bodies([41]) == {}


async def test_a_damaged_head_is_told_with_the_messages_that_it_had(segment: Segment) -> None:
    frames = [frame(41, 1), frame(42, 3), frame(43, 5)]
    head = frames[1].head
    await put(segment, frames[0], frames[1]._replace(head=head[:9] + b"?" + head[10:]), frames[2])
    async with reopened(segment) as found:
        scan = await found.heads(41, 10)
        assert [(one.number, one.head is None) for one in scan.found] == [(41, False), (42, True), (43, False)]
        assert found.damaged
        assert found.unreadable == {42: 2}


async def test_a_log_that_ends_early_for_sqlite_is_noticed(segment: Segment) -> None:
    await put(segment, frame(41, 1, size=3000))
    await put(segment, frame(42, 3, size=3000))
    facts = segment.facts
    await segment.end()
    log = Path(f"{segment.path}-wal")
    content = bytearray(log.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    log.write_bytes(content)
    found = Segment(segment.path)
    found.facts, found.sealed_facts = facts, True
    assert numbers(await found.heads(41, 10)) == [41]
    assert found.damaged
    await found.end()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("p0-000000000042.db", Place(Priority.ALARM, 42, 0, 0)),
        ("p2-000000000042-000000000099-3.db", Place(Priority.BULK, 42, 99, 3)),
        ("p3-000000000042.db", None),
        ("p1-42.db", None),
        ("p1-000000000042.db-wal", None),
        ("meta.db", None),
    ],
)
def test_a_name_says_what_is_in_it(name: str, found: Place | None) -> None:
    assert place(Path(name)) == found
    if found is not None:
        assert found.name == name


def test_which_of_two_files_counts_is_told_by_their_names() -> None:
    plain, later, other = (Place(Priority.TELEMETRY, first, 0, 0) for first in (42, 50, 100))
    merged = Place(Priority.TELEMETRY, 42, 99, 1)
    again, larger = merged._replace(generation=2), Place(Priority.TELEMETRY, 42, 150, 2)
    assert merged.replaces(plain)
    assert merged.replaces(later)
    assert not merged.replaces(other)
    assert not merged.replaces(merged)
    assert not merged.replaces(plain._replace(priority=Priority.BULK))
    assert again.replaces(merged)
    assert not merged.replaces(again)
    assert larger.replaces(merged)
    assert larger.replaces(other)
    assert not plain.replaces(merged)


@pytest.mark.parametrize("damage", [b"", b"no database" * 1000], ids=["emptied", "overwritten"])
async def test_a_file_that_is_no_segment_says_so(segment: Segment, damage: bytes) -> None:
    await segment.end()
    directory.remove(segment.path)
    segment.path.write_bytes(damage)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        async with reopened(segment):
            pass
    assert directory.damaged(caught.value)


async def test_a_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(directory, "sync", no_space)
    with pytest.raises(OSError, match="no space"):
        await create(tmp_path, Priority.TELEMETRY, 1)
    assert list(tmp_path.iterdir()) == []


async def test_measures_the_log_as_well(segment: Segment) -> None:
    empty = segment.measure()
    await put(segment, encode(41, 7, {"a": (1, [message("a", 1, 30_000)])}))
    assert segment.measure() >= empty + 30_000
    assert directory.has_log(segment.path)
