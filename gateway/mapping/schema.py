"""JSON Schemas of the file kinds and of the messages, made from the models that judge them.

They are for editors: what is wrong is underlined, what may be written is offered and explained. They say less than
``fieldgate check``, which knows all files at once, and never more: what it takes, they take.
"""

from __future__ import annotations

import json
from pathlib import Path

from gateway.mapping import schema_message, schema_points
from gateway.mapping.document import (
    IDENTITY,
    IDENTITY_HINT,
    NAME,
    NAME_HINT,
    AssetSettings,
    AssetsFile,
    DeviceSettings,
    DevicesFile,
    GatewayFile,
    UnitSettings,
    UnitsFile,
    UpstreamSettings,
)
from gateway.mapping.schema_points import Adapters, by_point
from gateway.mapping.schema_settings import Schema, block, definitions, named

_DRAFT = "http://json-schema.org/draft-07/schema#"
_MAY_BE_EMPTY: Schema = {"type": ["object", "null"]}
"""An asset or a unit of which nothing is to be said: ``pallets:``."""


def schemas(adapters: Adapters) -> dict[str, Schema]:
    """The schemas by kind: gateway, profile, devices, assets, units, message."""
    adapters = dict(sorted(adapters.items()))
    made = {
        "gateway": ("Fieldgate: the appliance (gateway.yaml)", _gateway(), {}),
        "profile": (
            "Fieldgate: a device model (*.profile.yaml)",
            schema_points.profile(adapters),
            schema_points.point_definitions(adapters) | schema_points.profile_definitions(adapters) | definitions(),
        ),
        "devices": ("Fieldgate: devices (*.devices.yaml)", _devices(adapters), _device_definitions(adapters)),
        "assets": ("Fieldgate: assets (*.assets.yaml)", _assets(), {}),
        "units": ("Fieldgate: units of the site (units.yaml)", _units(), {}),
        "message": ("Fieldgate: a message of a device", schema_message.message(), {}),
    }
    return {
        kind: {"$schema": _DRAFT, "title": title, **schema} | ({"definitions": parts} if parts else {})
        for kind, (title, schema, parts) in made.items()
    }


def write(directory: Path, adapters: Adapters) -> list[Path]:
    """Write ``<kind>.schema.json`` for all kinds into a directory, which is made where it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, schema in schemas(adapters).items():
        path = directory / f"{kind}.schema.json"
        path.write_text(text(schema), encoding="utf-8")
        written.append(path)
    return written


def text(schema: Schema) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _gateway() -> Schema:
    upstream = {
        "type": "object",
        "additionalProperties": block((UpstreamSettings,)),
        "propertyNames": {"title": "hub"},
        "minProperties": 1,
        "maxProperties": 1,
    }
    return block((GatewayFile,), {"upstream": upstream})


def _devices(adapters: Adapters) -> Schema:
    connect: Schema = {
        "properties": {protocol: _endpoint(protocol, adapters) for protocol in adapters},
        "anyOf": [{"required": [protocol]} for protocol in adapters],
        "additionalProperties": False,
    }
    change: Schema = {"propertyNames": schema_points.POINT_NAMES}
    for protocol in reversed(list(adapters)):
        spoken = {"type": "object", "required": [protocol]}
        connect = {"if": spoken, "then": {"$ref": f"#/definitions/{protocol}_connect"}, "else": connect}
        change = {
            "if": {"properties": {"connect": spoken}, "required": ["connect"]},
            "then": {"properties": {"change": by_point(f"{protocol}_device_change")}},
            "else": change,
        }
    settings = block((DeviceSettings,), {"connect": {"type": "object", **connect}, "change": {"type": "object"}})
    devices = {
        "type": "object",
        "propertyNames": named(IDENTITY.pattern, IDENTITY_HINT, "device"),
        "additionalProperties": settings | change,
    }
    return block((DevicesFile,), {"devices": devices})


def _endpoint(protocol: str, adapters: Adapters) -> Schema:
    connect: Schema = block((adapters[protocol].settings,))["properties"][protocol]
    return connect


def _device_definitions(adapters: Adapters) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for protocol, adapter in adapters.items():
        found[f"{protocol}_connect"] = block((adapter.settings,))
        found |= schema_points.device_change(protocol, adapter)
    return found | definitions()


def _assets() -> Schema:
    path = f"{NAME.pattern}(?:/{NAME.pattern})*"
    assets = {
        "type": "object",
        "propertyNames": named(path, f"write the parts with / between them; {NAME_HINT}", "path"),
        "additionalProperties": block((AssetSettings,)) | _MAY_BE_EMPTY,
    }
    return block((AssetsFile,), {"assets": assets})


def _units() -> Schema:
    unit = block((UnitSettings,)) | _MAY_BE_EMPTY
    return block((UnitsFile,), {"units": {"type": "object", "additionalProperties": unit}})
