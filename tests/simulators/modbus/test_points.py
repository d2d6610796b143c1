"""Point lists as ``fieldgate export points`` writes them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from simulators.modbus import points
from simulators.modbus.points import Address, Device, Point, PointsInvalid

POINT: dict[str, Any] = {
    "name": "voltage_l1",
    "unit": "V",
    "scale": "1/10",
    "offset": "0",
    "address": {"at": 23296, "table": "holding", "type": "uint32", "order": "ABCD"},
}


def listed(**changes: Any) -> dict[str, Any]:
    device: dict[str, Any] = {
        "device": "meter-mcc1",
        "protocol": "modbus",
        "connect": {"modbus": "tcp://127.0.0.1:15020", "unit_id": 1, "timeout": 1.0},
        "points": [POINT],
    }
    return device | changes


def parsed(*devices: dict[str, Any]) -> list[Device]:
    return points.parse(json.dumps({"devices": devices}).encode())


def test_reads_a_device() -> None:
    expected = Point("voltage_l1", Address(23296, "holding", "uint32", "ABCD"), "V", Fraction(1, 10), Fraction(0))
    assert parsed(listed()) == [Device("meter-mcc1", "127.0.0.1", 15020, 1, (expected,))]


def test_what_is_left_out_is_as_in_a_profile() -> None:
    (device,) = parsed(listed(connect={"modbus": "tcp://localhost"}, points=[{"name": "a", "address": {"at": 7}}]))
    assert (device.host, device.port, device.unit_id) == ("localhost", 502, 1)
    assert device.points == (Point("a", Address(7, "holding", "uint16", "ABCD")),)


def test_other_protocols_are_passed_over() -> None:
    assert parsed(listed(protocol="opcua", connect={"opcua": "x"}, points=[{"node": 1}])) == []


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        ([listed(connect={"modbus": "rtu:/dev/ttyS0"})], "meter-mcc1: rtu:/dev/ttyS0 is not tcp://host:port"),
        ([listed(points=[POINT | {"scale": 0.1}])], "0.1 is not a fraction as text"),
        ([listed(points=[POINT | {"offset": "x"}])], "Invalid literal"),
        ([listed(points=[POINT | {"scale": "1/0"}])], "divides by zero"),
        ([listed(points=[POINT | {"scale": "0"}])], "meter-mcc1/voltage_l1: a scale of 0"),
        ([listed(points=[{"name": "a", "address": {"at": 1, "type": "int8"}}])], "int8"),
        ([listed(points=[{"name": "a", "address": {"at": 1, "bit": 3}}])], "unknown field `bit`"),
        ([listed(), listed(device="meter-2")], "meter-mcc1 and meter-2 are both unit 1 of 127.0.0.1:15020"),
    ],
)
def test_names_what_cannot_be_played(devices: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(PointsInvalid, match=why):
        parsed(*devices)


def test_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    path.write_text("{")
    with pytest.raises(PointsInvalid, match=f"{path}: "):
        points.read(path)
    with pytest.raises(PointsInvalid, match="missing: No such file"):
        points.read(tmp_path / "missing")
