"""The hub's control socket, spoken to as any program would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulators import control, iothub
from tests.simulators.iothub.rig import LIMIT_S, Rig


class Teller:
    """A client of the control socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def __call__(self, command: str, **more: Any) -> dict[str, Any]:
        self._writer.write(json.dumps({"command": command} | more).encode() + b"\n")
        async with asyncio.timeout(LIMIT_S):
            answer: dict[str, Any] = json.loads(await self._reader.readline())
        return answer


@pytest.fixture
async def tell(rig: Rig, tmp_path: Path) -> AsyncIterator[Teller]:
    async with control.serve(tmp_path / "hub.sock", iothub.commands(rig.hub)):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "hub.sock")
        yield Teller(reader, writer)
        writer.close()


async def test_takes_the_hub_away_and_back(rig: Rig, tell: Teller) -> None:
    assert await tell("away", seconds=100) == {"ok": True}
    assert (await tell("stats"))["listening"] is False
    assert await tell("back") == {"ok": True}
    assert (await tell("stats"))["listening"] is True
    assert await tell("blackhole") == {"ok": True}
    assert (await tell("stats"))["state"] == "black hole"
    await tell("back")
    await rig.connect("m-1")


async def test_sets_the_faults_of_acknowledging(rig: Rig, tell: Teller) -> None:
    await tell("puback_delay", seconds=0.5)
    assert rig.hub.faults.puback_delay_s == 0.5
    await tell("puback_delay", seconds=0)
    assert rig.hub.faults.puback_delay_s == 0
    await tell("drop_puback")
    assert rig.hub.faults.pubacks_to_drop == 1
    await tell("drop_puback", count=7)
    assert rig.hub.faults.pubacks_to_drop == 7


async def test_disables_and_enables(rig: Rig, tell: Teller) -> None:
    await tell("disable", device="m-1")
    assert rig.hub.devices["m-1"] is False
    await tell("enable", device="m-1")
    assert rig.hub.devices["m-1"] is True


async def test_registers_a_device_that_connects_then(rig: Rig, tell: Teller) -> None:
    await rig.connect("press-7", b"\x20\x02\x00\x05")
    assert await tell("register", device="press-7") == {"ok": True}
    await rig.connect("press-7")
    assert (await tell("stats"))["devices"]["press-7"]["connected"] is True


async def test_a_device_that_is_known_stays_as_it_is(rig: Rig, tell: Teller) -> None:
    assert await tell("register", device="m-off") == {"ok": True}
    await rig.connect("m-off", b"\x20\x02\x00\x05")


async def test_what_is_no_device_id_is_not_registered(rig: Rig, tell: Teller) -> None:
    for text in ("", "press 7", "a/b", "x" * 129):
        assert "is no device id" in (await tell("register", device=text))["error"]
    assert "name the device" in (await tell("register"))["error"]
    assert set(rig.hub.devices) == {"m-1", "m-2", "m-off"}


async def test_stats_tell_devices_and_refusals(rig: Rig, tell: Teller) -> None:
    await rig.connect("m-off", b"\x20\x02\x00\x05")
    stats = await tell("stats")
    assert stats["refused"] == {"device is disabled": 1}
    assert stats["address"] == f"127.0.0.1:{rig.hub.port}"
    assert set(stats["devices"]) == {"m-1", "m-2", "m-off"}


async def test_what_cannot_be_done_is_said(rig: Rig, tell: Teller) -> None:
    assert (await tell("disable", device="m-9"))["error"] == "no device m-9 is registered"
    assert "name the device" in (await tell("enable"))["error"]
    assert "needs seconds" in (await tell("puback_delay"))["error"]
    rig.hub.away()
    other = await asyncio.start_server(lambda reader, writer: None, rig.settings.host, rig.hub.port)
    assert "is taken by another program" in (await tell("back"))["error"]
    other.close()
    await other.wait_closed()
    assert await tell("back") == {"ok": True}
