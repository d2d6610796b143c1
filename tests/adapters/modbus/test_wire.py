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
