"""Connections that we open: tuned so that a peer that vanished is noticed, and given up in time."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from pathlib import Path

import pytest

from adapters.modbus import tcp
from adapters.modbus.exchange import Exchange
from adapters.modbus.listen import Listening
from adapters.modbus.mbap import Mbap
from adapters.modbus.settings import Connect
from adapters.modbus.tls import Secure
from adapters.modbus.wire import opened
from tests.adapters.modbus.authority import Authority
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.peers import Caller, Peer, Server
from tests.adapters.modbus.test_every_line import free_port


def tuned(exchange: Exchange) -> None:
    """Whether a peer that vanished without a word is noticed."""
    assert isinstance(exchange._transport, asyncio.Transport)
    raw: socket.socket = exchange._transport.get_extra_info("socket")
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000


async def test_every_connection_notices_a_peer_that_vanished(device: Device, tmp_path: Path) -> None:
    """Ours over TCP and TLS, and those of devices that call."""
    plant = Authority(tmp_path, "plant")
    issued = plant.issue("plc")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    secure = Server(Peer("tls", {}), context)
    connects = [
        Connect(modbus=device.endpoint),
        Connect(modbus=f"rtu+{device.endpoint}"),
        Connect(modbus=await secure.open(), trust=plant.root),
    ]
    for connect in connects:
        wire = await opened(connect, 1.0, Counter())
        assert isinstance(wire, Exchange)
        tuned(wire)
        await wire.close()
    await secure.close()
    caller = Caller(Peer("listen", {}), free_port())
    listening = await opened(Connect(modbus=await caller.open()), 1.0, Counter())
    assert isinstance(listening, Listening)
    tuned(listening._current)
    await caller.close()
    await listening.close()


async def test_a_peer_that_does_not_shake_hands_is_given_up_in_time(device: Device) -> None:
    counters: Counter[str] = Counter()
    with pytest.raises(OSError):  # noqa: PT011 (a TimeoutError is one)
        await tcp.opened(
            "127.0.0.1", device.port, Mbap(counters), counters, 0.1, Secure(ssl.create_default_context(), None)
        )
