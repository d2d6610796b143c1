"""What one simulated unit holds: registers and bits, which of them may be read, its files, and who it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from simulators.modbus.files import Files
from simulators.modbus.points import Point, Raw, Table
from simulators.modbus.registers import parts, spots

GAP = 8
"""How many addresses between two points are there although nobody lists them, as in real register maps: they hold 0."""
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
"""Exception codes."""


class _Range:
    """One table, from its first to its last point."""

    def __init__(self, points: Sequence[tuple[int, Point]], gap: int) -> None:
        taken = sorted({at for _, point in points for at in spots(point.address)})
        self.points = points
        self.first = taken[0]
        size = taken[-1] + 1 - self.first
        self.held = [0] * size
        self.written: dict[int, int] = {}
        self.readable = bytearray(size)
        before = self.first
        for at in taken:
            begin = before if at - before <= gap else at
            self.readable[begin - self.first : at + 1 - self.first] = b"\1" * (at + 1 - begin)
            before = at + 1


class Memory:
    """All tables of one unit; what a client writes into a ``writable`` one stays."""

    def __init__(
        self,
        points: Sequence[Point],
        gap: int = GAP,
        *,
        writable: bool = False,
        identity: Mapping[int, bytes] = MappingProxyType({}),
        files: Files | None = None,
    ) -> None:
        """``identity``: objects of function 43/14 by number; none: it does not know the function."""
        tables: dict[Table, list[tuple[int, Point]]] = {}
        self.covered = covered(points)
        """Points, by index, that lie on others: they show what these hold."""
        self.written: set[int] = set()
        """Points, by index, that a client wrote to: they hold no longer what they are shown."""
        self.identity = identity
        self.files = files or Files({})
        self._writable = writable
        for index, point in enumerate(points):
            tables.setdefault(point.address.table, []).append((index, point))
        self._tables = {table: _Range(members, gap) for table, members in tables.items()}

    def show(self, raws: Sequence[Raw]) -> None:
        """Hold these values from now on, one per point in the order in which the points were given; all at once."""
        for content in self._tables.values():
            held = [0] * len(content.held)
            for index, point in content.points:
                if index in self.covered:
                    continue
                for at, value, mask in parts(point.address, raws[index]):
                    held[at - content.first] = held[at - content.first] & ~mask | value
            for at, value in content.written.items():
                held[at - content.first] = value
            content.held = held

    def read(self, table: Table, at: int, count: int) -> list[int] | None:
        """``count`` registers or bits; None where one of them is not there."""
        content = self._tables.get(table)
        if content is None:
            return None
        start = at - content.first
        readable = content.readable[max(start, 0) : start + count] if start + count > 0 else b""
        if len(readable) != count or 0 in readable:
            return None
        return content.held[start : start + count]

    def write(self, table: Table, at: int, values: Sequence[int]) -> int | None:
        """Hold these registers or bits from now on; the code of the exception where that cannot be."""
        if not self._writable:
            return ILLEGAL_FUNCTION
        if self.read(table, at, len(values)) is None:
            return ILLEGAL_ADDRESS
        content = self._tables[table]
        content.written.update(enumerate(map(int, values), at))
        content.held[at - content.first : at - content.first + len(values)] = map(int, values)
        touched = range(at, at + len(values))
        self.written |= {
            index for index, point in content.points if any(spot in touched for spot in spots(point.address))
        }
        return None


def covered(points: Sequence[Point]) -> frozenset[int]:
    """The points, by index, that have bits in common with an earlier one."""
    taken: dict[tuple[Table, int], int] = {}
    found = set()
    for index, point in enumerate(points):
        own = parts(point.address, 0)
        places = [((point.address.table, at), mask) for at, _, mask in own]
        if any(taken.get(place, 0) & mask for place, mask in places):
            found.add(index)
            continue
        for place, mask in places:
            taken[place] = taken.get(place, 0) | mask
    return frozenset(found)
