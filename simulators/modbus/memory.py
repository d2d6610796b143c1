"""The registers and bits of one simulated unit: what may be read, and what it holds now."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.modbus.points import Point, Table
from simulators.modbus.registers import Raw, width, words

GAP = 8
"""How many addresses between two points are there although nobody lists them, as in real register maps: they hold 0."""


class _Range:
    """One table, from its first to its last point."""

    def __init__(self, points: Sequence[tuple[int, Point]], gap: int) -> None:
        spans = sorted((point.address.at, point.address.at + width(point.address)) for _, point in points)
        self.points = points
        self.first = spans[0][0]
        size = max(stop for _, stop in spans) - self.first
        self.held = [0] * size
        self.readable = bytearray(size)
        before = self.first
        for start, stop in spans:
            begin = before if start - before <= gap else start
            self.readable[begin - self.first : stop - self.first] = b"\1" * (stop - begin)
            before = max(before, stop)


class Memory:
    """All tables of one unit."""

    def __init__(self, points: Sequence[Point], gap: int = GAP) -> None:
        tables: dict[Table, list[tuple[int, Point]]] = {}
        for index, point in enumerate(points):
            tables.setdefault(point.address.table, []).append((index, point))
        self._tables = {table: _Range(members, gap) for table, members in tables.items()}

    def show(self, raws: Sequence[Raw]) -> None:
        """Hold these values from now on, one per point in the order in which the points were given; all at once."""
        for content in self._tables.values():
            held = [0] * len(content.held)
            for index, point in content.points:
                address = point.address
                at = address.at - content.first
                if address.table in ("coil", "discrete"):
                    held[at] = int(bool(raws[index]))
                else:
                    held[at : at + width(address)] = words(address.type, address.order, raws[index])
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
