"""Workload W1: T tags per device (half int16, half float32), from Modbus TCP through the buffer to a hub over TLS.

``python -m tests.bench.w1``: several sizes. Beside each, in the same run and on the same simulator, two clients alone
that decode and throw away: a socket of asyncio's that believes everything, and pymodbus. Gateway, simulator and hub
share the machine, which bounds what they reach flat out; the CPU is the gateway's alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pymodbus.client import AsyncModbusTcpClient

from tests.bench import bare
from tests.journeys.rig import ROOT, fieldgate, free_port, wait_for

HUB_HOST = "127.0.0.41"
MODBUS_HOST = "127.0.0.42"
WARM_UP_S = 3.0
WINDOW_S = 8.0
BARE_S = 5.0
MOST_REGISTERS = 125
TICKS = os.sysconf("SC_CLK_TCK")


Read: TypeAlias = Callable[[int, int], Awaitable[bytes]]
"""First register and how many, to their bytes."""


class Size(NamedTuple):
    """One run of the workload."""

    devices: int
    tags: int
    every_s: float
    name: str = ""

    @property
    def title(self) -> str:
        """What is asked of the gateway."""
        offered = self.devices * self.tags / self.every_s
        words = f"{self.devices} devices x {self.tags:,} tags every {self.every_s:g} s"
        return f"W1: {words}, {offered:,.0f} tags/s offered{self.name}"


SIZES = (
    Size(10, 100, 0.1),
    Size(100, 100, 0.1),
    Size(10, 1000, 0.1),
    Size(100, 100, 1.0),
    Size(20, 2000, 0.1),
    Size(100, 100, 0.01, " (the shortest period there is: flat out)"),
)


class Result(NamedTuple):
    """One row of the table."""

    name: str
    tags_s: float
    cpu_s_per_million: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    rss_mb: float | None = None


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


def profile(tags: int, every_s: float) -> str:
    """A profile with ``tags`` points: the int16 first, the float32 behind them, without gaps."""
    half = tags // 2
    lines = ["schema: fieldgate/profile/v1", "profile: w1", "protocol: modbus", "maker: bench", "model: W1"]
    lines += [f"defaults: {{table: holding, every: {every_s * 1000:.0f}ms}}", "points:"]
    lines += [f"  i{n}: {{at: {n}, type: int16}}" for n in range(half)]
    lines += [f"  f{n}: {{at: {half + 2 * n}, type: float32}}" for n in range(half)]
    return "\n".join(lines) + "\n"


def plant(directory: Path, size: Size, first_port: int, hub_port: int) -> Path:
    """A plant folder with W1 devices on ports of their own."""
    folder = directory / "plant"
    (folder / "certs").mkdir(parents=True)
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: bench\nstate: state\n"
        f"upstream:\n  hub: {{kind: iothub, host: {HUB_HOST}, port: {hub_port}, trust: certs/hub-root.pem}}\n"
        "buffer: {quota: 2 GB}\nlog: warning\n"
    )
    (folder / "w1.profile.yaml").write_text(profile(size.tags, size.every_s))
    lines = ["schema: fieldgate/devices/v1", "devices:"]
    for n in range(size.devices):
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


def run(directory: Path, size: Size) -> list[Result]:
    """The gateway, then the bare clients, on the same simulator."""
    first_port, hub_port = free_port(MODBUS_HOST), free_port(HUB_HOST)
    folder = plant(directory, size, first_port, hub_port)
    fieldgate("certs", "create", folder)
    fieldgate("certs", "issue", folder)
    registry = [{"id": f"w1-{n}", "enabled": True} for n in range(size.devices)]
    (directory / "devices.json").write_text(json.dumps({"devices": registry}))
    (directory / "root.pem").write_text(fieldgate("certs", "export-ca", folder).stdout)
    hub = ["iothub", "--directory", str(directory / "hub"), "--devices", str(directory / "devices.json")]
    hub += ["--trust", str(directory / "root.pem"), "--host", HUB_HOST, "--port", str(hub_port)]
    hub += ["--ledger", str(directory / "ledger.jsonl")]
    meters = ["modbus", "--directory", str(directory / "modbus"), "--host", MODBUS_HOST]
    meters += ["--w1-ports", str(size.devices), "--w1-first-port", str(first_port), "--w1-tags", str(size.tags)]
    with ExitStack() as stack:
        ready = start(stack, ["-m", "simulators", *hub])
        shutil.copy(ready["hub"]["root"], folder / "certs" / "hub-root.pem")
        start(stack, ["-m", "simulators", *meters])
        return [
            measure_gateway(folder, directory / "ledger.jsonl", size.tags),
            asyncio.run(measure_bare("bare asyncio socket", size, first_port, _socket)),
            asyncio.run(measure_bare("bare pymodbus", size, first_port, _pymodbus)),
        ]


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


async def measure_bare(name: str, size: Size, first_port: int, connect: Callable[[int], Awaitable[Read]]) -> Result:
    """A client alone: the same registers at the same period, unpacked and thrown away; no TLS, nothing stored."""
    half, done = size.tags // 2, 0
    registers = half + 2 * (size.tags - half)
    layout = struct.Struct(f">{half}h{size.tags - half}f")
    blocks = [(at, min(MOST_REGISTERS, registers - at)) for at in range(0, registers, MOST_REGISTERS)]
    reads = [await connect(first_port + n) for n in range(size.devices)]
    until = time.monotonic() + BARE_S

    async def poll(read: Read) -> None:
        nonlocal done
        due = time.monotonic()
        while due < until:
            layout.unpack(b"".join([await read(*block) for block in blocks]))
            done += size.tags
            due = max(due + size.every_s, time.monotonic())
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    began, cpu = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for read in reads:
            group.create_task(poll(read))
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    return Result(f"{name}, no TLS, no disk", done / seconds, used / done * 1e6)


async def _socket(port: int) -> Read:
    client = await bare.connected(MODBUS_HOST, port)

    async def read(first: int, count: int) -> bytes:
        return (await client.ask(bare.request(first, count)))[bare.HEADER :]

    return read


async def _pymodbus(port: int) -> Read:
    client = AsyncModbusTcpClient(MODBUS_HOST, port=port)
    await client.connect()

    async def read(first: int, count: int) -> bytes:
        answer = await client.read_holding_registers(first, count=count)
        return struct.pack(f">{count}H", *answer.registers)

    return read


def show(title: str, rows: list[Result]) -> None:
    """The rows, and the ratios of the first to the others."""
    print(f"\n{title}")
    print(f"{'':36} {'tags/s':>9} {'cores':>6} {'CPU s/Mtag':>11} {'p50 ms':>7} {'p99 ms':>7} {'RSS MB':>7}")
    for row in rows:
        rest = " ".join(f"{'-' if one is None else f'{one:.0f}':>7}" for one in (row.p50_ms, row.p99_ms, row.rss_mb))
        cores = row.tags_s * row.cpu_s_per_million / 1e6
        print(f"{row.name:36} {row.tags_s:9,.0f} {cores:6.2f} {row.cpu_s_per_million:11.2f} {rest}")
    first, *others = rows
    for other in others:
        tags, cpu = first.tags_s / other.tags_s, first.cpu_s_per_million / other.cpu_s_per_million
        print(
            f"ratio to {other.name.partition(',')[0]}: {tags:.2f} of its tags/s, {cpu:.1f} times its CPU per tag",
            flush=True,
        )


def main() -> None:
    """A table for each size."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            show(size.title, run(Path(directory), size))


if __name__ == "__main__":
    main()
