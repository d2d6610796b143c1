"""Cases as data: a folder holds a foreign configuration, the YAML that it becomes, and what the importer says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapters import modbus, opcua
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Imported
from gateway.mapping.writer import write_devices, write_profile
from gateway.model import RawBlock
from gateway.plant import Plant, read

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One folder."""

    folder: Path

    @property
    def source(self) -> Path:
        """The foreign configuration."""
        (path,) = [path for path in self.folder.iterdir() if path.name not in ("expected.yaml", "found.txt")]
        return path

    def expected(self) -> tuple[list[Any], str]:
        """The profiles and the devices as plain texts, and the findings as they are printed."""
        text = (self.folder / "expected.yaml").read_text()
        # BaseLoader: everything stays text, as in a draft.
        return list(yaml.load_all(text, Loader=yaml.BaseLoader)), (self.folder / "found.txt").read_text()


def cases(importer: str) -> list[Case]:
    """All cases of an importer."""
    return [Case(folder) for folder in sorted((FOLDER / importer).iterdir())]


def plain(imported: Imported) -> tuple[list[Any], str]:
    """An import as a case writes it down."""
    profiles = [_profile(draft) for draft in imported.profiles]
    devices = [
        {
            "schema": "fieldgate/devices/v1",
            "devices": {
                draft.name: {"profile": draft.profile, "connect": draft.connect}
                | ({"note": draft.note} if draft.note else {})
                for draft in imported.devices
            },
        }
    ]
    said = "".join(f"{found}\n" for found in imported.found)
    return profiles + (devices if imported.devices else []), said


def _profile(draft: DraftProfile) -> Mapping[str, Any]:
    named = {"maker": draft.maker, "model": draft.model, "note": draft.note, "defaults": draft.defaults}
    return {
        "schema": "fieldgate/profile/v1",
        "profile": draft.profile,
        "protocol": draft.protocol,
        **{key: value for key, value in named.items() if value},
        **draft.head,
        "points": _points(draft.points),
    }


def _points(points: Sequence[DraftPoint]) -> Mapping[str, Any]:
    return {point.name: point.settings for point in points}


def write(folder: Path, imported: Imported) -> None:
    """Put an import into a plant folder, so that it can be read as every plant is."""
    (folder / "root.pem").touch()
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: g\nstate: s\nupstream: {hub: {kind: iothub, host: a, trust: root.pem}}\n"
    )
    for draft in imported.profiles:
        (folder / f"{draft.profile}.profile.yaml").write_text(write_profile(draft))
    (folder / "all.devices.yaml").write_text(write_devices(imported.devices))


def plant(folder: Path, imported: Imported) -> Plant | None:
    """The plant that an import makes, judged with the real adapters; a profile without a device gets one.

    None where no profile was imported. Raises PlantInvalid.
    """
    devices = list(imported.devices)
    used = {device.profile for device in devices}
    known = {draft.profile: draft.protocol for draft in imported.profiles}
    for number, (name, protocol) in enumerate(known.items()):
        if name not in used:
            address = "tcp://10.0.0.1" if protocol == "modbus" else "opc.tcp://10.0.0.1"
            devices.append(DraftDevice(f"made-up-{number}", name, {protocol: f"{address}:{6000 + number}"}))
    kept = [device for device in devices if device.profile in known]
    if not kept:
        return None
    write(folder, Imported(imported.profiles, kept))
    return read(folder, {"modbus": modbus.ADAPTER, "opcua": opcua.ADAPTER})


def raw_values(plant: Plant | None, data: bytes) -> dict[str, Any]:
    """For the first device, what the Modbus adapter reads from holding registers that begin at 0, by point."""
    assert plant is not None
    assert modbus.ADAPTER.decode is not None
    device = plant.devices[0]
    points = [spec.point for spec in device.points]
    readings = modbus.ADAPTER.decode(points, [RawBlock(device.name, "holding 0", data, 1)])
    return {points[reading.point].name: reading.value for reading in readings}
