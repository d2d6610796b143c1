"""ThingsBoard's Modbus connector: its files as profiles and devices, and its orders proven by 230.2."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.mapping.importers.source import Text
from gateway.mapping.importers.thingsboard import import_thingsboard
from tests.gateway.mapping.importers.folders import Case, cases, plain, plant, raw_values
from tests.gateway.mapping.importers.hostile import as_json, holds, refused, spoiled, too_large, trees

GOOD = json.loads((cases("thingsboard")[2].source).read_text())
WORDS = [
    "master",
    "slaves",
    "server",
    "devices",
    "timeseries",
    "attributes",
    "rpc",
    "tag",
    "type",
    "address",
    "bit",
    "functionCode",
    "objectsCount",
    "divider",
    "multiplier",
    "offset",
    "byteOrder",
    "wordOrder",
    "host",
    "port",
    "unitId",
    "deviceName",
    "timeout",
    "pollPeriod",
    "reportStrategy",
    "tagOverrides",
]


@pytest.mark.parametrize("case", cases("thingsboard"), ids=lambda case: case.folder.name)
def test_a_file_becomes_what_its_case_says(case: Case) -> None:
    assert plain(import_thingsboard(case.source)) == case.expected()


@pytest.mark.parametrize("case", cases("thingsboard"), ids=lambda case: case.folder.name)
def test_what_was_imported_is_a_plant_without_errors(case: Case, tmp_path: Path) -> None:
    plant(tmp_path, import_thingsboard(case.source))


@pytest.mark.parametrize(
    ("byte_order", "word_order", "wire"),
    [
        ("BIG", "BIG", "43663333"),
        ("BIG", "LITTLE", "33334366"),
        ("LITTLE", "BIG", "66433333"),
        ("LITTLE", "LITTLE", "33336643"),
        (None, None, "33336643"),
        ("little", "anything", "33336643"),
    ],
)
def test_each_order_reads_230_2_from_the_bytes_that_pymodbus_takes_for_it(
    byte_order: str | None, word_order: str | None, wire: str, tmp_path: Path
) -> None:
    tags = [
        {"tag": "voltage", "type": "32float", "functionCode": 3, "objectsCount": 2, "address": 0},
        {"tag": "count", "type": "16uint", "functionCode": 3, "objectsCount": 1, "address": 2},
        {"tag": "text", "type": "string", "functionCode": 3, "objectsCount": 1, "address": 3},
    ]
    slave: dict[str, Any] = {"host": "a", "unitId": 1, "deviceName": "d", "timeseries": tags}
    slave |= {"byteOrder": byte_order, "wordOrder": word_order} if byte_order else {}
    imported = import_thingsboard(as_json({"master": {"slaves": [slave]}}))
    # In the register's byte order: 0x1234; the text is never reordered.
    count = "1234" if byte_order == "BIG" else "3412"
    values = raw_values(plant(tmp_path, imported), bytes.fromhex(wire + count) + b"OK")
    assert values == {"voltage": pytest.approx(230.2), "count": 0x1234, "text": "OK"}


def test_the_first_byte_of_a_register_is_an_8_bit_value_whatever_the_order(tmp_path: Path) -> None:
    tag = {"tag": "level", "type": "8int", "functionCode": 3, "objectsCount": 1, "address": 0}
    for order in ("BIG", "LITTLE"):
        slave = {"host": "a", "unitId": 1, "deviceName": "d", "byteOrder": order, "timeseries": [tag]}
        imported = import_thingsboard(as_json({"master": {"slaves": [slave]}}))
        assert raw_values(plant(tmp_path, imported), b"\xfe\x01") == {"level": -2}


def test_a_divider_divides_and_a_multiplier_multiplies() -> None:
    imported = import_thingsboard(cases("thingsboard")[2].source)
    points = {point.name: point.settings for point in imported.profiles[0].points}
    assert points["power"]["divide"] == "10"
    assert points["energy"]["scale"] == "0.001"


def test_devices_with_the_same_tags_share_a_profile() -> None:
    imported = import_thingsboard(cases("thingsboard")[0].source)
    assert [device.profile for device in imported.devices[3:]] == ["nothing-said", "nothing-said"]


@given(trees(WORDS) | spoiled(GOOD, WORDS))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_the_file_it_is_imported_or_named(value: Any) -> None:
    holds(import_thingsboard, as_json(value))


def test_what_is_no_connector_is_said_once(tmp_path: Path) -> None:
    assert "error I20: this is not valid JSON" in refused(import_thingsboard, "{master: 1}")
    assert "error I20: this is not valid JSON" in refused(import_thingsboard, "")
    assert "nested too deeply" in refused(import_thingsboard, "[" * 200_000)
    assert 'error I21: there is no "master"' in refused(import_thingsboard, "[]")
    assert "larger than 32 MB" in too_large(import_thingsboard, tmp_path)


@pytest.mark.slow
def test_a_hundred_thousand_tags_take_seconds() -> None:
    tag = {"type": "16int", "functionCode": 3, "objectsCount": 1}
    tags = [{**tag, "tag": f"t{n}", "address": n % 65536} for n in range(100_000)]
    text = json.dumps({"master": {"slaves": [{"host": "a", "unitId": 1, "deviceName": "d", "timeseries": tags}]}})
    before = time.perf_counter()
    imported = import_thingsboard(Text("x.json", text))
    assert len(imported.profiles[0].points) == imported.rows == 100_000
    assert time.perf_counter() - before < 30
