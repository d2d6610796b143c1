"""All simulated Modbus devices of a plant: their ports, the units behind them, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from simulators import control, listening
from simulators.control import Command, Request, RequestInvalid
from simulators.modbus import w1
from simulators.modbus.line import Absent, Line
from simulators.modbus.memory import GAP, Memory
from simulators.modbus.play import Player
from simulators.modbus.points import Device

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
    bench: Bench | None = None


class Meters:
    """Running devices; see ``serve``."""

    def __init__(self, lines: Sequence[Line], bench: Sequence[str]) -> None:
        self.lines = lines
        self.bench = bench
        """``host:port`` of every W1 device."""

    def silence(self, unit: int, line: str | None = None) -> None:
        """Do not answer for a unit any more. Raises RequestInvalid for one that is not there."""
        for one in self._with_unit(unit, line):
            one.silent.add(unit)

    def answer(self, unit: int, line: str | None = None) -> None:
        """Answer for a unit again. Raises RequestInvalid for one that is not there."""
        for one in self._with_unit(unit, line):
            one.silent.discard(unit)

    def unplug(self, line: str | None = None) -> None:
        """Close a port and its connections; without a line all of them. Raises RequestInvalid."""
        for one in self._chosen(line):
            one.unplug()

    async def plug(self, line: str | None = None) -> None:
        """Open a port again; without a line all of them. Raises RequestInvalid."""
        for one in self._chosen(line):
            try:
                await one.plug()
            except listening.CannotListen as error:
                raise RequestInvalid(str(error)) from error

    def stats(self) -> dict[str, Any]:
        """What there is, as the control socket tells it."""
        lines = {
            line.address: {"plugged": line.plugged, "units": sorted(line.units), "silent": sorted(line.silent)}
            for line in self.lines
        }
        return {"lines": lines, "bench": list(self.bench)}

    def _chosen(self, line: str | None) -> list[Line]:
        chosen = [one for one in self.lines if line in (None, one.address)]
        if not chosen:
            raise RequestInvalid(f"no line {line}; there are: {_words(one.address for one in self.lines)}")
        return chosen

    def _with_unit(self, unit: int, line: str | None) -> list[Line]:
        chosen = [one for one in self._chosen(line) if unit in one.units]
        if not chosen:
            units = {known for one in self._chosen(line) for known in one.units}
            raise RequestInvalid(f"no unit {unit}; there are: {_words(map(str, sorted(units)))}")
        return chosen


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Meters]:
    """Devices that answer while the block runs. Raises CannotListen, OSError."""
    units = [(device, Memory(device.points, settings.gap)) for device in settings.devices]
    lines = _lines(units, settings.absent)
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


def _lines(units: Iterable[tuple[Device, Memory]], absent: Absent) -> list[Line]:
    ports: dict[tuple[str, int], dict[int, Memory]] = {}
    for device, memory in units:
        ports.setdefault((device.host, device.port), {})[device.unit_id] = memory
    return [Line(host, port, members, absent) for (host, port), members in ports.items()]


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


def commands(meters: Meters) -> dict[str, Command]:
    """By their names: silence, answer, unplug, plug, stats."""

    async def silence(request: Request) -> None:
        meters.silence(_unit(request), control.text(request, "line"))

    async def answer(request: Request) -> None:
        meters.answer(_unit(request), control.text(request, "line"))

    async def unplug(request: Request) -> None:
        meters.unplug(control.text(request, "line"))

    async def plug(request: Request) -> None:
        await meters.plug(control.text(request, "line"))

    async def stats(request: Request) -> dict[str, Any]:
        return meters.stats()

    return {command.__name__: command for command in (silence, answer, unplug, plug, stats)}


def _unit(request: Request) -> int:
    unit = control.whole(request, "unit")
    if unit is None:
        raise RequestInvalid('name the unit: {"unit": 1}')
    return unit
