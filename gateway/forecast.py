"""What a plant will cost before it runs: requests and bytes on each line, messages and bytes a day upstream. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any, NamedTuple

from gateway.adapter import Adapter, Planned
from gateway.mapping.totals import Totals
from gateway.message import Scans
from gateway.model import Reading, Value
from gateway.plant import Device, Plant, PointSpec, by_line
from gateway.values import TEXTS

DAY_S = 86_400
UNIT_BYTES = {"F1": 512}
"""What one message of a tier's quota holds; 4 KB in all others (Azure IoT Hub quotas and pricing)."""
QUOTA = {
    "F1": 8_000,
    "B1": 400_000,
    "B2": 6_000_000,
    "B3": 300_000_000,
    "S1": 400_000,
    "S2": 6_000_000,
    "S3": 300_000_000,
}
"""Messages a day of one unit of each tier."""
HEADER_BYTES = 220
"""Topic, properties and MQTT header of a message; TLS and TCP come on top."""


class LineForecast(NamedTuple):
    """One line."""

    name: str
    points: int
    planned: Sequence[Planned]
    requests_per_s: float
    bytes_per_s: float
    """Both ways, with the headers of the protocol."""
    known: bool
    """Whether its adapter can tell."""


class DeviceForecast(NamedTuple):
    """One device upstream."""

    name: str
    scans_per_day: int
    messages_per_day: int
    """At the most: a deadband makes them fewer."""
    bytes_per_day: int
    billed_per_day: int
    """Messages as the hub counts them: each begun block of 4 KB is one."""
    fewer: bool
    """Whether all of its points have a deadband, so that whole messages stay away."""


class Forecast(NamedTuple):
    """The whole plant."""

    lines: Sequence[LineForecast]
    devices: Sequence[DeviceForecast]
    quota_per_day: int | None
    """Of the hub's tier; None where gateway.yaml does not name it."""


def forecast(plant: Plant, adapters: Mapping[str, Adapter[Any, Any]]) -> Forecast:
    """What will be polled and published. Values are assumed to be as long as a value in the middle of their range."""
    lines = [_line(name, devices, adapters[devices[0].protocol]) for name, devices in by_line(plant).items()]
    devices = [_device(device, plant) for device in plant.devices]
    return Forecast(lines, devices, QUOTA.get(plant.gateway.tier or ""))


def _line(name: str, devices: Sequence[Device], adapter: Adapter[Any, Any]) -> LineForecast:
    points = [spec.point for device in devices for spec in device.points]
    planned = adapter.plan(points) if adapter.plan is not None else []
    steady = [one for one in planned if not isinf(one.every_s)]
    return LineForecast(
        name=name,
        points=len(points),
        planned=planned,
        requests_per_s=sum(1 / one.every_s for one in steady),
        bytes_per_s=sum((one.sent_bytes + one.received_bytes) / one.every_s for one in steady),
        known=adapter.plan is not None,
    )


def _device(device: Device, plant: Plant) -> DeviceForecast:
    rates: dict[float, list[int]] = {}
    for position, spec in enumerate(device.points):
        rates.setdefault(spec.point.every_s, []).append(position)
    scans = Scans(device, Totals(), plant.gateway.enrich)
    unit = UNIT_BYTES.get(plant.gateway.tier or "", 4096)
    total = messages = size = billed = 0
    for every_s, positions in rates.items():
        readings = [
            Reading(position, _example(device.points[position]), 1_800_000_000_000_000_000) for position in positions
        ]
        made = scans.make(tuple(positions), readings).messages
        turns = 0 if isinf(every_s) else round(DAY_S / every_s)
        total += turns
        messages += turns * len(made)
        size += turns * sum(len(message.body) + HEADER_BYTES for message in made)
        billed += turns * sum(-(-(len(message.body) + HEADER_BYTES) // unit) for message in made)
    reports = [spec.report.deadband for spec in device.points] + [derived.report.deadband for derived in device.derived]
    return DeviceForecast(device.name, total, messages, size, billed, bool(reports) and None not in reports)


def _example(spec: PointSpec) -> Value:
    """A raw value of usual length."""
    type_ = getattr(spec.point.address, "type", None)
    if spec.enum:
        return next(iter(spec.enum))
    if type_ == "bool":
        return True
    if type_ == "bytes":
        return b"\x00" * 8
    if type_ in TEXTS:
        return "2026-11-25T07:33"
    return 230.1999969482422 if type_ is None or str(type_).startswith("float") else 2302
