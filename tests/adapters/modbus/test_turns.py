"""Who is next on a line."""

from __future__ import annotations

import asyncio

import pytest

from adapters.modbus.turns import URGENT_IN_A_ROW, Turns
from gateway.adapter import LinkLost


async def use(turns: Turns, name: str, done: list[str], *, urgent: bool = False) -> None:
    await turns.take(urgent=urgent)
    done.append(name)
    await asyncio.sleep(0)
    turns.give()


async def begun(*tasks: asyncio.Task[None]) -> None:
    """Every task has run to its first wait."""
    await asyncio.sleep(0)


async def test_a_free_line_is_taken_without_waiting() -> None:
    turns = Turns()
    turn = turns.take()
    with pytest.raises(StopIteration):
        turn.send(None)


async def test_one_at_a_time_in_the_order_of_arrival() -> None:
    turns, done = Turns(), list[str]()
    await asyncio.gather(*(use(turns, name, done) for name in "abcd"))
    assert done == list("abcd")


async def test_what_is_urgent_comes_before_all_that_waits_but_not_into_what_is_under_way() -> None:
    turns, done = Turns(), list[str]()
    await turns.take()
    polls = [asyncio.create_task(use(turns, name, done)) for name in "ab"]
    await begun(*polls)
    writes = [asyncio.create_task(use(turns, name, done, urgent=True)) for name in "xy"]
    await begun(*writes)
    assert done == []
    turns.give()
    await asyncio.gather(*polls, *writes)
    assert done == list("xyab")


async def test_a_flood_of_writes_does_not_silence_the_polls() -> None:
    turns, done = Turns(), list[str]()
    await turns.take()
    tasks = [asyncio.create_task(use(turns, "poll", done))]
    await begun(*tasks)
    tasks += [asyncio.create_task(use(turns, "write", done, urgent=True)) for _ in range(3 * URGENT_IN_A_ROW)]
    await begun(*tasks)
    turns.give()
    await asyncio.gather(*tasks)
    assert done.index("poll") == URGENT_IN_A_ROW


async def test_who_is_cancelled_while_waiting_is_left_out() -> None:
    turns, done = Turns(), list[str]()
    await turns.take()
    first, second = (asyncio.create_task(use(turns, name, done)) for name in "ab")
    await begun(first, second)
    first.cancel()
    turns.give()
    await second
    assert done == ["b"]


async def test_a_turn_that_comes_together_with_the_cancellation_is_passed_on() -> None:
    turns, done = Turns(), list[str]()
    await turns.take()
    first, second = (asyncio.create_task(use(turns, name, done)) for name in "ab")
    await begun(first, second)
    turns.give()  # the turn is the first one's now
    first.cancel()
    async with asyncio.timeout(1):
        await second
    assert done == ["b"]
    assert first.cancelled()


async def test_when_the_line_ends_all_who_wait_are_told() -> None:
    turns, done = Turns(), list[str]()
    await turns.take()
    tasks = [asyncio.create_task(use(turns, "a", done)), asyncio.create_task(use(turns, "b", done, urgent=True))]
    await begun(*tasks)
    turns.end(LinkLost("the line has been closed"))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(result) for result in results] == ["the line has been closed"] * 2
    assert done == []
