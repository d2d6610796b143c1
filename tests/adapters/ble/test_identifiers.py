"""How Bluetooth names things: one spelling for each, and a hint where it is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from adapters.ble import identifiers


def fault(judge: Callable[[str], str], text: str) -> dict[str, Any]:
    """Code, text and hint of what is wrong."""
    with pytest.raises(PydanticCustomError) as caught:
        judge(text)
    return dict(caught.value.context or {})


def test_an_address_is_written_in_capital_letters() -> None:
    assert identifiers.address("cb:b8:33:4c:88:4f") == "CB:B8:33:4C:88:4F"


@pytest.mark.parametrize("text", ["CB-B8-33-4C-88-4F", "CBB8334C884F", "cbb8.334c.884f"])
def test_an_address_in_another_spelling_is_answered_with_the_right_one(text: str) -> None:
    found = fault(identifiers.address, text)
    assert (found["code"], found["hint"]) == ("M10", 'write "CB:B8:33:4C:88:4F"')
    assert found["text"] == f'"{text}" is not a Bluetooth address'


@pytest.mark.parametrize("text", ["", "CB:B8:33:4C:88", "CB:B8:33:4C:88:4G", "CB:B8:33:4C:88:4F:00", "8846009706"])
def test_what_is_no_address_gets_an_example(text: str) -> None:
    assert fault(identifiers.address, text)["hint"] == 'write six pairs, for example "CB:B8:33:4C:88:4F"'


@pytest.mark.parametrize("text", ["0xFCD2", "fcd2", "0x0000FCD2", "0000FCD2-0000-1000-8000-00805F9B34FB"])
def test_a_uuid_of_the_sig_has_one_short_spelling(text: str) -> None:
    assert identifiers.uuid(text) == "0xFCD2"


def test_other_uuids_keep_all_their_bits() -> None:
    assert identifiers.uuid("EBE0CCB0-7A0A-4B0C-8A1A-6FF2997DA3A6") == "ebe0ccb0-7a0a-4b0c-8a1a-6ff2997da3a6"
    assert identifiers.uuid("12345678") == "0x12345678"


@pytest.mark.parametrize("text", ["", "0xFCD", "FCD2G", "fcd2-0000", "temperature", "0xFCD2 "])
def test_what_is_no_uuid_is_refused(text: str) -> None:
    assert fault(identifiers.uuid, text)["code"] == "L05"


def test_a_characteristic_has_a_name_or_a_uuid() -> None:
    assert identifiers.characteristic("temperature") == "0x2A6E"
    assert identifiers.characteristic("0x2a19") == "0x2A19"
    found = fault(identifiers.characteristic, "temperatur")
    assert found["code"] == "L05"
    assert "temperature" in found["hint"]


@pytest.mark.parametrize(("text", "digits"), [("05", "05"), ("0xE1", "e1"), ("02 01 0A", "02010a")])
def test_first_bytes_are_pairs_of_digits(text: str, digits: str) -> None:
    assert identifiers.first_bytes(text) == digits


@pytest.mark.parametrize("text", ["5", "", "0x", "xy", "010"])
def test_half_a_byte_is_refused(text: str) -> None:
    assert fault(identifiers.first_bytes, text)["code"] == "L04"


def test_keys_of_recorded_data_are_readable() -> None:
    assert identifiers.manufacturer_key(0x499) == "manufacturer 0x0499"
    assert identifiers.service_key("0xFCD2") == "service 0xFCD2"
    assert identifiers.characteristic_key("", "0x2A6E") == "characteristic 0x2A6E"
    assert identifiers.characteristic_key("0x181A", "0x2A6E") == "characteristic 0x181A/0x2A6E"
