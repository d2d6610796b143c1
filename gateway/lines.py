"""The lines of a running plant: each a link with its pipeline, started, left alone, or exchanged for another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from gateway import link
from gateway.adapter import Adapter, LinkLost, Point, SecretMissing, Session
from gateway.buffer import Buffer
from gateway.mapping.totals import Totals
from gateway.pipeline import Pipeline
from gateway.plant import Device, Enrichment, Plant, by_line
from gateway.record.recorder import Keep, Recorder
from gateway.status import Board
from gateway.vault import Vault


class Changed(NamedTuple):
    """What an exchange of plants did, by line."""

    started: tuple[str, ...]
    stopped: tuple[str, ...]
    exchanged: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class _Running:
    devices: tuple[Device, ...]
    enrich: tuple[Enrichment, ...]
    pipeline: Pipeline
    task: asyncio.Task[None]


class Lines:
    """Runs the lines of one plant after another; a line of which nothing changes goes on polling."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter[Any, Any]],
        buffer: Buffer,
        board: Board,
        vault: Vault,
        totals: Totals,
        tasks: asyncio.TaskGroup,
        recorder: Recorder | None = None,
    ) -> None:
        self._adapters = adapters
        self._buffer = buffer
        self._board = board
        self._vault = vault
        self._totals = totals
        self._tasks = tasks
        self._recorder = recorder
        self._running: dict[str, _Running] = {}

    @property
    def pipelines(self) -> dict[str, Pipeline]:
        """By line, in the order of the plant."""
        return {name: running.pipeline for name, running in self._running.items()}

    async def apply(self, plant: Plant) -> Changed:
        """Run the lines of this plant from now on. What one of them had read is stored or dropped when this returns."""
        wanted = {name: tuple(devices) for name, devices in by_line(plant).items()}
        keep = await self._recorder.follow(plant) if self._recorder is not None else None
        before = self._running
        same = {
            name
            for name, running in before.items()
            if running.devices == wanted.get(name) and running.enrich == plant.gateway.enrich
        }
        await self._stop([running for name, running in before.items() if name not in same])
        self._running = {
            name: before[name] if name in same else self._start(name, devices, plant.gateway.enrich, keep)
            for name, devices in wanted.items()
        }
        return Changed(
            started=tuple(name for name in wanted if name not in before),
            stopped=tuple(name for name in before if name not in wanted),
            exchanged=tuple(name for name in wanted if name in before and name not in same),
            kept=tuple(name for name in wanted if name in same),
        )

    async def stop(self) -> None:
        """Stop all lines."""
        await self._stop(list(self._running.values()))

    async def _stop(self, lines: Sequence[_Running]) -> None:
        for running in lines:
            running.task.cancel()
        if lines:
            await asyncio.wait([running.task for running in lines])

    def _start(
        self, name: str, devices: tuple[Device, ...], enrich: tuple[Enrichment, ...], keep: Keep | None
    ) -> _Running:
        adapter = with_secrets(self._adapters[devices[0].protocol], self._vault)
        pipeline = Pipeline(
            devices,
            self._buffer,
            self._board,
            totals=self._totals,
            enrich=enrich,
            keep=keep,
            remedy=adapter.remedy,
        )
        points = [spec.point for device in devices for spec in device.points]
        health = self._board.health("line", name)
        record = frozenset(device.name for device in devices if device.record_s is not None)
        work = link.run(name, adapter, points, pipeline.store, health, absent=lambda: pipeline.absent, record=record)
        return _Running(devices, enrich, pipeline, self._tasks.create_task(work, name=name))


def with_secrets(adapter: Adapter[Any, Any], vault: Vault) -> Adapter[Any, Any]:
    """The same adapter, whose ``connect`` is given what the secrets hide: read anew for each connection."""
    opening = adapter.connect
    if opening is None:
        return adapter

    def connect(points: Sequence[Point[Any, Any]]) -> AbstractAsyncContextManager[Session]:
        try:
            filled = [replace(point, connect=settings) for point, settings in zip(points, _filled(points), strict=True)]
        except SecretMissing as missing:
            raise LinkLost(str(missing), f"fieldgate secret set PLANT {missing.name}") from missing
        return opening(filled)

    def _filled(points: Sequence[Point[Any, Any]]) -> list[Any]:
        settings = {id(point.connect): point.connect for point in points}
        filled = {key: vault.filled(connect) for key, connect in settings.items()}
        return [filled[id(point.connect)] for point in points]

    return replace(adapter, connect=connect)
