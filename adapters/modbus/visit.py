"""A line that is looked at by hand: one connection, one request at a time, and never faster than was said."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple, TypeAlias

from adapters.modbus import pdu, wire
from adapters.modbus.settings import Connect
from gateway.adapter import TIMEOUT, LinkLost, Quality, Status


class Miss(NamedTuple):
    """A request that brought no data."""

    kind: Literal["refused", "silent", "wrong", "closed"]
    status: Status
    """The code is the exception's, where the request was refused."""


Heard: TypeAlias = bytes | Miss
"""The data of an answer, or why there are none."""


@asynccontextmanager
async def visit(connect: Connect, per_s: float) -> AsyncIterator[Visit]:
    """Visit a line with at most so many requests per second. It is opened with the first."""
    made = Visit(connect, per_s)
    try:
        yield made
    finally:
        await made.close()


class Visit:
    """An open line. A connection that was lost or is out of step is made anew before the next request."""

    def __init__(self, connect: Connect, per_s: float) -> None:
        self._connect = connect
        self._apart_s = 1 / per_s
        self._due = 0.0
        self._wire: wire.Wire | None = None
        self.counters: Counter[str] = Counter()
        """By kind of ``Miss`` too."""
        self.took_s = 0.0
        """The last request."""

    async def ask(self, unit: int, ask: pdu.Ask) -> Heard:
        """What the unit answers. Raises LinkLost or OSError where the line cannot be opened."""
        heard = await self._asked(unit, ask)
        if isinstance(heard, Miss):
            self.counters[heard.kind] += 1
        return heard

    async def close(self) -> None:
        """Nothing is left open when this returns."""
        if self._wire is not None:
            opened, self._wire = self._wire, None
            await opened.close()

    async def _asked(self, unit: int, ask: pdu.Ask) -> Heard:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._due - loop.time())
        opened = await self._opened()
        began = loop.time()
        self._due = began + self._apart_s
        try:
            return await opened.ask(unit, ask, self._connect.timeout)
        except TimeoutError:
            return Miss("silent", TIMEOUT)
        except pdu.Refusal as refusal:
            return Miss("refused", Status(Quality.BAD, str(refusal), refusal.code))
        except pdu.WrongAnswer as error:
            return Miss("wrong", Status(Quality.BAD, f"wrong answer: {error}"))
        except LinkLost as lost:
            await self.close()
            return Miss("closed", Status(Quality.BAD, lost.reason))
        finally:
            self.took_s = loop.time() - began
            self._due = max(self._due, loop.time() + self._connect.delay)

    async def _opened(self) -> wire.Wire:
        if self._wire is not None and self._wire.broken is not None:
            await self.close()
        if self._wire is None:
            self._wire = await wire.opened(self._connect, self._connect.timeout, self.counters)
            await asyncio.sleep(self._connect.pause)
        return self._wire
