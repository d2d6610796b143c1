"""A point that is published only while its condition is true: what is told of it, and when."""

from __future__ import annotations

from gateway.mapping.conditions import NOT_YET, Condition, Known, because
from gateway.mapping.expression import parse
from gateway.model import GOOD, TIMEOUT, Status, Value

SPEED = Known(7, GOOD, 100)


class Bench:
    """The condition ``mode == 2`` of a point, and what its point ``mode`` says."""

    def __init__(self, formula: str = "mode == 2") -> None:
        self.condition = Condition(parse(formula), {"mode": 0})
        self.mode: list[Value] = [None]
        self.why: list[Status] = [NOT_YET]

    def read(self, known: Known = SPEED) -> Known | None:
        """The point is read."""
        return self.condition.read(known, self.mode, self.why)

    def turned(self, mode: int | Status) -> Known | None:
        """``mode`` is read, at 200."""
        self.mode[0], self.why[0] = (None, mode) if isinstance(mode, Status) else (mode, GOOD)
        return self.condition.turned(self.mode, self.why, 200)


def test_a_point_that_was_never_read_is_not_told() -> None:
    assert [Bench().turned(mode) for mode in (1, 2, TIMEOUT)] == [None] * 3


def test_what_is_held_back_comes_once_with_its_own_time() -> None:
    bench = Bench()
    assert bench.read() is None
    assert [bench.turned(mode) for mode in (1, 2, 2, 1, 2)] == [None, SPEED, None, None, None]


def test_what_was_told_is_not_told_again_when_the_condition_comes_back() -> None:
    bench = Bench()
    bench.turned(2)
    assert bench.read() == SPEED
    assert [bench.turned(mode) for mode in (1, 2)] == [None, None]


def test_a_doubt_is_told_once_with_the_time_of_the_doubt() -> None:
    bench = Bench()
    bench.turned(2)
    bench.read()
    doubt = Known(None, because("mode", "timeout"), 200)
    assert [bench.turned(mode) for mode in (TIMEOUT, TIMEOUT, 2)] == [doubt, None, SPEED]
    assert [bench.turned(mode) for mode in (TIMEOUT, 1, TIMEOUT, 2)] == [doubt, None, None, SPEED]


def test_another_reason_is_told_anew() -> None:
    bench = Bench()
    bench.turned(TIMEOUT)
    assert bench.read() == Known(None, because("mode", "timeout"), 100)
    assert bench.turned(because("x", "busy")) == Known(None, because("mode", "x: busy"), 200)


def test_a_point_with_trouble_of_its_own_says_that() -> None:
    bench, broken = Bench(), Known(None, TIMEOUT, 100)
    bench.turned(because("x", "busy"))
    assert bench.read(broken) == broken


def test_what_cannot_be_computed_is_said() -> None:
    bench = Bench("1 / mode")
    bench.turned(0)
    assert bench.read() == Known(None, because("when", "division by zero"), 100)


def test_the_points_of_a_condition_are_its_inputs() -> None:
    assert Condition(parse("a + b > a"), {"a": 3, "b": 5, "c": 7}).inputs == {3, 5}
