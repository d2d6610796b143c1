"""How punctual a line is: 50 units x 100 registers at 1 s; and what a dead unit costs the others on a slow one.

``python -m tests.bench.line [seconds]``: takes about four times so long (default 10 s). The server is another process
that answers one request at a time, as a serial line does.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point

MARK = 42
"""The unit id that never answers."""


class Load(NamedTuple):
    """One line."""

    units: tuple[int, ...]
    registers: int
    every_s: float
    timeout_s: float
    takes_s: float
    """What a request takes on the wire."""


LOADS = {
    "50 units x 100 registers, every 1 s": Load(tuple(range(100, 150)), 100, 1.0, 1.0, 0.0),
    "the same, 15 ms on the wire": Load(tuple(range(100, 150)), 100, 1.0, 1.0, 0.015),
    "1 unit x 100 registers, every 50 ms": Load((100,), 100, 0.05, 1.0, 0.0),
    "10 units, 30 ms on the wire": Load(tuple(range(100, 110)), 10, 1.0, 0.3, 0.03),
    "the same, one is dead": Load((MARK, *range(100, 109)), 10, 1.0, 0.3, 0.03),
    "the same, timeout 1 s": Load((MARK, *range(100, 109)), 10, 1.0, 1.0, 0.03),
}


class Row(NamedTuple):
    """One line's figures."""

    rate: float
    """Of the scans that were due, those that were made; of the living unit that had the fewest."""
    p50: float
    """Jitter: how far the time between two scans of a unit is from its period, as a part of it."""
    p99: float
    worst: float
    late: int


async def measure(port: int, load: Load, seconds: float) -> Row:
    """Read the line for so long, from the moment on at which it is opened."""
    points = [
        Point(
            f"unit-{unit}",
            Connect(modbus=f"tcp://127.0.0.1:{port}", unit_id=unit, timeout=load.timeout_s),
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


async def serve() -> None:
    """Print the port, then answer until killed."""

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        takes_s = float(sys.argv[2])
        while request := await reader.read(260):
            transaction, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", request)
            await asyncio.sleep(takes_s)
            if unit != MARK:
                head = struct.pack(">HHHBBB", transaction, 0, 3 + 2 * count, unit, function, 2 * count)
                writer.write(head + bytes(2 * count))
        writer.close()

    server = await asyncio.start_server(line, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(seconds: float = 10.0) -> None:
    """Print a table."""
    print(f"{'':40} {'rate':>7} {'jitter p50':>11} {'p99':>7} {'worst':>7} {'late':>5}")
    for name, load in LOADS.items():
        command = [sys.executable, "-m", "tests.bench.line", "serve", str(load.takes_s)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                row = asyncio.run(measure(int(server.stdout.readline()), load, seconds))
            finally:
                server.terminate()
        print(
            f"{name:40} {row.rate:7.1%} {row.p50:11.2%} {row.p99:7.2%} {row.worst:7.2%} {row.late:5}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve())
    else:
        main(*map(float, sys.argv[1:]))
