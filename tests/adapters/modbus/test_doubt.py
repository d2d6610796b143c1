"""A request that costs the connection again and again is left alone; others, and rare faults, are not."""

from __future__ import annotations

import pytest

from adapters.modbus import pdu
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.doubt import KEPT, LONGEST_S, Doubts, Silences

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


def silent_while_others_are_answered(silences: Silences, times: int, ask: pdu.Ask = READ) -> None:
    for _ in range(times):
        silences.answered(1, OTHER)
        silences.silent(1, ask, 1.0, 100.0)
    silences.answered(1, OTHER)


def test_a_request_that_alone_is_not_answered_is_left_alone_for_growing_times() -> None:
    silences = Silences()
    silent_while_others_are_answered(silences, SILENT_AFTER - 1)
    assert not silences.held(1, READ, 100.0)
    silent_while_others_are_answered(silences, 1)
    assert [silences.held(1, READ, now) for now in (100.0, 103.9, 104.0)] == [True, True, False]
    assert not silences.held(1, OTHER, 100.0)
    assert not silences.held(2, READ, 100.0)
    silent_while_others_are_answered(silences, 20)
    assert [silences.held(1, READ, now) for now in (129.9, 130.0)] == [True, False]


def test_its_answer_ends_that_at_once() -> None:
    silences = Silences()
    silent_while_others_are_answered(silences, 5)
    silences.answered(1, READ)
    assert not silences.held(1, READ, 100.0)
    silent_while_others_are_answered(silences, 1)
    assert not silences.held(1, READ, 100.0)


def test_of_a_unit_that_answers_nothing_at_all_no_request_is_left_alone() -> None:
    silences = Silences()
    for _ in range(10):
        silences.silent(1, READ, 1.0, 100.0)
    assert not silences.held(1, READ, 100.0)
    silent_while_others_are_answered(silences, 5)
    silences.silent(1, READ, 1.0, 100.0)
    assert not silences.held(1, READ, 100.0), "it has not answered since: this is as good a probe as any"


def test_many_silent_requests_share_the_time_of_one_and_are_bounded() -> None:
    silences = Silences()
    for place in range(20, 30):
        silent_while_others_are_answered(silences, SILENT_AFTER, pdu.read(3, place, 1))
    assert silences.held(1, pdu.read(3, 29, 1), 139.9)
    assert not silences.held(1, pdu.read(3, 29, 1), 140.0)
    for place in range(30, 30 + KEPT):
        silences.silent(1, pdu.read(3, place, 1), 1.0, 100.0)
    assert not silences.held(1, pdu.read(3, 29, 1), 100.0), "forgotten, as the oldest"
