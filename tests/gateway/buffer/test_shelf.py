from __future__ import annotations

from pathlib import Path

from gateway.buffer.segments import Facts, Place, Segment
from gateway.buffer.shelf import Shelf
from gateway.model import Priority


def segment(first: int, last: int) -> Segment:
    found = Segment(Path(Place(Priority.BULK, first, 0, 0).name))
    found.facts = Facts(last)
    found.size_bytes = 10
    return found


def shelf(*segments: Segment) -> Shelf:
    made = Shelf(Path(), Priority.BULK)
    made.segments = list(segments)
    return made


def test_finds_the_segment_of_a_frame_and_what_follows_a_hole() -> None:
    first, second, third = segment(1, 9), segment(10, 14), segment(20, 20)
    found = shelf(first, second, third)
    assert [found.holding(frame) for frame in (0, 1, 9, 10, 15, 20, 21)] == [
        first,
        first,
        first,
        second,
        third,
        third,
        None,
    ]


def test_all_but_the_one_that_is_written_are_sealed() -> None:
    first, second = segment(1, 9), segment(10, 9)
    found = shelf(first, second)
    found.writing = second
    assert found.sealed == [first]
    assert found.used_bytes() == 20


def test_what_neighbours_were_made_into_stands_in_their_place() -> None:
    first, second, third, fourth, made = (segment(number, number) for number in (1, 2, 3, 4, 2))
    found = shelf(first, second, third, fourth)
    found.replace([second, third], made)
    assert found.segments == [first, made, fourth]
