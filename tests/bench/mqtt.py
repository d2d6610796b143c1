"""CPU per acknowledged QoS 1 message over mutual TLS: our client alone, the server is another process.

python -m tests.bench.mqtt            a few seconds; prints microseconds of CPU a message
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import ssl
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import certs
from gateway.identity.credentials import find
from gateway.model import Stored
from gateway.upstream.hub import WINDOW, IotHub
from gateway.upstream.port import Channel
from tests.certs import hub

HOST = "127.0.0.1"
BODY = b'{"ts":"2026-11-22T18:29:49.123Z","values":{' + b",".join(b'"point_%03d":230.2' % n for n in range(20)) + b"}}"
PROPERTIES = "profile=eastron-sdm630&kind=telemetry"


class Acknowledger(asyncio.Protocol):
    """Accepts each CONNECT and acknowledges each PUBLISH; reads by hand, not with our codec."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._bytes = b""

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        answers = []
        at = 0
        while (body := _body(self._bytes, at)) is not None:
            start, end = body
            if self._bytes[at] & 0xF0 == 0x30:
                where = start + 2 + int.from_bytes(self._bytes[start : start + 2], "big")
                answers.append(b"\x40\x02" + self._bytes[where : where + 2])
            elif self._bytes[at] == 0x10:
                answers.append(b"\x20\x02\x00\x00")
            at = end
        self._bytes = self._bytes[at:]
        self._transport.write(b"".join(answers))


def _body(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``at`` begins and ends; None while it is not whole."""
    size = shift = 0
    for index in range(at + 1, len(data)):
        size |= (data[index] & 0x7F) << shift
        shift += 7
        if data[index] < 0x80:
            end = index + 1 + size
            return (index + 1, end) if end <= len(data) else None
    return None


def serve(pipe: Pipe, files: hub.HubFiles, devices: Path) -> None:
    """Serve until killed; tells its port."""

    async def run() -> None:
        context = files.context(devices)
        server = await asyncio.get_running_loop().create_server(Acknowledger, HOST, 0, ssl=context)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def messages(identity: str, count: int, first: int = 1) -> list[Stored]:
    return [Stored(identity, 7, first + number, time.time_ns(), PROPERTIES, BODY) for number in range(count)]


async def send(channel: Channel, identity: str, claims: int, size: int) -> None:
    for _ in range(claims):
        await channel.publish(messages(identity, size))


async def measure(upstream: IotHub, identities: list[str], claims: int, size: int) -> tuple[float, float]:
    """CPU seconds and wall seconds for all messages, connecting not counted."""
    async with AsyncExitStack() as stack:
        channels = {name: await stack.enter_async_context(upstream.connect(name)) for name in identities}
        for name, channel in channels.items():
            await send(channel, name, 2, size)
        cpu, wall = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for name, channel in channels.items():
                group.create_task(send(channel, name, claims, size))
        return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Print one line for each shape of load."""
    print(f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}, body {len(BODY)} bytes, window {WINDOW}")
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        site = certs.create_site(state / "authority", "bench")
        names = [f"device-{number}" for number in range(100)]
        for name in names:
            certs.issue(site, name, state / "identities")
        found = {name: find(state / "identities", name) for name in names}
        files = hub.make(state / "hub", HOST)
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(there, files, state / "authority" / "root.pem"), daemon=True
        )
        process.start()
        try:
            upstream = IotHub("bench", HOST, here.recv(), [files.root], found)
            for count, claims, size in ((1, 500, WINDOW), (100, 5, WINDOW), (100, 50, 1)):
                cpu_s, wall_s = asyncio.run(measure(upstream, names[:count], claims, size))
                total = count * claims * size
                print(
                    f"{count:4} identities, {size:2} messages a claim: {cpu_s / total * 1e6:6.1f} us of CPU a message,"
                    f" {total / wall_s:7.0f} messages/s"
                )
        finally:
            process.kill()
            process.join()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
