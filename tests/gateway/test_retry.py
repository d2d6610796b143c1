"""Waits that grow, are drawn from the whole range, and begin small again."""

from __future__ import annotations

import doctest

import pytest

import gateway.retry
from gateway.retry import Backoff


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def test_the_cap_doubles_up_to_the_limit() -> None:
    backoff = Backoff(first_s=0.2, limit_s=30, uniform=highest)
    assert [backoff.next_s() for _ in range(10)] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30])


def test_after_a_success_it_starts_small_again() -> None:
    backoff = Backoff(first_s=1, uniform=highest)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert (backoff.failures, backoff.next_s()) == (0, 1)


def test_years_of_failures_do_not_overflow() -> None:
    backoff = Backoff(uniform=highest)
    backoff.failures = 10**9
    assert backoff.next_s() == 30


def test_waits_are_drawn_from_the_whole_range_so_that_many_do_not_return_at_once() -> None:
    waits = []
    for _ in range(400):
        backoff = Backoff(first_s=8, limit_s=8)
        waits.append(backoff.next_s())
    assert all(0 <= wait <= 8 for wait in waits)
    quarters = [sum(low <= wait < low + 2 for wait in waits) for low in (0, 2, 4, 6)]
    assert min(quarters) > 40


def test_the_example_of_the_docstring() -> None:
    assert doctest.testmod(gateway.retry).failed == 0
