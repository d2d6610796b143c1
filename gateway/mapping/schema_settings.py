"""Settings models as JSON Schema (draft-07): what an editor needs to judge, complete and explain a block of settings.

Everything in a plant file is text until a model says what it is. An editor's YAML reader does not know that: it makes a
number of 0x0048, and an older one makes false of NO. So a text may look like a number or a boolean here, and a number
may stand in quotes. ``errorMessage`` and ``markdownDescription`` are words for editors; validators pass over them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from gateway import values
from gateway.mapping.document import (
    IDENTITY,
    IDENTITY_HINT,
    NAME,
    NAME_HINT,
    BufferSettings,
    DeviceSettings,
    Name,
    TextOrPoint,
)
from gateway.mapping.point_settings import PointSettings, Unit
from gateway.mapping.units import BUILT_IN

Schema: TypeAlias = dict[str, Any]

_WORDS = ["string", "number", "boolean"]
TEXT: Schema = {"type": _WORDS}
NONE: Schema = {"const": "none", "description": "Takes the setting away that stands below."}


def whole_text(pattern: str) -> str:
    """A pattern for the whole text; JSON Schema's are for any part of it."""
    return f"^(?:{pattern})$"


def named(pattern: str, hint: str, title: str) -> Schema:
    """What the names of a block's entries must be; ``title`` is what an editor offers to fill in."""
    return {"title": title, **TEXT, "pattern": whole_text(pattern), "errorMessage": hint}


def _worded(types: str | list[str], pattern: str, hint: str, examples: Sequence[Any] = ()) -> Schema:
    schema: Schema = {"type": types, "pattern": whole_text(pattern), "errorMessage": hint}
    return schema | ({"examples": list(examples)} if examples else {})


_TIME = r"[0-9]{1,12}(?:\.[0-9]{1,12})? *(?:ms|s|min|h|d)"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_LIFETIME = _worded(
    "string",
    f"{_TIME}|[0-9]{{1,3}} *y|none",
    "write how long: 12h, 60d, 1y; or none for as long as there is room",
    ["60d", "1y", "none"],
)
_WHOLE = _worded(["integer", "string"], r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)", "write a whole number: 72 or 0x0048")
_TEXT_OR_POINT: Schema = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "properties": {"from": TEXT | {"description": "The point of the device that says it."}},
            "required": ["from"],
            "additionalProperties": False,
        },
    ]
}


def definitions() -> dict[str, Schema]:
    """What the blocks refer to."""
    symbols = [unit.symbol for unit in BUILT_IN]
    told = [f"{unit.quantity}; also: {', '.join(unit.aliases)}" if unit.aliases else unit.quantity for unit in BUILT_IN]
    # A site adds units of its own: the list is for completion, not for judging.
    return {"unit": {"anyOf": [{"type": "string", "enum": symbols, "enumDescriptions": told}, {"type": _WORDS}]}}


def reference(name: str, type_: str | list[str] = "object") -> Schema:
    """A definition of this file. Draft-07 allows no other word beside ``$ref``; editors want to see the type."""
    return {"type": type_, "allOf": [{"$ref": f"#/definitions/{name}"}]}


def _functions(metadata: Iterable[Any]) -> list[Callable[..., Any]]:
    return [item.func for item in metadata if isinstance(item, BeforeValidator | AfterValidator)]


def _only(annotated: Any) -> Callable[..., Any]:
    """The function that tells this type from others."""
    return _functions(get_args(annotated)[1:])[0]


def _of_field(model: type[BaseModel], name: str) -> Callable[..., Any]:
    """The same of a type that has no name of its own."""
    return _functions(model.model_fields[name].metadata)[0]


_KNOWN: dict[Callable[..., Any], Schema] = {
    values.whole: _WHOLE,
    values.number: _worded(["number", "string"], _NUMBER + "(?:[eE][+-]?[0-9]{1,3})?", "write a number: 0.1"),
    values.seconds: _worded(
        "string", _TIME, "write a time with its unit: 500ms, 5s, 10min, 1h", ["500ms", "5s", "10min", "1h"]
    ),
    values.period: _worded(
        "string",
        f"{_TIME}|start",
        "write a time with its unit: 500ms, 5s, 10min, 1h; or start",
        ["1s", "1min", "start"],
    ),
    values.lifetime: _LIFETIME,
    values.size_bytes: _worded(
        "string", "[0-9]{1,12}(?:\\.[0-9]{1,12})? *[kKMGT]i?B", "write a size with its unit: 500 MB, 20 GB", ["20 GB"]
    ),
    values.bit_range: _worded(
        ["integer", "string"], r"[0-9]{1,3}(?: *\.\. *[0-9]{1,3})?", "write lowest..highest: 5..15", ["0..7"]
    )
    | {"minimum": 0},
    _only(Name): named(NAME.pattern, NAME_HINT, "name"),
    _only(Unit): reference("unit", _WORDS),
    _only(TextOrPoint): _TEXT_OR_POINT,
    _of_field(DeviceSettings, "identity"): named(IDENTITY.pattern, IDENTITY_HINT, "identity"),
    _of_field(PointSettings, "deadband"): _worded(
        ["number", "string"], r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *(?:[^\s,].*)?", "write 0.5 V or 1 %", ["0", "1 %"]
    ),
}
"""What texts may be, by the function that reads them."""
_INSTEAD: dict[Callable[..., Any], Schema] = {_of_field(BufferSettings, "keep"): _LIFETIME}
"""What may stand instead of a block of settings, by the function that makes one of it."""


def block(
    models: Sequence[type[BaseModel]], own: Mapping[str, Schema] | None = None, *, change: bool = False
) -> Schema:
    """The settings of these models side by side in one block, and no others.

    ``own`` says more of some of them, or adds some. ``change``: what stands over other settings, so that nothing must
    be given and ``none`` takes one away.
    """
    properties: dict[str, Schema] = {}
    required: list[str] = []
    rules: Schema = {}
    for model in models:
        for name, field in _fields(model):
            properties[name] = setting(field, over=change)
            if field.is_required() or name == "schema":
                required.append(name)
        extra = model.model_config.get("json_schema_extra")
        rules |= extra if isinstance(extra, dict) else {}
    for name, more in (own or {}).items():
        properties[name] = more | {word: text for word, text in properties.get(name, {}).items() if word in _TOLD}
    if change:
        return _closed({name: _or_none(schema) for name, schema in properties.items()})
    return _closed(properties) | ({"required": required} if required else {}) | rules


def _closed(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


_TOLD = ("description", "markdownDescription")
_ABOUT = (*_TOLD, "examples")


def _or_none(schema: Schema) -> Schema:
    about = {word: schema[word] for word in _ABOUT if word in schema}
    return about | {"anyOf": [{word: text for word, text in schema.items() if word not in _ABOUT}, NONE]}


def setting(field: FieldInfo, *, over: bool = False) -> Schema:
    """One setting: what its value may be, what it means, and what it is by default.

    ``over``: it stands over another one, which is what there is where it is left out.
    """
    schema = value(field.annotation, field.metadata)
    if "const" in schema:
        return schema | {"description": "What this file is; the first line says so."}
    default = None if over else _written(field, field.metadata)
    return (
        schema | _told(field, default, schema.get("examples", ())) | ({} if default is None else {"default": default})
    )


def _told(field: FieldInfo, default: Any, examples: Sequence[str]) -> Schema:
    """What an editor shows: a plain text, and one with formatting where that says more."""
    # A message takes the text up in the middle of its sentence; here it stands by itself, on one line.
    text = re.sub(r"\s+", " ", field.description or "").strip()
    text = re.sub("^[a-z]+(?= )", lambda word: word[0].capitalize(), text)
    if not text:
        return {}
    shown = ", ".join(default) if isinstance(default, list) else default
    more = [f"Default: `{shown}`"] if default is not None else []
    more += ["For example " + ", ".join(f"`{one}`" for one in examples)] if examples else []
    plain, formatted = text.replace("``", '"'), "\n\n".join([text.replace("``", "`"), *more])
    return {"description": plain} | ({"markdownDescription": formatted} if formatted != plain else {})


def value(annotation: Any, metadata: Sequence[Any] = ()) -> Schema:
    """What a value of this type may be, in a file."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return value(arguments[0], (*arguments[1:], *metadata))
    metadata = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else (item,))]
    known = [_KNOWN[function] for function in _functions(metadata) if function in _KNOWN]
    if known:
        return known[0] | (_limits(metadata, known[0]) if "type" in known[0] else {})
    if origin in (Union, UnionType):
        alternatives = [value(argument, metadata) for argument in arguments if argument is not NoneType]
        return alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    if origin is Literal:
        return {"const": arguments[0]} if "/" in arguments[0] else {"type": "string", "enum": list(arguments)}
    if origin in (list, tuple):
        return _list(origin, arguments, metadata)
    if origin is dict:
        return {"type": "object", "propertyNames": value(arguments[0]), "additionalProperties": value(arguments[1])}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        short = [_INSTEAD[function] for function in _functions(metadata) if function in _INSTEAD]
        return {"anyOf": [*short, block((annotation,))]} if short else block((annotation,))
    return TEXT | _limits(metadata, TEXT) if annotation is str else {}


def _list(origin: type, arguments: tuple[Any, ...], metadata: Sequence[Any]) -> Schema:
    entry = value(arguments[0])
    schema: Schema = {"type": "array", "items": entry}
    if origin is tuple and arguments[-1] is not Ellipsis:
        return schema | {"minItems": len(arguments), "maxItems": len(arguments)}
    # What a function looks at before the list is checked is a single text that it makes a list of.
    single = any(isinstance(item, BeforeValidator) for item in metadata)
    return {"anyOf": [schema, entry]} if single else schema | _limits(metadata, schema)


def _limits(metadata: Sequence[Any], schema: Schema) -> Schema:
    """Bounds of numbers, lengths of lists and texts, and patterns."""
    many = schema["type"] == "array"
    words = {"min_length": "minItems", "max_length": "maxItems"} if many else {"max_length": "maxLength"}
    words |= {"pattern": "pattern"}
    # A time is a text; its bounds are in seconds.
    if schema["type"] != "string":
        words |= {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    return {
        word: getattr(item, attribute)
        for item in metadata
        for attribute, word in words.items()
        if getattr(item, attribute, None) is not None
    }


def _written(field: FieldInfo, metadata: Sequence[Any]) -> Any:
    """The default as it would be written; None where there is none, or nothing to say of it."""
    default = field.get_default(call_default_factory=True, validated_data={}) if not field.is_required() else None
    if isinstance(default, BaseModel) or default is None or default in ("", [], {}, ()):
        return None
    functions = _functions(metadata)
    if values.seconds in functions or values.period in functions:
        return _time(default)
    if values.size_bytes in functions:
        return _size(default)
    if isinstance(default, Decimal):
        return int(default) if default == int(default) else float(default)
    return default


def _time(seconds: float) -> str | None:
    if seconds == math.inf:
        return "start"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else None


def _size(size_bytes: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size_bytes % size == 0:
            return f"{size_bytes // size} {unit}"
    return f"{size_bytes / 1000:g} kB"
