"""Plants and profiles for the exporters."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import adapters.ble
import adapters.modbus
import adapters.opcua
from adapters.modbus.settings import Address, Connect
from adapters.opcua import settings as opcua
from adapters.opcua.nodes import parse as node
from gateway.mapping.diagnostics import Report
from gateway.mapping.load import Block, Items, Node, parse
from gateway.mapping.spec import Asset, Buffering, DerivedSpec, Device, Gateway, Plant, PointSpec
from gateway.model import Point
from gateway.plant import read

PROFILES = sorted((Path(__file__).parents[4] / "mappings" / "profiles").glob("*.profile.yaml"))
"""The bundled ones."""


def plant(*devices: Device) -> Plant:
    """A plant with these devices, on the gateway gw1."""
    folder = Path("plant")
    gateway = Gateway("gw1", folder, "hub", "hub.example", 8883, (), Buffering(), "info")
    return Plant(folder, "gw1", gateway, devices, ())


def meter(*points: PointSpec, derived: tuple[DerivedSpec, ...] = (), name: str = "meter-1", **more: Any) -> Device:
    """A Modbus device; ``more`` replaces fields of Device."""
    connect = Connect(modbus="tcp://10.20.0.15:502", unit_id=7, timeout=1.0)
    asset = Asset("acme/mcc1", "Main supply", "ABB", "B23")
    fields: dict[str, Any] = {"protocol": "modbus", "profile": "abb-b-series", "connect": connect, "asset": asset}
    fields |= {"identity": name, "line": "tcp://10.20.0.15:502"}
    return Device(name=name, points=points, derived=derived, **(fields | more))


def filler(*points: PointSpec, **connect: Any) -> Device:
    """An OPC UA device."""
    settings = opcua.Connect.model_validate({"opcua": "opc.tcp://10.20.0.30:4840/UA", **connect})
    return meter(
        *points, name="filler-01", protocol="opcua", profile="acme-filler", connect=settings, asset=None, line="ua"
    )


def register(name: str, address: Mapping[str, Any], every_s: float = 5.0, **meaning: Any) -> PointSpec:
    """A point of a Modbus device; ``meaning``: fields of PointSpec."""
    return _spec(name, Address.model_validate(address), every_s, meaning)


def variable(name: str, text: str, every_s: float = 5.0, **meaning: Any) -> PointSpec:
    """A point of an OPC UA device; ``m`` stands for the namespace urn:acme."""
    return _spec(name, opcua.NodeAddress(node=text, id=node(text, {"m": "urn:acme"})), every_s, meaning)


def _spec(name: str, address: Any, every_s: float, meaning: Mapping[str, Any]) -> PointSpec:
    exact = {key: Fraction(meaning[key]) for key in ("scale", "offset", "factor", "shift") if key in meaning}
    point: Point[Any, Any] = Point("d", None, name, address, every_s)
    return PointSpec(point, **({"unit": ""} | dict(meaning) | exact))


def block(text: str) -> Block:
    """A profile file that is right."""
    report = Report()
    tree = parse(text, "own.profile.yaml", report)
    assert not report.sorted()
    assert isinstance(tree, Block)
    return tree


def bare(node: Node) -> Any:
    """A tree without its places."""
    if isinstance(node, Block):
        return {name: bare(value) for name, value in node.items()}
    return [bare(value) for value in node] if isinstance(node, Items) else node


_CONNECT = {
    "modbus": "modbus: 'tcp://10.20.0.15:502', unit_id: {number}",
    "opcua": "opcua: 'opc.tcp://10.20.{high}.{low}:4840'",
    "ble": "ble: 'CB:B8:33:4C:{high:02X}:{low:02X}'",
}


def bundled(folder: Path) -> Plant:
    """A plant with a device of every bundled profile, and of every variant of it; written into the folder."""
    profiles = {str(profile["profile"]): profile for profile in (block(path.read_text("utf-8")) for path in PROFILES)}
    lines = ["schema: fieldgate/devices/v1", "devices:"]
    number = 0
    for profile in profiles.values():
        below = profile
        while "protocol" not in below:
            below = profiles[str(below["extends"])]
        variants = profile.get("variants")
        for variant in ["", *(variants if isinstance(variants, Block) else [])]:
            number += 1
            connect = _CONNECT[str(below["protocol"])].format(number=number, high=number // 256, low=number % 256)
            chosen = f", variant: {variant}" if variant else ""
            lines.append(f"  d{number}: {{profile: {profile['profile']}{chosen}, connect: {{{connect}}}}}")
    hub = "{hub: {kind: iothub, host: hub.example, trust: roots.pem}}"
    gateway = f"schema: fieldgate/gateway/v1\nname: gw1\nstate: state\nupstream: {hub}\n"
    (folder / "gateway.yaml").write_text(gateway, encoding="utf-8")
    (folder / "all.devices.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read(
        folder, {"modbus": adapters.modbus.ADAPTER, "opcua": adapters.opcua.ADAPTER, "ble": adapters.ble.ADAPTER}
    )
