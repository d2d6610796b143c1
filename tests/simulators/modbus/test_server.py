"""A server that treats its clients badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.modbus.endpoint import tcp
from simulators.modbus.faults import Wrong
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.wrong import PAUSE_S, ways
from tests.simulators.modbus.frames import asked, request
from tests.simulators.modbus.lines import plugged

HOST = "127.0.0.1"
RIGHT = bytes.fromhex("03 02 002a")


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    memory = Memory(
        [Point("a", Address(0)), Point("b", Address(1)), Point("c", Address(0, "coil", "bool"))], writable=True
    )
    memory.show([42, 43, False])
    one = Line(tcp(HOST, 0), {1: memory, 2: memory})
    async with plugged(one):
        yield one


async def test_wrong_answers_come_as_often_as_they_were_ordered() -> None:
    async with line() as one:
        one.faults.wrong[1] = Wrong("no data", ways(one.endpoint)["no data"], 2)
        frames = [request(1, 3, 0, 1), request(2, 3, 0, 1), request(1, 3, 0, 1), request(1, 3, 0, 1)]
        assert await asked(HOST, one.port, *frames) == [b"\3\0", RIGHT, b"\3\0", RIGHT]


async def test_pieces_come_with_their_pauses() -> None:
    clock = asyncio.get_running_loop().time
    async with line() as one:
        one.faults.wrong[None] = Wrong("split", ways(one.endpoint)["split"])
        began = clock()
        assert await asked(HOST, one.port, request(1, 3, 0, 1)) == [RIGHT]
        assert clock() - began >= 2 * PAUSE_S


async def test_a_delayed_answer_holds_up_no_other_unit() -> None:
    async with line() as one:
        one.faults.delays_s[1] = 0.1
        reader, writer = await asyncio.open_connection(HOST, one.port)
        async with asyncio.timeout(5):
            writer.write(request(1, 3, 0, 1, 7))
            await asyncio.sleep(0.02)
            writer.write(request(2, 3, 0, 1, 8))
            heard = [await reader.readexactly(11) for _ in range(2)]
        assert [frame[1] for frame in heard] == [8, 7]
        assert [frame[6] for frame in heard] == [2, 1]
        writer.close()


async def test_one_client_too_many_is_turned_away() -> None:
    async with line() as one:
        one.faults.connections = 1
        async with AsyncModbusTcpClient(HOST, port=one.port, reconnect_delay=0) as client, asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(HOST, one.port)
            assert await reader.read() == b""
            writer.close()
            assert (await client.read_holding_registers(0)).registers == [42]
            assert one.connections == 1


async def test_an_idle_client_is_sent_away_and_a_busy_one_is_not() -> None:
    async with line() as one:
        one.faults.idle_s = 0.1
        reader, writer = await asyncio.open_connection(HOST, one.port)
        async with asyncio.timeout(5):
            for _ in range(6):
                writer.write(request(1, 3, 0, 1))
                assert (await reader.readexactly(11))[7:] == RIGHT
                await asyncio.sleep(0.03)
            assert await reader.read() == b""
        writer.close()
        assert one.connections == 0


async def test_unplugged_while_it_speaks_it_says_no_more() -> None:
    async with line() as one:
        one.faults.delays_s[1] = 60
        reader, writer = await asyncio.open_connection(HOST, one.port)
        writer.write(request(1, 3, 0, 1))
        await asyncio.sleep(0.05)
        one.unplug()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


Write = Callable[[AsyncModbusTcpClient], Awaitable[Any]]


@pytest.mark.parametrize(
    ("write", "registers", "coil"),
    [
        (lambda client: client.write_register(0, 7), [7, 43], False),
        (lambda client: client.write_registers(0, [7, 8]), [7, 8], False),
        (lambda client: client.mask_write_register(address=0, and_mask=0xF0, or_mask=0x05), [0x25, 43], False),
        (
            lambda client: client.readwrite_registers(read_address=0, read_count=1, address=1, values=[9]),
            [42, 9],
            False,
        ),
        (lambda client: client.write_coil(0, True), [42, 43], True),
        (lambda client: client.write_coils(0, [True]), [42, 43], True),
    ],
    ids=["register", "registers", "mask", "read and write", "coil", "coils"],
)
async def test_a_foreign_client_writes(write: Write, registers: list[int], coil: bool) -> None:
    async with line() as one, AsyncModbusTcpClient(HOST, port=one.port) as client:
        answer = await write(client)
        assert not answer.isError()
        assert (await client.read_holding_registers(0, count=2)).registers == registers
        assert (await client.read_coils(0)).bits[0] is coil
