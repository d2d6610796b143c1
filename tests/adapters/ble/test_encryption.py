"""Encrypted BTHome, on frames of the format's own page and of bthome-ble."""

from __future__ import annotations

import pytest

from adapters.ble.encryption import WrongKey, decrypt

KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
MAC = bytes.fromhex("5448E68F80A5")
OBJECTS = bytes.fromhex("02CA0903BF13")


def test_the_example_of_the_specification_opens() -> None:
    sealed = bytes.fromhex("e445f3c9962b332211006c7c4519")
    assert decrypt(0x41, sealed, KEY, MAC) == (OBJECTS, 1_122_867)


def test_the_frame_of_another_implementation_opens() -> None:
    assert decrypt(0x41, bytes.fromhex("A47266C95F730011223378237214"), KEY, MAC) == (OBJECTS, 0x33221100)


@pytest.mark.parametrize("place", range(14))
def test_no_byte_can_be_changed_on_its_way(place: int) -> None:
    sealed = bytearray.fromhex("A47266C95F730011223378237214")
    sealed[place] ^= 1
    with pytest.raises(WrongKey):
        decrypt(0x41, bytes(sealed), KEY, MAC)


@pytest.mark.parametrize(
    ("info", "key", "mac"),
    [
        (0x41, bytes.fromhex("814aac74c4f17b6c1581e1ab87816b99"), MAC),
        (0x41, KEY, bytes.fromhex("A4C1388D18B2")),
        (0x45, KEY, MAC),
    ],
)
def test_another_key_address_or_device_byte_does_not_open_it(info: int, key: bytes, mac: bytes) -> None:
    with pytest.raises(WrongKey):
        decrypt(info, bytes.fromhex("A47266C95F730011223378237214"), key, mac)


@pytest.mark.parametrize("size", range(8))
def test_what_is_too_short_for_counter_and_check_does_not_open(size: int) -> None:
    with pytest.raises(WrongKey):
        decrypt(0x41, bytes(size), KEY, MAC)
