"""The simulators as processes, as the demo starts them."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusSerialClient

from tests.simulators.authority import site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
HOST = "127.0.0.63"


class Started:
    """A process of the simulators and what it said first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.first = process.stdout.readline()

    @property
    def ready(self) -> dict[str, Any]:
        ready: dict[str, Any] = json.loads(self.first)
        return ready

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Seconds until it had ended."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(10)
        return time.monotonic() - began


class Bench:
    """A folder with what the simulators need, and the means to start them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        (folder / "site.pem").write_bytes(site().root)
        (folder / "devices.json").write_text('{"devices": [{"id": "m-1", "enabled": true}]}')
        self.ports = [free_port(), free_port()]
        point = {"name": "voltage_l1", "unit": "V", "scale": "1/10", "offset": "0", "address": {"at": 7}}
        connect = {"modbus": f"tcp://{HOST}:{self.ports[0]}", "unit_id": 1, "timeout": 1.0}
        device = {"device": "m-1", "protocol": "modbus", "connect": connect, "points": [point]}
        (folder / "points.json").write_text(json.dumps({"devices": [device]}))

    def hub(self) -> list[str]:
        return ["--trust", "site.pem", "--devices", "devices.json", "--host", HOST, "--port", str(self.ports[1])]

    def start(self, *arguments: str) -> Started:
        process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "simulators", *arguments],
                cwd=self.folder,
                env={"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        self._stack.callback(process.kill)
        return Started(process)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def told(path: Path, command: str, **more: Any) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(json.dumps({"command": command} | more).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer: dict[str, Any] = json.loads(stream.readline())
    return answer


def test_a_plant_is_ready_when_it_says_so_and_stops_within_a_second(bench: Bench) -> None:
    plant = bench.start("plant", "--directory", "sim", "--points", "points.json", *bench.hub(), "--record", "served")
    assert plant.ready["ready"] is True
    assert plant.ready["hub"]["address"] == f"{HOST}:{bench.ports[1]}"
    assert plant.ready["modbus"]["lines"] == [f"{HOST}:{bench.ports[0]}"]
    assert (bench.folder / plant.ready["hub"]["root"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    connections = [socket.create_connection((HOST, port)) for port in bench.ports]
    assert told(bench.folder / plant.ready["hub"]["control"], "stats")["listening"] is True
    assert told(bench.folder / plant.ready["modbus"]["control"], "silence", unit=1) == {"ok": True}
    assert json.loads((bench.folder / "served").read_text().splitlines()[0])["device"] == "m-1"
    assert plant.stop() < 1
    assert plant.process.returncode == 0
    assert plant.process.stderr is not None
    assert plant.process.stderr.read() == ""
    assert list((bench.folder / "sim").glob("*.sock")) == []
    for connection in connections:
        connection.close()


def test_a_plant_plays_one_more_meter_and_its_hub_lets_in_one_more_device(bench: Bench) -> None:
    plant = bench.start("plant", "--directory", "sim", "--points", "points.json", *bench.hub())
    line = f"{HOST}:{bench.ports[0]}"
    assert told(bench.folder / plant.ready["modbus"]["control"], "stats")["lines"][line]["units"] == [1, 7]
    hub = bench.folder / plant.ready["hub"]["control"]
    assert told(hub, "register", device="press-7") == {"ok": True}
    assert set(told(hub, "stats")["devices"]) == {"m-1", "press-7"}


def test_a_serial_port_appears_where_the_point_list_says_and_is_written_to(bench: Bench) -> None:
    listed = json.loads((bench.folder / "points.json").read_text())
    bus = f"rtu://{bench.folder / 'bus'}"
    listed["devices"][0]["connect"] |= {"modbus": bus, "baud": 9600, "parity": "none"}
    (bench.folder / "points.json").write_text(json.dumps(listed))
    plant = bench.start("plant", "--directory", "sim", "--points", "points.json", *bench.hub(), "--writable", "--timed")
    assert plant.ready["modbus"]["lines"] == [bus]
    with ModbusSerialClient(str(bench.folder / "bus"), baudrate=9600) as client:
        assert len(client.read_holding_registers(7).registers) == 1
        assert client.read_input_registers(0, device_id=7).registers, "the meter that nobody described is there too"
        assert not client.write_register(7, 4711).isError()
        began = time.monotonic()
        assert client.read_holding_registers(7).registers == [4711]
        assert time.monotonic() - began >= 15 * 10 / 9600
    told(bench.folder / "sim" / "modbus.sock", "wrong", how="wrong checksum", unit=1)
    assert told(bench.folder / "sim" / "modbus.sock", "stats")["lines"][bus]["wrong"] == {"1": "wrong checksum"}
    assert plant.stop() < 1
    assert not (bench.folder / "bus").is_symlink()


def over_tls(line: str, context: ssl.SSLContext) -> bytes:
    """The answer to a request for register 7 of unit 1."""
    with (
        socket.create_connection((HOST, int(line.rpartition(":")[2])), 5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        connection.sendall(bytes.fromhex("0007 0000 0006 01 03 0007 0001"))
        return connection.recv(100)


def test_a_line_with_tls_shows_a_certificate_that_was_made_or_given(bench: Bench) -> None:
    listed = json.loads((bench.folder / "points.json").read_text())
    secure = f"tls://{HOST}:{free_port()}"
    listed["devices"].append({**listed["devices"][0], "device": "m-2", "connect": {"modbus": secure}})
    (bench.folder / "points.json").write_text(json.dumps(listed))
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json")
    assert meters.ready["modbus"]["lines"] == [f"{HOST}:{bench.ports[0]}", secure]
    root = bench.folder / meters.ready["modbus"]["root"]
    context = ssl.create_default_context(cafile=root)
    assert over_tls(secure, context)[:9] == bytes.fromhex("0007 0000 0005 01 03 02")
    assert meters.stop() < 1
    for name in ("modbus.pem", "modbus.key"):
        (bench.folder / name).write_bytes((root.parent / name).read_bytes())
    given = ["--certificate", "modbus.pem", "--key", "modbus.key"]
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json", *given)
    assert meters.ready["modbus"]["root"] is None
    assert over_tls(secure, context)
    meters.stop()
    given += ["--clients", "site.pem"]
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json", *given)
    assert meters.ready
    with suppress(OSError):  # The alert; or only that it hangs up.
        assert over_tls(secure, context) == b""
    (bench.folder / "modbus.pem").write_text("x")
    meters.stop()
    assert failed(bench.start("modbus", "--directory", "sim", "--points", "points.json", *given)) == (
        "simulators: modbus.pem and modbus.key are no certificate and its key, in PEM form\n"
    )


def test_a_device_calls_whoever_listens_and_again_when_it_is_hung_up(bench: Bench) -> None:
    listed = json.loads((bench.folder / "points.json").read_text())
    listed["devices"][0]["connect"]["modbus"] = f"listen://{HOST}:{bench.ports[0]}"
    (bench.folder / "points.json").write_text(json.dumps(listed))
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json")
    assert meters.ready["modbus"]["lines"] == [f"listen://{HOST}:{bench.ports[0]}"]
    with socket.create_server((HOST, bench.ports[0])) as listening:
        listening.settimeout(5)
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.sendall(bytes.fromhex("0007 0000 0006 01 03 0007 0001"))
                assert connection.recv(100)[:9] == bytes.fromhex("0007 0000 0005 01 03 02")
    assert meters.stop() < 1


def test_it_is_told_what_to_do_from_the_command_line(bench: Bench) -> None:
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json")
    assert meters.ready

    def tell(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulators", "tell", "sim", "modbus", *words],
            cwd=bench.folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert tell("wrong", "how=another unit", "unit=1", "count=3").stdout == '{"ok": true}\n'
    told = json.loads(tell("stats").stdout)
    assert told["lines"][f"{HOST}:{bench.ports[0]}"]["wrong"] == {"1": "another unit"}
    refused = tell("silence", "unit=9")
    assert (refused.returncode, refused.stderr) == (1, "simulators: no unit 9; there are: 1\n")
    assert tell("silence", "unit").stderr == "simulators: unit is not key=value\n"
    meters.stop()
    assert tell("stats").stderr.startswith("simulators: sim/modbus.sock: no simulator answers there")


def test_what_is_not_played_is_said_in_one_line(bench: Bench) -> None:
    path = bench.folder / "points.json"
    listed = json.loads(path.read_text())
    listed["devices"] += [{"device": f"tag-{n}", "protocol": "ble", "connect": {}, "points": []} for n in (1, 2)]
    path.write_text(json.dumps(listed))
    meters = bench.start("modbus", "--directory", "sim", "--points", "points.json")
    assert meters.ready["modbus"]["lines"] == [f"{HOST}:{bench.ports[0]}"]
    assert told(bench.folder / "sim" / "modbus.sock", "stats")["lines"][f"{HOST}:{bench.ports[0]}"]["units"] == [1]
    meters.stop()
    assert meters.process.stderr is not None
    assert meters.process.stderr.read() == "simulators: only Modbus is played here, not tag-1 (ble), tag-2 (ble)\n"


def test_ctrl_c_stops_it_too(bench: Bench) -> None:
    hub = bench.start("iothub", "--directory", "sim", *bench.hub())
    assert hub.ready["hub"]
    assert "modbus" not in hub.ready
    assert hub.stop(signal.SIGINT) < 1
    assert hub.process.returncode == 0


def test_bench_devices_run_alone(bench: Bench) -> None:
    first = str(bench.ports[0])
    meters = bench.start("modbus", "--directory", "sim", "--host", HOST, "--w1-ports", "1", "--w1-first-port", first)
    assert meters.ready["modbus"]["bench"] == [f"{HOST}:{first}"]
    assert meters.stop() < 1


def failed(started: Started) -> str:
    assert started.first == ""
    assert started.process.wait(10) == 1
    assert started.process.stderr is not None
    return started.process.stderr.read()


def test_a_taken_port_is_named_with_what_to_do(bench: Bench) -> None:
    with socket.create_server((HOST, bench.ports[1])):
        text = failed(bench.start("iothub", "--directory", "sim", *bench.hub()))
    assert text == (
        f"simulators: {HOST}:{bench.ports[1]} is taken by another program: "
        "end that program, or choose another port for the hub (--port)\n"
    )
    with socket.create_server((HOST, bench.ports[0])):
        text = failed(bench.start("plant", "--directory", "sim", "--points", "points.json", *bench.hub()))
    assert text.startswith(f"simulators: {HOST}:{bench.ports[0]} is taken")
    assert "point list" in text


def test_files_that_cannot_be_used_are_named(bench: Bench) -> None:
    hub = bench.hub()
    (bench.folder / "site.pem").write_text("x")
    assert failed(bench.start("iothub", "--directory", "sim", *hub)) == (
        "simulators: site.pem: holds no certificate in PEM form\n"
    )
    (bench.folder / "devices.json").write_text("{")
    assert "devices.json: " in failed(bench.start("iothub", "--directory", "sim", *hub))
    assert "nothing: No such file" in failed(bench.start("modbus", "--directory", "sim", "--points", "nothing"))
    assert "site.pem" in failed(bench.start("modbus", "--directory", "site.pem"))


def test_help_tells_the_commands(bench: Bench) -> None:
    for arguments in (["--help"], ["plant", "--help"], ["iothub", "--help"], ["modbus", "--help"], ["tell", "--help"]):
        text = subprocess.run(
            [sys.executable, "-m", "simulators", *arguments],
            cwd=bench.folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert ("--directory" in text) == (arguments[0] in ("plant", "iothub", "modbus"))
        assert ("blackhole" in text) == (arguments == ["--help"])
