"""How a Thing Description says where a point is read: the vocabulary of each protocol's WoT binding.

Core knows no adapter: what stands here goes by the names of the settings that plant engineers write. A protocol without
a binding gets a form that names the point, with its settings in our own terms.

Modbus: W3C WoT Modbus Binding (``modv:``). OPC UA: OPC 10101 v1.00 (``uav:``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote

from gateway.mapping.spec import Device, PointSpec
from gateway.values import BIT_WIDTHS

Terms: TypeAlias = dict[str, Any]


class Binding(NamedTuple):
    """What the binding of a protocol says of one device."""

    context: Mapping[str, str]
    """Prefixes of its vocabulary."""
    security: Mapping[str, Terms]
    """Security definitions, the one that counts last."""
    observable: bool
    form: Callable[[PointSpec], Terms]
    base: str = ""


def binding(device: Device, urn: str) -> Binding:
    """The binding for a device; ``urn`` names it where its protocol has none."""
    connect = device.connect.model_dump(mode="json")
    if device.protocol == "modbus" and str(connect.get("modbus", "")).startswith("tcp://"):
        return _modbus(connect, urn)
    if device.protocol == "opcua" and "opcua" in connect:
        return _opcua(connect)
    return Binding({}, _NO_SECURITY, observable=False, form=lambda spec: _plain(spec, urn))


_BYTES = "application/octet-stream"
_HEX = "xsd:hexBinary"
_NO_SECURITY: Mapping[str, Terms] = {"nosec_sc": {"scheme": "nosec"}}


def own_terms(settings: Mapping[str, Any]) -> Terms:
    """Settings in our own vocabulary: texts, numbers, and lists of them; what is nested becomes JSON."""
    return {f"fieldgate:{key}": _term(value) for key, value in settings.items()}


def bytes_alone(form: Mapping[str, Any]) -> bool:
    """Whether a client gets no more than bytes, since the binding has no word for what they mean."""
    return form.get("modv:type") == _HEX


def node_id(address: Any) -> str:
    """The node of an OPC UA address, by namespace URI where it is known: ``nsu=urn:acme;s=Speed``."""
    return str(getattr(address, "id", None) or address.node)


def _term(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return value
    return json.dumps(value) if isinstance(value, list | dict) else value


def _plain(spec: PointSpec, urn: str) -> Terms:
    form: Terms = {
        "href": f"{urn}:{spec.point.name}",
        "contentType": _BYTES,
        "op": _operations(spec),
    }
    return form | own_terms(_written(spec))


def _written(spec: PointSpec) -> dict[str, Any]:
    """The settings of the address that were not left out."""
    written: dict[str, Any] = spec.point.address.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return written


def _operations(spec: PointSpec, *more: str) -> list[str]:
    return ["readproperty", *(["writeproperty"] if spec.write else []), *more]


_OBSERVE = ("observeproperty", "unobserveproperty")

_ENTITIES = {
    "coil": "Coil",
    "discrete": "DiscreteInput",
    "input": "InputRegister",
    "holding": "HoldingRegister",
}
_BITS = ("coil", "discrete")
_XSD = {
    "bool": "xsd:boolean",
    "int16": "xsd:short",
    "uint16": "xsd:unsignedShort",
    "int32": "xsd:int",
    "uint32": "xsd:unsignedInt",
    "int64": "xsd:long",
    "uint64": "xsd:unsignedLong",
    "float32": "xsd:float",
    "float64": "xsd:double",
    "string": "xsd:string",
}
_BYTE_FIRST = ("ABCD", "CDAB")
_WORD_FIRST = ("ABCD", "BADC")
_BYTE_SEQUENCES = {
    "ABCD": "BIG_ENDIAN",
    "CDAB": "LITTLE_ENDIAN_BYTE_SWAP",
    "BADC": "BIG_ENDIAN_BYTE_SWAP",
    "DCBA": "LITTLE_ENDIAN",
}


def _modbus(connect: Mapping[str, Any], urn: str) -> Binding:
    endpoint = str(connect["modbus"]).removeprefix("tcp://")

    def form(spec: PointSpec) -> Terms:
        # Registers that are not neighbours are more than one request.
        return _plain(spec, urn) if spec.point.address.at is None else _modbus_form(spec, connect)

    context = {"modv": "https://www.w3.org/2019/wot/modbus#"}
    return Binding(context, _NO_SECURITY, observable=True, form=form, base=f"modbus+tcp://{endpoint}/")


def _modbus_form(spec: PointSpec, connect: Mapping[str, Any]) -> Terms:
    address = spec.point.address.model_dump(mode="json")
    table, type_, order = address.get("table", "holding"), address.get("type", "uint16"), address.get("order", "ABCD")
    registers = 1 if table in _BITS else address.get("length") or math.ceil(BIT_WIDTHS.get(type_, 16) / 16) or 1
    at = address["at"] + connect.get("base", 0)
    form: Terms = {
        "href": f"{connect.get('unit_id', 1)}/{at}?quantity={registers}",
        "op": _operations(spec, *_OBSERVE),
        "contentType": _BYTES,
        "modv:entity": _ENTITIES[table],
        "modv:zeroBasedAddressing": True,
        "modv:type": _XSD.get(type_, _HEX),
    }
    if table not in _BITS:
        form["contentType"] = _content_type(type_, registers, order)
        form |= {"modv:mostSignificantByte": order in _BYTE_FIRST, "modv:mostSignificantWord": order in _WORD_FIRST}
    if math.isfinite(spec.point.every_s):
        form["modv:pollingTime"] = round(spec.point.every_s * 1000)
    if connect.get("timeout"):
        form["modv:timeout"] = round(connect["timeout"] * 1000)
    said = {"at", "table", "order", "length"} | ({"type"} if type_ in _XSD else set())
    return form | own_terms({key: value for key, value in _written(spec).items() if key not in said})


def _content_type(type_: str, registers: int, order: str) -> str:
    """Size, sign and order once more: Eclipse Thingweb, which most programs build upon, knows them from here alone."""
    if type_ not in _XSD or type_ == "string":
        return _BYTES
    signed = str(not type_.startswith("uint")).lower()
    return f"{_BYTES};length={2 * registers};signed={signed};byteSeq={_BYTE_SEQUENCES[order]}"


def _opcua(connect: Mapping[str, Any]) -> Binding:
    endpoint = str(connect["opcua"])
    context = {"uav": "http://opcfoundation.org/UA/WoT-Binding/"}

    def form(spec: PointSpec) -> Terms:
        # The whole address: a path of the endpoint would be lost where a relative one is put together with the base.
        node = quote(node_id(spec.point.address), safe="/:;=,.!~*'()@$+?[]")
        return {
            "href": f"{endpoint.rstrip('/')}/?id={node}",
            "op": _operations(spec, *_OBSERVE),
            "contentType": _BYTES,
        }

    return Binding(context, _opcua_security(connect), observable=True, form=form, base=endpoint)


def _opcua_security(connect: Mapping[str, Any]) -> Mapping[str, Terms]:
    """What the connection asks for; who the user is and what he knows stands nowhere."""
    user = connect.get("user") or {}
    token = "UserName" if user.get("name") else "Certificate" if user.get("certificate") else "Anonymous"
    if connect.get("mode") == "None" and token == "Anonymous":  # noqa: S105 -- the kind of token, none of its content
        return _NO_SECURITY
    return {
        "channel_sc": {
            "scheme": "uav:channelsec",
            "uav:securityMode": connect.get("mode", "SignAndEncrypt"),
            "uav:securityPolicy": connect.get("security", "Basic256Sha256"),
        },
        "user_sc": {"scheme": "uav:authentication", "uav:userIdentityToken": token},
        "combo_sc": {"scheme": "combo", "allOf": ["channel_sc", "user_sc"]},
    }
