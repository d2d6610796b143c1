"""Which requests read the points of a line: as few as the protocol and small gaps allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from adapters.modbus import endpoint
from adapters.modbus.form import Form, form, registers
from adapters.modbus.settings import BIT_TABLES, Address, Connect, Table
from gateway.adapter import Planned, Point

FUNCTIONS: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The read function of each table (Application Protocol V1.1b3, sections 6.1 to 6.4)."""


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
    """Registers (or bits) from the request's first address."""
    form: Form

    @property
    def words(self) -> int:
        """Registers (or bits)."""
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
    """One block read."""

    unit: int
    table: Table
    first: int
    count: int
    """Registers, or bits in the tables of bits."""
    fields: tuple[Field, ...]
    """By offset."""
    parts: tuple[Part, ...] = ()

    @property
    def function(self) -> int:
        """The function code that reads this table."""
        return FUNCTIONS[self.table]

    @property
    def size(self) -> int:
        """Data bytes of the answer."""
        return (self.count + 7) // 8 if self.table in BIT_TABLES else 2 * self.count

    @property
    def where(self) -> str:
        """What is read, in words: ``holding 23296..23332``."""
        return where(self.table, range(self.first, self.first + self.count))

    @property
    def held(self) -> tuple[Field | Part, ...]:
        """All that its answer holds."""
        return self.fields + self.parts

    @property
    def pieces(self) -> tuple[range, ...]:
        """The registers (or bits) of its points, by address: what it can be divided into."""
        found = {(self.first + one.offset, one.words) for one in self.held}
        return tuple(range(first, first + words) for first, words in sorted(found))

    def of(self, pieces: Sequence[range]) -> Request:
        """The request that reads only these pieces."""
        chosen = set(pieces)
        held = [
            _Piece(here, replace(one, offset=here.start))
            for one in self.held
            if (here := range(self.first + one.offset, self.first + one.offset + one.words)) in chosen
        ]
        return _request(self.unit, self.table, held)


@dataclass(frozen=True, slots=True)
class Scan:
    """All points of one device with one poll rate: read together, published with one time."""

    device: str
    unit: int
    timeout_s: float
    every_s: float
    requests: tuple[Request, ...]


def where(table: Table, here: range) -> str:
    """Registers (or bits) in words."""
    return f"{table} {here.start}" if len(here) == 1 else f"{table} {here.start}..{here.stop - 1}"


def spans(point: Point[Connect, Address]) -> tuple[range, ...]:
    """The registers (or bits) on the wire that a point occupies; those that are neighbours together."""
    address, base = point.address, point.connect.base
    if address.registers is None:
        first = base + (address.at or 0)
        return (range(first, first + registers(address)),)
    found: list[range] = []
    for register in address.registers:
        here = base + register
        if found and found[-1].stop == here:
            found[-1] = range(found[-1].start, here + 1)
        else:
            found.append(range(here, here + 1))
    return tuple(found)


def plan(points: Sequence[Point[Connect, Address]], limits: Limits | None = None) -> list[Scan]:
    """The scans of one line in the order in which their first points were given; ``limits``: instead of each device's.

    Registers that are neighbours are never split over requests.
    """
    groups: dict[tuple[str, int, float, float], list[int]] = {}
    for index, point in enumerate(points):
        key = (point.device, point.connect.unit_id, point.connect.timeout, point.every_s)
        groups.setdefault(key, []).append(index)
    scans = []
    for key, indexes in groups.items():
        chosen = limits or Limits.of(points[indexes[0]].connect)
        scans.append(Scan(*key, tuple(_requests(key[1], points, indexes, chosen))))
    return scans


def planned(points: Sequence[Point[Connect, Address]]) -> list[Planned]:
    """The requests of one line in words; see ``gateway.adapter.Adapter.plan``."""
    framing = endpoint.parts(points[0].connect.modbus).framing if points else "mbap"
    return [_told(scan, request, framing) for scan in plan(points) for request in scan.requests]


REQUEST_BYTES = 5
"""The PDU of a read request: function, first address, quantity."""
ANSWER_BYTES = 2
"""What stands before the data of its answer: function, byte count."""


def _told(scan: Scan, request: Request, framing: endpoint.Framing) -> Planned:
    unit = "bit" if request.table in BIT_TABLES else "register"
    text = f"{request.where} ({request.count} {unit}{'' if request.count == 1 else 's'})"
    points = dict.fromkeys(one.point for one in request.held)
    sent, received = (_framed(size, framing) for size in (REQUEST_BYTES, ANSWER_BYTES + request.size))
    return Planned(scan.device, text, tuple(points), scan.every_s, sent, received)


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
    tables: dict[Table, list[_Piece]] = {}
    for index in indexes:
        if all(map(limits.allow, spans(points[index]))):
            tables.setdefault(points[index].address.table, []).extend(_pieces(index, points[index]))
    for table, pieces in tables.items():
        longest = limits.max_bits if table in BIT_TABLES else limits.max_registers
        for block in _blocks(pieces, limits, longest):
            yield _request(unit, table, block)


def _request(unit: int, table: Table, pieces: Sequence[_Piece]) -> Request:
    first = min(piece.here.start for piece in pieces)
    stop = max(piece.here.stop for piece in pieces)
    held = [replace(piece.holds, offset=piece.here.start - first) for piece in pieces]
    fields = tuple(one for one in held if isinstance(one, Field))
    parts = tuple(one for one in held if isinstance(one, Part))
    return Request(unit, table, first, stop - first, fields, parts)


def _blocks(pieces: Iterable[_Piece], limits: Limits, longest: int) -> list[list[_Piece]]:
    """Pieces of one table by address, cut where a gap or the block would be too long, or touch what is forbidden."""
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
