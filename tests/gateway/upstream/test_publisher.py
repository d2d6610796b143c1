"""From the buffer to the upstream, with fakes that do what the ports promise."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from gateway.buffer import BufferFull, Claim
from gateway.model import Message, Priority, Stored
from gateway.retry import Backoff
from gateway.status import Board, Health, State
from gateway.upstream import publisher
from gateway.upstream.governor import Governor, Limits
from gateway.upstream.poison import TRIES
from gateway.upstream.port import NoCredential, Refused, UpstreamLost
from gateway.upstream.publisher import Lane, Publisher, alike, wait_s
from tests.gateway.upstream.fakes import FakeUpstream, MemoryBuffer

LIMIT_S = 5.0
TOO_LONG = bytes(101)
QUICK = Limits(in_flight=20, per_s=1e6, probe_every_s=0.01)


class House:
    """A buffer, an upstream, a board, and the publisher between them."""

    def __init__(self) -> None:
        self.buffer = MemoryBuffer()
        self.upstream = FakeUpstream()
        self.board = Board()

    def health(self, identity: str = "a") -> Health:
        return self.board.health("upstream", identity)

    @asynccontextmanager
    async def publishing(self, *identities: str) -> AsyncIterator[None]:
        governor = Governor(QUICK)
        async with self.running(publisher.run(self.upstream, self.buffer, identities, self.board, governor)):
            yield

    def lane(self, backoff: Backoff, clock: Callable[[], float] = time.monotonic) -> Coroutine[None, None, None]:
        """The publisher of identity ``a`` alone, with these waits."""
        return Lane("a", self.upstream, self.buffer, self.health(), Governor(QUICK), backoff, clock).run()

    @asynccontextmanager
    async def running(self, work: Coroutine[None, None, None], limit_s: float = LIMIT_S) -> AsyncIterator[None]:
        """Run something until the end of the block, within the limit."""
        async with asyncio.timeout(limit_s):
            task = asyncio.create_task(work)
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()


@pytest.fixture
async def house() -> House:
    return House()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event; the limit is the test's."""
    while not condition():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("objections", "count"),
    [
        ([""], 1),
        (["", ""], 2),
        (["", "too large", ""], 1),
        (["too large", "too large", ""], 2),
        (["too large", "malformed"], 1),
    ],
)
def test_how_much_of_a_claim_shares_the_fate_of_its_head(objections: list[str], count: int) -> None:
    assert alike(objections) == count


def longest(error: UpstreamLost, tries: int) -> list[float]:
    backoff = Backoff(first_s=0.2, limit_s=300, uniform=lambda _, high: high)
    return [wait_s(error, backoff) for _ in range(tries)]


def test_waits_double_up_to_five_minutes() -> None:
    assert longest(UpstreamLost(""), 4) == [0.2, 0.4, 0.8, 1.6]
    assert longest(UpstreamLost(""), 20)[-1] == 300


@pytest.mark.parametrize("error", [Refused("no"), NoCredential("nothing")])
def test_the_refused_wait_grows_twice_as_fast(error: UpstreamLost) -> None:
    assert longest(error, 4) == [0.4, 1.6, 6.4, 25.6]


async def test_publishes_in_order_and_takes_what_arrived_from_the_buffer(house: House) -> None:
    bodies = [b"%d" % number for number in range(50)]
    await house.buffer.fill("a", *bodies)
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == bodies
    assert house.health().state is State.FLOWING
    assert house.health().counters == {"messages": 50, "bytes": sum(map(len, bodies)), "connects": 1}


async def test_an_identity_without_messages_costs_no_connection(house: House) -> None:
    await house.buffer.fill("a", b"x")
    async with house.publishing("a", "b"):
        await house.buffer.drained("a")
        assert house.upstream.asked == ["a"]
        assert house.health("b").state is State.STARTING
        await house.buffer.fill("b", b"y")
        await house.buffer.drained("b")
    assert house.upstream.asked == ["a", "b"]


async def test_stays_connected_from_one_message_to_the_next(house: House) -> None:
    async with house.publishing("a"):
        for number in range(3):
            await house.buffer.fill("a", b"%d" % number)
            await house.buffer.drained("a")
    assert house.upstream.asked == ["a"]


async def test_after_a_break_in_the_middle_goes_on_where_it_was_acknowledged(house: House) -> None:
    breaks = [UpstreamLost("connection reset")]
    house.upstream.breaks = lambda message: breaks.pop() if message.sequence == 4 and breaks else None
    await house.buffer.fill("a", *[b"%d" % number for number in range(1, 11)])
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert [message.sequence for message in house.upstream.received] == list(range(1, 11))
    assert len(house.upstream.asked) == 2
    assert house.health().counters["messages"] == 10


async def test_a_break_before_the_first_acknowledgement_gives_everything_back(house: House) -> None:
    breaks = [UpstreamLost("connection reset")]
    house.upstream.breaks = lambda message: breaks.pop() if breaks else None
    await house.buffer.fill("a", b"1", b"2")
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"2"]


async def test_while_the_hub_is_away_nothing_is_held_and_the_reason_is_told(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    away: list[UpstreamLost] = [UpstreamLost("hub:8883: connection refused", "check host and port")]
    house.upstream.trouble = lambda _: away[0] if away else None
    await house.buffer.fill("a", b"1")
    async with house.publishing("a"):
        await until(lambda: len(house.upstream.asked) > 3)
        health = house.health()
        assert (health.state, health.reason, health.remedy) == (
            State.STOPPED,
            "hub:8883: connection refused",
            "check host and port",
        )
        assert house.buffer.claims == {}  # The policy for a full disk may take the oldest.
        assert house.buffer.parked == {}, "away for all: nobody gains by it"
        away.clear()
        await house.buffer.drained("a")
    assert house.health().state is State.FLOWING
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0] == "upstream a: hub:8883: connection refused (check host and port)"
    assert lines[1].startswith("upstream a: flows again")


async def test_one_refused_identity_holds_up_no_other(house: House) -> None:
    house.upstream.trouble = lambda identity: Refused("not authorized") if identity == "a" else None
    await house.buffer.fill("a", b"x")
    for identity in ("b", "c"):
        await house.buffer.fill(identity, *[b"y"] * 100)
    async with house.publishing("a", "b", "c"):
        await house.buffer.drained("b")
        await house.buffer.drained("c")
    assert house.health("a").reason == "not authorized"
    assert house.health("b").state is State.FLOWING
    assert house.buffer.stats().waiting["a"] == 1
    assert house.buffer.parked == {"a": "not authorized"}


async def test_one_connection_that_hangs_holds_up_no_other(house: House) -> None:
    await house.buffer.fill("a", b"x")
    house.upstream.stuck = True
    async with house.publishing("a", "b"):
        await (await house.upstream.line("a")).begun.wait()
        house.upstream.stuck = False
        await house.buffer.fill("b", b"y")
        await house.buffer.drained("b")
    assert house.buffer.stats().waiting["a"] == 1


async def test_a_break_is_noticed_while_there_is_nothing_to_publish(house: House) -> None:
    await house.buffer.fill("a", b"1")
    async with house.publishing("a"):
        await house.buffer.drained("a")
        house.upstream.trouble = lambda _: UpstreamLost("away")
        (await house.upstream.line("a")).end(UpstreamLost("connection reset"))
        await until(lambda: house.health().state is State.STOPPED)
        house.upstream.trouble = lambda _: None
        # Back without a message: the state is true also when nothing is said.
        await until(lambda: house.health().state is State.FLOWING)
        await house.buffer.fill("a", b"2")
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"2"]


async def test_a_break_between_claim_and_publish_loses_nothing(house: House) -> None:
    await house.buffer.fill("a", b"1")
    async with house.running(house.lane(Backoff(first_s=0.001, limit_s=0.001))):
        for number in range(20):
            line = await house.upstream.line("a")
            # Both at once: the messages are there, and so is the end of the channel.
            await house.buffer.fill("a", b"%d" % number)
            line.end(UpstreamLost("connection reset"))
            await line.closed.wait()
        await house.buffer.drained("a")
    assert [message.sequence for message in house.upstream.received] == list(range(1, 22))


async def test_a_message_that_the_hub_can_never_take_does_not_block_its_lane(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.buffer.fill("a", b"1", TOO_LONG, b"2", TOO_LONG, b"3")
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"2", b"3"]
    assert house.health().counters["refused"] == 2
    assert house.health().counters["messages"] == 3
    assert [(message.sequence, reason) for message, reason in house.buffer.refused] == [
        (2, "it is too long"),
        (4, "it is too long"),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "upstream a: message a-00000001-2 is put into the quarantine: it is too long"
    ]


async def test_a_claim_of_nothing_but_such_messages_goes(house: House) -> None:
    await house.buffer.fill("a", TOO_LONG, TOO_LONG)
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.received == []
    assert house.health().counters["refused"] == 2


async def test_such_a_message_is_counted_once_also_when_the_connection_breaks(house: House) -> None:
    breaks = [UpstreamLost("reset"), UpstreamLost("reset")]
    house.upstream.breaks = lambda message: breaks.pop() if message.sequence == 3 and breaks else None
    await house.buffer.fill("a", b"1", TOO_LONG, b"3", TOO_LONG)
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"3"]
    assert house.health().counters["refused"] == 2


async def test_cancelled_while_publishing_it_gives_its_claim_back(house: House) -> None:
    house.upstream.stuck = True
    await house.buffer.fill("a", b"1")
    async with house.publishing("a"):
        await (await house.upstream.line("a")).begun.wait()
        assert house.buffer.claims
    assert house.buffer.claims == {}
    assert house.buffer.stats().waiting == {"a": 1}
    assert house.upstream.open == {}


class Clock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("lived_s", "failures"), [(9.0, 2), (10.0, 1)])
async def test_only_a_connection_that_lived_makes_the_waits_short_again(
    house: House, lived_s: float, failures: int
) -> None:
    clock, backoff = Clock(), Backoff(first_s=0.001, limit_s=0.001)
    backoff.next_s()
    await house.buffer.fill("a", b"1")
    async with house.running(house.lane(backoff, clock)):
        line = await house.upstream.line("a")
        await house.buffer.drained("a")
        clock.now_s = lived_s
        line.end(UpstreamLost("reset"))
        await until(lambda: len(house.upstream.asked) == 2)
        assert backoff.failures == failures


async def test_an_outage_of_the_hub_does_not_count_against_the_identities(house: House) -> None:
    backoff = Backoff(first_s=0.001, limit_s=300)
    house.upstream.trouble = lambda _: UpstreamLost("away")
    await house.buffer.fill("a", b"1")
    async with house.running(house.lane(backoff)):
        await until(lambda: len(house.upstream.asked) > 10)
        assert backoff.failures == 0
        house.upstream.trouble = lambda _: None
        await house.buffer.drained("a")


async def test_a_bug_is_not_swallowed(house: House) -> None:
    def broken(_: object) -> UpstreamLost:
        raise ZeroDivisionError

    house.upstream.breaks = broken
    await house.buffer.fill("a", b"1")
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(LIMIT_S):
            await publisher.run(house.upstream, house.buffer, ["a"], house.board, Governor(QUICK))
    assert caught.value.split(ZeroDivisionError)[1] is None


async def test_an_identity_that_comes_later_is_served(house: House) -> None:
    lanes = Publisher(house.upstream, house.buffer, house.board, Governor(QUICK))
    lanes.serve(["a"])
    async with house.running(lanes.run()):
        await house.buffer.fill("b", b"1")
        lanes.serve(["a", "b"])
        await house.buffer.drained("b")


async def test_an_identity_that_leaves_is_served_until_nothing_of_it_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "DISMISS_S", 0.01)
    away = True
    house.upstream.trouble = lambda identity: UpstreamLost("away") if identity == "b" and away else None
    lanes = Publisher(house.upstream, house.buffer, house.board, Governor(QUICK))
    lanes.serve(["a", "b"])
    async with house.running(lanes.run()):
        await house.buffer.fill("b", b"1")
        await until(lambda: house.health("b").state is State.STOPPED)
        lanes.serve(["a"])
        await asyncio.sleep(0.05)  # five looks at what waits
        assert "publish b" in running()
        away = False
        await house.buffer.drained("b")
        await until(lambda: "publish b" not in running())
        assert "publish a" in running()
        await until(lambda: "b" not in house.upstream.open)


def running() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


# What the hub never takes, and what breaks every connection.


async def test_while_nothing_can_be_put_aside_nothing_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publisher, "QUARANTINE_AGAIN_S", 0.001)
    refuse, left = house.buffer.refuse, 5

    async def full(claim: Claim, reason: str, count: int = 1) -> None:
        nonlocal left
        if left:
            left -= 1
            await house.buffer.give_back(claim)
            raise BufferFull("disk")
        await refuse(claim, reason, count)

    monkeypatch.setattr(house.buffer, "refuse", full)
    await house.buffer.fill("a", b"1", TOO_LONG, b"3")
    async with house.publishing("a"):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"3"]
    assert house.health().counters["refused"] == len(house.buffer.refused) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def poisoned(message: Stored) -> UpstreamLost | None:
    return UpstreamLost("connection reset") if message.body == b"poison" else None


async def test_a_message_that_breaks_every_connection_is_put_aside_and_the_rest_arrives(house: House) -> None:
    house.upstream.breaks = poisoned
    await house.buffer.fill("a", b"1", b"2", b"poison", b"4", b"5")
    async with house.running(house.lane(Backoff(first_s=0.001, limit_s=0.001))):
        await house.buffer.drained("a")
    assert house.upstream.bodies("a") == [b"1", b"2", b"4", b"5"]
    assert [(message.sequence, reason) for message, reason in house.buffer.refused] == [
        (3, "the connection breaks whenever it is sent: connection reset")
    ]
    assert len(house.upstream.asked) == TRIES + 2, "once among others, then alone"


async def test_a_hub_that_takes_nothing_condemns_no_backlog(house: House) -> None:
    house.upstream.breaks = lambda _: UpstreamLost("connection reset")
    await house.buffer.fill("a", *[b"%d" % number for number in range(50)])
    async with house.running(house.lane(Backoff(first_s=0.0001, limit_s=0.0001))):
        await until(lambda: len(house.upstream.asked) > 10 * TRIES)
        assert len(house.buffer.refused) <= 2
        house.upstream.breaks = lambda _: None
        await house.buffer.drained("a")
    assert len(house.upstream.bodies("a")) >= 48


async def test_who_waits_long_while_others_get_through_is_parked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "PARK_S", 0.0)
    house.upstream.trouble = lambda identity: UpstreamLost("server unavailable") if identity == "a" else None
    async with house.publishing("a", "b"):
        await house.buffer.fill("b", b"1")
        await house.buffer.drained("b")
        await house.buffer.fill("a", b"1")
        await until(lambda: house.buffer.parked == {"a": "server unavailable"})


@pytest.mark.slow
async def test_on_a_slow_line_an_alarm_overtakes_within_two_seconds(house: House) -> None:
    """800 bytes a second and scans of 100 bytes: twenty of them would take 2.5 s."""
    house.upstream.bytes_per_s = 800
    await house.buffer.fill("a", *[bytes(100)] * 900)
    async with house.running(house.lane(Backoff(first_s=0.001, limit_s=0.001)), limit_s=15):
        await until(lambda: len(house.upstream.received) > 24)
        begun = time.monotonic()
        await house.buffer.append([Message("a", 0, "", b"alarm", Priority.ALARM)])
        await until(lambda: b"alarm" in house.upstream.bodies("a"))
        assert time.monotonic() - begun < 2.0
