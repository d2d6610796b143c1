"""``published_nodes.json``: the OPC UA devices of a plant for Microsoft's OPC Publisher 2.9.

It publishes what the server gives: no scale, no conversion, no names for codes. What is lost is told. A password or a
key is never written: whoever runs the publisher gives it there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.exporters import shape
from gateway.mapping.exporters.forms import node_id
from gateway.mapping.spec import Device, Plant, PointSpec

FILE = "published_nodes.json"


def published_nodes(plant: Plant) -> tuple[list[dict[str, Any]], tuple[Diagnostic, ...]]:
    """The entries, one for each OPC UA device, and what of the plant is not among them (warnings E01 to E03)."""
    entries: list[dict[str, Any]] = []
    found: list[Diagnostic] = []
    for device in plant.devices:
        if device.protocol != "opcua":
            text = f"{device.name}: a {device.protocol} device cannot be published by OPC Publisher; it is left out"
            found.append(_lost("E01", text))
            continue
        entries.append(_entry(device, plant.name))
        found += _losses(device)
    return entries, tuple(found)


def _entry(device: Device, gateway: str) -> dict[str, Any]:
    connect = device.connect.model_dump(mode="json")
    mode = connect.get("mode", "SignAndEncrypt")
    user = connect.get("user") or {}
    entry = {
        "EndpointUrl": connect["opcua"],
        "UseSecurity": mode != "None",
        "EndpointSecurityMode": mode,
        "EndpointSecurityPolicy": connect.get("security", "Basic256Sha256"),
        "OpcAuthenticationMode": "Anonymous",
        "DataSetWriterGroup": gateway,
        "DataSetWriterId": device.identity,
        "OpcNodes": [_node(spec) for spec in device.points],
    }
    if user.get("name"):
        entry |= {"OpcAuthenticationMode": "UsernamePassword", "OpcAuthenticationUsername": user["name"]}
    elif user.get("certificate"):
        entry["OpcAuthenticationMode"] = "Certificate"
    return entry


def _node(spec: PointSpec) -> dict[str, Any]:
    address = spec.point.address.model_dump(mode="json")
    node: dict[str, Any] = {
        "Id": node_id(spec.point.address),
        "DisplayName": spec.point.name,
        "DataSetFieldId": spec.point.name,
    }
    every_s = spec.point.every_s
    if math.isfinite(every_s):
        node["OpcSamplingInterval"] = round(every_s * 1000)
    # Without a deadband each scan is published, also of a value that did not change.
    silence_s = spec.report.heartbeat_s if spec.report.deadband else every_s
    if math.isfinite(silence_s):
        node |= _silence(silence_s)
    size = _absolute(spec)
    if size:
        node |= {"DeadbandType": "Absolute", "DeadbandValue": size}
    if address.get("queue"):
        node["QueueSize"] = address["queue"]
    return node


def _silence(seconds: float) -> dict[str, Any]:
    if seconds.is_integer():
        return {"HeartbeatInterval": int(seconds)}
    hours, rest = divmod(round(seconds * 1000), 3_600_000)
    minutes, milliseconds = divmod(rest, 60_000)
    whole, part = divmod(milliseconds, 1000)
    return {"HeartbeatIntervalTimespan": f"{hours:02}:{minutes:02}:{whole:02}.{part:03}"}


def _absolute(spec: PointSpec) -> float | None:
    """The deadband in the unit of the raw value; None where the file cannot say it.

    OPC UA's own percentage is one of the server's EURange, which is neither our ``range`` nor the last value.
    """
    deadband = spec.report.deadband
    if deadband is None or spec.scale_from is not None:
        return None
    size = deadband.size
    if deadband.percent:
        if spec.range is None:
            return None
        size *= (spec.range[1] - spec.range[0]) / 100
    return size / float(abs(shape.line(spec).times))


def _losses(device: Device) -> Iterable[Diagnostic]:
    points = device.points
    kinds = [
        ("published as raw values", [spec.point.name for spec in points if not shape.untouched(spec)]),
        ("published without their deadband", [spec.point.name for spec in points if _bandless(spec)]),
        ("left out, they are computed", [spec.name for spec in device.derived]),
    ]
    for what, names in kinds:
        if names:
            yield _lost("E02", f"{device.name}: {what}: {', '.join(names)}")
    user = device.connect.model_dump(mode="json").get("user") or {}
    if user.get("name") or user.get("certificate"):
        text = f"{device.name}: the {'password' if user.get('name') else 'certificate and key'} of the user"
        yield _lost("E03", f"{text} must be given to OPC Publisher by hand", "no secret is ever exported")


def _bandless(spec: PointSpec) -> bool:
    deadband = spec.report.deadband
    return deadband is not None and deadband.size > 0 and _absolute(spec) is None


def _lost(code: str, text: str, hint: str = "") -> Diagnostic:
    return Diagnostic(FILE, 0, 0, "warning", code, text, hint)
