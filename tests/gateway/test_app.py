"""Building the parts: what keeps a gateway from starting is said before anything is opened in the field."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway import app, plugins
from gateway.plant import by_line, read
from tests.gateway.cli.plant import call, example


def test_makes_the_state_directory_for_its_owner_alone(tmp_path: Path) -> None:
    app.prepare(tmp_path / "a" / "state")
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "a" / "state").iterdir()) == []


def test_names_a_state_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(app.CannotStart, match="cannot be written") as error:
        app.prepare(tmp_path / "state")
    assert "--state" in error.value.remedy


def test_devices_of_one_address_share_a_line(tmp_path: Path) -> None:
    plant = read(example(tmp_path), plugins.find().adapters)
    lines = by_line(plant)
    assert {name: [device.name for device in devices] for name, devices in lines.items()} == {
        "tcp://127.0.0.1:15020": ["meter-mcc1", "meter-hvac"]
    }


def test_names_every_device_without_certificate(tmp_path: Path) -> None:
    plant = read(example(tmp_path), plugins.find().adapters)
    with pytest.raises(app.CannotStart) as error:
        app.credentials(plant, tmp_path)
    assert error.value.reason.count("\n") == 1
    assert error.value.remedy == f"fieldgate certs issue {plant.folder}"


async def test_runs_until_it_is_told_to_stop_and_leaves_nothing_open(tmp_path: Path) -> None:
    folder = example(tmp_path)
    await asyncio.to_thread(_certificates, folder)
    plant = read(folder, plugins.find().adapters)
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(app.run(plant, plant.gateway.state, plugins.find().adapters, stop))
        while not (plant.gateway.state / "control.sock").exists():
            await asyncio.sleep(0.01)
        stop.set()
    assert not (plant.gateway.state / "control.sock").exists()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _certificates(folder: Path) -> None:
    call("certs", "create", folder)
    call("certs", "issue", folder)
    (folder / "certs").mkdir(exist_ok=True)
    (folder / "certs" / "hub-root.pem").write_text(call("certs", "export-ca", folder).stdout)
