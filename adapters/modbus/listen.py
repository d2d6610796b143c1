"""Devices behind a firewall or a mobile router that connect to us: one at a time, and the newest is the right one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from adapters.modbus import names
from adapters.modbus.exchange import Exchange
from adapters.modbus.mbap import Mbap
from adapters.modbus.pdu import Ask, WrongAnswer
from adapters.modbus.tcp import tune
from gateway.adapter import LinkLost

WAIT_S = 60.0
"""For the device to call: routers try again every few seconds to a minute."""


async def opened(host: str, port: int, counters: Counter[str], patience_s: float, wait_s: float = WAIT_S) -> Listening:
    """Listen, and return when a device has connected. Raises OSError or LinkLost; nothing listens any more then."""
    listening = Listening(counters, patience_s)
    async with asyncio.timeout(patience_s):
        await listening.open(await names.addresses(host), port)
    waiting = asyncio.timeout(wait_s)
    try:
        async with waiting:
            await listening.called()
    except (OSError, asyncio.CancelledError) as error:
        await listening.close()
        if not waiting.expired():
            raise
        raise LinkLost(
            "no device has connected", f"set this host and port {port} as the server in the device"
        ) from error
    return listening


class Listening:
    """A ``wire.Wire`` whose device connects, and connects again."""

    def __init__(self, counters: Counter[str], patience_s: float) -> None:
        self.counters = counters
        self._patience_s = patience_s
        self._called = asyncio.Event()
        self._open: dict[Exchange, asyncio.Transport] = {}
        self._current: Exchange

    @property
    def broken(self) -> WrongAnswer | None:
        """See ``wire.Wire``."""
        return self._current.broken

    async def open(self, addresses: Sequence[str], port: int) -> None:
        """Take the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        # Not serving yet: a cancellation that comes just then would leave behind a port that nobody can close.
        self._server = await loop.create_server(lambda: _Call(self), addresses, port, start_serving=False)

    async def called(self) -> None:
        """Listen, and wait for the first device."""
        await self._server.start_serving()
        await self._called.wait()

    @property
    def owes_until(self) -> float:
        """See ``wire.Wire``."""
        return 0.0

    async def ask(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """See ``wire.Wire``; where the device connects anew meanwhile, this request has no answer (TimeoutError)."""
        current = self._current
        try:
            return await current.ask(unit, ask, timeout_s)
        except LinkLost:
            if current is self._current:
                raise
            raise TimeoutError from None

    async def rest(self, until: float) -> None:
        """See ``wire.Wire``."""
        while True:
            current = self._current
            try:
                return await current.rest(until)
            except LinkLost:
                if current is self._current:
                    raise

    async def close(self) -> None:
        """See ``wire.Wire``."""
        self._server.close()
        for exchange in list(self._open):
            await exchange.close()

    def made(self, transport: asyncio.Transport) -> Exchange:
        """The newest call. The one before it is hung up: a device that has lost its connection may not know yet."""
        tune(transport.get_extra_info("socket"), self._patience_s)
        exchange = Exchange(Mbap(self.counters), self.counters)
        exchange.connection_made(transport)
        for old in self._open.values():
            self.counters["replaced"] += 1
            old.abort()
        self._open[exchange] = transport
        self._current = exchange
        self._called.set()
        return exchange

    def gone(self, exchange: Exchange) -> None:
        """A call has ended."""
        del self._open[exchange]


class _Call(asyncio.Protocol):
    """One connection of a device."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server makes)
        self._exchange = self._listening.made(transport)

    def data_received(self, data: bytes) -> None:
        self._exchange.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listening.gone(self._exchange)
        self._exchange.connection_lost(exc)
