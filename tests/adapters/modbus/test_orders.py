"""Registers as all that they may mean. The bytes of 230.2 in each order are those of the mapping language's page."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from adapters.modbus.orders import rows
from adapters.modbus.settings import Connect

CONNECT = Connect(modbus="tcp://127.0.0.1:1", base=1000)


def table(data: bytes, at: int = 100) -> dict[str, dict[str, Any]]:
    return {str(row["type"]): dict(row) for row in rows(CONNECT, "input", at, data)}


@pytest.mark.parametrize(
    ("written", "order"),
    [("43 66 33 33", "ABCD"), ("33 33 43 66", "CDAB"), ("66 43 33 33", "BADC"), ("33 33 66 43", "DCBA")],
)
def test_230_2_is_found_in_the_order_in_which_it_was_written(written: str, order: str) -> None:
    assert table(bytes.fromhex(written))["float32"][order] == pytest.approx(230.2)


def test_four_registers_are_every_type_from_one_to_four_registers() -> None:
    found = table(struct.pack(">d", 1520.5))
    assert found["float64"]["ABCD"] == 1520.5
    widths = {name: row["registers"] for name, row in found.items()}
    assert {name: widths[name] for name in ("uint16", "int16", "int32", "uint24", "uint48", "int64")} == {
        "uint16": 1,
        "int16": 1,
        "int32": 2,
        "uint24": 2,
        "uint48": 3,
        "int64": 4,
    }
    assert list(widths.values()) == sorted(widths.values())


def test_one_register_is_only_what_fits_into_it_in_the_two_orders_of_its_bytes() -> None:
    found = table(b"\x12\x34", at=65535)
    assert {row["registers"] for row in found.values()} == {1}
    assert found["uint16"] == {
        "registers": 1,
        "type": "uint16",
        "ABCD": 0x1234,
        "CDAB": None,
        "BADC": 0x3412,
        "DCBA": None,
    }
    assert found["bcd16"]["ABCD"] == 1234
    assert "hhmm" not in found  # 46:60 is no time of day
    assert table(b"\x04\xd2")["hhmm"]["ABCD"] == "12:34"


def test_texts_are_read_as_such_with_both_orders_of_bytes() -> None:
    found = table(b"PM 1 V2.")
    assert found["string"]["ABCD"] == "PM 1 V2."
    assert table(b"MP1 V ")["uint16"]["ABCD"] == 0x4D50
    assert "string" not in table(b"\x01\x02\x03\x04\x05\x06\x07\x08")


def test_what_is_no_number_is_left_empty_as_json_knows_none() -> None:
    found = table(bytes.fromhex("7f c0 00 00"))
    assert found["float32"]["ABCD"] is None
    assert found["float32"]["DCBA"] is not None
