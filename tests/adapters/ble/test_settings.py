"""What may be written for BLE: in ``connect:``, at the top of a profile, at a point."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from adapters.ble.settings import Address, Connect, Match, Profile, line


def faults(model: type[BaseModel], **settings: Any) -> list[tuple[str, str]]:
    """Key and code of every error, as a plant file would bring the settings."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(settings)
    return [
        (".".join(map(str, error["loc"])), str(error.get("ctx", {}).get("code", error["type"])))
        for error in caught.value.errors()
    ]


def test_a_device_is_its_address() -> None:
    connect = Connect.model_validate({"ble": " cb:b8:33:4c:88:4f "})
    assert (connect.ble, connect.offline_after, connect.key, connect.adapter) == (
        "CB:B8:33:4C:88:4F",
        900.0,
        None,
        "hci0",
    )


def test_devices_of_one_radio_share_it() -> None:
    first, second, other = (
        Connect.model_validate({"ble": "CB:B8:33:4C:88:4F", **more})
        for more in ({}, {"offline_after": "5min"}, {"adapter": "hci1"})
    )
    assert line(first) == line(second) == "hci0"
    assert line(other) == "hci1"


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"ble": "CB-B8-33-4C-88-4F"}, ("ble", "M10")),
        ({"ble": "CB:B8:33:4C:88:4F", "offline_after": "5"}, ("offline_after", "M09")),
        ({"ble": "CB:B8:33:4C:88:4F", "offline_after": "1ms"}, ("offline_after", "greater_than_equal")),
        ({"ble": "CB:B8:33:4C:88:4F", "key": "231d39c1d7cc1ab1aee224cd096db932"}, ("key", "M23")),
        ({"ble": "CB:B8:33:4C:88:4F", "adapter": "usb0"}, ("adapter", "string_pattern_mismatch")),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], found: tuple[str, str]) -> None:
    assert faults(Connect, **settings) == [found]


def test_a_key_is_a_secret_that_shows_itself_nowhere() -> None:
    connect = Connect.model_validate({"ble": "CB:B8:33:4C:88:4F", "key": {"secret": "tag-key"}})
    assert connect.key is not None
    held = connect.model_copy(update={"key": connect.key.holding("231d39c1")})
    assert "231d39c1" not in repr(held)
    assert "231d39c1" not in held.model_dump_json()


def test_a_profile_of_fields_says_in_which_data_they_are() -> None:
    profile = Profile.model_validate({"match": {"company": "0x0499", "starts": "05"}})
    assert profile == Profile(match=Match(company=0x499, starts="05"), decoder="fields")
    assert faults(Profile) == [("match", "L03")]
    assert faults(Profile, match={"starts": "05"}) == [("match", "L03")]


@pytest.mark.parametrize(
    ("settings", "company", "service"),
    [
        ({"decoder": "bthome"}, None, "0xFCD2"),
        ({"decoder": "bthome", "match": {"service": "fcd2"}}, None, "0xFCD2"),
        ({"decoder": "ruuvi", "match": {"starts": "E1"}}, 0x0499, ""),
    ],
)
def test_a_decoder_that_knows_its_data_finds_it(settings: dict[str, Any], company: int | None, service: str) -> None:
    match = Profile.model_validate(settings).match
    assert (match.company, match.service) == (company, service)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"match": {"company": "0x0499", "service": "0xFCD2"}}, ("match", "L03")),
        ({"decoder": "bthome", "match": {"company": "0x0499"}}, ("match", "L03")),
        ({"decoder": "ruuvi", "match": {"service": "0xFCD2"}}, ("match", "L03")),
        ({"decoder": "ruvi"}, ("decoder", "literal_error")),
        ({"match": {"company": "0x10499"}}, ("match.company", "less_than_equal")),
        ({"match": {"company": "0x0499", "starts": "5"}}, ("match.starts", "L04")),
        ({"match": {"service": "thermometer"}}, ("match.service", "L05")),
    ],
)
def test_data_that_cannot_be_meant_is_refused(settings: dict[str, Any], found: tuple[str, str]) -> None:
    assert found in faults(Profile, **settings)


def test_texts_of_a_point_become_values() -> None:
    address = Address.model_validate({"byte": "13", "type": "uint16", "order": "big", "bits": "5..15"})
    assert (address.byte, address.type, address.order, address.bits) == (13, "uint16", "big", (5, 15))
    assert Address.model_validate({"object": "temperature"}).index == 1
    assert Address.model_validate({"characteristic": "battery_level", "type": "uint8"}).characteristic == "0x2A19"


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"byte": "254"}, ("byte", "less_than")),
        ({"byte": "-1"}, ("byte", "greater_than_equal")),
        ({"byte": "03"}, ("byte", "M05")),
        ({"bits": "15..5"}, ("bits", "L01")),
        ({"type": "flaot32"}, ("type", "literal_error")),
        ({"order": "ABCD"}, ("order", "literal_error")),
        ({"index": "0"}, ("index", "greater_than_equal")),
    ],
)
def test_a_wrong_address_is_named(settings: dict[str, Any], found: tuple[str, str]) -> None:
    assert faults(Address, **settings) == [found]
