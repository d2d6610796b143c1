"""The mapping: judging and compiling a large plant, and normalising its readings beside a bare client.

``python -m tests.bench.mapping``. The bare client unpacks the registers and multiplies; it knows no quality, no time
and no message. Trust the ratios.
"""

from __future__ import annotations

import json
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from gateway.mapping.program import Program
from gateway.mapping.spec import ENRICH, Device
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import Reading, Value
from gateway.plant import PlantInvalid, read
from gateway.reporting import Reporter
from tests.gateway.mapping.plants import ADAPTERS, FILES, write

POINTS = 10_000
BATCH = 100
ROUNDS = 9
SCANS = 300
AT_NS = 1_800_000_000_000_000_000

PLAIN = "defaults: {every: 1s}\npoints:\n" + "".join(
    f"  i{n}: {{at: {n}, type: int16, scale: 0.1, unit: V}}\n  f{n}: {{at: {100 + 2 * n}, type: float32, unit: W}}\n"
    for n in range(BATCH // 2)
)
MIXED = "defaults: {every: 1s}\npoints:\n" + "".join(
    f"  i{n}: {{at: {n}, type: int16, scale: 0.1, nan: [0x8000], unit: V, deadband: 0.5 V}}\n"
    f"  f{n}: {{at: {100 + 2 * n}, type: float32, unit: W, deadband: 1 %}}\n"
    f"  e{n}: {{at: {200 + n}, enum: {{0: off, 1: on, 2: auto}}, deadband: 0}}\n"
    f"  r{n}: {{at: {300 + n}, type: int16, range: [-400, 400], unit: A, deadband: 1 A}}\n"
    for n in range(BATCH // 4)
)
DERIVED = (
    PLAIN + "derived:\n" + "".join(f"  d{n}: {{expr: (i{n} + i{n + 1}) * f{n} / 2, unit: W}}\n" for n in range(20))
)


class Row(NamedTuple):
    """What one step costs."""

    step: str
    us: float
    """Microseconds of CPU for each reading."""


def plant(folder: Path, points: str) -> Path:
    """The test plant with these points in its profile."""
    head = "schema: fieldgate/profile/v1\nprofile: acme-meter\nprotocol: field\n"
    return write(folder, FILES | {"acme.profile.yaml": head + points})


def many(unit: str) -> str:
    """As many points as one profile may have."""
    row = "  p{}: {{at: {}, type: float32, unit: {}, scale: 0.1, nan: [0x7fc00000], deadband: 1 %, note: row}}\n"
    return "defaults: {every: 1s}\npoints:\n" + "".join(row.format(n, n, unit) for n in range(POINTS))


def timed(work: Callable[[], object]) -> float:
    """Seconds of CPU; the least of three runs."""
    times = []
    for _ in range(3):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)


def judging() -> list[tuple[str, float]]:
    """Seconds for a plant of 10,000 points."""
    with tempfile.TemporaryDirectory() as directory:
        good, bad = plant(Path(directory, "good"), many("kWh")), plant(Path(directory, "bad"), many("kwhr"))
        found = read(good, ADAPTERS)

        def broken() -> None:
            with suppress(PlantInvalid):
                read(bad, ADAPTERS)

        return [
            (f"read {POINTS:,} points", timed(lambda: read(good, ADAPTERS))),
            (f"read {POINTS:,} mistakes", timed(broken)),
            (f"compile {POINTS:,} points", timed(lambda: Program(found.devices[0], Totals()))),
        ]


def device(points: str) -> Device:
    """The first device of a plant with these points."""
    with tempfile.TemporaryDirectory() as directory:
        return read(plant(Path(directory), points), ADAPTERS).devices[0]


def scans(device: Device) -> list[list[Reading]]:
    """What a lively device says: every value moves, a third of it by less than its deadband."""
    numbers: Sequence[Callable[[int, int], Value]] = (
        lambda n, scan: (37 * n + scan * (n % 3)) % 3000,
        lambda n, scan: struct.unpack("f", struct.pack("f", 230.2 + n + scan * (n % 3) / 10))[0],
        lambda n, scan: (scan // 50 + n) % 3,
    )
    kinds = [1 if spec.single else 2 if spec.enum else 0 for spec in device.points]
    return [
        [
            Reading(position, numbers[kind](position, scan), AT_NS + scan * 1_000_000_000)
            for position, kind in enumerate(kinds)
        ]
        for scan in range(SCANS)
    ]


def per_reading(work: Callable[[list[Reading]], object], batches: list[list[Reading]]) -> float:
    """Median over the rounds, in microseconds of CPU."""
    rounds = []
    for _ in range(ROUNDS):
        before = time.process_time()
        for batch in batches:
            work(batch)
        rounds.append(1e6 * (time.process_time() - before) / len(batches) / len(batches[0]))
    return median(rounds)


def normalising(name: str, points: str) -> list[Row]:
    """Normalising alone, with report by exception, and up to the finished JSON."""
    subject = device(points)
    batches, positions = scans(subject), tuple(range(len(subject.points)))
    program, reporter, made = Program(subject, Totals()), Reporter(), Scans(subject, Totals(), ENRICH)

    def told(batch: list[Reading]) -> object:
        return reporter.select(program.scan(positions, batch), batch[0].at_ns)

    return [
        Row(f"{name}: normalised", per_reading(lambda batch: program.scan(positions, batch), batches)),
        Row(f"{name}: and told by exception", per_reading(told, batches)),
        Row(f"{name}: and written as JSON", per_reading(lambda batch: made.make(positions, batch), batches)),
    ]


def bare() -> list[Row]:
    """What a client does that believes everything: unpack, multiply, and dump a dict."""
    layout = struct.Struct(f">{BATCH // 2}h{BATCH // 2}f")
    data = layout.pack(*range(BATCH // 2), *(230.2 + n for n in range(BATCH // 2)))
    names, scales = [f"p{n}" for n in range(BATCH)], [0.1] * (BATCH // 2) + [1.0] * (BATCH // 2)

    def multiplied() -> list[float]:
        return [value * scale for value, scale in zip(layout.unpack(data), scales, strict=True)]

    def dumped() -> str:
        return json.dumps(dict(zip(names, multiplied(), strict=True)))

    batches = [[Reading(n, 0, AT_NS) for n in range(BATCH)]] * SCANS
    return [
        Row("bare client: unpack and multiply", per_reading(lambda _: multiplied(), batches)),
        Row("bare client: and json.dumps", per_reading(lambda _: dumped(), batches)),
    ]


def main() -> None:
    """Print two tables."""
    print(f"\n{'the mapping, CPU':40} {'seconds':>9}")
    for step, seconds in judging():
        print(f"{step:40} {seconds:9.2f}")
    print(f"\n{f'batches of {BATCH} readings':40} {'us/reading':>10}")
    rows = bare()
    for name, points in (("plain", PLAIN), ("nan, enum, deadband", MIXED), ("20 derived", DERIVED)):
        rows += normalising(name, points)
    for row in rows:
        print(f"{row.step:40} {row.us:10.3f}")


if __name__ == "__main__":
    main()
