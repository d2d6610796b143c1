"""What a Modbus request costs: the adapter beside a bare socket, libmodbus and pymodbus, on the same server, by turns.

``python -m tests.bench.modbus [seconds]``: so long each client over 1 and over 100 connections, flat out (default 2 s).
Trust the ratios.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeAlias

from pymodbus.client import AsyncModbusTcpClient

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point
from tests.bench import bare

HERE = Path(__file__).parent
HOST = "127.0.0.1"
ROUNDS = 9
CONNECTIONS = (1, 100)
TAGS = bare.REGISTERS // 2
FLOATS = struct.Struct(f">{TAGS}f")
WORDS = struct.Struct(f">{bare.REGISTERS}H")
WARM = 200
"""Requests before a turn is measured."""
MISSING = "libmodbus is not measured beside them: apt-get install gcc libc6-dev libmodbus-dev"

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""One request over one connection."""


class Turn(NamedTuple):
    """What one client did in one round."""

    requests: int
    passed_s: float
    cpu_s: float
    """Of the client's process."""


class Client(NamedTuple):
    """One row."""

    name: str
    tags: int
    """Values that a request gives; 0: it ends with the registers."""
    run: Callable[[float], Awaitable[Turn]]


class Row(NamedTuple):
    """One client's figures, medians of the rounds."""

    name: str
    requests_per_s: float
    cpu_us: float
    """For a request."""
    tags_per_s: float


def over(asks: Sequence[Ask]) -> Callable[[float], Awaitable[Turn]]:
    """Ask on all connections at once, on each of them one request after the other."""

    async def until(ask: Ask, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            await ask()
            count += 1
        return count

    async def run(seconds: float) -> Turn:
        for _ in range(WARM // len(asks)):
            await asyncio.gather(*(ask() for ask in asks))
        begin, cpu = time.perf_counter(), time.process_time()
        counts = await asyncio.gather(*(until(ask, begin + seconds) for ask in asks))
        return Turn(sum(counts), time.perf_counter() - begin, time.process_time() - cpu)

    return run


async def bare_clients(port: int, count: int) -> list[Client]:
    """A socket of asyncio's, and what unpacking costs on top."""
    lines = [await bare.connected(HOST, port) for _ in range(count)]
    asked = bare.request(0, bare.REGISTERS)

    def unpacked(line: bare.Client) -> Ask:
        async def ask() -> object:
            return FLOATS.unpack_from(await line.ask(asked), bare.HEADER)

        return ask

    def plain(line: bare.Client) -> Ask:
        return lambda: line.ask(asked)

    return [
        Client("bare asyncio socket", 0, over([plain(line) for line in lines])),
        Client(f"bare asyncio socket, {TAGS} floats", TAGS, over([unpacked(line) for line in lines])),
    ]


async def pymodbus_clients(port: int, count: int) -> list[Client]:
    """pymodbus' asynchronous client, its registers, and the floats in them."""
    lines = [AsyncModbusTcpClient(HOST, port=port) for _ in range(count)]
    for line in lines:
        await line.connect()

    def plain(line: AsyncModbusTcpClient) -> Ask:
        return lambda: line.read_holding_registers(0, count=bare.REGISTERS, device_id=1)

    def unpacked(line: AsyncModbusTcpClient) -> Ask:
        async def ask() -> object:
            answer = await line.read_holding_registers(0, count=bare.REGISTERS, device_id=1)
            return FLOATS.unpack(WORDS.pack(*answer.registers))

        return ask

    return [
        Client("pymodbus alone", 0, over([plain(line) for line in lines])),
        Client(f"pymodbus alone, {TAGS} floats", TAGS, over([unpacked(line) for line in lines])),
    ]


async def adapters(port: int, count: int) -> list[Client]:
    """Our adapter: a checked answer, and the readings of a scan."""
    connect = Connect(modbus=f"tcp://{HOST}:{port}")
    # A period that is always over: the schedule is part of what is measured.
    points = [Point("d", connect, f"p{at}", Address(at=2 * at, type="float32"), 1e-6) for at in range(TAGS)]
    pollers = [Poller(points) for _ in range(count)]
    for poller in pollers:
        await poller.open()
    block = pollers[0]._courses[0].planned[0]

    def checked(poller: Poller) -> Ask:
        return lambda: poller._traffic.ask(block.unit, block.ask, 1.0)

    return [
        Client("adapter, checked answer", 0, over([checked(poller) for poller in pollers])),
        Client(f"adapter, {TAGS} readings", TAGS, over([poller.read for poller in pollers])),
    ]


@contextmanager
def libmodbus(port: int, count: int) -> Iterator[list[Client]]:
    """libmodbus, in C; it cannot wait for several connections, so they have their turns. None where it is missing."""
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory, "libmodbus")
        if not compiled(program):
            yield []
            return
        command = [str(program), str(port), str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

            async def run(seconds: float) -> Turn:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(f"{seconds}\n")
                process.stdin.flush()
                requests, passed_s, cpu_s = process.stdout.readline().split()
                return Turn(int(requests), float(passed_s), float(cpu_s))

            yield [Client("libmodbus alone (C)", 0, run)]


def compiled(program: Path) -> bool:
    """Make it, where there are the means."""
    if shutil.which("cc") is None or not Path("/usr/include/modbus/modbus.h").exists():
        return False
    subprocess.run(["cc", "-O2", "-o", program, HERE / "libmodbus.c", "-lmodbus"], check=True)
    return True


async def compare(port: int, count: int, seconds: float) -> list[Row]:
    """All clients by turns, so that what else the machine does meets them alike."""
    with libmodbus(port, count) as foreign:
        clients = [
            *await bare_clients(port, count),
            *foreign,
            *await pymodbus_clients(port, count),
            *await adapters(port, count),
        ]
        rounds = [[await client.run(seconds / ROUNDS) for client in clients] for _ in range(ROUNDS)]
    rows = []
    for client, turns in zip(clients, zip(*rounds, strict=True), strict=True):
        rate = median(turn.requests / turn.passed_s for turn in turns)
        cpu_us = median(1e6 * turn.cpu_s / turn.requests for turn in turns)
        rows.append(Row(client.name, rate, cpu_us, rate * client.tags))
    return rows


def show(count: int, rows: Sequence[Row]) -> None:
    """A table, and the two ratios to watch."""
    title = f"{bare.REGISTERS} registers, {count} connection{'s' * (count > 1)}"
    print(f"\n{title:32} {'requests/s':>11} {'CPU us':>8} {'x bare':>7} {'tags/s':>11}")
    for row in rows:
        tags = f"{row.tags_per_s:11,.0f}" if row.tags_per_s else f"{'-':>11}"
        print(f"{row.name:32} {row.requests_per_s:11,.0f} {row.cpu_us:8.1f} {row.cpu_us / rows[0].cpu_us:7.1f} {tags}")
    socket, pymodbus, adapter = (row.tags_per_s for row in rows if row.tags_per_s)
    print(
        f"adapter: {adapter / socket:.2f} of the tags/s of a bare asyncio socket, {adapter / pymodbus:.2f} of pymodbus'"
    )


def main(seconds: float = 2.0) -> None:
    """Print a table for each number of connections."""
    for count in CONNECTIONS:
        with subprocess.Popen([sys.executable, "-m", "tests.bench.bare"], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                show(count, asyncio.run(compare(int(server.stdout.readline()), count, seconds)))
            finally:
                server.terminate()
    if not (shutil.which("cc") and Path("/usr/include/modbus/modbus.h").exists()):
        print(MISSING)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
