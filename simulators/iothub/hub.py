"""The hub: its devices, sessions and faults, and the port that it listens on."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from simulators import certificates, listening
from simulators.iothub.arrivals import Arrivals
from simulators.iothub.connection import Connection
from simulators.iothub.ledger import Ledger, Message
from simulators.iothub.packets import Connect

log = logging.getLogger(__name__)

BACKLOG = 1024
"""Clients that come back all at once after an outage."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a hub is set up."""

    directory: Path
    """Where its certificates lie; made where it is missing."""
    trust: tuple[Path, ...]
    """Roots of devices' certificates, PEM."""
    devices: Mapping[str, bool]
    """Enabled or not, by id."""
    host: str = "127.0.0.1"
    port: int = 8883
    """0: a free one."""
    ledger: Path | None = None
    """Where every message is written down; None: nowhere."""
    ring: int = 1000
    """How many messages of each device are kept in memory."""
    newest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    """What IoT Hub documents. With 1.3 a client learns of a refused certificate only after its handshake."""


class State(StrEnum):
    """What a client finds at the hub's port."""

    THERE = "there"
    AWAY = "away"
    """Nobody listens."""
    BLACK_HOLE = "black hole"
    """Connections come about and nothing ever answers."""


@dataclass
class Device:
    """What the hub has of one device."""

    arrivals: Arrivals
    ring: deque[Message]


@dataclass
class Faults:
    """How the hub treats acknowledgements."""

    puback_delay_s: float = 0.0
    pubacks_to_drop: int = 0


@dataclass
class Counters:
    """How often clients were turned away, by reason."""

    refused: Counter[str] = field(default_factory=Counter)
    """CONNACKs other than 0."""
    closed: Counter[str] = field(default_factory=Counter)
    """Connections that the hub closed for what the client did or failed to do."""


class Hub:
    """A running hub; see ``serve``."""

    def __init__(self, settings: Settings, tls: ssl.SSLContext, ledger: Ledger | None) -> None:
        self._settings = settings
        self._tls = tls
        self._ledger = ledger
        self._listener: asyncio.Server | None = None
        self._return: asyncio.Task[None] | None = None
        self._open: set[Connection] = set()
        self._connected: dict[str, Connection] = {}
        self._sessions: dict[str, set[str]] = {}
        self._known: dict[str, Device] = {}
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._unheard: list[asyncio.Transport] = []
        self.state = State.AWAY
        self.port = settings.port
        self.devices = dict(settings.devices)
        self.names = {"localhost", "127.0.0.1", settings.host.lower()}
        self.faults = Faults()
        self.counters = Counters()

    # What a test or the control socket tells it.

    async def back(self) -> None:
        """Listen as a hub does. Raises CannotListen; a hub that is there stays as it is."""
        if self.state is State.THERE:
            return
        self._shut()
        await self._listen(lambda: Connection(self), self._tls)
        self.state = State.THERE

    def away(self, seconds: float | None = None) -> None:
        """Close listener and connections; come back by itself after ``seconds``."""
        self._shut()
        if seconds is not None:
            self._return = asyncio.create_task(self._back_after(seconds))

    async def black_hole(self, seconds: float | None = None) -> None:
        """Answer nothing any more, neither to who is connected nor to who comes. Raises CannotListen."""
        silent = list(self._open) if self.state is State.THERE else []
        self._shut(spare=True)
        for connection in silent:
            connection.hang()
        await self._listen(lambda: _Unheard(self._unheard), None)
        self.state = State.BLACK_HOLE
        if seconds is not None:
            self._return = asyncio.create_task(self._back_after(seconds))

    def register(self, device: str) -> None:
        """Let a device in from now on that was not known. One that is known stays as it is."""
        self.devices.setdefault(device, True)

    def disable(self, device: str) -> None:
        """Refuse a device from now on, and close its connection. Raises KeyError for one that is not registered."""
        self._enable(device, enabled=False)
        if device in self._connected:
            self._connected[device].abort()

    def enable(self, device: str) -> None:
        """Let a device in. Raises KeyError for one that is not registered."""
        self._enable(device, enabled=True)

    def _enable(self, device: str, *, enabled: bool) -> None:
        if device not in self.devices:
            raise KeyError(device)
        self.devices[device] = enabled

    # What one can see of it.

    def connected(self) -> set[str]:
        """Devices with an open connection."""
        return set(self._connected)

    def is_quiet(self) -> bool:
        """Whether no connection is open."""
        return not self._open

    def received(self, device: str) -> list[Message]:
        """The last messages of a device, oldest first."""
        return list(self._known[device].ring) if device in self._known else []

    def arrivals(self, device: str) -> Arrivals:
        """The counts of a device."""
        return self._device(device).arrivals

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at whenever messages, clients or counters change."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        await future

    def stats(self) -> dict[str, Any]:
        """All of it, as the control socket tells it."""
        return {
            "listening": self.state is State.THERE,
            "state": self.state.value,
            "address": f"{self._settings.host}:{self.port}",
            "refused": dict(self.counters.refused),
            "closed": dict(self.counters.closed),
            "devices": {device: self._stats(device) for device in self.devices},
        }

    def _stats(self, device: str) -> dict[str, Any]:
        arrivals = self.arrivals(device)
        return {
            "enabled": self.devices[device],
            "connected": device in self._connected,
            "messages": arrivals.messages,
            "bytes": arrivals.bytes,
            "unique": arrivals.messages - arrivals.duplicates,
            "duplicates": arrivals.duplicates,
            "out_of_order": arrivals.out_of_order,
            "missing": arrivals.missing,
            "last_message_id": arrivals.last_message_id,
        }

    # What its connections tell it.

    def opened(self, connection: Connection) -> None:
        """A TLS handshake is through."""
        self._open.add(connection)
        if self.state is not State.THERE:  # It was under way when the hub went away.
            connection.abort()

    def admitted(self, connection: Connection, connect: Connect) -> tuple[set[str], bool]:
        """Let a device in, close the connection that it had; its subscriptions, and whether a session was kept."""
        device = connect.client_id
        before = self._connected.get(device)
        self._connected[device] = connection
        if before is not None:
            self.count_closed("another connection of the same device")
            before.abort()
        kept = self._sessions.pop(device, None)
        if connect.clean_session:
            kept = None
        subscriptions = kept if kept is not None else set()
        if not connect.clean_session:
            self._sessions[device] = subscriptions
        self._notify()
        return subscriptions, kept is not None

    def closed(self, connection: Connection) -> None:
        """A connection has ended."""
        self._open.discard(connection)
        device = connection.device
        if device is not None and self._connected.get(device) is connection:
            del self._connected[device]
        self._notify()

    def count_refused(self, reason: str) -> None:
        """A CONNACK other than 0 was sent."""
        self.counters.refused[reason] += 1
        self._notify()

    def count_closed(self, reason: str) -> None:
        """A connection is closed for what the client did."""
        self.counters.closed[reason] += 1
        self._notify()

    def record(self, messages: Sequence[Message]) -> bool:
        """Keep messages of one device; False where they could not be written down, and then they are not kept."""
        if self._ledger is not None:
            try:
                self._ledger.write(messages)
            except OSError as error:
                log.error("the ledger cannot be written (%s): messages are not acknowledged", error.strerror)  # noqa: TRY400
                return False
        device = self._device(messages[0].device)
        for message in messages:
            device.arrivals.add(message.system.get("message-id"), len(message.body))
        device.ring.extend(messages)
        self._notify()
        return True

    def acknowledge(self, connection: Connection, packet_ids: Sequence[int]) -> None:
        """Send PUBACKs, as far as no fault stands against it."""
        dropped = min(self.faults.pubacks_to_drop, len(packet_ids))
        self.faults.pubacks_to_drop -= dropped
        packet_ids = packet_ids[dropped:]
        if self.faults.puback_delay_s:
            asyncio.get_running_loop().call_later(self.faults.puback_delay_s, connection.acknowledge, packet_ids)
        elif packet_ids:
            connection.acknowledge(packet_ids)

    def _device(self, name: str) -> Device:
        device = self._known.get(name)
        if device is None:
            device = self._known[name] = Device(Arrivals(name), deque(maxlen=self._settings.ring))
        return device

    def _notify(self) -> None:
        for entry in list(self._waiting):
            condition, future = entry
            if future.done() or condition():
                self._waiting.remove(entry)
                if not future.done():
                    future.set_result(None)

    # The port.

    async def _listen(self, protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None) -> None:
        bound = listening.on(self._settings.host, self.port, "choose another port for the hub (--port)")
        self.port = bound.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(protocol, sock=bound, ssl=tls, backlog=BACKLOG)

    def _shut(self, *, spare: bool = False) -> None:
        """Close the listener and, unless they are spared, all connections."""
        self.state = State.AWAY
        if self._return is not None and self._return is not asyncio.current_task():
            self._return.cancel()
        self._return = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if spare:
            return
        for connection in list(self._open):
            connection.abort()
        for transport in self._unheard:
            transport.abort()
        self._unheard.clear()

    async def _back_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self.back()
        except listening.CannotListen as error:
            log.error("the hub stays away: %s", error)  # noqa: TRY400


class _Unheard(asyncio.Protocol):
    """A connection in the black hole."""

    def __init__(self, open_now: list[asyncio.Transport]) -> None:
        self._open_now = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (what create_server gives)
        transport.pause_reading()
        self._open_now.append(transport)


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Hub]:
    """A hub that listens while the block runs. Raises CannotListen, TrustInvalid, OSError."""
    names = dict.fromkeys(("localhost", "127.0.0.1", settings.host))
    files = certificates.prepare(settings.directory, names)
    tls = certificates.context(files.certificate, files.key, settings.trust, settings.newest_tls)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(settings.ledger)) if settings.ledger else None
        hub = Hub(settings, tls, ledger)
        await hub.back()
        try:
            yield hub
        finally:
            hub.away()
            await hub.until(hub.is_quiet)  # A connection that ends may have a will to write down.
