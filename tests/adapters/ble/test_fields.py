"""Fields of bytes, on frames that others published."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ble.fields import TOO_SHORT, read
from adapters.ble.settings import Address
from gateway.adapter import Quality, Status

PVVX = bytes.fromhex("5601CF38C1A44008BD13470C64CC0F")
"""Service data 0x181A of a thermometer with pvvx firmware: 21.12 degC, 50.53 %, 3.143 V, 100 %."""
ATC1441 = bytes.fromhex("A4C138D5D498FFD33E510B7B62")
"""The same with ATC1441 firmware, big-endian: -4.5 degC, 62 %, 81 %, 2.939 V, frame 98."""
RUUVI = bytes.fromhex("0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F")


def value(data: bytes, **settings: Any) -> object:
    return read(Address.model_validate(settings), data)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"byte": "6", "type": "int16"}, 2112),
        ({"byte": "8", "type": "uint16"}, 5053),
        ({"byte": "10", "type": "uint16"}, 3143),
        ({"byte": "12", "type": "uint8"}, 100),
    ],
)
def test_little_endian_is_the_rule(settings: dict[str, str], expected: int) -> None:
    assert value(PVVX, **settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"byte": "6", "type": "int16"}, -45),
        ({"byte": "8", "type": "uint8"}, 62),
        ({"byte": "10", "type": "uint16"}, 2939),
        ({"byte": "0", "type": "uint48"}, 0xA4C138D5D498),
        ({"byte": "0", "type": "bytes", "length": "6"}, bytes.fromhex("A4C138D5D498")),
    ],
)
def test_big_endian_where_it_is_said(settings: dict[str, str], expected: object) -> None:
    assert value(ATC1441, order="big", **settings) == expected


def test_bits_are_taken_out_of_the_number() -> None:
    assert value(RUUVI, byte="13", type="uint16", order="big", bits="5..15") == 2977 - 1600
    assert value(RUUVI, byte="13", type="uint16", order="big", bits="0..4") == (4 + 40) // 2
    assert value(b"\x40", byte="0", type="bool", bits="6") is True
    assert value(b"\x40", byte="0", type="bool", bits="7") is False


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        ("bool", "01", True),
        ("int24", "FFFFFF", -1),
        ("uint24", "138A01", 100_883),
        ("float32", "33336643", 230.1999969482422),
        ("float16", "003C", 1.0),
        ("int64", "FEFFFFFFFFFFFFFF", -2),
        ("bcd16", "3412", 1234),
    ],
)
def test_all_types_of_the_mapping_language_are_little_endian_too(type_: str, data: str, expected: object) -> None:
    assert value(bytes.fromhex(data), byte="0", type=type_) == expected


def test_a_text_has_no_order() -> None:
    for order in ("little", "big"):
        assert value(b"\x00FX-42\x00\x00", byte="1", type="string", length="7", order=order) == "FX-42"
        assert value(bytes.fromhex("180B16120B2A"), byte="0", type="datetime", length="6", order=order) == (
            "2024-11-22T18:11:42"
        )


def test_what_is_cut_off_is_no_value() -> None:
    assert value(RUUVI[:14], byte="13", type="uint16") is TOO_SHORT
    assert value(RUUVI[:15], byte="13", type="uint16") is not TOO_SHORT
    assert value(b"", byte="0", type="bool") is TOO_SHORT


def test_bytes_that_are_not_of_their_type_say_so() -> None:
    found = value(b"\xaa\xaa", byte="0", type="bcd16")
    assert isinstance(found, Status)
    assert found.quality is Quality.BAD
