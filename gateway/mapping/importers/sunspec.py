"""SunSpec models (JSON, as published) as profiles: ``sunspec-103``.

Addresses count from the model's first register, its ID, unless ``base`` says where that is. A group that repeats is one
entry per point with ``repeat:``. How often it repeats stands in the device: in the model's length, or in a point that
the group's ``count`` names. Registers that are only filling (``pad``) are no points.

What "not implemented" looks like is one raw value for each type; an accumulator of 0 means it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from gateway.mapping.draft import DraftPoint, DraftProfile, Imported, Setting
from gateway.mapping.importers.drafting import NAME_LENGTH, Names, identifier_name, number, unit, with_defaults
from gateway.mapping.importers.parts import LeftOut, Notes, Part
from gateway.mapping.importers.source import Source, read_json
from gateway.values import quote

MOST = 10_000
"""Points that a model may come to, the repeated ones counted each."""


@dataclass(frozen=True)
class Layout:
    """What a model's file does not say, because it stands in the device."""

    base: int | None = None
    """The offset of the model's ID register, added to all addresses; None: ``connect: {base: ...}`` adds it."""
    length: int | None = None
    """The model's length (its register L): how many registers follow after ID and L."""
    repeats: Mapping[str, int] = field(default_factory=dict)
    """How often groups repeat, by the name of the point that counts them (``NPt``), or by the group's own name."""


def published(model: int) -> Path | None:
    """The file of a published model, where the package that holds them (pysunspec2) is installed."""
    spec = find_spec("sunspec2")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0], "models", "json", f"model_{model}.json") if folders else None
    return path if path is not None and path.is_file() else None


def import_sunspec(source: Source, layout: Layout | None = None) -> Imported:
    """The points of one model."""
    notes = Notes(source.name)
    value = read_json(source, notes)
    model = _Model(notes, layout or Layout())
    if value is not None:
        try:
            if not isinstance(value, dict) or not isinstance(value.get("group"), dict):
                raise LeftOut(notes.at(), "I20", 'this is no SunSpec model: there is no "group"')
            model.take(Part(value, notes.at(), notes))
        except LeftOut as reason:
            notes.out(reason)
    return Imported(tuple(model.profiles), (), notes.found(), model.rows)


class _Type(NamedTuple):
    ours: str
    registers: int
    nan: str = ""
    kind: str = ""


_TYPES = {
    "int16": _Type("int16", 1, "0x8000"),
    "uint16": _Type("uint16", 1, "0xFFFF"),
    "raw16": _Type("bytes", 1),
    "count": _Type("uint16", 1, "0xFFFF"),
    "acc16": _Type("uint16", 1, "0", "counter"),
    "enum16": _Type("uint16", 1, "0xFFFF"),
    "bitfield16": _Type("uint16", 1, "0xFFFF"),
    "sunssf": _Type("int16", 1, "0x8000"),
    "int32": _Type("int32", 2, "0x80000000"),
    "uint32": _Type("uint32", 2, "0xFFFFFFFF"),
    "acc32": _Type("uint32", 2, "0", "counter"),
    "enum32": _Type("uint32", 2, "0xFFFFFFFF"),
    "bitfield32": _Type("uint32", 2, "0xFFFFFFFF"),
    "float32": _Type("float32", 2),
    "ipaddr": _Type("bytes", 2),
    "int64": _Type("int64", 4, "0x8000000000000000"),
    "uint64": _Type("uint64", 4, "0xFFFFFFFFFFFFFFFF"),
    "acc64": _Type("uint64", 4, "0", "counter"),
    "bitfield64": _Type("uint64", 4, "0xFFFFFFFFFFFFFFFF"),
    "float64": _Type("float64", 4),
    "eui48": _Type("bytes", 4),
    "ipv6addr": _Type("bytes", 8),
    "string": _Type("string", 0),
}
_ROLLOVERS = {"acc16": "65536", "acc32": "4294967296"}
_UNITS = {
    "C": "degC",
    "PF": "1",
    "Degrees": "deg",
    "mps": "m/s",
    "kO": "kohm",
    "Vm": "V/m",
    "Tms": "s",
    "Tmh": "h",
    "Tmd": "d",
    **dict.fromkeys(("SF", "text", "YYYYMMDD", "hhmmss", "hhmmss.sssZ"), ""),
}
"""What SunSpec means by spellings that mean something else to others, or nothing."""
_PERCENT = re.compile(r" ?%[A-Za-z_ ]*|[A-Za-z]+Pct")
_NO_MEANING = ("mandatory", "detail", "comments", "standards", "notes", "value", "desc", "label")


class _Level(NamedTuple):
    """A group that repeats, seen from inside."""

    letter: str
    times: int
    size: int


class _Scope(NamedTuple):
    """Where something stands, and what stands around it."""

    offset: int
    prefix: str = ""
    path: str = ""
    levels: tuple[_Level, ...] = ()
    names: tuple[Mapping[str, str], ...] = ()
    """Our names of the points, those of the innermost group first: a scale factor is looked for in this order."""


class _Model:
    """One model."""

    def __init__(self, notes: Notes, layout: Layout) -> None:
        self._notes = notes
        self._layout = layout
        self._begin = layout.base or 0
        self._names = Names()
        self._points: list[DraftPoint] = []
        self._writable = 0
        self._total = 0
        self.rows = 0
        self.profiles: list[DraftProfile] = []

    def take(self, root: Part) -> None:
        """All its points as one profile."""
        model, group = root.whole("id"), root.part("group")
        if group is None or model is None:
            raise root.missing("id", "the model's number")
        self._group(group, _Scope(self._begin))
        if self._writable:
            text = f"{self._writable} points can be written in SunSpec; here none can until it says so"
            self._notes.warn(group.place, "I25", text, "add write: {range: [lowest, highest]} to a point")
        if not self._points:
            return
        defaults, points = with_defaults(self._points)
        where = "" if self._layout.base is not None else "; addresses count from its ID register: connect needs a base"
        title = group.text("label") or group.text("name")
        note = f"SunSpec model {model}, {title} ({self._notes.file}){where}"
        self.profiles.append(DraftProfile(f"sunspec-{model}", "modbus", points, note=note, defaults=defaults))

    def _group(self, group: Part, scope: _Scope) -> None:
        """Take the points of a group, and of those inside it."""
        parts = group.parts("points")
        self.rows += len(parts)
        own = [part.text("name") for part in parts if part.text("type") != "pad"]
        names = {name: self._free(scope.prefix, identifier_name(name), group) for name in own if name}
        inner = scope._replace(names=(names, *scope.names))
        offset = scope.offset
        for part in parts:
            size = _size(part)
            self._take(part, inner._replace(offset=offset), size)
            offset += size
        for sub in group.parts("groups"):
            try:
                offset += self._inside(sub, inner._replace(offset=offset))
            except LeftOut as reason:
                self._notes.out(reason)
                # What follows a group of unknown size has no known address.
                return

    def _take(self, part: Part, scope: _Scope, size: int) -> None:
        try:
            self._point(part, scope, size)
        except LeftOut as reason:
            self._notes.out(reason)

    def _free(self, prefix: str, name: str, group: Part) -> str:
        # The numbers that take the place of {i} have more digits than it has letters.
        length = NAME_LENGTH - len(prefix) - 3 * prefix.count("{")
        if length < 12:
            raise LeftOut(group.place, "I23", f"the names of its points would be too long: {prefix}...")
        wanted = prefix + name[:length].rstrip("_")
        free = self._names.free(wanted, "_")
        if free != wanted:
            self._notes.warn(group.place, "I28", f"there is a point {quote(wanted)} already; this one is called {free}")
        return free

    def _inside(self, group: Part, scope: _Scope) -> int:
        """Take a group inside another one; gives how many registers all its repetitions have."""
        name = group.text("name")
        prefix, path = f"{scope.prefix}{identifier_name(name)}_", f"{scope.path}{name}."
        if "count" not in group:
            size = self._registers(group)
            self._group(group, scope._replace(prefix=prefix, path=path))
            return size
        size = self._registers(group)
        count = self._count(group, size, scope.offset)
        level = _Level(_LETTERS[len(scope.levels)], count, size)
        levels = (*scope.levels, level)
        if count:
            repeated = scope._replace(prefix=f"{prefix}{{{level.letter}}}_", path=path, levels=levels)
            self._group(group, repeated)
        return count * size

    def _registers(self, group: Part, depth: int = 0) -> int:
        """How many registers a group has once, all its groups included."""
        if depth > len(_LETTERS):
            raise LeftOut(group.place, "I23", f"groups are nested more than {len(_LETTERS)} deep")
        total = sum(_size(part) for part in group.parts("points"))
        for sub in group.parts("groups"):
            size = self._registers(sub, depth + 1)
            total += size * self._count(sub, size, None) if "count" in sub else size
        return total

    def _count(self, group: Part, size: int, offset: int | None) -> int:
        """How often a group repeats. Raises LeftOut (I30) where nobody knows."""
        name, counter = group.text("name"), group.text("count")
        fixed = group.whole("count") if counter.isdecimal() else None
        known = fixed or self._layout.repeats.get(counter, self._layout.repeats.get(name))
        if known is None and self._layout.length is not None and offset is not None and size:
            # It is the last group of its model: all that is left of the length belongs to it.
            known, odd = divmod(self._layout.length + 2 - (offset - self._begin), size)
            if odd or known < 0:
                text = f"a length of {self._layout.length} is no whole number of {quote(name)} ({size} registers each)"
                raise LeftOut(group.place, "I30", text, "read the model's length again (its register L)")
        if known is None:
            by = f"the point {counter}" if fixed is None else "the model's length"
            text = f"how often {quote(name)} repeats is not known, so it and what follows are left out: {by} says it"
            raise LeftOut(group.place, "I30", text, f"give its number for {counter if fixed is None else name}")
        if not 0 <= known <= 65535:
            raise LeftOut(group.place, "I30", f"{quote(name)} cannot repeat {known} times")
        return known

    def _point(self, part: Part, scope: _Scope, size: int) -> None:
        kind, name = part.text("type"), part.text("name")
        if kind == "pad":
            return
        if not name:
            raise part.missing("name", "what it is called")
        if size > _LONGEST:
            raise part.wrong("size", f"{quote(name)}: {size} registers are more than one request can read", code="I23")
        count = 1
        for level in scope.levels:
            count *= level.times
        self._total += count
        if self._total > MOST:
            text = f"the model comes to more than {MOST} points"
            raise LeftOut(part.place, "I23", text, "check how often its groups repeat")
        own = _TYPES[kind]
        if kind == "eui48":
            # Six bytes behind two that fill the first register.
            scope, size = scope._replace(offset=scope.offset + 1), size - 1
        settings: dict[str, Setting] = {**_address(scope), "type": own.ours}
        if own.ours in ("string", "bytes"):
            settings["length"] = str(size)
        if own.nan:
            settings["nan"] = [own.nan]
        settings |= self._meaning(part, kind, scope)
        if own.kind:
            settings["kind"] = own.kind
            settings |= {"rollover": _ROLLOVERS[kind]} if kind in _ROLLOVERS else {}
        elif part.text("static") == "S" and kind != "sunssf":
            settings |= {"kind": "info", "every": "start"}
        if scope.levels:
            settings["repeat"] = _repeat(scope)
        self._writable += part.text("access") == "RW"
        settings["note"] = self._note(part, scope)
        self._points.append(DraftPoint(scope.names[0][name], settings, part.place))
        part.rest(*_NO_MEANING)

    def _meaning(self, part: Part, kind: str, scope: _Scope) -> dict[str, Setting]:
        """Unit and scale, or the texts of its values."""
        symbols = self._symbols(part)
        part.raw("sf")
        if kind.startswith(("enum", "bitfield")):
            key = "enum" if kind.startswith("enum") else "flags"
            return {key: symbols} if symbols else {}
        if _TYPES[kind].ours in ("string", "bytes") or kind == "sunssf":
            part.raw("units")
            return {}
        spelled = part.text("units")
        meant = _UNITS.get(spelled, "%" if _PERCENT.fullmatch(spelled) else spelled)
        return unit(meant, part.at("units"), self._notes) | self._scale(part, scope)

    def _scale(self, part: Part, scope: _Scope) -> dict[str, Setting]:
        factor = part.text("sf")
        if re.fullmatch("[+-]?[0-9]{1,2}", factor):
            return {"scale": number(Decimal(10) ** int(factor))} if int(factor) else {}
        if not factor:
            return {}
        for names in scope.names:
            if factor in names:
                return {"scale_from": names[factor]}
        raise part.wrong("sf", f"there is no scale factor {quote(factor)}")

    def _symbols(self, part: Part) -> dict[str, Setting]:
        result: dict[str, Setting] = {}
        for symbol in part.parts("symbols"):
            value, name = symbol.whole("value", 0, (1 << 64) - 1), symbol.text("name")
            if value is None or not name:
                raise symbol.missing("value and name", "what a value means")
            result[str(value)] = _plain(name)
        return result

    def _note(self, part: Part, scope: _Scope) -> str:
        label, spelled = part.text("label") or part.text("desc"), part.text("units")
        note = f"{scope.path}{part.text('name')}{', ' if label else ''}{label}"
        if spelled != "%" and _PERCENT.fullmatch(spelled):
            note += f" ({spelled.strip()})"
        # Only an offset that looks like a manual's number is asked about.
        return _plain(note) + ("; offset checked" if self._layout.base is not None else "")


_LETTERS = "ijkl"
"""Of the numbers of groups inside each other."""
_LONGEST = 125
"""Registers of one request (Application Protocol V1.1b3, section 6.3)."""


def _size(part: Part) -> int:
    """How many registers a point has. Raises LeftOut where it has no type or size."""
    kind = part.text("type")
    if kind != "pad" and kind not in _TYPES:
        raise part.wrong("type", f"{quote(kind)} is no type of SunSpec" if kind else "a point has no type")
    own = 1 if kind == "pad" else _TYPES[kind].registers
    size = part.whole("size", 1) or own
    if not size or (own and size != own):
        what = f"{quote(kind)} has {own} registers, but size is {size}" if own else "a string needs a size"
        raise part.wrong("size", what)
    return size


def _address(scope: _Scope) -> dict[str, Setting]:
    """``at`` of the first one; with several levels a formula."""
    if len(scope.levels) < 2:
        return {"at": str(scope.offset)}
    first = scope.offset - sum(level.size for level in scope.levels)
    steps = " + ".join(f"{level.size} * {level.letter}" for level in scope.levels)
    return {"at": f"{{{steps} {'-' if first < 0 else '+'} {abs(first)}}}"}


def _repeat(scope: _Scope) -> dict[str, Setting]:
    ranges: dict[str, Setting] = {level.letter: f"1..{level.times}" for level in scope.levels}
    return ranges | ({"step": str(scope.levels[0].size)} if len(scope.levels) == 1 else {})


def _plain(text: str) -> str:
    # In an entry that repeats, braces are computed.
    return re.sub(r"\s+", " ", text.replace("{", "(").replace("}", ")")).strip()
