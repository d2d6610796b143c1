"""How much is sent at a time over lines of every kind."""

from __future__ import annotations

import pytest

from gateway.upstream.pace import BUDGET_S, FIRST_BYTES, LEAST_BYTES, MOST_BYTES, Pace


def claims(pace: Pace, count: int, bytes_per_s: float, way_s: float) -> list[float]:
    """How long so many full claims take, one after the other."""
    times = []
    for _ in range(count):
        sent = pace.max_bytes
        times.append(way_s + sent / bytes_per_s)
        pace.took(sent, times[-1])
    return times


@pytest.mark.parametrize("bytes_per_s", [2_000, 8_000, 30_000, 100_000])
def test_on_a_narrow_line_a_claim_soon_takes_no_longer_than_an_alarm_may_wait(bytes_per_s: int) -> None:
    times = claims(Pace(), 30, bytes_per_s, way_s=0.1)
    assert max(times[10:]) < 1.7 * BUDGET_S
    assert min(times[10:]) > 0.4 * BUDGET_S, "and it is not sent in crumbs either"


def test_on_a_wide_line_the_limit_is_soon_that_of_the_buffer() -> None:
    pace = Pace()
    claims(pace, 6, 10e6, way_s=0.02)
    assert pace.max_bytes == MOST_BYTES


@pytest.mark.parametrize("way_s", [0.6, 1.4])
def test_a_long_way_does_not_make_the_claims_small(way_s: float) -> None:
    pace = Pace()
    claims(pace, 50, 10e6, way_s)
    assert pace.max_bytes >= FIRST_BYTES


def test_small_pieces_say_nothing_of_large_ones() -> None:
    pace = Pace()
    for _ in range(100):
        pace.took(300, 0.3)
    assert pace.max_bytes == FIRST_BYTES


def test_there_is_a_least() -> None:
    pace = Pace()
    claims(pace, 50, 10, way_s=0.0)
    assert pace.max_bytes == LEAST_BYTES


def test_a_line_that_grows_wide_again_is_used() -> None:
    pace = Pace()
    claims(pace, 20, 2_000, way_s=0.05)
    assert pace.max_bytes < 4_000
    claims(pace, 20, 1e6, way_s=0.05)
    assert pace.max_bytes > 100_000


def test_an_answer_at_once_is_no_trouble() -> None:
    pace = Pace()
    pace.took(FIRST_BYTES, 0.0)
    assert pace.max_bytes == 2 * FIRST_BYTES
