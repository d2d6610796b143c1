"""What the rest of the gateway knows of an upstream: one channel per device identity.

Errors::

    UpstreamLost        the connection is gone or did not come about; trying again may work
    ├── Refused         the other side said no to this identity (unknown, disabled, wrong certificate)
    └── NoCredential    this identity has nothing valid to show; nobody was asked
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NoReturn, Protocol

from gateway.model import Stored


class UpstreamLost(Exception):
    """The connection is gone or did not come about; trying again may work."""

    def __init__(self, reason: str, remedy: str = "", acknowledged: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        """In words for people: ``connection refused``, ``the hub's certificate is not trusted``."""
        self.remedy = remedy
        self.acknowledged = acknowledged
        """How many messages of the ``publish`` under way, counted from its first, had been acknowledged."""


class Refused(UpstreamLost):
    """The other side said no to this identity. So it is there, and others may come in."""


class NoCredential(UpstreamLost):
    """This identity has no valid certificate and key to show. Nobody was asked: it says nothing of the other side."""


class Channel(Protocol):
    """An open connection of one identity. It lasts until the ``async with`` that opened it ends."""

    async def publish(self, messages: Sequence[Stored]) -> None:
        """Send in order; return when all are acknowledged. Raises UpstreamLost."""
        ...

    async def lost(self) -> NoReturn:
        """Wait until the connection is gone and raise UpstreamLost: for the time when there is nothing to publish."""
        ...


class Upstream(Protocol):
    """Where the identities of this gateway publish to."""

    name: str
    """As in ``gateway.yaml``."""

    def connect(self, identity: str) -> AbstractAsyncContextManager[Channel]:
        """Open the channel of one identity. Raises UpstreamLost, Refused or NoCredential."""
        ...

    def objection(self, message: Stored) -> str:
        """Why this message can never be published there, in words; empty where it can. Judged before it is sent."""
        ...
