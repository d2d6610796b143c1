"""Who may begin to connect: the gate on a clock that the test moves, the governor with a fake upstream."""

from __future__ import annotations

import asyncio

import pytest

from gateway.upstream.governor import Gate, Governor, Limits
from gateway.upstream.port import NoCredential, Refused, UpstreamLost
from tests.gateway.upstream.fakes import FakeUpstream

LIMIT_S = 5.0


def begin(gate: Gate, now_s: float, count: int) -> int:
    """Begin as many as may at this time, at most ``count``; how many did."""
    for begun in range(count):
        if gate.delay_s(now_s) != 0:
            return begun
        gate.begin(now_s)
    return count


def test_twenty_may_be_under_way_and_the_next_waits_for_one_of_them() -> None:
    gate = Gate(Limits(), 0)
    assert begin(gate, 0, 100) == 20
    assert gate.delay_s(0) is None
    gate.opened()
    assert gate.delay_s(1) == 0


def test_fifty_a_second_begin_however_quick_the_hub_is() -> None:
    gate = Gate(Limits(), 0)
    begun, now_s = 0, 0.0
    while now_s < 10:
        if gate.delay_s(now_s) == 0:
            gate.begin(now_s)
            gate.opened()
            begun += 1
        else:
            now_s += 0.001
    # The bucket, then fifty a second.
    assert 20 + 490 <= begun <= 20 + 501


def test_the_delay_is_exact() -> None:
    gate = Gate(Limits(in_flight=2, per_s=10), 0)
    assert begin(gate, 0, 5) == 2
    gate.opened()
    assert gate.delay_s(0) == pytest.approx(0.1)
    assert gate.delay_s(0.1) == pytest.approx(0, abs=1e-9)


def test_the_hub_is_away_when_nobody_is_in_and_the_last_found_nobody() -> None:
    gate = Gate(Limits(), 0)
    begin(gate, 0, 1)
    gate.missed()
    assert gate.away


def test_one_identity_that_finds_nobody_does_not_make_the_hub_away_for_others() -> None:
    gate = Gate(Limits(), 0)
    begin(gate, 0, 2)
    gate.opened()
    gate.missed()
    assert not gate.away
    gate.closed()
    assert gate.away


def test_while_it_is_away_one_asks_each_second() -> None:
    gate = Gate(Limits(), 0)
    begin(gate, 0, 1)
    gate.missed()
    assert gate.delay_s(0.4) == pytest.approx(0.6)
    assert begin(gate, 1, 100) == 1
    # It has no answer yet (the hub swallows everything): the next one asks all the same.
    assert gate.delay_s(1.5) == pytest.approx(0.5)
    assert begin(gate, 2, 100) == 1


def test_those_that_hang_are_bounded_too() -> None:
    gate = Gate(Limits(in_flight=3), 0)
    begin(gate, 0, 1)
    gate.missed()
    assert [begin(gate, now_s, 1) for now_s in range(1, 6)] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("happened", ["opened", "refused"])
def test_it_is_back_when_one_is_in_or_sent_away(happened: str) -> None:
    gate = Gate(Limits(), 0)
    begin(gate, 0, 1)
    gate.missed()
    begin(gate, 1, 1)
    getattr(gate, happened)()
    assert not gate.away
    assert begin(gate, 1, 100) > 10


def test_an_identity_without_certificate_says_nothing_of_the_hub() -> None:
    gate = Gate(Limits(), 0)
    begin(gate, 0, 1)
    gate.abstained()
    assert not gate.away
    begin(gate, 0, 1)
    gate.missed()
    begin(gate, 1, 1)
    gate.abstained()
    assert gate.away


QUICK = Limits(in_flight=2, per_s=1e6, probe_every_s=0.01)


async def stay(governor: Governor, upstream: FakeUpstream, identity: str, until: asyncio.Event) -> None:
    async with governor.connect(upstream, identity):
        await until.wait()


async def test_hands_out_the_channel_and_passes_errors_on() -> None:
    governor, upstream = Governor(QUICK), FakeUpstream()
    async with governor.connect(upstream, "a") as channel:
        assert channel is upstream.open["a"]
    for error in (UpstreamLost("away"), Refused("no"), NoCredential("nothing")):
        upstream.trouble = lambda _, error=error: error  # type: ignore[misc]  # bound here
        with pytest.raises(type(error), match=error.reason):
            async with governor.connect(upstream, "a"):
                pass


async def test_no_more_than_the_limit_are_under_way() -> None:
    governor, upstream = Governor(QUICK), FakeUpstream()
    most = 0
    done = asyncio.Event()

    def counted(_: str) -> None:
        nonlocal most
        most = max(most, len(upstream.asked) - len(upstream.open))

    upstream.trouble = counted
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(stay(governor, upstream, f"i{number}", done))
        for number in range(10):
            await upstream.line(f"i{number}")
        done.set()
    assert most == 2


async def test_first_come_first_in() -> None:
    governor, upstream = Governor(Limits(in_flight=1, per_s=1e6)), FakeUpstream()
    done = asyncio.Event()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(stay(governor, upstream, f"i{number}", done))
        await upstream.line("i4")
        done.set()
    assert upstream.asked == [f"i{number}" for number in range(5)]


async def test_while_the_hub_is_away_they_take_turns_and_when_it_is_back_all_follow() -> None:
    governor, upstream = Governor(QUICK), FakeUpstream()
    away, done = True, asyncio.Event()
    upstream.trouble = lambda _: UpstreamLost("away") if away else None

    async def identity(name: str) -> None:
        while not done.is_set():
            try:
                await stay(governor, upstream, name, done)
            except UpstreamLost:
                if not governor.away:
                    await governor.rest(60)

    names = ["a", "b", "c", "d"]
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(identity(name))
        while len(upstream.asked) < 12:
            await asyncio.sleep(0.002)
        asked = upstream.asked[2:]  # The first two were under way when the hub was found away.
        assert set(asked[:4]) == set(names)
        away = False
        for name in names:
            await upstream.line(name)
        done.set()


async def test_a_rest_ends_when_the_hub_is_back() -> None:
    governor, upstream = Governor(QUICK), FakeUpstream()
    resting = asyncio.create_task(governor.rest(60))
    upstream.trouble = lambda _: UpstreamLost("away")
    with pytest.raises(UpstreamLost):
        async with governor.connect(upstream, "a"):
            pass
    assert governor.away
    assert not resting.done()
    upstream.trouble = lambda _: None
    async with asyncio.timeout(LIMIT_S), governor.connect(upstream, "a"):
        await resting


async def test_a_rest_ends_by_itself() -> None:
    async with asyncio.timeout(LIMIT_S):
        await Governor(QUICK).rest(0.01)


async def test_one_that_is_cancelled_in_the_queue_holds_up_nobody() -> None:
    governor, upstream = Governor(Limits(in_flight=1, per_s=1e6)), FakeUpstream()
    done = asyncio.Event()
    async with asyncio.timeout(LIMIT_S):
        tasks = [asyncio.create_task(stay(governor, upstream, name, done)) for name in ("a", "b", "c")]
        while not upstream.asked:
            await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[0].cancel()  # Its turn has come, and it has no answer yet.
        await upstream.line("c")
        done.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert "b" not in upstream.asked
