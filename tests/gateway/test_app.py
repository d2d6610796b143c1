"""Building the parts: what keeps a gateway from starting is said before anything is opened in the field."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import app, bounds, plugins
from gateway.buffer import BufferSettings, ground
from gateway.buffer.ground import Ground
from gateway.buffer.store import DiskBuffer
from gateway.identity import credentials
from gateway.model import Priority
from gateway.plant import Buffering, Plant, by_line, read
from gateway.status import answer
from tests.gateway.cli.plant import call, example, replace


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


async def running(plant: Plant) -> tuple[asyncio.Task[None], asyncio.Event, asyncio.Event]:
    """The gateway of this plant, as soon as it answers; what stops it, and what makes it read its plant again."""
    stop, renew = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(app.run(plant, plant.gateway.state, plugins.find().adapters, stop, renew))
    while not (plant.gateway.state / "control.sock").exists():
        await asyncio.sleep(0.01)
    return task, stop, renew


async def test_stops_in_the_middle_of_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that the reload would have started must not keep it alive."""
    folder = example(tmp_path)
    await asyncio.to_thread(_certificates, folder)
    plant = read(folder, plugins.find().adapters)
    async with asyncio.timeout(10):
        task, stop, renew = await running(plant)
        begun = threading.Event()

        def slow(path: Path, adapters: Any) -> Plant:
            begun.set()
            time.sleep(0.3)
            return read(path, adapters)

        monkeypatch.setattr(app, "read", slow)
        replace(folder, "hall-a.devices.yaml", "15020", "15021")
        renew.set()
        await asyncio.to_thread(begun.wait)
        stop.set()
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def reloaded(folder: Path, old: str, new: str) -> list[dict[str, Any]]:
    """What two reloads in a row answer after a change of gateway.yaml; the buffer is asked before the gateway stops."""
    await asyncio.to_thread(_certificates, folder)
    plant = read(folder, plugins.find().adapters)
    state = plant.gateway.state
    async with asyncio.timeout(10):
        task, stop, _ = await running(plant)
        replace(folder, "gateway.yaml", old, new)
        told = [await asyncio.to_thread(answer.ask, state, "reload", 5.0) for _ in range(2)]
        told.append(await asyncio.to_thread(answer.ask, state, "buffer"))
        stop.set()
        await task
    return told


async def test_a_reload_settles_the_buffer_and_everybody_is_told_its_new_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[BufferSettings] = []

    async def settle(buffer: DiskBuffer, settings: BufferSettings) -> None:
        settled.append(settings)

    monkeypatch.setattr(DiskBuffer, "settle", settle, raising=False)
    first, second, seen = await reloaded(example(tmp_path), "quota: 2 GB", "order: live-first, quota: 77 MB")
    assert (first["ok"], first["buffer"], first["next_start"]) == (True, ["quota", "order"], [])
    assert (second["buffer"], second["next_start"]) == ([], [])
    assert [(one.quota_bytes, one.order) for one in settled] == [(77_000_000, "live-first")]
    assert (seen["quota_bytes"], seen["order"]) == (77_000_000, "live-first")


async def test_a_reload_tells_every_time_what_waits_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a buffer that cannot take other settings while it is open."""
    monkeypatch.setattr(bounds, "Settling", type("Other", (), {}))
    *both, seen = await reloaded(example(tmp_path), "quota: 2 GB", "quota: 77 MB")
    for told in both:
        assert (told["ok"], told["buffer"]) == (True, [])
        assert told["next_start"] == ["buffer: quota (the buffer that runs takes no other)"]
    assert seen["quota_bytes"] == 2_000_000_000


async def test_a_state_directory_that_moves_is_taken_at_the_next_start(tmp_path: Path) -> None:
    first, *_ = await reloaded(example(tmp_path), "state: state", "state: elsewhere")
    assert first["next_start"] == ["state"]


def test_what_stays_free_follows_from_the_disk_where_nobody_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "total_bytes", lambda folder: 8_000_000_000)
    assert app.buffer_settings(Buffering(), tmp_path) == BufferSettings(
        10_000_000_000,
        min_free_bytes=400_000_000,
        keep=dict.fromkeys(Priority),
        on_full={Priority.ALARM: "refuse", Priority.TELEMETRY: "thin", Priority.BULK: "drop-oldest"},
    )
    said = Buffering(10**9, 0, {Priority.BULK: 3600.0}, {Priority.ALARM: "refuse"}, "live-first")
    assert app.buffer_settings(said, tmp_path) == BufferSettings(
        10**9, keep={Priority.BULK: 3600.0}, on_full={Priority.ALARM: "refuse"}, order="live-first"
    )


async def test_a_doubtful_disk_is_said_once_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = example(tmp_path)
    await asyncio.to_thread(_certificates, folder)
    plant = read(folder, plugins.find().adapters)
    monkeypatch.setattr(ground, "look", lambda folder: Ground("tmpfs", 10**12, 0.05))
    async with asyncio.timeout(10):
        task, stop, _ = await running(plant)
        stop.set()
        await task
    said = [record.message for record in caplog.records if str(plant.gateway.state) in record.message]
    assert [("is memory" in one, "takes 50 ms" in one) for one in said] == [(True, False), (False, True)]


def test_a_certificate_that_is_not_valid_now_keeps_nobody_from_polling(tmp_path: Path) -> None:
    """A clock that is not set yet after a power cut: what is read then is kept, and goes up later."""
    folder = example(tmp_path)
    _certificates(folder)
    plant = read(folder, plugins.find().adapters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "datetime", type("Reset", (datetime,), {"now": classmethod(lambda cls, tz: EPOCH)}))
        found = app.credentials(plant, plant.gateway.state)
    assert list(found) == ["meter-mcc1", "meter-hvac"]


EPOCH = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
