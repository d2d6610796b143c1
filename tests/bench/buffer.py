"""The buffer beside a raw log: the same bytes appended and fdatasync'ed, one write per group of the same size.

``python -m tests.bench.buffer``: 100 producers that append one message each at a time, then the drain.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from gateway.buffer.port import BufferSettings
from gateway.buffer.store import open_buffer
from gateway.model import Message

PRODUCERS = 100
FILL_S = 5.0
BODIES = 4001
"""Different ones, so that a frame does not compress better than a plant's would."""
QUOTA_BYTES = 4_000_000_000


class Result(NamedTuple):
    """One row of the table."""

    values: int
    appended_s: float
    drained_s: float
    raw_s: float
    written_per_byte: float
    """Bytes that the process gave to the disk per byte of payload."""
    p99_ms: float
    """From append's call to its return."""


def body(values: int, turn: int) -> bytes:
    """A scan as the gateway makes it: names of 10 characters, values of two decimals, a unit for each."""
    draw = random.Random(turn)
    scan = {f"voltage_{n:02}": round(draw.uniform(20, 400), 2) for n in range(values)}
    head = {"ts": "2026-11-24T10:00:00.000Z", "asset": "acme/tampere/packaging/line-4/mcc1", "profile": "x"}
    return json.dumps(head | {"values": scan, "units": dict.fromkeys(scan, "V")}, separators=(",", ":")).encode()


def written() -> int:
    """Bytes that this process has caused to be written so far."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["write_bytes"])


async def measure(folder: Path, values: int) -> Result:
    """Fill for a while, then drain it all."""
    bodies = [body(values, turn) for turn in range(BODIES)]
    waits: list[float] = []
    payload = 0
    async with open_buffer(folder / "buffer", BufferSettings(QUOTA_BYTES)) as buffer:
        before, began = written(), time.perf_counter()

        async def produce(number: int) -> None:
            nonlocal payload
            turn = number
            while time.perf_counter() - began < FILL_S:
                message = Message(f"d{number}", time.time_ns(), "kind=telemetry", bodies[turn % BODIES])
                asked = time.perf_counter()
                await buffer.append([message])
                waits.append(time.perf_counter() - asked)
                payload += len(message.body)
                turn += PRODUCERS

        async with asyncio.TaskGroup() as group:
            for number in range(PRODUCERS):
                group.create_task(produce(number))
        filled = time.perf_counter() - began
        amplification = (written() - before) / payload
        count = len(waits)
        began = time.perf_counter()

        async def drain(number: int, messages: int) -> None:
            while messages:
                claim = await buffer.claim(f"d{number}")
                await buffer.acknowledge(claim)
                messages -= len(claim.messages)

        waiting = buffer.stats().waiting
        async with asyncio.TaskGroup() as group:
            for number in range(PRODUCERS):
                group.create_task(drain(number, waiting.get(f"d{number}", 0)))
        drained = time.perf_counter() - began
    raw = raw_log(folder / "raw.log", b"".join(bodies), payload // count * PRODUCERS)
    waits.sort()
    p99 = waits[int(count * 0.99)] * 1000
    return Result(
        values, count * values / filled, count * values / drained, raw * PRODUCERS * values, amplification, p99
    )


def raw_log(path: Path, data: bytes, size: int) -> float:
    """Groups per second that can be appended and synced, each as large as one commit of all producers."""
    piece = (data * (size // len(data) + 1))[:size]
    count, began = 0, time.perf_counter()
    with path.open("wb", buffering=0) as stream:
        while time.perf_counter() - began < 2.0:
            stream.write(piece)
            os.fdatasync(stream.fileno())
            count += 1
    return count / (time.perf_counter() - began)


def main() -> None:
    """Print a row for scans of 1, 10 and 100 values."""
    print(f"{PRODUCERS} producers, one scan each at a time; values per second")
    head = ("values a scan", "appended", "raw log", "ratio", "drained", "written/B", "p99 ms")
    print("{:>13} {:>10} {:>10} {:>6} {:>10} {:>10} {:>7}".format(*head))
    for values in (1, 10, 100):
        with tempfile.TemporaryDirectory(dir=Path.home()) as directory:
            row = asyncio.run(measure(Path(directory), values))
        print(
            f"{row.values:13} {row.appended_s:10,.0f} {row.raw_s:10,.0f} {row.appended_s / row.raw_s:6.2f} "
            f"{row.drained_s:10,.0f} {row.written_per_byte:10.2f} {row.p99_ms:7.1f}"
        )


if __name__ == "__main__":
    main()
