"""Publishing to Azure IoT Hub: a connection for each device identity, with its own certificate.

Behind an IoT Edge gateway the same holds with the gateway's name as host. Every failure becomes one of the port's
errors, in words for people; nothing else of MQTT and TLS is seen outside.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NoReturn

from gateway.identity import tls
from gateway.identity.credentials import ISSUE, Credential, CredentialFault, find
from gateway.identity.tls import TrustFault
from gateway.model import Stored
from gateway.mqtt.connection import Connection, ConnectionLost, Refused, connect
from gateway.upstream import iothub
from gateway.upstream.port import Channel
from gateway.upstream.words import Address, explain

WINDOW = 20
"""Messages of one identity that are on their way without PUBACK: what a broken connection can double."""


class IotHub:
    """An IoT hub, or whatever speaks like one. An ``Upstream``."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        trust: Sequence[Path],
        credentials: Mapping[str, Credential],
        *,
        via: str | None = None,
        timeout_s: float = 30.0,
        publish_timeout_s: float = 30.0,
    ) -> None:
        """``trust``: PEM files with the roots of the hub; ``via``: the IoT Edge gateway in front of it.

        Raises TrustFault, so that a gateway does not start blind.
        """
        tls.roots(trust)
        self.name = name
        self._host = host
        self._via = via or host
        self._port = port
        self._trust = tuple(trust)
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._publish_timeout_s = publish_timeout_s

    def objection(self, message: Stored) -> str:
        """Why the hub can never take this message; empty where it can."""
        return iothub.objection(message)

    @asynccontextmanager
    async def connect(self, identity: str) -> AsyncIterator[Channel]:
        """Open the channel of one identity. Raises UpstreamLost, Refused or NoCredential.

        Certificate, key and roots are read anew each time, so a renewed one is used without a restart.
        """
        to = Address(identity, self._via, self._port, self._trust)
        async with AsyncExitStack() as stack:
            try:
                opening = connect(
                    self._via,
                    self._port,
                    ssl=self._context(identity),
                    client_id=iothub.client_id(identity),
                    username=iothub.username(self._host, identity),
                    keepalive_s=iothub.KEEPALIVE_S,
                    timeout_s=self._timeout_s,
                    publish_timeout_s=self._publish_timeout_s,
                    window=WINDOW,
                )
                connection = await stack.enter_async_context(opening)
            except (OSError, ConnectionLost, Refused, CredentialFault, TrustFault) as error:
                raise explain(error, to, opening=True) from error
            yield _Channel(connection, to)

    def _context(self, identity: str) -> ssl.SSLContext:
        """Raises CredentialFault or TrustFault."""
        if identity not in self._credentials:
            raise CredentialFault(f"there is no certificate for {identity}", ISSUE)
        directory = self._credentials[identity].certificate.parent
        return tls.client_context(find(directory, identity), self._trust)


class _Channel:
    """An open connection as the port knows it."""

    def __init__(self, connection: Connection, to: Address) -> None:
        self._connection = connection
        self._to = to

    async def publish(self, messages: Sequence[Stored]) -> None:
        """Send in order; return when the hub has acknowledged all. Raises UpstreamLost."""
        try:
            await self._connection.publish_all([(iothub.topic(message), message.body) for message in messages])
        except ConnectionLost as error:
            raise explain(error, self._to) from error

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone. Raises UpstreamLost."""
        try:
            await self._connection.lost()
        except ConnectionLost as error:
            raise explain(error, self._to) from error
