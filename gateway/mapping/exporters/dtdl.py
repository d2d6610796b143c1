"""Device models in DTDL v3: one Interface for each profile and variant, for Azure Digital Twins and IoT Plug and Play.

The standard extension QuantitativeTypes gives units; a unit that it does not know stands in ``comment``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from gateway.mapping.exporters import shape
from gateway.mapping.exporters.shape import Shape, Type
from gateway.mapping.spec import Device, Plant, PointSpec
from gateway.mapping.units import BUILT_IN, Unit, Units

_CONTEXT = ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"]
_LONGEST_TEXT = 512
"""Characters of a displayName, a description or a comment."""
_LONGEST_SEGMENT = 36
"""Three of them, and what stands between, fit into the 128 characters of an Interface's id."""
_INT32 = 1 << 31
_INT64 = 1 << 63
_TERMS: Mapping[Type, str] = {"boolean": "boolean", "integer": "long", "number": "double", "string": "string"}
_NUMERIC = ("integer", "long", "double")


def interfaces(plant: Plant, units: Units = BUILT_IN) -> list[dict[str, Any]]:
    """The Interfaces of all profiles that are in use, in the order of the devices, ready for JSON.

    A device whose points differ from those of the first device of its profile (``change:``) has one of its own.
    """
    found: dict[str, dict[str, Any]] = {}
    for device in plant.devices:
        names = [device.profile, device.variant] if device.variant else [device.profile]
        model = _interface(device, names, units)
        known = found.setdefault(model["@id"], model)
        if known["contents"] != model["contents"]:
            own = _interface(device, [*names, device.name], units)
            found[own["@id"]] = own
    return list(found.values())


def _interface(device: Device, names: list[str], units: Units) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@id": ":".join(("dtmi:fieldgate", *map(_segment, names))) + ";1",
        "@type": "Interface",
        "displayName": _cut(" ".join(names)),
        "contents": _contents(device, units),
    }


def _contents(device: Device, units: Units) -> list[dict[str, Any]]:
    known = {unit.symbol: unit for unit in units}
    taken: set[str] = set()
    contents = []
    for spec in device.points:
        kind = "Property" if spec.kind == "info" or spec.write else "Telemetry"
        content = _content(kind, spec.point.name, spec.note, known.get(spec.unit), spec.unit, _schema(spec), taken)
        contents.append(content | ({"writable": True} if spec.write else {}))
    types = {spec.point.name: shape.published(spec).type for spec in device.points}
    for one in device.derived:
        types[one.name] = shape.derived(one, types)
        schema = _plain(Shape(types[one.name]))
        contents.append(_content("Telemetry", one.name, one.note, known.get(one.unit), one.unit, schema, taken))
    return contents


class _Schema(NamedTuple):
    term: str | dict[str, Any]
    comment: str = ""
    """What the term does not tell."""


def _content(
    kind: str, name: str, note: str, unit: Unit | None, symbol: str, schema: _Schema, taken: set[str]
) -> dict[str, Any]:
    # A name in DTDL ends with a letter or a digit.
    legal = _unique(name.rstrip("_"), taken)
    content: dict[str, Any] = {"@type": kind, "name": legal, "displayName": name.replace("_", " ").strip()}
    comments = [schema.comment, f"published as {name}" if legal != name else ""]
    if unit and unit.dtdl and unit.dtdl_type and schema.term in _NUMERIC:
        content |= {"@type": [kind, unit.dtdl_type], "unit": unit.dtdl}
    elif symbol:
        comments.insert(0, f"unit {symbol}")
    content["schema"] = schema.term
    comment = "; ".join(filter(None, comments))
    return content | {key: _cut(text) for key, text in (("description", note), ("comment", comment)) if text}


def _schema(spec: PointSpec) -> _Schema:
    given = shape.published(spec)
    if given.type == "texts":
        return _Schema({"@type": "Array", "elementSchema": _enum(spec.flags.values())})
    if spec.enum:
        return _Schema(_enum(spec.enum.values()), "a code without a text is sent as a number")
    return _plain(given)


def _plain(given: Shape) -> _Schema:
    if given.type is None:
        return _Schema("double", "the type is known to the device only")
    if given.lowest is None or given.highest is None:
        return _Schema(_TERMS[given.type])
    if given.lowest >= -_INT32 and given.highest < _INT32:
        return _Schema("integer")
    if given.lowest >= -_INT64 and given.highest < _INT64:
        return _Schema("long")
    # A double would lose integers from 2^53 on, long before those that are too large for a long.
    return _Schema("long", f"from {given.lowest} to {given.highest}, but a long ends at {_INT64 - 1}")


def _enum(texts: Iterable[str]) -> dict[str, Any]:
    """An Enum of texts; a text that stands for two codes is one value."""
    taken: set[str] = set()
    values = [
        {"name": _unique(_word(text), taken), "displayName": _cut(text), "enumValue": text}
        for text in dict.fromkeys(texts)
    ]
    return {"@type": "Enum", "valueSchema": "string", "enumValues": values}


def _word(text: str) -> str:
    """A text as a legal name: letters, digits and _, a letter first, no _ at the end."""
    word = re.sub("[^A-Za-z0-9]+", "_", text).strip("_")[:64].rstrip("_")
    return word if word[:1].isalpha() else f"value_{word}".rstrip("_")


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


_LETTERS = str.maketrans({"-": "_", "_": "U", ".": "D"})


def _segment(name: str) -> str:
    """A name as a part of a DTMI: one for each name, the same in every export.

    Our names have no capitals, so a capital stands for what DTMI does not allow: ``N3ph``, ``aUb``.
    """
    word = name.translate(_LETTERS)
    if word.endswith("_"):
        word = f"{word[:-1]}H"
    if not word[0].isalpha():
        word = f"N{word}"
    if len(word) <= _LONGEST_SEGMENT:
        return word
    return f"{word[: _LONGEST_SEGMENT - 8].rstrip('_')}X{sha256(name.encode()).hexdigest()[:7]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
