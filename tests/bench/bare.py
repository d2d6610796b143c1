"""The least that Modbus TCP can cost: a client on asyncio that believes everything, a server that knows one answer.

``python -m tests.bench.bare``: the server, until killed; it prints its port.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct

HEADER = 9
"""Bytes of an answer before its data: transaction, protocol, length, unit, function, byte count."""
REGISTERS = 124
BACKLOG = 1000


def request(first: int, count: int) -> bytes:
    """Function 3, unit 1; always the same transaction."""
    return struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, first, count)


class Client(asyncio.BufferedProtocol):
    """One connection, one request at a time; whatever comes is the answer.

    With a buffer of its own: else asyncio makes one of 256 KiB for each answer, which costs 1 or 20 us, depending on
    what else the process has allocated.
    """

    def __init__(self) -> None:
        self.room = memoryview(bytearray(4096))
        self.answer: asyncio.Future[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.room

    def buffer_updated(self, nbytes: int) -> None:
        if not self.answer.done():
            self.answer.set_result(bytes(self.room[:nbytes]))

    async def ask(self, asked: bytes) -> bytes:
        """The whole frame of the answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(asked)
        return await self.answer


async def connected(host: str, port: int) -> Client:
    """A client of this device."""
    _, client = await asyncio.get_running_loop().create_connection(Client, host, port)
    return client


def serve() -> None:
    """Answer every read with the same registers. No checks and no asyncio: it must not be what is measured."""
    rest = struct.pack(">HHBBB", 0, 3 + 2 * REGISTERS, 1, 3, 2 * REGISTERS)
    rest += struct.pack(f">{REGISTERS // 2}f", *(20 + place / 16 for place in range(REGISTERS // 2)))
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    print(listening.getsockname()[1], flush=True)
    lines = {listening.fileno(): listening}
    ready = select.epoll()
    ready.register(listening, select.EPOLLIN)
    while True:
        for number, _ in ready.poll():
            if lines[number] is listening:
                line, _ = listening.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                lines[line.fileno()] = line
                ready.register(line, select.EPOLLIN)
            elif asked := _heard(lines[number]):
                lines[number].sendall(b"".join(asked[at : at + 2] + rest for at in range(0, len(asked), 12)))
            else:
                lines.pop(number).close()


def _heard(line: socket.socket) -> bytes:
    """What was sent; nothing once the client has gone."""
    try:
        return line.recv(4096)
    except ConnectionResetError:
        return b""


if __name__ == "__main__":
    serve()
