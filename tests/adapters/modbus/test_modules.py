"""A model that repeats until it ends (SunSpec 160): what lies behind its end is never read, published or BAD.

The blocks and what they mean are pysunspec2's (Apache-2.0, see tests/data).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.modbus.session import Poller
from adapters.modbus.settings import Address
from gateway import look, plugins
from gateway.adapter import Choosing
from gateway.lines import Lines
from gateway.mapping.totals import Totals
from gateway.plant import read
from gateway.status import Board
from gateway.vault import Vault
from tests.adapters.modbus.device import Device, Unit
from tests.adapters.modbus.lines import line, points
from tests.gateway.field import plant
from tests.gateway.upstream.fakes import MemoryBuffer

oracle = pytest.importorskip("sunspec2.device")

BLOCKS = Path(__file__).parents[2] / "data" / "sunspec_blocks.json"
MODULES = [bytes.fromhex(block["hex"]) for block in json.loads(BLOCKS.read_text()) if block["model"] == 160]
ADAPTERS = plugins.find().adapters
LIMIT_S = 10.0

PROFILE = """\
schema: fieldgate/profile/v1
profile: acme-pm1
protocol: modbus
defaults: {every: 100ms}
points:
  length: {at: 1}
  modules: {at: 8}
  module_{i}_voltage: {at: 20, repeat: {i: 1..20, step: 20}, nan: [0xFFFF], exists: "length >= 8 + 20 * {i}"}
  module_{i}_power: {at: 21, repeat: {i: 1..20, step: 20}, nan: [0xFFFF], exists: "length >= 8 + 20 * {i}"}
"""
BY_COUNT = PROFILE.replace("length >= 8 + 20 * {i}", "modules >= {i}")


def meant(data: bytes) -> dict[str, int | None]:
    """What pysunspec2 reads of the modules, raw."""
    model = oracle.Model(160, model_len=int.from_bytes(data[2:4], "big"), data=data)
    found = {}
    for number, module in enumerate(model.groups["module"], 1):
        found[f"module_{number}_voltage"] = module.points["DCV"].value
        found[f"module_{number}_power"] = module.points["DCW"].value
    return found


def inverter(data: bytes, behind: bytes = b"") -> Unit:
    """Nothing but the model is there, and what is behind it."""
    unit = Unit()
    unit.put(3, 0, data + behind)
    return unit


@asynccontextmanager
async def serving(unit: Unit) -> AsyncIterator[Device]:
    device = Device({7: unit})
    await device.plug()
    yield device
    await device.unplug()


class Running:
    """The lines of a gateway, and what went into its buffer."""

    def __init__(self, buffer: MemoryBuffer, board: Board) -> None:
        self._buffer = buffer
        self.board = board

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(stored.body) for stored in self._buffer.lanes["press-7"]]

    async def until(self, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        while not condition(self.messages()):
            await asyncio.sleep(0.01)
        return self.messages()


@asynccontextmanager
async def running(folder: Path, device: Device, profile: str) -> AsyncIterator[Running]:
    buffer, board = MemoryBuffer(), Board()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        lines = Lines(ADAPTERS, buffer, board, Vault(folder, {}), Totals(), tasks)
        await lines.apply(read(plant(folder, device.endpoint, profile), ADAPTERS))
        yield Running(buffer, board)
        await lines.stop()


def asked(device: Device) -> int:
    """The highest register that was asked for."""
    frames = [(int.from_bytes(frame[8:10], "big"), int.from_bytes(frame[10:12], "big")) for frame in device.requests]
    return max(first + count - 1 for first, count in frames)


@pytest.mark.parametrize("behind", ["illegal", "another model"])
@pytest.mark.parametrize("data", MODULES[:3], ids=lambda data: f"{(len(data) // 2 - 10) // 20} modules")
async def test_a_model_is_read_to_its_end_and_no_further(
    data: bytes, behind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    another = b"\x00\x67\x00\x32" + b"\x12\x34" * 450 if behind == "another model" else b""
    async with serving(inverter(data, another)) as device, running(tmp_path, device, PROFILE) as gateway:
        found = await gateway.until(lambda messages: len(messages) >= 5)
        counters = gateway.board.health("device", "press-7").counters
        assert asked(device) < len(data) // 2
        assert counters["bad_values"] == sum(value is None for one in found for value in one["values"].values())
    expected = meant(data)
    published: dict[str, Any] = {}
    for message in found:
        published |= message["values"]
    del published["length"], published["modules"]
    assert published == expected
    refused = [text for one in found for text in one.get("quality", {}).values() if "exception" in str(text)]
    assert refused == []
    assert not [record.message for record in caplog.records if "not read" in record.message]


async def test_a_module_that_is_added_is_read_from_then_on_and_one_that_is_taken_out_no_more(tmp_path: Path) -> None:
    data = MODULES[1]  # three of them
    unit = inverter(data)
    unit.registers[3][8] = 2
    async with serving(unit) as device, running(tmp_path, device, BY_COUNT) as gateway:
        two = await gateway.until(
            lambda messages: len(messages[-1:]) > 0 and "module_2_power" in messages[-1]["values"]
        )
        assert "module_3_power" not in two[-1]["values"]
        unit.registers[3][8] = 3
        await gateway.until(lambda messages: "module_3_power" in messages[-1]["values"])
        unit.registers[3][8] = 1
        one = await gateway.until(lambda messages: "module_2_power" not in messages[-1]["values"])
        assert "module_1_power" in one[-1]["values"]


async def test_when_the_inverter_is_silent_the_modules_it_has_are_bad_and_no_others(tmp_path: Path) -> None:
    unit = inverter(MODULES[1])
    unit.registers[3][8] = 3
    async with serving(unit) as device, running(tmp_path, device, BY_COUNT) as gateway:
        await gateway.until(lambda messages: messages != [] and "module_3_power" in messages[-1]["values"])
        device.silent.add(7)
        found = await gateway.until(lambda messages: messages[-1]["values"]["modules"] is None)
    bad = {name for name, value in found[-1]["values"].items() if value is None}
    names = {f"module_{number}_{what}" for number in (1, 2, 3) for what in ("voltage", "power")}
    assert bad == {"length", "modules"} | names


def test_a_probe_shows_the_modules_that_there_are(tmp_path: Path) -> None:
    async def probed() -> list[look.Seen]:
        async with serving(inverter(MODULES[0])) as device:
            (known,) = read(plant(tmp_path, device.endpoint, PROFILE), ADAPTERS).devices
            blocks = await asyncio.to_thread(
                lambda: asyncio.run(look.blocks([known], ADAPTERS["modbus"], Vault(tmp_path)))
            )
            assert asked(device) < len(MODULES[0]) // 2
        return look.seen(known, ADAPTERS["modbus"], blocks)

    rows = {row.name: row for row in asyncio.run(probed())}
    assert set(rows) == {"length", "modules", *meant(MODULES[0])}
    assert not any("exception" in row.status.reason for row in rows.values())


async def test_a_session_reads_all_but_what_it_is_told_to_leave() -> None:
    device = Device({1: Unit()})
    device.units[1].registers[3] = dict.fromkeys(range(40), 5)
    await device.plug()
    given = points(device, [1], at=(0, 1, 30))
    async with line(given) as session:
        assert isinstance(session, Poller)
        assert isinstance(session, Choosing)
        session.leave({1, 2})
        assert [one.point for one in (await session.read()).readings] == [0]
        session.leave({0, 1, 2})
        assert (await session.read()).readings == []
        assert (await session.fetch(2)).value == 5
        session.leave(())
        assert sorted(one.point for one in (await session.read()).readings) == [0, 1, 2]
    await device.unplug()
    assert given[0].address == Address(at=0)
