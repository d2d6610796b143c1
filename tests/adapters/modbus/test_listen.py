"""Devices that connect to us: one at a time, the newest is the right one, and nothing listens afterwards."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from adapters.modbus import listen, pdu
from gateway.adapter import LinkLost
from tests.adapters.modbus.lines import unit
from tests.adapters.modbus.peers import Caller, Peer
from tests.adapters.modbus.test_every_line import free_port

READ = pdu.read(3, 0, 1)
HELD = (1111).to_bytes(2, "big")


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def test_a_device_that_calls_is_read_and_may_call_again() -> None:
    port = free_port()
    counters: Counter[str] = Counter()
    first, second = (Caller(Peer("listen", {1: unit(value)}), port) for value in (2222, 1111))
    await first.open()
    wire = await listen.opened("127.0.0.1", port, counters, 1.0)
    assert await wire.ask(1, READ, 1.0) == (2222).to_bytes(2, "big")
    await first.close()
    first.peer.rogue = lambda peer, unit, true: []
    with pytest.raises(LinkLost, match="closed"):
        await wire.ask(1, READ, 1.0)
    await second.open()
    while second.peer.accepted == 0:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    assert await wire.ask(1, READ, 1.0) == HELD
    await wire.close()
    await second.close()
    assert not listens(port)


async def test_the_newest_call_wins_and_a_request_under_way_has_no_answer() -> None:
    port = free_port()
    counters: Counter[str] = Counter()
    opening = asyncio.create_task(listen.opened("127.0.0.1", port, counters, 1.0))
    await asyncio.sleep(0.01)
    reader, silent = await asyncio.open_connection("127.0.0.1", port)
    wire = await opening
    loop = asyncio.get_running_loop()
    begin = loop.time()
    asking = asyncio.create_task(wire.ask(1, READ, 9.0))
    await reader.readexactly(12)
    caller = Caller(Peer("listen", {1: unit(1111)}), port)
    await caller.open()
    with pytest.raises(TimeoutError):
        await asking
    assert loop.time() - begin < 5.0
    assert await wire.ask(1, READ, 1.0) == HELD
    assert await reader.read() == b"", "hung up"
    assert (counters["replaced"], caller.peer.accepted) == (1, 1)
    await wire.close()
    await caller.close()
    silent.close()


async def test_a_rest_goes_on_when_the_device_calls_again() -> None:
    port = free_port()
    counters: Counter[str] = Counter()
    opening = asyncio.create_task(listen.opened("127.0.0.1", port, counters, 1.0))
    await asyncio.sleep(0.01)
    _, first = await asyncio.open_connection("127.0.0.1", port)
    wire = await opening
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.1
    resting = asyncio.create_task(wire.rest(until))
    await asyncio.sleep(0)
    _, second = await asyncio.open_connection("127.0.0.1", port)
    await resting
    assert loop.time() >= until
    assert counters["replaced"] == 1
    await wire.close()
    first.close()
    second.close()


@asynccontextmanager
async def listening(port: int, counters: Counter[str], *allowed: str) -> AsyncIterator[asyncio.Task[listen.Listening]]:
    opening = asyncio.create_task(listen.opened("127.0.0.1", port, counters, 1.0, 5.0, allowed=allowed))
    await asyncio.sleep(0.01)
    yield opening
    await (await opening).close()


async def calls(port: int, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))


async def test_who_is_not_allowed_is_hung_up_counted_and_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    counters: Counter[str] = Counter()
    async with listening(port, counters, "127.0.0.2", "127.7.0.0/16") as opening:
        for _ in range(3):
            reader, writer = await calls(port, "127.0.0.1")
            assert await reader.read() == b"", "hung up"
            writer.close()
        assert not opening.done()
        _, device = await calls(port, "127.0.0.2")
        wire = await opening
        reader, writer = await calls(port, "127.0.0.1")
        assert await reader.read() == b""
        await wire.rest(0.0)
        assert (counters["strangers"], counters["replaced"]) == (4, 0)
        _, other = await calls(port, "127.7.1.1")
        while not counters["replaced"]:
            await asyncio.sleep(0.001)
        for one in (device, other, writer):
            one.close()
    strangers = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert strangers == [f"listen://127.0.0.1:{port}: 127.0.0.1 has called and was hung up: from: does not allow it"]


async def test_another_caller_than_before_is_told_also_on_a_new_connection(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    counters: Counter[str] = Counter()
    for address in ("127.0.0.2", "127.0.0.2", "127.0.0.3"):
        async with listening(port, counters) as opening:
            _, writer = await calls(port, address)
            await opening
            writer.close()
    assert counters["other_callers"] == 1
    assert caplog.messages == [f"listen://127.0.0.1:{port}: 127.0.0.3 calls now, before it was 127.0.0.2"]


async def test_where_only_strangers_call_they_are_named() -> None:
    port = free_port()
    opening = asyncio.create_task(listen.opened("127.0.0.1", port, Counter(), 1.0, 0.1, allowed=["10.20.0.15"]))
    await asyncio.sleep(0.01)
    _, writer = await calls(port, "127.0.0.1")
    with pytest.raises(LinkLost, match=r"only 127\.0\.0\.1 has called") as caught:
        await opening
    assert "from:" in caught.value.remedy
    writer.close()


@pytest.mark.parametrize("turns", range(8))
async def test_a_call_that_comes_just_before_the_end_is_hung_up(turns: int) -> None:
    port = free_port()
    async with listening(port, Counter()) as opening:
        _, first = await calls(port, "127.0.0.1")
        await opening
        with socket.create_connection(("127.0.0.1", port)) as second:
            for _ in range(turns):
                await asyncio.sleep(0)
            await (await opening).close()
            second.settimeout(0.5)
            with suppress(ConnectionResetError):
                assert second.recv(1) == b""
        first.close()


async def test_nobody_calls() -> None:
    port = free_port()
    with pytest.raises(LinkLost, match="no device has connected") as caught:
        await listen.opened("127.0.0.1", port, Counter(), 1.0, wait_s=0.02)
    assert str(port) in caught.value.remedy
    assert not listens(port)


async def test_cancelled_while_it_waits_nothing_listens() -> None:
    port = free_port()
    waiting = asyncio.create_task(listen.opened("127.0.0.1", port, Counter(), 1.0))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not listens(port)


async def test_a_port_that_cannot_be_listened_on_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may have begun to listen on it after we took it."""

    async def taken(server: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(asyncio.base_events.Server, "start_serving", taken)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="in use"):
        await listen.opened("127.0.0.1", free_port(), Counter(), 1.0)
    await asyncio.sleep(0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
