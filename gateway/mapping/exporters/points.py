"""The flat list of a plant's points: what a simulator needs to play it."""

from __future__ import annotations

from typing import Any

from gateway.mapping.spec import Device, Plant, PointSpec


def points(plant: Plant) -> dict[str, Any]:
    """All points by device, ready for JSON.

    ``scale`` and ``offset`` are fractions as text: value = raw * scale + offset.
    """
    return {"devices": [_device(device) for device in plant.devices]}


def _device(device: Device) -> dict[str, Any]:
    return {
        "device": device.name,
        "protocol": device.protocol,
        "connect": device.connect.model_dump(mode="json"),
        "points": [_point(spec) for spec in device.points],
    }


def _point(spec: PointSpec) -> dict[str, Any]:
    return {
        "name": spec.point.name,
        "unit": spec.unit,
        "scale": str(spec.scale),
        "offset": str(spec.offset),
        "address": spec.point.address.model_dump(mode="json"),
    }
