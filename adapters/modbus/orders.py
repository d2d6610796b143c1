"""Some registers as all that they may mean: every type in every order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.modbus.form import SEQUENCES, width
from adapters.modbus.places import where
from adapters.modbus.replay import explain
from adapters.modbus.settings import Address, Connect, Order, Table
from gateway.adapter import BIT_WIDTHS, Point, RawBlock, Value, ValueType

WIDEST = 4
"""Registers."""
_ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")
_LENGTHS: dict[ValueType, int] = {"datetime": 3, "string": 4}
"""Registers of what has no width of its own."""


def rows(connect: Connect, table: Table, at: int, data: bytes) -> Iterator[Mapping[str, Any]]:
    """A row for each type that these registers can hold from the first on: the narrowest first, a column per order."""
    count = len(data) // 2
    here = connect.model_copy(update={"base": 0})
    raw = [RawBlock("", where(table, range(at, at + count)), data, 0)]
    for words in range(1, count + 1):
        for type_ in _types(words):
            address = Address(at=at, table=table, type=type_, length=_LENGTHS.get(type_))
            found = explain(Point("", here, type_, address, 1.0), raw).candidates
            by_order: dict[str, Value] = {one.setting.removeprefix("order: "): _plain(one.value) for one in found}
            values: dict[str, Value] = {order: by_order.get(order) for order in _ORDERS}
            if any(value is not None for value in values.values()):
                yield {"registers": words, "type": type_, **values}


def _types(words: int) -> list[ValueType]:
    # What is smaller than a register is a part of one, which has no order.
    fixed: list[ValueType] = [type_ for type_, bits in BIT_WIDTHS.items() if bits > 8 and width(type_) == words]
    return fixed + [type_ for type_, length in _LENGTHS.items() if length == words and type_ in SEQUENCES]


def _plain(value: Value) -> Value:
    """As JSON knows it: it has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
