"""Host names looked up where nothing else waits for it: each in a thread of its own, that nobody ever joins.

The system's resolver cannot be interrupted, and takes a minute where its server is gone. In asyncio's pool of threads
such look-ups would stand before the work of others, and the gateway would not stop before they end.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Thread

_under_way: dict[str, Future[list[str]]] = {}
"""By name. Who asks for the same one again waits with the others: a name has one thread at most."""


async def addresses(host: str) -> list[str]:
    """The IP addresses of a host, the preferred one first; an address is its own. Raises socket.gaierror (an OSError).

    Can be cancelled at any time; the thread ends when the resolver does, and holds up nothing.
    """
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    found = _under_way.get(host)
    if found is None:
        found = _under_way[host] = Future()
        # Running from the start: who waits and is cancelled does not cancel it for the others.
        found.set_running_or_notify_cancel()
        Thread(target=_look_up, args=(host, found), name=f"name {host}", daemon=True).start()
    return await asyncio.wrap_future(found)


def _look_up(host: str, found: Future[list[str]]) -> None:
    try:
        listed = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        del _under_way[host]
        found.set_exception(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error)))
        return
    del _under_way[host]
    found.set_result(list(dict.fromkeys(str(where[0]) for *_, where in listed)))
