"""A disk that is really full: a tmpfs of 4 MB with a buffer whose quota is far beyond it."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.buffer import BufferFull
from gateway.buffer.port import OnFull
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.model import Priority
from tests.gateway.buffer.making import QUOTA, drain, message, settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root"),
]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


@asynccontextmanager
async def opened(disk: Path, quota: int = QUOTA, on_full: OnFull = "refuse") -> AsyncIterator[DiskBuffer]:
    async with asyncio.timeout(60), open_buffer(disk / "buffer", settings(quota, on_full)) as buffer:
        yield buffer


async def fill(buffer: DiskBuffer, first: int) -> int:
    """Append until the disk is full; the last sequence that was accepted."""
    for number in itertools.count(first):
        try:
            await buffer.append([message("a", number, 5000)])
        except BufferFull:
            return number - 1
    raise AssertionError


def fill_rest(disk: Path) -> Path:
    """Somebody else takes all that is free."""
    path = disk / "somebody-else"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    return path


async def room(buffer: DiskBuffer) -> None:
    """Wait until the buffer says that it takes messages again."""
    while buffer.stats().full:
        await asyncio.sleep(0.02)


async def test_a_full_disk_refuses_drains_and_recovers_without_a_restart(small_disk: Path) -> None:
    async with opened(small_disk) as buffer:
        last = 0
        for _ in range(3):
            first, last = last + 1, await fill(buffer, last + 1)
            assert last - first > 100
            assert buffer.stats().full == "disk"
            assert await drain(buffer, "a", last - first + 1) == list(range(first, last + 1))
            await room(buffer)
            last += 1
            await buffer.append([message("a", last, 5000)])
            assert await drain(buffer, "a", 1) == [last]
        assert buffer.stats().dropped == {}


async def test_draining_goes_on_when_somebody_else_has_taken_the_last_byte(small_disk: Path) -> None:
    async with opened(small_disk) as buffer:
        for number in range(1, 201):
            await buffer.append([message("a", number, 5000)])
        taken = fill_rest(small_disk)
        last = await fill(buffer, 201)
        fill_rest(small_disk)
        assert await drain(buffer, "a", last) == list(range(1, last + 1))
        await asyncio.sleep(0.3)
        fill_rest(small_disk)
        with pytest.raises(BufferFull, match="disk"):
            await buffer.append([message("a", last + 1, 5000)])
        taken.unlink()
        await room(buffer)
        await buffer.append([message("a", last + 1, 5000)])
        assert await drain(buffer, "a", 1) == [last + 1]


async def test_a_full_disk_can_be_opened_and_drained(small_disk: Path) -> None:
    async with opened(small_disk) as buffer:
        last = await fill(buffer, 1)
        await buffer.acknowledge(await buffer.claim("a", max_messages=5))
    fill_rest(small_disk)
    async with opened(small_disk) as buffer:
        assert buffer.stats().waiting == {"a": last - 5}
        last = await fill(buffer, last + 1)
        assert await drain(buffer, "a", last - 5) == list(range(6, last + 1))
    (small_disk / "somebody-else").unlink()
    async with opened(small_disk) as buffer:
        assert buffer.stats().waiting == {}
        await buffer.append([message("a", last + 1)])


async def test_with_drop_oldest_too_nothing_is_pushed_out_for_what_others_take(small_disk: Path) -> None:
    async with opened(small_disk, on_full="drop-oldest") as buffer:
        for number in range(1, 201):
            await buffer.append([message("a", number, 5000)])
        fill_rest(small_disk)
        last = await fill(buffer, 201)
        with pytest.raises(BufferFull, match="disk"):
            await buffer.append([message("a", last + 1, 5000)])
        assert buffer.stats().dropped == {}
        await buffer.append([message("alarm", 1, 100, Priority.ALARM)])
        assert await drain(buffer, "a", last) == list(range(1, last + 1))
        assert await drain(buffer, "alarm", 1) == [1]


async def test_with_drop_oldest_a_small_disk_holds_the_newest(small_disk: Path) -> None:
    async with opened(small_disk, on_full="drop-oldest") as buffer:
        for number in range(1, 1201):
            await buffer.append([message("a", number, 5000)])
        kept = buffer.stats().messages
        assert 250 < kept < 550
        assert buffer.stats().dropped == {"quota": 1200 - kept}
        assert await drain(buffer, "a", kept) == list(range(1201 - kept, 1201))
