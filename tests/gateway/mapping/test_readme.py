"""What mappings/README.md says is so."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway import plugins
from gateway.mapping import document, point_settings
from gateway.mapping.judge import names
from gateway.mapping.units import BUILT_IN
from gateway.plant import MAPPINGS, bundled_profiles, read, summaries
from tests.gateway.mapping.plants import write

README = (MAPPINGS / "README.md").read_text(encoding="utf-8")


def plant(folder: Path) -> Path:
    """The starter plant's gateway.yaml with the files of the text."""
    blocks = re.findall(r"`my-plant/([\w./-]+)`[^\n]*\n\n```yaml\n(.*?)```", README, re.DOTALL)
    assert [name for name, _ in blocks] == ["acme-pm1.profile.yaml", "hall-a.devices.yaml", "plant.assets.yaml"]
    return write(folder, dict(blocks) | {"gateway.yaml": (MAPPINGS / "starter" / "gateway.yaml").read_text()})


def test_the_example_of_the_text_is_a_plant(tmp_path: Path) -> None:
    found = read(plant(tmp_path), plugins.find().adapters)
    (device,) = found.devices
    assert (device.identity, device.line, device.asset is not None and device.asset.serial) == (
        *("press-7", "tcp://10.20.0.15:502"),
        "00471",
    )
    assert [(spec.point.name, spec.unit, str(spec.scale), spec.nan) for spec in device.points] == [
        ("voltage", "V", "1/10", frozenset()),
        ("power", "W", "1", frozenset({0x80000000})),
        ("temperature", "degC", "1", frozenset()),
    ]


@pytest.mark.parametrize(
    "model",
    [
        document.ProfileFile,
        point_settings.PointSettings,
        point_settings.DerivedSettings,
        document.VariantSettings,
        document.UnitSettings,
        document.DeviceSettings,
        document.AssetsFile,
        document.AssetSettings,
        document.GatewayFile,
        document.UpstreamSettings,
        document.BufferSettings,
        document.KeepSettings,
        document.OnFullSettings,
    ],
)
def test_every_setting_stands_in_the_tables(model: type[BaseModel]) -> None:
    tables = README[README.index("## Settings") : README.index("## The order of bytes")]
    assert [name for name in names(model) if not re.search(rf"`{name}(:[^`]*)?`", tables)] == []


def test_the_second_example_extends_the_first_and_uses_what_the_language_has(tmp_path: Path) -> None:
    section = README[README.index("## One profile for forty devices") : README.index("## Settings")]
    profile, devices = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    files = {"acme-pm2.profile.yaml": profile, "hall-b.devices.yaml": devices}
    folder = plant(tmp_path)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = {device.name: device for device in read(folder, plugins.find().adapters).devices}
    points = {spec.point.name: spec for spec in found["press-8"].points}
    assert [name for name in points if name.startswith("cell_")] == [f"cell_{number}" for number in range(1, 24)]
    assert points["cell_2"].point.address.at == 102
    assert "temperature" not in points
    assert (points["power"].unit, points["power"].point.every_s, points["power"].point.address.order) == (
        "kW",
        5.0,
        "CDAB",
    )
    assert points["voltage"].report.deadband == (1.0, False)
    assert [spec.name for spec in found["press-8"].derived] == ["load"]


def test_every_setting_of_modbus_stands_in_the_tables() -> None:
    modbus = plugins.find().adapters["modbus"]
    models: list[type[BaseModel]] = [modbus.settings, modbus.address, modbus.profile]
    for model in models:
        assert [name for name in names(model) if f"`{name}`" not in README] == []


def test_the_list_of_units_is_complete() -> None:
    listed = README[README.index("<!-- units -->") : README.index("<!-- units end -->")]
    assert re.findall("`([^`]+)`", listed) == [unit.symbol for unit in BUILT_IN]


def test_the_orders_are_those_of_230_2() -> None:
    rows = re.findall(r"^\| ([A-D]{4}) \| `([0-9a-f ]+)` \|", README, re.MULTILINE)
    data = struct.pack(">f", 230.2)
    assert rows == [(order, bytes(data["ABCD".index(letter)] for letter in order).hex(" ")) for order, _ in rows]
    assert [order for order, _ in rows] == ["ABCD", "CDAB", "BADC", "DCBA"]


def test_the_bundled_profiles_are_listed() -> None:
    part = README[README.index("<!-- profiles -->") : README.index("<!-- profiles end -->")]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \| (.+) \| (\d+) \|$", part, re.MULTILINE)
    told = [(name, protocol, int(points)) for name, protocol, _, points in rows]
    found = summaries(bundled_profiles(), plugins.find().adapters)
    assert told == [(entry.name, entry.protocol, entry.points) for entry in found]
