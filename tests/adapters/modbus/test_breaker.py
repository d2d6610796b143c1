"""Units that are silent: how long they are left alone, and when the whole line is dead."""

from __future__ import annotations

import pytest

from adapters.modbus.breaker import LONGEST_PAUSE_S, SILENT_AFTER, Breaker, pause_s


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
    assert breaker.failed(2, 1.0) == 0.0, "each unit is counted on its own"
    assert breaker.heard(1), "it had been silent"
    assert not breaker.heard(1)
    assert breaker.failed(1, 1.0) == 0.0


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
    assert not breaker.dead
    breaker.failed(2, 1.0)
    assert breaker.dead
    breaker.spoke()
    assert not breaker.dead, "a gateway that does not reach its units is alive"
