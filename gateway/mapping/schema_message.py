"""The messages that go up, as JSON Schema: for those who read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from gateway.mapping.schema_settings import Schema
from gateway.mapping.spec import Enrichment
from gateway.model import Quality

_TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\\.[0-9]{3}Z$",
}
_ENRICHED: Mapping[Enrichment, str] = {
    "name": "What people call the asset.",
    "maker": "Who made it.",
    "model": "Its model.",
    "serial": "Its serial number.",
    "tags": "What else the plant says of it.",
    "levels": "The parts of its path by the names of the plant's levels.",
}
_WORD: Schema = {"type": ["string", "number", "boolean", "null"]}


def _by_point(entry: Schema, text: str) -> Schema:
    names = {"pattern": "^[a-z][a-z0-9_]*$"}
    return {"type": "object", "description": text, "propertyNames": names, "additionalProperties": entry}


def message() -> Schema:
    """One message: one scan of one device."""
    doubts = [quality.name.lower() for quality in Quality if quality is not Quality.GOOD]
    value: Schema = {"anyOf": [_WORD, {"type": "array", "items": {"type": "string"}}]}
    doubt: Schema = {
        "type": "array",
        "items": [{"enum": doubts}, {"type": "string", "description": "Why, in words."}],
        "minItems": 2,
        "additionalItems": False,
    }
    told: Schema = {"anyOf": [_WORD, {"type": "object", "additionalProperties": _WORD}]}
    context: Schema = {
        "type": "object",
        "description": "What the plant knows of the device and its asset; the device's own words stand beside these.",
        "properties": {word: told | {"description": _ENRICHED[word]} for word in get_args(Enrichment)},
        "additionalProperties": told,
        "minProperties": 1,
    }
    properties: dict[str, Schema] = {
        "ts": _TIME | {"description": "When the scan was, in UTC."},
        "asset": {"type": "string", "description": "The path of the asset that the device belongs to."},
        "profile": {"type": "string", "description": "The device's model."},
        "context": context,
        "values": _by_point(
            value, "The values by point; null where there is none. Flags are the list of those that are set."
        )
        | {"minProperties": 1},
        "units": _by_point({"type": "string"}, "The units by point, of those that have one."),
        "quality": _by_point(doubt, "What is not good, and why.") | {"minProperties": 1},
        "at": _by_point(_TIME, "Source times that differ from ts.") | {"minProperties": 1},
        "clock": {"const": "unsynced", "description": "The gateway's clock was never set: ts is not to be believed."},
    }
    required = ["ts", "profile", "values"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
