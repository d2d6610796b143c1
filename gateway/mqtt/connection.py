"""The client side of one MQTT 3.1.1 connection over TLS.

Errors::

    OSError            the connection did not come about: no address, nobody listens, TLS fails (``ssl.SSLError``)
    ConnectionLost     it did, and is gone; or it took too long
    Refused            the server answered CONNECT with a return code other than 0
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import NoReturn, cast

from gateway.mqtt import tls_buffer
from gateway.mqtt.dial import dial
from gateway.mqtt.packets import (
    REFUSALS,
    Connack,
    Connect,
    Disconnect,
    MalformedPacket,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    encode,
)
from gateway.mqtt.reader import Reader
from gateway.mqtt.silence import Silence
from gateway.mqtt.window import UnknownAcknowledgement, Window

CLOSE_S = 0.5
"""How long the other side gets to take its leave."""
INBOX = 16
"""Inbound messages that wait for ``receive``. IoT Hub sends few and small ones: this bounds the memory."""
MAX_INBOUND = 300_000
"""Largest packet taken in, bytes: a message of IoT Hub has at most 256 KB."""


class ConnectionLost(Exception):
    """The connection is gone. ``__cause__`` is the error of the transport, where there was one."""

    def __init__(self, reason: str, acknowledged: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.acknowledged = acknowledged
        """Messages of the ``publish_all`` under way, counted from its first, whose PUBACK had come."""


class Refused(Exception):
    """The server does not take this client (table 3.1)."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.words = REFUSALS.get(code, f"return code {code}")
        super().__init__(self.words)


@asynccontextmanager
async def connect(
    host: str,
    port: int,
    *,
    ssl: SSLContext,
    client_id: str,
    username: str | None = None,
    keepalive_s: int = 240,
    clean_session: bool = False,
    timeout_s: float = 30.0,
    publish_timeout_s: float = 30.0,
    window: int = 20,
) -> AsyncIterator[Connection]:
    """Open a connection; it is closed, within a second, when the ``async with`` ends.

    ``timeout_s`` is for all of name, TCP, TLS and CONNACK. Raises OSError, ConnectionLost or Refused.
    """
    tls_buffer.shrink()
    loop = asyncio.get_running_loop()
    connection = Connection(Silence(keepalive_s, publish_timeout_s, loop.time()), Window(window))
    step = "no TCP connection"
    try:
        async with asyncio.timeout(timeout_s):
            socket = await dial(host, port)
            step = "no end of the TLS handshake"
            await loop.create_connection(
                lambda: connection,
                sock=socket,
                ssl=ssl,
                server_hostname=host,
                ssl_handshake_timeout=timeout_s,
                ssl_shutdown_timeout=CLOSE_S,
            )
            step = "no answer to CONNECT"
            await connection.open(Connect(client_id, clean_session, keepalive_s, username))
    except TimeoutError as error:
        await connection.close()
        raise ConnectionLost(f"{step} within {timeout_s:g} s") from error
    except BaseException:
        await connection.close()
        raise
    try:
        yield connection
    finally:
        await connection.close()


class Connection(asyncio.Protocol):
    """An open connection. The methods of ``asyncio.Protocol`` are called by the event loop alone."""

    def __init__(self, silence: Silence, window: Window) -> None:
        self._silence = silence
        self._window = window
        self._reader = Reader(MAX_INBOUND)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        self._connack: Connack | None = None
        self._answered = asyncio.Event()
        self._published: asyncio.Future[None] | None = None
        self._inbox: deque[Publish] = deque()
        self._arrived = asyncio.Event()
        self._gone = asyncio.Event()
        self._reason = ""
        self._cause: Exception | None = None
        self.not_taken = 0
        """Inbound messages that found the inbox full. They are not acknowledged: with QoS 1 they come again."""

    @property
    def session_present(self) -> bool:
        """The server still knew this client: its subscriptions hold (3.2.2.2)."""
        return self._connack is not None and self._connack.session_present

    async def open(self, packet: Connect) -> None:
        """Send CONNECT and wait for the answer. Raises ConnectionLost or Refused."""
        self._write(encode(packet))
        self._look()
        await self._answered.wait()
        if self._connack is None:
            raise self._loss()
        if self._connack.code:
            raise Refused(self._connack.code)

    async def publish(self, topic: str, payload: bytes) -> None:
        """Send one message with QoS 1; return when its PUBACK has come. Raises ConnectionLost or MalformedPacket."""
        await self.publish_all([(topic, payload)])

    async def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages (topic, payload) with QoS 1, in order; return when the last PUBACK has come.

        At most ``window`` are on their way at a time. All of them are held in memory until then, so the caller bounds
        their bytes. Cancelling it gives the connection up: the answers to come could not be told apart any more.
        Raises ConnectionLost with what was acknowledged, or MalformedPacket and gives the connection up.
        """
        async with self._turn:
            if self._reason:
                raise self._loss()
            self._window.load(messages)
            self._published = published = self._loop.create_future()
            try:
                self._advance(published)
                self._look_within_timeout()
                await published
            except BaseException:
                self._lose("a publish was given up")
                raise
            finally:
                self._published = None
            if not self._window.finished:
                raise self._loss(self._window.acknowledged)

    async def receive(self) -> Publish:
        """Wait for the next inbound message. To be told to ``acknowledge`` when it is safe. Raises ConnectionLost."""
        while not self._inbox:
            if self._reason:
                raise self._loss()
            self._arrived.clear()
            await self._arrived.wait()
        return self._inbox.popleft()

    def acknowledge(self, message: Publish) -> None:
        """Tell the server that an inbound message is safe here; one with QoS 0 needs no word."""
        if message.qos and not self._reason:
            self._write(encode(Puback(message.packet_id)))

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone. Raises ConnectionLost."""
        await self._gone.wait()
        raise self._loss()

    async def close(self) -> None:
        """Take leave and close, in at most ``CLOSE_S``; then cut."""
        transport = self._transport
        if transport is None:
            return
        if not self._reason:
            if self._connack is not None and self._connack.code == 0:
                self._write(encode(Disconnect()))
            transport.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._gone.wait()
        except TimeoutError:
            pass  # The other side does not take leave: it is cut off.
        finally:
            self._lose("closed here")
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS stands."""
        self._transport = cast(asyncio.Transport, transport)  # What the loop gives to a stream protocol.

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._lose("connection lost" if exc else "the other side closed the connection", exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._silence.received(self._loop.time())
        before = self._window.acknowledged
        try:
            self._reader.feed(data)
            while not self._reason and (packet := self._reader.next_packet()) is not None:
                self._take(packet)
        except (MalformedPacket, UnknownAcknowledgement) as error:
            self._lose(f"the other side broke the protocol: {error}", error)
        if self._published is not None and self._window.acknowledged != before and not self._reason:
            self._advance(self._published)

    def _take(self, packet: Packet) -> None:
        if self._connack is None:
            if not isinstance(packet, Connack):
                raise MalformedPacket(f"a {type(packet).__name__} before CONNACK", "MQTT-3.2.0-1")
            self._connack = packet
            self._answered.set()
        elif isinstance(packet, Puback):
            self._window.acknowledge(packet.packet_id)
        elif isinstance(packet, Publish):
            if len(self._inbox) < INBOX:
                self._inbox.append(packet)
                self._arrived.set()
            else:
                self.not_taken += 1
        elif not isinstance(packet, Pingresp):
            raise MalformedPacket(f"a {type(packet).__name__} that nobody asked for", "4.8")

    def _advance(self, published: asyncio.Future[None]) -> None:
        """Write what the window has room for; end the publish when all is acknowledged."""
        if published.done():
            return
        if self._window.finished:
            self._silence.waiting(None)
            published.set_result(None)
            return
        self._silence.waiting(self._loop.time())
        try:
            self._write(self._window.due())
        except MalformedPacket as error:
            published.set_exception(error)

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._reason:
            self._transport.write(data)
            self._silence.sent(self._loop.time())

    def _look(self) -> None:
        """Act on the silence so far, and set the timer for the next look."""
        now_s = self._loop.time()
        verdict = self._silence.verdict(now_s)
        if verdict.ping:
            self._write(encode(Pingreq()))
            self._silence.asked(now_s)
        if verdict.lost:
            self._lose(verdict.lost)
        if not self._reason:
            self._timer = self._loop.call_at(verdict.look_again_s, self._look)

    def _look_within_timeout(self) -> None:
        """A publish begins: the timer may be set for the next ping, minutes away. Moved at most once per timeout."""
        look_again_s = self._silence.verdict(self._loop.time()).look_again_s
        if self._timer is not None and self._timer.when() > look_again_s:
            self._timer.cancel()
            self._timer = self._loop.call_at(look_again_s, self._look)

    def _lose(self, reason: str, cause: Exception | None = None) -> None:
        """The connection is over; the first reason stays."""
        if self._reason:
            return
        self._reason, self._cause = reason, cause
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._published is not None and not self._published.done():
            self._published.set_result(None)
        self._answered.set()
        self._arrived.set()
        self._gone.set()

    def _loss(self, acknowledged: int = 0) -> ConnectionLost:
        error = ConnectionLost(self._reason, acknowledged)
        error.__cause__ = self._cause
        return error
