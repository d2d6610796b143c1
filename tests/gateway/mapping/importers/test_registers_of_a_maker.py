"""The register list of a maker: 33 services, 1,003 registers, no headings, and every row of it accounted for."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.mapping.draft import Imported, Setting
from tests.gateway.mapping.importers.judged import imported
from tests.gateway.mapping.importers.lists import point_rows

VICTRON = Path(__file__).parents[3] / "data" / "victron_attributes.csv"


@pytest.fixture(scope="module")
def victron() -> Imported:
    return imported(
        VICTRON,
        profile="victron",
        columns={"name": "B", "unit": "D", "address": "E", "type": "F", "scale": "G", "access": "H"},
        group="A",
        numbering="offset",
        table="holding",
        gain="divide",
        strings="registers",
    )


def test_every_register_of_a_real_list_is_imported_or_named(victron: Imported) -> None:
    with VICTRON.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert (victron.rows, len(rows)) == (1003, 1003)
    skipped = {number for number, row in enumerate(rows, 1) if row[5].startswith(("reserved[", "INTERNAL["))}
    named = {int(one.file.rsplit("!", 1)[1][1:]) for one in victron.found if one.code == "I02"}
    assert (len(skipped), named) == (59, skipped)
    assert set(point_rows(victron)) == set(range(1, 1004)) - skipped
    assert sum(len(draft.points) for draft in victron.profiles) == 944
    assert Counter((one.severity, one.code) for one in victron.found) == {
        ("warning", "I02"): 59,
        ("warning", "I08"): 56,
        ("warning", "I09"): 4,
    }
    assert len(victron.profiles) == 33


SPOTS: Mapping[int, tuple[str, Mapping[str, Setting]]] = {
    1: ("position_latitude", {"at": "2800", "type": "int32", "unit": "deg", "divide": "10000000"}),
    3: ("course", {"at": "2804", "divide": "100"}),
    4: ("speed", {"at": "2805", "unit": "m/s", "divide": "100"}),
    5: ("fix", {"at": "2806"}),
    7: ("altitude", {"at": "2808", "type": "int32", "unit": "m", "divide": "10"}),
    12: ("ac_active_in_l1_v", {"at": "3", "unit": "V", "divide": "10"}),
    15: ("ac_active_in_l1_i", {"at": "6", "type": "int16", "unit": "A", "divide": "10"}),
    21: ("ac_active_in_l1_p", {"at": "12", "type": "int16", "unit": "W", "divide": "0.1"}),
    35: ("dc_0_voltage", {"at": "26", "unit": "V", "divide": "100"}),
    37: ("ac_number_of_phases", {"at": "28", "unit": "1"}),
    38: (
        "ac_active_in_active_input",
        {"at": "29", "enum": {"0": "AC Input 1", "1": "AC Input 2", "240": "Disconnected"}},
    ),
    39: ("soc", {"at": "30", "unit": "%", "divide": "10"}),
    76: ("hub4_l1_max_feed_in_power", {"at": "66", "unit": "W", "divide": "0.01"}),
    95: ("hub4_l1_ac_power_setpoint_2", {"at": "96", "type": "int32", "unit": "W"}),
    124: ("custom_name", {"at": "140", "type": "string", "length": "8"}),
    160: ("dc_0_power_2", {"at": "258", "type": "int16", "unit": "W"}),
    167: ("consumed_amphours", {"at": "265", "unit": "Ah", "divide": "-10"}),
    253: ("system_min_voltage_cell_id", {"at": "1306", "type": "string", "length": "4"}),
    320: ("pv_3_enabled", {"at": "3738", "enum": {"0": "Disabled", "1": "Enabled"}}),
    500: ("capacity", {"at": "3001", "type": "uint32", "unit": "m3", "divide": "10000"}),
    985: ("settings_dynamic_ess_schedule_0_start", {"at": "5428", "type": "int32"}),
    996: ("vebus_devices_0_restore_file_index", {"at": "5800"}),
    1000: ("vebus_devices_0_restore_file_index_2", {"at": "5810"}),
}
"""By row: name and settings, without ``table: holding`` and ``type: uint16``."""


@pytest.mark.parametrize("row", sorted(SPOTS))
def test_registers_of_a_real_list_mean_what_a_person_reads(victron: Imported, row: int) -> None:
    name, expected = SPOTS[row]
    assert point_rows(victron)[row] == (name, {"table": "holding", "type": "uint16", **expected})


def test_types_gains_and_registers_of_a_real_list_are_those_of_its_cells(victron: Imported) -> None:
    with VICTRON.open(encoding="utf-8", newline="") as stream:
        rows = dict(enumerate(csv.reader(stream), 1))
    for row, (_, found) in point_rows(victron).items():
        _, _, _, _, register, type_, gain, _ = rows[row]
        assert found["at"] == register
        assert str(found.get("divide", "1")) == (gain or "1")
        assert "scale" not in found
        wanted = type_ if "[" not in type_ else f"string[{found['length']}]"
        assert (wanted, found["type"]) == (type_, type_.split("[")[0])
