"""A plant folder with one Modbus device behind it that really answers, for commands that run a loop of their own."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.adapters.modbus.device import Device, Unit

PROFILE = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
maker: ACME
model: PM1
defaults: {table: input, every: 1s}
points:
  voltage: {at: 0, type: uint16, scale: 0.1, unit: V}
  power: {at: 1, type: float32, unit: W}
  state: {at: 3, enum: {0: off, 1: running}}
  energy: {at: 4, type: uint32, order: CDAB, unit: kWh, kind: counter, every: 60s}
derived:
  load: {expr: power / 1000, unit: kW}
"""
DEVICES = """\
schema: fieldgate/devices/v1
devices:
  press-7:
    profile: acme-pm1
    connect: {{modbus: "{endpoint}", unit_id: 7, timeout: 200ms}}
"""
GATEWAY = """\
schema: fieldgate/gateway/v1
name: gw-1
state: state
upstream:
  hub: {kind: iothub, host: localhost, trust: hub.pem, tier: S1}
"""


def plant(folder: Path, endpoint: str, profile: str = PROFILE) -> Path:
    """The folder, with these files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gateway.yaml").write_text(GATEWAY)
    (folder / "hub.pem").write_text("")
    (folder / "acme-pm1.profile.yaml").write_text(profile)
    (folder / "hall.devices.yaml").write_text(DEVICES.format(endpoint=endpoint))
    return folder


def meter() -> Unit:
    """230.2 V, 1520.5 W, running, 70000 kWh with the registers swapped."""
    unit = Unit()
    data = struct.pack(">HfH", 2302, 1520.5, 1) + bytes.fromhex("11700001")
    unit.put(4, 0, data)
    return unit


@contextmanager
def field() -> Iterator[Device]:
    """The device on loopback, in a thread of its own."""
    device = Device({7: meter()})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(device.plug(), loop).result(5)
    try:
        yield device
    finally:
        asyncio.run_coroutine_threadsafe(device.unplug(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
