"""The whole way: a meter's registers, the gateway as a process, the disk, a hub that checks certificates."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.rig import Appliance, appliance, wait_for

pytestmark = pytest.mark.slow

WINDOW = 20
OUTAGE_S = 20.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    with appliance(tmp_path) as running:
        yield running


def sequence(message: dict[str, Any]) -> int:
    return int(message["system"]["message-id"].rpartition("-")[2])


def firsts(messages: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Per device the messages without repetitions, in the order of their first arrival."""
    seen: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for message in messages:
        identity = message["system"]["message-id"]
        known = seen[message["device"]].setdefault(identity, message)
        assert known["body"] == message["body"], f"{identity} was used for two different messages"
    return {device: list(entries.values()) for device, entries in seen.items()}


def judge(rig: Appliance, breaks: int) -> None:
    """Nothing lost, nothing out of order, few repetitions."""
    messages = rig.received()
    for device, unique in firsts(messages).items():
        numbers = [sequence(message) for message in unique]
        assert numbers == list(range(1, len(numbers) + 1)), f"{device}: gaps or disorder in {numbers}"
        repeated = sum(message["device"] == device for message in messages) - len(unique)
        assert repeated <= WINDOW * breaks, f"{device}: {repeated} repetitions"


def test_values_published_equal_values_served(rig: Appliance) -> None:
    wait_for("ten messages of each meter", lambda: enough(rig, 10))
    snapshots: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in rig.snapshots():
        snapshots[entry["device"]].append(entry)
    compared = 0
    for message in rig.received():
        device, values = message["device"], message["body"]["values"]
        # A scan may straddle one tick of the simulator: each value must have been served around its time.
        at_ns = time_ns(message["body"]["ts"])
        before = [entry for entry in snapshots[device] if entry["at_ns"] <= at_ns + 50_000_000][-3:]
        for name, value in values.items():
            served = [entry["values"][name] for entry in before]
            assert value in served, f"{device}/{name}: {value} was never served, {served} was"
            compared += 1
        assert "quality" not in message["body"]
    assert compared > 200


def time_ns(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000


def enough(rig: Appliance, count: int) -> bool:
    devices = firsts(rig.received())
    return len(devices) == 2 and all(len(messages) >= count for messages in devices.values())


def test_messages_carry_what_routes_and_people_need(rig: Appliance) -> None:
    wait_for("messages of each meter", lambda: enough(rig, 2))
    message = next(entry for entry in rig.received() if "voltage_l1" in entry["body"]["values"])
    assert message["system"]["content-type"] == "application/json"
    assert message["system"]["content-encoding"] == "utf-8"
    assert message["properties"]["profile"] == message["body"]["profile"]
    assert message["properties"]["kind"] == "telemetry"
    assert message["body"]["asset"].startswith("acme/")
    assert message["body"]["units"]["voltage_l1"] == "V"


def test_nothing_is_lost_while_the_hub_is_away(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    rig.hub("away")
    time.sleep(OUTAGE_S)  # the outage itself
    report = rig.status()
    assert report is not None
    waiting = report["buffer"]["messages"]
    assert waiting >= 2 * (OUTAGE_S - 5), "messages should wait on disk"
    assert all(entry["state"] == "stopped" and entry["reason"] for entry in report["upstream"])
    accepted = rig.accepted()
    rig.hub("back")
    returned = time.monotonic()
    before = len(rig.received())
    wait_for("the first message after the outage", lambda: len(rig.received()) > before, 10)
    assert time.monotonic() - returned < 5
    wait_for("the buffer to drain", lambda: drained(rig), 20)
    unique = firsts(rig.received())
    assert all(len(unique[device]) >= count for device, count in accepted.items())
    judge(rig, breaks=1)


def drained(rig: Appliance) -> bool:
    report = rig.status()
    return report is not None and report["buffer"]["messages"] <= 2 and report["stopped"] == 0


def test_nothing_accepted_is_lost_when_it_is_killed_during_an_outage(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    rig.hub("away")
    wait_for("messages to wait on disk", lambda: (rig.status() or {})["buffer"]["messages"] >= 10)
    accepted = rig.accepted()
    rig.kill()
    rig.start()
    rig.hub("back")
    wait_for("the buffer to drain", lambda: drained(rig))
    unique = firsts(rig.received())
    lost = {device: count - len(unique[device]) for device, count in accepted.items() if len(unique[device]) < count}
    assert lost == {}
    judge(rig, breaks=2)


def test_stops_within_two_seconds_and_goes_on_where_it_was(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    assert rig.stop() < 2
    rig.start()
    before = {device: len(messages) for device, messages in firsts(rig.received()).items()}
    wait_for("more data", lambda: enough(rig, max(before.values()) + 3))
    judge(rig, breaks=1)


def test_a_silent_meter_is_named_and_the_other_goes_on(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    rig.meters("silence", unit=1)
    report = wait_for("the meter to be reported", lambda: device_state(rig, "meter-mcc1", "stopped"))
    assert report["reason"] == "timeout"
    before = len(firsts(rig.received())["meter-hvac"])
    wait_for("the other meter to go on", lambda: len(firsts(rig.received())["meter-hvac"]) >= before + 3)
    bad = [entry for entry in rig.received() if "quality" in entry["body"] and entry["device"] == "meter-mcc1"]
    assert bad
    assert all(value is None for value in bad[-1]["body"]["values"].values())
    rig.meters("answer", unit=1)
    wait_for("the meter to be back", lambda: device_state(rig, "meter-mcc1", "flowing"), 45)


def device_state(rig: Appliance, name: str, state: str) -> dict[str, Any] | None:
    report = rig.status()
    assert report is not None
    return next((entry for entry in report["devices"] if entry["name"] == name and entry["state"] == state), None)


def test_a_device_that_the_hub_refuses_holds_up_no_other(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    rig.hub("disable", device="meter-mcc1")

    def refused() -> dict[str, Any] | None:
        report = rig.status()
        assert report is not None
        return next((e for e in report["upstream"] if e["name"] == "meter-mcc1" and e["state"] == "stopped"), None)

    report = wait_for("the refusal to be reported", refused)
    assert "refuses device meter-mcc1" in report["reason"]
    assert report["remedy"]
    before = len(firsts(rig.received())["meter-hvac"])
    wait_for("the other to go on", lambda: len(firsts(rig.received())["meter-hvac"]) >= before + 3)
    accepted = rig.accepted()["meter-mcc1"]
    rig.hub("enable", device="meter-mcc1")
    wait_for("what waited to arrive", lambda: len(firsts(rig.received())["meter-mcc1"]) >= accepted, 60)
    judge(rig, breaks=2)
