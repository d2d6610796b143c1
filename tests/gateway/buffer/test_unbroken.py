"""Work goes on to its end, whoever stops waiting for it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.buffer.unbroken import unbroken


async def test_returns_what_the_work_returns() -> None:
    assert await unbroken(asyncio.sleep(0, "done")) == "done"


async def test_raises_what_the_work_raises() -> None:
    async def fails() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        await unbroken(fails())


async def test_a_cancellation_is_honoured_after_the_end_and_not_before() -> None:
    ended = False
    go_on = asyncio.Event()

    async def work() -> None:
        nonlocal ended
        await go_on.wait()
        ended = True

    waiting = asyncio.create_task(unbroken(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    go_on.set()
    await asyncio.wait([waiting])
    assert ended
    assert waiting.cancelled()
