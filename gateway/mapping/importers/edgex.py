"""EdgeX device profiles (and device lists) for its Modbus service, YAML or JSON, as profiles and devices.

What differs from EdgeX, so that the values come out the same or better:

- Since version 2 ``startingAddress`` is the offset, before it was one more. Which one a file means is told by the way
  it writes the type (``valueType``, or ``value: {type: ...}`` before), or by ``first_address``.
- ``isByteSwap`` and ``isWordSwap`` work on values of 32 bits alone; all others are ABCD.
- ``scale`` multiplies. EdgeX cuts the decimals of a scaled whole number off; here they stay.
- A bool of a register is one bit: ``10.5`` is bit 5 of register 10. To EdgeX a bare number has two decimals: 10.1 is
  bit 10, "10.1" is bit 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from gateway.mapping.draft import DraftDevice, DraftProfile, Imported, Setting
from gateway.mapping.importers.drafting import (
    Drafts,
    Points,
    endpoint,
    identifier_name,
    number,
    plain_name,
    scaling,
    timeout,
    unit,
    with_defaults,
)
from gateway.mapping.importers.parts import LeftOut, Notes, Part, each
from gateway.mapping.importers.source import Source, read_yaml
from gateway.values import quote


def import_edgex(source: Source, first_address: Literal[0, 1] | None = None) -> Imported:
    """The device profile in a file, or the devices of a ``deviceList``.

    ``first_address``: what EdgeX calls the first register, where the file does not tell.
    """
    notes = Notes(source.name)
    drafts = Drafts(notes)
    value = read_yaml(source, notes)
    try:
        if not isinstance(value, Mapping):
            if notes.report.errors == 0:
                raise LeftOut(notes.at(), "I20", "this is no device profile of EdgeX")
            return drafts.imported()
        root = Part(value, getattr(value, "place", notes.at()), notes)
        devices = root.parts("deviceList")
        if "deviceResources" in root:
            _Profile(root, first_address).take(drafts)
        elif not devices:
            raise root.missing("deviceResources", "the points of a device profile")
        drafts.rows += each(devices, lambda device: _device(device, drafts))
    except LeftOut as reason:
        notes.out(reason)
    return drafts.imported()


_TABLES = {
    "COILS": "coil",
    "DISCRETES_INPUT": "discrete",
    "DISCRETE_INPUTS": "discrete",
    "INPUT_REGISTERS": "input",
    "HOLDING_REGISTERS": "holding",
}
_TYPES = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
_RAW = {"float32": ("int16", "uint16"), "float64": ("int16", "uint16", "int32")}
"""What a float may be made of (``rawType``)."""


class _Profile:
    """One device profile."""

    def __init__(self, root: Part, first_address: Literal[0, 1] | None) -> None:
        self._root = root
        self._notes = root.notes
        self._first = first_address
        self._points = Points(root.notes)
        self._mappings: dict[str, dict[str, str]] = {}
        self._writable = 0
        self._said = False

    def take(self, drafts: Drafts) -> None:
        """Its points as a profile."""
        root = self._root
        name = root.text("name")
        each(root.parts("deviceCommands"), self._command)
        drafts.rows += each(root.parts("deviceResources"), self._resource)
        if self._writable:
            text = f"{self._writable} resources can be written in EdgeX; here nothing can until its point says so"
            self._notes.warn(
                root.at("deviceResources"), "I25", text, "add write: {range: [lowest, highest]} to a point"
            )
        if self._points.drafts:
            defaults, points = with_defaults(self._points.drafts)
            description = root.text("description")
            note = f"{description} ({self._notes.file})" if description else self._notes.file
            drafts.profile(
                DraftProfile(
                    profile=plain_name(name, "edgex"),
                    protocol="modbus",
                    points=points,
                    maker=root.text("manufacturer"),
                    model=root.text("model"),
                    note=note,
                    defaults=defaults,
                )
            )
        root.rest("apiVersion", "labels", "id", "created", "modified", "coreCommands")

    def _command(self, command: Part) -> None:
        """The texts that a command gives for values; which resources it bundles has no counterpart."""
        for key in ("resourceOperations", "get"):
            for operation in command.parts(key):
                resource = operation.text("deviceResource") or operation.text("object")
                mappings = operation.part("mappings")
                if mappings is None or not resource:
                    continue
                texts = {name: mappings.text(name) for name in mappings.members}
                known = self._mappings.setdefault(resource, texts)
                if known != texts:
                    text = f"{quote(resource)} has other mappings in another command; the first ones were taken"
                    self._notes.warn(operation.at("mappings"), "I25", text)

    def _resource(self, resource: Part) -> None:
        name = resource.text("name")
        if not name:
            raise resource.missing("name", "what it is called")
        attributes, properties = resource.part("attributes"), resource.part("properties")
        if attributes is None or properties is None:
            raise resource.missing("attributes and properties", "where it is read, and as what")
        first = 0
        if "value" in properties:
            first = 1
            units = properties.part("units")
            properties = properties.part("value") or properties
            unit_text = (units.text("defaultValue") if units else "").strip()
        else:
            unit_text = properties.text("units").strip()
        self._say_first(first, resource)
        kind = (properties.text("valueType") or properties.text("type")).casefold()
        self._access(properties)
        settings = self._address(attributes, kind, first)
        settings |= self._meaning(properties, attributes, kind, settings, name)
        if "enum" not in settings:
            settings |= unit(unit_text, properties.at("units"), self._notes)
        self._points.add(identifier_name(name), settings, resource.place, resource.source)
        for part in (attributes, properties):
            part.rest("defaultValue", "assertion", "mediaType", "size", "floatEncoding", "minimum", "maximum")
        resource.rest("isHidden", "description", "tag", "tags")

    def _say_first(self, first: int, resource: Part) -> None:
        if self._first is None and first and not self._said:
            self._said = True
            text = "in this version of EdgeX the first register is 1: every startingAddress is one more than the offset"
            self._notes.warn(resource.at("attributes"), "I25", text, "choose first_address 0 where that is not so")

    def _access(self, properties: Part) -> None:
        access = properties.text("readWrite").upper()
        if access == "W":
            raise properties.wrong("readWrite", "it can only be written, so there is nothing to read", code="I23")
        self._writable += "W" in access

    def _address(self, attributes: Part, kind: str, first: int) -> dict[str, Setting]:
        table = _TABLES.get(attributes.text("primaryTable").upper(), "")
        if not table:
            what = quote(attributes.text("primaryTable"))
            raise attributes.wrong("primaryTable", f"{what} is no table of EdgeX's Modbus service")
        if "startingAddress" not in attributes:
            raise attributes.missing("startingAddress", "its register")
        address, bit = _starting(attributes)
        address -= first if self._first is None else self._first
        if not 0 <= address <= 65535:
            raise attributes.wrong("startingAddress", f"the register would be {address}")
        where: dict[str, Setting] = {"table": table, "at": str(address)}
        if kind == "bool":
            bits = {} if table in ("coil", "discrete") else {"bits": str(bit)}
            return {**where, "type": "bool", **bits}
        if table in ("coil", "discrete"):
            raise attributes.wrong("primaryTable", f"{quote(kind)} made of single bits has no counterpart", code="I23")
        if kind == "string":
            key = "stringRegisterSize" if "stringRegisterSize" in attributes else "wordLength"
            length = attributes.whole(key, 1, 123)
            if length is None:
                raise attributes.missing("stringRegisterSize", "how many registers the text has")
            return {**where, "type": "string", "length": str(length)}
        return {**where, **self._number(attributes, kind)}

    def _number(self, attributes: Part, kind: str) -> dict[str, Setting]:
        if kind not in _TYPES:
            raise attributes.wrong("primaryTable", f"{quote(kind)} is no type that a Modbus register has", code="I23")
        raw = attributes.text("rawType").casefold()
        if raw and raw != kind:
            if raw not in _RAW.get(kind, ()):
                raise attributes.wrong("rawType", f"{quote(raw)} cannot become {quote(kind)} in EdgeX", code="I23")
            kind = raw
        swaps = (bool(attributes.flag("isByteSwap")), bool(attributes.flag("isWordSwap")))
        order = {(False, False): "ABCD", (False, True): "CDAB", (True, False): "BADC", (True, True): "DCBA"}[swaps]
        if order != "ABCD" and not kind.endswith("32"):
            text = f"EdgeX swaps nothing in a {kind}, so neither is it here"
            key = "isByteSwap" if swaps[0] else "isWordSwap"
            hint = f"where the values were wrong in EdgeX, write order: {order}"
            self._notes.warn(attributes.at(key), "I25", text, hint)
            order = "ABCD"
        return {"type": kind, **({"order": order} if order != "ABCD" else {})}

    def _meaning(
        self, properties: Part, attributes: Part, kind: str, settings: dict[str, Setting], name: str
    ) -> dict[str, Setting]:
        """Scale, offset, bits and texts."""
        scale, offset = properties.number("scale"), properties.number("offset")
        base = properties.number("base")
        field, factor = _field(properties, str(settings["type"]), kind)
        if kind in ("bool", "string"):
            scale = offset = None
        elif base:
            raise properties.wrong("base", f"base {base} raises {base} to the power of the value", code="I23")
        if scale == 0:
            scale = None
        result = dict(field) | scaling((scale or Decimal(1)) * factor, None, properties.at("scale"))
        if offset:
            result["offset"] = number(offset)
        if "int" in kind and any(factor and factor % 1 for factor in (scale, offset)):
            text = f"EdgeX gives a whole number ({kind}) and cuts the decimals off; here they stay"
            self._notes.warn(properties.at("scale"), "I25", text)
        texts = self._enum(name, properties)
        if texts and ({"scale", "offset"} & result.keys()):
            self._notes.warn(properties.at("scale"), "I25", "mappings of a scaled value have no counterpart")
            texts = {}
        return result | ({"enum": texts} if texts else {})

    def _enum(self, name: str, properties: Part) -> dict[str, Setting]:
        result: dict[str, Setting] = {}
        for value, text in sorted(self._mappings.get(name, {}).items()):
            key = {"true": "1", "false": "0"}.get(value.casefold(), value)
            if re.fullmatch("-?(0|[1-9][0-9]{0,18})", key) and text:
                result[key] = text
            else:
                self._notes.warn(properties.place, "I23", f"the mapping of {quote(value)} has no counterpart")
        return result


def _starting(attributes: Part) -> tuple[int, int]:
    """The address as it is written, and the bit behind its point."""
    text = attributes.text("startingAddress")
    match = re.fullmatch(r"([0-9]{1,5})(?:\.([0-9]{1,2}))?", text)
    if match is None:
        address = attributes.whole("startingAddress")
        return address or 0, 0
    bit = match[2] or "0"
    members = attributes.members
    quoted = attributes.at("startingAddress") in getattr(members, "quoted", ())
    if len(bit) == 1 and match[2] and not quoted:
        bit += "0"  # EdgeX writes the number with two decimals before it looks at them.
    if int(bit) > 15:
        raise attributes.wrong(
            "startingAddress", f"{quote(text)} is bit {int(bit)} to EdgeX, but a register has 16 bits"
        )
    return int(match[1]), int(bit)


def _field(properties: Part, type_: str, kind: str) -> tuple[dict[str, Setting], Decimal]:
    """``bits`` for a mask and a shift (a positive one shifts to the left), and the factor that is left."""
    mask, shift = properties.whole("mask", 0, (1 << 64) - 1) or 0, properties.whole("shift", -64, 64) or 0
    if not kind.startswith("uint") or (not mask and not shift):
        return {}, Decimal(1)
    width = int(type_.removeprefix("uint"))
    mask = mask & ((1 << width) - 1) or (1 << width) - 1
    low, high = (mask & -mask).bit_length() - 1, mask.bit_length() - 1
    if mask != (1 << high + 1) - (1 << low):
        raise properties.wrong("mask", f"the mask {mask:#x} has gaps", "import its parts one by one", "I23")
    low = max(low, -shift)
    if low > high or high + shift >= width:
        raise properties.wrong("shift", f"a shift of {shift} pushes bits out of the mask {mask:#x}", code="I23")
    bits: dict[str, Setting] = {} if (low, high) == (0, width - 1) else {"bits": f"{low}..{high}"}
    return bits, Decimal(2) ** (low + shift)


def _device(device: Part, drafts: Drafts) -> None:
    """One entry of a ``deviceList``."""
    name, profile = device.text("name"), device.text("profileName")
    if not name or not profile:
        raise device.missing("name and profileName", "what it is called and which profile it has")
    protocols = device.part("protocols")
    tcp = protocols.part("modbus-tcp") if protocols else None
    if tcp is None:
        others = ", ".join(str(key) for key in protocols.members) if protocols else "nothing"
        raise device.wrong("protocols", f"{quote(name)} has no modbus-tcp but {quote(others)}", code="I23")
    host, unit_id = tcp.text("Address"), tcp.whole("UnitID", 0, 255)
    if not unit_id:
        raise tcp.wrong("UnitID", "UnitID is 0 or missing; 0 is broadcast, no device answers to it")
    connect: dict[str, Setting] = {
        "modbus": endpoint(host, tcp.whole("Port", 1) or 502, tcp.at("Address")),
        "unit_id": str(unit_id),
    }
    seconds = tcp.number("Timeout")
    connect |= timeout(seconds, tcp.at("Timeout"), device.notes) if seconds is not None else {}
    tcp.rest("IdleTimeout")
    draft = DraftDevice(plain_name(name, "device"), plain_name(profile, "edgex"), connect, device.text("description"))
    drafts.device(draft, device.place)
    device.rest("labels", "adminState", "operatingState", "serviceName", "tags", "properties")
