"""One line in the log when something breaks, one when it heals."""

from __future__ import annotations

import logging

import pytest

from gateway.status import Board, Health, State


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health("line", "tcp://10.0.0.1:502", clock)


def test_breaks_once_and_heals_once_in_the_log(health: Health, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fieldgate"):
        health.flowing()
        health.stopped("timed out", "check the cable")
        health.stopped("timed out", "check the cable")
        clock.now_ns += 2_500_000_000
        health.flowing()
        health.flowing()
    assert [record.getMessage() for record in caplog.records] == [
        "line tcp://10.0.0.1:502: timed out (check the cable)",
        "line tcp://10.0.0.1:502: flows again after 2.5 s (was: timed out)",
    ]


def test_the_first_success_is_no_news(health: Health, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fieldgate"):
        health.flowing()
    assert caplog.records == []
    assert health.state is State.FLOWING


def test_keeps_the_time_of_the_first_break_when_the_reason_sharpens(health: Health, clock: Clock) -> None:
    health.stopped("timed out")
    began = health.since_ns
    clock.now_ns += 5_000_000_000
    health.stopped("connection refused", "start the device")
    assert health.since_ns == began
    assert (health.reason, health.remedy) == ("connection refused", "start the device")


def test_forgets_reason_and_remedy_when_it_flows(health: Health) -> None:
    health.stopped("timed out", "check the cable")
    health.flowing()
    assert (health.reason, health.remedy) == ("", "")


def test_gives_the_same_health_for_the_same_name() -> None:
    board = Board()
    assert board.health("line", "a") is board.health("line", "a")
    assert board.health("line", "a") is not board.health("device", "a")
    assert [health.name for health in board.of_kind("line")] == ["a"]
