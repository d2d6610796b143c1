"""Workload W1: T tags per device (half int16, half float32), from Modbus TCP through the buffer to a hub over TLS.

Beside it, in the same run and on the same simulator: bare pymodbus, which decodes and throws away.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pymodbus.client import AsyncModbusTcpClient

from tests.journeys.rig import ROOT, fieldgate, free_port, wait_for

HUB_HOST = "127.0.0.41"
MODBUS_HOST = "127.0.0.42"
WARM_UP_S = 4.0
WINDOW_S = 10.0
TICKS = os.sysconf("SC_CLK_TCK")


class Result(NamedTuple):
    """One row of the table."""

    name: str
    tags_s: float
    cpu_s_per_million: float
    p50_ms: float | None
    p99_ms: float | None
    rss_mb: float


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmHWM")


def profile(tags: int, every: str) -> str:
    """A profile with ``tags`` points: the int16 first, the float32 behind them, without gaps."""
    half = tags // 2
    lines = ["schema: fieldgate/profile/v1", "profile: w1", "protocol: modbus", "maker: bench", "model: W1"]
    lines += [f"defaults: {{table: holding, every: {every}}}", "points:"]
    lines += [f"  i{n}: {{at: {n}, type: int16}}" for n in range(half)]
    lines += [f"  f{n}: {{at: {half + 2 * n}, type: float32}}" for n in range(half)]
    return "\n".join(lines) + "\n"


def plant(directory: Path, devices: int, tags: int, every: str, first_port: int, hub_port: int) -> Path:
    """A plant folder with ``devices`` W1 devices on ports of their own."""
    folder = directory / "plant"
    (folder / "certs").mkdir(parents=True)
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: bench\nstate: state\n"
        f"upstream:\n  hub: {{kind: iothub, host: {HUB_HOST}, port: {hub_port}, trust: certs/hub-root.pem}}\n"
        "buffer: {quota: 2 GB}\nlog: warning\n"
    )
    (folder / "w1.profile.yaml").write_text(profile(tags, every))
    lines = ["schema: fieldgate/devices/v1", "devices:"]
    for n in range(devices):
        lines += [f"  w1-{n}:", "    profile: w1", f'    connect: {{modbus: "tcp://{MODBUS_HOST}:{first_port + n}"}}']
    (folder / "w1.devices.yaml").write_text("\n".join(lines) + "\n")
    return folder


def latencies_ms(ledger: Path, begin_ns: int, end_ns: int) -> tuple[int, list[float]]:
    """Messages in the window, and for each the time from the read to the hub (resolution 1 ms)."""
    times = []
    with ledger.open() as stream:
        for line in stream:
            message: dict[str, Any] = json.loads(line)
            if begin_ns <= message["at_ns"] < end_ns:
                read_s = datetime.fromisoformat(message["body"]["ts"]).timestamp()
                times.append(message["at_ns"] / 1e6 - read_s * 1000)
    return len(times), sorted(times)


def run_gateway(directory: Path, devices: int, tags: int, every: str) -> list[Result]:
    """The gateway, then bare pymodbus, on the same simulator."""
    first_port, hub_port = free_port(MODBUS_HOST), free_port(HUB_HOST)
    folder = plant(directory, devices, tags, every, first_port, hub_port)
    fieldgate("certs", "create", folder)
    fieldgate("certs", "issue", folder)
    registry = [{"id": f"w1-{n}", "enabled": True} for n in range(devices)]
    (directory / "devices.json").write_text(json.dumps({"devices": registry}))
    (directory / "root.pem").write_text(fieldgate("certs", "export-ca", folder).stdout)
    hub = ["iothub", "--directory", str(directory / "hub"), "--devices", str(directory / "devices.json")]
    hub += ["--trust", str(directory / "root.pem"), "--host", HUB_HOST, "--port", str(hub_port)]
    hub += ["--ledger", str(directory / "ledger.jsonl")]
    meters = ["modbus", "--directory", str(directory / "modbus"), "--host", MODBUS_HOST]
    meters += ["--w1-ports", str(devices), "--w1-first-port", str(first_port), "--w1-tags", str(tags)]
    with ExitStack() as stack:
        ready = start(stack, ["-m", "simulators", *hub])
        shutil.copy(ready["hub"]["root"], folder / "certs" / "hub-root.pem")
        start(stack, ["-m", "simulators", *meters])
        row = measure_gateway(folder, directory / "ledger.jsonl", tags)
        bare = asyncio.run(measure_pymodbus(devices, tags, first_port, float(every.removesuffix("ms")) / 1000))
    return [row, bare]


def start(stack: ExitStack, arguments: list[str]) -> dict[str, Any]:
    """Start a child process, to be ended with the stack; returns its first line."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(process.stdout.readline())
    return ready


def measure_gateway(folder: Path, ledger: Path, tags: int) -> Result:
    """Let it run warm, then look at one window."""
    process = subprocess.Popen([sys.executable, "-m", "gateway", "run", str(folder)], cwd=ROOT)
    try:
        wait_for("first messages", lambda: ledger.exists() and ledger.stat().st_size > 0, 60)
        time.sleep(WARM_UP_S)
        begin_ns, cpu = time.time_ns(), cpu_s(process.pid)
        time.sleep(WINDOW_S)
        end_ns, used = time.time_ns(), cpu_s(process.pid) - cpu
        rss = peak_mb(process.pid)
    finally:
        process.terminate()
        process.wait()
    count, times = latencies_ms(ledger, begin_ns, end_ns)
    delivered = count * tags
    seconds = (end_ns - begin_ns) / 1e9
    return Result(
        "fieldgate, TLS and durable",
        delivered / seconds,
        used / delivered * 1e6,
        times[len(times) // 2],
        times[int(len(times) * 0.99)],
        rss,
    )


async def measure_pymodbus(devices: int, tags: int, first_port: int, period_s: float) -> Result:
    """pymodbus alone: the same registers at the same period, unpacked and thrown away."""
    half, done = tags // 2, 0
    registers = half + 2 * (tags - half)
    layout = struct.Struct(f">{half}h{tags - half}f")

    async def poll(port: int, until: float) -> None:
        nonlocal done
        async with AsyncModbusTcpClient(MODBUS_HOST, port=port) as client:
            due = time.monotonic()
            while due < until:
                words: list[int] = []
                for at in range(0, registers, 125):
                    answer = await client.read_holding_registers(at, count=min(125, registers - at))
                    words += answer.registers
                layout.unpack(struct.pack(f">{registers}H", *words))
                done += tags
                due += period_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    began, cpu = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for n in range(devices):
            group.create_task(poll(first_port + n, began + WINDOW_S))
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    return Result("bare pymodbus, no TLS, no disk", done / seconds, used / done * 1e6, None, None, peak_mb(os.getpid()))


def show(title: str, rows: list[Result]) -> None:
    """The rows, and the ratio of the first to the second."""
    print(f"\n{title}")
    print(f"{'':32} {'tags/s':>9} {'CPU s/Mtag':>11} {'p50 ms':>7} {'p99 ms':>7} {'RSS MB':>7}")
    for row in rows:
        p50, p99 = (f"{value:.0f}" if value is not None else "-" for value in (row.p50_ms, row.p99_ms))
        print(f"{row.name:32} {row.tags_s:9.0f} {row.cpu_s_per_million:11.2f} {p50:>7} {p99:>7} {row.rss_mb:7.0f}")
    first, second = rows
    print(
        f"ratio: {first.tags_s / second.tags_s:.2f} of its tags/s, "
        f"{first.cpu_s_per_million / second.cpu_s_per_million:.2f} of its CPU per tag"
    )
