"""Taking a TCP port, and saying plainly why it cannot be had."""

from __future__ import annotations

import errno
import socket


class CannotListen(Exception):
    """A port cannot be had; the text says which, why, and what to do."""


def on(host: str, port: int, remedy: str, *, datagrams: bool = False) -> socket.socket:
    """A socket bound to the port (0: a free one), not listening yet; of TCP, or for datagrams. Raises CannotListen.

    ``remedy``: how to choose another port, as the end of "end that program, or ...".
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    try:
        if not datagrams:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise CannotListen(_reason(error, f"{host}:{port}", remedy)) from error
    bound.setblocking(False)
    return bound


def _reason(error: OSError, where: str, remedy: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program: end that program, or {remedy}"
    if error.errno == errno.EACCES:
        return f"{where} may only be opened by root: {remedy}"
    return f"cannot listen on {where} ({error.strerror or error}): {remedy}"
