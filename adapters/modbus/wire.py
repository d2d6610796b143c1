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


class Wire(Protocol):
    """An open line; one request at a time."""

    @property
    def broken(self) -> WrongAnswer | None:
        """What put the stream out of step: only a new connection helps then. Lines that mend themselves never are."""
        ...

    @property
    def owes_until(self) -> float:
        """Until then (of the loop's clock) late answers may come that a new connection would take for its own."""
        ...

    counters: Counter[str]

    async def ask(self, unit: int, ask: Ask, timeout_s: float) -> bytes:
        """The data of the answer. Raises TimeoutError, Refusal, WrongAnswer or LinkLost."""
        ...

    async def rest(self, until: float) -> None:
        """Wait until this time of the loop's clock. Raises LinkLost as soon as the line is gone."""
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
        return serial.opened(where.device, connect, _talk(where.framing, timing, counters), counters)
    if where.carrier == "udp":
        return await udp.opened(where.host, where.port, counters, patience_s)
    if where.carrier == "listen":
        return await listen.opened(where.host, where.port, counters, patience_s)
    context = None
    if connect.trust is not None and where.carrier == "tls":
        context = tls.context(connect.trust, connect.certificate, connect.key)
    talk = _talk(where.framing, halfduplex.AT_ONCE, counters)
    return await tcp.opened(where.host, where.port, talk, counters, patience_s, context)


def _talk(framing: endpoint.Framing, timing: halfduplex.Silence, counters: Counter[str]) -> Talk:
    if framing == "mbap":
        return Mbap(counters)
    frames: halfduplex.Framing = rtu if framing == "rtu" else ascii
    return halfduplex.HalfDuplex(frames, timing, counters, asyncio.get_running_loop().time)
