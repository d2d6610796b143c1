"""A scripted MQTT server over TLS that knows nothing of our codec: raw bytes in, raw bytes out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

ACCEPTED = b"\x20\x02\x00\x00"
PINGREQ, PINGRESP, DISCONNECT = b"\xc0\x00", b"\xd0\x00", b"\xe0\x00"


class Left(Exception):  # what happened
    """The client took its leave."""


class Visit:
    """One connection to the server, as its script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def packet(self) -> tuple[int, bytes]:
        """First byte and body of the next packet (2.2). Raises IncompleteReadError at the end."""
        first = (await self._reader.readexactly(1))[0]
        size = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first, await self._reader.readexactly(size)

    async def publish(self) -> tuple[int, str, bytes]:
        """Packet identifier, topic and payload of the next packet, which must be a PUBLISH with QoS 1. Raises Left."""
        first, body = await self.packet()
        if (first, body) == (DISCONNECT[0], b""):
            raise Left
        assert first & 0xF6 == 0x32, f"not a PUBLISH with QoS 1: {first:02x}"
        end = 2 + int.from_bytes(body[:2], "big")
        return int.from_bytes(body[end : end + 2], "big"), body[2:end].decode(), body[end + 2 :]

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def puback(self, packet_id: int) -> None:
        self.send(b"\x40\x02" + packet_id.to_bytes(2, "big"))

    async def accept(self) -> bytes:
        """Take CONNECT, answer that all is well; its body."""
        first, body = await self.packet()
        assert first == 0x10
        self.send(ACCEPTED)
        return body

    async def some(self) -> bytes:
        """The next bytes, whatever they are."""
        return await self._reader.read(65_536)

    async def gone(self) -> None:
        """Wait until the client has gone."""
        while await self._reader.read(65_536):
            pass

    def cut(self) -> None:
        """No leave taken, no TLS end: the connection is reset."""
        self.writer.transport.abort()


Script = Callable[[Visit], Awaitable[None]]


class Peer:
    """A server that listens."""

    def __init__(self, host: str, script: Script) -> None:
        self.host = host
        self.port = 0
        self.script = script
        self.visits = 0
        self.errors: list[Exception] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.visits += 1
        try:
            await self.script(Visit(reader, writer))
        except (Left, asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # The client has gone: so has its script.
        except Exception as error:
            self.errors.append(error)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in self.errors:
            raise error


@asynccontextmanager
async def serving(
    script: Script, context: ssl.SSLContext | None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Peer]:
    """A server on a free port; ``port`` of the peer says which. Errors of its script are raised at the end."""
    peer = Peer(host, script)
    server = await asyncio.start_server(
        peer.visited, host, port, ssl=context, ssl_shutdown_timeout=0.2 if context else None
    )
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.end()
