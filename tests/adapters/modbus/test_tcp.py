"""Connections that we open: tuned so that a peer that vanished is noticed, and given up in time."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

import pytest

from adapters.modbus import tcp
from adapters.modbus.mbap import Mbap
from tests.adapters.modbus.device import Device


async def test_the_connection_notices_a_peer_that_vanished(device: Device) -> None:
    counters: Counter[str] = Counter()
    exchange = await tcp.opened("127.0.0.1", device.port, Mbap(counters), counters, 0.1)
    assert isinstance(exchange._transport, asyncio.Transport)
    raw: socket.socket = exchange._transport.get_extra_info("socket")
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
    await exchange.close()


async def test_a_peer_that_does_not_shake_hands_is_given_up_in_time(device: Device) -> None:
    import ssl

    counters: Counter[str] = Counter()
    with pytest.raises(OSError):  # noqa: PT011 (a TimeoutError is one)
        await tcp.opened("127.0.0.1", device.port, Mbap(counters), counters, 0.1, ssl.create_default_context())
