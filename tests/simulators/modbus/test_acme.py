"""The meter that nobody has described yet: its manual's list leads to the values that it plays."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from gateway.adapter import GOOD, Quality
from gateway.mapping.importers.registers import import_registers
from gateway.mapping.importers.rows import Options
from gateway.mapping.writer import write_profile
from gateway.plant import MAPPINGS, Plant
from simulators.modbus import acme
from simulators.modbus.endpoint import tcp
from simulators.modbus.memory import covered
from simulators.modbus.points import Device
from tests.simulators.modbus.plants import HOST, agrees, free_port, plant, read_from

MANUAL = MAPPINGS / "manual"
TIMES = (28_000_000.0, 28_000_031.0, 28_000_077.0)
BY_HAND = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
defaults: {table: input, every: 1s}
points:
  voltage:     {at: 0x0000, type: uint16, scale: 0.1, unit: V}
  active_power: {at: 0x0001, type: int32, nan: [0x80000000], unit: W}
  temperature: {at: 0x0010, type: float32, unit: degC, every: 10s}
  ambient_temperature: {at: 0x0012, type: int16, divide: 10, nan: [0x8000], unit: degC}
"""


def press_7(folder: Path, profile: str) -> tuple[Plant, list[Device]]:
    """A plant with the meter in it, and the simulated one."""
    port = free_port()
    connect = f'{{modbus: "tcp://{HOST}:{port}", unit_id: {acme.UNIT_ID}}}'
    described = plant(folder, f"  press-7: {{profile: acme-pm1, connect: {connect}}}\n", profile=profile)
    return described, acme.beside([Device("meter-mcc1", tcp(HOST, port), 1, ())])


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
async def test_the_imported_list_reads_what_is_played(tmp_path: Path, ending: str) -> None:
    options = Options(profile="acme-pm1", gain="divide", numbering="offset")
    found = import_registers(MANUAL / f"acme-pm1.{ending}", options)
    assert found.found == ()
    (draft,) = found.profiles
    assert [point.name for point in draft.points] == [point.name for point in acme.POINTS]
    described, devices = press_7(tmp_path, write_profile(draft))
    for t_s in TIMES:
        read = (await read_from(described, devices, t_s))["press-7"]
        # "0x8000 = no sensor" stands in the remarks: no temperature, and not -3276.8 degrees.
        assert read.pop("ambient_temperature").value is None
        assert len(read) == len(acme.POINTS) - 1
        for name, one in read.items():
            assert one.status is GOOD, (name, one)
            assert agrees(one), (name, one)


async def test_the_profile_of_the_handbook_reads_it_too(tmp_path: Path) -> None:
    described, devices = press_7(tmp_path, BY_HAND)
    seen = [(await read_from(described, devices, t_s))["press-7"] for t_s in TIMES]
    for read in seen:
        assert read["voltage"].value == read["voltage"].meant
        assert 35 <= float(str(read["temperature"].value)) <= 65
        missing = read["ambient_temperature"]
        assert (missing.value, missing.meant) == (None, None)
        assert (missing.status.quality, missing.status.reason) == (Quality.BAD, "no value (nan 0x8000)")
    assert len({read["active_power"].value for read in seen}) == len(TIMES)


def test_both_forms_of_the_manual_say_the_same() -> None:
    with (MANUAL / "acme-pm1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    sheet = openpyxl.load_workbook(MANUAL / "acme-pm1.xlsx").active
    assert sheet is not None
    cells = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert cells == rows


def test_it_is_played_on_the_first_line_unless_somebody_is_unit_7_there() -> None:
    first, second = Device("a", tcp(HOST, 15020), 1, ()), Device("b", tcp(HOST, 15021), 7, ())
    (meter,) = acme.beside([first, second])
    assert (meter.line, meter.unit_id) == (tcp(HOST, 15020), 7)
    assert acme.beside([first, Device("press-7", tcp(HOST, 15020), 7, ())]) == []
    assert acme.beside([]) == []


def test_no_register_of_it_is_taken_twice() -> None:
    assert covered(acme.POINTS) == set()
