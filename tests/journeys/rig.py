"""A whole appliance for journeys: simulators and the real gateway as processes, judged from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).parent.parent.parent
HUB_HOST = "127.0.0.31"


def free_port(host: str) -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, look: Callable[[], T | None], limit_s: float = 30.0) -> T:
    """Look until there is something; fail with words when the limit is over."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {limit_s:.0f} s in vain for: {what}")


def fieldgate(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    command = [sys.executable, "-m", "gateway", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=check, timeout=60)


class Appliance:
    """The example plant with ports of its own, its simulators, and the gateway as a process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.plant = directory / "plant"
        self.state_for_all: Path | None = None
        """A state directory elsewhere, given with ``--state`` to every command."""
        self.ledger = directory / "received.jsonl"
        self.served = directory / "served.jsonl"
        self.process: subprocess.Popen[bytes] | None = None
        self.simulators: subprocess.Popen[bytes] | None = None
        self.modbus_port = free_port("127.0.0.1")
        self.hub_port = free_port(HUB_HOST)

    def set_up(self) -> None:
        """Plant folder, certificates, lists for the simulators: with the commands that a user has."""
        shutil.copytree(ROOT / "mappings" / "example", self.plant)
        self._replace("hall-a.devices.yaml", "127.0.0.1:15020", f"127.0.0.1:{self.modbus_port}")
        self._replace("gateway.yaml", "host: localhost", f"host: {HUB_HOST}")
        self._replace("gateway.yaml", "port: 8883", f"port: {self.hub_port}")
        fieldgate("certs", "create", self.plant, *self._where)
        fieldgate("certs", "issue", self.plant, *self._where)
        (self.directory / "points.json").write_text(fieldgate("export", "points", self.plant).stdout)
        ids = json.loads(fieldgate("devices", self.plant, "--json").stdout)["devices"]
        devices = [{"id": entry["id"], "enabled": True} for entry in ids]
        (self.directory / "devices.json").write_text(json.dumps({"devices": devices}))
        (self.directory / "site-root.pem").write_text(fieldgate("certs", "export-ca", self.plant, *self._where).stdout)

    @property
    def _where(self) -> list[str]:
        return ["--state", str(self.state_for_all)] if self.state_for_all else []

    def _replace(self, name: str, old: str, new: str) -> None:
        path = next(self.plant.rglob(name))
        text = path.read_text()
        assert old in text, f"{name} no longer holds {old}"
        path.write_text(text.replace(old, new))

    def start_simulators(self) -> None:
        """Simulated meters and hub; returns when they listen."""
        command = [sys.executable, "-m", "simulators", "plant", "--directory", str(self.directory / "simulators")]
        command += ["--points", str(self.directory / "points.json"), "--devices", str(self.directory / "devices.json")]
        command += ["--trust", str(self.directory / "site-root.pem"), "--host", HUB_HOST, "--port", str(self.hub_port)]
        command += ["--ledger", str(self.ledger), "--record", str(self.served)]
        self.simulators = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self.simulators.stdout is not None
        ready = json.loads(self.simulators.stdout.readline())
        (self.plant / "certs").mkdir(exist_ok=True)
        shutil.copy(ready["hub"]["root"], self.plant / "certs" / "hub-root.pem")

    def start(self) -> None:
        """The gateway; returns when it answers."""
        with (self.directory / "gateway.log").open("ab") as log:
            command = [sys.executable, "-m", "gateway", "run", str(self.plant), *self._where]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log)
        wait_for("the gateway to answer", self.status, 20)

    def kill(self) -> None:
        """As a power switch would, as far as a process can feel it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> float:
        """SIGTERM; returns the seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began

    def status(self) -> dict[str, Any] | None:
        """What ``fieldgate status --json`` tells; None while no gateway runs."""
        result = fieldgate("status", self.plant, "--json", *self._where, check=False)
        report: dict[str, Any] = json.loads(result.stdout or "{}")
        return report if report.get("running") else None

    def hub(self, command: str, **more: Any) -> dict[str, Any]:
        """Tell the simulated hub something."""
        return self._tell("hub.sock", {"command": command} | more)

    def meters(self, command: str, **more: Any) -> dict[str, Any]:
        """Tell the simulated meters something."""
        return self._tell("modbus.sock", {"command": command} | more)

    def _tell(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            here = Path.cwd()
            os.chdir(self.directory / "simulators")  # a socket's path holds 108 bytes
            try:
                connection.connect(name)
            finally:
                os.chdir(here)
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                reply: dict[str, Any] = json.loads(stream.readline())
        return reply

    def received(self) -> list[dict[str, Any]]:
        """Every message that the hub acknowledged, in the order of arrival."""
        return _lines(self.ledger)

    def snapshots(self) -> list[dict[str, Any]]:
        """What the meters served, tick by tick."""
        return _lines(self.served)

    def accepted(self) -> dict[str, int]:
        """Messages per device that the gateway says it has on disk or has had acknowledged."""
        report = self.status()
        assert report is not None
        return {entry["name"]: entry["counters"].get("accepted", 0) for entry in report["devices"]}

    def close(self) -> None:
        """End what is still there."""
        for process in (self.process, self.simulators):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if self.simulators is not None and self.simulators.stdout is not None:
            self.simulators.stdout.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


@contextmanager
def appliance(directory: Path) -> Iterator[Appliance]:
    """An appliance with everything running."""
    rig = Appliance(directory)
    try:
        rig.set_up()
        rig.start_simulators()
        rig.start()
        yield rig
    finally:
        rig.close()
