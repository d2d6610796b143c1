"""Rules over the addresses of one device: ranges, bits that are bool, orders that say something, overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.modbus.plan import span
from adapters.modbus.settings import BIT_TABLES, Address, Connect, Order, Table
from gateway.adapter import BIT_WIDTHS, Finding, Point

HIGHEST = 65535


def check(points: Sequence[Point[Connect, Address]]) -> list[Finding]:
    """What is wrong with the points of one device, by point."""
    wide = {p.address.order for p in points if p.address.table not in BIT_TABLES and BIT_WIDTHS[p.address.type] > 16}
    findings = [
        finding
        for index, point in enumerate(points)
        for finding in (_bits_are_bool(index, point), _in_range(index, point), _order_tells(index, point, wide))
        if finding is not None
    ]
    findings += _overlaps(points)
    return sorted(findings, key=lambda finding: finding.point)


def _bits_are_bool(index: int, point: Point[Connect, Address]) -> Finding | None:
    table, kind = point.address.table, point.address.type
    if table not in BIT_TABLES or kind == "bool":
        return None
    text = f"{point.name}: {table} holds single bits, type must be bool"
    return Finding("B06", index, "type", text, "write type: bool")


def _in_range(index: int, point: Point[Connect, Address]) -> Finding | None:
    here = span(point.address)
    if here.start >= 0 and here.stop - 1 <= HIGHEST:
        return None
    where = _where(point.address.table, here)
    return Finding("B07", index, "at", f"{point.name}: {where} is outside 0..{HIGHEST}")


def _order_tells(index: int, point: Point[Connect, Address], wide: set[Order]) -> Finding | None:
    address = point.address
    one_bit = address.type == "bool"
    # Two bytes have an order, but no order of words; a bit that is asked for as "not 0" has neither.
    idle = address.order == "CDAB" or (one_bit and address.order != "ABCD")
    # The order of the wider points is the profile's default: nobody wrote it for this one.
    if not idle or BIT_WIDTHS[address.type] > 16 or address.order in wide:
        return None
    what = "bool" if one_bit else "16-bit value"
    text = f"{point.name}: order {address.order} has no effect on a {what}"
    return Finding("B11", index, "order", text, "leave it out, or check the type", warning=True)


def _overlaps(points: Sequence[Point[Connect, Address]]) -> Iterable[Finding]:
    tables: dict[Table, list[int]] = {}
    for index, point in enumerate(points):
        tables.setdefault(point.address.table, []).append(index)
    for table, members in tables.items():
        ordered = sorted(members, key=lambda index: (points[index].address.at, index))
        widest = ordered[0]
        for index in ordered[1:]:
            here, before = span(points[index].address), span(points[widest].address)
            if here.start < before.stop:
                text = (
                    f"{points[index].name} ({_range(table, here)}) overlaps "
                    f"{points[widest].name} ({_range(table, before)})"
                )
                yield Finding("B12", index, "at", text, "check address and type of both", warning=True)
            if here.stop >= before.stop:
                widest = index


def _where(table: Table, here: range) -> str:
    return f"{table if table in BIT_TABLES else 'register'} {_numbers(here)}"


def _range(table: Table, here: range) -> str:
    return f"{table} {_numbers(here)}"


def _numbers(here: range) -> str:
    return str(here.start) if len(here) == 1 else f"{here.start}..{here.stop - 1}"
