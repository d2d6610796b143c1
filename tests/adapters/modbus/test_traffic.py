"""One request at a time for all who ask, and connections that come and go without a word."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from adapters.modbus import pdu, wire
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.settings import Connect
from adapters.modbus.traffic import HeldBack, Traffic
from gateway.adapter import LinkLost
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import LIMIT_S, TIMEOUT_S

READ = pdu.read(3, 0, 1)
HELD = (1111).to_bytes(2, "big")


@asynccontextmanager
async def traffic(device: Device, **settings: Any) -> AsyncIterator[Traffic]:
    made = Traffic([Connect(modbus=device.endpoint, **{"timeout": TIMEOUT_S} | settings)], Counter())
    async with asyncio.timeout(LIMIT_S):
        await made.open()
        try:
            yield made
        finally:
            await made.close()


def places(device: Device) -> list[int]:
    """Which addresses were asked for, in order."""
    return [int.from_bytes(request[8:10], "big") for request in device.requests]


async def until(condition: Any) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.001)


async def test_whoever_asks_waits_for_the_answer_to_the_one_before(device: Device) -> None:
    under_way = 0

    async def slowly(request: bytes, answer: bytes) -> list[bytes | float]:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.002)
        under_way -= 1
        return [answer]

    device.mangle = slowly
    async with traffic(device) as line:
        answers = await asyncio.gather(*(line.ask(1, READ, TIMEOUT_S) for _ in range(10)))
    assert answers == [HELD] * 10


async def test_what_is_urgent_waits_for_one_request_at_most(device: Device) -> None:
    device.mangle = lambda request, answer: [0.01, answer]
    async with traffic(device) as line:
        polls = [asyncio.create_task(line.ask(1, pdu.read(3, at, 1), TIMEOUT_S)) for at in range(6)]
        await until(lambda: device.requests)
        async with line.held():
            await line.ready()
            await line.send(1, pdu.write_register(30, 5), TIMEOUT_S)
            await line.send(1, pdu.read(3, 30, 1), TIMEOUT_S)
        await asyncio.gather(*polls)
    assert places(device) == [0, 30, 30, 1, 2, 3, 4, 5]


async def test_the_delay_between_requests_is_kept_whoever_asks(device: Device) -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    def note(request: bytes, answer: bytes) -> list[bytes | float]:
        times.append(loop.time())
        return [answer]

    device.mangle = note
    async with traffic(device, delay=0.02) as line:
        await asyncio.gather(*(line.ask(1, READ, TIMEOUT_S, urgent=urgent) for urgent in (False, True) * 3))
        async with line.held():
            for _ in range(3):
                await line.send(1, READ, TIMEOUT_S)
    assert all(later - earlier >= 0.019 for earlier, later in pairwise(times))
    assert len(times) == 9


async def test_what_is_urgent_and_comes_during_the_delay_is_sent_first(device: Device) -> None:
    async with traffic(device, delay=0.05) as line:
        await line.ask(1, pdu.read(3, 0, 1), TIMEOUT_S)
        poll = asyncio.create_task(line.ask(1, pdu.read(3, 1, 1), TIMEOUT_S))
        await asyncio.sleep(0.01)
        await line.ask(1, pdu.read(3, 30, 1), TIMEOUT_S, urgent=True)
        await poll
    assert places(device) == [0, 30, 1]


async def test_who_waits_for_the_delay_when_the_line_is_closed_is_told(device: Device) -> None:
    async with traffic(device, delay=1) as line:
        await line.ask(1, READ, TIMEOUT_S)
        waiting = asyncio.create_task(line.ask(1, READ, TIMEOUT_S))
        await asyncio.sleep(0.01)
    with pytest.raises(LinkLost, match="closed"):
        await waiting


async def test_after_connecting_there_is_a_pause(device: Device) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with traffic(device, pause=0.05) as line:
        await line.ask(1, READ, TIMEOUT_S)
        assert loop.time() - begin >= 0.05
        device.cut()
        await until(lambda: not device.connections)
        begin = loop.time()
        await line.ask(1, READ, TIMEOUT_S)
        assert loop.time() - begin >= 0.05, "and after connecting again"


async def test_a_connection_that_was_closed_is_made_anew_for_the_next_request(device: Device) -> None:
    async with traffic(device) as line:
        for _ in range(3):
            assert await line.ask(1, READ, TIMEOUT_S) == HELD
            device.cut()
            await until(lambda: not device.connections)
    assert device.accepted == 3


async def test_a_request_during_which_the_connection_is_lost_is_asked_once_more(device: Device) -> None:
    cuts = iter([True])

    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        if next(cuts, False):
            device.cut()
            return []
        return [answer]

    device.mangle = cut
    async with traffic(device) as line:
        assert await line.ask(1, READ, TIMEOUT_S) == HELD
    assert len(device.requests) == 2


async def test_a_request_that_loses_the_new_connection_too_is_lost(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    async with traffic(device) as line:
        with pytest.raises(LinkLost, match="connection"):
            await line.ask(1, READ, TIMEOUT_S)
    assert len(device.requests) == 2


async def test_a_connection_that_is_closed_while_nothing_is_due_is_made_anew_at_once(device: Device) -> None:
    async with traffic(device) as line:
        await line.ask(1, READ, TIMEOUT_S)
        resting = asyncio.create_task(line.rest(asyncio.get_running_loop().time() + 60))
        await asyncio.sleep(0)
        device.cut()
        await until(lambda: device.accepted == 2)
        assert not resting.done()
        device.cut()
        await until(lambda: not device.connections)
        await asyncio.sleep(0.02)
        assert device.accepted == 2, "who closes it again without a request is left in peace until there is one"
        assert not resting.done()
        assert await line.ask(1, READ, TIMEOUT_S) == HELD
        resting.cancel()


async def test_a_device_that_is_gone_while_nothing_is_due_is_noticed_at_once(device: Device) -> None:
    async with traffic(device) as line:
        await line.ask(1, READ, TIMEOUT_S)
        resting = asyncio.create_task(line.rest(asyncio.get_running_loop().time() + 60))
        await asyncio.sleep(0)
        await device.unplug()
        with pytest.raises((LinkLost, OSError)):
            await resting


async def test_a_connection_that_must_have_been_closed_is_not_used(device: Device) -> None:
    async with traffic(device, idle=0.03) as line:
        await line.ask(1, READ, TIMEOUT_S)
        await line.ask(1, READ, TIMEOUT_S)
        assert device.accepted == 1
        await asyncio.sleep(0.04)
        async with line.held():
            await line.ready()
            await line.send(1, pdu.write_register(0, 7), TIMEOUT_S)
    assert device.accepted == 2
    assert len(device.requests) == 3


async def test_who_waits_when_the_line_is_closed_is_told_and_nothing_is_opened_again(device: Device) -> None:
    device.silent.add(1)
    async with traffic(device, timeout=10) as line:
        tasks = [asyncio.create_task(line.ask(1, READ, 10.0, urgent=urgent)) for urgent in (False, False, True)]
        await until(lambda: device.requests)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, LinkLost) for result in results)
    with pytest.raises(LinkLost, match="closed"):
        await line.ask(1, READ, TIMEOUT_S)
    await until(lambda: not device.connections)
    assert device.accepted == 1


async def test_a_line_that_is_closed_while_it_is_opened_again_leaves_nothing_open(device: Device) -> None:
    async with traffic(device, pause=0.05) as line:
        device.cut()
        await until(lambda: not device.connections)
        asking = asyncio.create_task(line.ask(1, READ, TIMEOUT_S))
        await until(lambda: device.accepted == 2)
    with pytest.raises(LinkLost):
        await asking
    await until(lambda: not device.connections)
    assert device.accepted == 2


async def test_a_connection_that_comes_after_the_line_was_closed_is_closed(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = wire.opened
    slow = asyncio.Event()

    async def slowly(*arguments: Any) -> wire.Wire:
        made = await opened(*arguments)
        await slow.wait()
        return made

    async with traffic(device) as line:
        device.cut()
        await until(lambda: not device.connections)
        monkeypatch.setattr(wire, "opened", slowly)
        asking = asyncio.create_task(line.ask(1, READ, TIMEOUT_S))
        await until(lambda: device.accepted == 2)
        asyncio.get_running_loop().call_later(0.02, slow.set)
    assert slow.is_set(), "close waits for it"
    with pytest.raises(LinkLost, match="closed"):
        await asking
    await until(lambda: not device.connections)


async def test_a_line_that_is_given_up_during_its_pause_leaves_nothing_open(device: Device) -> None:
    line = Traffic([Connect(modbus=device.endpoint, pause=9.0)], Counter())
    opening = asyncio.create_task(line.open())
    await until(lambda: device.connections)
    await asyncio.sleep(0.01)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await until(lambda: not device.connections)


@pytest.mark.parametrize("connected", [True, False])
async def test_a_rest_is_woken_with_and_without_a_connection(device: Device, connected: bool) -> None:
    async with traffic(device) as line:
        resting = asyncio.create_task(line.rest(asyncio.get_running_loop().time() + 60))
        await asyncio.sleep(0.01)
        if not connected:
            device.cut()
            await until(lambda: not device.connections)
            await asyncio.sleep(0.01)
        assert not resting.done()
        line.wake()
        async with asyncio.timeout(1.0):
            await resting


async def test_a_request_that_costs_the_connection_each_time_is_left_alone_and_the_others_keep_it(
    device: Device,
) -> None:
    def wrongly(request: bytes, answer: bytes) -> list[bytes | float]:
        return [answer[:6] + b"\x09" + answer[7:] if request[8:10] == b"\0\7" else answer]

    device.mangle = wrongly
    async with traffic(device, timeout=0.1) as line:
        for _ in range(40):
            with pytest.raises((pdu.UnitWrong, HeldBack), match="unit 9 instead of 1"):
                await line.ask(1, pdu.read(3, 7, 1), 0.1)
            assert await line.ask(1, READ, TIMEOUT_S) == HELD
            await asyncio.sleep(0.005)
        assert places(device).count(7) <= SILENT_AFTER + 1
        assert places(device).count(0) == 40
        assert device.accepted <= SILENT_AFTER + 2
        asked = places(device).count(7)
        with pytest.raises(pdu.UnitWrong):
            await line.ask(1, pdu.read(3, 7, 1), 0.1, urgent=True)
        assert places(device).count(7) == asked + 1, "who asks by hand is answered"
        device.mangle = None
        assert await line.ask(1, pdu.read(3, 7, 1), 0.1, urgent=True) == HELD


async def test_a_part_of_an_answer_each_time_is_left_alone_too(device: Device) -> None:
    device.mangle = lambda request, answer: [answer[:-1]]
    async with traffic(device, timeout=0.02) as line:
        for _ in range(SILENT_AFTER):
            with pytest.raises(TimeoutError):
                await line.ask(1, READ, 0.02)
        with pytest.raises(HeldBack, match="a part of"):
            await line.ask(1, READ, 0.02)
    assert len(device.requests) == SILENT_AFTER


async def test_a_unit_for_which_a_box_hangs_up_does_not_cost_the_others_the_line(device: Device) -> None:
    def hang_up(request: bytes, answer: bytes) -> list[bytes | float]:
        if request[6] in hung_up:
            device.cut()
            return []
        return [answer]

    hung_up = {1}
    device.mangle = hang_up
    async with traffic(device) as line:
        for _ in range(10):
            assert await line.ask(2, READ, TIMEOUT_S) == (2222).to_bytes(2, "big")
            with pytest.raises((pdu.ClosedWrong, HeldBack), match="connection closed, twice, instead of an answer"):
                await line.ask(1, READ, TIMEOUT_S)
        assert device.accepted <= 1 + 2 * (SILENT_AFTER + 1)
        hung_up.add(2)
        with pytest.raises(LinkLost):
            await line.ask(2, READ, TIMEOUT_S)


async def test_a_device_that_does_not_take_the_new_connection_is_gone_and_not_only_silent(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> wire.Wire:
        await asyncio.sleep(60)
        raise AssertionError

    async with traffic(device) as line:
        device.cut()
        await until(lambda: not device.connections)
        monkeypatch.setattr(wire, "opened", never)
        with pytest.raises(LinkLost, match="no answer in time"):
            await line.ask(1, READ, TIMEOUT_S)


async def test_devices_that_say_differently_what_the_line_has_once_are_told_before_anything_is_opened() -> None:
    connects = [Connect(modbus="rtu:///dev/none", baud=baud) for baud in (9600, 19200)]
    with pytest.raises(LinkLost, match=r"^baud is 9600 here and 19200 there, on the same line$") as caught:
        await Traffic(connects, Counter()).open()
    assert "alike" in caught.value.remedy


async def test_devices_of_one_line_are_all_heeded(device: Device) -> None:
    connects = [Connect(modbus=device.endpoint, timeout=t, delay=d) for t, d in ((0.1, 0.0), (0.3, 0.05), (0.2, 0.01))]
    made = Traffic(connects, Counter())
    assert (made._patience_s, made._delay_s) == (0.3, 0.05)
