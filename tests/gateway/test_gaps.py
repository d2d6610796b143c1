"""Gaps become events where they can be heard, once, and never of themselves."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway import gaps
from gateway.buffer import Buffer, BufferFull, BufferSettings, Loss, Stats
from gateway.buffer.store import DiskBuffer, open_buffer
from gateway.gaps import audible, event, tell
from gateway.model import Message, Priority
from tests.gateway.upstream.fakes import MemoryBuffer

S_NS = 1_000_000_000
NOW_NS = 1_795_372_189_123_000_000
LOSS = Loss("quota", "meter-1", Priority.TELEMETRY, 1200, 18, 1217, 1_795_000_000 * S_NS, 1_795_001_199 * S_NS)
ALARM = LOSS._replace(priority=Priority.ALARM)


def stats(waiting: dict[str, int], *draining: str) -> Stats:
    return Stats(sum(waiting.values()), 0, 0, None, waiting, {}, "", draining=frozenset(draining))


def test_the_event_says_what_is_missing_and_why() -> None:
    message = event(LOSS, NOW_NS)
    assert message[:3] == ("meter-1", NOW_NS, "kind=event&event=data-gap")
    assert message.priority is Priority.ALARM
    assert json.loads(message.body) == {
        "ts": "2026-11-22T18:29:49.123Z",
        "event": "data-gap",
        "reason": "quota",
        "class": "telemetry",
        "messages": 1200,
        "first": 18,
        "last": 1217,
        "from": "2026-11-18T11:06:40.000Z",
        "to": "2026-11-18T11:26:39.000Z",
    }


def test_a_time_that_is_not_known_is_null() -> None:
    body = json.loads(event(LOSS._replace(first_ns=0, last_ns=0), NOW_NS).body)
    assert (body["from"], body["to"]) == (None, None)


@pytest.mark.parametrize(
    ("gap", "waiting", "draining", "heard"),
    [
        (LOSS, 5, True, True),
        (LOSS, 5, False, False),
        (LOSS, 0, False, True),
        (ALARM, 5, True, True),
        (ALARM, 5, False, False),
        (ALARM, 0, False, False),
        (LOSS._replace(identity=""), 0, True, False),
    ],
)
def test_a_gap_is_told_when_somebody_would_hear_of_it(gap: Loss, waiting: int, draining: bool, heard: bool) -> None:
    found = audible([gap], stats({"meter-1": waiting}, *(["meter-1", ""] if draining else [])))
    assert found == ([gap] if heard else [])


class Lossy(MemoryBuffer):
    """A buffer that says what the test wants, and counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.drains: set[str] = set()
        self.full = False
        self.appended: list[Message] = []

    async def append(self, messages: Sequence[Message]) -> None:
        if self.full:
            raise BufferFull("quota")
        self.appended += messages
        await super().append(messages)

    def stats(self) -> Stats:
        return super().stats()._replace(draining=frozenset(self.drains))


async def rounds(buffer: Buffer, count: int) -> None:
    """So many turns of the task."""
    left = count

    async def sleep(seconds: float) -> None:
        nonlocal left
        assert seconds == gaps.EVERY_S
        left -= 1
        if left < 0:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await tell(buffer, now_ns=lambda: NOW_NS, sleep=sleep)


async def test_a_gap_is_told_once() -> None:
    buffer = Lossy()
    buffer.losses = [LOSS, LOSS._replace(identity="meter-2")]
    await rounds(buffer, 3)
    assert [message.identity for message in buffer.appended] == ["meter-1", "meter-2"]
    assert buffer.gaps() == []


async def test_during_an_outage_nothing_piles_up_and_all_is_told_at_its_end() -> None:
    buffer = Lossy()
    await buffer.fill("meter-1", b"still waits")
    buffer.losses = [LOSS, ALARM]
    await rounds(buffer, 100)
    assert buffer.appended[1:] == []
    buffer.drains = {"meter-1"}
    await rounds(buffer, 1)
    assert [json.loads(message.body)["class"] for message in buffer.appended[1:]] == ["telemetry", "alarm"]


async def test_while_there_is_no_room_the_gap_stays() -> None:
    buffer = Lossy()
    buffer.losses = [LOSS]
    buffer.full = True
    await rounds(buffer, 2)
    assert buffer.gaps() == [LOSS]
    buffer.full = False
    await rounds(buffer, 1)
    assert (len(buffer.appended), buffer.gaps()) == (1, [])


async def test_the_loss_of_an_event_makes_no_other_event_until_something_has_arrived() -> None:
    """Every event is lost as soon as it is stored, as where a class has no room of its own."""
    buffer = Lossy()
    buffer.losses = [LOSS]
    for _ in range(100):
        await rounds(buffer, 1)
        if buffer.lanes["meter-1"]:
            buffer.lanes["meter-1"].clear()
            buffer.losses = [ALARM._replace(messages=1)]
    assert len(buffer.appended) == 1


async def test_many_gaps_are_told_in_pieces_that_the_buffer_takes() -> None:
    sizes: list[int] = []

    class Counting(Lossy):
        async def append(self, messages: Sequence[Message]) -> None:
            sizes.append(len(messages))
            await super().append(messages)

    buffer = Counting()
    buffer.losses = [LOSS._replace(identity=f"meter-{number}") for number in range(1200)]
    await rounds(buffer, 1)
    assert sizes == [500, 500, 200]


DROPPING = BufferSettings(2_000_000, on_full={Priority.TELEMETRY: "drop-oldest"})


async def arrived(buffer: DiskBuffer, identity: str) -> list[dict[str, Any]]:
    """All that waits of this identity arrives; the events among it."""
    events: list[dict[str, Any]] = []
    while buffer.stats().waiting.get(identity):
        claim = await buffer.claim(identity)
        events += [json.loads(one.body) for one in claim.messages if one.priority is Priority.ALARM]
        await buffer.acknowledge(claim)
    return events


async def test_each_loss_is_told_once_over_restarts_in_an_outage_and_after_it(tmp_path: Path) -> None:
    """An outage in which the quota drops, a restart in it, its end, a restart after it."""
    async with open_buffer(tmp_path / "buffer", DROPPING) as buffer:
        for number in range(150):
            noise = random.Random(number).randbytes(20_000)
            await buffer.append([Message(one, NOW_NS + number * S_NS, "", noise) for one in ("meter-1", "meter-2")])
        await rounds(buffer, 3)
        lost = {gap.identity: gap.messages for gap in buffer.gaps()}
        assert lost.keys() == {"meter-1", "meter-2"}
    async with open_buffer(tmp_path / "buffer", DROPPING) as buffer:
        await rounds(buffer, 3)
        waits = buffer.stats().waiting
        assert {one: 150 - lost[one] for one in lost} == waits
        assert await arrived(buffer, "meter-1") == []
        await rounds(buffer, 3)
        (told,) = await arrived(buffer, "meter-1")
        assert (told["reason"], told["class"], told["messages"]) == ("quota", "telemetry", lost["meter-1"])
        assert (told["first"], told["last"]) == (1, lost["meter-1"])
    async with open_buffer(tmp_path / "buffer", DROPPING) as buffer:
        await rounds(buffer, 3)
        assert await arrived(buffer, "meter-1") == []
        assert await arrived(buffer, "meter-2") == []
        await rounds(buffer, 3)
        assert [told["messages"] for told in await arrived(buffer, "meter-2")] == [lost["meter-2"]]
        assert await arrived(buffer, "meter-1") == []
        assert list(buffer.gaps()) == []
