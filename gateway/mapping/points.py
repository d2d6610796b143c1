"""One point of a profile judged: what its settings mean, and whether they go together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from gateway.adapter import Adapter
from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.formulas import read_formula
from gateway.mapping.judge import Owner, child, judge, names, unknown
from gateway.mapping.load import Block, Items
from gateway.mapping.point_settings import Band, DerivedSettings, PointSettings, WriteSettings
from gateway.mapping.spec import Deadband, DerivedSpec, PointSpec, Write
from gateway.mapping.spec import Report as Reporting
from gateway.mapping.tree import without_none
from gateway.mapping.units import Units
from gateway.model import Point
from gateway.values import BIT_WIDTHS, TEXTS, ValueType, fault, quote, whole

_NAME = re.compile("[a-z][a-z0-9_]{0,63}")
_CORE = frozenset(names(PointSettings)) | {"repeat"}
_FAULT = type(fault("", ""))


@dataclass(frozen=True, slots=True)
class ProfilePoint:
    """A point as every device of the profile has it."""

    block: Block
    """Its own settings, without the defaults."""
    merged: Block
    """And with them."""
    place: Place
    written: str
    """Its name as it was written: ``cell_{i}``."""
    spec: PointSpec
    """With a ``point`` that belongs to no device yet, and without ``scale_from``."""
    scale_from: str


@dataclass(frozen=True, slots=True)
class DerivedPoint:
    """A derived point as every device of the profile has it."""

    block: Block
    place: Place
    spec: DerivedSpec


def is_point_name(name: str) -> bool:
    """Whether a point can be called so."""
    return _NAME.fullmatch(name) is not None


def point_name(name: str, place: Place, report: Report) -> None:
    """Report a name that no point can have (R01)."""
    if not is_point_name(name):
        word = re.sub("[^a-z0-9]+", "_", name.casefold()).strip("_")[:64]
        example = word if is_point_name(word) else "for example power_l1"
        hint = f"use small letters, digits and _, a letter first: {example}"
        if is_point_name(re.sub(r"\{[^{}]+}", "1", name)):
            hint = "braces need the numbers that stand in them: add  repeat: {i: 1..24, step: 2}"
        report.error(place, "R01", f"point name {quote(name)} is not allowed", hint)


def allowed(address: type[BaseModel]) -> tuple[str, ...]:
    """The settings that a point may have."""
    return (*names(address), *names(PointSettings), "repeat")


class PointReader:
    """Reads the points of one profile (or variant)."""

    def __init__(
        self,
        adapter: Adapter[Any, Any],
        heads: Mapping[str, Any],
        defaults: Block,
        units: Units,
        report: Report,
        *,
        partial: bool = False,
    ) -> None:
        """``heads``: the adapter's keys at the top of each file, the profile's own last; None where one is wrong.

        ``defaults`` are judged. ``partial``: not all that stands below is known, so nothing is said to be missing.
        """
        self._partial = partial
        self._adapter = adapter
        self._heads = heads
        self._head = list(heads.values())[-1]
        self._defaults = defaults
        self._units = units
        self._report = report
        self._allowed = allowed(adapter.address)
        address: type[BaseModel] = adapter.address
        self._address_keys = tuple(names(address))
        required = (key for key, field in address.model_fields.items() if field.is_required())
        self._telling = (*adapter.steps, *required)
        """The keys that say where a point is."""

    def read(self, name: str, points: Block, written: str) -> ProfilePoint | None:
        """One point; None where something is wrong with it, which is reported."""
        place = points.keys_at[name]
        before = self._report.errors
        own = child(points, name, self._report)
        meant: set[str] = set()
        if own is not None:
            own, meant = self._checked(name, own)
        # The braces of a name are right where the repeat is only misspelled.
        if "repeat" not in meant:
            point_name(name, place, self._report)
        if own is None:
            return None
        merged = without_none(own.over(self._over(own)))
        owner = Owner(quote(name), place)
        core = merged.only(key for key in merged if key in _CORE)
        common = judge(
            PointSettings, core, owner, self._report, partial=self._partial, meant=meant, context=self._units
        )
        where = merged.only(key for key in self._address_keys if key in merged)
        address = judge(self._adapter.address, where, owner, self._report, partial=self._partial, meant=meant)
        if common is None or address is None:
            return None
        address = self._resolved(name, address, merged, own, place)
        usual = self._adapter.every(address)
        if usual is not None and "every" not in own:
            common = common.model_copy(update={"every": usual})
        spec = _Meaning(name, place, merged, own, self._units, self._report).spec(common, address)
        why = self._adapter.read_only(address) if spec.write is not None else ""
        if why:
            hint = "leave write: out, or check where the point is read"
            self._report.error(merged.keys_at["write"], "R15", f"{name}: nobody can write to it: {why}", hint)
        source = "" if _numberless(common, address) else common.scale_from
        if source == name and "scale_from" not in own:
            source = ""  # the defaults mean the others
        point = ProfilePoint(own, merged, place, written, spec, source)
        return point if self._report.errors == before else None

    def _checked(self, name: str, own: Block) -> tuple[Block, set[str]]:
        """Without the settings that do not exist, which are reported; and those that they were probably meant for."""
        strange = [key for key in own if key not in self._allowed]
        meant = {unknown(key, own.keys_at[key], self._allowed, self._report) for key in strange}
        known = own.only(key for key in own if key in self._allowed) if strange else own
        return one_scale(known, name, self._report), meant

    def _over(self, own: Block) -> Block:
        """The defaults for this point: its own ``divide`` replaces their ``scale``."""
        if "scale" in own or "divide" in own:
            return self._defaults.only(key for key in self._defaults if key not in ("scale", "divide"))
        return self._defaults

    def _resolved(self, name: str, address: Any, merged: Block, own: Block, place: Place) -> Any:
        texts = {key: value for key, value in merged.items() if isinstance(value, str)}
        # An address is meant as the file says in which it stands: a profile may extend one with other numbering.
        files = (merged.values_at[key].file for key in self._telling if key in merged)
        head = self._heads.get(next(files, ""), self._head)
        if head is None:
            return address  # what is wrong at the top of the file is told there
        resolved, findings = self._adapter.resolve(name, head, address, texts)
        for finding in findings:
            if finding.own and finding.key not in own:
                continue
            say = self._report.warning if finding.warning else self._report.error
            say(merged.values_at.get(finding.key, place), finding.code, finding.text, finding.hint)
        return resolved


def one_scale(block: Block, name: str, report: Report) -> Block:
    """The settings with one of ``scale`` and ``divide``; both are reported (R02)."""
    if not {"scale", "divide"} <= without_none(block).keys():
        return block
    place = max(block.keys_at["scale"], block.keys_at["divide"])
    report.error(place, "R02", f'{name} has both "scale" and "divide"', "keep one: scale multiplies, divide divides")
    return block.only(key for key in block if key != "divide")


def _numberless(common: PointSettings, address: Any) -> bool:
    """Whether its values are no numbers, so that what the defaults say of numbers is not meant for it."""
    type_: ValueType | None = getattr(address, "type", None)
    return type_ == "bool" or type_ in TEXTS or bool(common.enum or common.flags)


_NUMERIC = ("unit", "as_", "scale", "divide", "offset", "scale_from", "nan", "rollover", "range", "deadband")
"""The settings that mean something for numbers only."""


class _Meaning:
    """What the settings of one point mean together."""

    def __init__(self, name: str, place: Place, merged: Block, own: Block, units: Units, report: Report) -> None:
        self._name = name
        self._place = place
        self._merged = merged
        self._own = own
        self._units = units
        self._report = report

    def _at(self, key: str) -> Place:
        return self._merged.values_at.get(key, self._place)

    def _keyed(self, key: str) -> Place:
        return self._merged.keys_at.get(key, self._place)

    def _error(self, key: str, code: str, text: str, hint: str) -> None:
        self._report.error(self._at(key), code, f"{self._name}: {text}", hint)

    def _warn(self, place: Place, code: str, text: str, hint: str) -> None:
        self._report.warning(place, code, f"{self._name}: {text}", hint)

    def spec(self, common: PointSettings, address: Any) -> PointSpec:
        """The point without a device; what is wrong is reported."""
        type_: ValueType | None = getattr(address, "type", None)
        self._check_kinds(common, type_)
        if _numberless(common, address):
            common = self._of_no_number(common)
        unit, factor, shift = self.published(common.unit, common.as_)
        scale, offset = Fraction(common.scale) / Fraction(common.divide), Fraction(common.offset)
        nan = self._nan(common.nan, type_, address)
        plain = scale == factor == 1 and offset == shift == 0 and not common.scale_from and not common.rollover
        return PointSpec(
            point=Point("", None, self._name, address, common.every),
            unit=unit,
            scale=scale,
            offset=offset,
            nan=nan,
            single=type_ == "float32" and plain,
            factor=factor,
            shift=shift,
            enum=self._texts(common.enum, "enum", address),
            flags=self._texts(common.flags, "flags", address),
            kind=common.kind,
            rollover=common.rollover,
            range=_doubles(common.range),
            report=self.reporting(common, unit, common.unit, common.kind),
            when=read_formula(self._name, "when", self._merged, self._report) if common.when else None,
            exists=read_formula(self._name, "exists", self._merged, self._report) if common.exists else None,
            write=self._write(common.write, unit, common, address),
            note=common.note,
            place=self._place,
        )

    def _of_no_number(self, common: PointSettings) -> PointSettings:
        """Without what stands in the defaults for the numbers of the profile."""
        kept = {name: getattr(common, name) for name in ("deadband", "unit") if name in self._own}
        if common.deadband is not None:
            kept.setdefault("deadband", Band(Decimal(0), ""))
        kept["nan"] = common.nan if common.enum or common.flags else []
        plain = PointSettings()
        numeric = {name: getattr(plain, name) for name in _NUMERIC}
        return common.model_copy(update=numeric | kept)

    def derived(self, settings: DerivedSettings) -> DerivedSpec | None:
        """A derived point; None where its formula cannot be read."""
        unit, factor, shift = self.published(settings.unit, settings.as_)
        formula = read_formula(self._name, "expr", self._merged, self._report)
        when = read_formula(self._name, "when", self._merged, self._report) if settings.when else None
        reporting = self.reporting(settings, unit, settings.unit, "gauge")
        if formula is None:
            return None
        if not formula.names:
            self._error("expr", "X05", "its formula names no point", "write for example (voltage_l1 + voltage_l2) / 2")
        bounds = _doubles(settings.range)
        return DerivedSpec(self._name, unit, formula, factor, shift, bounds, reporting, when, settings.note)

    def published(self, unit: str, wanted: str) -> tuple[str, Fraction, Fraction]:
        """The unit that is published, and how to come to it from the device's."""
        if not wanted:
            return unit, Fraction(1), Fraction(0)
        if not unit:
            text = f'"as: {wanted}" needs to know what the device gives'
            self._error("as", "R10", text, "add  unit: ...")
            return wanted, Fraction(1), Fraction(0)
        conversion = self._units.conversion(unit, wanted)
        if conversion is None:
            alike = ", ".join(self._units.alike(unit)) or "nothing else"
            self._error("as", "R10", f"{unit} cannot be converted to {wanted}", f"{unit} can become: {alike}")
            return wanted, Fraction(1), Fraction(0)
        return wanted, *conversion

    def reporting(self, common: PointSettings | DerivedSettings, unit: str, given: str, kind: str) -> Reporting:
        """When it is published."""
        band: Band | None = common.deadband
        if band is None:
            # What hardly ever changes is told when it does.
            return Reporting(Deadband(0.0) if kind == "info" else None, common.heartbeat)
        if kind == "counter" and band.size:
            hint = "leave the deadband out, or write deadband: 0"
            self._warn(self._at("deadband"), "R07", "a counter with a deadband loses its last increments", hint)
        if band.unit == "%":
            return Reporting(Deadband(float(band.size), percent=True), common.heartbeat)
        size = Fraction(band.size) * self._per_unit(band, unit, given)
        return Reporting(Deadband(float(size)), common.heartbeat)

    def _per_unit(self, band: Band, unit: str, given: str) -> Fraction:
        """How many of the published unit one of the deadband's unit is."""
        if not band.unit:
            if unit and band.size:
                text = f"deadband {quote(str(band.size))} needs a number and a unit"
                self._report.error(self._at("deadband"), "M11", text, f"write for example {band.size} {unit} or 1 %")
            return Fraction(1)
        try:
            own = self._units.symbol(band.unit)
        except _FAULT as wrong:
            context = wrong.context or {}
            self._report.error(self._at("deadband"), context["code"], context["text"], context["hint"])
            return Fraction(1)
        conversion = self._units.conversion(own, unit) if unit else None
        if conversion is None:
            what = unit or "no unit"
            hint = f"write {band.size} {unit}".rstrip()
            self._error("deadband", "R05", f"deadband is in {own} but the value is in {what}", hint)
            return Fraction(1)
        return conversion[0]

    def _check_kinds(self, common: PointSettings, type_: ValueType | None) -> None:
        what = "a bool" if type_ == "bool" else f"a {type_}" if type_ in TEXTS else ""
        if what:
            for key in ("scale", "divide", "offset", "nan", "scale_from", "rollover", "range"):
                if key in self._own:
                    text = f'{self._name}: "{key}" has no meaning for {what}'
                    self._report.error(self._own.keys_at[key], "R09", text, "leave it out, or check the type")
        texts = "enum" if common.enum else "flags" if common.flags else ""
        if common.enum and common.flags:
            text = f'{self._name} has both "enum" and "flags"'
            hint = "keep one: enum names whole values, flags names single bits"
            self._report.error(self._merged.keys_at["flags"], "R11", text, hint)
        for key in ("scale", "divide", "offset", "scale_from", "as", "range", "rollover"):
            if texts and key in self._own:
                text = f'{self._name}: "{key}" has no meaning beside {texts}, which gives texts'
                self._report.error(self._own.keys_at[key], "R11", text, "keep one of the two")
        if common.rollover is not None and common.kind != "counter":
            self._error("rollover", "R12", "rollover belongs to a counter", "add  kind: counter")

    def _texts(self, texts: Mapping[int, str], key: str, address: Any) -> dict[int, str]:
        block = self._merged.get(key)
        if not isinstance(block, Block):
            return dict(texts)
        self._check_codes(block, key, address)
        codes: dict[int, str] = {}
        for written in block:
            other = codes.setdefault(int(whole(written)), written)
            if other != written:
                text = f"{quote(written)} is {quote(other)} again; that is on line {block.keys_at[other].line}"
                self._report.error(block.keys_at[written], "Y03", text, "delete one of the two")
        first: dict[str, int] = {}
        for number, written in codes.items():
            text = texts[number]
            if text in first:
                say = f"the text {quote(text)} is used for {first[text]} and for {number}"
                self._warn(block.values_at[written], "R04", say, "give each its own, where they mean different things")
            first.setdefault(text, number)
        return dict(texts)

    def _check_codes(self, block: Block, key: str, address: Any) -> None:
        """Report codes and bits that the raw value never has (B09, L02)."""
        width, lowest, what = _room(address)
        if not what.startswith(("int", "uint", "bits", "bool")):
            return
        for written in block:
            code = int(whole(written))
            if key == "flags" and code >= width:
                bits = f"0..{width - 1}"
                text = f"{self._name}: bit {code} is outside of {what} ({bits})"
                self._report.error(block.keys_at[written], "L02", text, f"its bits are {bits}; check the type")
            elif key == "enum" and not lowest <= code < 1 << width:
                text = f"{self._name}: the code {written} does not fit into {what}"
                self._report.error(block.keys_at[written], "B09", text, "check the code and the type")

    def _nan(self, values: Iterable[int], type_: ValueType | None, address: Any) -> frozenset[int]:
        """The raw values as bit patterns; reports those that do not fit into the type (B09)."""
        width, lowest, what = _room(address)
        if not width or type_ == "bool" or type_ in TEXTS:
            return frozenset(values)
        patterns = set()
        for index, value in enumerate(values):
            entries = self._merged["nan"]
            place = entries.values_at[index] if isinstance(entries, Items) else self._at("nan")
            said = f"{self._name}: nan value {value if value < 0 else hex(value)}"
            if not lowest <= value < 1 << width:
                text = f"{said} does not fit into {what}"
                self._report.error(
                    place, "B09", text, f"write the raw register value, for {what} use {_usual(what, width)}"
                )
            elif what.startswith("signmag") and value == 1 << width - 1:
                text = f"{said} is minus zero in {what}: it cannot be told from a true 0"
                self._report.error(place, "B09", text, "leave it out")
            patterns.add(value % (1 << width))
        return frozenset(patterns)

    def _write(self, write: WriteSettings | None, unit: str, common: PointSettings, address: Any) -> Write | None:
        if write is None:
            return None
        block = self._merged["write"]
        if isinstance(block, Block):
            if write.unit and write.unit != unit:
                text = f"{self._name}: write is in {write.unit} but the value is in {unit or 'no unit'}"
                self._report.error(block.values_at["unit"], "R05", text, f"write {unit or 'it without a unit'}")
            for value in write.values:
                if value not in common.enum.values():
                    text = f"{self._name}: {quote(value)} is no text of its enum"
                    known = ", ".join(common.enum.values()) or "it has no enum"
                    self._report.error(block.values_at["values"], "R14", text, f"allowed: {known}")
        type_ = getattr(address, "type", None)
        number = type_ is not None and type_ != "bool" and type_ not in TEXTS and not common.enum and not common.flags
        if number and write.range is None and common.range is None:
            hint = f"add what the device can take:  write: {{range: [0, 100]}}{f', in {unit}' if unit else ''}"
            self._warn(self._keyed("write"), "R16", "any number that its type holds may be written", hint)
        lowest, highest = map(Fraction, write.range) if write.range is not None else (None, None)
        step = Fraction(write.step) if write.step is not None else None
        return Write(lowest, highest, step, tuple(write.values), write.every, write.confirm, write.idempotent)


def _room(address: Any) -> tuple[int, int, str]:
    """How many bits a raw value has, the lowest number in them, and what they are in words."""
    type_: ValueType | None = getattr(address, "type", None)
    bits: tuple[int, int] | None = getattr(address, "bits", None)
    if bits is not None:
        return bits[1] - bits[0] + 1, 0, f"bits {bits[0]}..{bits[1]}"
    width = BIT_WIDTHS[type_] if type_ is not None else 0
    return width, -(1 << width - 1) if str(type_).startswith("int") else 0, str(type_)


def _usual(what: str, width: int) -> str:
    """The raw value that most devices mean "no value" by."""
    floats = {"float16": 0x7E00, "float32": 0x7FC00000, "float64": 0x7FF8 << 48}
    if what in floats:
        return hex(floats[what])
    return hex(1 << width - 1) if what.startswith("int") else hex((1 << width) - 1)


def read_derived(
    name: str, derived: Block, units: Units, report: Report, *, partial: bool = False
) -> DerivedPoint | None:
    """One point of ``derived:``; None where something is wrong with it, which is reported."""
    place = derived.keys_at[name]
    before = report.errors
    point_name(name, place, report)
    own = child(derived, name, report)
    if own is None:
        return None
    own = without_none(own)
    settings = judge(DerivedSettings, own, Owner(quote(name), place), report, partial=partial, context=units)
    if settings is None:
        return None
    spec = _Meaning(name, place, own, own, units, report).derived(settings)
    return DerivedPoint(own, place, spec) if spec is not None and report.errors == before else None


def _doubles(bounds: tuple[Decimal, Decimal] | None) -> tuple[float, float] | None:
    return (float(bounds[0]), float(bounds[1])) if bounds is not None else None
