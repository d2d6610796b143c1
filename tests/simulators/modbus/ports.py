"""The client's end of a serial port, without any library for it."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT_S = 5.0


class Port:
    """An open serial port; ``say`` and ``hear`` are bytes as they are on the line."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def say(self, data: bytes) -> None:
        os.write(self._fd, data)

    async def hear(self, count: int, wait_s: float = LIMIT_S) -> bytes:
        """So many bytes, or fewer where they do not come in time."""
        heard = b""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while len(heard) < count and loop.time() < until:
            try:
                heard += os.read(self._fd, count - len(heard))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        return heard

    async def asked(self, request: bytes, count: int, wait_s: float = LIMIT_S) -> bytes:
        self.say(request)
        return await self.hear(count, wait_s)


@contextmanager
def opened(path: Path, baud: int = termios.B19200) -> Iterator[Port]:
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(fd)
        settings = termios.tcgetattr(fd)
        settings[4] = settings[5] = baud
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        yield Port(fd)
    finally:
        os.close(fd)
