"""Ruuvi's data formats, on frames of their specification and of ruuvitag-sensor."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ble.ruuvi import FORMATS, NO_VALUE, TOO_SHORT, UNITS, unpack
from gateway.adapter import Quality, Status
from tests.adapters.ble import vectors

FRAMES = vectors.of("ruuvi3", "ruuvi6", "ruuviE1")
OUR_NAMES = {
    "pm_1": "pm1",
    "pm_2_5": "pm2_5",
    "pm_4": "pm4",
    "pm_10": "pm10",
    "measurement_sequence_number": "sequence",
    "calibration_in_progress": "calibrating",
}
TIMES = {"pressure": 100, "acceleration_x": 0.001, "acceleration_y": 0.001, "acceleration_z": 0.001}
"""The library has hPa and thousandths of g."""

DF5 = {
    "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F": (
        (24.3, 53.49, 100044, 0.004, -0.004, 1.036, 2977, 4, 66, 205, "CB:B8:33:4C:88:4F")
    ),
    "057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F": (
        (163.835, 163.835, 115534, 32.767, 32.767, 32.767, 3646, 20, 254, 65534, "CB:B8:33:4C:88:4F")
    ),
    "058001000000008001800180010000000000CBB8334C884F": (
        (-163.835, 0, 50000, -32.767, -32.767, -32.767, 1600, -40, 0, 0, "CB:B8:33:4C:88:4F")
    ),
    "058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF": (NO_VALUE,) * 11,
}
"""Temperature, humidity, pressure, acceleration, battery, power, movements, sequence, address."""


def test_all_published_frames_are_there() -> None:
    assert len(FRAMES) == 12


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: f"{frame['fmt']}-{frame['manufacturer_0499'][:12]}")
def test_every_published_frame_gives_the_published_values(frame: dict[str, Any]) -> None:
    data = bytes.fromhex(frame["manufacturer_0499"])
    expected = {OUR_NAMES.get(name, name): value for name, value in frame["values"].items()}
    for name in ("data_format", "acceleration"):
        expected.pop(name, None)
    assert set(expected) == set(FORMATS[data[0]].readers)
    for name, value in expected.items():
        if value is None or (name == "mac" and set(value.lower()) <= {"f", ":"}):
            assert unpack(data, name) is NO_VALUE, name
        elif name == "mac":
            assert unpack(data, name) == ":".join(pairs(value)), name
        else:
            assert unpack(data, name) == pytest.approx(value * TIMES.get(name, 1), rel=1e-12), name


def pairs(mac: str) -> list[str]:
    """The pairs of an address, with or without colons, in capital letters."""
    digits = mac.replace(":", "").upper()
    return [digits[at : at + 2] for at in range(0, len(digits), 2)]


@pytest.mark.parametrize(("frame", "values"), DF5.items(), ids=["valid", "maximum", "minimum", "invalid"])
def test_the_frames_of_the_specification_of_format_5(frame: str, values: tuple[object, ...]) -> None:
    found = tuple(unpack(bytes.fromhex(frame), name) for name in FORMATS[5].readers)
    assert found == values


@pytest.mark.parametrize(
    ("frame", "temperature", "humidity", "pressure"),
    [
        ("03291A1ECE1EFC18F94202CA0B53", 26.3, 20.5, 102766),
        ("03FF7F63FFFF7FFF7FFF7FFFFFFF", 127.99, 127.5, 115535),
        ("0300FF6300008001800180010000", -127.99, 0, 50000),
    ],
)
def test_the_frames_of_the_specification_of_format_3(
    frame: str, temperature: float, humidity: float, pressure: int
) -> None:
    data = bytes.fromhex(frame)
    assert unpack(data, "temperature") == temperature
    assert unpack(data, "humidity") == humidity
    assert unpack(data, "pressure") == pressure


def test_hundredths_beyond_99_are_no_temperature() -> None:
    assert unpack(bytes.fromhex("03291A64CE1EFC18F94202CA0B53"), "temperature") is NO_VALUE


@pytest.mark.parametrize("id_", FORMATS)
def test_a_frame_that_is_cut_off_is_no_value(id_: int) -> None:
    known = FORMATS[id_]
    whole = bytes((id_,)) + bytes(known.size - 1)
    assert unpack(whole, "temperature") is not TOO_SHORT
    assert unpack(whole[:-1], "temperature") is TOO_SHORT
    assert unpack(b"", "temperature") is TOO_SHORT


def test_what_a_format_does_not_have_is_left_out() -> None:
    assert unpack(bytes.fromhex("03291A1ECE1EFC18F94202CA0B53"), "co2") is None


def test_an_unknown_format_is_not_guessed_at() -> None:
    found = unpack(b"\x04" + bytes(30), "temperature")
    assert isinstance(found, Status)
    assert (found.quality, found.reason) == (Quality.BAD, "Ruuvi data format 0x04 is not known")


def test_every_quantity_has_its_unit() -> None:
    assert set(UNITS) == {name for known in FORMATS.values() for name in known.readers}


def test_the_readme_lists_all_of_them() -> None:
    assert vectors.listed_in_readme("ruuvi") == dict(UNITS)
