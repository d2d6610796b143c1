"""Opening the directory as a crash, a copy or a fault of the disk may have left it; it never refuses for damage."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from gateway.buffer import content, directory
from gateway.buffer.disk import Disk
from gateway.buffer.losses import Loss
from gateway.buffer.meta import another, open_meta
from gateway.buffer.policy import OnFull, Sizes
from gateway.buffer.port import BufferTrouble
from gateway.buffer.segments import PATTERN, Segment

log = logging.getLogger("fieldgate")


async def open_disk(
    folder: Path,
    sizes: Sizes,
    on_full: OnFull,
    now_ns: Callable[[], int],
    random32: Callable[[], int] = lambda: secrets.randbits(32),
) -> Disk:
    """All that can be read is in its place. Raises BufferFull or BufferUnavailable where the disk does not let it."""
    try:
        await asyncio.to_thread(directory.make, folder)
        # The ballast's bytes may be just what opening needs; it is taken again when all is open.
        await asyncio.to_thread(directory.drop_ballast, folder)
        meta = await open_meta(folder, now_ns(), random32)
    except (sqlite3.Error, OSError) as error:
        raise directory.translated(error, folder) from error
    disk = Disk(folder, sizes, on_full, meta, now_ns=now_ns)
    try:
        await _restore(disk, now_ns)
    except (sqlite3.Error, OSError) as error:
        await disk.abandon()
        raise directory.translated(error, folder) from error
    except BaseException:
        await disk.abandon()
        raise
    return disk


async def _restore(disk: Disk, now_ns: Callable[[], int]) -> None:
    saved = disk.saved
    for identity in saved.acked.keys() | saved.highest.keys():
        lane = disk.lanes.lane(identity)
        lane.acked = saved.acked.get(identity, 0)
        lane.highest = max(lane.acked, saved.highest.get(identity, 0))
    mark = disk.folder / directory.UNSYNCED
    doubtful = mark.exists()
    for path in sorted(disk.folder.glob(PATTERN)):
        segment = Segment(path)
        disk.segments.append(segment)
        try:
            doubtful |= await _take_in(disk, segment)
        except sqlite3.Error as error:
            if not directory.damaged(error):
                raise
            disk.segments.remove(segment)
            await segment.end()
            aside = await asyncio.to_thread(directory.set_aside, path, now_ns())
            log.warning("buffer: %s cannot be read (%s) and was set aside as %s", path, error, aside.name)
            disk.count(Loss("damaged", "", 1, segment.first, segment.first, 0, 0))
            doubtful = True
    for lane in disk.lanes:
        lane.loaded = lane.acked if lane.waiting else lane.highest
    disk.next_frame = max(saved.frame, *(segment.last for segment in disk.segments), 0) + 1
    if doubtful:
        # What could not be read may hold sequences above the highest that is known: never the same id twice.
        disk.epoch = another(disk.epoch)
        disk.touch()
    try:
        await disk.tidy()
        if doubtful:
            directory.remove(mark)
        if not await disk.take_ballast():
            log.warning("buffer: %s: the disk is nearly full: no room for the ballast", disk.folder)
    except BufferTrouble as error:
        log.warning("buffer: %s cannot be written yet: %s", disk.folder, error)


async def _take_in(disk: Disk, segment: Segment) -> bool:
    """Put the segment's messages into their lanes; whether some may be hidden behind damage."""
    await segment.find_last()
    held = await segment.read_content()
    for identity, extent in held.items():
        lane = disk.lanes.lane(identity)
        count = content.waiting(extent, lane.acked)
        if count and not lane.waiting:
            lane.position, lane.behind_ns = extent.frame, extent.first_ns
        lane.waiting += count
        lane.highest = max(lane.highest, extent.last)
        segment.remaining += count
    for number, messages in segment.unreadable.items():
        log.error("buffer: %s: frame %d is damaged and passed over (%d messages)", segment.path, number, messages)
        disk.count(Loss("damaged", "", messages, number, number, 0, 0))
    await segment.close()
    segment.measure()
    return segment.damaged
