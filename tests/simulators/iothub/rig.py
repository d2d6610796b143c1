"""A hub in the test's own loop, and clients of it that are bare TLS sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulators import iothub
from tests.simulators.authority import Authority, site
from tests.simulators.iothub import packet

LIMIT_S = 5.0
PATIENCE_S = 0.2
"""How long an answer that must not come is waited for."""


class Client:
    """A TLS connection that sends bytes and tells what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send."""
        self._writer.write(data)

    async def ask(self, data: bytes, size: int) -> bytes:
        """Send, and return exactly so many bytes of the answer."""
        self.send(data)
        return await self.take(size)

    async def take(self, size: int) -> bytes:
        """The next bytes."""
        async with asyncio.timeout(LIMIT_S):
            return await self._reader.readexactly(size)

    async def ended(self) -> bytes:
        """Wait for the server to close; what it sent before."""
        async with asyncio.timeout(LIMIT_S):
            try:
                return await self._reader.read()
            except (ConnectionError, ssl.SSLError):
                return b""

    async def hears_nothing(self) -> bool:
        """Whether for a moment neither a byte nor the end comes."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        """Go without DISCONNECT."""
        self._writer.transport.abort()


class Rig:
    """A running hub with the means to reach it."""

    def __init__(self, hub: iothub.Hub, settings: iothub.Settings, folder: Path) -> None:
        self.hub = hub
        self.settings = settings
        self.folder = folder
        self._clients: list[Client] = []

    def username(self, device: str) -> str:
        """What IoT Hub documents."""
        return f"{self.settings.host}/{device}/?api-version=2021-04-12"

    def tls(self, common_name: str | None, authority: Authority | None = None, days: int = 1) -> ssl.SSLContext:
        """A client context that trusts the hub, with a certificate for this name."""
        context = ssl.create_default_context(cafile=self.settings.directory / "hub-root.pem")
        if common_name is not None:
            context.load_cert_chain(*(authority or site()).issue(self.folder, common_name, days))
        return context

    async def open(self, tls: ssl.SSLContext) -> Client:
        """A TLS connection."""
        async with asyncio.timeout(LIMIT_S):
            client = Client(*await asyncio.open_connection(self.settings.host, self.hub.port, ssl=tls))
        self._clients.append(client)
        return client

    async def connect(self, device: str, answer: bytes = b"\x20\x02\x00\x00", **options: Any) -> Client:
        """A connection that is through CONNECT, with the CONNACK that is expected."""
        client = await self.open(self.tls(device))
        assert await client.ask(packet.connect(device, self.username(device), **options), 4) == answer
        return client

    async def until(self, condition: Any) -> None:
        """Wait for something to be so at the hub."""
        async with asyncio.timeout(LIMIT_S):
            await self.hub.until(condition)

    def close(self) -> None:
        """End all clients."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def running(folder: Path, hub_folder: Path, **options: Any) -> AsyncIterator[Rig]:
    """A hub on a free port that knows the devices m-1 and m-2, and m-off, which is disabled."""
    trust = folder / "site.pem"
    trust.write_bytes(site().root)
    given: dict[str, Any] = {
        "directory": hub_folder,
        "trust": (trust,),
        "devices": {"m-1": True, "m-2": True, "m-off": False},
        "port": 0,
        "ledger": folder / "ledger.jsonl",
    }
    settings = iothub.Settings(**(given | options))
    async with iothub.serve(settings) as hub:
        rig = Rig(hub, settings, folder)
        try:
            yield rig
        finally:
            rig.close()
