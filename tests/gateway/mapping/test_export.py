"""What a simulator is given to play a plant."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.mapping.export import points
from gateway.plant import read
from tests.gateway.mapping.plants import ADAPTERS, FILES, write


def test_the_list_of_points_is_flat_and_exact(tmp_path: Path) -> None:
    exported = json.loads(json.dumps(points(read(write(tmp_path, FILES), ADAPTERS))))
    assert [device["device"] for device in exported["devices"]] == ["meter-1", "meter-2"]
    first = exported["devices"][0]
    assert (first["protocol"], first["connect"]) == ("field", {"field": "bus://a", "unit_id": 1, "timeout": 1.0})
    assert first["points"][2] == {
        "name": "power",
        "unit": "W",
        "scale": "1/10",
        "offset": "0",
        "address": {"at": 52, "table": "input", "type": "int16", "order": "ABCD"},
    }
    assert first["points"][3]["unit"] == ""
