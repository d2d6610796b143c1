"""Rates over the last minute and what took how long."""

from __future__ import annotations

import pytest

from gateway.buffer.port import Timing
from gateway.buffer.rates import Durations, Rate


def test_a_rate_is_over_the_whole_seconds_so_far() -> None:
    rate = Rate(100.0)
    rate.add(10, 100.2)
    assert rate.per_s(100.9) == 0.0
    rate.add(20, 101.5)
    assert rate.per_s(102.0) == 15.0


def test_a_rate_forgets_what_is_longer_ago_than_a_minute() -> None:
    rate = Rate(0.0)
    for second in range(200):
        rate.add(second, second + 0.5)
    assert rate.per_s(200.0) == pytest.approx(sum(range(140, 200)) / 60)
    assert rate.per_s(259.9) == pytest.approx(199 / 60)
    assert rate.per_s(261.0) == 0.0


def test_a_pause_counts() -> None:
    rate = Rate(0.0)
    rate.add(60, 0.0)
    assert rate.per_s(30.0) == 2.0
    assert rate.per_s(60.0) == 1.0


def test_of_no_durations_nothing_is_said() -> None:
    assert Durations().timing == Timing(0.0, 0.0)


def test_half_and_all_but_one_of_a_hundred_took_no_longer() -> None:
    durations = Durations()
    durations.note_all(float(number) for number in range(100))
    assert durations.timing == Timing(50.0, 99.0)
    durations.note_all([7.0] * 5000)
    durations.note(1000.0)
    assert durations.timing == Timing(7.0, 7.0)
