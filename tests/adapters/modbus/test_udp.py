"""Datagrams: one for each answer, and a host on which nobody listens."""

from __future__ import annotations

import socket
from collections import Counter

import pytest

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.wire import opened
from gateway.adapter import LinkLost
from tests.adapters.modbus.lines import unit
from tests.adapters.modbus.peers import Datagrams, Peer

READ = pdu.read(3, 0, 1)


async def test_a_datagram_that_is_lost_costs_one_answer_and_no_connection() -> None:
    end = Datagrams(Peer("udp", {1: unit(1111)}))
    counters: Counter[str] = Counter()
    wire = await opened(Connect(modbus=await end.open()), 1.0, counters)
    end.peer.rogue = lambda peer, unit, true: []
    with pytest.raises(TimeoutError):
        await wire.ask(1, READ, 0.05)
    end.peer.rogue = lambda peer, unit, true: 2 * [peer.seal(unit, true)]
    for _ in range(3):
        assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
    assert wire.broken is None
    assert counters["late_answers"] >= 2
    await wire.close()
    await end.close()


async def test_stray_datagrams_cost_nothing_and_are_told_where_nothing_else_comes() -> None:
    end = Datagrams(Peer("udp", {1: unit(1111)}))
    counters: Counter[str] = Counter()
    wire = await opened(Connect(modbus=await end.open()), 1.0, counters)

    def strays(peer: Peer, unit: int, true: bytes) -> list[bytes]:
        false = true[:-2] + b"\x1a\x0a"
        return [peer.seal(2, false), b"\0\0" + peer.seal(unit, false)[2:], b"?", peer.seal(unit, b"\4" + false[1:])]

    end.peer.rogue = lambda peer, unit, true: [*strays(peer, unit, true), peer.seal(unit, true)]
    for _ in range(3):
        assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
    assert counters == {"stray_datagrams": 12}
    end.peer.rogue = strays
    with pytest.raises(pdu.FunctionWrong):
        await wire.ask(1, READ, 0.05)
    assert wire.broken is None
    await wire.close()
    await end.close()


async def test_who_is_not_the_device_is_not_heard() -> None:
    end = Datagrams(Peer("udp", {1: unit(1111)}))
    wire = await opened(Connect(modbus=await end.open()), 1.0, Counter())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:

        def answers_first(peer: Peer, unit: int, true: bytes) -> list[bytes]:
            stranger.sendto(peer.seal(unit, true[:-2] + b"\x1a\x0a"), ours)
            return [peer.seal(unit, true)]

        ours = wire._transport._transport.get_extra_info("sockname")  # type: ignore[attr-defined]  # where it sends from
        end.peer.rogue = answers_first
        assert await wire.ask(1, READ, 1.0) == (1111).to_bytes(2, "big")
    await wire.close()
    await end.close()


async def test_a_host_that_says_that_nobody_listens_is_a_lost_link() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    wire = await opened(Connect(modbus=f"udp://127.0.0.1:{port}"), 1.0, Counter())
    with pytest.raises(LinkLost, match="refused"):
        await wire.ask(1, READ, 1.0)
    await wire.close()
