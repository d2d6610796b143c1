"""Moods of a line, seen from the hub: an address that is refused, and a device that keeps no connection open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.rig import Appliance, appliance, wait_for
from tests.journeys.test_trouble import log_lines
from tests.journeys.test_way import enough, judge

pytestmark = pytest.mark.slow

VOLTAGE_L1 = {"unit": 1, "table": "holding", "at": 0x5B00, "count": 2}
"""Of the ABB meter."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    with appliance(tmp_path) as running:
        wait_for("data to flow", lambda: enough(running, 2))
        yield running


def bodies(rig: Appliance, device: str, after: int) -> list[dict[str, Any]]:
    return [message["body"] for message in rig.received()[after:] if message["device"] == device]


def missing(body: dict[str, Any]) -> set[str]:
    return {name for name, value in body["values"].items() if value is None}


def test_an_address_that_the_meter_refuses_is_missed_alone_and_named_once(rig: Appliance) -> None:
    before = len(rig.received())
    rig.meters("refuse", code=2, **VOLTAGE_L1)
    told = wait_for("its name in the log", lambda: log_lines(rig, "meter-mcc1: not read"))
    later = len(rig.received())
    wait_for("more messages", lambda: len(bodies(rig, "meter-mcc1", later)) >= 3)
    assert "voltage_l1 (exception 2: illegal data address)" in told[0]
    assert [missing(body) for body in bodies(rig, "meter-mcc1", later)[-2:]] == [{"voltage_l1"}] * 2
    assert all(not missing(body) for body in bodies(rig, "meter-hvac", before)), "the other meter of the line"
    report = rig.status()
    assert report is not None
    assert [entry["counters"].get("quarantined") for entry in report["lines"]] == [1]
    assert len(log_lines(rig, "not read")) == 1
    judge(rig, breaks=0)


def test_a_device_that_closes_idle_connections_costs_no_reading_and_no_word(rig: Appliance) -> None:
    before = len(rig.received())
    rig.meters("idle", seconds=0.2)
    wait_for("many messages", lambda: len(rig.received()) >= before + 12)
    assert not [message for message in rig.received()[before:] if missing(message["body"])]
    assert not log_lines(rig, "WARNING")
    report = rig.status()
    assert report is not None
    assert report["lines"][0]["counters"]["reopened"] >= 1
    assert report["lines"][0]["counters"]["connects"] == 1, "for the gateway it was one link all the time"
