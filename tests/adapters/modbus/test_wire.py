"""Each kind of endpoint is opened as what it is; transactions never repeat; a peer that goes away is noticed."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.wire import Wire, opened
from gateway.adapter import LinkLost
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import unit
from tests.adapters.modbus.peers import Peer, Server

READ = pdu.read(3, 0, 1)


async def to(device: Device) -> Wire:
    return await opened(Connect(modbus=device.endpoint), 1.0, Counter())


async def test_transactions_count_up_and_are_never_0(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.modbus.mbap.secrets.randbelow", lambda limit: limit - 3)
    wire = await to(device)
    for _ in range(6):
        await wire.ask(1, READ, 1.0)
    await wire.close()
    assert [int.from_bytes(request[:2], "big") for request in device.requests] == [65534, 65535, 1, 2, 3, 4]


async def test_a_connection_that_is_closed_while_it_rests_is_lost_at_once(device: Device) -> None:
    wire = await to(device)
    await wire.ask(1, READ, 1.0)
    resting = asyncio.create_task(wire.rest(asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    device.cut()
    with pytest.raises(LinkLost, match="connection"):
        await resting
    await wire.close()


async def test_a_connection_that_is_closed_under_a_request_is_lost(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    wire = await to(device)
    with pytest.raises(LinkLost, match="connection"):
        await wire.ask(1, READ, 1.0)
    await wire.close()


async def test_nobody_listens(device: Device) -> None:
    await device.unplug()
    with pytest.raises(ConnectionRefusedError):
        await to(device)


@pytest.mark.parametrize("kind", ["rtu+tcp", "ascii+tcp"])
async def test_a_late_answer_to_an_earlier_connection_is_not_believed_on_the_next(kind: str) -> None:
    """The box in front of a serial line gives it to whoever is connected then."""
    timeout_s = 0.1
    server = Server(Peer(kind, {1: unit(1111)}))
    connect = Connect(modbus=await server.open(), timeout=timeout_s)
    server.peer.rogue = lambda peer, unit, true: []
    wire = await opened(connect, 1.0, Counter())
    with pytest.raises(TimeoutError):
        await wire.ask(1, READ, timeout_s)
    await wire.close()
    server.peer.rogue = None
    began = asyncio.get_running_loop().time()
    wire = await opened(connect, 1.0, Counter())
    assert await wire.ask(1, pdu.read(3, 7, 1), timeout_s) == (1111).to_bytes(2, "big")
    assert asyncio.get_running_loop().time() - began > timeout_s
    await wire.close()
    await server.close()
