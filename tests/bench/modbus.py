"""CPU of one Modbus request: the adapter beside pymodbus and a bare socket, on the same server, in the same run.

``python -m tests.bench.modbus [seconds]``: takes about four times so long (default 3 s). Trust the ratios.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import NamedTuple

from pymodbus.client import AsyncModbusTcpClient

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point

REGISTERS = 124
REQUEST = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, REGISTERS)
ROUNDS = 9
Ask = Callable[[], Awaitable[object]]


class Row(NamedTuple):
    """One client's figures, medians of the rounds."""

    client: str
    requests_per_s: float
    cpu_us: float
    """CPU of the client's process per request."""


class _Server(asyncio.Protocol):
    """Answers every read with the same registers; no memory, no checks: the least that a server can cost."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.rest = struct.pack(">HHBBB", 0, 3 + 2 * REGISTERS, 1, 3, 2 * REGISTERS) + bytes(2 * REGISTERS)

    def data_received(self, data: bytes) -> None:
        for place in range(0, len(data), 12):
            self.transport.write(data[place : place + 2] + self.rest)


class _Bare(asyncio.Protocol):
    """A client that believes everything: the floor."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(data)

    async def ask(self) -> bytes:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport.write(REQUEST)
        return await self.answer


async def measure(request: Ask, seconds: float) -> tuple[float, float]:
    """One request after the other for so long: requests per second, CPU microseconds per request."""
    for _ in range(50):
        await request()
    count, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < begin + seconds:
        for _ in range(20):
            await request()
        count += 20
    elapsed, used = time.perf_counter() - begin, time.process_time() - cpu
    return count / elapsed, 1e6 * used / count


async def compare(port: int, seconds: float) -> list[Row]:
    """All clients by turns, so that what else the machine does meets them alike; medians of the rounds."""
    transport, bare = await asyncio.get_running_loop().create_connection(_Bare, "127.0.0.1", port)
    connect = Connect(modbus=f"tcp://127.0.0.1:{port}")
    # A period that is always over: the schedule is part of what is measured.
    points = [Point("d", connect, f"p{at}", Address(at=at, type="float32"), 1e-6) for at in range(0, REGISTERS, 2)]
    poller = Poller(points)
    await poller.open()
    block = poller._courses[0].planned[0]
    foreign = AsyncModbusTcpClient("127.0.0.1", port=port)
    await foreign.connect()
    clients: dict[str, Ask] = {
        "bare asyncio socket": bare.ask,
        "adapter, answer checked": lambda: poller._traffic.ask(block.unit, block.ask, 1.0),
        "adapter, 62 readings of it": poller.read,
        "pymodbus, 124 registers": lambda: foreign.read_holding_registers(0, count=REGISTERS, device_id=1),
    }
    measured = [[await measure(ask, seconds / ROUNDS) for ask in clients.values()] for _ in range(ROUNDS)]
    foreign.close()
    await poller.close()
    transport.abort()
    return [
        Row(client, median(rate for rate, _ in rounds), median(cpu for _, cpu in rounds))
        for client, rounds in zip(clients, zip(*measured, strict=True), strict=True)
    ]


async def serve() -> None:
    """Print the port, then answer until killed."""
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(seconds: float) -> None:
    """Print a table."""
    command = [sys.executable, "-m", "tests.bench.modbus", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            rows = asyncio.run(compare(int(server.stdout.readline()), seconds))
        finally:
            server.terminate()
    print(f"{'read of 124 registers':32} {'requests/s':>12} {'CPU us':>8} {'x bare':>8}")
    for row in rows:
        print(f"{row.client:32} {row.requests_per_s:12,.0f} {row.cpu_us:8.1f} {row.cpu_us / rows[0].cpu_us:8.1f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
