"""The devices judged: each with its profile, its asset, its connection and an identity that nobody else has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, BeforeValidator

from gateway.adapter import Adapter
from gateway.mapping import shared_lines
from gateway.mapping.changes import changed
from gateway.mapping.diagnostics import Place, Report, did_you_mean
from gateway.mapping.document import IDENTITY, IDENTITY_HINT, NAME, DeviceSettings, DevicesFile, legal
from gateway.mapping.folder import renamed
from gateway.mapping.judge import Owner, child, judge, names, not_indented
from gateway.mapping.load import Block
from gateway.mapping.points import ProfilePoint
from gateway.mapping.profiles import Profile
from gateway.mapping.spec import Asset, Device, From, PointSpec
from gateway.mapping.units import Units
from gateway.model import Point
from gateway.values import Secret, quote, seconds


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
    varied: Callable[[str, str], Profile | None]
    """A profile's variant, by the names of both; it is there."""
    units: Units
    unread: Sequence[Path] = ()
    """Files that were probably meant to be read."""
    secrets: dict[str, Place] = field(default_factory=dict)
    """Those that are named, with the places; filled while the devices are read."""


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
    _check_addresses(sound, known, report)
    _check_lines(sound, known, report)
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
    stray = not_indented(devices, names(DeviceSettings))
    for name, place in devices.keys_at.items():
        if name in stray:
            continue  # the device that it was meant for is told to be empty
        own = child(devices, name, report)
        if own is None:
            continue
        settings = judge(DeviceSettings, own, Owner(quote(name), place), report)
        if not IDENTITY.fullmatch(name):
            report.error(place, "M18", f"{quote(name)} is not a valid name for a device", legal(name, IDENTITY_HINT))
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
        hint = report.did_you_mean(settings.asset, known.assets.keys(), otherwise="add it to a file *.assets.yaml")
        report.error(entry.block.values_at["asset"], "D03", text, hint)
    if profile is None or profile.adapter is None:
        return None
    connect = _connect(entry, profile, profile.adapter, known, report)
    before = report.errors
    points, derived = changed(profile, entry.block.get("change"), known.units, report, variant=settings.variant)
    if connect is None or not profile.sound or report.errors != before:
        return None
    _check_sources(entry, asset, {p.spec.point.name for p in points} | {d.spec.name for d in derived}, report)
    specs = _specs(entry.name, connect, points)
    _check_points(specs, points, entry, profile.adapter, report)
    if settings.record is not None and profile.adapter.decode is None:
        text = f"{entry.name} is not recorded: nothing could read it again, as its adapter ({profile.protocol}) cannot"
        report.warning(entry.block.keys_at["record"], "D14", text, "leave it out")
    return Device(
        name=entry.name,
        identity=settings.identity or entry.name,
        profile=profile.name,
        protocol=profile.protocol,
        asset=asset,
        connect=connect,
        line=profile.adapter.line(connect),
        points=specs,
        derived=tuple(point.spec for point in derived),
        variant=settings.variant,
        context=settings.context,
        record_s=settings.record,
    )


def _specs(device: str, connect: BaseModel, points: Sequence[ProfilePoint]) -> tuple[PointSpec, ...]:
    """The profile's points as those of one device."""
    index = {point.spec.point.name: number for number, point in enumerate(points)}
    return tuple(
        replace(
            point.spec,
            point=Point(device, connect, point.spec.point.name, point.spec.point.address, point.spec.point.every_s),
            scale_from=index.get(point.scale_from),
        )
        for point in points
    )


def _check_sources(entry: _Entry, asset: Asset | None, points: set[str], report: Report) -> None:
    """Report texts that come from a point that the device has not (D10)."""
    texts = [(entry.name, name, text) for name, text in entry.settings.context.items()]
    if asset is not None:
        own = {"name": asset.name, "maker": asset.maker, "model": asset.model, "serial": asset.serial, **asset.tags}
        texts += [(f"the asset of {entry.name}", name, text) for name, text in own.items()]
    for owner, name, text in texts:
        if not isinstance(text, From) or text.point in points:
            continue
        place = text.place or entry.place
        report.share([place])  # an asset can be that of several devices
        sentence = f"{owner} takes {quote(name)} from the point {quote(text.point)}, which the device has not"
        hint = report.did_you_mean(text.point, points, otherwise="name one of its points")
        report.error(place, "D10", sentence, hint)


def _profile(entry: _Entry, known: Known, report: Report) -> Profile | None:
    name, variant = entry.settings.profile, entry.settings.variant
    profile = known.profiles.get(name)
    if profile is None:
        if name not in known.profile_names and known.all_profiles:
            text = f"there is no profile {quote(name)}"
            hint = _unread(name, known, report)
            report.error(entry.block.values_at["profile"], "D02", text, hint)
        return None
    if not variant:
        return profile
    if variant not in profile.variants:
        if profile.known is None or not profile.known.complete or not all(map(NAME.fullmatch, profile.variants)):
            return None  # it may stand in what cannot be read, or be one of those with a wrong name
        text = f"profile {quote(name)} has no variant {quote(variant)}"
        there = f"there are: {', '.join(profile.variants)}" if profile.variants else "leave it out"
        report.error(
            entry.block.values_at["variant"], "D11", text, did_you_mean(variant, profile.variants, otherwise=there)
        )
        return None
    return known.varied(name, variant)


def _unread(profile: str, known: Known, report: Report) -> str:
    """What to do about a profile that is not there: it may stand in a file that was not read."""
    files = {renamed(path): path.name for path in known.unread if renamed(path).endswith(".profile.yaml")}
    own = [name for name in files if name.casefold() == f"{profile}.profile.yaml"]
    advice = [f"{files[name]} was not read: rename it to {name}" for name in own or files]
    if own:
        return advice[0]
    otherwise = advice[0] if advice else "fieldgate profiles lists those that there are"
    return report.did_you_mean(profile, known.profile_names, otherwise=otherwise)


def _connect(
    entry: _Entry, profile: Profile, adapter: Adapter[Any, Any], known: Known, report: Report
) -> BaseModel | None:
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
    known.secrets.update(secrets(block))
    return connect


def secrets(block: Block) -> dict[str, Place]:
    """The secrets that settings name, with their places."""
    found: dict[str, Place] = {}
    for name, node in block.items():
        if name == "secret" and isinstance(node, str):
            found[node] = block.values_at[name]
        elif isinstance(node, Block):
            found |= secrets(node)
    return found


def _check_points(
    specs: Sequence[PointSpec],
    points: Sequence[ProfilePoint],
    entry: _Entry,
    adapter: Adapter[Any, Any],
    report: Report,
) -> None:
    """What the adapter finds, at the setting that it names; ``connect.x`` is a setting of the device's ``connect:``."""
    connect = entry.block["connect"]
    written = {point.spec.point.name: point.written for point in points}
    for finding in adapter.check([spec.point for spec in specs]):
        point = points[finding.point]
        if finding.own and finding.key not in point.block:
            continue
        say = report.warning if finding.warning else report.error
        place = _stands_at(finding.key, point)
        owner, _, key = finding.key.partition(".")
        if owner == "connect" and isinstance(connect, Block):
            place = connect.values_at.get(key, entry.block.keys_at["connect"])
        named = [name for name in re.findall("[a-z0-9_]+", finding.text) if written.get(name) == point.written]
        if len(set(named)) > 1:
            report.share([place])  # two copies of one point, told of the first two
            say(place, finding.code, finding.text, finding.hint)
            continue
        with report.naming(point.spec.point.name, point.written):
            say(place, finding.code, finding.text, finding.hint)


def _stands_at(key: str, point: ProfilePoint) -> Place:
    """Where a setting of a point stands; in the defaults it is that of all points."""
    return point.merged.values_at[key] if key in point.merged else point.place


def _check_addresses(devices: Sequence[tuple[_Entry, Device]], known: Known, report: Report) -> None:
    """Two devices at one address (D05)."""
    taken: dict[tuple[str, ...], _Entry] = {}
    for entry, device in devices:
        adapter = known.profiles[device.profile].adapter
        address = _address(device.connect, adapter.apart if adapter is not None else ())
        # Machines behind one server are told apart by their nodes; the same nodes twice are one machine.
        nodes = (device.profile, device.variant) if adapter is not None and adapter.shared else ()
        key = (device.protocol, device.line, repr(address), *nodes)
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


def _check_lines(devices: Sequence[tuple[_Entry, Device]], known: Known, report: Report) -> None:
    members = []
    for entry, device in devices:
        adapter, block = known.profiles[device.profile].adapter, entry.block["connect"]
        if adapter is not None and isinstance(block, Block):
            at = entry.block.keys_at["connect"]
            members.append(shared_lines.Member(device, entry.place, block, at, adapter))
    shared_lines.check(members, report)


def _address(connect: BaseModel, apart: Sequence[str]) -> dict[str, Any]:
    """The settings that tell devices apart: a timeout is none of them, nor a yes or no, nor a password."""
    if apart:
        return connect.model_dump(mode="json", include=set(apart), exclude_none=True)
    alike = {
        name
        for name, field in type(connect).model_fields.items()
        if field.annotation in (bool, Secret, Secret | None)
        or any(isinstance(part, BeforeValidator) and part.func is seconds for part in field.metadata)
    }
    return connect.model_dump(mode="json", exclude=alike, exclude_none=True)


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}"
