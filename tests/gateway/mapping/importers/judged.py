"""Imports whose profiles are judged as those of a plant."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapters.modbus import ADAPTER
from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.draft import DraftDevice, DraftProfile, Imported
from gateway.mapping.importers.registers import import_registers
from gateway.mapping.writer import write_devices, write_profile
from gateway.plant import read
from tests.gateway.mapping.importers.lists import options
from tests.gateway.mapping.plants import FILES


def imported(path: Path, **changes: Any) -> Imported:
    """The import of a file, whose profiles were judged."""
    found = import_registers(path, options(**changes))
    for draft in found.profiles:
        judge(draft)
    return found


def judge(draft: DraftProfile) -> tuple[Diagnostic, ...]:
    """Fails where a plant with such a device has a mistake; its warnings."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "draft.profile.yaml").write_text(write_profile(draft), encoding="utf-8")
        device = DraftDevice("d", draft.profile, {"modbus": "tcp://10.0.0.1"})
        (folder / "a.devices.yaml").write_text(write_devices([device]), encoding="utf-8")
        (folder / "gateway.yaml").write_text(FILES["gateway.yaml"], encoding="utf-8")
        (folder / "root.pem").write_text("", encoding="utf-8")
        plant = read(folder, {"modbus": ADAPTER})
    assert len(plant.devices[0].points) == len(draft.points)
    return plant.warnings
