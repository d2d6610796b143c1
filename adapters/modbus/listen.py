"""Devices behind a firewall or a mobile router that connect to us: one at a time, and the newest is the right one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from adapters.modbus import names
from adapters.modbus.exchange import Exchange
from adapters.modbus.mbap import Mbap
from adapters.modbus.pdu import Ask, WrongAnswer
from adapters.modbus.tcp import tune
from gateway.adapter import LinkLost

WAIT_S = 60.0
"""For the device to call: routers try again every few seconds to a minute."""


_NAMED_AT_MOST = 16
"""Callers that were hung up and are named in the log; a scanner of networks must not fill it."""

log = logging.getLogger("fieldgate")

_before: dict[tuple[str, int], str] = {}
"""Who called last, by what is listened on: the next connection of a line shall know."""


async def opened(
    host: str,
    port: int,
    counters: Counter[str],
    patience_s: float,
    wait_s: float = WAIT_S,
    *,
    allowed: Sequence[str] = (),
) -> Listening:
    """Listen, and return when a device has connected. Raises OSError or LinkLost; nothing listens any more then.

    ``allowed``: addresses and networks that may call; empty: all.
    """
    listening = Listening(counters, patience_s, (host, port), allowed)
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
        raise listening.uncalled() from error
    return listening


class Listening:
    """A ``wire.Wire`` whose device connects, and connects again."""

    def __init__(
        self, counters: Counter[str], patience_s: float, here: tuple[str, int], allowed: Sequence[str] = ()
    ) -> None:
        """``here``: the host and port to listen on."""
        self.counters = counters
        self._here = here
        self._allowed = [ip_network(network) for network in allowed]
        self._hung_up: list[str] = []
        self._patience_s = patience_s
        self._called = asyncio.Event()
        self._closed = False
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

    async def ask(self, unit: int, ask: Ask, timeout_s: float, *, fresh: bool = False) -> bytes:
        """See ``wire.Wire``; where the device connects anew meanwhile, this request has no answer (TimeoutError)."""
        current = self._current
        try:
            return await current.ask(unit, ask, timeout_s, fresh=fresh)
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

    def wake(self) -> None:
        """See ``wire.Wire``."""
        self._current.wake()

    async def close(self) -> None:
        """See ``wire.Wire``."""
        self._closed = True
        loop = asyncio.get_running_loop()
        for taken in self._server.sockets:
            loop.remove_reader(taken.fileno())
        for call in self._open.values():
            call.abort()
        try:
            # A server that is closed at once leaves open whom it has just accepted: they are hung up in three turns.
            for _ in range(3):
                await asyncio.sleep(0)
        finally:
            self._server.close()
        for exchange in list(self._open):
            await exchange.close()

    def uncalled(self) -> LinkLost:
        """Nobody has called who may."""
        if self._hung_up:
            who = f"only {self._hung_up[-1]} has called, which from: does not allow"
            return LinkLost(f"no device has connected; {who}", "if that is the device, add its address to from:")
        return LinkLost(
            "no device has connected", f"set this host and port {self._here[1]} as the server in the device"
        )

    def admitted(self, caller: str) -> bool:
        """Whether this address may call; what is unusual about it is logged and counted."""
        if self._closed:
            # Accepted just before.
            return False
        line = f"listen://{self._here[0]}:{self._here[1]}"
        if self._allowed and not any(ip_address(caller) in network for network in self._allowed):
            self.counters["strangers"] += 1
            if caller not in self._hung_up and len(self._hung_up) < _NAMED_AT_MOST:
                self._hung_up.append(caller)
                log.warning("%s: %s has called and was hung up: from: does not allow it", line, caller)
            return False
        before = _before.get(self._here, caller)
        if before != caller:
            self.counters["other_callers"] += 1
            # Where nobody has said who may call, this may be anybody.
            level = logging.INFO if self._allowed else logging.WARNING
            log.log(level, "%s: %s calls now, before it was %s", line, caller, before)
        _before[self._here] = caller
        return True

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
        self._exchange: Exchange | None = None
        """None: the caller was hung up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server makes)
        # Who has hung up already has no name.
        caller = transport.get_extra_info("peername")
        if caller is None or not self._listening.admitted(str(caller[0])):
            transport.abort()
            return
        self._exchange = self._listening.made(transport)

    def data_received(self, data: bytes) -> None:
        if self._exchange is not None:
            self._exchange.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._exchange is not None:
            self._listening.gone(self._exchange)
            self._exchange.connection_lost(exc)
