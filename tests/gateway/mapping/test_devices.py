"""Devices find their profile and asset, and no two are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.modbus import ADAPTER
from gateway import plant
from gateway.mapping.devices import Known, named_profiles, read
from gateway.mapping.diagnostics import Diagnostic, Report
from gateway.mapping.profiles import Profile
from gateway.mapping.spec import Asset, Device
from gateway.mapping.units import BUILT_IN
from tests.gateway.mapping.plants import FILES, Connect, block, write
from tests.gateway.mapping.plants import judged as in_plant
from tests.gateway.mapping.reading import profile

PROFILE = "profile: acme\nprotocol: field\npoints:\n  p: {at: 1, unit: V}\n  q: {at: 2, every: 1s}\n"
ASSETS = {"a/b": Asset("a/b", "B")}


def profiles() -> dict[str, Profile]:
    return {"acme": profile(PROFILE)}


def judged(
    *texts: str, known: Mapping[str, Profile] | None = None, all_profiles: bool = True, all_assets: bool = True
) -> tuple[tuple[Device, ...], tuple[Diagnostic, ...]]:
    report = Report()
    names = profiles() if known is None else known
    everything = Known(
        names,
        frozenset(names),
        ASSETS,
        all_profiles=all_profiles,
        all_assets=all_assets,
        varied=lambda name, variant: None,
        units=BUILT_IN,
    )
    devices = read([block(f"devices:\n{text}", report) for text in texts], everything, report)
    return devices, report.sorted()


def test_a_device_has_the_points_of_its_profile() -> None:
    (device,), found = judged("  m-1: {profile: acme, asset: a/b, connect: {field: bus://a, unit_id: 7}}\n")
    assert found == ()
    assert (device.name, device.identity, device.profile, device.protocol, device.line) == (
        *("m-1", "m-1", "acme", "field"),
        "bus://a",
    )
    assert device.asset == ASSETS["a/b"]
    assert device.connect == Connect.model_validate({"field": "bus://a", "unit_id": 7})
    assert [(spec.point.device, spec.point.name, spec.unit, spec.point.every_s) for spec in device.points] == [
        *[("m-1", "p", "V", 5.0), ("m-1", "q", "", 1.0)]
    ]
    assert all(spec.point.connect is device.connect for spec in device.points)


def test_an_identity_may_differ_from_the_name() -> None:
    (device,), _ = judged("  m-1: {profile: acme, identity: old-name.7, connect: {field: bus://a}}\n")
    assert (device.name, device.identity, device.asset) == ("m-1", "old-name.7", None)


def test_devices_come_in_the_order_of_the_files() -> None:
    devices, _ = judged(
        "  z: {profile: acme, connect: {field: bus://a}}\n  b: {profile: acme, connect: {field: bus://b}}\n",
        "  a: {profile: acme, connect: {field: bus://c}}\n",
    )
    assert [device.name for device in devices] == ["z", "b", "a"]


def test_a_timeout_does_not_make_another_address() -> None:
    _, found = judged(
        "  a: {profile: acme, connect: {field: bus://a, timeout: 1s}}\n"
        "  b: {profile: acme, connect: {field: bus://a, timeout: 2s}}\n"
    )
    assert [(one.code, one.line) for one in found] == [("D05", 3)]


def test_the_same_unit_on_another_line_is_another_address() -> None:
    devices, found = judged(
        "  a: {profile: acme, connect: {field: bus://a}}\n  b: {profile: acme, connect: {field: bus://b}}\n"
    )
    assert (len(devices), found) == (2, ())


def test_nothing_is_said_of_names_that_may_stand_in_a_file_that_cannot_be_read() -> None:
    text = "  a: {profile: other, asset: x/y, connect: {field: bus://a}}\n"
    assert {one.code for one in judged(text)[1]} == {"D02", "D03"}
    assert judged(text, all_profiles=False, all_assets=False)[1] == ()


def test_two_devices_want_one_identity() -> None:
    _, found = judged(
        "  a: {profile: acme, identity: x, connect: {field: bus://a}}\n"
        "  b: {profile: acme, identity: x, connect: {field: bus://b}}\n"
    )
    assert [(one.code, one.line, one.column) for one in found] == [("D09", 3, 32)]


def test_named_profiles_are_found_in_broken_devices_too() -> None:
    root = block('devices:\n  a: {profile: x, colour: red}\n  b: {}\n  c:\n  d: {profile: " y "}\n', Report())
    assert named_profiles([root, block("devices:\n", Report())]) == {"x", "y"}


def test_machines_behind_one_server_are_told_apart_by_their_nodes() -> None:
    """Where the adapter says so: two profiles at one address are two devices, one profile twice is one (D05)."""
    acme = profiles()["acme"]
    assert acme.adapter is not None
    shared = replace(acme, adapter=replace(acme.adapter, shared=True))
    known = {"acme": shared, "other": replace(shared, name="other")}
    first = "  m-1: {profile: acme, connect: {field: bus://a}}\n"
    devices, found = judged(first, "  m-2: {profile: other, connect: {field: bus://a}}\n", known=known)
    assert ([device.name for device in devices], found) == (["m-1", "m-2"], ())
    _, found = judged(first, "  m-2: {profile: acme, connect: {field: bus://a}}\n", known=known)
    assert [one.code for one in found] == ["D05"]


def modbus(tmp_path: Path, profile: str) -> list[str]:
    """What is said of a profile of Modbus, in a plant with one device."""
    device = "m-1: {profile: m, connect: {modbus: tcp://10.0.0.1}}"
    files = {
        "gateway.yaml": FILES["gateway.yaml"],
        "root.pem": "",
        "m.profile.yaml": f"schema: fieldgate/profile/v1\nprofile: m\nprotocol: modbus\n{profile}",
        "a.devices.yaml": f"schema: fieldgate/devices/v1\ndevices: {{{device}}}\n",
    }
    try:
        found = plant.read(write(tmp_path, files), {"modbus": ADAPTER}).warnings
    except plant.PlantInvalid as invalid:
        found = invalid.diagnostics
    return [f"{one.line}:{one.column} {one.code} {one.text} | {one.hint}" for one in found]


def test_a_default_that_fits_no_point_is_told_once_at_the_default(tmp_path: Path) -> None:
    points = "".join(f"  p{at}: {{at: {at}, type: uint32, order: CDAB}}\n" for at in range(0, 14, 2))
    assert modbus(tmp_path, f"defaults: {{table: coil}}\npoints:\n{points}") == [
        "4:19 B06 p0: coil holds single bits, type must be bool | write type: bool"
    ]


def test_copies_that_overlap_are_both_named_with_the_step_that_fits(tmp_path: Path) -> None:
    line = '"cell_{i}": {at: 100, table: input, type: float32, repeat: {i: 1..24, step: 1}}'
    assert modbus(tmp_path, f"points:\n  {line}\n") == [
        "5:20 B12 cell_2 (input 101..102) overlaps cell_1 (input 100..101) | check address and type of both; "
        "each takes 2 registers: where they come of a repeat, write step: 2"
    ]


def test_an_order_is_idle_only_where_the_point_says_so_itself(tmp_path: Path) -> None:
    points = "  power: {at: 0, type: float32}\n  mode: {at: 2}\n  state: {at: 3, order: CDAB}\n"
    assert modbus(tmp_path, f"defaults: {{order: CDAB}}\npoints:\n{points}") == [
        "8:25 B11 state: order CDAB has no effect on a 16-bit value | leave it out, or check the type"
    ]


def test_an_input_register_cannot_be_written(tmp_path: Path) -> None:
    assert modbus(tmp_path, "points:\n  p: {at: 0, table: input, write: {range: [0, 1]}}\n") == [
        "5:28 R15 p: nobody can write to it: input registers can only be read"
        " | leave write: out, or check where the point is read"
    ]


@pytest.mark.parametrize("name", ["zx-81", "acme-meter-2"])
def test_a_profile_that_is_not_there_may_be_in_a_file_that_was_not_read(name: str, tmp_path: Path) -> None:
    files = FILES | {"hall/a.devices.yaml": FILES["hall/a.devices.yaml"].replace("acme-meter", name)}
    _, found = in_plant(write(tmp_path, files | {f"{name}.profile.yaml.txt": "schema: fieldgate/profile/v1\n"}))
    assert {one.hint for one in found if one.code == "D02"} == {
        f"{name}.profile.yaml.txt was not read: rename it to {name}.profile.yaml"
    }


def test_an_asset_of_two_devices_has_its_mistake_told_once(tmp_path: Path) -> None:
    files = FILES | {
        "hall/a.devices.yaml": FILES["hall/a.devices.yaml"].replace(
            "meter-2:\n", "meter-2:\n    asset: acme/hall/meter-1\n"
        ),
        "plant.assets.yaml": FILES["plant.assets.yaml"].replace("name: Meter 1", "serial: {from: x}"),
    }
    _, found = in_plant(write(tmp_path, files))
    assert [(one.code, Path(one.file).name, one.line) for one in found] == [("D10", "plant.assets.yaml", 4)]
