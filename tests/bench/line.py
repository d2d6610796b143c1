"""How punctual a line is: 50 units x 100 registers at 1 s; and what a dead unit costs the others on a slow one.

``python -m tests.bench.line [seconds]``: so long for each line (default 6 s, from 4 on). A dead unit is found in the
first three timeouts: they weigh the more the shorter that is. The server is another process: over TCP it answers one
request at a time, on a pseudo-terminal every character takes its time, as on a serial line.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address as Place
from simulators.modbus.points import Point as Shown

MARK = 42
"""The unit id that never answers."""
FEW = tuple(range(100, 110))
MANY = tuple(range(100, 150))


class Load(NamedTuple):
    """One line."""

    name: str
    units: tuple[int, ...]
    registers: int
    every_s: float
    timeout_s: float
    takes_s: float
    """What a request takes on the wire."""
    baud: int | None = None
    """Of a pseudo-terminal; None: over TCP."""


LOADS = (
    Load("50 units x 100 registers, every 1 s", MANY, 100, 1.0, 1.0, 0.0),
    Load("the same, 15 ms on the wire", MANY, 100, 1.0, 1.0, 0.015),
    Load("1 unit x 100 registers, every 50 ms", FEW[:1], 100, 0.05, 1.0, 0.0),
    Load("10 units, 30 ms on the wire", FEW, 10, 1.0, 0.3, 0.03),
    Load("the same, one is dead", (MARK, *FEW[1:]), 10, 1.0, 0.3, 0.03),
    Load("the same, timeout 1 s", (MARK, *FEW[1:]), 10, 1.0, 1.0, 0.03),
    Load("pty, 9600 baud, 10 units x 10 registers", FEW, 10, 1.0, 0.3, 0.0, 9600),
    Load("the same, one is dead", (MARK, *FEW[1:]), 10, 1.0, 0.3, 0.0, 9600),
)


class Row(NamedTuple):
    """One line's figures."""

    rate: float
    """Of the scans that were due, those that were made; of the living unit that had the fewest."""
    p50: float
    """Jitter: how far the time between two scans of a unit is from its period, as a part of it."""
    p99: float
    worst: float
    late: int


async def measure(address: str, load: Load, seconds: float) -> Row:
    """Read the line for so long, from the moment on at which it is opened."""
    points = [
        Point(
            f"unit-{unit}",
            Connect(modbus=address, unit_id=unit, timeout=load.timeout_s, baud=load.baud or 19200),
            f"p{at}",
            Address(at=at),
            load.every_s,
        )
        for unit in load.units
        for at in range(load.registers)
    ]
    poller = Poller(points)
    await poller.open()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    times: dict[str, list[float]] = defaultdict(list)
    while loop.time() < begin + seconds:
        first, *_ = (await poller.read()).readings
        if first.value is not None:
            times[points[first.point].device].append(loop.time())
    await poller.close()
    jitter = sorted(
        abs(later - earlier - load.every_s) / load.every_s
        for seen in times.values()
        for earlier, later in pairwise(seen)
    )
    rate = min(map(len, times.values())) * load.every_s / seconds
    p50, p99, worst = (jitter[int(part * (len(jitter) - 1))] for part in (0.5, 0.99, 1))
    return Row(rate, p50, p99, worst, poller.counters["late_scans"])


async def serve(takes_s: float) -> None:
    """Over TCP, until killed; prints where."""

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(260):
            transaction, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", request)
            await asyncio.sleep(takes_s)
            if unit != MARK:
                head = struct.pack(">HHHBBB", transaction, 0, 3 + 2 * count, unit, function, 2 * count)
                writer.write(head + bytes(2 * count))
        writer.close()

    server = await asyncio.start_server(line, "127.0.0.1", 0)
    print(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


async def serve_serial(path: str, baud: int, registers: int) -> None:
    """On a pseudo-terminal, until killed; prints where."""
    text = Shown("p", Place(0, "holding", "string", length=registers))
    units = {unit: Memory([text]) for unit in FEW}
    for memory in units.values():
        memory.show(["7" * 2 * registers])
    line = Line(Endpoint("rtu", path=path, baud=baud), units, timed=True)
    await line.plug()
    print(line.address, flush=True)
    await asyncio.Event().wait()


def server(load: Load, folder: str) -> Sequence[str]:
    """The command that serves it; a pseudo-terminal lies in the folder."""
    how = ["tcp", str(load.takes_s)]
    if load.baud is not None:
        how = ["serial", str(Path(folder, "port")), str(load.baud), str(load.registers)]
    return [sys.executable, "-m", "tests.bench.line", "serve", *how]


def main(seconds: float = 6.0) -> None:
    """Print a table."""
    print(f"\n{'punctuality of a line':40} {'rate':>7} {'jitter p50':>11} {'p99':>7} {'worst':>7} {'late':>5}")
    for load in LOADS:
        with (
            tempfile.TemporaryDirectory() as folder,
            subprocess.Popen(server(load, folder), stdout=subprocess.PIPE, text=True) as process,
        ):
            assert process.stdout is not None
            try:
                row = asyncio.run(measure(process.stdout.readline().strip(), load, seconds))
            finally:
                process.terminate()
        print(
            f"{load.name:40} {row.rate:7.1%} {row.p50:11.2%} {row.p99:7.2%} {row.worst:7.2%} {row.late:5}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] != ["serve"]:
        main(*map(float, sys.argv[1:]))
    elif sys.argv[2] == "tcp":
        asyncio.run(serve(float(sys.argv[3])))
    else:
        asyncio.run(serve_serial(sys.argv[3], *map(int, sys.argv[4:])))
