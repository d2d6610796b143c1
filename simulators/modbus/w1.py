"""The device of benchmark workload W1: many tags in contiguous holding registers, and times in the first of them.

T tags are T/2 int16 (one register each) and behind them T/2 float32 (two each, ABCD). All change together every
``period_s``. Registers 0 and 3: milliseconds since 1970 at which this block was read, low and next higher 16 bits;
register 1: low 16 bits of the milliseconds of the last change; register 2: how many reads there were that began at 0.

A bare asyncio protocol, because the simulator must not be what limits the measurement.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable

MOST_REGISTERS = 125
PHASES = 16
"""So many different pictures are made once and shown in turn."""

_HEADER = struct.Struct(">HHHBBHH")
"""Transaction, protocol, length, unit, function, first register, count (Modbus TCP guide, section 3.1)."""


def pictures(tags: int) -> list[bytes]:
    """The register contents that are shown in turn, big-endian."""
    half = tags // 2
    layout = struct.Struct(f">{half}h{tags - half}f")
    return [
        layout.pack(
            *((7 * tag + 131 * phase) % 2000 - 1000 for tag in range(half)),
            *(20 + tag + phase / PHASES for tag in range(tags - half)),
        )
        for phase in range(PHASES)
    ]


class Device:
    """What one port serves."""

    def __init__(self, shown: list[bytes], period_s: float, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._pictures = shown
        self._period_ms = max(1, round(period_s * 1000))
        self._clock_ns = clock_ns
        self._registers = len(shown[0]) // 2
        self._reads = 0

    def answer(self, request: bytes) -> bytes:
        """The answer to one whole request frame of function 3; exceptions 1, 2, 3 where the standard wants them."""
        transaction, _, _, unit, function, first, count = _HEADER.unpack(request)
        if function != 3:
            return _exception(transaction, unit, function, 1)
        if not 1 <= count <= MOST_REGISTERS:
            return _exception(transaction, unit, function, 3)
        if first + count > self._registers:
            return _exception(transaction, unit, function, 2)
        head = struct.pack(">HHHBBB", transaction, 0, 3 + 2 * count, unit, 3, 2 * count)
        return head + self._read(first, count)

    def _read(self, first: int, count: int) -> bytes:
        now_ms = self._clock_ns() // 1_000_000
        turn = now_ms // self._period_ms
        picture = self._pictures[turn % PHASES]
        if first >= 4:
            return picture[2 * first : 2 * (first + count)]
        if first == 0:
            self._reads += 1
        changed_ms = turn * self._period_ms
        stamps = struct.pack(">4H", now_ms & 0xFFFF, changed_ms & 0xFFFF, self._reads & 0xFFFF, now_ms >> 16 & 0xFFFF)
        return (stamps + picture[8:])[2 * first : 2 * (first + count)]


def _exception(transaction: int, unit: int, function: int, code: int) -> bytes:
    return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, code)


class Connection(asyncio.Protocol):
    """One client of a device; any unit id is answered. A frame that is no read request closes it."""

    def __init__(self, device: Device, open_now: set[asyncio.Transport]) -> None:
        self._device = device
        self._open_now = open_now
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it, to be closed with the device."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server gives)
        self._transport = transport
        self._open_now.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._open_now.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        data = self._rest + data
        at = 0
        while len(data) - at >= _HEADER.size:
            if data[at + 2 : at + 6] != b"\0\0\0\6":
                self._transport.abort()
                return
            self._transport.write(self._device.answer(data[at : at + _HEADER.size]))
            at += _HEADER.size
        self._rest = data[at:]
