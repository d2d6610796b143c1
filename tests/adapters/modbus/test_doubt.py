"""A request that costs the connection again and again is left alone; others, and rare faults, are not."""

from __future__ import annotations

import pytest

from adapters.modbus import pdu
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.doubt import LONGEST_S, Doubts

READ, OTHER = pdu.read(3, 0, 1), pdu.read(3, 9, 1)
WRONG = pdu.UnitWrong("1", "2")


def pauses(doubts: Doubts, times: int, timeout_s: float = 0.25) -> list[float]:
    """How long the request is left alone after each of so many wrong answers, asked as soon as it may be."""
    now = 100.0
    found = []
    for _ in range(times):
        doubts.wrong(1, READ, WRONG, timeout_s, now)
        begin = now
        while doubts.held(1, READ, now) is not None:
            now += 0.25
        found.append(now - begin)
    return found


def test_pauses_grow_up_to_half_a_minute() -> None:
    assert pauses(Doubts(), 10) == [0, 0, 1, 2, 4, 8, 16, LONGEST_S, LONGEST_S, LONGEST_S]
    assert max(pauses(Doubts(), 10, timeout_s=60.0)) == LONGEST_S


def test_only_this_request_of_this_unit_is_left_alone() -> None:
    doubts = Doubts()
    for _ in range(SILENT_AFTER):
        doubts.wrong(1, READ, WRONG, 1.0, 100.0)
    assert str(doubts.held(1, READ, 100.1)) == "unit 2 instead of 1"
    assert doubts.held(2, READ, 100.1) is None
    assert doubts.held(1, OTHER, 100.1) is None
    assert doubts.held(1, pdu.read(4, 0, 1), 100.1) is None


def test_a_right_answer_makes_up_for_a_wrong_one() -> None:
    doubts = Doubts()
    for _ in range(100):
        doubts.wrong(1, READ, WRONG, 1.0, 100.0)
        doubts.right(1, READ)
        assert doubts.held(1, READ, 100.0) is None
    assert doubts._doubts == {}


def test_what_was_wrong_for_long_is_not_trusted_at_once() -> None:
    doubts = Doubts()
    pauses(doubts, 20)
    doubts.right(1, READ)
    assert pauses(doubts, 1) == [LONGEST_S]
    for _ in range(20):
        doubts.right(1, READ)
    assert pauses(doubts, 1) == [0]


def test_what_is_raised_again_holds_on_to_nothing() -> None:
    doubts = Doubts()
    for _ in range(SILENT_AFTER):
        doubts.wrong(1, READ, WRONG, 1.0, 100.0)
    one, other = doubts.held(1, READ, 100.0), doubts.held(1, READ, 100.0)
    assert isinstance(one, pdu.UnitWrong)
    assert one is not other
    with pytest.raises(pdu.UnitWrong):
        raise one
    again = doubts.held(1, READ, 100.0)
    assert again is not None
    assert again.__traceback__ is None
