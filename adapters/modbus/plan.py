"""Which requests read the points of a line: as few as the protocol and small gaps allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.modbus.settings import BIT_TABLES, Address, Connect, Order, Table
from gateway.adapter import BIT_WIDTHS, Point, ValueType

FUNCTIONS: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The read function of each table (Application Protocol V1.1b3, sections 6.1 to 6.4)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far neighbours may be read together."""

    max_gap: int = 8
    """Addresses that nobody asked for, read along rather than spending another request."""
    max_registers: int = 125
    max_bits: int = 2000


@dataclass(frozen=True, slots=True)
class Field:
    """Where the answer of a request holds a point."""

    point: int
    """Index into the points that were planned."""
    offset: int
    """Registers (or bits) from the request's first address."""
    type: ValueType
    order: Order


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

    @property
    def function(self) -> int:
        """The function code that reads this table."""
        return FUNCTIONS[self.table]

    @property
    def size(self) -> int:
        """Data bytes of the answer."""
        return (self.count + 7) // 8 if self.table in BIT_TABLES else 2 * self.count


@dataclass(frozen=True, slots=True)
class Scan:
    """All points of one device with one poll rate: read together, published with one time."""

    device: str
    unit: int
    timeout_s: float
    every_s: float
    requests: tuple[Request, ...]


def span(address: Address) -> range:
    """The registers (or bits) that a point occupies."""
    if address.table in BIT_TABLES:
        return range(address.at, address.at + 1)
    return range(address.at, address.at + max(1, BIT_WIDTHS[address.type] // 16))


def plan(points: Sequence[Point[Connect, Address]], limits: Limits | None = None) -> list[Scan]:
    """The scans of one line in the order in which their first points were given; no point is split over requests."""
    chosen = limits or Limits()
    groups: dict[tuple[str, int, float, float], list[int]] = {}
    for index, point in enumerate(points):
        key = (point.device, point.connect.unit_id, point.connect.timeout, point.every_s)
        groups.setdefault(key, []).append(index)
    return [Scan(*key, tuple(_requests(key[1], points, indexes, chosen))) for key, indexes in groups.items()]


def _requests(
    unit: int, points: Sequence[Point[Connect, Address]], indexes: Iterable[int], limits: Limits
) -> Iterable[Request]:
    tables: dict[Table, list[int]] = {}
    for index in indexes:
        tables.setdefault(points[index].address.table, []).append(index)
    for table, members in tables.items():
        longest = limits.max_bits if table in BIT_TABLES else limits.max_registers
        for block in _blocks(points, members, limits.max_gap, longest):
            first = points[block[0]].address.at
            fields = tuple(
                Field(index, points[index].address.at - first, points[index].address.type, points[index].address.order)
                for index in block
            )
            stop = max(span(points[index].address).stop for index in block)
            yield Request(unit, table, first, stop - first, fields)


def _blocks(
    points: Sequence[Point[Connect, Address]], members: Iterable[int], max_gap: int, longest: int
) -> list[list[int]]:
    """Members of one table by address, cut where a gap or the block would become too long."""
    blocks: list[list[int]] = []
    first = stop = 0
    for index in sorted(members, key=lambda member: points[member].address.at):
        here = span(points[index].address)
        if blocks and here.start - stop <= max_gap and max(stop, here.stop) - first <= longest:
            blocks[-1].append(index)
            stop = max(stop, here.stop)
        else:
            blocks.append([index])
            first, stop = here.start, here.stop
    return blocks
