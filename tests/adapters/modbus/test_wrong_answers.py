"""Answers that must not be believed: unit 1 gives them twice and is proper again, unit 2 is proper all the time.

Whatever comes, no false value comes out, unit 2 keeps being read, and the line recovers by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from adapters.modbus.breaker import SILENT_AFTER
from adapters.modbus.mbap import IGNORED_AT_MOST
from gateway.adapter import Batch
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import PERIOD_S, TIMEOUT_S, line, nothing_false, points, reasons, values

Rogue = Callable[[bytes], Sequence[bytes | float]]
FALSE = (6666).to_bytes(2, "big")
"""No register holds this."""


def field(place: int, data: bytes, payload: bytes = FALSE) -> Rogue:
    """One field of the answer changed, and a value that would be false."""

    def rogue(answer: bytes) -> Sequence[bytes | float]:
        frame = bytearray(answer[:-2] + payload)
        frame[place : place + len(data)] = data
        return [bytes(frame)]

    return rogue


def resized(payload: bytes) -> Rogue:
    """A frame that is right in itself, with more or fewer data than asked for."""
    size = len(payload)
    return lambda answer: [answer[:4] + (3 + size).to_bytes(2, "big") + answer[6:8] + bytes([size]) + payload]


WRONG: dict[str, Rogue] = {
    "transaction 0": field(0, b"\0\0"),
    "a transaction that was never asked": lambda answer: [
        ((int.from_bytes(answer[:2], "big") + 5) % 65536).to_bytes(2, "big") + answer[2:-2] + FALSE
    ],
    "another protocol": field(2, b"\0\1"),
    "length too large": field(4, b"\0\x07"),
    "length too small": field(4, b"\0\x04"),
    "length absurd": field(4, b"\xff\xff"),
    "another unit": field(6, b"\2"),
    "unit 0": field(6, b"\0"),
    "another read function": field(7, b"\4"),
    "a write function": field(7, b"\6"),
    "the exception of another function": lambda answer: [answer[:4] + b"\0\3" + answer[6:7] + b"\x84\2"],
    "byte count too small": field(8, b"\0"),
    "byte count too large": field(8, b"\x04"),
    "no data": resized(b""),
    "one byte": resized(b"\x1a"),
    "an odd number of bytes": resized(FALSE + b"\x1a"),
    "twice the data": resized(FALSE + FALSE),
    "125 registers": resized(125 * FALSE),
    "text": lambda answer: [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "garbage before": lambda answer: [b"\xde\xad\xbe\xef\x00\x01\x02", answer],
    "zeros before": lambda answer: [bytes(7), answer],
    "old answers for ever": lambda answer: (
        (IGNORED_AT_MOST + 5)
        * [((int.from_bytes(answer[:2], "big") - 2) % 65535 + 1).to_bytes(2, "big") + answer[2:-2] + FALSE]
    ),
}
TOO_LATE: dict[str, Rogue] = {
    "late": lambda answer: [1.5 * TIMEOUT_S, answer],
    "cut off": lambda answer: [answer[:-1]],
    "cut off in the header": lambda answer: [answer[:3]],
    "nothing": lambda answer: [],
}
HARMLESS: dict[str, Rogue] = {
    "byte by byte": lambda answer: [answer[place : place + 1] for place in range(len(answer))],
    "split with pauses": lambda answer: [answer[:4], 0.005, answer[4:8], 0.005, answer[8:]],
    "doubled": lambda answer: [answer + answer],
    "doubled later": lambda answer: [answer, 0.01, answer],
    "garbage after": lambda answer: [answer + b"\xde\xad\xbe\xef\x00\x01\x02"],
}


async def misbehave(device: Device, rogue: Rogue, times: int = 2) -> list[Batch]:
    """Batches until unit 1, after so many rogue answers, has been read properly twice."""
    left = times
    proper = 0
    batches: list[Batch] = []

    def mangle(request: bytes, answer: bytes) -> Sequence[bytes | float]:
        nonlocal left
        if request[6] == 2 or not left:
            return [answer]
        left -= 1
        return rogue(answer)

    device.mangle = mangle
    # The first answer is proper, so that there are old transactions to come back to.
    async with line(points(device)) as session:
        left = 0
        await session.read()
        left = times
        while proper < 2:
            batches.append(await session.read())
            proper += not left and values(batches[-1]) == [1111]
    return batches


def others_are_well(batches: list[Batch]) -> None:
    mine = [batch for batch in batches if batch.readings[0].point == 1]
    assert all(values(batch) == [2222] for batch in mine)


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_answer_is_never_a_value_and_the_line_recovers(device: Device, name: str) -> None:
    batches = await misbehave(device, WRONG[name])
    nothing_false(batches)
    others_are_well(batches)
    bad = [reason for batch in batches for reason in reasons(batch) if reason]
    assert len(bad) == 2
    assert all(reason.startswith("wrong answer: ") or reason == "timeout" for reason in bad)
    assert any(reason.startswith("wrong answer: ") for reason in bad) or name == "length too large"
    assert device.accepted == 3, "each wrong answer costs a new connection"


@pytest.mark.parametrize("name", TOO_LATE)
async def test_what_comes_too_late_is_a_timeout_and_never_the_next_answer(device: Device, name: str) -> None:
    batches = await misbehave(device, TOO_LATE[name])
    nothing_false(batches)
    others_are_well(batches)
    assert [reason for batch in batches for reason in reasons(batch) if reason] == ["timeout"] * 2


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_is_only_odd_is_read(device: Device, name: str) -> None:
    batches = await misbehave(device, HARMLESS[name])
    nothing_false(batches)
    assert all(reading.value is not None for batch in batches for reading in batch.readings)


async def test_late_answers_do_not_cost_the_connection(device: Device) -> None:
    await misbehave(device, TOO_LATE["late"])
    assert device.accepted == 1


async def test_answers_swapped_between_units_are_found_out(device: Device) -> None:
    """A gateway that mixes up its units answers with the memory of one under the name of the other's request."""
    waiting: list[bytes] = []

    def swap(request: bytes, answer: bytes) -> list[bytes | float]:
        waiting.append(answer)
        return [request[:2] + waiting[max(0, len(waiting) - 2)][2:]]

    device.mangle = swap
    async with line(points(device)) as session:
        batches = [await session.read() for _ in range(6)]
    nothing_false(batches)
    assert any("wrong answer: unit " in reason for batch in batches for reason in reasons(batch))


@pytest.mark.parametrize("wrong", ["of every block", "of one block", "cut off"])
async def test_a_unit_that_always_answers_wrongly_costs_the_others_a_few_connections_and_no_scan(
    device: Device, wrong: str
) -> None:
    """Also where it answers rightly to something else: then it is not a silent unit."""

    def mangle(request: bytes, answer: bytes) -> Sequence[bytes | float]:
        if request[6] == 2 or (wrong == "of one block" and request[8:10] == b"\0\0"):
            return [answer]
        return [answer[:-1]] if wrong == "cut off" else field(6, b"\x09")(answer)

    device.mangle = mangle
    given = [*points(device, (2,)), *points(device, (1,), at=(0, 30))]
    loop = asyncio.get_running_loop()
    read: list[float] = []
    async with line(given) as session:
        begin = loop.time()
        while loop.time() < begin + 30 * PERIOD_S:
            batch = await session.read()
            for reading in batch.readings:
                assert reading.value in ((2222, None) if reading.point == 0 else (1111, None))
            if batch.readings[0].point == 0 and batch.readings[0].value is not None:
                read.append(loop.time())
    assert len(read) >= 25, "unit 2 keeps its rate"
    assert device.accepted <= 8


async def test_a_block_beside_one_that_is_always_answered_wrongly_is_read(device: Device) -> None:
    device.mangle = lambda request, answer: (
        [answer[:6] + b"\x09" + answer[7:]] if request[8:10] == b"\0\x14" else [answer]
    )
    async with line(points(device, [1], at=(0, 20))) as session:
        batches = [await session.read() for _ in range(SILENT_AFTER + 8)]
    found = [{reading.point: reading for reading in batch.readings} for batch in batches]
    assert all(batch[1].value is None for batch in found)
    assert sum(batch[0].value == 1111 for batch in found[SILENT_AFTER + 1 :]) >= 6
    assert found[-1][1].status.reason.startswith("wrong answer: "), "also where it is not asked"
