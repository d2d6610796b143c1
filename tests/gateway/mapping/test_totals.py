"""Counters that go on where their register begins anew."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.totals import Total, Totals


def totals(rollover: int, *raws: int | float) -> list[int | float]:
    total = Total(rollover)
    return [total(raw) for raw in raws]


def test_a_counter_goes_on_over_its_rollover() -> None:
    assert totals(65536, 65530, 65535, 2, 10) == [65530, 65535, 65538, 65546]


def test_two_rollovers() -> None:
    assert totals(100, 90, 10, 95, 5) == [90, 110, 195, 205]


def test_a_counter_that_was_set_back_begins_again() -> None:
    assert totals(65536, 1000, 990) == [1000, 990]
    assert totals(65536, 65000, 5, 0) == [65000, 65541, 0]


def test_a_fall_of_half_its_range_is_a_reset_and_of_more_a_rollover() -> None:
    assert totals(100, 50, 0) == [50, 0]
    assert totals(100, 51, 0) == [51, 100]


def test_a_rollover_need_not_be_a_power_of_two() -> None:
    # Ruuvi's sequence number: 65535 means none, so after 65534 comes 0.
    assert totals(65535, 65533, 65534, 0, 1) == [65533, 65534, 65535, 65536]


def test_a_counter_of_64_bits_is_exact() -> None:
    assert totals(1 << 64, (1 << 64) - 1, 0, 1) == [(1 << 64) - 1, 1 << 64, (1 << 64) + 1]


@given(st.lists(st.integers(0, 400), max_size=50), st.integers(0, 999))
def test_a_total_is_the_sum_of_the_steps(steps: list[int], first: int) -> None:
    """Steps of less than half the register: it can be told from a reset."""
    total, raw, true = Total(1000), first, first
    total(raw)
    for step in steps:
        true += step
        raw = (raw + step) % 1000
        assert total(raw) == true


def test_totals_are_kept_over_a_restart() -> None:
    before = Totals()
    total = before.total("m", "energy", 100)
    for raw in (90, 10, 95):
        total(raw)
    after = Totals(json.loads(json.dumps(before.dump())))
    assert after.total("m", "energy", 100)(5) == 205


def test_a_counter_with_another_rollover_begins_again() -> None:
    kept = {"m/e": {"rollover": 100, "source": "", "base": 500, "last": 99}}
    assert Totals(kept).total("m", "e", 1000)(5) == 5
    assert Totals(kept).total("m", "e", 100)(5) == 605


def test_another_counter_at_the_same_point_begins_again_also_over_a_restart() -> None:
    totals = Totals()
    totals.total("m", "e", 100, "at 1")(90)
    kept = Totals(json.loads(json.dumps(totals.dump())))
    for running in (totals, kept):
        assert running.total("m", "e", 100, "at 2")(5) == 5
        assert running.total("m", "e", 100, "at 2")(6) == 6


@pytest.mark.parametrize(
    "kept",
    [
        {"m/e": None},
        {"m/e": {}},
        {"m/e": {"rollover": 100}},
        {"m/e": {"rollover": 100, "base": 500, "last": 99}},
        {"m/e": {"rollover": 100, "source": "", "base": "x", "last": 1}},
        {"m/e": {"rollover": 100, "source": "", "base": 0, "last": None}},
        {"m/e": []},
    ],
)
def test_what_does_not_look_like_a_counter_is_left_out(kept: dict[str, object]) -> None:
    assert Totals(kept).total("m", "e", 100)(5) == 5


def test_a_counter_that_nobody_asks_for_is_kept() -> None:
    kept = {"gone/e": {"rollover": 100, "source": "", "base": 500, "last": 99}}
    totals = Totals(kept)
    totals.total("m", "e", 100)(5)
    assert totals.dump() == kept | {"m/e": {"rollover": 100, "source": "", "base": 0, "last": 5}}


def test_a_counter_without_a_value_is_not_kept() -> None:
    totals = Totals()
    totals.total("m", "e", 100)
    assert totals.dump() == {}


def test_the_same_counter_is_asked_for_twice() -> None:
    totals = Totals()
    assert totals.total("m", "e", 100) is totals.total("m", "e", 100)
    assert totals.total("m", "f", 100) is not totals.total("m", "e", 100)


def test_the_bases_change_with_a_rollover() -> None:
    totals = Totals()
    total = totals.total("m", "e", 100)
    total(90)
    before = totals.bases
    total(95)
    assert totals.bases == before
    total(5)
    assert totals.bases != before


def test_whole_numbers_stay_whole_and_others_do_not() -> None:
    assert [type(value) for value in totals(100, 5, 5.5)] == [int, float]
    assert math.isclose(totals(100, 99.5, 0.5)[1], 100.5)
