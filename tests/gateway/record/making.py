"""Scans of the press of ``tests.gateway.field`` as they are recorded, and plants that describe it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from gateway import plugins
from gateway.model import Quality, RawBlock, Status
from gateway.plant import Device, Plant, read
from gateway.record.frames import Scan
from gateway.record.plants import Packed, pack
from gateway.record.ring import Ring
from tests.gateway.field import PROFILE, plant

ADAPTERS = plugins.find().adapters
MODBUS = ADAPTERS["modbus"]
DEVICE = "press-7"
AT_NS = 1_796_000_000_000_000_000
"""2026-11-30."""
S = 1_000_000_000
FAST, SLOW = (0, 1, 2), (3,)
"""voltage, power, state; energy."""
WRONG = PROFILE.replace("power: {at: 1, type: float32", "power: {at: 1, type: float32, order: CDAB")
"""The power is read with its registers swapped."""
ILLEGAL = Status(Quality.BAD, "exception 2: illegal data address", 2)


def kept(folder: Path, profile: str = PROFILE, endpoint: str = "tcp://127.0.0.1:1") -> Path:
    """The plant's folder; the press is recorded."""
    plant(folder, endpoint, profile)
    path = folder / "hall.devices.yaml"
    path.write_text(path.read_text().replace("profile: acme-pm1\n", "profile: acme-pm1\n    record: 24h\n"))
    return folder


def described(folder: Path, profile: str = PROFILE) -> Plant:
    return read(kept(folder, profile), ADAPTERS)


def press(folder: Path, profile: str = PROFILE) -> Device:
    return described(folder, profile).devices[0]


def fast(second: float, *, voltage: int = 2302, power: float = 1520.5, state: int = 1) -> Scan:
    """What is read once a second."""
    return scan(FAST, second, ("input 0..3", struct.pack(">HfH", voltage, power, state)))


def slow(second: float, energy: int = 70_000) -> Scan:
    """What is read once a minute: registers swapped, as the mapping says."""
    return scan(SLOW, second, ("input 4..5", struct.pack(">HH", energy & 0xFFFF, energy >> 16)))


def refused(second: float) -> Scan:
    return Scan(FAST, (RawBlock(DEVICE, "input 0..3", b"", at(second), ILLEGAL),))


def scan(positions: tuple[int, ...], second: float, *blocks: tuple[str, bytes]) -> Scan:
    return Scan(positions, tuple(RawBlock(DEVICE, key, data, at(second)) for key, data in blocks))


def at(second: float) -> int:
    return AT_NS + round(second * S)


def record(state: Path, made: Plant, scans: Iterable[Scan]) -> Packed:
    """Write them as a gateway with this plant would have, each at its time."""
    ring, packed = Ring(state / "record", free_bytes=0), pack(made)
    for one in scans:
        ring.append(DEVICE, packed, [one], one.at_ns)
    return packed
