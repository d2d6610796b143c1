"""The Modbus connector of ThingsBoard's IoT gateway (``modbus.json``) as profiles and devices.

Its orders are those of pymodbus' payload decoder: ``wordOrder: LITTLE`` takes the last register first, ``byteOrder:
LITTLE`` swaps the two bytes of every register. So BIG and BIG is ABCD, byteOrder BIG with wordOrder LITTLE is CDAB,
byteOrder LITTLE with wordOrder BIG is BADC, and LITTLE with LITTLE is DCBA; that is also what it takes where nothing is
written.
``divider`` divides, ``multiplier`` multiplies. Texts are not reordered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gateway.mapping.draft import DraftDevice, DraftProfile, Imported, Setting
from gateway.mapping.importers.drafting import (
    Drafts,
    Points,
    endpoint,
    identifier_name,
    number,
    period,
    plain_name,
    scaling,
    timeout,
    with_defaults,
)
from gateway.mapping.importers.parts import LeftOut, Notes, Part, each
from gateway.mapping.importers.source import Source, read_json
from gateway.values import quote

MOST = 2_000
"""Points that one address range may come to."""


def import_thingsboard(source: Source) -> Imported:
    """The devices that the connector polls."""
    notes = Notes(source.name)
    drafts = Drafts(notes)
    value = read_json(source, notes)
    try:
        slaves = _slaves(value, notes)
        if value is not None and not slaves:
            text = 'there is no "master" with "slaves": this is no Modbus connector of ThingsBoard'
            raise LeftOut(notes.at(), "I21", text)
        each(slaves, lambda slave: _Slave(slave, drafts).take())
    except LeftOut as reason:
        notes.out(reason)
    return drafts.imported()


_OF_SERVER = ("host", "port", "type", "method", "timeout", "byteOrder", "wordOrder", "baudrate", "security", "tls")


def _slaves(value: Any, notes: Notes) -> list[Part]:
    """Those of ``master``; before version 3 they stood under ``server.devices``, and shared its connection."""
    if not isinstance(value, dict):
        return []
    root = Part(value, notes.at(), notes)
    master = root.part("master")
    slaves = master.parts("slaves") if master else []
    server = root.part("server")
    if server:
        shared = {key: server.raw(key) for key in _OF_SERVER if key in server}
        slaves += [Part({**shared, **part.members}, part.place, notes) for part in server.parts("devices")]
    if "slave" in root:
        text = "what the gateway serves to other Modbus masters is not imported"
        notes.warn(root.at("slave"), "I24", text)
    return slaves


_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_ORDERS = {
    ("BIG", "BIG"): "ABCD",
    ("BIG", "LITTLE"): "CDAB",
    ("LITTLE", "BIG"): "BADC",
    ("LITTLE", "LITTLE"): "DCBA",
}
"""By byte order and word order."""
_TYPES = re.compile("(8|16|32|64)(int|uint|float)")
_BY_COUNT = {"int": "int", "long": "int", "integer": "int", "uint": "uint", "float": "float", "double": "float"}
_NO_MEANING = (
    *("retries", "retryOnEmpty", "retryOnInvalid", "connectAttemptTimeMs", "connectAttemptCount", "strict"),
    *("waitAfterFailedAttemptsMs", "sendDataToThingsBoard", "identity"),
)


class _Slave:
    """One device."""

    def __init__(self, part: Part, drafts: Drafts) -> None:
        self._part = part
        self._notes = part.notes
        self._drafts = drafts
        self._points = Points(part.notes)
        self._order = ""

    def take(self) -> None:
        """Its profile, and the device where it can be reached."""
        part = self._part
        self._order = self._device_order(part)
        for key in ("timeseries", "attributes"):
            self._drafts.rows += each(part.parts(key), self._tag)
        for key in ("attributeUpdates", "rpc"):
            self._writes(key)
        unit_id = part.whole("unitId", 0, 255)
        name = part.text("deviceName") or f"modbus device {unit_id if unit_id is not None else ''}"
        kind = part.text("deviceType")
        if self._points.drafts:
            defaults, points = with_defaults(self._points.drafts)
            own = kind if kind and kind != "default" else name
            draft = DraftProfile(plain_name(own, "thingsboard"), "modbus", points, note=self._notes.file)
            profile = self._drafts.profile(replace(draft, defaults=defaults | self._every()))
            connect = self._connect(unit_id)
            self._drafts.device(DraftDevice(plain_name(name, "device"), profile, connect, part.source), part.place)
        part.rest("baudrate", "stopbits", "bytesize", "parity", *_NO_MEANING)

    def _every(self) -> dict[str, Setting]:
        key = "pollPeriod" if "pollPeriod" in self._part else "timeseriesPollPeriod"
        milliseconds = self._part.number(key)
        return {} if milliseconds is None else period(milliseconds / 1000, self._part.at(key), self._notes)

    def _connect(self, unit_id: int | None) -> dict[str, Setting]:
        part = self._part
        kind, method = part.text("type") or "tcp", part.text("method") or "socket"
        host, port = part.text("host"), part.text("port")
        if kind == "serial" or not host:
            text = f"a serial line ({quote(port)}): the profile is imported, the device is not"
            raise part.wrong(
                "type", text if kind == "serial" else "there is no host", "serial lines are not read yet", "I23"
            )
        secured = part.raw("tls") or part.raw("security")
        if kind != "tcp" or method not in ("socket", "tcp") or secured:
            what = "TLS" if secured else f"{kind} with {method}"
            text = f"{what} is not read yet, only Modbus TCP: the profile is imported, the device is not"
            raise part.wrong("method" if kind == "tcp" else "type", text, code="I23")
        if not unit_id:
            what = "0: that is broadcast, no device answers to it" if unit_id == 0 else "missing"
            raise part.wrong("unitId", f"unitId is {what}", "write the unit id of the device")
        address = endpoint(host, part.whole("port", 1) or 502, part.at("host"))
        connect: dict[str, Setting] = {"modbus": address, "unit_id": str(unit_id)}
        seconds = part.number("timeout")
        return connect | (timeout(seconds, part.at("timeout"), self._notes) if seconds is not None else {})

    def _device_order(self, part: Part) -> str:
        if "byteOrder" not in part and "wordOrder" not in part:
            text = "no byteOrder and no wordOrder: ThingsBoard then takes LITTLE for both, which is DCBA"
            hint = "if the values were right there, this is right; else write order: ABCD"
            self._notes.warn(part.place, "I25", text, hint)
        return _order(part, "LITTLE", "LITTLE")

    def _writes(self, key: str) -> None:
        for entry in self._part.parts(key):
            name = entry.text("tag") or entry.text("method") or "?"
            text = f"{quote(name)}: {key} is not taken over, writing is allowed at the point"
            self._notes.warn(entry.place, "I24", text, "add write: {range: [lowest, highest]} to the point")

    def _tag(self, tag: Part) -> None:
        name = tag.text("tag") or tag.text("key")
        if not name:
            raise tag.missing("tag", "what it is called")
        code = tag.whole("functionCode", 0, 255)
        if code not in _TABLES:
            what = "missing" if code is None else str(code)
            raise tag.wrong("functionCode", f"functionCode is {what}, but only 1, 2, 3 and 4 read")
        counts = [tag.whole(key, 1, 125) for key in ("objectsCount", "registersCount", "registerCount")]
        count = next((count for count in counts if count), 1)
        kind = tag.text("type").casefold()
        if not kind:
            raise tag.missing("type", "how its registers are read")
        settings = self._bits(tag, kind, count) if code in (1, 2) else self._registers(tag, kind, count)
        settings |= self._reporting(tag)
        for address, own in _places(tag, name, count, code in (1, 2)):
            where: dict[str, Setting] = {"table": _TABLES[code], "at": str(address)}
            self._points.add(own, where | settings, tag.place, tag.source)
        tag.rest("maxRegistersPerRequest", "bitTargetType")

    def _bits(self, tag: Part, kind: str, count: int) -> dict[str, Setting]:
        if kind not in ("bit", "bits", "bool", "boolean"):
            raise tag.wrong("type", f"{quote(kind)} made of single bits has no counterpart", code="I23")
        if "bit" in tag and tag.whole("bit"):
            raise tag.wrong("bit", "a bit of a single bit", "write the address of the bit itself", "I23")
        return {"type": "bool"}

    def _registers(self, tag: Part, kind: str, count: int) -> dict[str, Setting]:
        if kind in ("bit", "bits"):
            return self._bit_of_register(tag, count)
        if kind in ("string", "bytes"):
            return {"type": kind, "length": str(count)}
        match = _TYPES.fullmatch(kind if kind not in _BY_COUNT else f"{16 * count}{_BY_COUNT[kind]}")
        if match is None or match[0] == "8float":
            text = f"{quote(kind)} with objectsCount {count} is no type of ThingsBoard's Modbus connector"
            raise tag.wrong("type", text)
        width, base = int(match[1]), match[2]
        if width == 8:
            # The decoder takes the first byte of the register, whatever byteOrder says.
            return {"type": f"{base}8", "byte": "high"} | self._scaling(tag)
        order = self._tag_order(tag)
        if width == 16:
            order = "BADC" if order in ("BADC", "DCBA") else "ABCD"
        settings: dict[str, Setting] = {"type": f"{base}{width}"}
        return settings | ({"order": order} if order != "ABCD" else {}) | self._scaling(tag)

    def _bit_of_register(self, tag: Part, count: int) -> dict[str, Setting]:
        bit = tag.whole("bit", 0, 15)
        if bit is None or count != 1:
            text = "bits of a register without a bit are a list to ThingsBoard"
            raise tag.wrong("type", text, 'name one with "bit", or write flags: to a uint16', "I23")
        return {"type": "bool", "bits": str(bit)}

    def _tag_order(self, tag: Part) -> str:
        if "byteOrder" not in tag and "wordOrder" not in tag:
            return self._order
        part = self._part
        own = _order(tag, part.text("byteOrder") or "LITTLE", part.text("wordOrder") or "LITTLE")
        if own != self._order:
            text = f"this tag's own order ({own}) was taken; newer ThingsBoards take the device's ({self._order})"
            self._notes.warn(tag.place, "I25", text, "compare a value")
        return own

    def _scaling(self, tag: Part) -> dict[str, Setting]:
        multiplier, divider = tag.number("multiplier") or Decimal(1), tag.number("divider") or Decimal(1)
        if multiplier != 1 and divider != 1:
            text = "a divider and a multiplier: older ThingsBoards use both, newer ones the divider alone"
            raise tag.wrong("multiplier", text, "delete one of the two")
        settings = scaling(multiplier, divider, tag.place)
        offset = tag.number("offset")
        return settings | ({"offset": number(offset)} if offset else {})

    def _reporting(self, tag: Part) -> dict[str, Setting]:
        strategy = tag.part("reportStrategy") or self._part.part("reportStrategy")
        kind = strategy.text("type").upper() if strategy else ""
        if tag.flag("sendDataOnlyOnChange") or self._part.flag("sendDataOnlyOnChange") or kind == "ON_CHANGE":
            return {"deadband": "0"}
        if strategy and kind == "ON_CHANGE_OR_REPORT_PERIOD":
            milliseconds = strategy.number("reportPeriod") or Decimal(60_000)
            heartbeat = period(max(milliseconds, Decimal(1000)) / 1000, strategy.at("reportPeriod"), self._notes)
            return {"deadband": "0", **({"heartbeat": heartbeat["every"]} if heartbeat else {})}
        return {}


def _order(part: Part, byte_order: str, word_order: str) -> str:
    orders = []
    for key, otherwise in (("byteOrder", byte_order), ("wordOrder", word_order)):
        order = (part.text(key) or otherwise).upper()
        # To ThingsBoard all that is not BIG is LITTLE.
        orders.append("BIG" if order == "BIG" else "LITTLE")
    return _ORDERS[orders[0], orders[1]]


def _places(tag: Part, name: str, count: int, bits: bool) -> list[tuple[int, str]]:
    """Addresses and names: several for a range of addresses, and for a row of bits."""
    text = tag.text("address")
    overrides = tag.part("tagOverrides")
    name = identifier_name(re.sub(r"\$\{\w*}", "", name))
    match = re.fullmatch("([0-9]{1,5}) *- *([0-9]{1,5})", text)
    if match is None:
        address = tag.whole("address")
        if address is None:
            raise tag.missing("address", "its first register")
        if bits and count > 1:
            return [(address + n, f"{name}_{address + n}") for n in range(count)]
        return [(address, name)]
    addresses = range(int(match[1]), int(match[2]) + 1, 1 if bits else count)
    if not addresses or len(addresses) > MOST or addresses[-1] > 65535:
        raise tag.wrong("address", f"{quote(text)} is no range of at most {MOST} addresses")
    own = {str(address): overrides.text(str(address)) for address in addresses} if overrides else {}
    return [(a, identifier_name(own[str(a)]) if own.get(str(a)) else f"{name}_{a}") for a in addresses]
