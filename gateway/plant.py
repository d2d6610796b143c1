"""A plant folder read into one typed, validated Plant: assets, profiles, devices, settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from gateway.adapter import Adapter
from gateway.mapping import appliance, assets, devices, site_units
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.folder import GATEWAY, Files, check, whole
from gateway.mapping.library import Library
from gateway.mapping.spec import Asset, Buffering, Device, Enrichment, From, Gateway, Plant, PointSpec
from gateway.mapping.units import BUILT_IN

__all__ = [
    "MAPPINGS",
    "Asset",
    "Buffering",
    "Device",
    "Diagnostic",
    "Enrichment",
    "From",
    "Gateway",
    "Plant",
    "PlantInvalid",
    "PointSpec",
    "Summary",
    "bundled_profiles",
    "by_line",
    "gateway",
    "read",
    "state_directory",
    "summaries",
]

MAPPINGS = Path(__file__).parent.parent / "mappings"
"""The bundled profiles, the example and the starter plant."""

Adapters: TypeAlias = Mapping[str, Adapter[Any, Any]]
"""By protocol."""


class PlantInvalid(Exception):
    """A plant folder that cannot be run; ``diagnostics`` says all that is wrong with it, warnings included."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = diagnostics


def read(folder: Path, adapters: Adapters, bundled: Mapping[str, Path] | None = None) -> Plant:
    """The plant in a folder, judged whole; touches no network. Raises PlantInvalid.

    ``bundled``: the files of these profiles, instead of those that come with this version.
    """
    report = Report()
    check(folder, report)
    if report.errors:
        raise PlantInvalid(report.sorted())
    files = Files(report)
    settings = _appliance(folder, files, report)
    bundled = bundled_profiles() if bundled is None else bundled
    units = site_units.read(files.blocks["units"], report)
    if "units" in files.broken:
        report.mute("M12", "R05", "R10")
    library = Library(bundled, lambda path: files.block(path, "profile"), adapters, units, report)
    complete = "profile" not in files.broken
    library.add(files.blocks["profile"], files.profile_names, complete=complete)
    registry, all_paths = assets.read(files.blocks["assets"], report)
    known = devices.Known(
        profiles=library.named(devices.named_profiles(files.blocks["devices"])),
        profile_names=frozenset({*library.names, *files.profile_names}),
        all_profiles=complete and not library.unnamed,
        assets=registry,
        all_assets=all_paths and "assets" not in files.broken,
        varied=library.variant,
        units=units,
        unread=files.unread,
    )
    found = devices.read(files.blocks["devices"], known, report)
    if not found and not report.errors:
        hint = "describe them in a file *.devices.yaml; fieldgate init DIR writes an example"
        report.error(whole(folder), "P06", "this plant has no devices", hint)
    if settings is None or report.errors:
        raise PlantInvalid(report.sorted())
    return Plant(folder, settings.name, settings, found, report.sorted(), known.secrets, units, files.texts)


def state_directory(folder: Path) -> Path:
    """Where the plant's gateway keeps its data, by gateway.yaml alone: other files may have mistakes just now.

    Raises PlantInvalid where that cannot be known.
    """
    report = Report()
    check(folder, report)
    block = Files(report).block(folder / GATEWAY, "gateway") if not report.errors else None
    found = appliance.state(block, folder) if block is not None else None
    if found is None:
        report.error(
            whole(folder / GATEWAY), "M02", 'this file has no "state" (a folder for keys, ...)', "add  state: ..."
        )
        raise PlantInvalid(report.sorted())
    return found


def gateway(folder: Path) -> Gateway:
    """What gateway.yaml says, whatever other files say. Raises PlantInvalid where it has mistakes itself."""
    report = Report()
    check(folder, report)
    block = Files(report).block(folder / GATEWAY, "gateway") if not report.errors else None
    found = appliance.read(block, folder, report) if block is not None else None
    if found is None or report.errors:
        raise PlantInvalid(report.sorted())
    return found


def bundled_profiles() -> dict[str, Path]:
    """The files of the profiles that come with Fieldgate, by profile. Raises PlantInvalid where they are missing."""
    folder, ending = MAPPINGS / "profiles", ".profile.yaml"
    found = {path.name.removesuffix(ending): path for path in sorted(folder.glob(f"*{ending}"))}
    if not found:
        report = Report()
        report.error(whole(folder), "P07", "the bundled profiles are missing", "install Fieldgate again")
        raise PlantInvalid(report.sorted())
    return found


def _appliance(folder: Path, files: Files, report: Report) -> Gateway | None:
    """The settings in ``gateway.yaml``; with them ``files`` knows where no plant file lies, and reads all others."""
    block = files.block(folder / GATEWAY, "gateway")
    if block is None:
        files.gather(folder, None)
        return None
    files.gather(folder, appliance.state(block, folder))
    settings = appliance.read(block, folder, report)
    if settings is not None:
        appliance.check_trust(block, settings, report)
    return settings


def by_line(plant: Plant) -> dict[str, list[Device]]:
    """The devices of each line, lines and devices in the order of the files."""
    lines: dict[str, list[Device]] = {}
    for device in plant.devices:
        lines.setdefault(device.line, []).append(device)
    return lines


class Summary(NamedTuple):
    """A profile in one line."""

    name: str
    protocol: str
    maker: str
    model: str
    points: int
    variants: tuple[str, ...]


def summaries(files: Mapping[str, Path], adapters: Adapters) -> list[Summary]:
    """What the profiles in these files are, by name; those with mistakes are left out."""
    report = Report()
    reader = Files(report)
    library = Library(files, lambda path: reader.block(path, "profile"), adapters, BUILT_IN, report)
    found = []
    for name in sorted(files):
        profile = library.profile(name)
        if profile is not None and profile.sound:
            points = len(profile.points) + len(profile.derived)
            found.append(Summary(name, profile.protocol, profile.maker, profile.model, points, profile.variants))
    return found
