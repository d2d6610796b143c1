"""One scan of a device: what its readings mean together, and what is computed from them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from gateway.mapping.expression import parse
from gateway.mapping.program import LAYOUTS, Program, Scan
from gateway.mapping.spec import Deadband, DerivedSpec, Device, PointSpec, Report
from gateway.mapping.totals import Totals
from gateway.model import GOOD, TIMEOUT, Point, Quality, Reading, Status, Value
from tests.gateway.mapping.plants import Address


def point(name: str, every_s: float = 1.0, **more: Any) -> PointSpec:
    return PointSpec(Point("meter", None, name, None, every_s), unit="", **more)


def computed(name: str, formula: str, **more: Any) -> DerivedSpec:
    return DerivedSpec(name, "", parse(formula), **more)


class Bench:
    """A device whose scans are read as dicts."""

    def __init__(self, *points: PointSpec, derived: tuple[DerivedSpec, ...] = ()) -> None:
        device = Device("m", "m", "p", "x", None, None, "a", points, derived)
        self.names = [spec.point.name for spec in points]
        self.program = Program(device, Totals())

    def scan(self, **values: Value | Status) -> Scan:
        positions = tuple(self.names.index(name) for name in values)
        readings = [
            Reading(position, None, 0, value) if isinstance(value, Status) else Reading(position, value, 0)
            for position, value in zip(positions, values.values(), strict=True)
        ]
        return self.program.scan(positions, readings)

    def said(self, **values: Value | Status) -> dict[str, object]:
        """What is shown: the value where it is good, else the value with the reason."""
        scan = self.scan(**values)
        shown = range(len(scan.values)) if scan.shown is None else scan.shown
        return {
            scan.layout.rows[index].name: (
                scan.values[index]
                if scan.statuses[index] is GOOD
                else (scan.values[index], scan.statuses[index].reason)
            )
            for index in shown
        }


def test_readings_come_back_in_their_order_with_their_status() -> None:
    scan = Bench(point("a"), point("b")).scan(b=2, a=TIMEOUT)
    assert ([row.name for row in scan.layout.rows], scan.values, scan.statuses) == (
        ["b", "a"],
        [2, None],
        [GOOD, TIMEOUT],
    )


def test_the_doubt_of_a_device_stays_with_a_scaled_value() -> None:
    doubt = Status(Quality.UNCERTAIN, "sensor not calibrated")
    bench = Bench(point("a"))
    scan = bench.program.scan((0,), [Reading(0, 5, 0, doubt)])
    assert (scan.values, scan.statuses) == ([5], [doubt])


# ---- derived points


def test_a_derived_point_follows_its_points() -> None:
    bench = Bench(point("a"), point("b"), derived=(computed("d", "a + b"),))
    assert bench.said(a=1, b=2) == {"a": 1, "b": 2, "d": 3}


def test_a_derived_point_of_derived_points() -> None:
    bench = Bench(point("a"), derived=(computed("d", "a * 2"), computed("e", "d + 1"), computed("f", "e + d")))
    assert bench.said(a=5) == {"a": 5, "d": 10, "e": 11, "f": 21}


def test_a_derived_point_takes_the_newest_values_of_points_that_are_read_at_other_rates() -> None:
    bench = Bench(point("fast"), point("slow", 60.0), derived=(computed("d", "fast + slow"),))
    assert bench.said(fast=1)["d"] == (None, "slow: not read yet")
    assert bench.said(slow=100)["d"] == 101
    assert bench.said(fast=2)["d"] == 102


def test_a_listener_tells_one_point_at_a_time_and_the_sum_follows_each() -> None:
    bench = Bench(point("a"), point("b"), derived=(computed("d", "a + b"), computed("e", "d * 10")))
    bench.said(a=1, b=2)
    assert bench.said(b=5) == {"b": 5, "d": 6, "e": 60}
    assert bench.said(a=2) == {"a": 2, "d": 7, "e": 70}


def test_a_scan_of_other_points_computes_nothing() -> None:
    bench = Bench(point("a"), point("b"), derived=(computed("d", "a + 1"),))
    assert bench.said(b=5) == {"b": 5}


def test_a_link_that_is_down_makes_derived_points_null_with_the_reason() -> None:
    bench = Bench(point("a"), point("b"), derived=(computed("d", "a + b"), computed("e", "d + 1")))
    bench.said(a=1, b=2)
    assert bench.said(a=TIMEOUT, b=TIMEOUT) == {
        "a": (None, "timeout"),
        "b": (None, "timeout"),
        "d": (None, "a: timeout"),
        "e": (None, "d: a: timeout"),
    }


def test_a_derived_point_is_no_better_than_its_worst_point() -> None:
    bench = Bench(point("a", range=(0.0, 10.0)), point("b"), derived=(computed("d", "a + b"),))
    assert bench.said(a=11, b=1)["d"] == (12, "a: outside range 0..10")


def test_what_cannot_be_computed_is_null_with_its_reason() -> None:
    bench = Bench(point("a"), point("b"), derived=(computed("d", "a / b"),))
    assert bench.said(a=1, b=0)["d"] == (None, "division by zero")
    assert bench.said(a=1e308, b=1e-308)["d"] == (None, "too large for a number")


def test_a_derived_point_uses_what_is_published_and_not_the_raw_value() -> None:
    bench = Bench(point("mode", enum={0: "off", 1: "on"}), derived=(computed("running", "1 if mode == 'on' else 0"),))
    assert bench.said(mode=1) == {"mode": "on", "running": 1}
    assert bench.said(mode=0) == {"mode": "off", "running": 0}


def test_a_derived_point_is_converted_and_judged() -> None:
    bench = Bench(point("a"), derived=(computed("d", "a", factor=Fraction(2), shift=Fraction(1), range=(0.0, 10.0)),))
    assert bench.said(a=3)["d"] == 7
    assert bench.said(a=5)["d"] == (11, "outside range 0..10")


def test_a_truth_is_not_converted() -> None:
    bench = Bench(point("a"), derived=(computed("d", "a > 1", range=(5.0, 10.0)),))
    assert bench.said(a=3)["d"] is True


# ---- when


def test_a_point_is_shown_while_its_condition_is_true() -> None:
    bench = Bench(point("mode"), point("speed", when=parse("mode == 2")))
    assert bench.said(mode=1, speed=5) == {"mode": 1}
    assert bench.said(mode=2, speed=5) == {"mode": 2, "speed": 5}


def test_a_condition_may_look_at_the_text_of_an_enum() -> None:
    bench = Bench(point("mode", enum={1: "auto"}), point("speed", when=parse("mode == 'auto'")))
    assert bench.said(mode=1, speed=5) == {"mode": "auto", "speed": 5}
    assert bench.said(mode=2, speed=5) == {"mode": (2, "unknown code 2")}


@pytest.mark.parametrize(("value", "shown"), [(True, True), (1, True), (0.5, True), (False, False), (0, False)])
def test_a_bare_point_is_a_condition(value: Value, shown: bool) -> None:
    assert ("p" in Bench(point("on"), point("p", when=parse("on"))).said(on=value, p=1)) == shown


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (TIMEOUT, "on: timeout"),
        (math.nan, "on: not a number"),
        ("yes", "when: a part of the formula is a text: it can only be compared with == and !="),
        (("flag",), "when: a part of the formula is a list of flags"),
    ],
)
def test_where_a_condition_is_not_known_the_point_is_null_with_the_reason(value: Any, reason: str) -> None:
    bench = Bench(point("on"), point("p", when=parse("on")))
    assert bench.said(on=value, p=1)["p"] == (None, reason)
    assert bench.said(on=value, p=TIMEOUT)["p"] == (None, "timeout"), "its own trouble is nearer"


def test_a_condition_that_was_never_read_is_not_true() -> None:
    assert Bench(point("on", 60.0), point("p", when=parse("on"))).said(p=1) == {}


def test_a_condition_is_kept_between_its_readings() -> None:
    bench = Bench(point("on", 60.0), point("p", when=parse("on")))
    bench.said(on=1)
    assert bench.said(p=1) == {"p": 1}
    assert bench.said(p=2) == {"p": 2}


def test_a_condition_that_is_lost_in_a_scan_of_its_own_is_told_at_once_and_so_is_its_return() -> None:
    bench = Bench(point("on"), point("p", 60.0, when=parse("on")))
    bench.said(on=1)
    bench.said(p=5)
    assert bench.said(on=TIMEOUT) == {"on": (None, "timeout"), "p": (None, "on: timeout")}
    assert bench.said(on=TIMEOUT) == {"on": (None, "timeout")}
    assert bench.said(p=6) == {"p": (None, "on: timeout")}
    assert bench.said(on=1) == {"on": 1, "p": 6}
    assert bench.said(on=1) == {"on": 1}


def test_what_is_read_once_before_its_condition_is_known_comes_when_it_is_true() -> None:
    """With the time at which it was read."""
    bench = Bench(point("mode", enum={1: "auto", 0: "off"}), point("serial", math.inf, when=parse("mode == 'auto'")))
    assert bench.said(serial=77) == {}
    assert bench.said(mode=0) == {"mode": "off"}
    scan = bench.program.scan((0,), [Reading(0, 1, 5)])
    assert ([row.name for row in scan.layout.rows], scan.values, scan.shown, scan.late) == (
        ["mode", "serial"],
        ["auto", 77],
        None,
        (0,),
    )
    assert bench.said(mode=1) == {"mode": "auto"}


def test_of_what_was_held_back_the_newest_comes() -> None:
    bench = Bench(point("on"), point("p", when=parse("on")), point("q", when=parse("on > 1")))
    for value in (1, 2, TIMEOUT):
        assert bench.said(p=value, q=value) == {}
    assert bench.said(on=1) == {"on": 1, "p": (None, "timeout")}
    assert bench.said(on=2) == {"on": 2, "q": (None, "timeout")}


def test_a_derived_point_that_was_held_back_comes_too() -> None:
    bench = Bench(point("on"), point("a"), derived=(computed("d", "a * 2", when=parse("on")),))
    assert bench.said(a=4) == {"a": 4}
    assert bench.said(on=1) == {"on": 1, "d": 8}


def test_a_point_whose_condition_is_not_known_can_still_be_computed_with() -> None:
    bench = Bench(point("on"), point("a", when=parse("on")), derived=(computed("d", "a * 2"),))
    assert bench.said(on=TIMEOUT, a=4) == {"on": (None, "timeout"), "a": (None, "on: timeout"), "d": 8}


def test_a_late_point_with_a_deadband_is_reported_by_exception() -> None:
    bench = Bench(point("on"), point("p", when=parse("on"), report=Report(Deadband(1.0))))
    bench.said(p=1)
    scan = bench.scan(on=1)
    assert (scan.layout.exceptions, bench.scan(on=1).layout.exceptions) == (True, False)


def test_a_condition_of_a_derived_point() -> None:
    bench = Bench(point("a"), derived=(computed("d", "a * 2", when=parse("d > 5")),))
    assert bench.said(a=1) == {"a": 1}
    assert bench.said(a=3) == {"a": 3, "d": 6}


# ---- scale_from


def test_a_scale_factor_of_the_same_scan_counts_wherever_it_stands() -> None:
    bench = Bench(point("a", scale_from=1), point("sf"), point("b", scale_from=1))
    assert bench.said(a=15, sf=-1, b=5) == {"a": 1.5, "sf": -1, "b": 0.5}
    assert bench.said(a=15, sf=1, b=5) == {"a": 150, "sf": 1, "b": 50}


def test_a_scale_factor_that_is_read_seldom_holds_until_it_is_read_again() -> None:
    bench = Bench(point("a", scale_from=1), point("sf", 3600.0))
    assert bench.said(a=15) == {"a": (None, "no scale factor")}
    bench.said(sf=-1)
    assert bench.said(a=15) == {"a": 1.5}
    bench.said(sf=2)
    assert bench.said(a=15) == {"a": 1500}


def test_a_scale_factor_that_could_not_be_read_is_not_guessed() -> None:
    bench = Bench(point("a", scale_from=1), point("sf"))
    bench.said(a=1, sf=0)
    assert bench.said(a=1, sf=TIMEOUT)["a"] == (None, "no scale factor")


def test_a_scale_factor_that_is_not_implemented_gives_none() -> None:
    bench = Bench(point("a", scale_from=1), point("sf", nan=frozenset({0x8000})))
    assert bench.said(a=1, sf=0x8000)["a"] == (None, "no scale factor")


@pytest.mark.parametrize("strange", [math.nan, math.inf, 1.5, "x", ("a",), 99])
def test_what_is_no_power_of_ten_gives_none(strange: Any) -> None:
    assert Bench(point("a", scale_from=1), point("sf")).said(a=1, sf=strange)["a"] == (None, "no scale factor")


def test_a_scale_factor_is_the_raw_value_whatever_is_published_of_it() -> None:
    bench = Bench(point("a", scale_from=1), point("sf", enum={0: "one"}))
    assert bench.said(a=7, sf=0) == {"a": 7, "sf": "one"}


# ---- counters


def test_a_counter_that_is_read_elsewhere_begins_anew() -> None:
    """A smaller value of another register is no rollover."""
    totals = Totals()

    def total(at: int, raw: int) -> Value:
        address = Address.model_validate({"at": at})
        energy = PointSpec(Point("m", None, "energy", address, 1.0), unit="", kind="counter", rollover=65536)
        device = Device("m", "m", "p", "x", None, None, "a", (energy,))
        return Program(device, totals).scan((0,), [Reading(0, raw, 0)]).values[0]

    assert [total(0, 100), total(0, 60000), total(100, 5), total(100, 6)] == [100, 60000, 5, 6]


# ---- memory


def test_ever_other_scans_do_not_fill_the_memory() -> None:
    bench = Bench(*(point(f"p{n}") for n in range(12)))
    for mask in range(1, 1 << 12):
        bench.scan(**{f"p{n}": 1 for n in range(12) if mask >> n & 1})
    assert len(bench.program._layouts) <= LAYOUTS
    assert bench.said(p3=5) == {"p3": 5}


def test_ten_thousand_points_are_one_scan() -> None:
    points = [point(f"p{n}", scale=Fraction(1, 10)) for n in range(10_000)]
    bench = Bench(*points, derived=(computed("d", "p0 + p9999"),))
    scan = bench.program.scan(tuple(range(10_000)), [Reading(n, n, 0) for n in range(10_000)])
    assert scan.values == [n / 10 for n in range(10_000)] + [999.9]
