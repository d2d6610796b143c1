"""What a running gateway tells of itself to those who ask over its socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.buffer import Buffer
from gateway.message import timestamp
from gateway.model import Quality
from gateway.pipeline import Pipeline
from gateway.plant import Device, Plant
from gateway.status import Board, Health, State, lock


class View:
    """What a running gateway tells of itself."""

    def __init__(
        self,
        board: Board,
        buffer: Buffer,
        holder: lock.Holder,
        now: Callable[[], tuple[Plant, Mapping[str, Pipeline]]],
    ) -> None:
        """``now``: the plant that runs, and its pipelines by line."""
        self._board = board
        self._buffer = buffer
        self._holder = holder
        self._now = now

    def report(self) -> dict[str, Any]:
        """Whether data flows: each line, device and identity upstream, and the buffer. Times are ISO 8601, UTC."""
        plant, pipelines = self._now()
        stats = self._buffer.stats()
        lines = [_health(self._board.health("line", name)) for name in pipelines]
        devices = [self._device(device, pipelines[device.line]) for device in plant.devices]
        # Also those that are not in the plant any more, while messages of theirs wait.
        identities = dict.fromkeys([device.identity for device in plant.devices] + sorted(stats.waiting))
        upstream = [
            _health(self._board.health("upstream", identity)) | {"waiting": stats.waiting.get(identity, 0)}
            for identity in identities
        ]
        buffer = _health(self._board.health("buffer", "buffer")) | {
            "messages": stats.messages,
            "bytes": stats.bytes_on_disk,
            "quota_bytes": stats.quota_bytes,
            "oldest": timestamp(stats.oldest_ns) if stats.oldest_ns is not None else None,
            "dropped": stats.dropped,
        }
        parts = [*lines, *devices, *upstream, buffer]
        settings = plant.gateway
        return {
            "gateway": plant.name,
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
            "record": [_health(health) for health in self._board.of_kind("record")],
        }

    def _device(self, device: Device, pipeline: Pipeline) -> dict[str, Any]:
        latest = pipeline.scans[device.name].latest()
        bad = {entry.name: entry.status.reason for entry in latest if entry.status.quality is Quality.BAD}
        return _health(self._board.health("device", device.name)) | {
            "identity": device.identity,
            "profile": device.profile,
            "asset": device.asset.path if device.asset else None,
            "line": device.line,
            "bad": list(bad),
            "bad_reasons": bad,
        }

    def values(self) -> dict[str, list[dict[str, Any]]]:
        """The newest reading of each point by device."""
        plant, pipelines = self._now()
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
                for entry in pipelines[device.line].scans[device.name].latest()
            ]
            for device in plant.devices
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
