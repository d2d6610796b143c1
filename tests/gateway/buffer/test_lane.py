"""Whose turn it is among the classes and spans of one identity."""

from __future__ import annotations

import pytest

from gateway.buffer.lane import BULK_TURN, Bundle, Lane
from gateway.buffer.lanes import Lanes
from gateway.buffer.port import Claim
from gateway.model import Priority, Stored


def fill(lanes: Lanes, priority: Priority, count: int, start: int = 1) -> Lane:
    lanes.used(lanes.bundle("a"))
    lane = lanes.lane("a", priority)
    messages = [Stored("a", 7, number, number * 10**9, "", b"x", priority) for number in range(start, start + count)]
    lanes.stored(lane, start, messages)
    return lane


def claims(lanes: Lanes, count: int) -> list[Lane]:
    """From which lanes so many claims of one message are taken; each is acknowledged."""
    bundle = lanes.bundle("a")
    taken = []
    for _ in range(count):
        lane = bundle.turn()
        assert lane is not None
        claim = bundle.take(lane, lanes.head(lane, 1, 100))
        taken.append(bundle.release(claim))
        lanes.acknowledge(lane, claim.messages[0].sequence)
    return taken


def test_nothing_waits_no_turn() -> None:
    assert Bundle("a").turn() is None


def test_the_most_important_class_that_waits_goes_first() -> None:
    lanes = Lanes()
    bulk, telemetry, alarm = (fill(lanes, priority, 2) for priority in reversed(Priority))
    assert claims(lanes, 6) == [alarm, alarm, telemetry, telemetry, bulk, bulk]


def test_every_16th_claim_goes_to_the_least_important_class_that_waits() -> None:
    lanes = Lanes()
    telemetry = fill(lanes, Priority.TELEMETRY, 100)
    bulk = fill(lanes, Priority.BULK, 100)
    taken = claims(lanes, 48)
    assert [number for number, lane in enumerate(taken, 1) if lane is bulk] == [16, 32, 48]
    assert taken.count(telemetry) == 45
    assert BULK_TURN == 16


def test_an_alarm_that_comes_goes_before_the_backlog() -> None:
    lanes = Lanes()
    telemetry = fill(lanes, Priority.TELEMETRY, 50)
    assert claims(lanes, 2) == [telemetry] * 2
    alarm = fill(lanes, Priority.ALARM, 1)
    assert claims(lanes, 2) == [alarm, telemetry]


def test_a_class_that_lies_on_the_disk_has_its_turn_before_a_lesser_one_in_the_window() -> None:
    lanes = Lanes(window_bytes=0)
    fill(lanes, Priority.TELEMETRY, 1)
    alarm = fill(lanes, Priority.ALARM, 1)
    assert lanes.bundle("a").turn() is alarm
    assert not alarm.window


def test_an_older_span_gets_every_second_claim_while_new_ones_come() -> None:
    lanes = Lanes()
    lane = fill(lanes, Priority.TELEMETRY, 100)
    assert lanes.split(lane)
    (old,) = lane.before
    assert claims(lanes, 3) == [old] * 3, "nothing new waits"
    fill(lanes, Priority.TELEMETRY, 3, start=101)
    assert claims(lanes, 8) == [old, lane, old, lane, old, lane, old, old]


def test_each_span_keeps_its_order() -> None:
    lanes = Lanes()
    lane = fill(lanes, Priority.TELEMETRY, 100)
    lanes.split(lane)
    (old,) = lane.before
    fill(lanes, Priority.TELEMETRY, 100, start=101)
    assert lanes.split(lane)
    fill(lanes, Priority.TELEMETRY, 5, start=201)
    taken = claims(lanes, 205)
    assert taken.count(lane) == 5
    assert taken.index(lane) == 0
    assert [one for one in taken if one is not lane][:100] == [old] * 100
    assert lane.before == []


def test_only_the_claim_that_is_out_comes_back() -> None:
    lanes = Lanes()
    lane = fill(lanes, Priority.TELEMETRY, 2)
    bundle = lanes.bundle("a")
    claim = bundle.take(lane, lanes.head(lane, 1, 100))
    with pytest.raises(ValueError, match="not out"):
        bundle.release(Claim("a", claim.messages))
    assert bundle.check(claim) is lane
    assert bundle.release(claim) is lane
    with pytest.raises(ValueError, match="not out"):
        bundle.release(claim)
