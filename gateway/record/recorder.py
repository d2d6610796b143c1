"""Recording while the gateway runs: scans gather in memory for a few seconds, then a thread writes them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from gateway.model import RawBlock
from gateway.plant import Plant
from gateway.record.frames import Scan
from gateway.record.plants import Packed, pack
from gateway.record.ring import FOLDER, FREE_BYTES, LIMIT_BYTES, Ring
from gateway.status import Board, Health

WRITE_S = 10.0
PRUNE_S = 60.0
WAITING_BYTES = 16_000_000
"""So much may wait for the disk; what comes then is not recorded, and counted."""
_BLOCK_BYTES = 300
"""What a block costs in memory besides its data."""
REMEDY = "free space on the disk of the state directory; recording goes on by itself, nothing else is affected"

Keep: TypeAlias = Callable[[str, Sequence[int], Sequence[RawBlock]], None]
"""Takes what a device answered, with the positions of its points that were read by it."""


def health(board: Board) -> Health:
    """Whether what devices answer is recorded, and how much of it."""
    return board.health("record", "devices")


class _Written(NamedTuple):
    scans: int
    lost: int
    trouble: str


class Recorder:
    """Keeps what the devices of the running plant answer, where the plant says so."""

    def __init__(
        self,
        state: Path,
        board: Board,
        *,
        limit_bytes: int = LIMIT_BYTES,
        free_bytes: int = FREE_BYTES,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ring = Ring(state / FOLDER, limit_bytes, free_bytes)
        self._one_at_a_time = threading.Lock()
        self._board = board
        self._now_ns = now_ns
        self._keep_s: dict[str, float] = {}
        self._pending: dict[tuple[str, Packed], list[Scan]] = {}
        self._waiting_bytes = 0
        self._pruned_s: float | None = None

    async def follow(self, plant: Plant) -> Keep | None:
        """What takes the answers of lines that run this plant; None where nothing of it is recorded."""
        self._keep_s = {device.name: device.record_s for device in plant.devices if device.record_s is not None}
        if not self._keep_s:
            return None
        packed = await asyncio.to_thread(pack, plant)

        def keep(device: str, positions: Sequence[int], blocks: Sequence[RawBlock]) -> None:
            self._take(packed, device, Scan(tuple(positions), tuple(blocks)))

        return keep

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            await self.write()
            await asyncio.sleep(WRITE_S)

    async def write(self) -> None:
        """Write all that waits, and take away what is too old. The disk's trouble is told, and never raised."""
        pending, self._pending, self._waiting_bytes = self._pending, {}, 0
        written = await asyncio.to_thread(self._write, pending)
        if not written.scans and not written.trouble:
            return
        now = health(self._board)
        now.counters["scans"] += written.scans
        now.counters["not_recorded"] += written.lost
        if written.trouble:
            now.stopped(f"what devices answer is not recorded: {written.trouble}", REMEDY)
        else:
            now.flowing()

    def _take(self, packed: Packed, device: str, scan: Scan) -> None:
        size = sum(len(block.data) + _BLOCK_BYTES for block in scan.blocks)
        if self._waiting_bytes + size > WAITING_BYTES:
            health(self._board).counters["not_recorded"] += 1
            return
        self._waiting_bytes += size
        self._pending.setdefault((device, packed), []).append(scan)

    def _write(self, pending: dict[tuple[str, Packed], list[Scan]]) -> _Written:
        # Also where the task that waited for an earlier one was cancelled: its thread goes on.
        with self._one_at_a_time:
            done, lost, trouble = 0, 0, ""
            for (device, packed), scans in pending.items():
                try:
                    self._ring.append(device, packed, scans, self._now_ns())
                    done += len(scans)
                except OSError as error:
                    lost, trouble = lost + len(scans), error.strerror or str(error)
            now_s = time.monotonic()
            if self._pruned_s is None or now_s - self._pruned_s >= PRUNE_S:
                self._pruned_s = now_s
                try:
                    self._ring.prune(self._keep_s, self._now_ns())
                except OSError as error:
                    trouble = trouble or error.strerror or str(error)
            return _Written(done, lost, trouble)
