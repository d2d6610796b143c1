"""A running gateway answers its owner, within limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.status.answer import NAME, NotRunning, ask, serving


async def test_answers_what_is_asked(tmp_path: Path) -> None:
    async with serving(tmp_path, {"status": lambda: {"flows": True}}):
        assert await asyncio.to_thread(ask, tmp_path, "status") == {"flows": True}


async def test_names_the_known_questions(tmp_path: Path) -> None:
    async with serving(tmp_path, {"status": dict, "values": dict}):
        with pytest.raises(NotRunning, match="known questions: status, values"):
            await asyncio.to_thread(ask, tmp_path, "weather")


async def test_works_below_a_path_longer_than_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    async with serving(deep, {"status": lambda: 1}):
        assert await asyncio.to_thread(ask, deep, "status") == 1


async def test_is_for_the_owner_alone_and_gone_at_the_end(tmp_path: Path) -> None:
    async with serving(tmp_path, {}):
        assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / NAME).exists()


async def test_takes_the_place_of_a_socket_that_a_killed_gateway_left(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / NAME))
    async with serving(tmp_path, {"status": lambda: "new"}):
        assert await asyncio.to_thread(ask, tmp_path, "status") == "new"


def test_says_that_nobody_runs(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        ask(tmp_path, "status")
    with pytest.raises(NotRunning):
        ask(tmp_path / "missing", "status")


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"nonsense\n", b'{"ask": []}\n', b'{"ask": {}}\n'])
async def test_garbage_gets_an_answer_and_does_no_harm(tmp_path: Path, line: bytes) -> None:
    async with serving(tmp_path, {"status": lambda: 1}):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
        writer.write(line)
        async with asyncio.timeout(5):
            assert "error" in json.loads(await reader.readline())
        writer.close()
        assert await asyncio.to_thread(ask, tmp_path, "status") == 1


async def test_a_question_without_end_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, {"status": lambda: 1}):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
        writer.write(b"x" * 100_000)
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionError, AssertionError)):
                assert await reader.read() != b""
        writer.close()
        assert await asyncio.to_thread(ask, tmp_path, "status") == 1


async def test_work_that_is_asked_for_is_waited_for(tmp_path: Path) -> None:
    async def work(question: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"done": question.get("ids", [])}

    async with serving(tmp_path, {}, {"reload": work}):
        assert await asyncio.to_thread(ask, tmp_path, "reload", 5.0) == {"done": []}
        ids = [f"meter-{number}-0000beef-1" for number in range(200)]
        assert await asyncio.to_thread(lambda: ask(tmp_path, "reload", 5.0, ids=ids)) == {"done": ids}
        with pytest.raises(NotRunning, match="known questions: reload"):
            await asyncio.to_thread(ask, tmp_path, "status")
