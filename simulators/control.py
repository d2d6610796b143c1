"""Telling a running simulator what to do: JSON lines over a Unix socket, a request and its answer per line.

A request names its command: ``{"command": "away", "seconds": 20}``. The answer has ``"ok": true`` and what was asked
for, or ``"error"`` with a sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

Request: TypeAlias = Mapping[str, Any]
Command: TypeAlias = Callable[[Request], Awaitable[Mapping[str, Any] | None]]


class RequestInvalid(Exception):
    """The request cannot be carried out as it is; the text says why."""


@asynccontextmanager
async def serve(path: Path, commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Answer requests on the socket while the block runs. The socket replaces what a killed simulator left there."""
    open_now: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in one)
        open_now[writer] = task
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(line, commands)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # Gone, or a line beyond the reader's limit: there is nobody to answer.
        finally:
            del open_now[writer]
            writer.close()

    server = await asyncio.start_unix_server(converse, sock=_bound(path))
    try:
        yield
    finally:
        server.close()
        for writer in open_now:
            writer.transport.abort()
        if open_now:
            await asyncio.wait(open_now.values())
        _remove(path)


def _bound(path: Path) -> socket.socket:
    _remove(path)
    bound = socket.socket(socket.AF_UNIX)
    # A socket's path holds 108 bytes; through its folder's handle it is short, however deep it lies.
    folder = os.open(path.parent, os.O_DIRECTORY)
    try:
        bound.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    bound.setblocking(False)
    return bound


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answer(line: bytes, commands: Mapping[str, Command]) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        return {"error": f"not JSON: {error}"}
    name = request.get("command") if isinstance(request, dict) else None
    command = commands.get(name) if isinstance(name, str) else None
    if command is None:
        return {"error": f"unknown command {name!r}; there are: {', '.join(sorted(commands))}"}
    try:
        return {"ok": True, **(await command(request) or {})}
    except RequestInvalid as error:
        return {"error": str(error)}


def number(request: Request, key: str) -> float | None:
    """A number that is not negative; None where it is not given. Raises RequestInvalid."""
    value = request.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise RequestInvalid(f"{key} must be a number from 0 on, not {value!r}")
    return float(value)


def whole(request: Request, key: str) -> int | None:
    """A whole number that is not negative; None where it is not given. Raises RequestInvalid."""
    value = number(request, key)
    if value is not None and not value.is_integer():
        raise RequestInvalid(f"{key} must be a whole number, not {value}")
    return None if value is None else int(value)


def text(request: Request, key: str) -> str | None:
    """A text; None where it is not given. Raises RequestInvalid."""
    value = request.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestInvalid(f"{key} must be a text, not {value!r}")
    return value
