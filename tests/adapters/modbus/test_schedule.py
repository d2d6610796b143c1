"""When scans are due: spread, on their grid, never twice for what was missed."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.modbus.schedule import PATIENCE_S, Schedule, phases


@pytest.mark.parametrize(
    ("periods", "begins"),
    [
        ([], []),
        ([1], [0]),
        ([1, 1], [0, 0.5]),
        ([1, 1, 1, 1], [0, 0.25, 0.5, 0.75]),
        ([0.1, 1, 0.1], [0, 0.05 * 0.618, 0.05]),
        ([1, 1, 2, 4], [0, 0.5, 0.5 * 0.618, 0.5 * 0.236]),
        ([3600, 3600], [0, 2.5]),
        ([math.inf], [0]),
    ],
)
def test_scans_of_one_period_stand_evenly_in_it(periods: list[float], begins: list[float]) -> None:
    assert phases(periods) == pytest.approx(begins)


def test_scans_of_several_periods_do_not_begin_together() -> None:
    begins = sorted(phases([1.0] * 10 + [5.0] * 10 + [60.0] * 10))
    assert min(later - earlier for earlier, later in pairwise(begins)) > 0.01


def test_fifty_scans_do_not_bunch() -> None:
    schedule = Schedule([1.0] * 50, start=100.0)
    times = []
    for _ in range(200):
        times.append(schedule.due())
        schedule.take(times[-1])
    assert all(later - earlier == pytest.approx(0.02) for earlier, later in pairwise(times))


def test_the_period_is_kept_without_drift() -> None:
    schedule = Schedule([0.1], start=0.0)
    for turn in range(100_000):
        assert schedule.due() == pytest.approx(turn * 0.1, abs=1e-9)
        schedule.take(schedule.due() + 0.03)
    assert schedule.late == 0


def test_late_scans_are_left_out_and_counted() -> None:
    schedule = Schedule([1.0], start=0.0)
    schedule.take(0.0)
    schedule.take(3.5)
    assert (schedule.late, schedule.due()) == (2, 4.0)
    schedule.take(4.0)
    assert (schedule.late, schedule.due()) == (2, 5.0)


def test_what_begins_a_little_late_counts_as_in_time() -> None:
    schedule = Schedule([1.0], start=0.0)
    for now in (0.9, 1.99, 2.5):
        schedule.take(now)
    assert (schedule.late, schedule.due()) == (0, 3.0)


def test_the_earliest_comes_first() -> None:
    schedule = Schedule([1.0, 0.4], start=0.0)
    order = []
    for _ in range(7):
        now = schedule.due()
        order.append((schedule.take(now), round(now, 6)))
    # The slower one begins between the turns of the faster one.
    begin = round(0.4 * 0.618, 6)
    assert order == [(1, 0.0), (0, begin), (1, 0.4), (1, 0.8), (1, 1.2), (0, 1 + begin), (1, 1.6)]


def test_a_moved_scan_is_due_then_and_returns_to_its_grid() -> None:
    schedule = Schedule([1.0, 1.0], start=0.0)
    schedule.take(0.0)
    schedule.move(0, 7.3)
    due: list[float] = []
    while len(due) < 3:
        now = schedule.due()
        if schedule.take(now) == 0:
            due.append(now)
    assert due == [7.3, 8.0, 9.0]
    assert schedule.late == 0


def test_a_scan_can_be_moved_forward() -> None:
    schedule = Schedule([60.0], start=0.0)
    schedule.take(0.0)
    schedule.move(0, 2.0)
    assert schedule.due() == 2.0
    assert schedule.take(2.0) == 0
    assert schedule.due() == 60.0


def test_those_behind_come_after_all_others_that_are_due_but_not_for_ever() -> None:
    schedule = Schedule([1.0, 1.0, 1.0], start=0.0)
    assert [schedule.take(5.0, behind=[0, 1]), schedule.take(5.0, behind=[0, 1])] == [2, 0], "0 is due before 1"
    schedule = Schedule([1.0, 1.0], start=0.0)
    taken = [schedule.take(0.5 + turn, behind=[0]) for turn in range(13)]
    assert taken == [1] * (int(PATIENCE_S) - 0) + [0, 1, 1]
    schedule = Schedule([1.0], start=0.0)
    assert schedule.take(0.0, behind=[0]) == 0


def test_what_was_taken_out_of_turn_is_not_taken_twice() -> None:
    schedule = Schedule([10.0, 10.0, 10.0], start=0.0)
    assert [schedule.take(5.0, behind=[0]) for _ in range(3)] == [1, 2, 0]
    assert schedule.due() == 10.0


def test_a_postponed_scan_is_not_due_sooner_but_may_be_later() -> None:
    schedule = Schedule([10.0], start=0.0)
    schedule.take(0.0)
    schedule.postpone(0, 4.0)
    assert schedule.due_of(0) == 10.0
    schedule.postpone(0, 12.0)
    assert schedule.due() == 12.0


def test_a_scan_that_is_read_once_never_comes_again() -> None:
    schedule = Schedule([math.inf], start=0.0)
    schedule.take(0.0)
    assert schedule.due() == math.inf


@given(st.lists(st.sampled_from([0.05, 0.1, 1.0, 5.0]), min_size=1, max_size=8), st.lists(st.floats(0, 2), max_size=60))
def test_every_turn_is_taken_or_counted(periods: list[float], delays: list[float]) -> None:
    schedule = Schedule(periods, start=10.0)
    taken = [0] * len(periods)
    now = 10.0
    for delay in delays:
        now = max(now, schedule.due()) + delay
        taken[schedule.take(now)] += 1
    turns = sum(
        max(0, round((due - 10.0 - phase) / period))
        for period, phase, due in zip(periods, phases(periods), _due(schedule, len(periods)), strict=True)
    )
    assert turns == sum(taken) + schedule.late


def _due(schedule: Schedule, count: int) -> list[float]:
    """When each scan is due, taken out one by one without letting time pass."""
    due: dict[int, float] = {}
    while len(due) < count:
        now = schedule.due()
        due.setdefault(schedule.take(-math.inf if math.isinf(now) else now), now)
    return [due[index] for index in range(count)]
