"""Devices on every kind of line, written from the standards: they share no code with the adapter.

A peer answers from the memory of its units, or whatever a test wants it to.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tty
from collections.abc import Callable, Iterable
from typing import cast

from tests.adapters.modbus.device import Unit

Pieces = Iterable[bytes | float]
"""Bytes to send, and pauses in seconds."""
Rogue = Callable[["Peer", int, bytes], Pieces]
"""From a peer, the unit that was asked, and the true PDU to what is sent instead."""
Send = Callable[[bytes], object]


def check(data: bytes) -> bytes:
    """The CRC by its definition, bit by bit (Serial Line V1.02, section 6.2.2)."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            odd = register & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return bytes([register & 0xFF, register >> 8])


def seal_rtu(unit: int, pdu: bytes) -> bytes:
    return bytes([unit]) + pdu + check(bytes([unit]) + pdu)


def seal_ascii(unit: int, pdu: bytes) -> bytes:
    content = bytes([unit]) + pdu
    return b":" + (content + bytes([(256 - sum(content) % 256) % 256])).hex().upper().encode() + b"\r\n"


def request_bytes(pdu: bytes) -> int | None:
    """Bytes of the PDU of a request that begins so; None while it is not known."""
    if not pdu:
        return None
    if pdu[0] in (1, 2, 3, 4, 5, 6):
        return 5
    if pdu[0] == 22:
        return 7
    if pdu[0] == 16 and len(pdu) > 5:
        return 6 + pdu[5]
    return None


class Peer:
    """One end of a line: it hears requests and answers them."""

    def __init__(self, kind: str, units: dict[int, Unit]) -> None:
        self.kind = kind
        self.framing = {"rtu": "rtu", "rtu+tcp": "rtu", "ascii": "ascii", "ascii+tcp": "ascii"}.get(kind, "mbap")
        self.units = units
        self.rogue: Rogue | None = None
        self.echoes = False
        self.requests: list[tuple[int, bytes]] = []
        self.accepted = 0
        self.shown = b""
        """The certificate that was shown to it over TLS."""
        self.transaction = b"\0\0"
        """Of the request that is answered now."""
        self._heard = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()

    def seal(self, unit: int, pdu: bytes) -> bytes:
        """The frame of this kind of line, right in itself."""
        if self.framing == "rtu":
            return seal_rtu(unit, pdu)
        if self.framing == "ascii":
            return seal_ascii(unit, pdu)
        return self.transaction + b"\0\0" + (1 + len(pdu)).to_bytes(2, "big") + bytes([unit]) + pdu

    def hear(self, data: bytes, send: Send) -> None:
        """Bytes that came in."""
        if self.echoes:
            send(data)
        self._heard += data
        while (request := self._cut()) is not None:
            self.requests.append(request)
            task = asyncio.get_running_loop().create_task(self._answer(*request, send))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _cut(self) -> tuple[int, bytes] | None:
        heard = bytes(self._heard)
        if self.framing == "ascii":
            line, found, rest = heard.partition(b"\r\n")
            if not found:
                return None
            self._heard[:] = rest
            content = bytes.fromhex(line[1:].decode())
            assert line.startswith(b":")
            assert sum(content) % 256 == 0
            return content[0], content[1:-1]
        if self.framing == "rtu":
            size = request_bytes(heard[1:])
            if size is None or len(heard) < size + 3:
                return None
            del self._heard[: size + 3]
            assert seal_rtu(heard[0], heard[1 : 1 + size]) == heard[: size + 3]
            return heard[0], heard[1 : 1 + size]
        if len(heard) < 6 or len(heard) < 6 + int.from_bytes(heard[4:6], "big"):
            return None
        end = 6 + int.from_bytes(heard[4:6], "big")
        del self._heard[:end]
        self.transaction = heard[:2]
        return heard[6], heard[7:end]

    async def _answer(self, unit: int, pdu: bytes, send: Send) -> None:
        if unit not in self.units:
            return
        first, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        true = self.units[unit].answer(pdu[0], first, count) if pdu[0] <= 4 else pdu[:5]
        pieces = [self.seal(unit, true)] if self.rogue is None else self.rogue(self, unit, true)
        for piece in pieces:
            if isinstance(piece, bytes):
                send(piece)
            else:
                await asyncio.sleep(piece)


class Pty:
    """A peer at the other end of a pair of pseudo-terminals."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._own, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._own, False)
        self.path = os.ttyname(self._theirs)

    async def open(self) -> str:
        asyncio.get_running_loop().add_reader(self._own, self._read)
        return f"{self.peer.kind}://{self.path}"

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._own)
        os.close(self._own)
        os.close(self._theirs)

    def _read(self) -> None:
        self.peer.hear(os.read(self._own, 4096), lambda data: os.write(self._own, data))


class _Stream(asyncio.Protocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer.accepted += 1
        self._peer._heard.clear()
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self._peer.shown = (tls.getpeercert(binary_form=True) if tls else None) or b""

    def data_received(self, data: bytes) -> None:
        self._peer.hear(data, self._transport.write)


class Server:
    """A peer that listens, over TLS where there is a context."""

    def __init__(self, peer: Peer, tls: ssl.SSLContext | None = None) -> None:
        self.peer = peer
        self._tls = tls

    async def open(self) -> str:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Stream(self.peer), "127.0.0.1", 0, ssl=self._tls)
        return f"{self.peer.kind}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._peer._heard.clear()
        self._peer.hear(data, lambda answer: self._transport.sendto(answer, address))


class Datagrams:
    """A peer over UDP."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def open(self) -> str:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self.peer), ("127.0.0.1", 0)
        )
        return f"udp://127.0.0.1:{self._transport.get_extra_info('sockname')[1]}"

    async def close(self) -> None:
        self._transport.close()


class Caller:
    """A peer that connects to us, and again whenever it is hung up."""

    def __init__(self, peer: Peer, port: int) -> None:
        self.peer = peer
        self._port = port

    async def open(self) -> str:
        self._task = asyncio.create_task(self._call())
        return f"listen://127.0.0.1:{self._port}"

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _call(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            self.peer.accepted += 1
            self.peer._heard.clear()
            try:
                while data := await reader.read(4096):
                    self.peer.hear(data, writer.write)
            except OSError:
                pass
            finally:
                writer.transport.abort()
