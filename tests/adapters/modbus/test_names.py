"""Names are looked up beside everything else: a resolver that hangs delays nobody, and a name has one thread."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.modbus import names
from adapters.modbus.settings import Connect
from adapters.modbus.wire import opened
from tests.adapters.modbus.device import Device

LIMIT_S = 5.0


class Resolver:
    """Hangs until it is let go; counts who asks."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        assert self.go.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.go.set()
    while names._under_way:
        time.sleep(0.001)


async def test_an_address_needs_no_resolver(hanging: Resolver) -> None:
    assert await names.addresses("10.20.0.15") == ["10.20.0.15"]
    assert await names.addresses("::1") == ["::1"]
    assert hanging.asked == []


async def test_a_name_has_addresses() -> None:
    assert set(await names.addresses("localhost")) <= {"127.0.0.1", "::1"}


async def test_a_name_that_nobody_knows_is_an_error_each_time() -> None:
    for name in ("no-such-host.invalid", "x" * 64 + ".invalid"):
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await names.addresses(name)


async def test_a_resolver_that_hangs_has_one_thread_for_a_name_and_none_of_the_pool(hanging: Resolver) -> None:
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await names.addresses("plc-7")
    waiting = [asyncio.create_task(names.addresses(name)) for name in ("plc-7", "plc-7", "plc-8")]
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(asyncio.to_thread(len, "") for _ in range(100)))
    assert sorted(hanging.asked) == ["plc-7", "plc-8"]
    hanging.go.set()
    async with asyncio.timeout(LIMIT_S):
        assert await asyncio.gather(*waiting) == [["127.0.0.1"]] * 3


@pytest.mark.parametrize("kind", ["tcp", "udp", "rtu+tcp"])
async def test_opening_a_line_by_name_is_given_up_in_time(hanging: Resolver, kind: str) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with pytest.raises(TimeoutError):
        await opened(Connect(modbus=f"{kind}://plc-7:502"), 0.05, Counter())
    assert loop.time() - begin < 1.0


async def test_each_address_of_a_name_is_tried(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may stand for an IPv6 address that nothing listens on, and an IPv4 address that works."""

    async def both(host: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    monkeypatch.setattr(names, "addresses", both)
    wire = await opened(Connect(modbus=f"tcp://plc:{device.port}"), 1.0, Counter())
    await wire.close()
    assert device.accepted == 1


@pytest.mark.slow
def test_a_resolver_that_hangs_does_not_keep_the_gateway_from_ending() -> None:
    program = """
        import asyncio, socket, time
        from collections import Counter
        from adapters.modbus.settings import Connect
        from adapters.modbus.wire import opened

        socket.getaddrinfo = lambda *_, **__: time.sleep(60)

        async def main():
            try:
                await opened(Connect(modbus="tcp://plc-7"), 0.1, Counter())
            except TimeoutError:
                print("given up")

        asyncio.run(main())
    """
    begin = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout == "given up\n"
    assert time.monotonic() - begin < 20.0
