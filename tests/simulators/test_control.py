"""The control socket: requests and answers as lines of JSON."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from simulators import control
from simulators.control import Request, RequestInvalid

LIMIT_S = 5.0


async def echo(request: Request) -> dict[str, Any]:
    return {"seconds": control.number(request, "seconds"), "count": control.whole(request, "count")}


async def fail(request: Request) -> None:
    raise RequestInvalid("it cannot be")


async def quiet(request: Request) -> None:
    control.text(request, "name")


COMMANDS: dict[str, control.Command] = {"echo": echo, "fail": fail, "quiet": quiet}


async def asked(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    async with asyncio.timeout(LIMIT_S), control.serve(path, COMMANDS):
        reader, writer = await asyncio.open_unix_connection(path)
        answers = []
        for line in lines:
            writer.write(line + b"\n")
            answers.append(json.loads(await reader.readline()))
        writer.close()
    return answers


async def test_answers_line_by_line(tmp_path: Path) -> None:
    lines = (b'{"command": "echo", "seconds": 1.5, "count": 3}', b'{"command": "echo"}', b'{"command": "quiet"}')
    assert await asked(tmp_path / "x.sock", *lines) == [
        {"ok": True, "seconds": 1.5, "count": 3},
        {"ok": True, "seconds": None, "count": None},
        {"ok": True},
    ]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"x", "not JSON: "),
        (b"[1]", "unknown command None; there are: echo, fail, quiet"),
        (b'{"command": ["echo"]}', "unknown command ['echo']"),
        (b'{"command": "nothing"}', "unknown command 'nothing'"),
        (b'{"command": "fail"}', "it cannot be"),
        (b'{"command": "echo", "seconds": "1"}', "seconds must be a number from 0 on, not '1'"),
        (b'{"command": "echo", "seconds": -1}', "seconds must be a number"),
        (b'{"command": "echo", "seconds": true}', "seconds must be a number"),
        (b'{"command": "echo", "seconds": NaN}', "seconds must be a number"),
        (b'{"command": "echo", "count": 1.5}', "count must be a whole number, not 1.5"),
        (b'{"command": "quiet", "name": 1}', "name must be a text, not 1"),
    ],
)
async def test_what_cannot_be_done_is_said_and_the_next_is_answered(tmp_path: Path, line: bytes, error: str) -> None:
    first, second = await asked(tmp_path / "x.sock", line, b'{"command": "quiet"}')
    assert list(first) == ["error"]
    assert first["error"].startswith(error)
    assert second == {"ok": True}


async def test_the_socket_of_a_killed_simulator_is_replaced_and_the_own_removed(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert await asked(path, b'{"command": "quiet"}') == [{"ok": True}]
    assert not path.exists()


async def test_a_deep_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    async with asyncio.timeout(LIMIT_S), control.serve(folder / "x.sock", COMMANDS):
        monkeypatch.chdir(folder)
        reader, writer = await asyncio.open_unix_connection("x.sock")
        writer.write(b'{"command": "quiet"}\n')
        assert json.loads(await reader.readline()) == {"ok": True}
        writer.close()


async def test_a_client_that_stays_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        async with control.serve(tmp_path / "x.sock", COMMANDS):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "x.sock")
            writer.write(b'{"command": "quiet"}\n')
            await reader.readline()
        assert await reader.read() == b""
        writer.close()
