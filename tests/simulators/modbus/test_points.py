"""Point lists as ``fieldgate export points`` writes them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from simulators.modbus import points
from simulators.modbus.endpoint import tcp
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
    return points.parse(json.dumps({"devices": devices}).encode()).devices


def left_out(*devices: dict[str, Any]) -> list[str]:
    return points.parse(json.dumps({"devices": devices}).encode()).left_out


def test_reads_a_device() -> None:
    expected = Point("voltage_l1", Address(23296, "holding", "uint32", "ABCD"), "V", Fraction(1, 10), Fraction(0))
    assert parsed(listed()) == [Device("meter-mcc1", tcp("127.0.0.1", 15020), 1, (expected,))]


def test_what_is_left_out_is_as_in_a_profile() -> None:
    (device,) = parsed(listed(connect={"modbus": "tcp://localhost"}, points=[{"name": "a", "address": {"at": 7}}]))
    assert (device.line, device.unit_id) == (tcp("localhost", 502), 1)
    assert device.points == (Point("a", Address(7, "holding", "uint16", "ABCD")),)


def test_reads_what_the_language_says_of_a_point() -> None:
    said = {
        "scale_from": "v_sf",
        "kind": "counter",
        "rollover": 65536,
        "range": [0, 10.5],
        "nan": [0x8000],
        "enum": {"0": "off"},
        "flags": {"15": "door"},
        "single": False,
    }
    address = {"at": None, "registers": [3, 9], "type": "uint32", "byte": None, "bits": [0, 16], "length": 2}
    (device,) = parsed(listed(points=[POINT | said | {"address": address}, POINT | {"name": "v_sf"}]))
    point = device.points[0]
    assert point.address == Address(registers=(3, 9), type="uint32", bits=(0, 16), length=2)
    assert (point.scale_from, point.kind, point.rollover, point.range) == ("v_sf", "counter", 65536, (0, 10.5))
    assert (point.nan, point.enum, point.flags) == (frozenset((0x8000,)), {0: "off"}, {15: "door"})


def test_base_is_added_to_every_address() -> None:
    connect = {"modbus": "tcp://127.0.0.1:15020", "base": 40000}
    split = {"name": "b", "address": {"at": None, "registers": [1, 5], "type": "uint32"}}
    (device,) = parsed(listed(connect=connect, points=[{"name": "a", "address": {"at": 7}}, split]))
    assert [point.address.at for point in device.points] == [40007, None]
    assert device.points[1].address.registers == (40001, 40005)


def test_keys_that_are_not_known_do_no_harm() -> None:
    strange = POINT | {"colour": "red", "address": {"at": 1, "endian": "both"}}
    assert parsed(listed(site="x", points=[strange]))[0].points[0].address == Address(1)


def test_records_and_objects_are_left_out_and_what_the_list_holds_of_them_is_kept() -> None:
    record = {"name": "recipe", "address": {"file": 4, "record": 1, "type": "uint16"}}
    maker = {"name": "maker", "address": {"object": "vendor_name", "type": "string"}}
    entry = listed(points=[record, maker, POINT], files={"4": [7, 8]})
    (device,) = parsed(entry)
    assert ([point.name for point in device.points], device.files) == (["voltage_l1"], {4: [7, 8]})
    assert left_out(entry) == [
        "meter-mcc1/recipe: it does not move; it is what stands under files, if there",
        "meter-mcc1/maker: it does not move; it is what stands under identification, if there",
    ]


def test_types_that_are_not_known_are_named_and_left_out() -> None:
    strange = {"name": "odd", "address": {"at": 1, "type": "int128"}}
    assert [point.name for point in parsed(listed(points=[strange, POINT]))[0].points] == ["voltage_l1"]
    assert left_out(listed(points=[strange, POINT])) == ['meter-mcc1/odd: type "int128" is not known, it is not played']


def test_other_protocols_are_passed_over_in_one_sentence() -> None:
    others = [
        listed(device="filler-01", protocol="opcua", connect={"opcua": "x"}, points=[{"node": 1}]),
        listed(device="tag-1", protocol="ble", connect={"ble": "x"}, points=[]),
    ]
    assert parsed(*others) == []
    assert left_out(*others) == ["only Modbus is played here, not filler-01 (opcua), tag-1 (ble)"]


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        ([listed(connect={"modbus": "rtu:/dev/ttyS0"})], "meter-mcc1: rtu:/dev/ttyS0 is none of tcp://, "),
        ([listed(points=[POINT | {"scale": 0.1}])], "0.1 is not a fraction as text"),
        ([listed(points=[POINT | {"offset": "x"}])], "Invalid literal"),
        ([listed(points=[POINT | {"scale": "1/0"}])], "divides by zero"),
        ([listed(points=[POINT | {"scale": "0"}])], "meter-mcc1/voltage_l1: a scale of 0"),
        ([listed(points=[{"name": "a", "address": {"at": 1, "order": "AB"}}])], "meter-mcc1: Invalid enum value 'AB'"),
        ([listed(points=[{"name": "a", "address": {"type": "int8"}}])], "meter-mcc1/a: neither at nor registers"),
        ([listed(points=[POINT | {"scale_from": "x"}])], "voltage_l1: there is no point x to scale it"),
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


def test_says_what_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "points.json"
    path.write_text(json.dumps({"devices": [listed(device="tag-1", protocol="ble"), listed()]}))
    assert [device.name for device in points.read(path)] == ["meter-mcc1"]
    assert caplog.messages == ["simulators: only Modbus is played here, not tag-1 (ble)"]


def test_identification_and_files_may_be_said() -> None:
    (device,) = parsed(listed(identification={"0": "ABB", "128": "x"}, files={"4": [7, 65535]}))
    assert (device.identification, device.files) == ({0: "ABB", 128: "x"}, {4: [7, 65535]})
    for wrong in ({"identification": {"256": "x"}}, {"files": {"0": [1]}}, {"files": {"4": [65536]}}):
        with pytest.raises(PointsInvalid):
            parsed(listed(**wrong))


@pytest.mark.parametrize("line", ["tls://127.0.0.1:802", "listen://0.0.0.0:5020", "udp://127.0.0.1:502"])
def test_every_kind_of_line_is_played(line: str) -> None:
    (device,) = parsed(listed(connect={"modbus": line}))
    assert device.line.address == line
