"""fieldgate run and status: bad beginnings get a sentence with its remedy, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.status.lock import Holder, held
from tests.gateway.cli.plant import call, example, replace
from tests.journeys.rig import ROOT, free_port, wait_for

pytestmark = pytest.mark.slow


def run(*arguments: str | Path, limit_s: float = 20) -> subprocess.CompletedProcess[str]:
    """``fieldgate run`` as a process: it must end by itself."""
    command = [sys.executable, "-m", "gateway", "run", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path)


@pytest.fixture
def ready(folder: Path) -> Path:
    """A plant with certificates and something to trust."""
    call("certs", "create", folder)
    call("certs", "issue", folder)
    (folder / "certs").mkdir(exist_ok=True)
    (folder / "certs" / "hub-root.pem").write_text(call("certs", "export-ca", folder).stdout)
    return folder


def test_a_device_without_certificate_is_named_with_the_command_that_makes_it(folder: Path) -> None:
    result = run(folder)
    assert result.returncode == 1
    assert "meter-mcc1" in result.stderr
    assert "meter-hvac" in result.stderr
    assert f"fieldgate certs issue {folder}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_state_directory_that_cannot_be_written_is_named(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(ready, "--state", tmp_path / "file" / "state")
    assert result.returncode == 1
    assert "file/state cannot be written" in result.stderr
    assert "--state" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_gateway_is_told_who_the_first_is(ready: Path) -> None:
    first = Holder("tampere-gw1", os.getpid(), "/etc/plant", "2026-11-24T10:00:00.000Z")
    with held(ready / "state", first):
        result = run(ready)
    assert result.returncode == 1
    assert f'in use by gateway "tampere-gw1": fieldgate run, pid {os.getpid()}, plant /etc/plant' in result.stderr
    assert "Traceback" not in result.stderr


def test_a_trust_file_that_is_missing_is_named(ready: Path) -> None:
    (ready / "certs" / "hub-root.pem").unlink()
    result = run(ready)
    assert result.returncode == 1
    assert "hub-root.pem" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_plant_with_a_mistake_does_not_start(ready: Path) -> None:
    (ready / "gateway.yaml").write_text("schema: fieldgate/gateway/v1\nnmae: x\n")
    result = run(ready)
    assert result.returncode == 2
    assert "gateway.yaml:2:1: error M01" in result.stderr


def test_status_without_a_gateway_says_how_to_start_one(folder: Path) -> None:
    result = call("status", folder)
    assert result.exit_code == 1
    assert f"fieldgate run {folder}" in result.stderr
    told = json.loads(call("status", folder, "--json").stdout)
    assert told["running"] is False


def test_status_is_told_whatever_is_wrong_with_other_files(folder: Path) -> None:
    """An operator asks while an engineer edits."""
    next(folder.rglob("hall-a.devices.yaml")).write_text("devices: [")
    result = call("status", folder)
    assert (result.exit_code, "no gateway runs" in result.stderr) == (1, True)
    (folder / "gateway.yaml").write_text("name: x\n")
    assert call("status", folder).exit_code == 2


def test_goes_on_when_nobody_listens_in_the_field_and_upstream_and_stops_on_sigterm(ready: Path) -> None:
    """Nothing listens: it says so once for each line and identity, and status tells why, since when and what to do."""
    port = free_port("127.0.0.1")
    replace(ready, "hall-a.devices.yaml", "127.0.0.1:15020", f"127.0.0.1:{port}")
    replace(ready, "hall-a.devices.yaml", "127.0.0.1:15020", f"127.0.0.1:{port}")
    replace(ready, "gateway.yaml", "port: 8883", f"port: {free_port('127.0.0.1')}")
    log = ready / "log"
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "gateway", "run", str(ready)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=stream)
    try:

        def stopped() -> dict[str, object] | None:
            report = json.loads(call("status", ready, "--json").stdout or "{}")
            upstream = report.get("upstream", [])
            return report if upstream and all(entry["state"] == "stopped" for entry in upstream) else None

        report = wait_for("everything to be reported as stopped", stopped)
        assert report["running"] is True
        page = call("status", ready)
        assert page.exit_code == 1
        assert f"tcp://127.0.0.1:{port}" in page.stdout
        assert "why:" in page.stdout
        assert "do:" in page.stdout
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
    text = log.read_text()
    assert text.count(f"line tcp://127.0.0.1:{port}:") == 1
    assert text.count("upstream meter-mcc1:") == 1
    assert "Traceback" not in text
