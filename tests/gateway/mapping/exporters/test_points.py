"""What a simulator is given to play a plant."""

from __future__ import annotations

import json
from fractions import Fraction

from gateway.mapping.exporters.points import points
from tests.gateway.mapping.exporters.made import filler, meter, plant, register


def test_the_list_of_points_is_flat_and_exact() -> None:
    power = register("power", {"at": 0x34, "table": "input", "type": "int16"}, scale="1/10", unit="W")
    exported = json.loads(json.dumps(points(plant(meter(power, register("state", {"at": 1})), filler()))))
    assert [device["device"] for device in exported["devices"]] == ["meter-1", "filler-01"]
    first = exported["devices"][0]
    assert first["protocol"] == "modbus"
    assert first["connect"]["modbus"] == "tcp://10.20.0.15:502"
    assert {key: first["points"][0][key] for key in ("name", "unit", "scale", "offset")} == {
        "name": "power",
        "unit": "W",
        "scale": "1/10",
        "offset": "0",
    }
    address = first["points"][0]["address"]
    assert (address["at"], address["table"], address["type"]) == (52, "input", "int16")
    assert first["points"][1]["unit"] == ""


def test_the_list_says_what_raw_values_mean() -> None:
    exported = json.loads(
        json.dumps(
            points(
                plant(
                    meter(
                        register("power", {"at": 0, "type": "int16"}, scale_from=1, nan=frozenset({0x8000, 0x7FFF})),
                        register("power_sf", {"at": 1, "type": "int16"}),
                        register("state", {"at": 2}, enum={0: "off", 1: "on"}),
                        register("alarms", {"at": 3}, flags={0: "hot", 7: "door"}),
                        register("pieces", {"at": 4}, kind="counter", rollover=65536, range=(0, 1e6)),
                        register("voltage", {"at": 6, "type": "float32"}, single=True),
                    )
                )
            )
        )
    )
    power, factor, state, alarms, pieces, voltage = exported["devices"][0]["points"]
    assert (power["scale_from"], power["nan"]) == ("power_sf", [0x7FFF, 0x8000])
    assert (factor["scale_from"], factor["kind"], factor["rollover"], factor["range"]) == (None, "gauge", None, None)
    assert state["enum"] == {"0": "off", "1": "on"}
    assert alarms["flags"] == {"0": "hot", "7": "door"}
    assert (pieces["kind"], pieces["rollover"], pieces["range"]) == ("counter", 65536, [0, 1e6])
    assert [entry["single"] for entry in (power, voltage)] == [False, True]


def test_scale_and_offset_lead_to_the_unit_that_is_published() -> None:
    # Tenths of a kelvin from 200 K on, published as degC: raw 1000 is 300 K, and that is 26.85 degC.
    warm = register("warm", {"at": 0}, scale="1/10", offset="200", shift="-273.15", unit="degC")
    watts = register("power", {"at": 1}, scale="1/100", factor="1000", offset="2", unit="W")
    first, second = points(plant(meter(warm, watts)))["devices"][0]["points"]
    assert Fraction(1000) * Fraction(first["scale"]) + Fraction(first["offset"]) == Fraction("26.85")
    assert (second["scale"], second["offset"]) == ("10", "2000")
