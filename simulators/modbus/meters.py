"""All simulated Modbus devices of a plant: their lines, the units behind them, and the values they play."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulators import listening
from simulators.control import RequestInvalid
from simulators.modbus import identity, w1
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.files import Files
from simulators.modbus.line import Line
from simulators.modbus.memory import GAP, Memory
from simulators.modbus.play import Player
from simulators.modbus.points import Device
from simulators.modbus.tls import Tls
from simulators.modbus.units import Absent

TICK_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Ports that each serve a device of workload W1."""

    host: str
    first_port: int
    ports: int
    tags: int
    period_s: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is simulated."""

    devices: Sequence[Device] = ()
    tick_s: float = TICK_S
    record: Path | None = None
    """Where what is served is written down, a line per device and tick; None: nowhere."""
    absent: Absent = Absent.SILENCE
    gap: int = GAP
    writable: bool = False
    """Whether clients may write holding registers and coils."""
    timed: bool = False
    """Whether serial lines take the time of their baud rate."""
    tls: Tls | None = None
    """Of lines with TLS; None: there may be none."""
    bench: Bench | None = None


class Meters:
    """Running devices; see ``serve``."""

    def __init__(self, lines: Sequence[Line], bench: Sequence[str]) -> None:
        self.lines = lines
        self.bench = bench
        """``host:port`` of every W1 device."""

    def chosen(self, line: str | None) -> list[Line]:
        """The line of this address, or all of them. Raises RequestInvalid for one that is not there."""
        chosen = [one for one in self.lines if line in (None, one.address)]
        if not chosen:
            raise RequestInvalid(f"no line {line}; there are: {_words(one.address for one in self.lines)}")
        return chosen

    def with_unit(self, unit: int | None, line: str | None) -> list[Line]:
        """Those of the chosen lines that have the unit; without one all. Raises RequestInvalid where there is none."""
        lines = self.chosen(line)
        having = [one for one in lines if unit is None or unit in one.units]
        if not having:
            units = {known for one in lines for known in one.units}
            raise RequestInvalid(f"no unit {unit}; there are: {_words(map(str, sorted(units)))}")
        return having


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Meters]:
    """Devices that answer while the block runs. Raises CannotListen, TrustInvalid, OSError."""
    units = [(one, _memory(one, settings)) for one in settings.devices]
    lines = _lines(units, settings)
    with ExitStack() as stack:
        record = stack.enter_context(settings.record.open("ab")) if settings.record else None
        player = Player(units, settings.tick_s, record)
        player.step()
        for line in lines:
            stack.callback(line.unplug)
            await line.plug()
        bench = await _bench(settings.bench, stack) if settings.bench else []
        # Not in a task group: it would wrap what the caller's block raises.
        playing = asyncio.create_task(player.run())
        try:
            yield Meters(lines, bench)
        finally:
            playing.cancel()
            await asyncio.wait([playing])
        if not playing.cancelled():
            playing.result()


def _memory(device: Device, settings: Settings) -> Memory:
    files = Files(device.files, writable=settings.writable)
    return Memory(device.points, settings.gap, writable=settings.writable, identity=identity.of(device), files=files)


def _lines(units: Iterable[tuple[Device, Memory]], settings: Settings) -> list[Line]:
    lines: dict[str, tuple[Endpoint, dict[int, Memory]]] = {}
    for device, memory in units:
        # Where devices say different baud rates, the first one's is the line's.
        lines.setdefault(device.line.address, (device.line, {}))[1][device.unit_id] = memory
    hosts = {endpoint.host for endpoint, _ in lines.values() if endpoint.secure}
    secure = settings.tls.context(sorted(hosts)) if hosts and settings.tls is not None else None
    return [
        Line(endpoint, members, settings.absent, timed=settings.timed, secure=secure)
        for endpoint, members in lines.values()
    ]


async def _bench(bench: Bench, stack: ExitStack) -> list[str]:
    loop = asyncio.get_running_loop()
    shown = w1.pictures(bench.tags)
    open_now: set[asyncio.Transport] = set()
    addresses = []
    for port in range(bench.first_port, bench.first_port + bench.ports):
        bound = listening.on(bench.host, port, "choose other ports (--w1-first-port)")
        device = w1.Device(shown, bench.period_s)
        server = await loop.create_server(partial(w1.Connection, device, open_now), sock=bound)
        stack.callback(server.close)
        addresses.append(f"{bench.host}:{port}")
    stack.callback(_abort, open_now)
    return addresses


def _abort(transports: set[asyncio.Transport]) -> None:
    for transport in transports.copy():
        transport.abort()
