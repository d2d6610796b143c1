"""The hub's commands for its control socket."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from simulators import control
from simulators.control import Command, Request, RequestInvalid
from simulators.iothub.hub import Hub
from simulators.listening import CannotListen

_ID = re.compile(r"[A-Za-z0-9\-.%_#*?!(),:=@$']{1,128}")
"""Of a device, as IoT Hub's identity registry documents it."""


def commands(hub: Hub) -> dict[str, Command]:
    """By their names: away, back, blackhole, puback_delay, drop_puback, register, disable, enable, stats."""

    async def away(request: Request) -> None:
        hub.away(control.number(request, "seconds"))

    async def back(request: Request) -> None:
        await _listening(hub.back())

    async def blackhole(request: Request) -> None:
        await _listening(hub.black_hole(control.number(request, "seconds")))

    async def puback_delay(request: Request) -> None:
        seconds = control.number(request, "seconds")
        if seconds is None:
            raise RequestInvalid("puback_delay needs seconds (0 ends it)")
        hub.faults.puback_delay_s = seconds

    async def drop_puback(request: Request) -> None:
        count = control.whole(request, "count")
        hub.faults.pubacks_to_drop = 1 if count is None else count

    async def register(request: Request) -> None:
        device = _device(request)
        if not _ID.fullmatch(device):
            raise RequestInvalid(f"{device!r} is no device id: 1 to 128 letters, digits and - . _ : and the like")
        hub.register(device)

    async def disable(request: Request) -> None:
        _with_device(hub.disable, request)

    async def enable(request: Request) -> None:
        _with_device(hub.enable, request)

    async def stats(request: Request) -> dict[str, Any]:
        return hub.stats()

    known = (away, back, blackhole, puback_delay, drop_puback, register, disable, enable, stats)
    return {command.__name__: command for command in known}


async def _listening(step: Awaitable[None]) -> None:
    try:
        await step
    except CannotListen as error:
        raise RequestInvalid(str(error)) from error


def _with_device(act: Callable[[str], None], request: Request) -> None:
    device = _device(request)
    try:
        act(device)
    except KeyError as error:
        raise RequestInvalid(f"no device {device} is registered") from error


def _device(request: Request) -> str:
    device = control.text(request, "device")
    if device is None:
        raise RequestInvalid('name the device: {"device": "..."}')
    return device
