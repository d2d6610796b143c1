from __future__ import annotations

import pytest

from gateway.buffer import clock
from gateway.buffer.clock import BufferClock, Clocks, Mark

DAY_S = 86_400.0


def clocks(wall_s: float = 0.0, boottime_s: float = 0.0, boot_id: str = "boot-1") -> Clocks:
    return Clocks(lambda: int(wall_s * 10**9), lambda: boottime_s, lambda: boot_id)


def test_a_new_one_begins_at_nothing() -> None:
    assert BufferClock(clocks(1e9, 500.0), None).seconds() == 0.0


def test_while_it_runs_only_the_time_since_the_boot_counts() -> None:
    now = {"wall": 10**18, "boot": 100.0}
    one = BufferClock(Clocks(lambda: int(now["wall"]), lambda: now["boot"], lambda: "boot-1"), None)
    now["boot"] += 7.5
    for wall in (0, 10 * 365 * DAY_S * 10**9, -1):
        now["wall"] = wall
        assert one.seconds() == 7.5


def test_over_a_stop_without_a_boot_the_wall_clock_does_not_count() -> None:
    last = Mark(50.0, 1000.0, 0, "boot-1")
    one = BufferClock(clocks(wall_s=1e9, boottime_s=1060.0), last)
    assert one.same_boot
    assert one.seconds() == 110.0


@pytest.mark.parametrize(
    ("stopped_s", "counted_s"),
    [(0.0, 0.0), (3600.0, 3600.0), (90 * DAY_S, 90 * DAY_S), (90 * DAY_S + 1, 0.0), (-2 * DAY_S, 0.0)],
    ids=["none", "an hour", "90 days", "more than is believed", "back"],
)
def test_over_a_boot_the_wall_clock_counts_where_it_can_be_believed(stopped_s: float, counted_s: float) -> None:
    last = Mark(50.0, 1000.0, 10**18, "boot-1")
    one = BufferClock(clocks(10**9 + stopped_s, 3.0, "boot-2"), last)
    assert not one.same_boot
    assert one.seconds() == 50.0 + counted_s


def test_a_machine_that_does_not_tell_its_boots_is_asked_for_the_wall_clock() -> None:
    last = Mark(50.0, 1000.0, 10**18, "")
    assert BufferClock(clocks(10**9 + 5, 1060.0, ""), last).seconds() == 55.0


def test_it_goes_on_from_its_own_mark() -> None:
    now = {"boot": 100.0}
    machine = Clocks(lambda: 7, lambda: now["boot"], lambda: "boot-1")
    one = BufferClock(machine, None)
    now["boot"] = 130.0
    mark = one.mark()
    assert mark == Mark(30.0, 130.0, 7, "boot-1")
    now["boot"] = 140.0
    assert BufferClock(machine, mark).seconds() == one.seconds() == 40.0


def test_the_machine_tells_its_boot_and_its_clocks_go() -> None:
    assert len(clock.boot_id()) == 36
    machine = Clocks()
    before = machine.boottime_s()
    assert machine.boottime_s() >= before > 0
    assert machine.wall_ns() > 10**18
