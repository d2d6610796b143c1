"""Points of one device that lie on each other: a mistake, unless each takes its own bits of the same registers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from adapters.modbus.places import Area, area, place_key, spans, where
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Finding, Point

_Field: TypeAlias = tuple[object, ...]
"""What of its registers a point takes; empty for all."""


class _Place(NamedTuple):
    """Neighbouring registers of a point."""

    start: int
    stop: int
    point: int
    field: _Field


def overlaps(points: Sequence[Point[Connect, Address]], without: Collection[int] = ()) -> Iterator[Finding]:
    """A warning (B12) for each point that begins in another one; ``without``: points that are left out, by index."""
    areas: dict[Area, list[_Place]] = {}
    for index, point in enumerate(points):
        for here in spans(point) if index not in without else ():
            place = _Place(here.start, here.stop, index, _field(point.address))
            areas.setdefault(area(point.address), []).append(place)
    told: set[int] = set()
    for one, places in areas.items():
        for place, other in _pairs(sorted(places, key=lambda place: (place.start, place.point))):
            if place.point in told or place.point == other.point:
                continue
            told.add(place.point)
            key = place_key(points[place.point].address)
            text = f"{_told(points, one, place)} overlaps {_told(points, one, other)}"
            hint = f"check address and type of both{_step(points, place, other)}"
            yield Finding("B12", place.point, key, text, hint, warning=True)


def _step(points: Sequence[Point[Connect, Address]], place: _Place, other: _Place) -> str:
    """What to do where both are copies of one point, as far as their names tell."""
    one, two = (re.sub("[0-9]+", "#", points[index].name) for index in (place.point, other.point))
    wide = place.stop - place.start
    alike = one == two and wide > 1 and wide == other.stop - other.start
    return f"; each takes {wide} registers: where they come of a repeat, write step: {wide}" if alike else ""


def _field(address: Address) -> _Field:
    byte = address.byte or ("low" if address.type in ("int8", "uint8") else None)
    return () if address.bits is None and byte is None else (byte, address.bits)


def _pairs(places: Sequence[_Place]) -> Iterator[tuple[_Place, _Place]]:
    """Places in order, each that begins in an earlier one, with that one."""
    widest: _Place | None = None
    same: dict[tuple[int, int, _Field], _Place] = {}
    for place in places:
        twin = same.setdefault((place.start, place.stop, place.field), place)
        if twin is not place:
            yield place, twin
        elif widest is not None and place.start < widest.stop and not _on_purpose(place, widest):
            yield place, widest
        if widest is None or place.stop >= widest.stop:
            widest = place


def _on_purpose(one: _Place, other: _Place) -> bool:
    """The same registers, of which they take different bits; one may take all."""
    return (one.start, one.stop) == (other.start, other.stop) and one.field != other.field


def _told(points: Sequence[Point[Connect, Address]], of: Area, place: _Place) -> str:
    return f"{points[place.point].name} ({where(of, range(place.start, place.stop))})"
