"""Telegraf's Modbus plug-in: its three styles as profiles and devices, and its orders proven by 230.2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gateway.mapping.draft import Imported
from gateway.mapping.importers.source import Source, Text
from gateway.mapping.importers.telegraf import import_telegraf
from tests.gateway.mapping.importers.folders import Case, cases, plain, plant, raw_values
from tests.gateway.mapping.importers.hostile import holds, refused, spoiled, too_large, trees

WORDS = [
    "inputs",
    "modbus",
    "agent",
    "interval",
    "controller",
    "slave_id",
    "name",
    "configuration_type",
    "request",
    "metric",
    "fields",
    "holding_registers",
    "input_registers",
    "coils",
    "discrete_inputs",
    "address",
    "type",
    "data_type",
    "byte_order",
    "scale",
    "bit",
    "length",
    "register",
    "omit",
    "output",
    "timeout",
    "tags",
]
GOOD = {
    "agent": {"interval": "10s"},
    "inputs": {
        "modbus": [
            {
                "name": "a",
                "controller": "tcp://a:502",
                "slave_id": 1,
                "timeout": "1s",
                "configuration_type": "metric",
                "metric": [
                    {
                        "slave_id": 1,
                        "byte_order": "ABCD",
                        "fields": [{"address": 1, "name": "x", "type": "INT16", "scale": 0.1, "register": "input"}],
                    }
                ],
            },
            {
                "name": "b",
                "controller": "tcp://b:502",
                "slave_id": 1,
                "coils": [{"name": "c", "address": [1]}],
                "holding_registers": [
                    {"name": "h", "address": [1, 2], "byte_order": "CDAB", "data_type": "FIXED", "scale": 0.1}
                ],
            },
        ]
    },
}


def toml(value: Any, top: bool = True) -> str:
    """A JSON object as TOML: the tables in line, names and texts as JSON writes them."""
    if isinstance(value, dict):
        pairs = [f"{json.dumps(key)} = {toml(inner, False)}" for key, inner in value.items() if inner is not None]
        return "\n".join(pairs) if top else "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner, False) for inner in value if inner is not None) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("case", cases("telegraf"), ids=lambda case: case.folder.name)
def test_a_file_becomes_what_its_case_says(case: Case) -> None:
    assert plain(import_telegraf(case.source)) == case.expected()


@pytest.mark.parametrize("case", cases("telegraf"), ids=lambda case: case.folder.name)
def test_what_was_imported_is_a_plant_without_errors(case: Case, tmp_path: Path) -> None:
    plant(tmp_path, import_telegraf(case.source))


def test_each_order_reads_230_2_from_the_bytes_that_its_name_says(tmp_path: Path) -> None:
    (case,) = (case for case in cases("telegraf") if case.folder.name == "all_orders")
    wire = "43663333" + "33334366" + "66433333" + "33336643" + "1234" + "1234" + "3412" + "3412"
    values = raw_values(plant(tmp_path, import_telegraf(case.source)), bytes.fromhex(wire))
    assert [values[name] for name in ("abcd", "cdab", "badc", "dcba")] == [pytest.approx(230.2)] * 4
    assert [values[name] for name in ("ab", "ab_too", "ba", "ba_too")] == [0x1234] * 4


@pytest.mark.parametrize(
    ("written", "seconds"), [("10s", "10s"), ("1m30s", "90s"), ("500ms", "500ms"), ("2h", "2h"), ("1.5s", "1500ms")]
)
def test_times_are_written_as_go_writes_them(written: str, seconds: str) -> None:
    plugin = {"name": "a", "controller": "tcp://a:502", "slave_id": 1, "coils": [{"name": "c", "address": [1]}]}
    text = toml({"agent": {"interval": written}, "inputs": {"modbus": [plugin]}})
    assert import_telegraf(Text("x", text)).profiles[0].defaults["every"] == seconds


def take(source: Source) -> Imported:
    return import_telegraf(source)


@given(trees(WORDS) | spoiled(GOOD, WORDS))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_the_file_it_is_imported_or_named(value: Any) -> None:
    holds(take, Text("x.conf", toml(value if isinstance(value, dict) else {"inputs": value})))


@pytest.mark.parametrize("address", [[""], [1, ""], [None]])
def test_an_empty_address_is_named(address: list[Any]) -> None:
    plugin = {"name": "a", "controller": "tcp://a:502", "coils": [{"name": "c", "address": address}]}
    imported = holds(take, Text("x.conf", toml({"inputs": {"modbus": [plugin]}})))
    assert not any(profile.points for profile in imported.profiles)


def test_what_is_no_configuration_is_said_once(tmp_path: Path) -> None:
    assert "error I20: this is not valid TOML" in refused(take, "[[inputs.modbus]")
    assert "nested too deeply" in refused(take, "a = " + "[" * 100_000)
    assert "error I21" in refused(take, "")
    assert "error I21" in refused(take, "[[inputs.cpu]]\npercpu = true\n")
    assert "larger than 4 MB" in too_large(take, tmp_path)
