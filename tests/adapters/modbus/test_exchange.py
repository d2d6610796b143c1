"""What waits on a transport: an answer, a rest, and both when the transport is gone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from adapters.modbus import pdu, rtu
from adapters.modbus.exchange import Exchange, Unsent, loss
from adapters.modbus.halfduplex import AT_ONCE, HalfDuplex
from adapters.modbus.mbap import Mbap
from gateway.adapter import LinkLost
from tests.adapters.modbus.peers import seal_rtu

READ = pdu.read(3, 0, 1)


class Transport:
    """Keeps what is sent."""

    def __init__(self, exchange: Exchange) -> None:
        self.sent: list[bytes] = []
        self._exchange = exchange
        exchange.connection_made(self)

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self._exchange.connection_lost, None)


def on_tcp() -> tuple[Exchange, Transport]:
    counters: Counter[str] = Counter()
    exchange = Exchange(Mbap(counters), counters)
    return exchange, Transport(exchange)


def on_rtu() -> tuple[Exchange, Transport]:
    counters: Counter[str] = Counter()
    exchange = Exchange(HalfDuplex(rtu, AT_ONCE, counters, asyncio.get_running_loop().time), counters)
    return exchange, Transport(exchange)


def answered(transport: Transport, data: bytes = b"\4\x57", unit: int = 1) -> bytes:
    return transport.sent[-1][:4] + bytes([0, 3 + len(data), unit, 3, len(data)]) + data


async def test_the_answer_is_given_to_who_asked() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    exchange.data_received(answered(transport))
    assert await asking == b"\4\x57"


async def test_a_refusal_leaves_the_stream_in_step() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    exchange.data_received(transport.sent[-1][:4] + b"\0\3\1\x83\2")
    with pytest.raises(pdu.Refusal):
        await asking
    assert exchange.broken is None


async def test_a_wrong_answer_breaks_a_stream_and_nothing_more_is_taken_from_it() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    exchange.data_received(answered(transport, unit=2))
    with pytest.raises(pdu.UnitWrong):
        await asking
    assert isinstance(exchange.broken, pdu.UnitWrong)
    exchange.data_received(answered(transport))
    await exchange.close()


async def test_garbage_behind_the_answer_breaks_the_stream_and_not_the_answer() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    exchange.data_received(answered(transport) + b"\xde\xad\xbe\xef\0\1")
    assert isinstance(exchange.broken, pdu.ProtocolWrong)
    assert await asking == b"\4\x57"


async def test_a_part_of_an_answer_is_a_timeout_and_breaks_the_stream() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 0.01))
    await asyncio.sleep(0)
    exchange.data_received(answered(transport)[:-1])
    with pytest.raises(TimeoutError):
        await asking
    assert isinstance(exchange.broken, pdu.LengthWrong)


async def test_a_wrong_answer_on_a_serial_line_is_told_after_a_silence_and_the_line_goes_on() -> None:
    exchange, transport = on_rtu()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    asking = asyncio.create_task(exchange.ask(1, READ, 5.0))
    while not transport.sent:
        await asyncio.sleep(0)
    exchange.data_received(seal_rtu(2, b"\3\2\4\x57"))
    with pytest.raises(pdu.UnitWrong):
        await asking
    assert loop.time() - begin < 1.0, "not only after the timeout"
    assert exchange.broken is None
    asking = asyncio.create_task(exchange.ask(1, READ, 5.0))
    while len(transport.sent) < 2:
        await asyncio.sleep(0.001)
    exchange.data_received(seal_rtu(1, b"\3\2\4\x57"))
    assert await asking == b"\4\x57"


async def test_a_request_that_is_cancelled_leaves_a_line_that_can_be_asked() -> None:
    exchange, transport = on_tcp()
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    late = answered(transport)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    asking = asyncio.create_task(exchange.ask(1, READ, 1.0))
    await asyncio.sleep(0)
    exchange.data_received(late)
    exchange.data_received(answered(transport, b"\1\1"))
    assert await asking == b"\1\1"


@pytest.mark.parametrize("first_s", [9.0, 0.02])
async def test_every_request_has_its_own_timeout(first_s: float) -> None:
    """Whether the timer of the one before it is due much later, or while this one still has time."""
    exchange, transport = on_tcp()
    loop = asyncio.get_running_loop()
    asking = asyncio.create_task(exchange.ask(1, READ, first_s))
    await asyncio.sleep(0)
    exchange.data_received(answered(transport))
    assert await asking == b"\4\x57"
    began = loop.time()
    async with asyncio.timeout(5.0):
        with pytest.raises(TimeoutError):
            await exchange.ask(1, READ, 0.06)
    assert loop.time() - began >= 0.06


async def test_who_waits_learns_at_once_that_the_line_is_gone() -> None:
    exchange, _ = on_tcp()
    waiting = [
        asyncio.create_task(exchange.ask(1, READ, 9.0)),
        asyncio.create_task(exchange.rest(asyncio.get_running_loop().time() + 9.0)),
    ]
    await asyncio.sleep(0)
    exchange.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, LinkLost)
        assert outcome.reason == "the connection broke: connection reset by peer"
    with pytest.raises(LinkLost):
        await exchange.ask(1, READ, 1.0)
    with pytest.raises(LinkLost):
        await exchange.rest(0.0)


async def test_all_who_rest_learn_that_the_line_is_gone_also_while_another_waits_until_it_may_send() -> None:
    exchange, transport = on_rtu()
    loop = asyncio.get_running_loop()
    silent = asyncio.create_task(exchange.ask(1, READ, 0.02))
    with pytest.raises(TimeoutError):
        await silent
    waiting: list[asyncio.Task[Any]] = [asyncio.create_task(exchange.rest(loop.time() + 9.0)) for _ in range(2)]
    await asyncio.sleep(0)
    # A late answer could be taken for that to this one: it waits 0.04 s, and is sent then.
    waiting.append(asyncio.create_task(exchange.ask(1, pdu.read(3, 7, 1), 9.0)))
    while len(transport.sent) < 2:
        await asyncio.sleep(0.001)
    exchange.connection_lost(None)
    async with asyncio.timeout(1.0):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LinkLost] * 3


async def test_a_late_answer_that_came_while_the_loop_was_held_up_is_not_the_next_ones() -> None:
    exchange, transport = on_rtu()
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        await exchange.ask(1, READ, 0.02)
    # As a stream does: what the kernel holds is handed over in the turn after the one in which it is seen.
    loop.call_soon(loop.call_soon, exchange.data_received, seal_rtu(1, b"\3\2\4\x57"))
    time.sleep(0.06)  # noqa: ASYNC251 (the stall)
    asking = asyncio.create_task(exchange.ask(1, pdu.read(3, 7, 1), 5.0))
    while len(transport.sent) < 2:
        await asyncio.sleep(0.001)
    exchange.data_received(seal_rtu(1, b"\3\2\x08\xae"))
    assert await asking == b"\x08\xae"


async def test_what_was_under_way_when_the_line_was_lost_is_owed() -> None:
    exchange, transport = on_rtu()
    asking = asyncio.create_task(exchange.ask(1, READ, 9.0))
    while not transport.sent:
        await asyncio.sleep(0)
    exchange.connection_lost(None)
    with pytest.raises(LinkLost) as caught:
        await asking
    assert not isinstance(caught.value, Unsent)
    assert exchange._talk.free_at(1, pdu.read(3, 7, 1)) > asyncio.get_running_loop().time() + 20


async def test_who_asks_on_a_lost_line_or_waits_until_it_may_send_learns_that_nothing_was_sent() -> None:
    exchange, transport = on_rtu()
    with pytest.raises(TimeoutError):
        await exchange.ask(1, READ, 0.1)
    waiting = asyncio.create_task(exchange.ask(1, pdu.read(3, 7, 1), 9.0))
    await asyncio.sleep(0)
    exchange.connection_lost(None)
    with pytest.raises(Unsent, match="closed the connection"):
        await waiting
    with pytest.raises(Unsent):
        await exchange.ask(1, READ, 1.0)
    assert len(transport.sent) == 1


async def test_a_rest_ends_when_it_is_woken() -> None:
    exchange, _ = on_tcp()
    resting = asyncio.create_task(exchange.rest(asyncio.get_running_loop().time() + 9.0))
    await asyncio.sleep(0)
    exchange.wake()
    async with asyncio.timeout(1.0):
        await resting


async def test_a_rest_ends_in_time() -> None:
    exchange, _ = on_tcp()
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.01
    await exchange.rest(until)
    assert loop.time() >= until
    await exchange.rest(until)


def test_a_loss_is_told_in_words() -> None:
    assert loss(None).reason == "the device closed the connection"
    assert loss(OSError("the adapter was unplugged")).reason == "the connection broke: the adapter was unplugged"
