"""Opening a TCP connection to a host by name, without the thread pool of the event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

Info = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What ``socket.getaddrinfo`` gives for one address."""

ATTEMPT_S = 5.0
"""How long one address may stay silent while there is another to try."""


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket to the first address that answers.

    Raises ``socket.gaierror`` when the name cannot be resolved, else the OSError of the last address.
    """
    infos = await resolve(host, port)
    for info in infos[:-1]:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await _connected(info)
        except OSError:
            continue
    return await _connected(infos[-1])


async def _connected(info: Info) -> socket.socket:
    family, kind, protocol, _, address = info
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


async def resolve(host: str, port: int) -> Sequence[Info]:
    """The addresses of a host, at least one. Raises ``socket.gaierror``.

    While the line is down a resolver can hang for half a minute. In the loop's own pool it would hold one of six
    threads, and the end of the process would wait for it; a daemon thread is left behind instead.
    """
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        pass  # A name: somebody must be asked.
    except UnicodeError:
        # A label that is empty or longer than 63 characters cannot even be asked for.
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host name") from None
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[Info]] = loop.create_future()

    def settle(infos: Sequence[Info], error: OSError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(infos)
        else:
            found.set_exception(error)

    def ask() -> None:
        infos: Sequence[Info] = ()
        failure: OSError | None = None
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, infos, failure)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    return await found
