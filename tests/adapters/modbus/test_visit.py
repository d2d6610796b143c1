"""A line visited gently: what an answer is, and that a line which was lost is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.visit import Heard, Miss, Visit, visit
from tests.adapters.modbus.device import Device

FIRST = pdu.read(3, 0, 1)
NOWHERE = pdu.read(3, 9999, 1)


def settings(device: Device, **more: float) -> Connect:
    return Connect(modbus=device.endpoint, **{"timeout": 0.1, **more})


@pytest.fixture
async def line(device: Device) -> AsyncIterator[Visit]:
    async with visit(settings(device), 1000) as made:
        yield made


def kind(heard: Heard) -> str:
    return heard.kind if isinstance(heard, Miss) else "data"


async def test_each_way_to_answer_is_told_apart(device: Device, line: Visit) -> None:
    assert await line.ask(1, FIRST) == (1111).to_bytes(2, "big")
    refused = await line.ask(1, NOWHERE)
    assert isinstance(refused, Miss)
    assert (refused.kind, refused.status.code) == ("refused", 2)
    assert kind(await line.ask(9, FIRST)) == "silent"
    device.mangle = lambda request, answer: [answer[:6] + b"\x02" + answer[7:]]
    wrong = await line.ask(1, FIRST)
    assert isinstance(wrong, Miss)
    assert (wrong.kind, wrong.status.reason) == ("wrong", "wrong answer: unit 2 instead of 1")
    assert [line.counters[name] for name in ("refused", "silent", "wrong", "closed")] == [1, 1, 1, 0]


async def test_after_a_wrong_answer_a_new_connection_is_made(device: Device, line: Visit) -> None:
    device.mangle = lambda request, answer: [b"\xff" * 20]
    assert kind(await line.ask(1, FIRST)) == "wrong"
    device.mangle = None
    assert kind(await line.ask(1, FIRST)) == "data"
    assert (device.accepted, device.connections) == (2, 1)


async def test_after_the_device_has_closed_the_connection_it_is_made_anew(device: Device, line: Visit) -> None:
    def close(request: bytes, answer: bytes) -> Iterable[bytes | float]:
        device.cut()
        return []

    device.mangle = close
    assert kind(await line.ask(1, FIRST)) == "closed"
    device.mangle = None
    assert kind(await line.ask(1, FIRST)) == "data"
    assert device.accepted == 2


async def test_requests_are_as_far_apart_as_was_said(device: Device) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with visit(settings(device), 20) as line:
        for _ in range(4):
            assert kind(await line.ask(1, FIRST)) == "data"
    assert 0.15 <= loop.time() - began < 1.0


async def test_the_delay_and_the_pause_of_a_device_are_kept(device: Device) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with visit(settings(device, delay=0.06, pause=0.1), 1000) as line:
        await line.ask(1, FIRST)
        assert loop.time() - began >= 0.1
        await line.ask(1, FIRST)
        assert loop.time() - began >= 0.16
        assert line.took_s < 0.06


async def test_nothing_is_left_open(device: Device) -> None:
    async with visit(settings(device), 1000) as line:
        await line.ask(1, FIRST)
        assert device.connections == 1
    async with asyncio.timeout(1):
        while device.connections:
            await asyncio.sleep(0.001)


async def test_a_line_that_cannot_be_opened_is_an_error_of_its_own(device: Device) -> None:
    await device.unplug()
    async with visit(settings(device), 1000) as line:
        with pytest.raises(ConnectionRefusedError):
            await line.ask(1, FIRST)
