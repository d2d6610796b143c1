"""A device that connects to its client, and again whenever it is hung up or nobody is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulators.modbus.server import Client

AWAY_S = 0.2
"""Until the next call where nobody was there."""
AGAIN_S = 0.02
"""Until the next call after a connection: a client that hangs up at once is not called in a tight circle."""


class Caller:
    """Calls from its making on, until it is closed."""

    def __init__(self, host: str, port: int, made: Callable[[], Client]) -> None:
        """``made``: the protocol of one connection."""
        self._where = _dialled(host), port
        self._made = made
        self._calling = asyncio.create_task(self._call())

    def close(self) -> None:
        """Call no more; an open connection is left to its protocol."""
        self._calling.cancel()

    async def _call(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, client = await loop.create_connection(self._made, *self._where)
            except OSError:
                await asyncio.sleep(AWAY_S)
                continue
            await client.gone.wait()
            await asyncio.sleep(AGAIN_S)


def _dialled(host: str) -> str:
    """A client that listens at every address of this machine is called at one of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not bound here)
