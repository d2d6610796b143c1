"""The connection: transactions that never repeat, and a peer that goes away, said or unsaid."""

from __future__ import annotations

import asyncio
import socket

import pytest

from adapters.modbus.session import Poller
from gateway.adapter import LinkLost
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import line, points


async def test_transactions_count_up_and_are_never_0(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.modbus.wire.secrets.randbelow", lambda limit: limit - 3)
    async with line(points(device, every_s=0.005)) as session:
        for _ in range(6):
            assert all(reading.value is not None for reading in (await session.read()).readings)
    assert [int.from_bytes(request[:2], "big") for request in device.requests[:6]] == [65534, 65535, 1, 2, 3, 4]


async def test_a_connection_that_is_closed_while_nothing_is_due_is_lost_at_once(device: Device) -> None:
    async with line(points(device, [1], every_s=60)) as session:
        await session.read()
        waiting = asyncio.create_task(session.read())
        await asyncio.sleep(0)
        device.cut()
        with pytest.raises(LinkLost, match="connection"):
            await waiting


async def test_a_connection_that_is_closed_under_a_request_is_lost(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    async with line(points(device)) as session:
        with pytest.raises(LinkLost, match="connection"):
            await session.read()


async def test_the_connection_notices_a_peer_that_vanished(device: Device) -> None:
    async with line(points(device)) as session:
        assert isinstance(session, Poller)
        raw: socket.socket = session._wire._transport.get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
