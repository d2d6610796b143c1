"""Connections that we open, with or without TLS, to a device or to the box in front of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter

from adapters.modbus import names, tls
from adapters.modbus.exchange import FEWER, Exchange, Talk
from gateway.adapter import LinkLost


async def opened(
    host: str, port: int, talk: Talk, counters: Counter[str], patience_s: float, secure: tls.Secure | None = None
) -> Exchange:
    """Connect within ``patience_s``. Raises OSError (also for the timeout), or LinkLost where TLS is the trouble.

    A name with several addresses has as long for all of them together; each has its share.
    """
    connect = asyncio.get_running_loop().create_connection
    remedy = tls.REMEDY if secure else FEWER
    async with asyncio.timeout(patience_s):
        found = await names.addresses(host)
        for address in found:
            try:
                async with asyncio.timeout(patience_s / len(found)):
                    transport, exchange = await connect(
                        lambda: Exchange(talk, counters, remedy),
                        address,
                        port,
                        ssl=secure.context if secure else None,
                        server_hostname=host if secure else None,
                    )
                break
            except ssl.SSLError as error:
                raise tls.refused(error) from error
            except OSError as error:
                if secure and isinstance(error, ConnectionResetError | ConnectionAbortedError):
                    raise tls.broken_off() from error
                if address == found[-1]:
                    raise
    if secure:
        try:
            secure.check(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))
        except LinkLost:
            await exchange.close()
            raise
    tune(transport.get_extra_info("socket"), patience_s)
    return exchange


def tune(raw: socket.socket, patience_s: float) -> None:
    """Notice a peer that vanished without a word: idle within 25 s, with a request under way sooner."""
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * max(5.0, 3 * patience_s)))
