"""Report by exception: a value is told when it has something to tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.program import Layout, Row, Scan
from gateway.mapping.spec import Deadband
from gateway.mapping.spec import Report as Reporting
from gateway.model import GOOD, TIMEOUT, Quality, Status, Value
from gateway.reporting import Reporter

S = 1_000_000_000
UNCERTAIN = Status(Quality.UNCERTAIN, "outside range 0..1")


def row(
    deadband: Deadband | None,
    *,
    position: int = 0,
    heartbeat_s: float = 900.0,
    span: tuple[float, float] | None = None,
) -> Row:
    return Row(position, f"p{position}", "", False, Reporting(deadband, heartbeat_s), span)


def layout(*rows: Row) -> Layout:
    exceptions = any(row.report.deadband is not None for row in rows)
    return Layout(rows, (), (), (), (), (), (), exceptions)


def told(
    deadband: Deadband,
    values: Sequence[Value],
    *,
    statuses: Sequence[Status] = (),
    times_s: Sequence[float] = (),
    heartbeat_s: float = 900.0,
    span: tuple[float, float] | None = None,
) -> list[Value]:
    """Which of the values of one point are published, scan by scan."""
    reporter, shape = Reporter(), layout(row(deadband, heartbeat_s=heartbeat_s, span=span))
    published = []
    for number, value in enumerate(values):
        status = statuses[number] if statuses else GOOD
        at_ns = int((times_s[number] if times_s else number) * S)
        if reporter.select(Scan(shape, [value], [status], None), at_ns) is None:
            published.append(value)
    return published


def test_what_has_not_moved_beyond_the_deadband_is_not_told() -> None:
    assert told(Deadband(0.5), [10.0, 10.4, 10.5, 10.51, 10.9, 10.0]) == [10.0, 10.51, 10.0]


def test_slow_drift_is_told_in_steps_of_the_deadband() -> None:
    assert told(Deadband(1.0), [0.4 * n for n in range(10)]) == pytest.approx([0.0, 1.2, 2.4, 3.6])


@pytest.mark.parametrize(("before", "after"), [(230.2, 230.3), (0.2, 0.3), (1000.1, 1000.2), (-0.1, 0.0), (0.7, 0.8)])
def test_exactly_the_deadband_is_not_beyond_it_whatever_binary_fractions_say(before: float, after: float) -> None:
    assert told(Deadband(0.1), [before, after]) == [before]
    assert told(Deadband(0.1), [after, before]) == [after]


def test_percent_is_of_the_value_that_was_told_last() -> None:
    assert told(Deadband(10.0, percent=True), [100.0, 109.0, 111.0, 121.0, 123.0]) == [100.0, 111.0, 123.0]
    assert told(Deadband(10.0, percent=True), [-100.0, -109.0, -111.0]) == [-100.0, -111.0]


def test_percent_of_0_tells_any_change() -> None:
    assert told(Deadband(10.0, percent=True), [0.0, 0.0, 0.001, 0.001, 0.0]) == [0.0, 0.001, 0.0]


def test_percent_is_of_the_range_where_there_is_one() -> None:
    band = Deadband(1.0, percent=True)
    assert told(band, [0.0, 0.9, 1.1, 1.2], span=(0.0, 100.0)) == [0.0, 1.1]
    assert told(band, [-50.0, -49.5, -48.9], span=(-50.0, 50.0)) == [-50.0, -48.9]


def test_a_deadband_of_0_tells_any_change() -> None:
    assert told(Deadband(0.0), [1, 1, 2, 2, 1]) == [1, 2, 1]
    assert told(Deadband(0.0), ["on", "on", "off"]) == ["on", "off"]
    assert told(Deadband(0.0), [("a",), ("a",), ("a", "b")]) == [("a",), ("a", "b")]
    assert told(Deadband(0.0), [False, False, True]) == [False, True]


def test_true_is_no_number() -> None:
    assert told(Deadband(5.0), [True, 1, False]) == [True, 1, False]


def test_a_text_is_told_when_it_changes_whatever_the_deadband() -> None:
    assert told(Deadband(5.0), ["a", "a", "b", 3, "b"]) == ["a", "b", 3, "b"]


def test_integers_beyond_2_to_the_53_are_compared_exactly() -> None:
    assert told(Deadband(0.0), [2**60, 2**60 + 1]) == [2**60, 2**60 + 1]


def test_a_change_of_quality_is_told_at_once() -> None:
    values, statuses = [5.0, None, None, 5.0, 5.0], [GOOD, TIMEOUT, TIMEOUT, GOOD, UNCERTAIN]
    assert told(Deadband(1.0), values, statuses=statuses) == [5.0, None, 5.0, 5.0]


def test_another_reason_is_told_too() -> None:
    statuses = [Status(Quality.BAD, "timeout"), Status(Quality.BAD, "timeout"), Status(Quality.BAD, "refused")]
    assert told(Deadband(1.0), [None, None, None], statuses=statuses) == [None, None]


def test_a_heartbeat_is_told_after_silence() -> None:
    assert told(Deadband(1.0), [1, 1.1, 1.2, 1.3], times_s=[0, 59.9, 60, 61], heartbeat_s=60) == [1, 1.2]


def test_a_heartbeat_begins_anew_with_whatever_was_told() -> None:
    assert told(Deadband(1.0), [1, 5, 5.1, 5.2], times_s=[0, 50, 70, 110], heartbeat_s=60) == [1, 5, 5.2]


def test_a_clock_that_goes_back_counts_as_silence() -> None:
    assert told(Deadband(1.0), [1, 1.1, 1.2, 1.3], times_s=[1000, 10, 20, 1500], heartbeat_s=900) == [1, 1.1, 1.3]


def test_without_a_deadband_everything_is_told() -> None:
    scan = Scan(layout(row(None)), [1], [GOOD], None)
    reporter = Reporter()
    assert [reporter.select(scan, 0) for _ in range(3)] == [None, None, None]


def test_points_of_a_scan_are_told_each_by_its_own_deadband() -> None:
    shape = layout(row(None), row(Deadband(1.0), position=1), row(Deadband(5.0), position=2))
    reporter = Reporter()
    selected = [
        reporter.select(Scan(shape, [0, value, value], [GOOD] * 3, None), at_ns)
        for at_ns, value in enumerate((0, 2, 6))
    ]
    assert selected == [None, [0, 1], None]


def test_what_is_hidden_is_not_told_and_not_remembered() -> None:
    shape = layout(row(Deadband(1.0)), row(Deadband(1.0), position=1))
    reporter = Reporter()
    assert reporter.select(Scan(shape, [0, 0], [GOOD] * 2, [1]), 0) == [1]
    assert reporter.select(Scan(shape, [9, 0], [GOOD] * 2, [1]), 1) == []
    assert reporter.select(Scan(shape, [9, 0], [GOOD] * 2, None), 2) == [0]


def test_scans_of_other_points_share_what_was_told() -> None:
    both, one = layout(row(Deadband(1.0)), row(Deadband(1.0), position=1)), layout(row(Deadband(1.0), position=1))
    reporter = Reporter()
    assert reporter.select(Scan(both, [0, 0], [GOOD] * 2, None), 0) is None
    assert reporter.select(Scan(one, [0.5], [GOOD], None), 1) == []
    assert reporter.select(Scan(one, [1.5], [GOOD], None), 2) is None


def test_ever_other_scans_do_not_fill_the_memory() -> None:
    reporter = Reporter()
    for position in range(2000):
        reporter.select(Scan(layout(row(Deadband(1.0), position=position % 10)), [0], [GOOD], None), 0)
    assert len(reporter._rules) <= 256
    assert len(reporter._told) == 10


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.001, 1000))
def test_what_is_known_upstream_is_never_further_off_than_the_deadband(values: list[float], size: float) -> None:
    reporter, shape = Reporter(), layout(row(Deadband(size)))
    known = 0.0
    for number, value in enumerate(values):
        if reporter.select(Scan(shape, [value], [GOOD], None), number) is None:
            known = value
        assert abs(known - value) <= size * (1 + 1e-9)
