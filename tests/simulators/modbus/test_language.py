"""The whole mapping language on one way: profile, export, simulator, TCP, adapter, meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.adapter import BIT_WIDTHS, GOOD, Quality
from gateway.mapping.diagnostics import Report
from gateway.mapping.load import Block, parse
from simulators.modbus.points import TYPES
from tests.simulators.modbus.plants import HOST, agrees, free_port, plant, played, read_back

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
PROFILES = Path(__file__).parents[3] / "mappings" / "profiles"
HEAD = "schema: fieldgate/profile/v1\nprofile: own\nprotocol: modbus\n"


def device(name: str = "d", profile: str = "own", unit_id: int = 1, port: int | None = None, more: str = "") -> str:
    connect = f'{{modbus: "tcp://{HOST}:{port or free_port()}", unit_id: {unit_id}{more}}}'
    return f"  {name}: {{profile: {profile}, connect: {connect}}}\n"


def test_every_type_of_the_language_is_played() -> None:
    assert set(TYPES) == set(BIT_WIDTHS)


@pytest.mark.parametrize("order", ORDERS)
async def test_every_type_is_read_as_it_is_played(tmp_path: Path, order: str) -> None:
    lines, at = [], 0
    for table in ("input", "holding"):
        for type_ in TYPES:
            length = ", length: 6" if type_ in ("string", "bytes", "datetime") else ""
            lines.append(
                f"  {table}_{type_}: {{table: {table}, at: {at}, type: {type_}, order: {order}{length}, every: 1s}}"
            )
            at += 6
    lines.append(f"  short_datetime: {{at: {at}, type: datetime, order: {order}}}")
    own = plant(tmp_path, device(), own=HEAD + "points:\n" + "\n".join(lines))
    # At several moments: small numbers and large ones, negative ones by way of their range.
    for t_s in (28_000_000.0, 28_000_031.0, 28_000_077.0):
        found = (await read_back(own, t_s))["d"]
        assert len(found) == 2 * len(TYPES) + 1
        for name, read in found.items():
            assert read.status is GOOD, name
            assert agrees(read), (name, read)


@pytest.mark.parametrize("order", ORDERS)
async def test_negative_and_scaled_numbers_too(tmp_path: Path, order: str) -> None:
    types = ("int8", "int16", "int24", "int32", "int48", "int64", "signmag16", "signmag32", "float16", "float32")
    lines = [
        f"  {type_}: {{at: {4 * place}, type: {type_}, order: {order}, scale: 0.5, offset: -10, range: [-50, -20]}}"
        for place, type_ in enumerate(types)
    ]
    own = plant(tmp_path, device(), own=HEAD + "points:\n" + "\n".join(lines))
    for t_s in (28_000_000.0, 28_000_031.0):
        for name, read in (await read_back(own, t_s))["d"].items():
            assert read.status is GOOD, (name, read)
            assert isinstance(read.value, int | float)
            assert read.value < 0
            assert agrees(read), (name, read)


PARTS = """\
points:
  coil_a:    {table: coil, at: 3, type: bool}
  coil_b:    {table: coil, at: 4, type: bool, enum: {0: shut, 1: open}}
  discrete:  {table: discrete, at: 9, type: bool}
  bit_0:     {at: 0, type: bool, bits: 0}
  bit_3:     {at: 0, type: bool, bits: 3}
  field:     {at: 0, bits: 4..7}
  codes:     {at: 0, bits: 8..9, enum: {0: off, 1: manual, 2: auto}}
  high:      {at: 1, type: uint8, byte: high}
  low:       {at: 1, type: int8, byte: low, range: [-20, -10]}
  shuffled:  {at: 2, type: uint8, byte: high, order: BADC}
  high_bit:  {at: 3, type: bool, byte: high, bits: 7}
  wide:      {at: 4, type: uint32, bits: 12..19, order: CDAB}
  apart:     {registers: [20, 12], type: uint32}
  apart_2:   {registers: [14, 30, 16], type: uint48, order: BADC}
  letters:   {registers: [40, 50], type: string}
  alarms:    {at: 60, flags: {0: hot, 7: door, 15: stop}}
  state:     {at: 61, type: int16, enum: {-1: fault, 0: off, 1: on}}
  missing:   {at: 62, type: int16, nan: [0x8000, 0x0000], unit: V, divide: 10}
  pieces:    {at: 64, type: uint16, kind: counter, rollover: 10000}
  energy:    {at: 66, type: uint32, order: CDAB, unit: Wh, as: kWh, kind: counter}
  warm:      {at: 68, type: uint16, unit: K, as: degC, divide: 10, range: [10, 30]}
  volts:     {at: 70, type: int16, unit: V, scale_from: volts_sf}
  volts_sf:  {at: 71, type: int16}
  pace:      {at: 72, type: uint16, unit: Hz, scale_from: pace_sf, nan: [0xFFFF]}
  pace_sf:   {at: 73, type: int16}
derived:
  twice:     {expr: volts * 2, unit: V}
"""


async def test_parts_of_registers_codes_flags_and_scale_factors(tmp_path: Path) -> None:
    own = plant(tmp_path, device(), own=HEAD + PARTS)
    assert own.warnings == ()
    seen: dict[str, set[Any]] = {}
    for step in range(12):
        found = (await read_back(own, 28_000_000.0 + 10 * step))["d"]
        assert len(found) == PARTS.count("at: ") + PARTS.count("registers: ")
        for name, read in found.items():
            assert read.status is GOOD, (name, read)
            assert agrees(read), (name, read)
            seen.setdefault(name, set()).add(read.value)
    assert seen["state"] == {"fault", "off", "on"}
    assert seen["codes"] == {"off", "manual", "auto"}
    assert len(seen["alarms"]) == 8
    assert {"coil_a", "bit_0", "field", "high", "wide", "apart", "pieces", "volts"} <= {
        name for name, values in seen.items() if len(values) > 1
    }
    assert all(229 * 0.9 < value < 229 * 1.1 for value in seen["volts"])


async def test_base_moves_a_device_and_units_share_the_line(tmp_path: Path) -> None:
    port = free_port()
    devices = device("a", port=port) + device("b", unit_id=2, port=port, more=", base: 1000")
    own = plant(tmp_path, devices, own=HEAD + "points:\n  power: {at: 5, type: int32, unit: W}\n")
    found = await read_back(own)
    assert found["a"]["power"].value != found["b"]["power"].value
    assert all(agrees(read["power"]) for read in found.values())


async def test_points_of_other_protocols_disturb_nothing(tmp_path: Path) -> None:
    tag = '  tag: {profile: ruuvi-df5, connect: {ble: "CB:B8:33:4C:88:4F"}}\n'
    own = plant(tmp_path, device() + tag, own=HEAD + "points:\n  power: {at: 5, type: int32, unit: W}\n")
    assert [one.name for one in played(own)] == ["d"]


def bundled() -> list[tuple[str, str]]:
    """The bundled Modbus profiles, with each of their variants."""
    found = []
    for path in sorted(PROFILES.glob("*.profile.yaml")):
        tree = parse(path.read_text("utf-8"), path.name, Report())
        assert isinstance(tree, Block)
        if tree.get("protocol", "modbus") == "modbus":
            variants = tree.get("variants")
            names = ["", *variants] if isinstance(variants, Block) else [""]
            found += [(str(tree["profile"]), str(variant)) for variant in names]
    return found


@pytest.mark.parametrize(("profile", "variant"), bundled())
async def test_every_bundled_profile_can_be_played(tmp_path: Path, profile: str, variant: str) -> None:
    chosen = f", variant: {variant}" if variant else ""
    connect = f'{{modbus: "tcp://{HOST}:{free_port()}"}}'
    own = plant(tmp_path, f"  d: {{profile: {profile}{chosen}, connect: {connect}}}\n")
    found = (await read_back(own))["d"]
    assert len(found) == len(own.devices[0].points) > 0
    for name, read in found.items():
        assert read.status.quality is Quality.GOOD, (name, read)
        assert agrees(read), (name, read)
