"""A Modbus TCP device on a bare asyncio socket, written from the standard: it shares no code with the adapter.

It can be unplugged, fall silent per unit, and answer whatever a test wants it to.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

Mangle = Callable[[bytes, bytes], Iterable[bytes | float] | Awaitable[Iterable[bytes | float]]]
"""From request and true answer to what is sent instead: pieces of bytes, and pauses in seconds."""


WRITES = frozenset((5, 6, 15, 16, 22))


@dataclass
class Unit:
    """The memory of one unit id: what is not there is an illegal address (exception 2). Writes are carried out."""

    registers: dict[int, dict[int, int]] = field(default_factory=lambda: {3: {}, 4: {}})
    """By read function, then by address."""
    bits: dict[int, dict[int, bool]] = field(default_factory=lambda: {1: {}, 2: {}})
    refuses: int = 0
    """Exception code for everything, where not 0."""
    faults: dict[int, int] = field(default_factory=dict)
    """Exception codes for requests that touch an address, in every table."""
    unknown: set[int] = field(default_factory=set)
    """Functions that it does not know (exception 1)."""
    longest: int = 2000
    """Registers or bits of one read; what is longer is an illegal address, as some devices say."""

    def reply(self, pdu: bytes) -> bytes:
        """The PDU of the answer to any request."""
        function, first, count = pdu[0], int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        if function not in WRITES:
            return self.answer(function, first, count)
        memory: dict[int, int] | dict[int, bool] = self.bits[1] if function in (5, 15) else self.registers[3]
        here = range(first, first + (count if function in (15, 16) else 1))
        code = self._fault(function, here, memory)
        if code:
            return bytes([function | 0x80, code])
        if function == 5:
            self.bits[1][first] = count == 0xFF00
        elif function == 6:
            self.registers[3][first] = count
        elif function == 15:
            self.bits[1].update((at, bool(pdu[6 + place // 8] >> place % 8 & 1)) for place, at in enumerate(here))
        elif function == 16:
            self.put(3, first, pdu[6:])
        else:
            or_mask = int.from_bytes(pdu[5:7], "big")
            self.registers[3][first] = (self.registers[3][first] & count) | (or_mask & ~count & 0xFFFF)
        return pdu[:5] if function in (15, 16) else pdu

    def _fault(self, function: int, here: range, memory: dict[int, int] | dict[int, bool]) -> int:
        if self.refuses or function in self.unknown:
            return self.refuses or 1
        if len(here) > self.longest or any(at not in memory for at in here):
            return 2
        return next((self.faults[at] for at in here if at in self.faults), 0)

    def answer(self, function: int, first: int, count: int) -> bytes:
        """The PDU of the answer to a read."""
        memory: dict[int, int] | dict[int, bool] | None = self.registers.get(function, self.bits.get(function))
        if memory is None:
            return bytes([function | 0x80, self.refuses or 1])
        code = self._fault(function, range(first, first + count), memory)
        if code:
            return bytes([function | 0x80, code])
        held = [int(memory[at]) for at in range(first, first + count)]
        if function in self.bits:
            octets = [0] * math.ceil(count / 8)
            for place, bit in enumerate(held):
                octets[place // 8] |= bit << place % 8
            return bytes([function, len(octets), *octets])
        return bytes([function, 2 * count]) + b"".join(value.to_bytes(2, "big") for value in held)

    def put(self, function: int, first: int, data: bytes) -> None:
        """Lay these bytes into registers, two to each."""
        for place in range(0, len(data), 2):
            self.registers[function][first + place // 2] = int.from_bytes(data[place : place + 2], "big")


class Device:
    """A server on loopback with some units behind it."""

    def __init__(self, units: dict[int, Unit]) -> None:
        self.units = units
        self.port = 0
        self.silent: set[int] = set()
        self.mangle: Mangle | None = None
        self.requests: list[bytes] = []
        """Every request frame that came in."""
        self.accepted = 0
        """Connections so far."""
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def endpoint(self) -> str:
        """As in ``connect:``."""
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._open)

    async def plug(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Stop listening and cut every connection off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        tasks = list(self._open.values())
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset the open connections."""
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        self._open[writer] = task
        try:
            while True:
                head = await reader.readexactly(6)
                request = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
                self.requests.append(request)
                await self._answer(request, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            del self._open[writer]
            writer.close()

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        unit = request[6]
        if unit not in self.units or unit in self.silent:
            return
        pdu = self.units[unit].reply(request[7:])
        answer = request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu
        pieces: Iterable[bytes | float] = [answer]
        if self.mangle is not None:
            mangled = self.mangle(request, answer)
            pieces = await mangled if isinstance(mangled, Awaitable) else mangled
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            else:
                await asyncio.sleep(piece)
