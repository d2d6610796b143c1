"""A simulated line of any kind, and how the adapter's settings name it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from simulators.modbus.endpoint import Endpoint, Kind
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.tls import Tls

HOST = "127.0.0.1"


class Played(NamedTuple):
    """A line that is plugged in."""

    line: Line
    connect: dict[str, str]
    """Settings of a device, as a devices file has them."""


def free_port() -> int:
    """One that the host gives to nobody else meanwhile, as it would one of its own choice."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as trial:
            if trial.connect_ex((HOST, port)):
                return port


@asynccontextmanager
async def plugged(line: Line) -> AsyncIterator[None]:
    """Devices are on the line while the block runs."""
    await line.plug()
    try:
        yield
    finally:
        line.unplug()
        await asyncio.sleep(0)


@asynccontextmanager
async def playing(kind: Kind, folder: Path, tls: Tls, memories: Mapping[int, Memory]) -> AsyncIterator[Played]:
    """These units on a line of this kind."""
    serial = kind in ("rtu", "ascii")
    where = Endpoint(kind, path=str(folder / "bus")) if serial else Endpoint(kind, HOST)
    if kind == "listen":
        where = where._replace(port=free_port())
    line = Line(where, memories, secure=tls.context([HOST]) if kind == "tls" else None)
    async with plugged(line):
        # Folders of tests have brackets in their names, which no endpoint may have.
        place = str((folder / "bus").resolve()) if serial else f"{HOST}:{line.port}"
        yield Played(line, {"modbus": f"{kind}://{place}"} | ({"trust": str(tls.root)} if kind == "tls" else {}))
