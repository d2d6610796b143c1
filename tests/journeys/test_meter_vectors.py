"""Registers of real meters give the values that another project's decoders give: bit for bit.

Registers and vectors: volkszaehler/mbmd (tests/data, BSD-3-Clause). Each vector goes the way of a reading: the bundled
profile of the meter, its address, the Modbus adapter, the meaning of the point.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapters.modbus import ADAPTER
from gateway.mapping.program import Program
from gateway.mapping.totals import Totals
from gateway.model import Quality, RawBlock, Status, Value
from gateway.plant import Device, bundled_profiles
from tests.mappings import bundled

DATA = Path(__file__).parent.parent / "data"
PROFILES = {
    "ABB": "abb-b-series",
    "CGEM24": "carlo-gavazzi-em24",
    "CGEX3X0": "carlo-gavazzi-em340",
    "DDM": "ddm18sd",
    "DS100": "bg-etech-ds100",
    "DTSU666": "chint-dtsu666",
    "ELTAKODSZ15": "eltako-dsz15",
    "ELTAKODSZ16": "eltako-dsz16",
    "FIND7M38": "finder-7m38",
    "IEM3000": "schneider-iem3000",
    "JANITZA": "janitza-b-series",
    "MPM": "bernecker-mpm3pm",
    "ORNO1p": "orno-we-514",
    "ORNO1p525": "orno-we-525",
    "PAC2200": "siemens-pac2200",
    "SBC": "saia-burgess-ale3",
    "SDM120": "eastron-sdm120",
    "SDM220": "eastron-sdm220",
    "SDM54": "eastron-sdm54",
    "SDM72": "eastron-sdm72",
    "SEMTR": "solaredge-se-mtr-3y",
    "WAGO87930": "wago-879-30xx",
    "X961A": "eastron-x96-1a",
}
"""The bundled profile of each meter."""
TYPES = {
    "u16": "uint16",
    "i16": "int16",
    "u32": "uint32",
    "i32": "int32",
    "i32_sw": "int32",
    "u64": "uint64",
    "i64": "int64",
    "f32": "float32",
    "f32_sw": "float32",
    "f64": "float64",
}
TABLES = {3: "holding", 4: "input"}
WORDS = {
    "Import": "energy_import",
    "Export": "energy_export",
    "Sum": "energy_total",
    "Cosphi": "power_factor",
    "ReactiveImport": "reactive_energy_import",
    "ReactiveExport": "reactive_energy_export",
    "ReactiveSum": "reactive_energy_total",
    "THD": "thd_voltage",
}
RENAMED = {
    ("SEMTR", "ImportT1"): "energy_import_nr",
    ("SEMTR", "ExportT1"): "energy_export_nr",
    ("SEMTR", "SumT1"): "energy_total_nr",
    ("SEMTR", "ReactiveSumL2"): "reactive_energy_total_l3",
    ("SEMTR", "ReactiveSumL3"): "apparent_energy_total",
}
"""What the profile calls otherwise, and says why."""
UNITS = {"": "1", "°": "deg"}
OTHER_UNITS = {
    ("SBC", "W"): "kW",
    ("SBC", "var"): "kvar",
    ("SEMTR", "ReactiveSumL3"): "kVAh",
}
"""By meter and unit or register; the profile says why."""
MULTIPLIED = {("ABB", "uint64"), ("IEM3000", "int64")}
"""Where the reference multiplies by the inverse, which is up to 1 ulp away from the exact quotient."""


class Register(NamedTuple):
    """One register of a meter, as the reference lists it."""

    meter: str
    said: dict[str, Any]

    @property
    def point(self) -> str:
        """What the bundled profile calls it: ``VoltageL1`` is ``voltage_l1``."""
        match = re.fullmatch(r"(.*?)([LT][123])?", self.said["name"])
        assert match is not None
        base = WORDS.get(match[1]) or re.sub("(?<!^)([A-Z])", r"_\1", match[1]).lower()
        return RENAMED.get((self.meter, self.said["name"]), f"{base}_{match[2].lower()}" if match[2] else base)

    @property
    def unit(self) -> str:
        unit = self.said["unit"]
        other = OTHER_UNITS.get((self.meter, unit)) or OTHER_UNITS.get((self.meter, self.said["name"]))
        return other or UNITS.get(unit, unit)


REGISTERS = {
    meter["type"]: [Register(meter["type"], said) for said in meter["ops"]]
    for meter in json.loads((DATA / "modbus_meter_registers.json").read_text())
}


def vectors() -> Iterator[tuple[Register, bytes, float]]:
    """A register, its bytes, the value."""
    for meter in json.loads((DATA / "modbus_meter_vectors.json").read_text()):
        for register, op in zip(REGISTERS[meter["type"]], meter["ops"], strict=True):
            assert (register.said["name"], register.said["address"]) == (op["name"], op["address"])
            for vector in op["vectors"]:
                value: float = struct.unpack(">d", bytes.fromhex(vector["f64"]))[0]
                yield register, bytes.fromhex(vector["hex"]), value


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Device]:
    """One device of each meter's profile, by meter."""
    said = [
        (profile, {"profile": profile, "connect": {"modbus": "tcp://127.0.0.1", "unit_id": number}})
        for number, profile in enumerate(PROFILES.values(), 1)
    ]
    plant = bundled.plant(tmp_path_factory.mktemp("plant"), said)
    assert plant.warnings == ()
    return dict(zip(PROFILES, plant.devices, strict=True))


class Meter:
    """A device that gives a value for each of its registers."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._program = Program(device, Totals())
        self._positions = {spec.point.name: position for position, spec in enumerate(device.points)}

    def value(self, register: Register, data: bytes) -> tuple[Value, Status]:
        assert ADAPTER.decode is not None
        position = self._positions[register.point]
        key = f"{TABLES[register.said['fc']]} {register.said['address']}"
        block = RawBlock(self._device.name, key, data, 0)
        (reading,) = ADAPTER.decode([self._device.points[position].point], [block])
        scan = self._program.scan((position,), [reading])
        return scan.values[0], scan.statuses[0]


def judged(got: Value, status: Status, expected: float) -> str:
    """exact, no value, 1 ulp, or wrong."""
    if not math.isfinite(expected):
        return "no value" if got is None and status.quality is Quality.BAD else "wrong"
    if status.quality is not Quality.GOOD or type(got) not in (int, float) or not isinstance(got, int | float):
        return "wrong"
    # Bit for bit: the sign of zero counts too, where the value is a float.
    if struct.pack(">d", got) == struct.pack(">d", expected) or (isinstance(got, int) and got == expected):
        return "exact"
    return "1 ulp" if math.nextafter(expected, float(got)) == got else "wrong"


def test_the_bundled_profiles_give_the_published_bits_of_all_registers_of_23_meters(devices: dict[str, Device]) -> None:
    meters = {name: Meter(device) for name, device in devices.items()}
    verdicts: Counter[str] = Counter()
    wrong = []
    for register, data, expected in vectors():
        got, status = meters[register.meter].value(register, data)
        verdict = judged(got, status, expected)
        if verdict == "1 ulp" and (register.meter, TYPES[register.said["type"]]) not in MULTIPLIED:
            verdict = "wrong"
        if verdict == "wrong":
            wrong.append((register.meter, register.said["name"], data.hex(), expected, got, status))
        verdicts[verdict] += 1
    assert wrong == []
    assert verdicts.total() == 10_151
    assert verdicts == {"exact": 8_805, "no value": 1_322, "1 ulp": 24}


@pytest.mark.parametrize("meter", PROFILES)
def test_a_bundled_profile_reads_the_registers_of_its_meter(meter: str, devices: dict[str, Device]) -> None:
    points = {spec.point.name: spec for spec in devices[meter].points}
    assert {register.point for register in REGISTERS[meter]} == set(points)
    assert len(points) == len(REGISTERS[meter])
    for register in REGISTERS[meter]:
        spec, said = points[register.point], register.said
        address = spec.point.address
        assert (address.table, address.at, address.type) == (TABLES[said["fc"]], said["address"], TYPES[said["type"]])
        assert spec.unit == register.unit
        assert spec.nan == {int(word, 16) for word in said["nan"]}


def test_every_meter_of_the_reference_has_a_bundled_profile() -> None:
    assert set(PROFILES) == set(REGISTERS)
    assert set(PROFILES.values()) <= set(bundled_profiles())
    assert (len(PROFILES), sum(map(len, REGISTERS.values()))) == (23, 548)
