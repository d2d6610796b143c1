"""A profile file judged: the points of a device model, each with its address, its unit and its exact scale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from gateway.adapter import Adapter
from gateway.mapping.diagnostics import Place, Report, closest
from gateway.mapping.document import PointSettings, ProfileFile
from gateway.mapping.judge import Owner, child, judge, names, unknown
from gateway.mapping.load import SPOILED, Block, Items
from gateway.values import BIT_WIDTHS, ValueType, quote


@dataclass(frozen=True, slots=True)
class ProfilePoint:
    """A point as every device of the profile has it; its values mean what ``PointSpec`` says."""

    name: str
    places: Mapping[str, Place]
    """Of the values that stand at this point, not in ``defaults:``."""
    place: Place
    address: Any
    every_s: float
    unit: str
    scale: Fraction
    offset: Fraction
    nan: frozenset[int]
    single: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """A device model."""

    name: str
    place: Place
    protocol: str
    adapter: Adapter[Any, Any] | None
    """None where there is none for the protocol, which is reported."""
    points: tuple[ProfilePoint, ...]
    sound: bool
    """Whether nothing was wrong with it."""


_POINT_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


def read(block: Block, adapters: Mapping[str, Adapter[Any, Any]], report: Report) -> Profile | None:
    """The profile in a file; None where it has no name, so that nobody can have meant it."""
    before = report.errors
    head = judge(ProfileFile, block, Owner("this file", block.place), report)
    name = block.get("profile")
    adapter = _adapter(block, adapters, report)
    points: list[ProfilePoint] = []
    if adapter is not None and block.get("points") is not None:
        points = _points(block, adapter, report)
    if not isinstance(name, str):
        return None
    sound = head is not None and report.errors == before
    protocol = str(block.get("protocol", "")).strip()
    return Profile(name.strip(), block.values_at["profile"], protocol, adapter, tuple(points), sound)


def _adapter(block: Block, adapters: Mapping[str, Adapter[Any, Any]], report: Report) -> Adapter[Any, Any] | None:
    protocol = block.get("protocol")
    if not isinstance(protocol, str) or not protocol.strip():
        return None
    protocol = protocol.strip()
    if protocol not in adapters:
        close = closest(protocol, tuple(adapters))
        hint = (f'did you mean "{close}"? ' if close else "") + f"installed: {', '.join(sorted(adapters)) or 'none'}"
        report.error(block.values_at["protocol"], "M22", f"there is no adapter for protocol {quote(protocol)}", hint)
    return adapters.get(protocol)


def _points(block: Block, adapter: Adapter[Any, Any], report: Report) -> list[ProfilePoint]:
    own = child(block, "points", report) if isinstance(block["points"], Block) else None
    if own is None:
        return []
    if not own:
        text = '"points" must be a block of settings ("name: value" lines), but it is empty'
        report.error(block.keys_at["points"], "M14", text, "add a point")
    reader = _PointReader(adapter.address, _defaults(block, adapter.address, report), report)
    found = [reader.read(name, own) for name in own]
    return [point for point in found if point is not None]


def _defaults(block: Block, address: type[BaseModel], report: Report) -> Block:
    """``defaults:`` without what is wrong in it, where that can be seen without a point."""
    defaults = block.get("defaults")
    if not isinstance(defaults, Block):
        return Block(block.place)
    known = Block(defaults.place)
    known.keys_at, known.values_at = defaults.keys_at, defaults.values_at
    allowed = _allowed(address)
    for name, value in defaults.items():
        if name in allowed:
            known[name] = value
        else:
            unknown(name, defaults.keys_at[name], allowed, report)
    owner = Owner('"defaults"', block.keys_at["defaults"])
    _judge_alone(PointSettings, known, owner, report)
    _judge_alone(address, known, owner, report)
    _both_scales(known, "defaults", report)
    return known


def _judge_alone(model: type[BaseModel], block: Block, owner: Owner, report: Report) -> None:
    """Judge each setting of the model by itself, and spoil those that are wrong: no point shall repeat it."""
    for name in [name for name in names(model) if name in block]:
        before = report.errors
        judge(model, block.only([name]), owner, report, partial=True)
        if report.errors != before:
            block[name] = SPOILED


def _allowed(address: type[BaseModel]) -> tuple[str, ...]:
    return (*names(address), *names(PointSettings))


def _of(model: type[BaseModel], block: Block) -> Block:
    """The settings of the model among those of the block."""
    return block.only(name for name in names(model) if name in block)


def _both_scales(block: Block, name: str, report: Report) -> None:
    if not {"scale", "divide"} <= block.keys():
        return
    if SPOILED not in (block["scale"], block["divide"]):
        text = f'{name} has both "scale" and "divide"'
        place = max(block.keys_at["scale"], block.keys_at["divide"])
        report.error(place, "R02", text, "keep one: scale multiplies, divide divides")
    block["scale"] = block["divide"] = SPOILED


class _PointReader:
    """Reads the points of one profile."""

    def __init__(self, address: type[BaseModel], defaults: Block, report: Report) -> None:
        self._address = address
        self._defaults = defaults
        self._report = report
        self._allowed = _allowed(address)

    def read(self, name: str, points: Block) -> ProfilePoint | None:
        place = points.keys_at[name]
        before = self._report.errors
        self._check_name(name, place)
        own = child(points, name, self._report)
        if own is None:
            return None
        self._check_settings(name, own)
        merged = own.over(self._over(own))
        owner = Owner(quote(name), place)
        common = judge(PointSettings, _of(PointSettings, merged), owner, self._report)
        address = judge(self._address, _of(self._address, merged), owner, self._report)
        if common is None or address is None:
            return None
        point = self._point(name, place, own=own, merged=merged, common=common, address=address)
        return point if self._report.errors == before else None

    def _check_name(self, name: str, place: Place) -> None:
        if not _POINT_NAME.fullmatch(name):
            word = re.sub("[^a-z0-9]+", "_", name.casefold()).strip("_")[:64]
            example = word if _POINT_NAME.fullmatch(word) else "for example power_l1"
            hint = f"use small letters, digits and _, a letter first: {example}"
            self._report.error(place, "R01", f"point name {quote(name)} is not allowed", hint)

    def _check_settings(self, name: str, own: Block) -> None:
        for key in [key for key in own if key not in self._allowed]:
            unknown(key, own.keys_at[key], self._allowed, self._report)
            del own[key]
        _both_scales(own, name, self._report)

    def _over(self, own: Block) -> Block:
        """The defaults for this point: its own ``divide`` replaces their ``scale``."""
        if "scale" in own or "divide" in own:
            return self._defaults.only(key for key in self._defaults if key not in ("scale", "divide"))
        return self._defaults

    def _point(
        self, name: str, place: Place, *, own: Block, merged: Block, common: PointSettings, address: BaseModel
    ) -> ProfilePoint:
        type_: ValueType | None = getattr(address, "type", None)
        scale, offset, nan = Fraction(1), Fraction(0), frozenset[int]()
        if type_ == "bool":
            self._check_bool(name, own)
        else:
            scale, offset = Fraction(common.scale) / Fraction(common.divide), Fraction(common.offset)
            nan = self._nan(name, merged, common.nan, type_)
        single = type_ == "float32" and scale == 1 and offset == 0
        return ProfilePoint(
            name=name,
            places=own.values_at,
            place=place,
            address=address,
            every_s=common.every,
            unit=common.unit,
            scale=scale,
            offset=offset,
            nan=nan,
            single=single,
        )

    def _check_bool(self, name: str, own: Block) -> None:
        for key in ("scale", "divide", "offset", "nan"):
            if key in own:
                text = f'{name}: "{key}" has no meaning for a bool'
                self._report.error(own.keys_at[key], "R09", text, "leave it out, or check the type")

    def _nan(self, name: str, merged: Block, values: Iterable[int], type_: ValueType | None) -> frozenset[int]:
        """The raw values as bit patterns; reports those that do not fit into the type (B09)."""
        if type_ is None:
            return frozenset(values)
        width = BIT_WIDTHS[type_]
        lowest = -(1 << width - 1) if type_.startswith("int") else 0
        patterns = set()
        for index, value in enumerate(values):
            if not lowest <= value < 1 << width:
                entries = merged["nan"]
                place = entries.values_at[index] if isinstance(entries, Items) else merged.values_at["nan"]
                text = f"{name}: nan value {value if value < 0 else hex(value)} does not fit into {type_}"
                self._report.error(place, "B09", text, "write the raw register value, for int16 use 0x8000")
            patterns.add(value % (1 << width))
        return frozenset(patterns)
