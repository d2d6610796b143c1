"""Thing Descriptions (W3C WoT TD 1.1): how each device of a plant is read, for programs that speak its protocol.

A Thing Description tells what stands on the wire. It has no word for scale, so a point that is scaled says so by its
unit, where UCUM can (``V/10``), and has none where it cannot. What is published in the end stands in terms of our own
(``fieldgate:``), which others pass over: value = raw * fieldgate:scale + fieldgate:offset in fieldgate:unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.mapping.exporters import shape
from gateway.mapping.exporters.forms import Binding, binding, bytes_alone, own_terms
from gateway.mapping.spec import Device, Plant, PointSpec, Text
from gateway.mapping.units import BUILT_IN, Unit, Units

_TD = "https://www.w3.org/2022/wot/td/v1.1"
_OWN = {"fieldgate": "urn:fieldgate:td:"}


def things(plant: Plant, units: Units = BUILT_IN) -> list[dict[str, Any]]:
    """One Thing Description for each device, in their order, ready for JSON."""
    known = {unit.symbol: unit for unit in units}
    return [_thing(device, plant.name, known) for device in plant.devices]


def _thing(device: Device, gateway: str, units: Mapping[str, Unit]) -> dict[str, Any]:
    urn = f"urn:fieldgate:{gateway}:{device.identity}"
    bound = binding(device, urn)
    asset = device.asset
    thing: dict[str, Any] = {
        "@context": [_TD, {**bound.context, **_OWN}],
        "@type": "Thing",
        "id": urn,
        "title": (_text(asset.name) if asset else "") or device.name,
        "description": _description(device),
        "securityDefinitions": dict(bound.security),
        "security": list(bound.security)[-1],
    }
    if bound.base:
        thing["base"] = bound.base
    thing["properties"] = {spec.point.name: _property(spec, device, bound, units) for spec in device.points}
    facts = {
        "device": device.name,
        "profile": device.profile,
        "variant": device.variant,
        "asset": asset.path if asset else "",
        "derived": [f"{spec.name} = {spec.formula.text}" for spec in device.derived],
    }
    return thing | own_terms({key: fact for key, fact in facts.items() if fact})


def _text(text: Text) -> str:
    """Empty where only the running device knows it."""
    return text if isinstance(text, str) else ""


def _description(device: Device) -> str:
    asset = device.asset
    made = [_text(asset.maker), _text(asset.model)] if asset else []
    return " ".join(filter(None, made)) or f"{device.profile} {device.variant}".strip()


def _property(spec: PointSpec, device: Device, bound: Binding, units: Mapping[str, Unit]) -> dict[str, Any]:
    about = {
        "title": spec.point.name.replace("_", " ").strip(),
        "description": spec.note,
        "unit": _unit(spec, units.get(spec.unit)),
    }
    form = bound.form(spec)
    return {
        **{key: text for key, text in about.items() if text},
        **({} if bytes_alone(form) else _data(spec)),
        "readOnly": spec.write is None,
        "writeOnly": False,
        "observable": bound.observable,
        "forms": [form],
        **own_terms(_meaning(spec, device)),
    }


def _data(spec: PointSpec) -> dict[str, Any]:
    """The data schema of the raw value."""
    # Only part of a register: no client would find these values in what it reads.
    if getattr(spec.point.address, "bits", None) is not None:
        return {}
    given = shape.raw(spec.point.address)
    if given.type is None:
        given = shape.published(spec) if shape.untouched(spec) else given
    data: dict[str, Any] = {"type": given.type} if given.type not in (None, "texts") else {}
    if spec.enum:
        data["oneOf"] = [{"const": _code(code, given.type), "title": text} for code, text in spec.enum.items()]
    if spec.range and shape.untouched(spec) and given.type in ("integer", "number"):
        data |= {"minimum": spec.range[0], "maximum": spec.range[1]}
    return data


def _code(code: int, type_: shape.Type | None) -> int | bool:
    return bool(code) if type_ == "boolean" else code


_NOT_A_RATIO = ("Cel", "[degF]", "[degRe]", "[pH]", "dB", "B[")
"""Terms of UCUM with a zero or a logarithm of their own: no number can stand before them."""


def _unit(spec: PointSpec, unit: Unit | None) -> str:
    """The unit of the raw value in UCUM; empty where the raw value is in none."""
    times, plus = shape.line(spec)
    partly = getattr(spec.point.address, "bits", None) is not None
    if unit is None or not unit.ucum or plus or times <= 0 or partly or spec.scale_from is not None:
        return ""
    if spec.enum or spec.flags or (times != 1 and unit.ucum.startswith(_NOT_A_RATIO)):
        return ""
    many = f"{times.numerator}." if times.numerator != 1 else ""
    return f"{many}{unit.ucum}" + (f"/{times.denominator}" if times.denominator != 1 else "")


def _meaning(spec: PointSpec, device: Device) -> dict[str, Any]:
    """What becomes of the raw value, as far as it is not published as it is."""
    times, plus = shape.line(spec)
    report = spec.report
    terms: dict[str, Any] = {
        "unit": spec.unit,
        "scale": str(times) if times != 1 else "",
        "offset": str(plus) if plus else "",
        "scaleFrom": device.points[spec.scale_from].point.name if spec.scale_from is not None else "",
        "nan": [hex(pattern) for pattern in sorted(spec.nan)],
        "enum": [f"{code} = {text}" for code, text in spec.enum.items()],
        "flags": [f"{bit} = {text}" for bit, text in spec.flags.items()],
        "kind": spec.kind if spec.kind != "gauge" else "",
        # A text: readers of JSON-LD take large numbers for doubles.
        "rollover": str(spec.rollover or ""),
        "range": list(spec.range or ()),
        "when": spec.when.text if spec.when else "",
        "exists": spec.exists.text if spec.exists else "",
    }
    if report.deadband:
        terms["deadband"] = f"{report.deadband.size:g}" + (" %" if report.deadband.percent else "")
        terms["heartbeat"] = f"{report.heartbeat_s:g} s"
    if spec.write:
        bounds = {"lowest": spec.write.lowest, "highest": spec.write.highest, "step": spec.write.step}
        terms |= {f"write{key.title()}": float(bound) for key, bound in bounds.items() if bound is not None}
        terms["writeValues"] = list(spec.write.values)
    return {key: term for key, term in terms.items() if term not in ("", [])}
