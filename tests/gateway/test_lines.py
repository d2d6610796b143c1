"""Exchanging one plant for another: what does not change goes on polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway import plugins
from gateway.adapter import LinkLost, Secret, Settings
from gateway.lines import Changed, Lines, with_secrets
from gateway.mapping.totals import Totals
from gateway.model import Point
from gateway.plant import read
from gateway.record import plants, ring
from gateway.record.frames import Scan
from gateway.record.recorder import Recorder
from gateway.status import Board, State
from gateway.vault import Vault
from tests.adapters.modbus.device import Device
from tests.gateway.field import meter, plant
from tests.gateway.upstream.fakes import MemoryBuffer

ADAPTERS = plugins.find().adapters
LIMIT_S = 5.0


class House:
    """Two devices in the field, a plant that names them, and the lines of a running gateway."""

    def __init__(self, folder: Path, first: Device, second: Device, tasks: asyncio.TaskGroup) -> None:
        self.folder = plant(folder, first.endpoint)
        text = (self.folder / "hall.devices.yaml").read_text().split("devices:\n")[1]
        other = text.replace("press-7", "press-8").replace(first.endpoint, second.endpoint)
        (self.folder / "hall.devices.yaml").write_text(f"schema: fieldgate/devices/v1\ndevices:\n{text}{other}")
        self.first, self.second = first, second
        self.buffer = MemoryBuffer()
        self.board = Board()
        self.recorder = Recorder(folder / "state", self.board, free_bytes=0)
        self.lines = Lines(ADAPTERS, self.buffer, self.board, Vault(folder, {}), Totals(), tasks, self.recorder)

    async def apply(self) -> Changed:
        return await self.lines.apply(read(self.folder, ADAPTERS))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    async def flowing(self, line: str) -> None:
        await until(lambda: self.board.health("line", line).state is State.FLOWING)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    first, second = Device({7: meter()}), Device({7: meter()})
    await first.plug()
    await second.plug()
    try:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            built = House(folder, first, second, tasks)
            yield built
            await built.lines.stop()
    finally:
        await first.unplug()
        await second.unplug()


async def test_a_line_of_which_nothing_changes_keeps_its_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        changed = await here.apply()
        assert changed.started == (here.first.endpoint, here.second.endpoint)
        await here.flowing(here.first.endpoint)
        await here.flowing(here.second.endpoint)
        here.change(
            "hall.devices.yaml", f'"{here.second.endpoint}", unit_id: 7', f'"{here.second.endpoint}", unit_id: 9'
        )
        before = here.lines.pipelines
        changed = await here.apply()
        assert changed == Changed((), (), (here.second.endpoint,), (here.first.endpoint,))
        await until(lambda: here.second.accepted == 2)
        assert here.first.accepted == 1
        assert here.lines.pipelines[here.first.endpoint] is before[here.first.endpoint]


async def test_a_new_scale_holds_when_it_returns(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.apply()
        await here.flowing(here.first.endpoint)
        here.change("acme-pm1.profile.yaml", "scale: 0.1", "scale: 0.01")
        changed = await here.apply()
        assert len(changed.exchanged) == 2
        scans = here.lines.pipelines[here.first.endpoint].scans["press-7"]
        await until(lambda: any(entry.name == "voltage" for entry in scans.latest()))
        assert [entry.value for entry in scans.latest() if entry.name == "voltage"] == [23.02]


async def test_a_line_that_is_gone_is_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.apply()
        await here.flowing(here.second.endpoint)
        here.change("hall.devices.yaml", "press-8:", "press-9:")
        here.change("hall.devices.yaml", f'"{here.second.endpoint}"', f'"{here.first.endpoint}"')
        here.change(
            "hall.devices.yaml", "unit_id: 7, timeout: 200ms}\n  press-9", "unit_id: 8, timeout: 200ms}\n  press-9"
        )
        changed = await here.apply()
        assert changed == Changed((), (here.second.endpoint,), (here.first.endpoint,), ())
        await until(lambda: here.second.connections == 0)


async def test_the_same_plant_again_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.apply()
        changed = await here.apply()
        assert changed.kept == (here.first.endpoint, here.second.endpoint)
        assert not changed.started + changed.stopped + changed.exchanged


async def test_what_messages_say_of_the_asset_is_a_change_too(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.apply()
        here.change("gateway.yaml", "state: state\n", "state: state\nenrich: []\n")
        assert len((await here.apply()).exchanged) == 2


async def test_what_a_recorded_device_answers_is_kept_with_the_mapping_that_was_in_force(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.change("hall.devices.yaml", "profile: acme-pm1\n", "profile: acme-pm1\n    record: 24h\n")
        await here.apply()
        await here.flowing(here.first.endpoint)
        await here.flowing(here.second.endpoint)
        before = read(here.folder, ADAPTERS).devices[0]
        here.change("acme-pm1.profile.yaml", "scale: 0.1", "scale: 0.01")
        await here.apply()
        await until(lambda: here.board.health("line", here.first.endpoint).counters["batches"] >= 4)
        await here.recorder.write()
    folder = tmp_path / "state" / "record"
    assert ring.devices(folder) == ["press-7"]
    first, second = ring.files(folder, "press-7")
    assert plants.load(folder, first.plant, ADAPTERS).devices[0] == before
    assert plants.load(folder, second.plant, ADAPTERS).devices[0].points[0].scale * 10 == before.points[0].scale
    kept = [scan for scan in ring.scans(first, "press-7") if isinstance(scan, Scan)]
    assert (0, 1, 2) in {scan.positions for scan in kept}
    assert kept[0].blocks[0].key.startswith("input ")


class WithPassword(Settings):
    password: Secret


async def test_a_secret_that_is_missing_is_trouble_of_the_line_until_it_is_set(tmp_path: Path) -> None:
    vault = Vault(tmp_path, {})
    seen: list[str] = []

    @asynccontextmanager
    async def connect(points: list[Point[WithPassword, None]]) -> AsyncIterator[None]:
        seen.extend(point.connect.password.reveal() for point in points)
        yield

    from gateway.adapter import Adapter

    adapter = with_secrets(Adapter(WithPassword, type(None), str, connect), vault)  # type: ignore[arg-type]
    settings = WithPassword.model_validate({"password": {"secret": "filler-01"}})
    points = [Point("filler-01", settings, name, None, 1.0) for name in ("a", "b")]
    assert adapter.connect is not None
    with pytest.raises(LinkLost, match='secret "filler-01" is not set') as lost:
        adapter.connect(points)
    assert lost.value.remedy == "fieldgate secret set PLANT filler-01"
    vault.set("filler-01", "hunter2")
    async with adapter.connect(points):
        assert seen == ["hunter2", "hunter2"]
    assert "hunter2" not in repr(points)
