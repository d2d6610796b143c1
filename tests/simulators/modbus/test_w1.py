"""The bench device: its registers, its times, its exceptions."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.modbus.w1 import Connection, Device, pictures
from tests.simulators.modbus.frames import asked, request

TAGS = 100
NOW_MS = 0x0001_2345_6789


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms * 1_000_000


def device(clock: Clock) -> Device:
    return Device(pictures(TAGS), 0.1, clock)


def registers(answer: bytes) -> list[int]:
    assert answer[7:9] == bytes((3, len(answer) - 9))
    return list(struct.unpack(f">{(len(answer) - 9) // 2}H", answer[9:]))


def test_a_hundred_tags_are_a_hundred_and_fifty_registers() -> None:
    one = device(Clock())
    assert len(registers(one.answer(request(1, 3, 0, 125)))) == 125
    assert len(registers(one.answer(request(1, 3, 125, 25)))) == 25
    assert one.answer(request(1, 3, 125, 26)) == bytes.fromhex("0007 0000 0003 01 83 02")


def test_the_first_registers_tell_the_times() -> None:
    clock = Clock()
    one = device(clock)
    assert registers(one.answer(request(1, 3, 0, 4))) == [0x6789, NOW_MS // 100 * 100 & 0xFFFF, 1, 0x2345]
    clock.ms += 30
    assert registers(one.answer(request(1, 3, 0, 4)))[2] == 2
    assert registers(one.answer(request(1, 3, 1, 2))) == [NOW_MS // 100 * 100 & 0xFFFF, 2]


def test_all_tags_change_together_with_the_period() -> None:
    clock = Clock()
    clock.ms = 1_000_000
    one = device(clock)
    before = registers(one.answer(request(1, 3, 4, 120)))
    clock.ms += 99
    assert registers(one.answer(request(1, 3, 4, 120))) == before
    clock.ms += 1
    after = registers(one.answer(request(1, 3, 4, 120)))
    assert all(a != b for a, b in zip(before[:46], after[:46], strict=True))


def test_floats_lie_behind_the_integers() -> None:
    one = device(Clock())
    raw = registers(one.answer(request(1, 3, 50, 100)))
    floats = struct.unpack(">50f", struct.pack(">100H", *raw))
    assert all(20 + tag <= value < 21 + tag for tag, value in enumerate(floats))


@pytest.mark.parametrize(
    ("frame", "code"),
    [(request(1, 4, 0, 1), 1), (request(1, 3, 0, 0), 3), (request(1, 3, 0, 126), 3), (request(1, 3, 150, 1), 2)],
)
def test_exceptions_of_the_standard(frame: bytes, code: int) -> None:
    assert device(Clock()).answer(frame)[8] == code


async def test_serves_pymodbus_and_pieces_of_frames() -> None:
    loop = asyncio.get_running_loop()
    open_now: set[asyncio.Transport] = set()
    one = device(Clock())
    server = await loop.create_server(lambda: Connection(one, open_now), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        assert len((await client.read_holding_registers(0, count=125)).registers) == 125
        assert len(open_now) == 1
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stream = request(1, 3, 4, 1) * 3
    async with asyncio.timeout(5):
        for byte in stream[:13]:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        writer.write(stream[13:])
        assert len(await reader.readexactly(33)) == 33
        writer.write(bytes(12))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
    writer.close()
    assert await asked("127.0.0.1", port, request(9, 3, 4, 1))
    server.close()
    await server.wait_closed()
