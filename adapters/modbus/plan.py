"""Which requests read the points of a line: as few as the protocol and small gaps allow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from adapters.modbus import endpoint
from adapters.modbus.form import Form, form
from adapters.modbus.identification import NAMES, level_of
from adapters.modbus.places import Area, area, spans, where
from adapters.modbus.settings import BIT_TABLES, Address, Connect
from gateway.adapter import Planned, Point

FUNCTIONS: dict[Area, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4, "file": 20, "object": 43}
"""The read function of each area (Application Protocol V1.1b3, sections 6.1 to 6.4, 6.14, 6.21)."""
FILE_BYTES = 245
"""Of an answer with records, behind its byte count (section 6.14)."""
GROUP_BYTES = 2
"""What stands before the records of each group there."""
LONGEST_FILE = (FILE_BYTES - GROUP_BYTES) // 2
"""Records that one request can read."""
_GROUPS = FILE_BYTES // 7
"""Of one request: seven bytes each."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far neighbours may be read together."""

    max_gap: int = 8
    """Addresses that nobody asked for, read along rather than spending another request."""
    max_registers: int = 125
    max_bits: int = 2000
    forbidden: tuple[tuple[int, int], ...] = ()
    """Ranges of addresses, first and last, that no request touches; points that lie there are not read."""
    one_by_one: bool = False
    """A request for each point. Points of the same registers share one."""

    @classmethod
    def of(cls, connect: Connect) -> Limits:
        """Those of a device."""
        longest = (connect.max_registers, connect.max_bits)
        return cls(connect.max_gap, *longest, connect.forbidden, connect.one_by_one)

    def allow(self, here: range) -> bool:
        """Whether no address of these is forbidden."""
        return not any(first < here.stop and here.start <= last for first, last in self.forbidden)


@dataclass(frozen=True, slots=True)
class Field:
    """Where the answer of a request holds a point."""

    point: int
    """Index into the points that were planned."""
    offset: int
    """Places from the request's first one; of groups, from the first of all."""
    form: Form

    @property
    def words(self) -> int:
        """Registers, records or bits."""
        return self.form.words


@dataclass(frozen=True, slots=True)
class Part:
    """Where the answer of a request holds a part of a point whose registers are no neighbours."""

    point: int
    offset: int
    words: int
    number: int
    """From 0, in the order in which the parts are put together; the others may be in other requests of the scan."""
    form: Form
    """Of the whole point."""


@dataclass(frozen=True, slots=True)
class Request:
    """One block read, or several groups of records at once."""

    unit: int
    area: Area
    first: int
    count: int
    """Registers, records or bits; of objects the span from the first to the last that is wanted."""
    fields: tuple[Field, ...]
    """By offset."""
    parts: tuple[Part, ...] = ()
    several: tuple[range, ...] = ()
    """The groups, where they are more than one."""

    @property
    def function(self) -> int:
        """The function code that reads this area."""
        return FUNCTIONS[self.area]

    @property
    def size(self) -> int:
        """Data bytes of the answer, without what stands between groups. Of objects nobody knows."""
        return (self.count + 7) // 8 if self.area in BIT_TABLES else 2 * self.count

    @property
    def groups(self) -> tuple[range, ...]:
        """The places that are read; neighbours together."""
        return self.several or (range(self.first, self.first + self.count),)

    @property
    def where(self) -> str:
        """What is read, in words: ``holding 23296..23332``."""
        return ", ".join(where(self.area, group) for group in self.groups)

    @property
    def held(self) -> tuple[Field | Part, ...]:
        """All that its answer holds."""
        return self.fields + self.parts

    @property
    def pieces(self) -> tuple[range, ...]:
        """The places of its points, in order: what it can be divided into."""
        found = {(self._place(one.offset), one.words) for one in self.held}
        return tuple(range(first, first + words) for first, words in sorted(found))

    def _place(self, offset: int) -> int:
        for group in self.groups:
            if offset < len(group):
                break
            offset -= len(group)
        return group.start + offset

    def of(self, pieces: Sequence[range]) -> Request:
        """The request that reads only these pieces."""
        chosen = set(pieces)
        places = [(self._place(one.offset), one) for one in self.held]
        held = [
            _Piece(here, replace(one, offset=first))
            for first, one in places
            if (here := range(first, first + one.words)) in chosen
        ]
        return _request(self.unit, self.area, held)


@dataclass(frozen=True, slots=True)
class Scan:
    """All points of one device with one poll rate: read together, published with one time."""

    device: str
    unit: int
    timeout_s: float
    every_s: float
    requests: tuple[Request, ...]


def plan(
    points: Sequence[Point[Connect, Address]], limits: Limits | None = None, *, without: Collection[int] = ()
) -> list[Scan]:
    """The scans of one line in the order in which their first points were given.

    ``limits``: instead of each device's. ``without``: points that are not read; the scans stay the same. Registers
    that are neighbours are never split over requests.
    """
    return [scan_of(points, members, limits, without=without) for members in members_of_scans(points)]


def members_of_scans(points: Sequence[Point[Connect, Address]]) -> list[list[int]]:
    """The points of each scan, in the order of ``plan``."""
    groups: dict[tuple[str, int, float, float], list[int]] = {}
    for index, point in enumerate(points):
        key = (point.device, point.connect.unit_id, point.connect.timeout, point.every_s)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def scan_of(
    points: Sequence[Point[Connect, Address]],
    members: Sequence[int],
    limits: Limits | None = None,
    *,
    without: Collection[int] = (),
) -> Scan:
    """The scan of these, which belong to one; see ``plan``."""
    first = points[members[0]]
    unit, chosen = first.connect.unit_id, limits or Limits.of(first.connect)
    asked = [index for index in members if index not in without]
    requests = tuple(_requests(unit, points, asked, chosen))
    return Scan(first.device, unit, first.connect.timeout, first.every_s, requests)


def planned(points: Sequence[Point[Connect, Address]]) -> list[Planned]:
    """The requests of one line in words; see ``gateway.adapter.Adapter.plan``."""
    framing = endpoint.parts(points[0].connect.modbus).framing if points else "mbap"
    return [_told(scan, request, framing) for scan in plan(points) for request in scan.requests]


REQUEST_BYTES = 5
"""The PDU of a read request: function, first address, quantity."""
ANSWER_BYTES = 2
"""What stands before the data of its answer: function, byte count."""
_LIKELY_OBJECT_BYTES = 16
"""A text as a device says of itself; nobody knows before."""


def _told(scan: Scan, request: Request, framing: endpoint.Framing) -> Planned:
    if request.area == "object":
        what = ", ".join(NAMES.get(piece.start, f"0x{piece.start:02x}") for piece in request.pieces)
    else:
        unit = "bit" if request.area in BIT_TABLES else "record" if request.area == "file" else "register"
        what = f"{request.count} {unit}{'' if request.count == 1 else 's'}"
    text = request.where if request.where.endswith(what) else f"{request.where} ({what})"
    points = dict.fromkeys(one.point for one in request.held)
    sent, received = (_framed(size, framing) for size in _bytes(request))
    return Planned(scan.device, text, tuple(points), scan.every_s, sent, received)


def _bytes(request: Request) -> tuple[int, int]:
    """The sizes of the PDUs of a request and its answer."""
    if request.area == "file":
        groups = len(request.groups)
        return 2 + 7 * groups, ANSWER_BYTES + GROUP_BYTES * groups + request.size
    if request.area == "object":
        return 4, 8 + len(request.pieces) * (2 + _LIKELY_OBJECT_BYTES)
    return REQUEST_BYTES, ANSWER_BYTES + request.size


def _framed(size: int, framing: endpoint.Framing) -> int:
    """The bytes of a frame with a PDU of this size."""
    if framing == "ascii":
        # A colon, unit, PDU and LRC in two letters for each byte, CR LF.
        return 1 + 2 * (1 + size + 1) + 2
    # A header that ends with the unit; or the unit and a CRC.
    return size + (7 if framing == "mbap" else 3)


class _Piece(NamedTuple):
    """What is read in one go; its offset is still the address."""

    here: range
    holds: Field | Part


def _pieces(index: int, point: Point[Connect, Address]) -> Iterable[_Piece]:
    found, whole = spans(point), form(point.address)
    if len(found) == 1:
        yield _Piece(found[0], Field(index, found[0].start, whole))
        return
    for number, here in enumerate(found):
        yield _Piece(here, Part(index, here.start, len(here), number, whole))


def _requests(
    unit: int, points: Sequence[Point[Connect, Address]], indexes: Iterable[int], limits: Limits
) -> Iterable[Request]:
    areas: dict[Area, list[_Piece]] = {}
    for index in indexes:
        place = area(points[index].address)
        if place in UNLIMITED or all(map(limits.allow, spans(points[index]))):
            areas.setdefault(place, []).extend(_pieces(index, points[index]))
    for place, pieces in areas.items():
        for block in _BLOCKS.get(place, _blocks)(place, pieces, limits):
            yield _request(unit, place, block)


def _request(unit: int, area: Area, pieces: Sequence[_Piece]) -> Request:
    groups = _joined(piece.here for piece in pieces) if area == "file" else [_around(pieces)]
    before = list(accumulate(map(len, groups), initial=0))
    held = []
    for piece in pieces:
        number = next(number for number, group in enumerate(groups) if piece.here.start in group)
        held.append(replace(piece.holds, offset=before[number] + piece.here.start - groups[number].start))
    fields = tuple(one for one in held if isinstance(one, Field))
    parts = tuple(one for one in held if isinstance(one, Part))
    several = tuple(groups) if len(groups) > 1 else ()
    return Request(unit, area, groups[0].start, before[-1], fields, parts, several)


def _around(pieces: Sequence[_Piece]) -> range:
    return range(min(piece.here.start for piece in pieces), max(piece.here.stop for piece in pieces))


def _joined(places: Iterable[range]) -> list[range]:
    """Places, which are in order; neighbours together."""
    groups: list[range] = []
    for here in places:
        if groups and here.start <= groups[-1].stop:
            groups[-1] = range(groups[-1].start, max(groups[-1].stop, here.stop))
        else:
            groups.append(here)
    return groups


def _blocks(area: Area, pieces: Iterable[_Piece], limits: Limits) -> list[list[_Piece]]:
    """Pieces of one table by address, cut where a gap or the block would be too long, or touch what is forbidden."""
    longest = limits.max_bits if area in BIT_TABLES else limits.max_registers
    blocks: list[list[_Piece]] = []
    whole = range(0)
    for piece in sorted(pieces, key=lambda piece: piece.here.start):
        here = piece.here
        both = range(whole.start, max(whole.stop, here.stop))
        fits = here.start - whole.stop <= limits.max_gap and len(both) <= longest and limits.allow(both)
        if blocks and (both == whole if limits.one_by_one else fits):
            blocks[-1].append(piece)
            whole = both
        else:
            blocks.append([piece])
            whole = here
    return blocks


def _of_files(area: Area, pieces: Iterable[_Piece], limits: Limits) -> list[list[_Piece]]:
    """Pieces by file and record, as many as one request can read. A group of its own costs less than a gap."""
    blocks: list[list[_Piece]] = []
    groups: list[range] = []
    for piece in sorted(pieces, key=lambda piece: piece.here.start):
        both = _joined([*groups, piece.here])
        words = sum(map(len, both))
        size = GROUP_BYTES * len(both) + 2 * words
        fits = size <= FILE_BYTES and len(both) <= _GROUPS and words <= limits.max_registers
        if blocks and (both == groups if limits.one_by_one else fits):
            blocks[-1].append(piece)
            groups = both
        else:
            blocks.append([piece])
            groups = [piece.here]
    return blocks


def _of_levels(area: Area, pieces: Iterable[_Piece], limits: Limits) -> list[list[_Piece]]:
    """Objects by level: all of one come with one question."""
    blocks: dict[int, list[_Piece]] = {}
    for piece in sorted(pieces, key=lambda piece: piece.here.start):
        number = piece.here.start
        blocks.setdefault(number if limits.one_by_one else -level_of(number), []).append(piece)
    return list(blocks.values())


_BLOCKS: dict[Area, Callable[[Area, Iterable[_Piece], Limits], list[list[_Piece]]]] = {
    "file": _of_files,
    "object": _of_levels,
}
UNLIMITED: frozenset[Area] = frozenset(_BLOCKS)
"""Ranges that are forbidden are of registers and bits."""
