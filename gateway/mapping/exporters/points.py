"""The flat list of a plant's points: what a simulator needs to play it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.mapping.spec import Device, Plant, PointSpec


def points(plant: Plant) -> dict[str, Any]:
    """All points by device, ready for JSON; derived ones are left out, since no device has them.

    ``scale`` and ``offset`` are fractions as text: value = raw * 10^(raw value of ``scale_from``) * scale + offset, in
    ``unit``. ``nan`` holds bit patterns, ``enum`` texts by code, ``flags`` names by bit, ``rollover`` how many raw
    values a counter has. ``single``: a float32 that is published with its shortest text.
    """
    return {"devices": [_device(device) for device in plant.devices]}


def _device(device: Device) -> dict[str, Any]:
    return {
        "device": device.name,
        "protocol": device.protocol,
        "connect": device.connect.model_dump(mode="json", by_alias=True),
        "points": [_point(spec, device) for spec in device.points],
    }


def _point(spec: PointSpec, device: Device) -> dict[str, Any]:
    source = None if spec.scale_from is None else device.points[spec.scale_from].point.name
    return {
        "name": spec.point.name,
        "unit": spec.unit,
        # With as: they lead to the unit that is published.
        "scale": str(spec.scale * spec.factor),
        "offset": str(spec.offset * spec.factor + spec.shift),
        "scale_from": source,
        "kind": spec.kind,
        "rollover": spec.rollover,
        "range": spec.range,
        "nan": sorted(spec.nan),
        "enum": _by_number(spec.enum),
        "flags": _by_number(spec.flags),
        "single": spec.single,
        "address": spec.point.address.model_dump(mode="json"),
    }


def _by_number(texts: Mapping[int, str]) -> dict[str, str]:
    return {str(number): text for number, text in texts.items()}
