"""Publisher, governor, hub and connection together over real TLS: the hub goes away under load and comes back."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict

import pytest

from gateway.identity.credentials import Credential
from gateway.status import Board, State
from gateway.upstream import publisher
from gateway.upstream.governor import Governor, Limits
from gateway.upstream.hub import WINDOW, IotHub
from tests.certs import hub
from tests.gateway.mqtt.peer import Visit, serving
from tests.gateway.upstream.conftest import IDENTITIES
from tests.gateway.upstream.fakes import MemoryBuffer

LIMIT_S = 20.0
COUNT = 300
BREAKS = 3


class Ledger:
    """What the hub received: message ids by identity, repetitions included."""

    def __init__(self) -> None:
        self.received: dict[str, list[int]] = defaultdict(list)

    async def accept_for_a_while(self, visit: Visit) -> None:
        """Acknowledge a hundred, keep back the acknowledgements of what comes then, and cut."""
        await visit.accept()
        for _ in range(100):
            visit.puback(await self._take(visit))
        for _ in range(5):
            await self._take(visit)
        visit.cut()

    async def accept_all(self, visit: Visit) -> None:
        await visit.accept()
        while True:
            visit.puback(await self._take(visit))

    async def _take(self, visit: Visit) -> int:
        packet_id, topic, _ = await visit.publish()
        message_id = topic.partition("$.mid=")[2].partition("&")[0]
        self.received[topic.split("/")[1]].append(int(message_id.rpartition("-")[2]))
        return packet_id


@pytest.mark.slow
async def test_nothing_is_lost_or_out_of_order_and_repetitions_are_bounded(
    hub_files: hub.HubFiles, server_context: ssl.SSLContext, credentials: dict[str, Credential]
) -> None:
    buffer, board, ledger = MemoryBuffer(), Board(), Ledger()
    for identity in IDENTITIES:
        await buffer.fill(identity, *[b"{}"] * COUNT)
    async with asyncio.timeout(LIMIT_S):
        async with serving(ledger.accept_for_a_while, server_context) as peer:
            upstream = IotHub("test", "127.0.0.1", peer.port, [hub_files.root], credentials)
            governor = Governor(Limits(probe_every_s=0.05))
            task = asyncio.create_task(publisher.run(upstream, buffer, IDENTITIES, board, governor))
            while peer.visits < len(IDENTITIES) * 2:
                await asyncio.sleep(0.01)
        while {health.state for health in board.of_kind("upstream")} != {State.STOPPED}:
            await asyncio.sleep(0.01)
        assert buffer.stats().messages
        async with serving(ledger.accept_all, server_context, port=peer.port):
            for identity in IDENTITIES:
                await buffer.drained(identity)
            # One that had sent all before the last cut comes back a moment later.
            while {health.state for health in board.of_kind("upstream")} != {State.FLOWING}:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    for identity in IDENTITIES:
        received = ledger.received[identity]
        assert list(dict.fromkeys(received)) == list(range(1, COUNT + 1))
        assert len(received) - COUNT <= WINDOW * BREAKS
        assert len(received) > COUNT  # Else nothing broke in the middle, and this test shows nothing.
        assert board.health("upstream", identity).counters["messages"] == COUNT
