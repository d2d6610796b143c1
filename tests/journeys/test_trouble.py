"""Trouble while it runs: the gateway goes on, says it once when it begins and once when it ends, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.rig import Appliance, appliance, wait_for
from tests.journeys.test_way import device_state, drained, enough, firsts, judge

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Appliance]:
    with appliance(tmp_path) as running:
        yield running


def upstream_reason(rig: Appliance, words: str) -> dict[str, Any] | None:
    """The report when every identity is stopped with these words in its reason."""
    report = rig.status()
    assert report is not None
    reasons = [entry["reason"] for entry in report["upstream"] if entry["state"] == "stopped"]
    return report if len(reasons) == 2 and all(words in reason for reason in reasons) else None


def log_lines(rig: Appliance, words: str) -> list[str]:
    return [line for line in (rig.directory / "gateway.log").read_text().splitlines() if words in line]


def test_a_hub_with_a_foreign_certificate_gets_nothing_until_it_is_trusted(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    trust = rig.plant / "certs" / "hub-root.pem"
    right = trust.read_bytes()
    shutil.copy(rig.directory / "site-root.pem", trust)
    rig.hub("away")
    rig.hub("back")
    report = wait_for("the certificate to be named", lambda: upstream_reason(rig, "not trusted"))
    assert "hub-root.pem" in report["upstream"][0]["remedy"]
    received = len(rig.received())
    wait_for("messages to wait on disk", lambda: rig.status()["buffer"]["messages"] >= 6)  # type: ignore[index]  # it runs
    assert len(rig.received()) == received
    trust.write_bytes(right)
    wait_for("everything to arrive", lambda: drained(rig), 60)
    judge(rig, breaks=1)


def test_a_line_that_is_unplugged_says_so_upstream_and_comes_back(rig: Appliance) -> None:
    wait_for("data to flow", lambda: enough(rig, 2))
    rig.meters("unplug")
    wait_for("the meters to be reported", lambda: device_state(rig, "meter-hvac", "stopped"))
    bad = wait_for("the outage to be told upstream", lambda: [e for e in rig.received() if "quality" in e["body"]])
    assert all(value is None for value in bad[0]["body"]["values"].values())
    rig.meters("plug")
    wait_for("the meters to be back", lambda: device_state(rig, "meter-hvac", "flowing"), 60)
    line = f"line tcp://127.0.0.1:{rig.modbus_port}"
    assert len(log_lines(rig, f"WARNING {line}")) == 1
    wait_for("the end in the log", lambda: log_lines(rig, f"INFO    {line}: flows again"))
    judge(rig, breaks=0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB for the state directory."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_stops_the_polling_and_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    rig = Appliance(tmp_path)
    rig.state_for_all = small_disk / "state"
    try:
        rig.set_up()
        rig.start_simulators()
        rig.start()
        wait_for("data to flow", lambda: enough(rig, 3))
        rig.hub("away")
        fill(small_disk / "filler")
        wait_for("the full disk to be reported", lambda: buffer_state(rig, "stopped"), 60)
        accepted = rig.accepted()
        assert len(log_lines(rig, "WARNING buffer buffer:")) == 1
        rig.hub("back")
        wait_for("what was accepted to arrive", lambda: arrived(rig, accepted), 60)
        (small_disk / "filler").unlink()
        wait_for("it to go on by itself", lambda: buffer_state(rig, "flowing"), 30)
        before = len(rig.received())
        wait_for("new data", lambda: len(rig.received()) >= before + 4)
        assert len(log_lines(rig, "INFO    buffer buffer:")) == 1
        judge(rig, breaks=1)
    finally:
        rig.close()


def fill(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(b"\0" * 4096):
                pass
        except OSError:
            return


def buffer_state(rig: Appliance, state: str) -> bool:
    report = rig.status()
    return report is not None and report["buffer"]["state"] == state


def arrived(rig: Appliance, accepted: dict[str, int]) -> bool:
    unique = firsts(rig.received())
    return all(len(unique[device]) >= count for device, count in accepted.items())
