"""Other settings while the buffer is open: they count at once, without a restart, and nothing that waits is lost."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bounds import Settling
from gateway.buffer import BufferFull, BufferSettings
from gateway.buffer.clock import Clocks
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Message, Priority

REFUSING = BufferSettings(2_000_000)


@asynccontextmanager
async def opened(folder: Path, clock: Clocks | None = None) -> AsyncIterator[DiskBuffer]:
    async with open_buffer(folder / "buffer", REFUSING, clock=clock) as buffer:
        yield buffer


async def fill(buffer: DiskBuffer) -> int:
    """Until it refuses."""
    count = 0
    while True:
        try:
            await buffer.append([Message("m", count, "", random.randbytes(20_000))])
        except BufferFull:
            return count
        count += 1


async def test_a_larger_quota_is_used_at_once_and_a_smaller_one_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as buffer:
        assert isinstance(buffer, Settling)
        first = await fill(buffer)
        await buffer.settle(replace(REFUSING, quota_bytes=6_000_000))
        assert buffer.stats().full == ""
        second = await fill(buffer)
        assert second > first
        await buffer.settle(REFUSING)
        with pytest.raises(BufferFull):
            await buffer.append([Message("m", 0, "", b"x")])
        assert buffer.stats().messages == first + second


async def test_what_shall_stay_free_is_lowered(tmp_path: Path) -> None:
    async with opened(tmp_path) as buffer:
        await buffer.settle(replace(REFUSING, min_free_bytes=10**15))
        with pytest.raises(BufferFull) as caught:
            await buffer.append([Message("m", 0, "", b"x")])
        assert caught.value.what == "disk"
        await buffer.settle(REFUSING)
        await buffer.append([Message("m", 0, "", b"x")])


async def test_a_quota_that_is_no_quota_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as buffer:
        with pytest.raises(ValueError, match="too small"):
            await buffer.settle(replace(REFUSING, quota_bytes=1000, order="live-first"))
        assert buffer.stats().quota_bytes == 2_000_000


async def test_a_lifetime_begins_to_count(tmp_path: Path) -> None:
    now_s = 1000.0
    clock = Clocks(boottime_s=lambda: now_s)
    async with opened(tmp_path, clock) as buffer:
        await buffer.append([Message("m", 0, "", b"x")])
        now_s += 7200
        await buffer._upkeep.once(pack=False)
        assert buffer.stats().messages == 1
        await buffer.settle(replace(REFUSING, keep={Priority.TELEMETRY: 3600.0}))
        await buffer._upkeep.once(pack=False)
        assert buffer.stats().dropped == {"expired": 1}
