"""A profile judged whole: the points of a device model, each with its address and its meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel

from gateway.adapter import Adapter
from gateway.mapping import formulas
from gateway.mapping.comparisons import Enums, check_texts
from gateway.mapping.diagnostics import Place, Report, closest
from gateway.mapping.document import NAME, ProfileFile, VariantSettings
from gateway.mapping.judge import Owner, child, judge, names, not_indented, strays, unknown
from gateway.mapping.load import SPOILED, Block
from gateway.mapping.point_settings import PointSettings
from gateway.mapping.points import (
    DerivedPoint,
    PointReader,
    ProfilePoint,
    allowed,
    is_point_name,
    one_scale,
    read_derived,
)
from gateway.mapping.repeat import expanded
from gateway.mapping.tree import Tree, built, each_over, places, without_none
from gateway.mapping.units import Units
from gateway.values import quote

Adapters: TypeAlias = Mapping[str, Adapter[Any, Any]]
"""By protocol."""


class Known(NamedTuple):
    """What formulas and scale factors of a profile may name."""

    points: Block
    names: frozenset[str]
    """Also of derived points."""
    complete: bool
    """False: there may be others."""
    enums: Enums
    """Of points without mistakes."""
    left_out: frozenset[str]
    """What ``without:`` has taken away."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A device model, or one of its variants."""

    name: str
    place: Place
    protocol: str
    adapter: Adapter[Any, Any] | None
    """None where there is none for the protocol, which is reported."""
    points: tuple[ProfilePoint, ...]
    derived: tuple[DerivedPoint, ...]
    """In an order in which each comes after those that it uses."""
    sound: bool
    """Whether nothing was wrong with it."""
    variants: tuple[str, ...] = ()
    maker: str = ""
    model: str = ""
    known: Known | None = None
    """All of its points as they are written, repeats written out; also those with mistakes."""
    derived_entries: Block | None = None
    reader: PointReader | None = None


def read(
    block: Block,
    adapters: Adapters,
    report: Report,
    *,
    units: Units,
    find: Callable[[str], Block | None],
    variant: str = "",
) -> Profile | None:
    """The profile in a file, or one of its variants; None where it has no name, so that nobody can have meant it.

    ``find`` gives the file of another profile; None where nothing is known of it.
    """
    before = report.errors
    tree = built(block, find, report)
    judged = _judge_head(tree, report)
    adapter = _adapter(tree.head, adapters, report)
    if variant:
        tree = _varied(tree, variant, report)
    reading = _Reading(tree, adapter, units, report) if adapter is not None else None
    name = block.get("profile")
    if not isinstance(name, str):
        return None
    return Profile(
        name=name.strip(),
        place=block.values_at["profile"],
        protocol=str(tree.head.get("protocol", "")).strip(),
        adapter=adapter,
        points=reading.points if reading is not None else (),
        derived=reading.derived if reading is not None else (),
        sound=judged and report.errors == before and tree.complete,
        variants=tuple(tree.variants),
        maker=str(tree.head.get("maker") or ""),
        model=str(tree.head.get("model") or ""),
        known=reading.known if reading is not None else None,
        derived_entries=tree.derived,
        reader=reading.reader if reading is not None else None,
    )


def check_extends(block: Block, known: Sequence[str], report: Report) -> None:
    """Report an extended profile that does not exist (F08)."""
    name = block.get("extends")
    if isinstance(name, str) and NAME.fullmatch(name.strip()) and name.strip() not in known:
        hint = report.did_you_mean(name, known, otherwise="fieldgate profiles lists those that there are")
        report.error(block.values_at["extends"], "F08", f"there is no profile {quote(name)} to extend", hint)


def _judge_head(tree: Tree, report: Report) -> bool:
    """Whether the settings at the top of the file are right."""
    core = names(ProfileFile)
    head = tree.head.only(name for name in tree.head if name in core)
    if "points" not in head and tree.points:
        head.put("points", tree.points, tree.points.place, tree.points.place)
    owner = Owner("this file", tree.head.place)
    # What is missing below is told there.
    told = {"protocol", "points"} if "extends" in tree.head else set()
    for name in tree.head:
        # Without a protocol nobody else can tell which keys there are.
        if "protocol" not in tree.head and closest(name, ("protocol",)):
            told.add(unknown(name, tree.head.keys_at[name], tuple(core), report))
    told |= misspelled(tree.head)
    judged = judge(ProfileFile, head, owner, report, partial=not tree.complete, meant=told) is not None
    for name in tree.variants:
        variant = child(tree.variants, name, report)
        if variant is not None:
            judged &= (
                judge(VariantSettings, variant, Owner(quote(name), tree.variants.keys_at[name]), report) is not None
            )
    if isinstance(tree.head.get("points"), Block) and not tree.points:
        text = '"points" must be a block of settings ("name: value" lines), but it is empty'
        report.error(tree.head.keys_at["points"], "M14", text, "add a point")
    return judged


def misspelled(head: Block) -> set[str]:
    """Which of the blocks of a profile are there under another name, which is reported elsewhere."""
    return {meant for name in head if (meant := closest(name, _PARTS)) and name != meant and meant not in head}


_PARTS = ("points", "derived")
_BLOCKS = tuple(name for name, block in names(PointSettings).items() if block)


def _adapter(head: Block, adapters: Adapters, report: Report) -> Adapter[Any, Any] | None:
    protocol = head.get("protocol")
    if not isinstance(protocol, str) or not protocol.strip():
        return None
    protocol = protocol.strip()
    if protocol not in adapters:
        close = closest(protocol, tuple(adapters))
        hint = (f'did you mean "{close}"? ' if close else "") + f"installed: {', '.join(sorted(adapters)) or 'none'}"
        report.error(head.values_at["protocol"], "M22", f"there is no adapter for protocol {quote(protocol)}", hint)
    return adapters.get(protocol)


def _varied(tree: Tree, variant: str, report: Report) -> Tree:
    block = tree.variants[variant]
    if not isinstance(block, Block):
        return tree
    return replace(Tree.of(block).over(tree, report), head=tree.head, heads=tree.heads, variants=tree.variants)


class _Reading:
    """The points of one tree, read one by one and then judged together."""

    def __init__(self, tree: Tree, adapter: Adapter[Any, Any], units: Units, report: Report) -> None:
        self._report = report
        self._units = units
        heads = {file: _own_head(head, adapter, report) for file, head in tree.heads.items()}
        points = expanded(tree.points, adapter.steps, report)
        complete = tree.complete and points.complete and not misspelled(tree.head)
        below = points.points.only(name for name in points.points if name not in tree.left_out)
        self.entries = each_over(tree.later, below)
        defaults = _defaults(tree, adapter.address, units, report)
        self._partial = not complete
        self.reader = PointReader(adapter, heads, defaults, units, report, partial=self._partial)
        self.points = self._points(points.written)
        derived = self._derived(tree.derived)
        # A name that no point can have was probably meant to be one that others name.
        complete &= all(is_point_name(name) for name in (*self.entries, *tree.derived))
        names_ = frozenset((*self.entries, *tree.derived))
        self.known = Known(self.entries, names_, complete, enums_of(self.points), tree.left_out)
        for point in self.points:
            check_point(point, self.known, report)
        for entry in derived:
            check_derived(entry, self.known, report)
        self.derived = in_order(derived, report)

    def _points(self, written: Mapping[str, str]) -> tuple[ProfilePoint, ...]:
        found = []
        stray = not_indented(self.entries, _BLOCKS)
        for name in self.entries:
            if name in stray:
                continue  # the point that it was meant for is told to be empty
            template = written.get(name, name)
            with self._report.naming(name, template):
                point = self.reader.read(name, self.entries, template)
            if point is not None:
                found.append(point)
        return tuple(found)

    def _derived(self, block: Block) -> tuple[DerivedPoint, ...]:
        found = []
        stray = not_indented(block)
        for name in block:
            if name in stray:
                continue
            if name in self.entries:
                text = f"{quote(name)} is already a point (line {self.entries.keys_at[name].line})"
                self._report.error(block.keys_at[name], "R08", text, "rename one of the two")
                continue
            entry = read_derived(name, block, self._units, self._report, partial=self._partial)
            if entry is not None:
                found.append(entry)
        return tuple(found)


def enums_of(points: Sequence[ProfilePoint]) -> Enums:
    """The texts of those that have some."""
    return {point.spec.point.name: point.spec.enum for point in points if point.spec.enum}


def check_point(point: ProfilePoint, known: Known, report: Report, *, but_in: str = "") -> None:
    """Whether the other points that this one names are there (B10, X03), and what it takes them for (X06).

    ``but_in``: as ``Report.naming``.
    """
    name, spec = point.spec.point.name, point.spec
    said = [(key, formula) for key, formula in (("when", spec.when), ("exists", spec.exists)) if formula is not None]
    with report.naming(name, point.written, but_in=but_in):
        for key, formula in said:
            check_texts(name, key, formula, point.merged, known.enums, report)
        if not known.complete:
            return
        source = point.scale_from
        if source and (source not in known.points or source == name):
            wrong = f"there is no point {quote(source)} to take the scale factor from"
            if source == name:
                wrong = "it cannot take the scale factor from itself"
            hint = report.did_you_mean(source, known.points.keys(), otherwise="name another point")
            if hint.endswith(f'"{name}"?'):
                hint = "name another point"
            report.error(point.merged.values_at["scale_from"], "B10", f"{name}: {wrong}", hint)
        for key, formula in said:
            formulas.check_names(name, key, formula, point.merged, known.names, report, enums=known.enums)


def check_derived(entry: DerivedPoint, known: Known, report: Report) -> None:
    """Whether the points that a derived one names are there (X03), and what it takes them for (X06)."""
    for key, formula in (("expr", entry.spec.formula), ("when", entry.spec.when)):
        if formula is not None:
            check_texts(entry.spec.name, key, formula, entry.block, known.enums, report)
            if known.complete:
                formulas.check_names(entry.spec.name, key, formula, entry.block, known.names, report, enums=known.enums)


def in_order(derived: Sequence[DerivedPoint], report: Report) -> tuple[DerivedPoint, ...]:
    """The derived points so that each comes after those that it uses; a circle is reported (X04)."""
    by_name = {entry.spec.name: entry for entry in derived}
    order, circle = formulas.ordered({name: entry.spec.formula for name, entry in by_name.items()})
    if circle:
        first = by_name[circle[0]]
        text = f"{circle[0]} needs itself ({' > '.join(circle)})"
        report.error(first.block.values_at["expr"], "X04", text, "take one of them out of its formula")
        return tuple(derived)
    return tuple(by_name[name] for name in order)


def _own_head(head: Block, adapter: Adapter[Any, Any], report: Report) -> BaseModel | None:
    """The adapter's keys at the top of a file; None where one is wrong. Reports keys that nobody knows (M01)."""
    core, own = names(ProfileFile), names(adapter.profile)
    before = report.errors
    outside = strays(head, core | own)
    for name in head:
        if name not in core and name not in own and name not in outside:
            unknown(name, head.keys_at[name], (*core, *own), report)
    strange = report.errors != before
    block = head.only(name for name in own if name in head)
    judged: BaseModel | None = judge(adapter.profile, block, Owner("this file", head.place), report)
    return None if strange else judged


def _defaults(tree: Tree, address: type[BaseModel], units: Units, report: Report) -> Block:
    """``defaults:`` without what is wrong in it, where that can be seen without a point."""
    may = allowed(address)[:-1]
    for name in tree.defaults:
        if name not in may:
            unknown(name, tree.defaults.keys_at[name], may, report)
    known = without_none(tree.defaults.only(name for name in tree.defaults if name in may))
    known = one_scale(known, "defaults", report)
    report.share(places(known))
    owner = Owner('"defaults"', tree.defaults.place)
    for model in (PointSettings, address):
        _judge_alone(model, known, owner, units, report)
    return known


def _judge_alone(model: type[BaseModel], block: Block, owner: Owner, units: Units, report: Report) -> None:
    """Judge each setting of the model by itself, and spoil those that are wrong: no point shall repeat it."""
    for name in [name for name in names(model) if name in block]:
        before = report.errors
        judge(model, block.only([name]), owner, report, partial=True, context=units)
        if report.errors != before:
            block[name] = SPOILED
