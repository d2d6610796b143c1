"""EdgeX device profiles: as profiles, with its own rules for addresses, swaps, masks and bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.mapping.importers.edgex import import_edgex
from gateway.mapping.importers.source import Text
from tests.gateway.mapping.importers.folders import Case, cases, plain, plant, raw_values
from tests.gateway.mapping.importers.hostile import as_json, holds, refused, spoiled, too_large, trees

WORDS = [
    "name",
    "deviceResources",
    "deviceCommands",
    "resourceOperations",
    "deviceResource",
    "mappings",
    "attributes",
    "properties",
    "valueType",
    "readWrite",
    "primaryTable",
    "startingAddress",
    "rawType",
    "isByteSwap",
    "isWordSwap",
    "stringRegisterSize",
    "scale",
    "offset",
    "base",
    "mask",
    "shift",
    "units",
    "value",
    "deviceList",
    "protocols",
    "modbus-tcp",
    "Address",
    "Port",
    "UnitID",
    "Timeout",
    "profileName",
]
GOOD = {
    "name": "a",
    "deviceResources": [
        {
            "name": "b",
            "attributes": {"primaryTable": "HOLDING_REGISTERS", "startingAddress": 1, "rawType": "Int16"},
            "properties": {"valueType": "Float32", "readWrite": "RW", "scale": 0.1, "offset": 1, "units": "V"},
        },
        {
            "name": "c",
            "attributes": {"primaryTable": "INPUT_REGISTERS", "startingAddress": "7.1", "isWordSwap": True},
            "properties": {"valueType": "Uint32", "readWrite": "R", "mask": 255, "shift": -2},
        },
    ],
    "deviceCommands": [{"name": "d", "resourceOperations": [{"deviceResource": "c", "mappings": {"0": "x"}}]}],
    "deviceList": [
        {"name": "e", "profileName": "a", "protocols": {"modbus-tcp": {"Address": "h", "Port": 502, "UnitID": 1}}}
    ],
}


@pytest.mark.parametrize("case", cases("edgex"), ids=lambda case: case.folder.name)
def test_a_file_becomes_what_its_case_says(case: Case) -> None:
    assert plain(import_edgex(case.source)) == case.expected()


@pytest.mark.parametrize("case", cases("edgex"), ids=lambda case: case.folder.name)
def test_what_was_imported_is_a_plant_without_errors(case: Case, tmp_path: Path) -> None:
    plant(tmp_path, import_edgex(case.source))


def test_each_swap_reads_230_2_from_its_bytes(tmp_path: Path) -> None:
    (case,) = (case for case in cases("edgex") if case.folder.name == "swaps_of_all_widths")
    wire = bytes.fromhex("43663333" + "33334366" + "66433333" + "33336643" + "406cc66666666666" + "1234" + "86a00001")
    values = raw_values(plant(tmp_path, import_edgex(case.source)), wire)
    assert [values[name] for name in ("abcd", "cdab", "badc", "dcba")] == [pytest.approx(230.2)] * 4
    # Neither 64 nor 16 bits are swapped by EdgeX.
    assert (values["wide"], values["narrow"], values["from_int32"]) == (230.2, 0x1234, 100_000)


@pytest.mark.parametrize(("first_address", "at"), [(None, "8"), (1, "8"), (0, "9")])
def test_the_first_register_is_1_where_the_type_stands_under_value(first_address: Any, at: str) -> None:
    (case,) = (case for case in cases("edgex") if case.folder.name == "version_1_counts_from_one")
    assert import_edgex(case.source, first_address).profiles[0].points[0].settings["at"] == at


@pytest.mark.parametrize(
    ("mask", "shift", "word"),
    [(0xFF, 0, 0x1234), (0xFF00, -8, 0x1234), (0xF0, 0, 0x1234), (0x0F, 4, 0x1234), (0, -4, 0xABCD)],
)
def test_a_mask_and_a_shift_give_what_edgex_computes(mask: int, shift: int, word: int, tmp_path: Path) -> None:
    resource = {
        "name": "x",
        "attributes": {"primaryTable": "HOLDING_REGISTERS", "startingAddress": 0},
        "properties": {"valueType": "Uint16", "readWrite": "R", "mask": mask, "shift": shift},
    }
    imported = import_edgex(as_json({"name": "a", "deviceResources": [resource]}))
    (profile,) = imported.profiles
    value = raw_values(plant(tmp_path, imported), word.to_bytes(2, "big"))["x"]
    # EdgeX: the mask first (none: all bits), then the shift, to the right where it is negative.
    masked = word & (mask or 0xFFFF)
    expected = masked << shift if shift > 0 else masked >> -shift
    assert value * int(str(profile.points[0].settings.get("scale", "1"))) == expected


@given(trees(WORDS) | spoiled(GOOD, WORDS))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_the_file_it_is_imported_or_named(value: Any) -> None:
    # A JSON file is YAML too; characters are escaped as both know it.
    holds(import_edgex, as_json(value))


def test_what_is_no_device_profile_is_said_once(tmp_path: Path) -> None:
    assert "error Y02" in refused(import_edgex, "a: b: c")
    assert "error Y08" in refused(import_edgex, "[" * 100_000)
    assert "error I20: this is no device profile" in refused(import_edgex, "- a\n")
    assert 'error I21: there is no "deviceResources"' in refused(import_edgex, "name: x\n")
    assert "larger than 4 MB" in too_large(import_edgex, tmp_path)


def test_json_is_read_as_well_as_yaml() -> None:
    imported = import_edgex(Text("p.json", json.dumps(GOOD, indent=1)))
    assert [point.name for point in imported.profiles[0].points] == ["b", "c"]
    assert [device.connect for device in imported.devices] == [{"modbus": "tcp://h:502", "unit_id": "1"}]
