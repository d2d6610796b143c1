"""What the README tells people to type to the simulators is understood."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators import control, iothub, modbus
from simulators.__main__ import main
from simulators.modbus.endpoint import tcp
from simulators.modbus.points import Address, Device, Point
from tests.simulators.iothub.rig import Rig

README = (Path(__file__).parents[2] / "simulators" / "README.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^python -m simulators tell run modbus (.+)$", README, re.MULTILINE)
FAULTS = {"unplug", "silence", "delay", "refuse", "wrong", "limit", "idle", "slow"}


@pytest.fixture
async def sockets(tmp_path: Path, rig: Rig) -> AsyncIterator[Path]:
    """A folder with both of them."""
    points = tuple(Point(f"p{at}", Address(at)) for at in (*range(10), 0x5B00, 0x5B01))
    devices = [Device(f"d{unit}", tcp("127.0.0.1", 0), unit, points) for unit in (1, 2)]
    async with (
        modbus.serve(modbus.Settings(devices=devices)) as meters,
        control.serve(tmp_path / "modbus.sock", modbus.commands(meters)),
        control.serve(tmp_path / "hub.sock", iothub.commands(rig.hub)),
    ):
        yield tmp_path


def test_there_is_an_example_of_every_fault() -> None:
    assert {shlex.split(words)[0] for words in TYPED} >= FAULTS


async def test_every_example_works_as_it_is_typed(sockets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in TYPED:
        told = ["tell", str(sockets), "modbus", *shlex.split(words)]
        assert await asyncio.to_thread(main, told) == 0, (words, capsys.readouterr().err)
        assert capsys.readouterr().out.startswith('{"ok": true')
