"""Answering who asks a running gateway: JSON over a Unix socket in the state directory, for its owner alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

NAME = "control.sock"
QUESTION_BYTES = 65_536
ANSWER_BYTES = 64 * 1024 * 1024
ASK_S = 5.0
RELOAD_S = 60.0
"""A question that changes something may take longer."""
OPEN_AT_ONCE = 16


Work: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Something that is done when it is asked for; it gets the whole question."""


class NotRunning(Exception):
    """No gateway answers in this state directory."""


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    """The socket's path through /proc: sun_path holds 108 bytes, a state directory's path may be longer."""
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)


@asynccontextmanager
async def serving(
    directory: Path, answers: dict[str, Callable[[], Any]], works: dict[str, Work] | None = None
) -> AsyncIterator[None]:
    """Answer questions while the block runs: one JSON line ``{"ask": name, ...}`` in, one JSON line out.

    ``works`` are questions whose answer is something that is done, and waited for.
    """
    free = asyncio.Semaphore(OPEN_AT_ONCE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with free, asyncio.timeout(RELOAD_S):
                async with asyncio.timeout(ASK_S):
                    line = await reader.readline()
                writer.write(json.dumps(await _answer(line, answers, works or {})).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):  # ValueError: a line longer than the limit
            pass
        finally:
            writer.close()

    with _short(directory) as path:
        server = await asyncio.start_unix_server(serve, path, limit=QUESTION_BYTES)
        (directory / NAME).chmod(0o600)
        try:
            yield
        finally:
            server.close()
            (directory / NAME).unlink(missing_ok=True)


async def _answer(line: bytes, answers: dict[str, Callable[[], Any]], works: dict[str, Work]) -> dict[str, Any]:
    try:
        question = json.loads(line)
        name = question["ask"]
        work = works.get(name)
        function = answers[name] if work is None else None
    except (ValueError, KeyError, TypeError):
        return {"error": f"known questions: {', '.join(sorted(answers | works))}"}
    return {"answer": await work(question) if work is not None else function() if function is not None else None}


def ask(directory: Path, name: str, limit_s: float = ASK_S, **more: Any) -> Any:
    """The running gateway's answer. Raises NotRunning when none is there, or none answers in time.

    ``more`` is what else the question says.
    """
    try:
        with _short(directory) as path, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(limit_s)
            connection.connect(path)
            connection.sendall(json.dumps({"ask": name} | more).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(ANSWER_BYTES)
        reply = json.loads(line)
    except (OSError, ValueError) as error:
        raise NotRunning(str(error)) from error
    if "error" in reply:
        raise NotRunning(str(reply["error"]))
    return reply["answer"]
