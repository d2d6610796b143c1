"""A plant that changes while it runs: what is right takes over, what is wrong changes nothing, nothing is lost."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.rig import Appliance, appliance, fieldgate, wait_for
from tests.journeys.test_way import drained, enough, firsts, judge

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    with appliance(tmp_path) as running:
        yield running


def change(rig: Appliance, name: str, old: str, new: str) -> None:
    path = next(rig.plant.rglob(name))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def add_line(rig: Appliance) -> None:
    """A device on a line of its own, at which nobody listens."""
    device = 'schema: fieldgate/devices/v1\ndevices:\n  spare: {profile: eastron-sdm120, connect: {modbus: "tcp://127.0.0.1:1"}}\n'
    (rig.plant / "spare.devices.yaml").write_text(device)


def line(rig: Appliance, name: str) -> dict[str, Any]:
    report = rig.status()
    assert report is not None
    found: dict[str, Any] = next(entry for entry in report["lines"] if entry["name"] == name)
    return found


def test_a_new_line_starts_and_the_others_keep_polling(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    here = f"tcp://127.0.0.1:{rig.modbus_port}"
    before = line(rig, here)
    add_line(rig)
    refused = fieldgate("reload", rig.plant, check=False)
    assert refused.returncode == 2  # there is no certificate for it yet: nothing has changed
    assert "fieldgate certs issue" in refused.stderr
    assert [entry["name"] for entry in (rig.status() or {})["lines"]] == [here]
    fieldgate("certs", "issue", rig.plant)
    told = json.loads(fieldgate("reload", rig.plant, "--json").stdout)
    assert (told["ok"], told["kept"], told["started"]) == (True, [here], ["tcp://127.0.0.1:1"])
    after = line(rig, here)
    assert after["counters"]["connects"] == before["counters"]["connects"]
    assert after["since"] == before["since"]
    more = max(len(messages) for messages in firsts(rig.received()).values()) + 2
    wait_for("the others to go on", lambda: enough(rig, more))
    judge(rig, breaks=0)


def test_a_bad_plant_changes_nothing_and_is_explained(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    change(rig, "hall-a.devices.yaml", "profile: abb-b-series", "profile: abb-b-serie")
    told = fieldgate("reload", rig.plant, check=False)
    assert told.returncode == 2
    assert "error D02" in told.stderr
    assert rig.process is not None
    rig.process.send_signal(signal.SIGHUP)
    log = rig.directory / "gateway.log"
    wait_for("the refusal in the log", lambda: "plant not reloaded, everything goes on as before" in log.read_text())
    assert 'error D02: there is no profile "abb-b-serie"' in log.read_text()
    more = max(len(messages) for messages in firsts(rig.received()).values()) + 2
    wait_for("data to go on", lambda: enough(rig, more))


def test_sighup_brings_another_mapping_and_what_was_buffered_before_still_arrives(rig: Appliance) -> None:
    """The hub is away: messages of the old mapping wait, those of the new one come behind them, none is lost."""
    wait_for("data to flow", lambda: enough(rig, 3))
    rig.hub("away")
    wait_for("messages to wait on disk", lambda: (rig.status() or {})["buffer"]["messages"] >= 6)
    change(rig, "hall-a.devices.yaml", "profile: abb-b-series", "profile: abb-b-series\n    context: {hall: A}")
    assert rig.process is not None
    rig.process.send_signal(signal.SIGHUP)
    log = rig.directory / "gateway.log"
    wait_for("the new plant", lambda: "plant reloaded: 0 lines kept, 1 exchanged" in log.read_text())
    accepted = rig.accepted()
    rig.hub("back")
    wait_for("the buffer to drain", lambda: drained(rig))
    wait_for("a message of the new mapping", lambda: any(told(message) for message in rig.received()))
    unique = firsts(rig.received())
    assert all(len(unique[device]) >= count for device, count in accepted.items())
    marks = [told(message) for message in unique["meter-mcc1"]]
    assert marks == sorted(marks)  # all of the old mapping, then all of the new
    judge(rig, breaks=1)


def told(message: dict[str, Any]) -> bool:
    return bool(message["body"].get("context", {}).get("hall") == "A")


def test_a_device_that_is_taken_out_still_delivers_what_waits(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 3))
    rig.hub("away")
    wait_for("messages of it to wait", lambda: waiting(rig, "meter-hvac") >= 3)
    path = next(rig.plant.rglob("hall-a.devices.yaml"))
    path.write_text(path.read_text().split("  meter-hvac:")[0])
    assert fieldgate("reload", rig.plant).returncode == 0
    left = waiting(rig, "meter-hvac")
    assert left >= 3
    rig.hub("back")
    wait_for("its messages to arrive", lambda: not waiting(rig, "meter-hvac"))
    judge(rig, breaks=1)


def waiting(rig: Appliance, identity: str) -> int:
    report = rig.status()
    assert report is not None
    return next((int(entry["waiting"]) for entry in report["upstream"] if entry["name"] == identity), 0)


def test_a_reload_lets_a_gateway_that_waits_for_the_disk_go_on(rig: Appliance) -> None:
    wait_for("data to flow", lambda: buffered(rig)["state"] == "flowing")
    change(rig, "gateway.yaml", "quota: 2 GB", "min_free: 900 TB, quota: 2 GB")
    assert "changed    buffer: min_free\n" in fieldgate("reload", rig.plant).stdout
    wait_for("the polling to wait", lambda: buffered(rig)["state"] == "stopped")
    assert "900.0 TB shall stay free" in buffered(rig)["reason"]
    change(rig, "gateway.yaml", "min_free: 900 TB", "min_free: 1 MB")
    fieldgate("reload", rig.plant)
    wait_for("it to go on", lambda: buffered(rig)["state"] == "flowing")


def buffered(rig: Appliance) -> dict[str, Any]:
    report = rig.status()
    assert report is not None
    found: dict[str, Any] = report["buffer"]
    return found
