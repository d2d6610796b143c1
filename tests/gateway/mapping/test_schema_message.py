from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from gateway.mapping.schema_message import message
from gateway.mapping.spec import Enrichment
from gateway.mapping.totals import Totals
from gateway.message import CLOCK_SET_NS, Scans
from gateway.model import GOOD, TIMEOUT, Reading, Status, Value
from gateway.plant import read
from tests.gateway.mapping.plants import write
from tests.gateway.mapping.schema_cases import ADAPTERS, errors

PLANT = {
    "gateway.yaml": """\
schema: fieldgate/gateway/v1
name: gw-1
state: state
upstream: {hub: {kind: iothub, host: hub.example, trust: root.pem}}
""",
    "acme.profile.yaml": """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
points:
  voltage: {at: 0, type: float32, unit: V, range: [0, 300]}
  energy: {at: 2, type: uint64, unit: kWh}
  mode: {at: 6, enum: {0: off, 1: on}}
  alarm: {at: 7, flags: {0: overload, 3: door_open}}
  running: {at: 8, type: bool, bits: 0}
  serial: {at: 9, type: string, length: 4, kind: info}
derived:
  half: {expr: voltage / 2, unit: V}
""",
    "hall.devices.yaml": """\
schema: fieldgate/devices/v1
devices:
  meter-1:
    profile: acme-pm1
    asset: acme/hall
    connect: {modbus: "tcp://10.20.0.15:502"}
    context: {hall: A, unit_serial: {from: serial}}
  meter-2: {profile: acme-pm1, connect: {modbus: "tcp://10.20.0.16:502"}}
""",
    "plant.assets.yaml": """\
schema: fieldgate/assets/v1
levels: [enterprise, area]
assets:
  acme/hall: {name: Hall, maker: ACME, model: H, serial: {from: serial}, tags: {cost_center: 0471}}
""",
    "root.pem": "",
}
EXAMPLE = """
{"ts":"2026-11-22T18:29:49.123Z","asset":"acme/tampere/packaging/line-4/mcc1","profile":"eastron-sdm630",
 "values":{"voltage_l1":230.2,"power":1520.5,"energy_import":null,"mode":7},
 "units":{"voltage_l1":"V","power":"W","energy_import":"kWh"},
 "quality":{"energy_import":["bad","timeout"],"mode":["uncertain","unknown code 7"]}}
"""
AT = 1_800_000_000_123_000_000


def made(tmp_path: Path, device: int, values: Sequence[Value], status: Status = GOOD, at_ns: int = AT) -> list[Any]:
    """The messages of one scan; each value is a millisecond older than the one before."""
    plant = read(write(tmp_path, PLANT), ADAPTERS)
    scans = Scans(plant.devices[device], Totals(), get_args(Enrichment))
    readings = [Reading(index, value, at_ns - index * 1_000_000, status) for index, value in enumerate(values)]
    return [json.loads(one.body) for one in scans.make(tuple(range(len(values))), readings).messages]


GOOD_SCAN: list[Value] = [230.2, 2**60 + 1, 1, 0b1001, True, "00123456"]


def test_a_scan_of_everything_is_as_the_schema_says(tmp_path: Path) -> None:
    [body] = made(tmp_path, 0, GOOD_SCAN)
    assert errors("message", body) == []
    assert {"context", "units", "at"} < body.keys()
    assert body["context"].keys() > {"tags", "levels", "hall", "unit_serial"}
    assert body["values"]["alarm"] == ["overload", "door_open"]


@pytest.mark.parametrize(
    ("values", "status", "at_ns", "key"),
    [
        ([None] * 6, TIMEOUT, AT, "quality"),
        ([999.0, 1, 7, 0b10, False, ""], GOOD, AT, "quality"),
        ([float("nan"), 1, 0, 0, False, ""], GOOD, AT, "quality"),
        (GOOD_SCAN, GOOD, CLOCK_SET_NS - 1, "clock"),
    ],
    ids=["timeout", "beyond its range and unknown codes", "not a number", "a clock that was never set"],
)
def test_what_is_not_good_is_as_the_schema_says(
    tmp_path: Path, values: Sequence[Value], status: Status, at_ns: int, key: str
) -> None:
    for device in (0, 1):
        [body] = made(tmp_path, device, values, status, at_ns)
        assert errors("message", body) == []
        assert key in body


def test_the_example_of_the_design_is_as_the_schema_says() -> None:
    assert errors("message", json.loads(EXAMPLE)) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"ts":"2026-11-22T18:29:49.123Z",', "", ""),
        ("49.123Z", "49Z", "ts"),
        ('"mode":7', '"mode":{"raw":7}', "values/mode"),
        ('["bad","timeout"]', '["good","fine"]', "quality/energy_import/0"),
        ('["bad","timeout"]', '["bad"]', "quality/energy_import"),
        ('"units"', '"unit"', ""),
    ],
)
def test_another_message_is_not(old: str, new: str, where: str) -> None:
    assert old in EXAMPLE
    assert [error.partition(": ")[0] for error in errors("message", json.loads(EXAMPLE.replace(old, new)))] == [where]


def test_each_enrichment_is_described() -> None:
    assert set(message()["properties"]["context"]["properties"]) == set(get_args(Enrichment))
