"""Points are set on a living line: once, before all polls, and with the truth about what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.modbus import pdu
from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.exchange import Unsent
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import TIMEOUT, LinkLost, NotWritten, Point, Value, Writable
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import TIMEOUT_S, line, nothing_false, points, values

ADDRESSES = {
    "relay": Address(at=3, table="coil", type="bool"),
    "mode": Address(at=10),
    "setpoint": Address(at=12, type="float32", order="CDAB"),
    "enable": Address(at=20, type="bool", bits=(3, 3)),
    "step": Address(at=21, type="uint16", bits=(4, 7)),
    "level": Address(at=22, type="uint8", byte="high"),
    "span": Address(at=24, type="uint32", bits=(12, 19)),
    "name": Address(at=26, type="string", length=4),
    "voltage": Address(at=0, table="input"),
}
POINT = {name: index for index, name in enumerate(ADDRESSES)}


@asynccontextmanager
async def plc(device: Device, every_s: float = 60, **settings: Any) -> AsyncIterator[Poller]:
    connect = Connect(modbus=device.endpoint, unit_id=1, **{"timeout": TIMEOUT_S} | settings)
    device.units[1].bits[1] = dict.fromkeys(range(8), False)
    given = [Point("plc", connect, name, address, every_s) for name, address in ADDRESSES.items()]
    async with line(given) as session:
        assert isinstance(session, Poller)
        yield session


def functions(device: Device) -> list[int]:
    return [request[7] for request in device.requests]


def registers(device: Device, *places: int) -> list[int]:
    return [device.units[1].registers[3][place] for place in places]


async def refusal(session: Poller, name: str, value: Value) -> NotWritten:
    with pytest.raises(NotWritten) as caught:
        await session.write(POINT[name], value)
    return caught.value


@pytest.mark.parametrize(
    ("name", "value", "function"),
    [
        ("relay", True, 5),
        ("mode", 7, 6),
        ("setpoint", 230.25, 16),
        ("enable", True, 22),
        ("step", 9, 22),
        ("level", 200, 22),
        ("name", "PUMP-1", 16),
    ],
)
async def test_a_point_is_set_with_one_request_and_is_what_was_written(
    device: Device, name: str, value: Value, function: int
) -> None:
    async with plc(device) as session:
        assert isinstance(session, Writable)
        await session.write(POINT[name], value)
        assert functions(device) == [function]
        found = await session.fetch(POINT[name])
    assert (found.point, found.value) == (POINT[name], value)
    assert session.counters["writes"] == 1


async def test_bits_of_a_register_are_set_without_its_others(device: Device) -> None:
    device.units[1].registers[3] |= {20: 0xF0F0, 21: 0x1234, 22: 0x5678, 24: 0xFFFF, 25: 0xFFFF}
    async with plc(device) as session:
        for name, value in {"enable": True, "step": 0xA, "level": 0xBB, "span": 0}.items():
            await session.write(POINT[name], value)
    assert registers(device, 20, 21, 22, 24, 25) == [0xF0F8, 0x12A4, 0xBB78, 0xFFF0, 0x0FFF]


async def test_bits_of_a_device_without_masks_are_read_changed_and_written_back_with_nothing_between(
    device: Device,
) -> None:
    device.units[1].unknown = {22}
    device.units[1].registers[3][21] = 0x1234
    async with plc(device, every_s=0.005) as session:
        reading = asyncio.create_task(_read(session))
        for value in (0xA, 0xB):
            await asyncio.sleep(0.02)
            await session.write(POINT["step"], value)
        reading.cancel()
    assert registers(device, 21) == [0x12B4]
    asked = functions(device)
    assert asked.count(22) == 1, "it is remembered that the device does not know it"
    for place in (place for place, function in enumerate(asked) if function == 6):
        assert device.requests[place - 1][7:12] == bytes.fromhex("03 0015 0001")


async def _read(session: Poller) -> None:
    while True:
        await session.read()


async def test_a_device_that_knows_only_one_function_is_written_with_it(device: Device) -> None:
    device.units[1].unknown = {5, 6}
    async with plc(device) as session:
        for value in (7, 8):
            await session.write(POINT["mode"], value)
        await session.write(POINT["relay"], True)
    assert registers(device, 10) == [8]
    assert device.units[1].bits[1][3] is True
    assert functions(device) == [6, 16, 16, 5, 15]


async def test_a_refused_write_is_told_in_words_and_not_sent_again(device: Device) -> None:
    device.units[1].faults = {10: 3}
    async with plc(device) as session:
        told = await refusal(session, "mode", 7)
    assert str(told) == "mode: the device refused: exception 3: illegal data value"
    assert not told.unknown
    assert functions(device) == [6]
    assert registers(device, 10) == [1111]


async def test_what_cannot_be_written_sends_nothing(device: Device) -> None:
    async with plc(device) as session:
        assert str(await refusal(session, "voltage", 7)) == "voltage: input registers can only be read"
        assert "does not fit" in str(await refusal(session, "mode", 70000))
    assert device.requests == []


async def test_a_write_without_an_answer_is_unknown_and_never_sent_twice(device: Device) -> None:
    device.mangle = lambda request, answer: []
    async with plc(device) as session:
        told = await refusal(session, "mode", 7)
        assert str(told) == "mode: no answer in time; it is unknown whether it was carried out"
        device.mangle = None
        assert (await session.fetch(POINT["mode"])).value == 7, "it had been"
    assert functions(device) == [6, 3]


async def test_a_write_during_which_the_connection_is_lost_is_unknown_and_never_sent_twice(device: Device) -> None:
    def cut(request: bytes, answer: bytes) -> list[bytes | float]:
        device.cut()
        return []

    device.mangle = cut
    async with plc(device) as session:
        told = await refusal(session, "mode", 7)
        device.mangle = None
        assert told.unknown
        assert (await session.fetch(POINT["mode"])).value == 7
    assert functions(device) == [6, 3]


async def test_a_write_finds_a_connection_that_was_closed_and_is_sent_once_on_a_new_one(device: Device) -> None:
    async with plc(device) as session:
        device.cut()
        while device.connections:
            await asyncio.sleep(0.001)
        await session.write(POINT["mode"], 7)
    assert functions(device) == [6]
    assert device.accepted == 2


async def test_a_write_to_a_device_that_cannot_be_reached_sent_nothing(device: Device) -> None:
    async with plc(device) as session:
        await device.unplug()
        with pytest.raises((LinkLost, OSError)):
            await session.write(POINT["mode"], 7)
    assert device.requests == []


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("mode", 7, lambda answer: answer[:-1] + b"\x08"),
        ("mode", 7, lambda answer: answer[:8] + b"\0\x0b" + answer[10:]),
        ("setpoint", 1.5, lambda answer: answer[:-1] + b"\x01"),
        ("relay", True, lambda answer: answer[:-2] + b"\0\0"),
        ("enable", True, lambda answer: answer[:-1] + b"\0"),
        ("mode", 7, lambda answer: answer[:5] + b"\x05" + answer[6:7] + b"\x03\x02\x00\x07"),
        ("mode", 7, lambda answer: answer[:6] + b"\x02" + answer[7:]),
        ("mode", 7, lambda answer: b"\0\0" + answer[2:]),
    ],
    ids=["value", "address", "count", "coil", "mask", "the answer to a read", "unit", "transaction 0"],
)
async def test_a_wrong_echo_is_no_success_and_the_line_recovers(
    device: Device, name: str, value: Value, wrong: Any
) -> None:
    device.mangle = lambda request, answer: [wrong(answer)]
    async with plc(device) as session:
        told = await refusal(session, name, value)
        device.mangle = None
        assert told.unknown
        assert told.reason.startswith("wrong answer: ")
        assert (await session.fetch(POINT[name])).value == value
    assert sum(function not in (1, 3) for function in functions(device)) == 1


async def test_polls_and_writes_do_not_get_into_each_other(device: Device) -> None:
    under_way = 0

    async def slowly(request: bytes, answer: bytes) -> list[bytes | float]:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0.001)
        under_way -= 1
        return [answer]

    device.mangle = slowly
    given = points(device, every_s=0.01)
    given += [Point(one.device, one.connect, "setpoint", Address(at=30), 60) for one in given]
    async with line(given) as session:
        assert isinstance(session, Poller)
        batches = []

        async def poll() -> None:
            while True:
                batches.append(await session.read())

        polling = asyncio.create_task(poll())
        for number in range(50):
            await session.write(2 + number % 2, number)
            assert (await session.fetch(2 + number % 2)).value == number
        polling.cancel()
        looked = await session.look()
    assert len(looked) == 4
    flowing = [batch for batch in batches if batch.readings[0].point < 2]
    nothing_false(flowing)
    assert len(flowing) > 10


async def test_a_write_waits_only_for_the_request_under_way(device: Device) -> None:
    device.mangle = lambda request, answer: [0.01, answer]
    many = [*points(device, [1], at=range(0, 40, 10), every_s=0.05), *points(device, [2], every_s=0.05)]
    loop = asyncio.get_running_loop()
    async with line(many) as session:
        assert isinstance(session, Poller)
        polling = asyncio.create_task(_read(session))
        waits = []
        for _ in range(10):
            await asyncio.sleep(0.013)
            begin = loop.time()
            await session.write(0, 1111)
            waits.append(loop.time() - begin)
        polling.cancel()
    assert max(waits) < 0.04, "its own 10 ms and those of the one before"


async def test_a_silent_unit_that_confirms_a_write_is_read_again_at_once(device: Device) -> None:
    device.silent.add(1)
    async with line(points(device)) as session:
        assert isinstance(session, Poller)
        failures = 0
        while failures < SILENT_AFTER:
            failures += TIMEOUT in {reading.status for reading in (await session.read()).readings}
        device.silent.clear()
        await session.write(0, 1111)
        batches: Iterable[Any] = [await session.read() for _ in range(3)]
    assert [1111] in [values(batch) for batch in batches]


async def test_a_silent_unit_that_is_heard_ends_the_rest_of_the_polls(device: Device) -> None:
    device.silent.add(1)
    given = [*points(device, [1]), *points(device, [2], every_s=3600)]
    async with line(given) as session:
        assert isinstance(session, Poller)
        failures = 0
        while failures < SILENT_AFTER + 1:
            failures += TIMEOUT in {reading.status for reading in (await session.read()).readings}

        async def next_of_the_first() -> list[object]:
            while (found := values(await session.read())) == [2222]:  # asked whether the line is dead
                pass
            return found

        reading = asyncio.create_task(next_of_the_first())
        await asyncio.sleep(0.01)
        device.silent.clear()
        assert (await session.fetch(0)).value == 1111
        async with asyncio.timeout(2 * TIMEOUT_S):
            assert await reading == [1111]


@pytest.mark.parametrize("error", [Unsent("gone"), pdu.SilenceWrong("silence", "busy all the time")])
async def test_a_write_that_was_not_sent_is_not_unknown(
    device: Device, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def unsent(*_: object, **__: object) -> bytes:
        raise error

    async with plc(device) as session:
        monkeypatch.setattr(session._traffic, "send", unsent)
        assert not (await refusal(session, "mode", 7)).unknown


async def test_what_is_read_before_a_write_is_no_answer_of_before(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.units[1].unknown = {22}
    async with plc(device) as session:
        asked: list[tuple[int, bool]] = []
        send = session._traffic.send

        async def noted(unit: int, ask: pdu.Ask, timeout_s: float, *, fresh: bool = False) -> bytes:
            asked.append((ask.function, fresh))
            return await send(unit, ask, timeout_s, fresh=fresh)

        monkeypatch.setattr(session._traffic, "send", noted)
        await session.write(POINT["step"], 5)
    assert (3, True) in asked


async def test_a_write_that_is_cancelled_leaves_the_line_in_order(device: Device) -> None:
    device.mangle = lambda request, answer: [0.02, answer]
    async with plc(device) as session:
        writing = asyncio.create_task(session.write(POINT["mode"], 7))
        await asyncio.sleep(0.01)
        writing.cancel()
        assert (await session.fetch(POINT["mode"])).value == 7
        await session.write(POINT["mode"], 8)
        assert (await session.fetch(POINT["mode"])).value == 8


async def test_a_point_that_cannot_be_fetched_says_why(device: Device) -> None:
    device.units[1].faults = {10: 4}
    async with plc(device) as session:
        found = await session.fetch(POINT["mode"])
    assert (found.value, found.status.reason) == (None, "exception 4: device failure")
