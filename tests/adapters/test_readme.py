"""The adapter that adapters/README.md shows works: it is taken out of the page and stands the battery."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from gateway.adapter import Adapter, Point, Quality
from tests.adapters import battery

PAGE = Path(__file__).parents[2] / "adapters" / "README.md"
HELD = {"SPD": "1480.5", "TMP": "-3"}


def code() -> str:
    """The Python block of the page."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


@pytest.fixture
def example(tmp_path: Path) -> ModuleType:
    path = tmp_path / "fieldgate_lines.py"
    path.write_text(code(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("fieldgate_lines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Rig:
    """A device that answers ``SPD`` with ``SPD=1480.5``."""

    wrong: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "lines": {"lines": "nowhere"},
        "timeout": {"lines": "127.0.0.1:1", "timeout": "1"},
        "baud": {"lines": "127.0.0.1:1", "baud": "9600"},
    }

    def __init__(self, example: ModuleType) -> None:
        self._example = example
        self.adapter: Adapter[Any, Any] = example.ADAPTER
        self.values = [float(text) for text in HELD.values()]
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def points(self) -> list[Point[Any, Any]]:
        connect = self._example.Connect(lines=f"127.0.0.1:{self._port}", timeout=0.5)
        return [Point("drive", connect, key.lower(), self._example.Address(key=key), 0.05) for key in HELD]

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._open.values() if task))

    def silence(self, device: str) -> None:
        raise AssertionError(f"{device} is alone on its line")

    def connections(self) -> int:
        return len(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        try:
            while line := (await reader.readline()).decode():
                key = line.strip()
                writer.write(f"{key}={HELD.get(key, '')}\n".encode())
        except OSError:
            pass
        finally:
            del self._open[writer]
            writer.close()


@pytest.fixture
async def rig(example: ModuleType) -> AsyncIterator[Rig]:
    made = Rig(example)
    await made.plug()
    yield made
    await made.unplug()


@pytest.mark.parametrize("check", battery.CHECKS_OF_ONE, ids=lambda check: check.__name__)
async def test_the_example_stands_the_battery(rig: Rig, check: battery.Check) -> None:
    await check(rig)


async def test_the_example_says_what_the_device_does_not_know(rig: Rig) -> None:
    known = rig.points[0]
    unknown = Point("drive", known.connect, "lvl", type(known.address)(key="LVL"), 0.05)
    connect = rig.adapter.connect
    assert connect is not None
    async with asyncio.timeout(battery.LIMIT_S), connect([known, unknown]) as session:
        good, bad = (await session.read()).readings
    assert good.value == 1480.5
    assert bad.value is None
    assert bad.status.quality is Quality.BAD


def test_the_example_is_as_short_as_the_page_says() -> None:
    lines = [line for line in code().splitlines() if line.strip()]
    assert len(lines) <= 45
    assert all(len(line) <= 120 for line in lines)
    assert not re.search(r"from gateway\.(?!adapter\b)", code())


def test_the_page_names_every_check_of_the_battery() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    checks = (*battery.CHECKS, *battery.WRITE_CHECKS, *battery.RECORD_CHECKS)
    assert sorted(named) == sorted(check.__name__ for check in checks)
