"""Registers of real meters give the values that another project's decoders give: bit for bit.

Registers and vectors: volkszaehler/mbmd (tests/data, BSD-3-Clause). Decoded by the Modbus adapter, scaled by the
mapping.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from adapters.modbus import ADAPTER
from adapters.modbus.decode import value_of
from adapters.modbus.settings import Address
from gateway.mapping.compile import normaliser
from gateway.mapping.spec import PointSpec
from gateway.model import Point, Quality, Status, Value
from gateway.plant import bundled_profiles, read

DATA = Path(__file__).parent.parent / "data"
BUNDLED = {"ABB": "abb-b-series", "CGEM24": "carlo-gavazzi-em24", "SDM120": "eastron-sdm120"}
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
MULTIPLIED = {("ABB", "u64"), ("IEM3000", "i64")}
"""Where the reference multiplies by the inverse, which is up to 1 ulp away from the exact quotient."""


def registers() -> dict[tuple[str, str], dict[str, Any]]:
    meters = json.loads((DATA / "modbus_meter_registers.json").read_text())
    return {(meter["type"], op["name"]): op for meter in meters for op in meter["ops"]}


def vectors() -> Iterator[tuple[str, str, bytes, float]]:
    """Meter, register, its bytes, the value."""
    for meter in json.loads((DATA / "modbus_meter_vectors.json").read_text()):
        for op in meter["ops"]:
            for vector in op["vectors"]:
                value: float = struct.unpack(">d", bytes.fromhex(vector["f64"]))[0]
                yield meter["type"], op["name"], bytes.fromhex(vector["hex"]), value


def spec(register: dict[str, Any]) -> PointSpec:
    """The point that a profile would describe for this register."""
    swapped = register["type"].endswith("_sw")
    address = Address.model_validate(
        {
            "at": str(register["address"]),
            "table": TABLES[register["fc"]],
            "type": TYPES[register["type"]],
            "order": "CDAB" if swapped else "ABCD",
        }
    )
    point: Point[Any, Any] = Point("meter", None, "p", address, 1.0)
    scale = Fraction(register["multiplier"], register["divisor"])
    nan = frozenset(int(pattern, 16) for pattern in register["nan"])
    return PointSpec(point, "", scale, Fraction(0), nan, single=False)


def published(point: PointSpec, data: bytes) -> Value | Status:
    raw = value_of(point.point.address.type, point.point.address.order, data)
    step = normaliser(point)
    return raw if step is None else step(raw)


def same(got: Value | Status, expected: float, ulps: int) -> bool:
    if math.isnan(expected) or math.isinf(expected):
        return isinstance(got, Status) and got.quality is Quality.BAD
    if not isinstance(got, int | float):
        return False
    # Bit for bit: the sign of zero counts too, where the value is a float.
    if struct.pack(">d", got) == struct.pack(">d", expected) or (isinstance(got, int) and got == expected):
        return True
    return ulps > 0 and math.nextafter(expected, float(got)) == got


REGISTERS = registers()


def test_all_registers_of_23_meters_decode_to_the_published_bits() -> None:
    specs = {key: spec(register) for key, register in REGISTERS.items()}
    count, wrong, near = 0, [], 0
    for meter, name, data, expected in vectors():
        got = published(specs[meter, name], data)
        count += 1
        if same(got, expected, ulps=0):
            continue
        if (meter, REGISTERS[meter, name]["type"]) in MULTIPLIED and same(got, expected, ulps=1):
            near += 1
        else:
            wrong.append((meter, name, data.hex(), expected, got))
    assert wrong == []
    assert count == 10_151
    assert near == 24


def snake(name: str) -> str:
    """``VoltageL1`` as the bundled profiles call it."""
    words = {
        "Import": "energy_import",
        "Export": "energy_export",
        "Sum": "energy_total",
        "Cosphi": "power_factor",
        "ReactiveImport": "reactive_energy_import",
        "ReactiveExport": "reactive_energy_export",
        "ReactiveSum": "reactive_energy_total",
    }
    match = re.fullmatch(r"(.*?)(L[123])?", name)
    assert match is not None
    base = words.get(match[1]) or re.sub("(?<!^)([A-Z])", r"_\1", match[1]).lower()
    return f"{base}_{match[2].lower()}" if match[2] else base


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, PointSpec]]:
    """The points of the bundled profiles, read as a plant would read them."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "root.pem").touch()
    (folder / "gateway.yaml").write_text(
        "schema: fieldgate/gateway/v1\nname: g\nstate: s\nupstream: {hub: {kind: iothub, host: a, trust: root.pem}}\n"
    )
    lines = [
        f"  {name}: {{profile: {name}, connect: {{modbus: tcp://127.0.0.1, unit_id: {number}}}}}"
        for number, name in enumerate(bundled_profiles(), 1)
    ]
    (folder / "all.devices.yaml").write_text("schema: fieldgate/devices/v1\ndevices:\n" + "\n".join(lines) + "\n")
    plant = read(folder, {"modbus": ADAPTER})
    assert plant.warnings == ()
    return {device.profile: {spec.point.name: spec for spec in device.points} for device in plant.devices}


@pytest.mark.parametrize("meter", BUNDLED)
def test_a_bundled_profile_gives_the_published_values(meter: str, bundled: dict[str, dict[str, PointSpec]]) -> None:
    points = bundled[BUNDLED[meter]]
    mine = {name: register for (type_, name), register in REGISTERS.items() if type_ == meter}
    assert {snake(name) for name in mine} == set(points)
    for type_, name, data, expected in vectors():
        if type_ == meter:
            ulps = 1 if (meter, mine[name]["type"]) in MULTIPLIED else 0
            got = published(points[snake(name)], data)
            assert same(got, expected, ulps), (name, data.hex(), expected, got)


@pytest.mark.parametrize("meter", BUNDLED)
def test_a_bundled_profile_reads_the_registers_of_its_meter(
    meter: str, bundled: dict[str, dict[str, PointSpec]]
) -> None:
    for (type_, name), register in REGISTERS.items():
        if type_ == meter:
            point = bundled[BUNDLED[meter]][snake(name)]
            address = point.point.address
            assert (address.at, address.table) == (register["address"], TABLES[register["fc"]])
            assert point.unit == (register["unit"] or "1")


def test_every_bundled_profile_stands_in_the_file_of_its_name(bundled: dict[str, dict[str, PointSpec]]) -> None:
    assert set(bundled) == set(bundled_profiles()) == set(BUNDLED.values())
