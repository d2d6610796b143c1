from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.buffer.content import Extent
from gateway.buffer.frames import Frame, encode, read_body, read_head, read_section
from gateway.buffer.port import Loss
from gateway.buffer.rewriting import (
    Made,
    NoGain,
    count_after,
    every_fourth,
    everything,
    next_place,
    one_a_minute,
    read_about,
    rewrite,
)
from gateway.buffer.segments import Facts, Place, Segment, create
from gateway.buffer.sources import SegmentDamaged, Source
from gateway.model import Priority, Stored
from tests.gateway.buffer.making import message, messages

T = Priority.TELEMETRY


def frame(number: int, *lanes: tuple[str, int, int], epoch: int = 7, born: int = 0, size: int = 20) -> Frame:
    """``lanes``: identity, first and last sequence."""
    held = {identity: (first, messages(identity, first, last, size)) for identity, first, last in lanes}
    return encode(number, epoch, held, T, born)


async def sealed(folder: Path, *frames: Frame, page_size: int = 512) -> Segment:
    segment = await create(folder, T, frames[0].number, page_size)
    for one in frames:
        await segment.insert([one])
        segment.accepted(one)
    await segment.close()
    return segment


def source(segment: Segment) -> Source:
    return Source(segment.path, segment.first, segment.facts)


def nothing_done(identity: str, sequence: int) -> bool:
    return False


def read(path: Path) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        for number, count, packed, body in connection.execute("SELECT * FROM frame ORDER BY number"):
            head = read_head(packed)
            assert (head.number, head.messages, head.priority) == (number, count, T)
            raw = read_body(head, body)
            for section in head.sections:
                found.setdefault(section.identity, []).extend(read_section(head, raw, section))
    return found


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM frame ORDER BY number")]


def expected(identity: str, sequences: Sequence[int], epoch: int = 7) -> list[Stored]:
    return [Stored(identity, epoch, number, *message(identity, number)[1:]) for number in sequences]


async def test_small_commits_become_large_frames_with_the_number_of_the_last(tmp_path: Path) -> None:
    first = await sealed(tmp_path, *(frame(n, ("a", n, n), ("b", n, n), born=n) for n in range(1, 31)))
    second = await sealed(tmp_path, *(frame(n, ("a", n, n), born=n) for n in range(31, 61)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    made = rewrite([source(first), source(second)], tmp_path / "x.new", T, nothing_done, everything)
    assert read(made.path) == {"a": expected("a", range(1, 61)), "b": expected("b", range(1, 31))}
    assert numbers(made.path) == [60]
    assert made.facts == Facts(60, 1, 90, made.facts.raw_bytes, 1, 60, 0)
    assert made.content["b"] == Extent(1, 30, 30, 60, 10**9, 30 * 10**9)
    assert made.path.stat().st_size < (first.measure() + second.measure()) / 3
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != made.path} == before


async def test_what_was_done_with_is_not_kept_and_not_lost(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", n, n), ("b", n, n)) for n in range(1, 31)))

    def done(identity: str, sequence: int) -> bool:
        return identity == "a" or sequence <= 12

    made = rewrite([source(segment)], tmp_path / "x.new", T, done, everything, reason="thinned")
    assert read(made.path) == {"b": expected("b", range(13, 31))}
    assert made.left_out == {}
    assert made.content.keys() == {"b"}


async def test_what_is_left_out_is_noted_in_the_file_itself(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", 4 * n, 4 * n + 3)) for n in range(1, 6)))
    made = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, every_fourth(), reason="thinned", thinned=1)
    kept = [4, 8, 12, 16, 20]
    assert read(made.path) == {"a": expected("a", kept)}
    about = read_about(made.path, T)
    assert about is not None
    assert about.losses == [Loss("thinned", "a", T, 15, 5, 23, 5 * 10**9, 23 * 10**9)]
    assert (about.facts, about.content) == (made.facts, made.content)
    assert about.facts.thinned == 1
    assert made.content["a"] == Extent(4, 20, 5, 5, 4 * 10**9, 20 * 10**9)
    assert count_after(made.path, {"a": 8}) == {"a": 3}
    assert count_after(made.path, {"a": 3}) == {"a": 5}


async def test_thinned_twice_it_keeps_one_a_minute(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", 10 * n, 10 * n + 9)) for n in range(1, 31)))
    once = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, every_fourth())
    path = tmp_path / Place(T, 1, 30, 1).name
    once.path.rename(path)
    twice = rewrite([Source(path, 1, once.facts)], tmp_path / "y.new", T, nothing_done, one_a_minute())
    assert [one.sequence for one in read(twice.path)["a"]] == [10, 62, 122, 182, 242, 302]


async def test_frames_of_two_epochs_are_not_merged(tmp_path: Path) -> None:
    frames = [frame(1, ("a", 1, 1)), frame(2, ("a", 2, 2), epoch=8), frame(3, ("a", 3, 3), epoch=8)]
    segment = await sealed(tmp_path, *frames)
    made = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything)
    assert read(made.path)["a"] == expected("a", [1]) + expected("a", [2, 3], epoch=8)
    assert numbers(made.path) == [1, 3]


async def test_a_frame_spans_no_more_than_it_may_of_a_lifetime(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", n, n), born=10 * n) for n in range(1, 10)))
    made = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything, span_s=25)
    assert numbers(made.path) == [3, 6, 9]


async def test_a_large_frame_is_taken_over_as_it_is(tmp_path: Path) -> None:
    large = frame(2, ("a", 2, 101), size=2000)
    segment = await sealed(tmp_path, frame(1, ("a", 1, 1)), large, frame(3, ("a", 102, 102)))
    made = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything)
    with closing(sqlite3.connect(made.path)) as connection:
        rows = connection.execute("SELECT * FROM frame WHERE number = 2").fetchall()
    assert rows == [large[:4]]
    assert [one.sequence for one in read(made.path)["a"]] == list(range(1, 103))


async def test_what_becomes_too_large_is_given_up(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", n, n), size=3000) for n in range(1, 31)))
    with pytest.raises(NoGain):
        rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything, limit_bytes=30_000)


# Damage.


async def test_damage_is_not_taken_over_in_passing(tmp_path: Path) -> None:
    frames = [frame(n, ("a", n, n)) for n in range(1, 10)]
    frames[4] = frames[4]._replace(body=frames[5].body)
    segment = await sealed(tmp_path, *frames)
    with pytest.raises(SegmentDamaged, match="frame 5"):
        rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything)
    made = rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything, salvage=True)
    assert [one.sequence for one in read(made.path)["a"]] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert [(bad.number, bad.messages, bad.head, bad.body) for bad in made.bad] == [
        (5, 1, frames[4].head, frames[4].body)
    ]


async def test_frames_hidden_behind_a_flipped_bit_in_the_log_are_salvaged(tmp_path: Path) -> None:
    segment = await sealed(tmp_path, *(frame(n, ("a", n, n), size=3000) for n in range(1, 21)))
    log = Path(f"{segment.path}-wal")
    whole = log.read_bytes()
    for turn in range(30):
        flipped = bytearray(whole)
        bit = random.Random(turn).randrange(32 * 8, len(whole) * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        log.write_bytes(flipped)
        with pytest.raises(SegmentDamaged):
            rewrite([source(segment)], tmp_path / "x.new", T, nothing_done, everything)
        made = salvaged(segment, tmp_path)
        assert made.facts.messages >= 17, "the frame, or those whose heads share a page with its head"
    log.write_bytes(whole)
    assert salvaged(segment, tmp_path).facts.messages == 20


def salvaged(segment: Segment, folder: Path) -> Made:
    return rewrite([source(segment)], folder / "x.new", T, nothing_done, everything, salvage=True)


def test_a_file_that_says_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "p1-000000000001-000000000002-1.db"
    path.write_bytes(b"no database" * 100)
    assert read_about(path, T) is None
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t(x)")
    assert read_about(tmp_path / "other.db", T) is None


def test_rules_keep_the_first_of_each_identity() -> None:
    fourth, minute = every_fourth(), one_a_minute()
    assert [n for n in range(10) if fourth("a", n, 0)] == [0, 4, 8]
    assert fourth("b", 77, 0)
    times = [0, 59, 60, 61, 3600]
    assert [at for at in times if minute("a", 0, at * 10**9)] == [0, 60, 3600]
    assert minute("b", 0, 61 * 10**9)


def test_the_name_of_what_is_made_tells_what_it_was_made_of() -> None:
    plain, rewritten = Place(T, 42, 0, 0), Place(T, 50, 60, 3)
    made = next_place([plain, rewritten], 60)
    assert made == Place(T, 42, 60, 4)
    assert made.replaces(plain)
    assert made.replaces(rewritten)
