"""Words of the command line over the control socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from simulators import control, tell
from simulators.control import Request


def test_words_become_a_request() -> None:
    assert tell.request("refuse", ["at=0x5B00"])["at"] == 0x5B00
    assert tell.request("wrong", ["how=another unit", "unit=1", "seconds=0.5", "line=127.0.0.1:15020", "on=true"]) == {
        "command": "wrong",
        "how": "another unit",
        "unit": 1,
        "seconds": 0.5,
        "line": "127.0.0.1:15020",
        "on": True,
    }
    with pytest.raises(ValueError, match="unit is not key=value"):
        tell.request("silence", ["unit"])


async def test_it_is_answered_however_deep_the_directory_lies(tmp_path: Path) -> None:
    async def silence(request: Request) -> dict[str, object]:
        return {"unit": request["unit"]}

    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    async with control.serve(folder / "modbus.sock", {"silence": silence}):
        path = folder / "modbus.sock"
        assert await asyncio.to_thread(tell.ask, path, tell.request("silence", ["unit=3"])) == {"ok": True, "unit": 3}
        assert "unknown command" in (await asyncio.to_thread(tell.ask, path, {"command": "x"}))["error"]


def test_where_nobody_runs_it_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "hub.sock", tmp_path / "nowhere" / "hub.sock"):
        with pytest.raises(tell.NotRunning, match=r"hub.sock: no simulator answers there; start it with"):
            tell.ask(path, {"command": "stats"})
