"""Plants that are exported to the simulator and read back from it over TCP with the gateway's own adapter."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path
from typing import Any, NamedTuple

from adapters.ble import ADAPTER as BLE
from adapters.modbus import ADAPTER
from adapters.modbus.session import Poller
from adapters.opcua import ADAPTER as OPCUA
from gateway import look
from gateway.mapping.exporters import points as exporter
from gateway.model import Status, Value
from gateway.plant import Plant, read
from simulators.modbus import meaning
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Device, parse
from simulators.modbus.raw import raws

HOST = "127.0.0.64"
GATEWAY = """\
schema: fieldgate/gateway/v1
name: gw1
state: state
upstream: {hub: {kind: iothub, host: hub.example, trust: roots.pem}}
"""


class Read(NamedTuple):
    """One point, as it was played and as it came out."""

    value: Value
    status: Status
    meant: Any
    """What the simulator says a correct client publishes."""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def plant(folder: Path, devices: str, **profiles: str) -> Plant:
    """A plant with these devices (a block of YAML) and profiles (whole files, by name)."""
    (folder / "gateway.yaml").write_text(GATEWAY, encoding="utf-8")
    (folder / "roots.pem").touch()
    (folder / "all.devices.yaml").write_text(f"schema: fieldgate/devices/v1\ndevices:\n{devices}", encoding="utf-8")
    for name, text in profiles.items():
        (folder / f"{name}.profile.yaml").write_text(text, encoding="utf-8")
    return read(folder, {"modbus": ADAPTER, "opcua": OPCUA, "ble": BLE})


def played(of: Plant) -> list[Device]:
    """The devices that a simulator makes of what is exported."""
    return parse(json.dumps(exporter.points(of)).encode()).devices


async def read_back(of: Plant, t_s: float = 28_000_000.0) -> dict[str, dict[str, Read]]:
    """All points of the plant's only line at one time, by device and name; those that lie on others are left out."""
    devices = played(of)
    return await read_from(of, devices, t_s)


async def read_from(of: Plant, devices: list[Device], t_s: float = 28_000_000.0) -> dict[str, dict[str, Read]]:
    """As ``read_back``, of devices that the plant need not know; matched by unit id."""
    memories = {device.unit_id: Memory(device.points) for device in devices}
    held = {device.unit_id: raws(device, t_s) for device in devices}
    for unit, memory in memories.items():
        memory.show(held[unit])
    line = Line(devices[0].line, memories)
    await line.plug()
    poller = Poller([spec.point for device in of.devices for spec in device.points])
    await poller.open()
    try:
        blocks = await poller.look()
    finally:
        await poller.close()
        line.unplug()
    by_unit = {device.unit_id: device for device in devices}
    found = {}
    for described in of.devices:
        device = by_unit[described.connect.unit_id]
        values = look.published(described, ADAPTER, blocks)
        meant = said(device, held[device.unit_id], memories[device.unit_id])
        found[described.name] = {name: Read(*values[name], meant[name]) for name in values if name in meant}
    return found


def said(device: Device, held: list[Any], memory: Memory) -> dict[str, Any]:
    """What the record of the simulator would say."""
    by_name = {point.name: raw for point, raw in zip(device.points, held, strict=True)}
    return {
        point.name: meaning.meaning(point, by_name[point.name], by_name.get(point.scale_from or "", 0))
        for index, point in enumerate(device.points)
        if index not in memory.covered
    }


def agrees(read: Read) -> bool:
    """Whether what came out is what was played; a float32 is its shortest text only when it is written."""
    value = list(read.value) if isinstance(read.value, tuple) else read.value
    if isinstance(value, float) and isinstance(read.meant, float) and value != read.meant:
        return struct.pack(">f", value) == struct.pack(">f", read.meant)
    return bool(value == read.meant)
