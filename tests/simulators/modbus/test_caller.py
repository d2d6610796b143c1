"""A device that calls its client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from simulators.modbus.caller import AGAIN_S
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from tests.simulators.modbus.frames import request
from tests.simulators.modbus.lines import HOST, free_port

LIMIT_S = 5.0
RIGHT = bytes.fromhex("03 02 002a")
Call = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def line(port: int, host: str = HOST) -> Line:
    memory = Memory([Point("a", Address(0))])
    memory.show([42])
    return Line(Endpoint("listen", host, port), {1: memory})


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[asyncio.Queue[Call]]:
    calls: asyncio.Queue[Call] = asyncio.Queue()

    async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await calls.put((reader, writer))

    server = await asyncio.start_server(called, HOST, port)
    try:
        yield calls
    finally:
        server.close()
        await asyncio.sleep(0)


async def answered(call: Call) -> bytes:
    reader, writer = call
    writer.write(request(1, 3, 0, 1))
    return (await reader.readexactly(11))[7:]


async def test_it_calls_as_soon_as_somebody_listens_and_answers() -> None:
    port = free_port()
    one = line(port, "0.0.0.0")
    await one.plug()
    await asyncio.sleep(0.01)
    assert (one.plugged, one.connections, one.address) == (True, 0, f"listen://0.0.0.0:{port}")
    async with asyncio.timeout(LIMIT_S), listening(port) as calls:
        call = await calls.get()
        assert await answered(call) == RIGHT
        assert one.connections == 1
        one.unplug()
        assert await call[0].read() == b""
        call[1].close()


async def test_it_calls_again_when_it_is_hung_up_but_not_in_a_tight_circle() -> None:
    port = free_port()
    one = line(port)
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(LIMIT_S), listening(port) as calls:
        await one.plug()
        (await calls.get())[1].close()
        began = clock()
        call = await calls.get()
        assert clock() - began >= AGAIN_S * 0.9
        assert await answered(call) == RIGHT
        assert one.connections == 1
        one.unplug()
        call[1].close()


async def test_unplugged_it_calls_nobody_and_plugged_in_again_it_does() -> None:
    port = free_port()
    one = line(port)
    async with asyncio.timeout(LIMIT_S), listening(port) as calls:
        await one.plug()
        (await calls.get())[1].close()
        one.unplug()
        await asyncio.sleep(10 * AGAIN_S)
        assert calls.empty()
        await one.plug()
        call = await calls.get()
        assert await answered(call) == RIGHT
        one.unplug()
        call[1].close()


async def test_a_device_that_keeps_no_connection_hangs_up_itself_and_calls_again() -> None:
    port = free_port()
    one = line(port)
    one.faults.idle_s = 0.05
    async with asyncio.timeout(LIMIT_S), listening(port) as calls:
        await one.plug()
        reader, writer = await calls.get()
        assert await reader.read() == b""
        writer.close()
        (await calls.get())[1].close()
        one.unplug()
