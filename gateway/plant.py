"""A plant folder read into one typed, validated Plant: assets, profiles, devices, settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from gateway.adapter import Adapter
from gateway.mapping import appliance, assets, devices, profiles
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.document import NAME
from gateway.mapping.folder import GATEWAY, Files, check, whole
from gateway.mapping.spec import Asset, Device, Gateway, Plant, PointSpec
from gateway.values import quote

__all__ = ["MAPPINGS", "Asset", "Device", "Gateway", "Plant", "PlantInvalid", "PointSpec", "bundled_profiles", "read"]

MAPPINGS = Path(__file__).parent.parent / "mappings"
"""The bundled profiles, the example and the starter plant."""

Adapters: TypeAlias = Mapping[str, Adapter[Any, Any]]
"""By protocol."""


class PlantInvalid(Exception):
    """A plant folder that cannot be run; ``diagnostics`` says all that is wrong with it, warnings included."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = diagnostics


def read(folder: Path, adapters: Adapters) -> Plant:
    """The plant in a folder, judged whole; touches no network. Raises PlantInvalid."""
    report = Report()
    check(folder, report)
    if report.errors:
        raise PlantInvalid(report.sorted())
    files = Files(report)
    settings = _appliance(folder, files, report)
    bundled = bundled_profiles()
    site = _site_profiles(files, adapters, report)
    known = devices.Known(
        profiles=_with_bundled(site, bundled, files, adapters, report),
        profile_names=frozenset(site.keys() | bundled.keys() | files.profile_names),
        all_profiles="profile" not in files.broken,
        assets=assets.read(files.blocks["assets"], report),
        all_assets="assets" not in files.broken,
    )
    found = devices.read(files.blocks["devices"], known, report)
    if not found and not report.errors:
        hint = "describe them in a file *.devices.yaml; fieldgate init DIR writes an example"
        report.error(whole(folder), "P06", "this plant has no devices", hint)
    if settings is None or report.errors:
        raise PlantInvalid(report.sorted())
    return Plant(folder, settings.name, settings, found, report.sorted())


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


def _site_profiles(files: Files, adapters: Adapters, report: Report) -> dict[str, profiles.Profile]:
    """The plant's own profiles by name."""
    found: dict[str, profiles.Profile] = {}
    for block in files.blocks["profile"]:
        profile = profiles.read(block, adapters, report)
        if profile is None or not NAME.fullmatch(profile.name):
            files.broken.add("profile")
        elif profile.name in found:
            other = found[profile.name].place
            text = f"profile {quote(profile.name)} is also defined in {other.file}:{other.line}"
            report.error(profile.place, "F03", text, "delete or rename one of the two")
        else:
            found[profile.name] = profile
    return found


def _with_bundled(
    site: Mapping[str, profiles.Profile], bundled: Mapping[str, Path], files: Files, adapters: Adapters, report: Report
) -> dict[str, profiles.Profile]:
    """The profiles that the devices may name; of the bundled ones only those that are named are read."""
    found = dict(site)
    for name in site.keys() & bundled.keys():
        text = f"profile {quote(name)} is also bundled with Fieldgate; the one of this plant is used"
        report.warning(site[name].place, "F03", text, "give it a name of its own where that is not meant")
    for name in sorted((devices.named_profiles(files.blocks["devices"]) & bundled.keys()) - site.keys()):
        block = files.block(bundled[name], "profile")
        profile = profiles.read(block, adapters, report) if block is not None else None
        if profile is not None:
            found[name] = profile
    return found
