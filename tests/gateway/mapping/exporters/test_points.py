"""What a simulator is given to play a plant."""

from __future__ import annotations

import json

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
