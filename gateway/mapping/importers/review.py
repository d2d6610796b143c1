"""What an import made, judged as `check` would: each mistake is told at the place that it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gateway.adapter import Point
from gateway.mapping import appliance, profiles, site_units
from gateway.mapping.diagnostics import Diagnostic, Place, Report
from gateway.mapping.draft import DraftPoint, DraftProfile, Imported, Origin, Setting
from gateway.mapping.folder import GATEWAY, Files
from gateway.mapping.load import Block, Items, Node
from gateway.mapping.profiles import Adapters, Profile
from gateway.mapping.units import BUILT_IN, Units
from gateway.values import quote


@dataclass(frozen=True)
class Beside:
    """What the profiles of an import may use: what stands in their plant, and what is bundled."""

    bundled: Mapping[str, Path]
    profiles: Mapping[str, Block]
    """Those of the plant, by name."""
    units: Units
    complete: bool
    """Whether that is all: there is a plant, and its files can be read."""

    def find(self, name: str) -> Block | None:
        """The file of a profile; None where nothing is known of it."""
        if name in self.profiles:
            return self.profiles[name]
        path = self.bundled.get(name)
        return Files(Report()).block(path, "profile") if path is not None else None

    @property
    def names(self) -> list[str]:
        """Of all profiles."""
        return sorted({*self.profiles, *self.bundled})


def beside(folder: Path | None, bundled: Mapping[str, Path]) -> Beside:
    """What stands in the plant that this folder belongs to; nothing is said of the plant's own mistakes."""
    above = (folder, *folder.resolve().parents) if folder is not None else ()
    plant = next((at for at in above if (at / GATEWAY).is_file()), None)
    if plant is None:
        return Beside(bundled, {}, BUILT_IN, complete=False)
    files = Files(Report())
    head = files.block(plant / GATEWAY, "gateway")
    files.gather(plant, appliance.state(head, plant) if head is not None else None)
    named = {name.strip(): block for block in files.blocks["profile"] if isinstance(name := block.get("profile"), str)}
    complete = not {"profile", "units"} & files.broken and not files.profile_names
    return Beside(bundled, named, site_units.read(files.blocks["units"], Report()), complete)


def review(found: Imported, file: str, adapters: Adapters, around: Beside, *, whole: bool = False) -> Imported:
    """The import without what `check` would refuse, which is added to what was found; ``file`` is where all came from.

    ``whole``: a profile is taken as it is, or not at all. Else points that are wrong are left out.
    """
    kept: list[DraftProfile] = []
    said: list[Diagnostic] = []
    refused: set[str] = set()
    known = {(one.file, one.line) for one in found.found if one.severity == "error"}
    for draft in found.profiles:
        if not whole and not draft.points:
            continue
        sound, mistakes = _sound(draft, file, adapters, around, whole=whole)
        if whole and known:
            sound = None
        # What could not even be read is told already.
        said += [one for one in mistakes if (one.file, one.line) not in known]
        if sound is None:
            refused.add(draft.profile)
        else:
            kept.append(sound)
    lost = [device for device in found.devices if device.profile in refused]
    for device in lost:
        text = f"device {device.name} is left out: its profile {quote(device.profile)} has mistakes"
        said.append(Diagnostic(file, 0, 0, "error", "I23", text))
    devices = tuple(device for device in found.devices if device.profile not in refused)
    return replace(found, profiles=tuple(kept), devices=devices, found=(*found.found, *dict.fromkeys(said)))


_ROUNDS = 5
"""Points that are left out can be missed by others."""


def _sound(
    draft: DraftProfile, file: str, adapters: Adapters, around: Beside, *, whole: bool
) -> tuple[DraftProfile | None, list[Diagnostic]]:
    """The profile without its mistakes, None where nothing sound is left of it; and the mistakes."""
    said: list[Diagnostic] = []
    for _ in range(_ROUNDS):
        mistakes = _mistakes(draft, file, adapters, around)
        if not mistakes:
            return draft, said
        said += [mistake.said for mistake in mistakes]
        wrong = {mistake.point for mistake in mistakes}
        points = [point for point in draft.points if point.name not in wrong]
        if whole or "" in wrong or not points:
            return None, said
        draft = replace(draft, points=points, derived=[point for point in draft.derived if point.name not in wrong])
    return None, said


class _Mistake(NamedTuple):
    """An error, and the point that it is about; no point: the profile."""

    said: Diagnostic
    point: str


def _mistakes(draft: DraftProfile, file: str, adapters: Adapters, around: Beside) -> list[_Mistake]:
    traced = _Traced(draft, Place(file, 0, 0))
    report = Report()
    if around.complete:
        profiles.check_extends(traced.block, [name for name in around.names if name != draft.profile], report)
    read = partial(profiles.read, traced.block, adapters, report, units=around.units, find=around.find)
    profile = read()
    for variant in profile.variants if profile is not None else ():
        read(variant=variant)
    if profile is not None and profile.sound:
        _check_addresses(profile, report)
    return traced.mistakes(report.sorted())


_ANY_DEVICE = {"modbus": {"modbus": "tcp://device"}}
"""What a device says of its connection at least, by protocol, where a check of its points needs to know."""


def _check_addresses(profile: Profile, report: Report) -> None:
    """What the adapter finds at the points of any device of this profile."""
    adapter = profile.adapter
    if adapter is None or profile.protocol not in _ANY_DEVICE:
        return
    connect = adapter.settings.model_validate(_ANY_DEVICE[profile.protocol])
    points = [one.spec.point for one in profile.points]
    found = adapter.check([Point("", connect, one.name, one.address, one.every_s) for one in points])
    for finding in found:
        point = profile.points[finding.point]
        own = not finding.own or finding.key in point.block
        if own and not finding.warning:
            report.error(point.merged.values_at.get(finding.key, point.place), finding.code, finding.text, finding.hint)


class _Traced:
    """A draft as the tree of its file. Every name and value stands on a line of its own, whose origin is kept."""

    def __init__(self, draft: DraftProfile, file: Place) -> None:
        self._file = f"{draft.profile}.profile.yaml"
        self._origins: list[tuple[Origin, str]] = []
        file = draft.place or file
        whole = Origin(file, file)
        self.block = Block(self._spot(whole))
        top: dict[str, Setting] = {"profile": draft.profile, "protocol": draft.protocol, **draft.head}
        top |= {"maker": draft.maker, "model": draft.model, "note": draft.note}
        for name, setting in top.items():
            if setting:
                self._put(self.block, name, setting, draft.origins.get(name, whole))
        if draft.defaults:
            block = self._open("defaults", whole)
            for name, setting in draft.defaults.items():
                self._put(block, name, setting, draft.origins.get(f"defaults.{name}", whole))
        if draft.points or "extends" not in draft.head:
            self._points("points", draft.points, file)
        if draft.derived:
            self._points("derived", draft.derived, file)

    def mistakes(self, found: Sequence[Diagnostic]) -> list[_Mistake]:
        """The errors in this file, each at its origin."""
        return [
            _Mistake(self._told(one), self._origins[one.line - 1][1])
            for one in found
            if one.file == self._file and one.severity == "error"
        ]

    def _told(self, one: Diagnostic) -> Diagnostic:
        origin = self._origins[one.line - 1][0]
        # Only a name that nobody knows is the fault of whoever named it.
        place = origin.name if one.code == "M01" else origin.value
        text = _LINE.sub(lambda found: _shown(self._origins[int(found[1]) - 1][0].value), one.text)
        return replace(one, file=place.file, line=place.line, column=place.column, text=text)

    def _spot(self, origin: Origin, point: str = "") -> Place:
        self._origins.append((origin, point))
        return Place(self._file, len(self._origins), 1)

    def _open(self, name: str, origin: Origin, point: str = "", into: Block | None = None) -> Block:
        place = self._spot(origin, point)
        block = Block(place)
        (self.block if into is None else into).put(name, block, place, place)
        return block

    def _put(self, block: Block, name: str, setting: Setting, origin: Origin, point: str = "") -> None:
        key_at = self._spot(origin, point)
        value_at = self._spot(Origin(origin.value, origin.value), point)
        block.put(name, _node(setting, value_at), key_at, value_at)

    def _points(self, section: str, points: Sequence[DraftPoint], file: Place) -> None:
        block = self._open(section, Origin(file, file))
        for point in points:
            place = point.place or file
            own = self._open(point.name, Origin(place, place), point.name, block)
            for name, setting in point.settings.items():
                self._put(own, name, setting, point.origins.get(name, Origin(place, place)), point.name)


_LINE = re.compile(r"\bline ([0-9]+)(?=\)|$)")


def _shown(place: Place) -> str:
    return f"{place.file}:{place.line}" if place.line else place.file


def _node(setting: Setting, place: Place) -> Node:
    if isinstance(setting, str):
        return setting
    if isinstance(setting, Mapping):
        block = Block(place)
        for name, inner in setting.items():
            block.put(name, _node(inner, place), place, place)
        return block
    items = Items(place)
    for inner in setting:
        items.append(_node(inner, place))
        items.values_at.append(place)
    return items
