"""What users of other gateways asked for, on a line as a whole; the parts have tests of their own."""

from __future__ import annotations

import asyncio

from adapters.modbus.plan import planned
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import HELD, line, points, reasons, unit, values

LINES = 200


def sent(request: bytes) -> str:
    """A read as the plan tells it."""
    table = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}[request[7]]
    first, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    return f"{table} {first}..{first + count - 1} ({count} {'bits' if request[7] <= 2 else 'registers'})"


async def test_37_points_are_told_as_3_requests_and_just_these_are_sent(device: Device) -> None:
    connect = Connect(modbus=device.endpoint, unit_id=1, max_gap=4)
    device.units[1].registers[3] = dict.fromkeys([*range(30), *range(100, 112)], 7)
    device.units[1].bits[1] = dict.fromkeys(range(8), True)
    addresses = [
        *(Address(at=at) for at in (*range(20), *range(24, 29))),
        *(Address(at=at, type="uint32") for at in range(100, 112, 2)),
        *(Address(at=at, type="bool", table="coil") for at in range(1, 7)),
    ]
    given = [Point("meter", connect, f"p{place}", address, 60.0) for place, address in enumerate(addresses)]
    told = planned(given)
    async with line(given) as session:
        batch = await session.read()
    assert (len(given), len(told)) == (37, 3)
    assert sorted(map(sent, device.requests)) == sorted(request.text for request in told)
    assert {len(request) for request in device.requests} == {request.sent_bytes for request in told}
    assert reasons(batch) == {""}
    assert sorted(reading.point for reading in batch.readings) == list(range(37))


async def test_half_of_the_registers_that_were_asked_for_are_no_values(device: Device) -> None:
    """Asked for 20 it gives 10, in a frame that is right in itself: which ones they are, nobody knows."""
    half = [True]

    def mangle(request: bytes, answer: bytes) -> list[bytes | float]:
        if request[6] == 2 or not half:
            return [answer]
        half.clear()
        return [answer[:4] + b"\0\x17" + answer[6:8] + b"\x14" + answer[9:29]]

    device.mangle = mangle
    given = points(device, at=range(20))
    async with line(given) as session:
        batches = [await session.read() for _ in range(4)]
    mine = [batch for batch in batches if given[batch.readings[0].point].connect.unit_id == 1]
    assert [values(batch) for batch in mine] == [[None] * 20, [HELD[1]] * 20]
    assert reasons(mine[0]) == {"wrong answer: byte count 20 instead of 40"}


async def test_polls_writes_and_a_look_at_once_take_one_connection(device: Device) -> None:
    """Many devices allow one, and turn the second one away."""
    given = points(device, at=range(3))
    poller = Poller(given)
    await poller.open()
    async with asyncio.timeout(5.0):
        polled, _, _, looked, fetched = await asyncio.gather(
            poller.read(), poller.write(1, 5), poller.write(4, 6), poller.look(), poller.fetch(2)
        )
    await poller.close()
    assert device.accepted == 1
    assert len(polled.readings) == 3
    assert [len(block.data) for block in looked] == [6, 6]
    assert fetched.value == HELD[1]
    assert (device.units[1].registers[3][1], device.units[2].registers[3][1]) == (5, 6)


async def test_two_hundred_lines_in_one_process_are_all_read() -> None:
    devices = [Device({1: unit(number)}) for number in range(LINES)]
    for one in devices:
        await one.plug()
    pollers = [Poller(points(one, [1], timeout=10.0)) for one in devices]
    async with asyncio.timeout(20.0):
        await asyncio.gather(*(poller.open() for poller in pollers))
        batches = await asyncio.gather(*(poller.read() for poller in pollers))
        await asyncio.gather(*(poller.close() for poller in pollers))
    assert [values(batch) for batch in batches] == [[number] for number in range(LINES)]
    for one in devices:
        await one.unplug()
