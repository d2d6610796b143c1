"""A meter with a wrong order in its mapping, recorded, read again with the right one, corrected at the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.rig import Appliance, fieldgate, wait_for
from tests.journeys.test_way import enough

pytestmark = pytest.mark.slow

WRONG = "record: 24h\n    change: {voltage_l1: {order: CDAB}}"
AT_LEAST = 12


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    """The simulators know the right order, the gateway a wrong one."""
    running = Appliance(tmp_path)
    try:
        running.set_up()
        change(running, "profile: abb-b-series\n", f"profile: abb-b-series\n    {WRONG}\n")
        running.start_simulators()
        running.start()
        wait_for("data to flow", lambda: enough(running, AT_LEAST))
        wait_for("the record to be written", lambda: scans(running) >= AT_LEAST, 40)
        yield running
    finally:
        running.close()


def change(rig: Appliance, old: str, new: str) -> None:
    path = next(rig.plant.rglob("hall-a.devices.yaml"))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def scans(rig: Appliance) -> int:
    report = rig.status()
    return sum(entry["counters"].get("scans", 0) for entry in report["record"]) if report else 0


def voltages(rig: Appliance) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """By time, as they were published first; and the messages that correct them."""
    own = [message for message in rig.received() if message["device"] == "meter-mcc1"]
    corrected = {message["body"]["ts"]: message for message in own if "corrected" in message["properties"]}
    plain = [message["body"] for message in own if "corrected" not in message["properties"]]
    return {body["ts"]: body["values"]["voltage_l1"] for body in plain if "voltage_l1" in body["values"]}, corrected


def served(rig: Appliance) -> set[float]:
    return {entry["values"]["voltage_l1"] for entry in rig.snapshots() if entry["device"] == "meter-mcc1"}


def replayed(rig: Appliance, *more: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(fieldgate("replay", rig.plant, "meter-mcc1", "--json", *more).stdout)
    return told


def test_values_of_a_wrong_order_arrive_once_more_and_right(rig: Appliance) -> None:
    assert not [point for point in replayed(rig)["points"] if point["differ"]], "nothing has changed yet"
    change(rig, "change: {voltage_l1: {order: CDAB}}", "")
    fieldgate("reload", rig.plant)
    told = replayed(rig, "--publish", "--yes")
    points = {point["name"]: point for point in told["points"]}
    assert [name for name, point in points.items() if point["differ"]] == ["voltage_l1"]
    assert told["published"]["messages"] == points["voltage_l1"]["differ"] >= AT_LEAST
    wait_for("the corrections", lambda: len(voltages(rig)[1]) >= told["published"]["messages"])
    wrong, corrected = voltages(rig)
    for ts, message in corrected.items():
        assert message["properties"]["corrected"] == told["published"]["corrected"]
        assert message["properties"]["kind"] == "telemetry"
        assert list(message["body"]["values"]) == ["voltage_l1"]
        assert message["body"]["values"]["voltage_l1"] in served(rig)
        assert wrong[ts] > 1e6, "it was published at the same time before, and wrong"
    again = fieldgate("replay", rig.plant, "meter-mcc1", "--publish", "--yes", check=False)
    assert again.returncode == 1
    assert "was published as corrected at" in again.stderr


def test_what_was_recorded_before_a_power_cut_is_corrected_while_no_gateway_runs(rig: Appliance) -> None:
    rig.kill()
    change(rig, "change: {voltage_l1: {order: CDAB}}", "")
    told = replayed(rig, "--publish", "--yes")
    assert told["published"]["messages"] >= AT_LEAST
    rig.start()
    wait_for("the corrections", lambda: len(voltages(rig)[1]) == told["published"]["messages"])
    assert {body["body"]["values"]["voltage_l1"] for body in voltages(rig)[1].values()} <= served(rig)
