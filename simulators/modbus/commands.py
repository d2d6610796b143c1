"""What the simulated lines understand over the control socket: faults that begin and end."""

from __future__ import annotations

from math import inf
from typing import Any, get_args

from pymodbus.constants import ExcCodes

from simulators import control, listening
from simulators.control import Command, Request, RequestInvalid
from simulators.modbus.faults import Wrong
from simulators.modbus.line import Line
from simulators.modbus.meters import Meters
from simulators.modbus.points import TABLES, Table
from simulators.modbus.wrong import ways

_ADDRESSES = 65536


def commands(meters: Meters) -> dict[str, Command]:
    """By their names."""
    return _of_lines(meters) | _of_units(meters) | _of_answers(meters)


def _of_lines(meters: Meters) -> dict[str, Command]:
    async def unplug(request: Request) -> None:
        for line in _lines(meters, request):
            line.unplug()

    async def plug(request: Request) -> None:
        for line in _lines(meters, request):
            try:
                await line.plug()
            except listening.CannotListen as error:
                raise RequestInvalid(str(error)) from error

    async def limit(request: Request) -> None:
        for line in _lines(meters, request):
            line.faults.connections = control.whole(request, "connections")

    async def idle(request: Request) -> None:
        for line in _lines(meters, request):
            line.faults.idle_s = control.number(request, "seconds") or None

    async def slow(request: Request) -> None:
        baud = control.whole(request, "baud")
        for line in _lines(meters, request):
            line.faults.character_s = line.endpoint.character_s(baud) if baud else None

    async def stats(request: Request) -> dict[str, Any]:
        return {"lines": {line.address: _told(line) for line in meters.lines}, "bench": list(meters.bench)}

    return {command.__name__: command for command in (unplug, plug, limit, idle, slow, stats)}


def _of_units(meters: Meters) -> dict[str, Command]:
    async def silence(request: Request) -> None:
        unit = _needed(request, "unit")
        for line in meters.with_unit(unit, control.text(request, "line")):
            line.silent.add(unit)

    async def answer(request: Request) -> None:
        unit = _needed(request, "unit")
        for line in meters.with_unit(unit, control.text(request, "line")):
            line.silent.discard(unit)

    async def refuse(request: Request) -> None:
        unit, table, at, count = _place(request)
        code = _needed(request, "code")
        if code not in set(ExcCodes):
            raise RequestInvalid(f"code must be one of {', '.join(str(int(known)) for known in ExcCodes)}, not {code}")
        for line in meters.with_unit(unit, control.text(request, "line")):
            line.faults.refused |= {(unit, table, place): code for place in range(at, at + count)}

    async def allow(request: Request) -> None:
        unit, table, at, count = _place(request)
        for line in meters.with_unit(unit, control.text(request, "line")):
            for place in range(at, at + count):
                line.faults.refused.pop((unit, table, place), None)

    return {command.__name__: command for command in (silence, answer, refuse, allow)}


def _of_answers(meters: Meters) -> dict[str, Command]:
    async def delay(request: Request) -> None:
        unit, seconds = control.whole(request, "unit"), control.number(request, "seconds")
        for line in meters.with_unit(unit, control.text(request, "line")):
            line.faults.delays_s.pop(unit, None)
            if seconds:
                line.faults.delays_s[unit] = seconds

    async def wrong(request: Request) -> None:
        unit, how = control.whole(request, "unit"), control.text(request, "how") or "(no name)"
        count = control.whole(request, "count")
        lines = meters.with_unit(unit, control.text(request, "line"))
        for line in lines:
            known = ways(line.endpoint)
            if how not in known:
                raise RequestInvalid(f"no way {how!r} on {line.address}; there are: {', '.join(known)}")
        for line in lines:
            line.faults.wrong[unit] = Wrong(how, ways(line.endpoint)[how], count or inf)

    async def right(request: Request) -> None:
        unit = control.whole(request, "unit")
        for line in meters.with_unit(unit, control.text(request, "line")):
            if unit is None:
                line.faults.wrong.clear()
            line.faults.wrong.pop(unit, None)

    return {command.__name__: command for command in (delay, wrong, right)}


def _told(line: Line) -> dict[str, Any]:
    return {
        "plugged": line.plugged,
        "units": sorted(line.units),
        "silent": sorted(line.silent),
        "connections": line.connections,
        "wrong": {_key(unit): wrong.name for unit, wrong in line.faults.wrong.items()},
        "delays": {_key(unit): seconds for unit, seconds in line.faults.delays_s.items()},
        "refused": len(line.faults.refused),
    }


def _key(unit: int | None) -> str:
    return "all" if unit is None else str(unit)


def _lines(meters: Meters, request: Request) -> list[Line]:
    return meters.chosen(control.text(request, "line"))


def _needed(request: Request, key: str) -> int:
    number = control.whole(request, key)
    if number is None:
        raise RequestInvalid(f'name the {key}: {{"{key}": 1}}')
    return number


def _place(request: Request) -> tuple[int, Table, int, int]:
    """Unit, table, first address and how many. Raises RequestInvalid."""
    named = control.text(request, "table") or "holding"
    table = next((known for known in TABLES if known == named), None)
    if table is None:
        raise RequestInvalid(f"table must be one of {', '.join(get_args(Table))}, not {named!r}")
    at, count = _needed(request, "at"), control.whole(request, "count") or 1
    if at + count > _ADDRESSES:
        raise RequestInvalid(f"addresses end at {_ADDRESSES - 1}")
    return _needed(request, "unit"), table, at, count
