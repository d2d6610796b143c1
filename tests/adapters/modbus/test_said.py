"""What comes and goes is said once an hour, and its end where its beginning was said."""

from __future__ import annotations

from adapters.modbus.said import AGAIN_S, Said


def test_a_point_that_comes_and_goes_is_said_once_an_hour_both_ways() -> None:
    said = Said()
    told: list[tuple[float, str]] = []
    for turn in range(1000):
        now = 100.0 + 10 * turn
        told += [(now, "begun") for _ in said.begun([7], now)]
        told += [(now, "ended") for _ in said.ended([7])]
    assert told == [(at, what) for at in (100.0, 3700.0, 7300.0) for what in ("begun", "ended")]


def test_each_point_is_said_for_itself() -> None:
    said = Said()
    assert said.begun([1, 2], 0.0) == [1, 2]
    assert said.begun([2, 3], 1.0) == [3]
    assert said.ended([1, 2, 3, 4]) == [1, 2, 3]
    assert said.ended([1]) == []
    assert said.begun([1], AGAIN_S) == [1]
