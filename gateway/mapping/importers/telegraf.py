"""Telegraf's ``[[inputs.modbus]]``: its three styles (register, request, metric) as profiles and devices.

Its byte orders are ours: ABCD, DCBA, BADC and CDAB name the bytes as they come, MSW-BE, LSW-LE, MSW-LE and LSW-BE are
the same four. Addresses are offsets. Fields of one slave id are one device; what is read over a serial line is named,
not imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from gateway.mapping.diagnostics import Place
from gateway.mapping.draft import DraftDevice, DraftProfile, Imported, Setting
from gateway.mapping.importers.drafting import (
    Drafts,
    Points,
    endpoint,
    identifier_name,
    period,
    plain_name,
    scaling,
    timeout,
    with_defaults,
)
from gateway.mapping.importers.parts import LeftOut, Notes, Part, each
from gateway.mapping.importers.source import Source, read_toml
from gateway.values import quote


def import_telegraf(source: Source) -> Imported:
    """The Modbus devices of a Telegraf configuration."""
    notes = Notes(source.name)
    drafts = Drafts(notes)
    tables = read_toml(source, notes)
    if tables is None:
        return drafts.imported()
    try:
        root = Part(tables, notes.at(), notes)
        inputs, agent = root.part("inputs"), root.part("agent")
        every = agent.text("interval") if agent else ""
        plugins = inputs.parts("modbus") if inputs else []
        if not plugins:
            raise root.missing("inputs.modbus", "the Modbus plug-in; no other one is imported")
        each(plugins, lambda plugin: _Plugin(plugin, every, drafts).take(plugin))
    except LeftOut as reason:
        notes.out(reason)
    return drafts.imported()


_ORDERS = {
    **dict.fromkeys(("AB", "ABCD", "ABCDEFGH", "MSW-BE", "MSW"), "ABCD"),
    **dict.fromkeys(("BA", "DCBA", "HGFEDCBA", "LSW-LE", "LSW"), "DCBA"),
    **dict.fromkeys(("BADC", "BADCFEHG", "MSW-LE"), "BADC"),
    **dict.fromkeys(("CDAB", "GHEFCDAB", "LSW-BE"), "CDAB"),
}
_TYPES = {
    "INT16": "int16",
    "UINT16": "uint16",
    "INT32": "int32",
    "UINT32": "uint32",
    "INT64": "int64",
    "UINT64": "uint64",
    "FLOAT16": "float16",
    "FLOAT32": "float32",
    "FLOAT64": "float64",
    "FLOAT16-IEEE": "float16",
    "FLOAT32-IEEE": "float32",
    "FLOAT64-IEEE": "float64",
}
_BYTES = {
    "INT8L": ("int8", "low"),
    "INT8H": ("int8", "high"),
    "UINT8L": ("uint8", "low"),
    "UINT8H": ("uint8", "high"),
}
_TABLES = {
    "discrete_inputs": "discrete",
    "coils": "coil",
    "holding_registers": "holding",
    "input_registers": "input",
}
_NO_MEANING = (
    *("busy_retries", "busy_retries_wait", "debug_connection", "optimization", "optimization_max_register_fill"),
    *("baud_rate", "data_bits", "parity", "stop_bits"),
)


@dataclass
class _Group:
    """The fields of one slave id."""

    points: Points
    part: Part
    """Where the slave id stands, or the fields that need one."""
    unit_id: int


class _Plugin:
    """One ``[[inputs.modbus]]``."""

    def __init__(self, part: Part, every: str, drafts: Drafts) -> None:
        self._part = part
        self._notes = part.notes
        self._every = every
        self._drafts = drafts
        self._groups: dict[int, _Group] = {}

    def take(self, part: Part) -> None:
        """Its points, and its devices where they can be reached."""
        style = part.text("configuration_type") or "register"
        if style not in ("register", "request", "metric"):
            raise part.wrong("configuration_type", f"{quote(style)} is no style of Telegraf's Modbus plug-in")
        if style == "register":
            self._registers(part)
        else:
            each(part.parts(style), lambda group: self._fields(group, style))
        seconds = self._duration(part.text("interval") or self._every, part.at("interval"))
        every = period(seconds, part.at("interval"), self._notes) if seconds is not None else {}
        connect = self._reached(part)
        name = part.text("name") or "modbus"
        for group in self._groups.values():
            self._finish(name, group, every, connect)
        part.rest(*_NO_MEANING)

    def _finish(self, name: str, group: _Group, every: dict[str, Setting], connect: dict[str, Setting]) -> None:
        own = f"{name}-{group.unit_id}" if len(self._groups) > 1 else name
        if not group.points.drafts:
            return
        defaults, points = with_defaults(group.points.drafts)
        draft = DraftProfile(plain_name(own, "telegraf"), "modbus", points, note=self._notes.file)
        profile = self._drafts.profile(replace(draft, defaults=defaults | every))
        if not connect:
            return
        if group.unit_id == 0:
            text = "slave_id is 0 or missing; 0 is broadcast, no device answers: these points have no device"
            self._notes.out(LeftOut(group.part.at("slave_id"), "I22", text, "write the unit id of the device"))
            return
        settings = {"modbus": connect["modbus"], "unit_id": str(group.unit_id), **connect}
        self._drafts.device(
            DraftDevice(plain_name(own, "device"), profile, settings, group.part.source), group.part.place
        )

    def _group(self, part: Part) -> Points:
        unit_id = part.whole("slave_id", 0, 255) or 0
        if unit_id not in self._groups:
            self._groups[unit_id] = _Group(Points(self._notes), part, unit_id)
        return self._groups[unit_id].points

    def _reached(self, part: Part) -> dict[str, Setting]:
        """``connect`` without the unit id; empty where the devices cannot be reached, which is reported."""
        try:
            return self._connect(part)
        except LeftOut as reason:
            self._notes.out(reason)
            return {}

    def _connect(self, part: Part) -> dict[str, Setting]:
        controller, limit = part.text("controller"), part.text("timeout")
        mode = part.text("transmission_mode") or "auto"
        if re.match("file:|/|COM", controller):
            text = f"{quote(controller)} is a serial line: the profile is imported, the devices are not"
            raise part.wrong("controller", text, "serial lines are not read yet", "I23")
        match = re.fullmatch(r"tcp://(\S+):([0-9]{1,5})/?", controller)
        if match is None or not 1 <= int(match[2]) <= 65535:
            what = quote(controller) if controller else "missing"
            raise part.wrong("controller", f"the controller must be tcp://host:port, but it is {what}")
        if mode.upper() not in ("AUTO", "TCP"):
            text = f"{quote(mode)} is not read yet, only Modbus TCP: the profile is imported, the devices are not"
            raise part.wrong("transmission_mode", text, code="I23")
        address = endpoint(match[1], int(match[2]), part.at("controller"))
        seconds = self._duration(limit, part.at("timeout"))
        longest = timeout(seconds, part.at("timeout"), self._notes) if seconds is not None else {}
        return {"modbus": address, **longest}

    def _duration(self, text: str, place: Place) -> Decimal | None:
        seconds = _seconds(text)
        if seconds is None and text:
            self._notes.warn(place, "I22", f"{quote(text)} is not a time; it was left out")
        return seconds

    def _registers(self, part: Part) -> None:
        points = self._group(part)
        for key, table in _TABLES.items():
            entries = part.parts(key)

            def take(field: Part, table: str = table) -> None:
                points.add(_name(field), self._register(field, table), field.place, field.source)
                field.rest("measurement")

            self._drafts.rows += each(entries, take)

    def _register(self, field: Part, table: str) -> dict[str, Setting]:
        """A field of the style ``register``, with a list of addresses."""
        entries = [Part({"address": value}, place, self._notes) for value, place in field.entries("address")]
        addresses = [address for entry in entries if (address := entry.whole("address")) is not None]
        if not addresses or len(addresses) < len(entries):
            raise field.missing("address", "the list of its registers")
        expected = list(range(addresses[0], addresses[0] + len(addresses)))
        settings: dict[str, Setting] = {"table": table, "at": str(addresses[0])}
        if table in ("coil", "discrete"):
            field.raw("data_type")
            return {**settings, "type": "bool"}
        if addresses != expected:
            return {"table": table, "registers": [str(a) for a in addresses], **self._typed(field, len(addresses))}
        return {**settings, **self._typed(field, len(addresses))}

    def _typed(self, field: Part, count: int) -> dict[str, Setting]:
        kind = field.text("data_type")
        fixed = {"FIXED": "int", "UFIXED": "uint", "FLOAT32": "uint"}.get(kind)
        if kind == "FLOAT32":
            text = "FLOAT32 is an unsigned whole number to Telegraf (a signed one in its first versions), so here too"
            self._notes.warn(field.at("data_type"), "I25", text, "for IEEE 754 write type: float32")
        if fixed:
            if count not in (1, 2, 4):
                raise field.wrong("address", f"{kind} has 1, 2 or 4 registers, but there are {count}")
            settings: dict[str, Setting] = {"type": f"{fixed}{16 * count}"}
        else:
            settings = self._type(field, "data_type", kind)
        settings |= self._order(field, str(settings["type"]), field.text("byte_order"))
        return settings | _scale(field)

    def _fields(self, group: Part, style: str) -> None:
        points = self._group(group)
        order = group.text("byte_order")
        register = group.text("register") or "holding"

        def take(field: Part) -> None:
            if style == "request" and field.flag("omit"):
                return
            table = (field.text("register") or register) if style == "metric" else register
            points.add(_name(field), self._field(field, table, order), field.place, field.source)
            field.rest("measurement")

        self._drafts.rows += each(group.parts("fields"), take)
        group.rest("measurement", *_NO_MEANING)

    def _field(self, field: Part, table: str, order: str) -> dict[str, Setting]:
        """A field of the styles ``request`` and ``metric``."""
        if table not in _TABLES.values():
            raise LeftOut(field.place, "I22", f"{quote(table)} is no table", "coil, discrete, input or holding")
        address = field.whole("address")
        if address is None:
            raise field.missing("address", "its register")
        settings: dict[str, Setting] = {"table": table, "at": str(address)}
        if table in ("coil", "discrete"):
            for key in ("type", "scale", "output"):
                field.raw(key)
            return {**settings, "type": "bool"}
        typed = self._type(field, "type", field.text("type"))
        if field.text("output") in ("INT64", "UINT64") and ("scale" in field or "float" in str(typed["type"])):
            text = "output makes a whole number of it in Telegraf; here it keeps its decimals"
            self._notes.warn(field.at("output"), "I25", text)
        return settings | typed | self._order(field, str(typed["type"]), order) | _scale(field)

    def _type(self, field: Part, key: str, kind: str) -> dict[str, Setting]:
        if kind in _BYTES:
            type_, byte = _BYTES[kind]
            return {"type": type_, "byte": byte}
        if kind == "BIT":
            return {"type": "bool", "bits": str(field.whole("bit", 0, 15) or 0)}
        if kind == "STRING":
            length = field.whole("length", 1, 125)
            if length is None:
                raise field.missing("length", "how many registers the text has")
            return {"type": "string", "length": str(length)}
        if kind not in _TYPES:
            raise field.wrong(
                key, f"{quote(kind)} is no type of Telegraf's Modbus plug-in" if kind else f"there is no {key}"
            )
        return {"type": _TYPES[kind]}

    def _order(self, field: Part, type_: str, order: str) -> dict[str, Setting]:
        if order not in _ORDERS and order:
            raise LeftOut(field.place, "I22", f"{quote(order)} is no byte order", "ABCD, CDAB, BADC or DCBA")
        ours = _ORDERS.get(order, "ABCD")
        if type_ in ("int16", "uint16", "float16", "int8", "uint8", "bool", "string"):
            # What has one register (or is a row of them) has no order of words.
            ours = "BADC" if ours in ("BADC", "DCBA") else "ABCD"
        return {} if ours == "ABCD" else {"order": ours}


def _scale(field: Part) -> dict[str, Setting]:
    return scaling(field.number("scale"), None, field.place)


def _name(field: Part) -> str:
    name = field.text("name")
    if not name:
        raise field.missing("name", "what it is called")
    return identifier_name(name)


_PARTS = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ms|us|µs|ns|s|m|h|d)")
_UNITS = {"ns": "1e-9", "us": "1e-6", "µs": "1e-6", "ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400"}


def _seconds(text: str) -> Decimal | None:
    """A duration as Go writes it: ``1m30s``, ``500ms``; a bare number is in seconds."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return Decimal(text)
    if len(text) > 40 or not re.fullmatch(f"({_PARTS.pattern})+", text):
        return None
    return sum((Decimal(size) * Decimal(_UNITS[unit]) for size, unit in _PARTS.findall(text)), Decimal(0))
