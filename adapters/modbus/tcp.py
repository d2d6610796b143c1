"""Connections that we open, with or without TLS, to a device or to the box in front of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter

from adapters.modbus.exchange import Exchange, Talk


async def opened(
    host: str, port: int, talk: Talk, counters: Counter[str], patience_s: float, tls: ssl.SSLContext | None = None
) -> Exchange:
    """Connect within ``patience_s``. Raises OSError (a timeout and an ssl.SSLError are some)."""
    async with asyncio.timeout(patience_s):
        transport, exchange = await asyncio.get_running_loop().create_connection(
            lambda: Exchange(talk, counters), host, port, ssl=tls, server_hostname=host if tls else None
        )
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
