"""BTHome v2 frames, as bthome-ble decodes them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapters.ble import bthome
from adapters.ble.bthome import Objects, unpack
from gateway.adapter import Quality, Status
from tests.adapters.ble import vectors

MAC = bytes.fromhex("5448E68F80A5")
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
FRAMES = vectors.of("bthome2")
OUR_NAMES = {
    "bin:power": "power_on",
    "bin:light": "light",
    "bin:window": "window",
    "carbon_dioxide": "co2",
    "dew_point": "dewpoint",
    "mass": "mass_kg",
    "distance": "distance_mm",
    "volume": "volume_l",
}
"""Where bthome-ble calls an object otherwise, in the frames that there are."""


def objects(frame: str, key: bytes | None = None) -> Objects:
    found = unpack(bytes.fromhex(frame), MAC, key)
    assert not isinstance(found, Status)
    return found


def named(values: dict[str, Any]) -> dict[tuple[str, int], Any]:
    """What the library gives, under our names."""
    found = {}
    for name, value in values.items():
        match = re.fullmatch(r"(temperature|humidity|button)_(\d)", name)
        key = (match[1], int(match[2])) if match else (OUR_NAMES.get(name, name), 1)
        found[key] = value
    return found


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["test"])
def test_every_published_frame_gives_the_published_values(frame: dict[str, Any]) -> None:
    expected = named(frame["values"] | frame["events"])
    found = objects(frame["service_data"])
    # What we give besides: the steps of a dimmer, and why there is no event. One event its tests do not look at.
    more = {name for name, value in found.items() if name[0] == "dimmer_steps" or isinstance(value, Status)}
    if frame["test"] == "test_bthome_shelly_button":
        expected["button", 1] = "press"
    assert {name: value for name, value in found.items() if name not in more} == expected
    assert {name for name, _ in more} <= {"dimmer_steps", "button"}


def test_all_published_frames_are_there() -> None:
    assert len(FRAMES) == 47


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("4002C40903BF13", {("temperature", 1): 25.0, ("humidity", 1): 50.55}),
        (
            "44004E01642E3F45DF00",
            {("packet_id", 1): 78, ("battery", 1): 100, ("humidity", 1): 63, ("temperature", 1): 22.3},
        ),
        ("40001D01643A01", {("packet_id", 1): 29, ("battery", 1): 100, ("button", 1): "press"}),
        (
            "44005D016405FC21002D013F9601",
            {
                ("packet_id", 1): 93,
                ("battery", 1): 100,
                ("illuminance", 1): 87.0,
                ("window", 1): True,
                ("rotation", 1): 40.6,
            },
        ),
        (
            "4400020164059033002101",
            {("packet_id", 1): 2, ("battery", 1): 100, ("illuminance", 1): 132.0, ("motion", 1): True},
        ),
    ],
)
def test_frames_of_devices_in_the_field(frame: str, expected: Objects) -> None:
    assert objects(frame) == expected


@pytest.mark.parametrize("frame", ["41A47266C95F730011223378237214", "43A5808FE64854F196C06FFB4900112233F08ECBDE"])
def test_an_encrypted_frame_opens_with_its_key(frame: str) -> None:
    """The second one brings the address that it was sealed with."""
    mac = MAC if frame.startswith("41") else bytes.fromhex("A4C1388D18B2")
    assert unpack(bytes.fromhex(frame), mac, KEY) == {("temperature", 1): 25.06, ("humidity", 1): 50.55}


@pytest.mark.parametrize(
    ("frame", "key", "status"),
    [
        ("41A47266C95F730011223378237214", None, bthome.NO_KEY),
        ("41A47266C95F730011223378237214", bytes(16), bthome.KEY_DOES_NOT_FIT),
        ("41A47266", KEY, bthome.KEY_DOES_NOT_FIT),
        ("4002CA0903BF13", KEY, bthome.NOT_ENCRYPTED),
        ("", None, bthome.TOO_SHORT),
        ("42A5808FE648", None, bthome.TOO_SHORT),
    ],
)
def test_what_cannot_be_believed_gives_its_reason(frame: str, key: bytes | None, status: Status) -> None:
    assert unpack(bytes.fromhex(frame), MAC, key) is status


@pytest.mark.parametrize("info", ["20", "00", "60", "E0"])
def test_another_version_is_not_guessed_at(info: str) -> None:
    found = unpack(bytes.fromhex(f"{info}02CA09"), MAC)
    assert isinstance(found, Status)
    assert (found.quality, found.reason) == (Quality.BAD, f"BTHome version {int(info, 16) >> 5} is not known")


def test_reading_ends_where_an_object_is_unknown() -> None:
    assert objects("40015DFE02CA09") == {("battery", 1): 93}


def test_an_object_that_is_cut_off_is_no_value() -> None:
    assert objects("40015D02CA") == {("battery", 1): 93, ("temperature", 1): bthome.TOO_SHORT}
    assert objects("40530548656C") == {("text", 1): bthome.TOO_SHORT}
    assert objects("4053") == {("text", 1): bthome.TOO_SHORT}


def test_objects_that_say_their_length_are_passed_over_whole() -> None:
    assert objects("40530548656C6C6F015D") == {("text", 1): "Hello", ("battery", 1): 93}
    assert objects("405302C3BC540301FF02015D") == {("text", 1): "ü", ("raw", 1): "01ff02", ("battery", 1): 93}
    # A command: the length counts its arguments; the upper three bits are not part of it.
    assert objects("403BE2030102015D") == {("command", 1): "step_up", ("battery", 1): 93}


def test_an_event_of_the_second_button_is_the_second() -> None:
    assert objects("403A003A01") == {("button", 2): "press"}
