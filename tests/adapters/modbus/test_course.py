"""What one scan asks, turn after turn, of a device that refuses some of it."""

from __future__ import annotations

import math

import pytest

from adapters.modbus.course import Course, illegal, refusal
from adapters.modbus.plan import plan
from adapters.modbus.quarantine import FIRST_PAUSE_S
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point, Quality

CONNECT = Connect(modbus="tcp://plc")


def course(*addresses: Address) -> Course:
    (scan,) = plan([Point("d", CONNECT, f"p{index}", address, 1.0) for index, address in enumerate(addresses)])
    return Course(scan)


def neighbours(count: int) -> list[Address]:
    return [Address(at=at) for at in range(count)]


def turned(of: Course, illegal: set[int], now: float = 0.0) -> tuple[list[str], list[int], list[int]]:
    """What one turn asks, and the points that it quarantines and frees."""
    turn = list(of.turn(now))
    found: list[int] = []
    freed: list[int] = []
    for asked in turn:
        if illegal.intersection(asked.block.points):
            found += of.refused(asked, now)
        else:
            freed += of.answered(asked)
    return [asked.block.where for asked in turn], found, freed


def left(of: Course) -> list[str]:
    return [block.where for block, _ in of.left]


def test_a_device_that_refuses_nothing_is_asked_as_planned() -> None:
    of = course(*neighbours(4), Address(at=100))
    first = of.turn(0.0)
    assert [asked.block for asked in first] == list(of.planned)
    for asked in first:
        of.answered(asked)
    assert of.turn(1.0) is first, "nothing is made anew for it"
    assert (left(of), of.searching, of.until) == ([], False, math.inf)


def test_an_illegal_address_is_found_left_out_and_named_by_its_points() -> None:
    of = course(*neighbours(8), Address(at=5, bits=(0, 3)))
    assert turned(of, {5}) == (["holding 0..7"], [], [])
    assert turned(of, {5})[0] == ["holding 0..3", "holding 4..7"]
    assert turned(of, {5})[0] == ["holding 0..3", "holding 4..5", "holding 6..7"]
    asked, found, _ = turned(of, {5})
    assert asked == ["holding 0..3", "holding 4", "holding 5", "holding 6..7"]
    assert sorted(found) == [5, 8], "both points of that register"
    assert turned(of, {5}) == (["holding 0..4", "holding 6..7"], [], [])
    assert left(of) == ["holding 5"]
    assert not of.searching


def test_what_is_not_asked_yet_is_left_and_every_point_is_in_one_of_both() -> None:
    of = course(*neighbours(16))
    for _ in range(12):
        turned(of, {1, 6, 11})
        turn = of.turn(0.0)
        points = [point for asked in turn for point in asked.block.points]
        points += [point for block, _ in of.left for point in block.points]
        assert sorted(points) == list(range(16))
    assert left(of) == ["holding 1", "holding 6", "holding 11"]


def test_a_quarantined_address_is_tried_again_and_freed() -> None:
    of = course(*neighbours(2))
    for _ in range(3):
        turned(of, {1})
    assert turned(of, {1}, FIRST_PAUSE_S - 1)[0] == ["holding 0"]
    assert turned(of, set(), FIRST_PAUSE_S) == (["holding 0", "holding 1"], [], [1])
    assert turned(of, set(), FIRST_PAUSE_S + 1) == (["holding 0..1"], [], [])


def test_the_parts_of_a_point_are_found_too() -> None:
    of = course(Address(registers=(50, 3), type="uint32"), Address(at=4))
    turn = of.turn(0.0)
    assert [asked.block.where for asked in turn] == ["holding 3..4", "holding 50"]
    assert of.refused(turn[1], 0.0) == [0]
    of.turn(1.0)
    assert left(of) == ["holding 50"]


def test_after_a_silence_the_others_come_first() -> None:
    of = course(Address(at=0), Address(at=100), Address(at=200))
    of.passed_over(of.turn(0.0)[0])
    assert [asked.block.where for asked in of.turn(1.0)] == ["holding 100", "holding 200", "holding 0"]
    of.passed_over(of.turn(1.0)[1])
    assert [asked.block.where for asked in of.turn(2.0)] == ["holding 0", "holding 100", "holding 200"]


def test_a_unit_that_returns_is_asked_everything() -> None:
    of = course(*neighbours(2))
    for _ in range(3):
        turned(of, {1})
    of.release()
    assert turned(of, set(), 1.0)[2] == [1]


def test_a_refusal_has_words_and_the_code() -> None:
    assert refusal(2) == (Quality.BAD, "exception 2: illegal data address", 2)
    assert refusal(2) is refusal(2)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_what_is_left_out_has_the_words_of_its_exception(code: int) -> None:
    of = course(Address(object="vendor_name", type="string"), Address(object="revision", type="string"))
    for _ in range(3):
        for asked in list(of.turn(0.0)):
            of.refused(asked, 0.0, code)
    assert list(of.turn(0.0)) == []
    assert {status.code for _, status in of.left} == {code}


def test_a_function_that_nobody_knows_is_not_searched_for() -> None:
    of = course(Address(file=1, record=0), Address(file=2, record=0))
    (asked,) = of.turn(0.0)
    assert of.refused(asked, 0.0, 1) == [0, 1]
    assert not of.searching
    assert list(of.turn(0.0)) == []
    assert [block.where for block, _ in of.left] == ["file 1 record 0, file 2 record 0"]
    assert of.until == FIRST_PAUSE_S
    (again,) = of.turn(FIRST_PAUSE_S)
    assert again.block.where == "file 1 record 0, file 2 record 0"
    assert of.refused(again, FIRST_PAUSE_S, 1) == [], "it is named once"
    assert of.until == 3 * FIRST_PAUSE_S


@pytest.mark.parametrize(
    ("address", "codes"),
    [
        (Address(at=0), [2]),
        (Address(at=0, table="coil", type="bool"), [2]),
        (Address(file=1, record=0), [1, 2, 3]),
        (Address(object="revision", type="string"), [1, 2, 3]),
    ],
)
def test_which_exceptions_say_that_something_is_not_there(address: Address, codes: list[int]) -> None:
    (asked,) = course(address).turn(0.0)
    assert [code for code in range(1, 12) if illegal(asked.block, refusal(code))] == codes
    assert not illegal(asked.block, b"\0\0")
