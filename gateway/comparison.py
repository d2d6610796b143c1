"""What changes for whom between two plants: devices, points, and the values that the same raw readings give. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from gateway.mapping.refused import shown
from gateway.mapping.spec import DerivedSpec, Write
from gateway.model import Status, Value
from gateway.plant import Device, Plant, PointSpec

Values: TypeAlias = Mapping[str, tuple[Value, Status]]
"""What some raw blocks mean with one plant, by point."""


class PointChange(NamedTuple):
    """A point that both plants have, and that is not the same in both."""

    name: str
    settings: tuple[str, ...]
    """What is different: ``scale 1/10 → 1/100``."""
    before: tuple[Value, Status] | None
    """None where no raw reading was given, or it does not hold the point."""
    after: tuple[Value, Status] | None


class DeviceChange(NamedTuple):
    """A device that both plants have, and that is not the same in both."""

    name: str
    settings: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[PointChange, ...]


class Difference(NamedTuple):
    """All that is different."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    devices: tuple[DeviceChange, ...]
    same: int
    """Devices of which nothing changes."""


def compare(before: Plant, after: Plant, values: Callable[[Device], Values] | None = None) -> Difference:
    """``values``: what the raw readings of a device mean as this plant maps it; None where there are none."""
    old = {device.name: device for device in before.devices}
    new = {device.name: device for device in after.devices}
    both = [name for name in old if name in new]
    changes = [change for name in both if (change := _device(old[name], new[name], values)) is not None]
    return Difference(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        devices=tuple(changes),
        same=len(both) - len(changes),
    )


def _device(old: Device, new: Device, values: Callable[[Device], Values] | None) -> DeviceChange | None:
    before, after = _points(old), _points(new)
    seen = (values(old), values(new)) if values is not None else ({}, {})
    changed = []
    for name in before:
        if name in after:
            settings = _settings(before[name], after[name])
            pair = seen[0].get(name), seen[1].get(name)
            if settings or pair[0] != pair[1]:
                changed.append(PointChange(name, settings, *pair))
    change = DeviceChange(
        name=old.name,
        settings=_settings(old, new, without=("points", "derived", "connect"))
        + _dumped("connect", old.connect, new.connect),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(changed),
    )
    return change if change.settings or change.added or change.removed or change.changed else None


def _points(device: Device) -> dict[str, PointSpec | DerivedSpec]:
    own: dict[str, PointSpec | DerivedSpec] = {spec.point.name: spec for spec in device.points}
    return own | {spec.name: spec for spec in device.derived}


def _settings(old: Any, new: Any, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The fields that differ, in words."""
    if type(old) is not type(new):
        return ("computed → read" if isinstance(old, DerivedSpec) else "read → computed",)
    found: list[str] = []
    for field in fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if not field.compare or before == after or field.name in without:
            continue
        if field.name == "point":
            found += _dumped("", before.address, after.address)
            if before.every_s != after.every_s:
                found.append(f"every {before.every_s:g}s → {after.every_s:g}s")
        elif field.name != "scale_from":  # an index: it moves with every point that comes or goes
            found.append(f"{field.name} {_shown(before)} → {_shown(after)}")
    return tuple(found)


def _dumped(owner: str, old: Any, new: Any) -> tuple[str, ...]:
    if not hasattr(old, "model_dump") or not hasattr(new, "model_dump"):
        return () if old == new else (f"{owner or 'address'} {old} → {new}",)
    before, after = old.model_dump(mode="json", by_alias=True), new.model_dump(mode="json", by_alias=True)
    prefix = f"{owner}." if owner else ""
    keys = [key for key in (before | after) if before.get(key) != after.get(key)]
    return tuple(f"{prefix}{key} {_shown(before.get(key))} → {_shown(after.get(key))}" for key in keys)


def _shown(value: Any) -> str:
    if isinstance(value, Write):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        said = [
            f"{name} {shown(one) if isinstance(one, Fraction) else _shown(one)}"
            for name, one in held.items()
            if one != getattr(Write(), name)
        ]
        return f"({', '.join(said) or 'anything'})"
    text = getattr(value, "text", None) or getattr(value, "path", None)
    if text is not None:
        return str(text)
    if value is None or value in ("", {}):
        return "none"
    if isinstance(value, frozenset):
        return "[" + ", ".join(hex(entry) for entry in sorted(value)) + "]"
    return str(value)
