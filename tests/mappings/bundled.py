"""Plants made of bundled profiles: one device of each, or one of a single profile."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway import plugins
from gateway.mapping.diagnostics import Report
from gateway.mapping.folder import Files
from gateway.mapping.library import Library
from gateway.mapping.profiles import Profile
from gateway.mapping.units import BUILT_IN
from gateway.plant import Device, Plant, bundled_profiles, read

CONNECT: dict[str, dict[str, Any]] = {
    "modbus": {"modbus": "tcp://127.0.0.1", "unit_id": 1},
    "opcua": {"opcua": "opc.tcp://127.0.0.1:4840"},
    "ble": {"ble": "CB:B8:33:4C:88:4F"},
}
"""A device's place by protocol, where it does not matter."""


def profiles() -> dict[str, Profile]:
    """All bundled profiles by name, without a mistake in them."""
    report = Report()
    files = Files(report)
    bundled = bundled_profiles()
    adapters = plugins.find().adapters
    library = Library(bundled, lambda path: files.block(path, "profile"), adapters, BUILT_IN, report)
    found = library.named(bundled)
    assert report.sorted() == ()
    return found


def device(folder: Path, profile: str, connect: Mapping[str, Any], variant: str = "") -> Device:
    """One device of a profile, read as a plant would read it."""
    (found,) = plant(folder, [("d1", {"profile": profile, "variant": variant, "connect": dict(connect)})]).devices
    return found


def plant(folder: Path, devices: Iterable[tuple[str, Mapping[str, Any]]]) -> Plant:
    """A plant with these devices by name, written into the folder; raises PlantInvalid."""
    (folder / "root.pem").touch()
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: g\nstate: s\nupstream: {hub: {kind: iothub, host: a, trust: root.pem}}\n"
    )
    # JSON is YAML, and its texts are always in quotes; what is empty is left out.
    lines = [f"  {name}: {json.dumps({key: value for key, value in said.items() if value})}" for name, said in devices]
    (folder / "all.devices.yaml").write_text("schema: fieldgate/devices/v1\ndevices:\n" + "\n".join(lines) + "\n")
    return read(folder, plugins.find().adapters)
