"""fieldgate watch: the running gateway's values, or the device's own where none runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.status import answer
from tests.adapters.modbus.device import Device
from tests.gateway.cli.plant import call
from tests.gateway.field import plant


@pytest.fixture
def folder(served: Device, tmp_path: Path) -> Path:
    return plant(tmp_path / "plant", served.endpoint)


def row(name: str, value: Any, reason: str = "") -> dict[str, Any]:
    quality = "bad" if value is None else "good"
    return {
        "name": name,
        "value": value,
        "unit": "V",
        "quality": quality,
        "reason": reason,
        "at": "2026-11-25T08:00:00.123Z",
    }


@contextmanager
def gateway(state: Path, values: dict[str, Any]) -> Iterator[None]:
    """Something that answers as a running gateway does, in a thread of its own."""
    import asyncio

    state.mkdir(exist_ok=True)
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with answer.serving(state, {"values": lambda: values}):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()


def test_reads_the_device_itself_where_no_gateway_runs(folder: Path) -> None:
    told = call("watch", folder, "press-7", "--count", "2", "--every", "0.2")
    assert told.exit_code == 0
    assert len(told.stdout.splitlines()) == 2
    assert told.stdout.startswith("voltage 230.2 V  power 1520.5 W  state running  energy 70000 kWh  load 1.5205 kW")
    lines = call("watch", folder, "press-7", "--count", "1", "--json").stdout.splitlines()
    assert json.loads(lines[0])["points"][0]["value"] == 230.2


def test_asks_the_running_gateway_and_leaves_the_device_alone(folder: Path, served: Device) -> None:
    with gateway(folder / "state", {"press-7": [row("voltage", 229.9), row("power", None, "timeout")]}):
        told = call("watch", folder, "press-7", "--count", "1")
    assert told.stdout == "voltage 229.9 V  power - (timeout)\n"
    assert served.accepted == 0


def test_goes_on_while_a_file_of_the_plant_is_being_edited(folder: Path) -> None:
    (folder / "acme-pm1.profile.yaml").write_text("points: [")
    with gateway(folder / "state", {"press-7": [row("voltage", 229.9)]}):
        assert call("watch", folder, "press-7", "--count", "1").exit_code == 0
    told = call("watch", folder, "press-7", "--count", "1")
    assert told.exit_code == 2  # without a gateway the profile is needed
    assert "acme-pm1.profile.yaml" in told.stderr


def test_a_device_that_is_not_loaded_yet_is_said(folder: Path) -> None:
    with gateway(folder / "state", {"press-6": []}):
        told = call("watch", folder, "press-8", "--count", "1")
    assert told.exit_code == 2
    assert 'the running gateway does not know "press-8"' in told.stderr
