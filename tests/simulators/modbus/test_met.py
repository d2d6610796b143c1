"""The faults of the simulator, met by the adapter on every kind of line: no false value, and the line recovers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.modbus import identification, pdu
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address as Wanted
from adapters.modbus.settings import Connect
from adapters.modbus.wire import opened
from gateway.adapter import Point as Polled
from gateway.adapter import Quality
from simulators.modbus.endpoint import KINDS, Endpoint, Kind
from simulators.modbus.faults import Wrong
from simulators.modbus.files import Files
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.tls import Tls
from simulators.modbus.wrong import ways
from tests.simulators.modbus.lines import playing

pytestmark = pytest.mark.slow

HELD = {1: [0x1111, 0x2222], 2: [0x3333, 0x4444]}
TIMEOUT_S = 0.1
TO_CALL_S = 0.5
"""The same where the device calls: it may find nobody the first time, and calls again after a while."""
LIMIT_S = 20.0
HARMLESS = ("split", "doubled", "garbage after", "echo", "late", "wrong echo address", "wrong echo value")
"""The data in them are right; or they are of writes."""


@asynccontextmanager
async def line(kind: Kind, folder: Path, tls: Tls) -> AsyncIterator[tuple[Line, Poller]]:
    memories = {}
    for unit, held in HELD.items():
        memories[unit] = Memory([Point("a", Address(0)), Point("b", Address(1))])
        memories[unit].show(held)
    async with playing(kind, folder, tls, memories) as played:
        timeout_s = TO_CALL_S if kind == "listen" else TIMEOUT_S
        connect = {
            unit: Connect.model_validate({**played.connect, "unit_id": unit, "timeout": timeout_s}) for unit in HELD
        }
        poller = Poller(
            [Polled(f"unit-{unit}", connect[unit], f"p{at}", Wanted(at=at), 0.03) for unit in HELD for at in range(2)]
        )
        await _open(poller)
        try:
            yield played.line, poller
        finally:
            await poller.close()


async def _open(poller: Poller) -> None:
    """All kinds of line open at once here, with their keys made anew: a tenth of a second may be too short for that."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                return await poller.open()
            except TimeoutError:
                await asyncio.sleep(0)


HOW = sorted({how for kind in KINDS for how in ways(Endpoint(kind))})


@pytest.mark.parametrize("how", HOW)
async def test_no_false_value_comes_out_and_the_line_recovers(how: str, tmp_path: Path, tls: Tls) -> None:
    kinds = [kind for kind in KINDS if how in ways(Endpoint(kind))]
    for kind in kinds:
        (tmp_path / kind).mkdir()
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as lines:
        for kind in kinds:
            lines.create_task(recovers(how, kind, tmp_path / kind, tls))


async def recovers(how: str, kind: Kind, folder: Path, tls: Tls) -> None:
    """Unit 1 answers so twice: it is read again, nothing false on the way, and unit 2 all the time."""
    proper = 0
    bad = 0
    async with line(kind, folder, tls) as (one, poller):
        await poller.read()
        await poller.read()
        one.faults.wrong[1] = Wrong(how, ways(one.endpoint)[how], 2)
        while proper < 2:
            for reading in (await poller.read()).readings:
                unit, at = 1 + reading.point // 2, reading.point % 2
                good = reading.status.quality is Quality.GOOD
                assert reading.value == (HELD[unit][at] if good else None), kind
                assert good or unit == 1, f"{kind}: unit 2 is well, yet: {reading.status.reason}"
                bad += not good
                proper += good and unit == 1 and at == 1 and not one.faults.wrong
    assert bad or how in HARMLESS or how.startswith("garbage before"), kind


@pytest.mark.parametrize("kind", KINDS)
async def test_addresses_that_are_refused_leave_the_others_alone(kind: Kind, tmp_path: Path, tls: Tls) -> None:
    async with line(kind, tmp_path, tls) as (one, poller), asyncio.timeout(LIMIT_S):
        one.faults.refused[1, "holding", 1] = 2
        seen: dict[int, object] = {}
        while seen != {0: 0x1111, 1: None, 2: 0x3333, 3: 0x4444}:
            seen |= {reading.point: reading.value for reading in (await poller.read()).readings}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_slow_line_is_read(kind: Kind, tmp_path: Path, tls: Tls) -> None:
    async with line(kind, tmp_path, tls) as (one, poller), asyncio.timeout(LIMIT_S):
        one.faults.character_s = one.endpoint.character_s(9600)
        for _ in range(4):
            assert all(reading.status.quality is Quality.GOOD for reading in (await poller.read()).readings)


SAID = {0: b"ACME", 1: b"PM1", 2: b"2.14", 4: b"meter"} | {
    0x80 + place: bytes([97 + place]) * 100 for place in range(5)
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_function_is_answered_on_every_kind_of_line(kind: Kind, tmp_path: Path, tls: Tls) -> None:
    points = [Point(f"p{at}", Address(at)) for at in range(4)]
    points += [Point(f"i{at}", Address(at, "input")) for at in range(2)]
    points += [Point(f"c{at}", Address(at, "coil", "bool")) for at in range(3)]
    points += [Point(f"d{at}", Address(at, "discrete", "bool")) for at in range(3)]
    memory = Memory(points, writable=True, identity=SAID, files=Files({4: [7, 8, 9]}, writable=True))
    memory.show([1, 2, 3, 4, 11, 12, True, False, True, False, True, True])
    async with asyncio.timeout(LIMIT_S), playing(kind, tmp_path, tls, {1: memory}) as played:
        wire = await opened(Connect.model_validate(played.connect), 2.0, Counter())

        async def asked(ask: pdu.Ask) -> bytes:
            return await wire.ask(1, ask, 2.0)

        try:
            assert [await asked(pdu.read(function, 0, 3)) for function in (1, 2)] == [b"\x05", b"\x06"]
            assert [await asked(pdu.read(function, 0, 2)) for function in (3, 4)] == [b"\0\1\0\2", b"\0\x0b\0\x0c"]
            for write in (
                pdu.write_coil(1, True),
                pdu.write_coils(0, [False, True]),
                pdu.write_register(0, 0x1234),
                pdu.mask_register(0, 0xFF00, 0x56),
                pdu.write_registers(1, b"\0\x21\0\x22"),
                pdu.write_file([(4, 1, b"\0\x31")]),
            ):
                assert await asked(write) == b""
            assert await asked(pdu.read_write_registers(0, 4, 3, b"\0\x23")) == bytes.fromhex("1256 0021 0022 0023")
            assert await asked(pdu.read(1, 0, 3)) == b"\x06"
            assert await asked(pdu.read_file([(4, 0, 2), (4, 2, 1)])) == bytes.fromhex("0007 0031 0009")
            assert await identified(asked, 3) == {number: text.decode() for number, text in SAID.items()}
            assert identification.objects(await asked(pdu.identification(4, 0x81))).texts == {0x81: "b" * 100}
            with pytest.raises(pdu.Refusal, match="illegal data address"):
                await asked(pdu.identification(4, 0x07))
            assert wire.broken is None
        finally:
            await wire.close()


async def identified(asked: Callable[[pdu.Ask], Awaitable[bytes]], level: int) -> dict[int, str]:
    """All objects of a level, of as many answers as it takes."""
    found: dict[int, str] = {}
    following: int | None = 0
    while following is not None:
        answer = identification.objects(await asked(pdu.identification(level, following)))
        found |= answer.texts
        following = answer.following
    return found
