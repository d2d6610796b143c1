"""The table of BTHome's objects, against the examples on the format's page."""

from __future__ import annotations

from fractions import Fraction

import pytest

from adapters.ble.bthome_objects import NAMES, OBJECTS
from gateway.adapter import Quality, Status
from gateway.mapping import units
from tests.adapters.ble import vectors

EXAMPLES = [
    ("518756", "acceleration", 22.151),
    ("0161", "battery", 97),
    ("12E204", "co2", 1250),
    ("56E803", "conductivity", 1000),
    ("0960", "count", 96),
    ("3D0960", "count", 24585),
    ("3E2A2C0960", "count", 1611213866),
    ("59EA", "count", -22),
    ("5AEAEA", "count", -5398),
    ("5BEA0234EA", "count", -365690134),
    ("434E34", "current", 13.39),
    ("5D02EA", "current", -5.63),
    ("08CA06", "dewpoint", 17.38),
    ("400C00", "distance_mm", 12),
    ("414E00", "distance_m", 7.8),
    ("424E3400", "duration", 13.39),
    ("4D12138A14", "energy", 344593.17),
    ("0A138A14", "energy", 1346.067),
    ("4B138A14", "gas", 1346.067),
    ("4C41018A01", "gas", 25821.505),
    ("528756", "gyroscope", 22.151),
    ("03BF13", "humidity", 50.55),
    ("2E23", "humidity", 35),
    ("05138A14", "illuminance", 13460.67),
    ("065E1F", "mass_kg", 80.3),
    ("073E1D", "mass_lb", 74.86),
    ("14020C", "moisture", 30.74),
    ("2F23", "moisture", 35),
    ("0D120C", "pm2_5", 3090),
    ("F00100", "device_type", 1),
    ("F100010204", "firmware", "4.2.1.0"),
    ("F2000106", "firmware", "6.1.0"),
    ("0009", "packet_id", 9),
    ("1B01", "garage_door", True),
    ("1900", "connectivity", False),
    ("3A04", "button", "long_press"),
    ("3A80", "button", "hold_press"),
    ("3A00", "button", None),
    ("3C0103", "dimmer", "rotate_left"),
    ("3C0103", "dimmer_steps", 3),
    ("3C020A", "dimmer_steps", 10),
    ("3C0000", "dimmer", None),
    ("3C0000", "dimmer_steps", None),
]


@pytest.mark.parametrize(("frame", "name", "expected"), EXAMPLES, ids=str)
def test_the_examples_of_the_format(frame: str, name: str, expected: object) -> None:
    data = bytes.fromhex(frame)
    known = OBJECTS[data[0]]
    assert known.size == len(data) - 1
    value = known.readers[name](data[1:])
    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(("id_", "by"), [(0x02, 100), (0x0A, 1000), (0x5C, 100), (0x62, 1_000_000)])
def test_every_number_is_the_nearest_double(id_: int, by: int) -> None:
    known = OBJECTS[id_]
    (read,) = known.readers.values()
    for raw in range(1, 1 << 15, 7):
        value = read(raw.to_bytes(known.size, "little"))
        assert value == float(Fraction(raw, by))


def test_a_factor_that_is_no_power_of_ten_is_exact_too() -> None:
    (read,) = OBJECTS[0x58].readers.values()
    # 0.35 * 97 is 33.949999999999996 in binary floating point.
    assert read(bytes((97,))) == 33.95
    assert read(b"\xea") == -7.7


def test_an_event_that_nobody_knows_is_no_value() -> None:
    found = OBJECTS[0x3A].readers["button"](b"\xfe")
    assert isinstance(found, Status)
    assert (found.quality, found.reason) == (Quality.BAD, "unknown event 0xFE")


def test_a_text_that_is_none_is_no_value() -> None:
    read = OBJECTS[0x53].readers["text"]
    assert read("Kühlraum".encode()) == "Kühlraum"
    assert isinstance(read(b"\xff\xfe"), Status)


def test_a_time_is_in_utc() -> None:
    assert OBJECTS[0x50].readers["timestamp"](bytes.fromhex("5D396164")) == "2023-05-14T19:41:17Z"
    assert OBJECTS[0x50].readers["timestamp"](b"\xff" * 4) == "2106-02-07T06:28:15Z"


def test_one_name_has_one_unit() -> None:
    assert {"mass_kg", "mass_lb", "distance_m", "distance_mm", "volume_l", "volume_ml"} <= NAMES
    assert {"battery_low", "power_on", "gas_detected", "moisture_detected"} <= NAMES
    assert not {"mass", "distance", "volume"} & NAMES


def test_the_readme_lists_all_of_them_with_units_that_there_are() -> None:
    listed = vectors.listed_in_readme("bthome")
    assert set(listed) == NAMES
    for unit in listed.values():
        assert not unit or units.symbol(unit) == unit
