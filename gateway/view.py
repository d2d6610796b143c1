"""What a running gateway tells of itself to those who ask over its socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.buffer import Buffer, BufferSettings, Stats
from gateway.message import timestamp
from gateway.model import Quality
from gateway.pipeline import DISK_FULL, Pipeline
from gateway.plant import Device, Plant
from gateway.status import Board, Health, State, lock
from gateway.status.text import size

GOES_ON_WITH = 2_000_000
"""Bytes beside what shall stay free, with which a buffer that refused goes on: for its ballast and a commit."""


class View:
    """What a running gateway tells of itself."""

    def __init__(
        self,
        board: Board,
        buffer: Buffer,
        holder: lock.Holder,
        now: Callable[[], tuple[Plant, Mapping[str, Pipeline]]],
        settings: BufferSettings,
        *,
        free_bytes: Callable[[], int],
    ) -> None:
        """``now``: the plant that runs, and its pipelines by line; ``free_bytes``: of the buffer's disk."""
        self._board = board
        self._buffer = buffer
        self._holder = holder
        self._now = now
        self._free_bytes = free_bytes
        self.settings = settings
        """Those that the buffer works with."""

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
            "min_free_bytes": self.settings.min_free_bytes,
            "free_bytes": self._free(),
            "oldest": _time(stats.oldest_ns),
            "dropped": stats.dropped,
            "classes": {one.name.lower(): held.messages for one, held in stats.classes.items()},
            "full": {one.name.lower(): held.full for one, held in stats.classes.items() if held.full},
            "parked": dict(stats.parked),
            "quarantined": stats.quarantined,
        }
        buffer |= _missing(buffer)
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

    def buffer(self) -> dict[str, Any]:
        """What waits in the buffer and how fast it comes and goes."""
        plant, _ = self._now()
        stats = self._buffer.stats()
        return {"gateway": plant.name, "pid": self._holder.pid, **depth(stats, self.settings), **_pace(stats)}

    def _free(self) -> int | None:
        try:
            return self._free_bytes()
        except OSError:
            return None

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


def _missing(buffer: Mapping[str, Any]) -> dict[str, str]:
    """The reason and the remedy with figures, where less of the disk is free than shall stay so."""
    free, stays = buffer["free_bytes"], buffer["min_free_bytes"]
    missing = stays + GOES_ON_WITH - free if free is not None else 0
    if buffer["reason"] != DISK_FULL or not stays or missing <= 0:
        return {}
    room = f"{size(free)} of the disk are free, and {size(stays)} shall stay free (buffer: min_free)"
    free_it = f"free {size(missing)} or more on the disk of the state directory"
    return {
        "reason": f"{room}: polling waits, nothing accepted is lost",
        "remedy": f"{free_it}, or lower buffer: min_free: in gateway.yaml and reload; it goes on by itself",
    }


def depth(stats: Stats, settings: BufferSettings) -> dict[str, Any]:
    """What waits, by class and identity, and what is said about it. Times are ISO 8601, UTC."""
    return {
        "messages": stats.messages,
        "bytes": stats.bytes_on_disk,
        "quota_bytes": settings.quota_bytes,
        "min_free_bytes": settings.min_free_bytes,
        "order": settings.order,
        "oldest": _time(stats.oldest_ns),
        "classes": [
            {
                "class": one.name.lower(),
                "messages": held.messages,
                "bytes": held.bytes_on_disk,
                "oldest": _time(held.oldest_ns),
                "full": held.full,
                "on_full": settings.on_full.get(one, "refuse"),
                "keep_s": settings.keep.get(one),
            }
            for one, held in sorted(stats.classes.items())
        ],
        "waiting": dict(sorted(stats.waiting.items(), key=lambda item: -item[1])),
        "parked": dict(stats.parked),
        "quarantined": stats.quarantined,
    }


def _pace(stats: Stats) -> dict[str, Any]:
    return {
        "in_per_s": stats.append_per_s,
        "out_per_s": stats.drain_per_s,
        "append_ms": {"p50": stats.append.p50_s * 1000, "p99": stats.append.p99_s * 1000},
        "fsync_ms": {"p50": stats.fsync.p50_s * 1000, "p99": stats.fsync.p99_s * 1000},
    }


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else timestamp(at_ns)


def _health(health: Health) -> dict[str, Any]:
    return {
        "name": health.name,
        "state": health.state,
        "since": timestamp(health.since_ns),
        "reason": health.reason,
        "remedy": health.remedy,
        "counters": dict(health.counters),
    }
