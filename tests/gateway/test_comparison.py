"""What changes for whom, from one plant to another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway import look, plugins
from gateway.comparison import Difference, PointChange, compare
from gateway.model import GOOD, RawBlock
from gateway.plant import Device, Plant, read
from tests.gateway.field import PROFILE, plant

ADAPTERS = plugins.find().adapters
RAW = [RawBlock("press-7", "input 0", bytes.fromhex("08fe44be10000001"), 1)]


def values(device: Device) -> dict[str, tuple[object, object]]:
    return look.published(device, ADAPTERS["modbus"], RAW)  # type: ignore[return-value]


@pytest.fixture
def before(tmp_path: Path) -> Plant:
    return read(plant(tmp_path / "a", "tcp://127.0.0.1:1"), ADAPTERS)


def after(tmp_path: Path, old: str, new: str, file: str = "acme-pm1.profile.yaml") -> Plant:
    folder = plant(tmp_path / "b", "tcp://127.0.0.1:1")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return read(folder, ADAPTERS)


def test_the_same_plant_in_another_folder_changes_nothing(before: Plant, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert compare(before, read(tmp_path / "b", ADAPTERS)) == Difference((), (), (), 1)


def test_a_scale_that_changes_is_shown_with_the_values_of_both(before: Plant, tmp_path: Path) -> None:
    found = compare(before, after(tmp_path, "scale: 0.1", "scale: 0.01"), values)  # type: ignore[arg-type]
    [device] = found.devices
    assert device.changed == (PointChange("voltage", ("scale 1/10 → 1/100",), (230.2, GOOD), (23.02, GOOD)),)
    assert (device.added, device.removed, device.settings) == ((), (), ())


def test_a_point_whose_settings_stay_but_whose_value_changes_is_shown(before: Plant, tmp_path: Path) -> None:
    found = compare(before, after(tmp_path, "power / 1000", "power / 100"), values)  # type: ignore[arg-type]
    assert [(change.name, change.before, change.after) for change in found.devices[0].changed] == [
        ("load", (1.5205, GOOD), (15.205, GOOD))
    ]


def test_points_that_come_and_go(before: Plant, tmp_path: Path) -> None:
    [device] = compare(before, after(tmp_path, "  state: {at: 3,", "  mode: {at: 3,")).devices
    assert (device.added, device.removed, device.changed) == (("mode",), ("state",), ())


@pytest.mark.parametrize(
    ("old", "new", "settings"),
    [
        ("{at: 0, type: uint16", "{at: 9, type: uint16", ("at 0 → 9",)),
        ("type: uint16, scale: 0.1", "type: uint16, scale: 0.1, every: 5s", ("every 1s → 5s",)),
        ("scale: 0.1, unit: V", "scale: 0.1, nan: [0xFFFF], unit: V", ("nan [] → [0xffff]",)),
        ("scale: 0.1, unit: V", "scale: 0.1, unit: mV", ("unit V → mV",)),
    ],
)
def test_what_is_different_is_said_in_words(
    before: Plant, tmp_path: Path, old: str, new: str, settings: tuple[str, ...]
) -> None:
    [device] = compare(before, after(tmp_path, old, new)).devices
    assert [change.settings for change in device.changed] == [settings]


def test_bounds_of_writing_are_told_as_they_are_written(tmp_path: Path) -> None:
    profile = PROFILE.replace("table: input", "table: holding")
    old, new = [
        read(
            plant(tmp_path / name, "tcp://127.0.0.1:1", profile.replace("unit: W}", f"unit: W, write: {write}}}")),
            ADAPTERS,
        )
        for name, write in (("a", "{}"), ("b", "{range: [0, 0.1], every: 5s}"))
    ]
    [device] = compare(old, new).devices
    assert device.changed[0].settings == ("write (anything) → (lowest 0, highest 0.1, every_s 5.0)",)


def test_another_connection_is_a_change_of_the_device(before: Plant, tmp_path: Path) -> None:
    [device] = compare(before, after(tmp_path, "unit_id: 7", "unit_id: 8", "hall.devices.yaml")).devices
    assert device.settings == ("connect.unit_id 7 → 8",)
    assert device.changed == ()


def test_devices_that_come_and_go(before: Plant, tmp_path: Path) -> None:
    found = compare(before, after(tmp_path, "  press-7:", "  press-8:", "hall.devices.yaml"))
    assert (found.added, found.removed, found.devices, found.same) == (("press-8",), ("press-7",), (), 0)
