"""Modbus over UDP: a datagram for each request and each answer, from that device alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import cast

from adapters.modbus import names
from adapters.modbus.exchange import Exchange, loss
from adapters.modbus.mbap import Mbap


async def opened(host: str, port: int, counters: Counter[str], patience_s: float) -> Exchange:
    """A socket for one device; nothing is sent yet, so a device that is not there is not noticed. Raises OSError."""
    async with asyncio.timeout(patience_s):
        address, *_ = await names.addresses(host)
        _, datagrams = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(Exchange(Mbap(counters, datagrams=True), counters)), remote_addr=(address, port)
        )
    return datagrams.exchange


class _Datagrams(asyncio.DatagramProtocol):
    """What a stream tells an exchange, told by datagrams."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # It is none by its class on Python 3.11, and has what one has.
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.exchange.connection_made(self)

    def datagram_received(self, data: bytes, address: object) -> None:
        self.exchange.data_received(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, says the host."""
        self.exchange.lose(loss(exc))

    def connection_lost(self, exc: Exception | None) -> None:
        self.exchange.connection_lost(exc)

    def write(self, data: bytes) -> None:
        self._transport.sendto(data)

    def abort(self) -> None:
        self._transport.abort()
