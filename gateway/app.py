"""Builds the parts and runs them in one task group; the only file that sees them all."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from gateway import link
from gateway.adapter import Adapter
from gateway.buffer import Buffer, BufferTrouble
from gateway.buffer.store import open_buffer
from gateway.identity.credentials import Credential, CredentialFault, find
from gateway.identity.tls import TrustFault
from gateway.model import Quality
from gateway.pipeline import Pipeline, timestamp
from gateway.plant import Device, Plant
from gateway.status import Board, Health, State, answer, lock
from gateway.upstream import publisher
from gateway.upstream.hub import IotHub

log = logging.getLogger("fieldgate")

BUFFER_REMEDY = "free space on the disk of the state directory, or name another one with state: or --state"


class CannotStart(Exception):
    """The plant is right, but the gateway cannot run here and now; ``remedy`` says what to do."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def prepare(state: Path) -> None:
    """Make the state directory, for its owner alone. Raises CannotStart."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"the state directory {state} cannot be written: {error.strerror}",
            "make it writable for this user, or name another one with state: in gateway.yaml or --state",
        ) from error


def credentials(plant: Plant, state: Path) -> dict[str, Credential]:
    """The certificate and key of each device identity. Raises CannotStart naming all that are missing."""
    found: dict[str, Credential] = {}
    faults: list[str] = []
    for device in plant.devices:
        try:
            found[device.identity] = find(state / "identities", device.identity)
        except CredentialFault as fault:
            faults.append(f"{device.name}: {fault}")
    if faults:
        raise CannotStart("\n".join(faults), f"fieldgate certs issue {plant.folder}")
    return found


async def run(plant: Plant, state: Path, adapters: Mapping[str, Adapter[Any, Any]], stop: asyncio.Event) -> None:
    """Run the gateway until ``stop`` is set. Raises CannotStart before anything is opened in the field."""
    prepare(state)
    holder = lock.Holder(plant.name, os.getpid(), str(plant.folder.resolve()), timestamp(time.time_ns()))
    with ExitStack() as locks:
        try:
            locks.enter_context(lock.held(state, holder))
        except lock.InUse as error:
            raise CannotStart(_in_use(state, error.holder), "stop that one, or give this one another state:") from error
        await _run_locked(plant, state, adapters, stop, holder)


def _in_use(state: Path, holder: lock.Holder | None) -> str:
    if holder is None:
        return f"the state directory {state} is in use by another gateway"
    return (
        f'the state directory {state} is in use by gateway "{holder.gateway}" '
        f"(pid {holder.pid}, plant {holder.plant}, since {holder.since})"
    )


async def _run_locked(
    plant: Plant, state: Path, adapters: Mapping[str, Adapter[Any, Any]], stop: asyncio.Event, holder: lock.Holder
) -> None:
    board = Board()
    settings = plant.gateway
    found = credentials(plant, state)
    try:
        hub = IotHub(settings.upstream_name, settings.host, settings.port, settings.trust, found)
    except TrustFault as fault:
        raise CannotStart(str(fault), "see trust: in gateway.yaml") from fault
    async with AsyncExitStack() as stack:
        opening = open_buffer(state / "buffer", quota_bytes=settings.quota_bytes, on_full=settings.on_full)
        try:
            buffer = await stack.enter_async_context(opening)
        except BufferTrouble as error:
            raise CannotStart(f"the buffer in {state / 'buffer'} cannot be opened: {error}", BUFFER_REMEDY) from error
        lines = by_line(plant)
        pipelines = {name: Pipeline(devices, buffer, board) for name, devices in lines.items()}
        view = View(plant, board, buffer, pipelines, holder)
        await stack.enter_async_context(answer.serving(state, {"status": view.report, "values": view.values}))
        log.info("gateway %s runs: %d devices on %d lines", plant.name, len(plant.devices), len(lines))
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(publisher.run(hub, buffer, list(found), board), name="publisher")]
            for name, devices in lines.items():
                points = [spec.point for device in devices for spec in device.points]
                health = board.health("line", name)
                work = link.run(name, adapters[devices[0].protocol], points, pipelines[name].store, health)
                parts.append(tasks.create_task(work, name=name))
            await stop.wait()
            for part in parts:
                part.cancel()
    log.info("gateway %s stopped", plant.name)


def by_line(plant: Plant) -> dict[str, list[Device]]:
    """The devices of each line, lines and devices in the order of the files."""
    lines: dict[str, list[Device]] = {}
    for device in plant.devices:
        lines.setdefault(device.line, []).append(device)
    return lines


class View:
    """What a running gateway tells of itself."""

    def __init__(
        self, plant: Plant, board: Board, buffer: Buffer, pipelines: Mapping[str, Pipeline], holder: lock.Holder
    ) -> None:
        self._plant = plant
        self._board = board
        self._buffer = buffer
        self._pipelines = pipelines
        self._holder = holder

    def report(self) -> dict[str, Any]:
        """Whether data flows: each line, device and identity upstream, and the buffer. Times are ISO 8601, UTC."""
        stats = self._buffer.stats()
        lines = [_health(self._board.health("line", name)) for name in self._pipelines]
        devices = [self._device(device) for device in self._plant.devices]
        upstream = [
            _health(self._board.health("upstream", device.identity))
            | {"waiting": stats.waiting.get(device.identity, 0)}
            for device in self._plant.devices
        ]
        buffer = _health(self._board.health("buffer", "buffer")) | {
            "messages": stats.messages,
            "bytes": stats.bytes_on_disk,
            "quota_bytes": stats.quota_bytes,
            "oldest": timestamp(stats.oldest_ns) if stats.oldest_ns is not None else None,
            "dropped": stats.dropped,
        }
        parts = [*lines, *devices, *upstream, buffer]
        settings = self._plant.gateway
        return {
            "gateway": self._plant.name,
            "plant": self._holder.plant,
            "pid": self._holder.pid,
            "since": self._holder.since,
            "parts": len(parts),
            "stopped": sum(part["state"] == State.STOPPED for part in parts),
            "lines": lines,
            "devices": devices,
            "upstream_name": f"{settings.upstream_name} ({settings.host}:{settings.port})",
            "upstream": upstream,
            "buffer": buffer,
        }

    def _device(self, device: Device) -> dict[str, Any]:
        latest = self._pipelines[device.line].scans[device.name].latest()
        bad = [entry.name for entry in latest if entry.status.quality is Quality.BAD]
        return _health(self._board.health("device", device.name)) | {
            "identity": device.identity,
            "profile": device.profile,
            "asset": device.asset.path if device.asset else None,
            "line": device.line,
            "bad": bad,
        }

    def values(self) -> dict[str, list[dict[str, Any]]]:
        """The newest reading of each point by device."""
        return {
            device.name: [
                {
                    "name": entry.name,
                    "value": entry.value if not isinstance(entry.value, bytes) else entry.value.hex(),
                    "unit": entry.unit,
                    "quality": entry.status.quality.name.lower(),
                    "reason": entry.status.reason,
                    "at": timestamp(entry.at_ns),
                }
                for entry in self._pipelines[device.line].scans[device.name].latest()
            ]
            for device in self._plant.devices
        }


def _health(health: Health) -> dict[str, Any]:
    return {
        "name": health.name,
        "state": health.state,
        "since": timestamp(health.since_ns),
        "reason": health.reason,
        "remedy": health.remedy,
        "counters": dict(health.counters),
    }
