"""A simulated plant and hub in one process: up together, told apart, down together."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from simulators import control, iothub, modbus


def run(directory: Path, hub: iothub.Settings | None, meters: modbus.Settings | None) -> None:
    """Serve what is given until SIGTERM or SIGINT; print one line of JSON when all of it listens.

    Control sockets: ``hub.sock`` and ``modbus.sock`` in the directory. Raises CannotListen, TrustInvalid, OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(_run(directory, hub, meters))


async def _run(directory: Path, hub: iothub.Settings | None, meters: modbus.Settings | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ready: dict[str, Any] = {"ready": True}
    async with AsyncExitStack() as stack:
        if hub is not None:
            ready["hub"] = await _hub(directory, hub, stack)
        if meters is not None:
            ready["modbus"] = await _meters(directory, meters, stack)
        print(json.dumps(ready), flush=True)
        await stop.wait()


async def _hub(directory: Path, settings: iothub.Settings, stack: AsyncExitStack) -> dict[str, Any]:
    hub = await stack.enter_async_context(iothub.serve(settings))
    socket = directory / "hub.sock"
    await stack.enter_async_context(control.serve(socket, iothub.commands(hub)))
    root = settings.directory / "hub-root.pem"
    return {"address": f"{settings.host}:{hub.port}", "root": str(root), "control": str(socket)}


async def _meters(directory: Path, settings: modbus.Settings, stack: AsyncExitStack) -> dict[str, Any]:
    meters = await stack.enter_async_context(modbus.serve(settings))
    socket = directory / "modbus.sock"
    await stack.enter_async_context(control.serve(socket, modbus.commands(meters)))
    told: dict[str, Any] = {
        "lines": [line.address for line in meters.lines],
        "bench": list(meters.bench),
        "control": str(socket),
    }
    if settings.tls is not None and any(line.endpoint.secure for line in meters.lines):
        told["root"] = None if settings.tls.root is None else str(settings.tls.root)
    return told
