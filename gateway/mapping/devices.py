"""The devices judged: each with its profile, its asset, its connection and an identity that nobody else has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel, BeforeValidator

from gateway.adapter import Adapter
from gateway.mapping.diagnostics import Place, Report, did_you_mean
from gateway.mapping.document import IDENTITY, IDENTITY_HINT, DeviceSettings, DevicesFile
from gateway.mapping.judge import Owner, child, judge
from gateway.mapping.load import Block
from gateway.mapping.profiles import Profile
from gateway.mapping.spec import Asset, Device, PointSpec
from gateway.model import Point
from gateway.values import quote, seconds


@dataclass(frozen=True, slots=True)
class Known:
    """What a device may name."""

    profiles: Mapping[str, Profile]
    profile_names: frozenset[str]
    """Also of profiles with mistakes so grave that nothing else of them is known."""
    assets: Mapping[str, Asset]
    all_profiles: bool
    """False where a file could not be read: what it held is not known, so nothing is said of missing ones."""
    all_assets: bool


class _Entry(NamedTuple):
    """A device as it stands in a file."""

    name: str
    place: Place
    block: Block
    settings: DeviceSettings


def read(blocks: Sequence[Block], known: Known, report: Report) -> tuple[Device, ...]:
    """All devices without mistakes, in the order of the files. One block for each file."""
    entries = [entry for block in blocks for entry in _entries(block, report)]
    entries = _once(entries, report)
    devices = [(entry, _device(entry, known, report)) for entry in entries]
    sound = [(entry, device) for entry, device in devices if device is not None]
    _check_addresses(sound, report)
    return tuple(device for _, device in sound)


def named_profiles(blocks: Sequence[Block]) -> set[str]:
    """The profiles that devices name, whatever else is wrong with them."""
    found = set()
    for block in blocks:
        devices = block.get("devices")
        own = devices.values() if isinstance(devices, Block) else ()
        found |= {str(device["profile"]).strip() for device in own if isinstance(device, Block) and "profile" in device}
    return found


def _entries(block: Block, report: Report) -> list[_Entry]:
    judge(DevicesFile, block, Owner("this file", block.place), report)
    devices = block.get("devices")
    if not isinstance(devices, Block):
        return []
    found = []
    for name, place in devices.keys_at.items():
        own = child(devices, name, report)
        if own is None:
            continue
        settings = judge(DeviceSettings, own, Owner(quote(name), place), report)
        if not IDENTITY.fullmatch(name):
            report.error(place, "M18", f"{quote(name)} is not a valid name for a device", IDENTITY_HINT)
        if settings is not None:
            found.append(_Entry(name, place, own, settings))
    return found


def _once(entries: Sequence[_Entry], report: Report) -> list[_Entry]:
    """Without those whose name (D01) or identity (D09) another one has already."""
    names: dict[str, _Entry] = {}
    identities: dict[str, _Entry] = {}
    for entry in entries:
        if entry.name in names:
            other = _where(names[entry.name].place)
            text = f"device {quote(entry.name)} is defined twice; the other one is {other}"
            report.error(entry.place, "D01", text, "delete or rename one of the two")
            continue
        names[entry.name] = entry
        own = entry.settings.identity or entry.name
        if own in identities:
            holder = identities[own]
            text = f"{entry.name} has the identity {quote(own)}, which {holder.name} has too ({_where(holder.place)})"
            place = entry.block.values_at.get("identity", entry.place)
            report.error(place, "D09", text, "give each device an identity of its own")
        identities.setdefault(own, entry)
    return list(names.values())


def _device(entry: _Entry, known: Known, report: Report) -> Device | None:
    settings = entry.settings
    profile = _profile(entry, known, report)
    asset = known.assets.get(settings.asset)
    if settings.asset and asset is None and known.all_assets:
        text = f"there is no asset {quote(settings.asset)}"
        hint = did_you_mean(settings.asset, known.assets, otherwise="add it to a file *.assets.yaml")
        report.error(entry.block.values_at["asset"], "D03", text, hint)
    if profile is None or profile.adapter is None:
        return None
    connect = _connect(entry, profile, profile.adapter, report)
    if connect is None or not profile.sound:
        return None
    points = tuple(
        PointSpec(
            point=Point(entry.name, connect, point.name, point.address, point.every_s),
            unit=point.unit,
            scale=point.scale,
            offset=point.offset,
            nan=point.nan,
            single=point.single,
        )
        for point in profile.points
    )
    _check_points(points, profile, profile.adapter, report)
    return Device(
        name=entry.name,
        identity=settings.identity or entry.name,
        profile=profile.name,
        protocol=profile.protocol,
        asset=asset,
        connect=connect,
        line=profile.adapter.line(connect),
        points=points,
    )


def _profile(entry: _Entry, known: Known, report: Report) -> Profile | None:
    name = entry.settings.profile
    profile = known.profiles.get(name)
    if profile is None and name not in known.profile_names and known.all_profiles:
        text = f"there is no profile {quote(name)}"
        otherwise = f"there are: {', '.join(sorted(known.profile_names))}"
        hint = did_you_mean(name, sorted(known.profile_names), otherwise=otherwise)
        report.error(entry.block.values_at["profile"], "D02", text, hint)
    return profile


def _connect(entry: _Entry, profile: Profile, adapter: Adapter[Any, Any], report: Report) -> BaseModel | None:
    block = entry.block["connect"]
    if not isinstance(block, Block):
        return None
    place = entry.block.keys_at["connect"]
    if profile.protocol in adapter.settings.model_fields and profile.protocol not in block:
        uses = f"{entry.name} uses the {profile.protocol} profile {quote(profile.name)}"
        text = f'{uses}, but connect: has no "{profile.protocol}"'
        report.error(place, "D04", text, f"add  {profile.protocol}: ...")
        return None
    connect: BaseModel | None = judge(adapter.settings, block, Owner('"connect"', place), report)
    return connect


def _check_points(points: Sequence[PointSpec], profile: Profile, adapter: Adapter[Any, Any], report: Report) -> None:
    """What the adapter finds, at the setting that it names."""
    for finding in adapter.check([spec.point for spec in points]):
        point = profile.points[finding.point]
        say = report.warning if finding.warning else report.error
        say(point.places.get(finding.key, point.place), finding.code, finding.text, finding.hint)


def _check_addresses(devices: Sequence[tuple[_Entry, Device]], report: Report) -> None:
    """Two devices at one address (D05)."""
    taken: dict[tuple[str, str, str], _Entry] = {}
    for entry, device in devices:
        address = _address(device.connect)
        key = (device.protocol, device.line, repr(address))
        if key not in taken:
            taken[key] = entry
            continue
        other = taken[key]
        same_file = other.place.file == entry.place.file
        where = f"line {other.place.line}" if same_file else _where(other.place)
        rest = "".join(f", {name} {value}" for name, value in address.items() if name != device.protocol)
        endpoint = address.get(device.protocol, device.line)
        text = f"{entry.name} and {other.name} ({where}) have the same address {endpoint}{rest}"
        report.error(entry.block.keys_at["connect"], "D05", text, "two devices cannot share one address")


def _address(connect: BaseModel) -> dict[str, Any]:
    """The settings that tell devices apart: a timeout is none of them."""
    times = {
        name
        for name, field in type(connect).model_fields.items()
        if any(isinstance(part, BeforeValidator) and part.func is seconds for part in field.metadata)
    }
    return connect.model_dump(mode="json", exclude=times)


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}"
