"""The one connection of a line, of whatever kind: a request out, its own answer in, and nothing else believed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from adapters.modbus import ascii, endpoint, halfduplex, listen, rtu, serial, tcp, tls, udp  # noqa: A004
from adapters.modbus.exchange import Talk
from adapters.modbus.mbap import Mbap
from adapters.modbus.pdu import Ask, WrongAnswer
from adapters.modbus.settings import Connect

_owed: dict[str, halfduplex.Owing] = {}
"""What is owed on each line without transactions that was opened once: as many as the gateway has lines."""


class Wire(Protocol):
    """An open line; one request at a time."""

    @property
    def broken(self) -> WrongAnswer | None:
        """What put the stream out of step: only a new connection helps then. Lines that mend themselves never are."""
        ...

    counters: Counter[str]

    async def ask(self, unit: int, ask: Ask, timeout_s: float, *, fresh: bool = False) -> bytes:
        """The data of the answer; ``fresh``: not one to the same request of before.

        Raises TimeoutError, Refusal, WrongAnswer or LinkLost; Unsent or SilenceWrong where nothing was sent.
        """
        ...

    async def rest(self, until: float) -> None:
        """Wait until this time of the loop's clock. Raises LinkLost as soon as the line is gone."""
        ...

    def wake(self) -> None:
        """Whoever rests has rested enough."""
        ...

    async def close(self) -> None:
        """Closed when this returns."""
        ...


async def opened(connect: Connect, patience_s: float, counters: Counter[str]) -> Wire:
    """Open the line of a device within ``patience_s``. Raises OSError (also for the timeout) or LinkLost.

    ``listen://`` waits for the device for as long as ``listen.WAIT_S``.
    """
    where = endpoint.parts(connect.modbus)
    if where.carrier == "serial":
        timing = halfduplex.silence(connect.baud, serial.bits(connect))
        return serial.opened(where.device, connect, _talk(connect.modbus, timing, counters), counters)
    if where.carrier == "udp":
        return await udp.opened(where.host, where.port, counters, patience_s)
    if where.carrier == "listen":
        return await listen.opened(where.host, where.port, counters, patience_s, allowed=connect.from_)
    secure = None
    if connect.trust is not None and where.carrier == "tls":
        secure = tls.secure(connect.trust, connect.certificate, connect.key)
    talk = _talk(connect.modbus, halfduplex.AT_ONCE, counters)
    return await tcp.opened(where.host, where.port, talk, counters, patience_s, secure)


def _talk(modbus: str, timing: halfduplex.Silence, counters: Counter[str]) -> Talk:
    framing = endpoint.parts(modbus).framing
    if framing == "mbap":
        return Mbap(counters)
    frames: halfduplex.Framing = rtu if framing == "rtu" else ascii
    owed = _owed.setdefault(modbus, {})
    return halfduplex.HalfDuplex(frames, timing, counters, asyncio.get_running_loop().time, owed)
