"""Units that are silent: how long they are left alone, and when the whole line is dead."""

from __future__ import annotations

import pytest

from adapters.modbus.breaker import LONGEST_PAUSE_S, SHARED_PAUSE_S, SILENT_AFTER, Breaker, pause_s


def test_a_unit_that_fails_seldom_keeps_its_rate() -> None:
    assert [pause_s(failures, 1.0) for failures in range(SILENT_AFTER)] == [0.0] * SILENT_AFTER


def test_pauses_grow_to_their_limit() -> None:
    pauses = [pause_s(SILENT_AFTER + probe, 1.0) for probe in range(6)]
    assert pauses == [4.0, 8.0, 16.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pause_s(10**6, 0.1) == LONGEST_PAUSE_S


@pytest.mark.parametrize("timeout", [0.05, 0.5, 1.0, 3.0, 60.0])
def test_a_silent_unit_takes_a_fifth_of_the_line_at_first_and_a_twentieth_in_the_end(timeout: float) -> None:
    assert timeout / (timeout + pause_s(SILENT_AFTER, timeout)) <= 0.2
    assert timeout / (timeout + pause_s(SILENT_AFTER + 20, timeout)) <= 0.05


def test_a_unit_is_left_alone_after_three_failures_and_returns_with_its_first_answer() -> None:
    breaker = Breaker([1, 2])
    assert [breaker.failed(1, 1.0) for _ in range(4)] == [0.0, 0.0, 4.0, 8.0]
    assert breaker.heard(1), "it had been silent"
    assert not breaker.heard(1)
    assert breaker.failed(1, 1.0) == 0.0


def test_the_twentieth_of_the_line_is_shared_by_all_that_are_silent() -> None:
    assert [pause_s(SILENT_AFTER, 1.0, sharers) for sharers in (1, 5, 10)] == [4.0, 20.0, 40.0]
    assert [pause_s(10**6, 1.0, sharers) for sharers in (1, 2, 5, 10, 100)] == [
        30.0,
        50.0,
        125.0,
        250.0,
        SHARED_PAUSE_S,
    ]
    assert pause_s(10**6, 60.0, 100) == 1500.0, "one alone with such a timeout is probed no more often"
    breaker = Breaker(range(10))
    for _ in range(SILENT_AFTER):
        pauses = [breaker.failed(unit, 1.0) for unit in range(10)]
    assert pauses == [4.0 * silent for silent in range(1, 11)]


def test_of_several_that_fail_each_gives_the_others_time() -> None:
    breaker = Breaker([1, 2, 3])
    assert [breaker.failed(unit, 0.5) for unit in (1, 2, 3)] == [0.0, 1.0, 2.0]
    breaker.heard(1)
    breaker.heard(2)
    assert breaker.failed(3, 0.5) == 0.0


def test_those_that_may_cost_a_timeout_are_known_as_soon_as_one_has() -> None:
    breaker = Breaker([1, 2, 3])
    breaker.heard(1)
    assert not breaker.doubtful
    breaker.failed(2, 1.0)
    assert breaker.doubtful == {2, 3}, "unit 3 was not heard yet"
    breaker.heard(2)
    assert not breaker.doubtful


def test_a_unit_that_is_only_written_to_does_not_keep_the_line_alive() -> None:
    breaker = Breaker([1])
    breaker.heard(99)
    for _ in range(SILENT_AFTER):
        breaker.silence()
        breaker.failed(1, 1.0)
    assert breaker.dead({1})


def test_failures_that_are_not_in_a_row_do_not_count() -> None:
    breaker = Breaker([1])
    for _ in range(5):
        breaker.failed(1, 1.0)
        assert breaker.failed(1, 1.0) == 0.0
        assert not breaker.heard(1)


def test_the_line_is_dead_when_every_unit_is_silent_and_nothing_at_all_is_heard() -> None:
    breaker = Breaker([1, 2])
    for unit in (1, 1, 1, 2, 2):
        breaker.silence()
        breaker.failed(unit, 1.0)
    assert (breaker.quiet, breaker.dead({1, 2}), breaker.silent, breaker.spoken) == (True, False, {1}, {2})
    assert breaker.dead({1}), "where nothing can be asked of the other"
    breaker.failed(2, 1.0)
    assert breaker.dead({1, 2})
    breaker.spoke()
    assert not breaker.dead({1, 2}), "a gateway that does not reach its units is alive"
