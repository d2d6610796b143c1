"""Profiles and their points as JSON Schema: the settings of the core and of the profile's protocol, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from gateway.adapter import Adapter
from gateway.mapping.document import Name, ProfileFile, VariantSettings
from gateway.mapping.point_settings import DerivedSettings, PointSettings
from gateway.mapping.schema_settings import Schema, block, named, reference, setting, value, whole_text
from gateway.values import Whole

Adapters: TypeAlias = Mapping[str, Adapter[Any, Any]]
"""By protocol."""

_POINT_NAME = "use small letters, digits and _, a letter first; or {i} with repeat"
POINT_NAMES = named(r"[a-z](?:[a-z0-9_]|\{[^{}]+\})*", _POINT_NAME, "point")
_REPEAT: Schema = {
    "type": "object",
    "description": "Stands for many points: {i} in the name and in texts is the number, step moves the address.",
    "markdownDescription": "Stands for many points: `{i}` in the name and in texts is the number, `step` moves the "
    "address.\n\nWrite for example `repeat: {i: 1..24, step: 2}`",
    "properties": {"step": value(Whole) | {"description": "How far apart the addresses of two neighbours are."}},
    "patternProperties": {
        "^[a-z]$": {
            "type": "string",
            "pattern": whole_text(r"-?[0-9]{1,6} *\.\. *-?[0-9]{1,6}"),
            "errorMessage": "write first..last: 1..24",
        }
    },
    "additionalProperties": False,
    "minProperties": 1,
}


def point_definitions(adapters: Adapters) -> dict[str, Schema]:
    """For each protocol ``<protocol>_point``, ``_defaults`` and ``_change``; ``derived`` and ``derived_change``."""
    found: dict[str, Schema] = {
        "derived": block((DerivedSettings,)),
        "derived_change": block((DerivedSettings,), change=True),
    }
    for protocol, adapter in adapters.items():
        models = (adapter.address, PointSettings)
        found |= {
            f"{protocol}_point": _filled(block(models, {"repeat": _REPEAT})),
            f"{protocol}_defaults": _not_required(block(models)),
            f"{protocol}_change": _filled(block(models, {"repeat": _REPEAT}, change=True)),
        }
    return found


def device_change(protocol: str, adapter: Adapter[Any, Any]) -> dict[str, Schema]:
    """What one device may say of its points, calculated ones too."""
    formula = setting(DerivedSettings.model_fields["expr"])
    return {f"{protocol}_device_change": block((adapter.address, PointSettings), {"expr": formula}, change=True)}


def _not_required(schema: Schema) -> Schema:
    return {word: schema[word] for word in ("type", "properties", "additionalProperties")}


def _filled(schema: Any) -> Any:
    """The same where every text may hold ``{i}``, which ``repeat:`` fills in."""
    if isinstance(schema, list):
        return [_filled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    filled = {word: _filled(part) for word, part in schema.items()}
    if isinstance(schema.get("pattern"), str):
        filled["pattern"] = rf"{schema['pattern']}|\{{[^{{}}]+\}}"
    return filled


def by_point(definition: str) -> Schema:
    """A block of points, each of which is as the definition says."""
    return {
        "type": "object",
        "propertyNames": POINT_NAMES,
        "additionalProperties": {"$ref": f"#/definitions/{definition}"},
    }


def profile_definitions(adapters: Adapters) -> dict[str, Schema]:
    """For each protocol ``<protocol>_profile``, and ``_over`` for one that extends another."""
    found: dict[str, Schema] = {}
    for protocol, adapter in adapters.items():
        models = (ProfileFile, adapter.profile)
        varied: dict[str, Schema] = {
            "defaults": reference(f"{protocol}_change"),
            "points": by_point(f"{protocol}_change"),
            "derived": by_point("derived_change"),
        }
        common: dict[str, Schema] = {
            "protocol": {"const": protocol},
            "variants": {
                "type": "object",
                "propertyNames": value(Name),
                "additionalProperties": block((VariantSettings,), varied),
            },
        }
        found[f"{protocol}_profile"] = block(
            models,
            common
            | {
                "defaults": reference(f"{protocol}_defaults"),
                "points": by_point(f"{protocol}_point") | {"minProperties": 1},
                "derived": by_point("derived"),
            },
        )
        found[f"{protocol}_over"] = _not_required(block(models, common | varied)) | {"required": ["schema", "profile"]}
    return found


def profile(adapters: Adapters) -> Schema:
    """What a profile may say, by its protocol."""
    anything = [{"$ref": f"#/definitions/{protocol}_over"} for protocol in adapters]
    unsaid: Schema = {
        "if": {"required": ["extends"], "not": {"required": ["protocol"]}},
        "then": {"anyOf": anything},
        "else": _without_protocol(adapters),
    }
    chain = unsaid
    for protocol in reversed(list(adapters)):
        chain = {
            "if": {"properties": {"protocol": {"const": protocol}}, "required": ["protocol"]},
            "then": {
                "if": {"required": ["extends"]},
                "then": {"$ref": f"#/definitions/{protocol}_over"},
                "else": {"$ref": f"#/definitions/{protocol}_profile"},
            },
            "else": chain,
        }
    return {"type": "object", **chain}


def _without_protocol(adapters: Adapters) -> Schema:
    """Where nobody knows yet which settings there are."""
    points: Schema = {"type": "object", "propertyNames": POINT_NAMES}
    schema = block(
        (ProfileFile,),
        {
            "protocol": {"enum": list(adapters)},
            "defaults": {"type": "object"},
            "points": points,
            "derived": by_point("derived"),
            "variants": {"type": "object"},
        },
    )
    del schema["additionalProperties"]
    return schema
