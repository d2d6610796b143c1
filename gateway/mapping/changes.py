"""What one device says differently from its profile: ``change: {power: {deadband: 50 W}}``."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.mapping.diagnostics import Report
from gateway.mapping.load import Block, Node
from gateway.mapping.points import DerivedPoint, PointReader, ProfilePoint, read_derived
from gateway.mapping.profiles import Known, Profile, check_derived, check_point, enums_of, in_order
from gateway.mapping.repeat import template
from gateway.mapping.tree import each_over
from gateway.mapping.units import Units
from gateway.values import quote


def changed(
    profile: Profile, change: Node, units: Units, report: Report, *, variant: str = ""
) -> tuple[Sequence[ProfilePoint], Sequence[DerivedPoint]]:
    """The points of a device: the profile's, and anew those that ``change`` names. Reports names of no point (D08)."""
    known, reader, entries = profile.known, profile.reader, profile.derived_entries
    if not isinstance(change, Block) or known is None or reader is None or entries is None:
        return profile.points, profile.derived
    for name, place in change.keys_at.items():
        if name not in known.names and known.complete:
            report.error(place, "D08", *_no_point(name, profile, known, variant, report))
    points = _points(profile.points, change, known, reader, report)
    known = known._replace(enums=enums_of(points))
    for point in points:
        if point.spec.point.name in change:
            check_point(point, known, report, but_in=change.place.file)
    return points, _derived(profile.derived, change, entries, known, units, report)


def _no_point(name: str, profile: Profile, known: Known, variant: str, report: Report) -> tuple[str, str]:
    owner = f"variant {quote(variant)} of profile" if variant else "profile"
    text = f"{owner} {quote(profile.name)} has no point {quote(name)}"
    copies = [point.spec.point.name for point in profile.points if point.written == name]
    if copies:
        return text, f"name each one: {', '.join(copies[:2])}{', ...' if len(copies) > 2 else ''}"
    if any(template(other).fullmatch(name) for other in known.left_out):
        return f"{text}: without: leaves it out", "take it out of change:, or out of without:"
    return text, report.did_you_mean(name, known.names, otherwise="name one of its points")


def _points(
    points: Sequence[ProfilePoint], change: Block, known: Known, reader: PointReader, report: Report
) -> Sequence[ProfilePoint]:
    # Of points with a mistake in the profile, that one is told already: they are not among these.
    own = change.only(point.spec.point.name for point in points if point.spec.point.name in change)
    entries = each_over(own, known.points.only(own))
    anew: list[ProfilePoint] = []
    for point in points:
        name, file = point.spec.point.name, change.place.file
        if name not in own:
            anew.append(point)
            continue
        with report.naming(name, point.written, but_in=file):
            again = reader.read(name, entries, point.written)
        if again is not None:
            anew.append(again)
    return anew


def _derived(
    derived: Sequence[DerivedPoint], change: Block, entries: Block, known: Known, units: Units, report: Report
) -> Sequence[DerivedPoint]:
    own = change.only(entry.spec.name for entry in derived if entry.spec.name in change)
    if not own:
        return derived
    blocks = each_over(own, entries.only(own))
    anew: list[DerivedPoint] = []
    for entry in derived:
        again = read_derived(entry.spec.name, blocks, units, report) if entry.spec.name in own else entry
        if again is not None:
            check_derived(again, known, report)
            anew.append(again)
    return in_order(anew, report)
