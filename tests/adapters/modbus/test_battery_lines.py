"""The battery of all adapters on every other kind of line, and writes on each; ``test_battery`` has Modbus TCP."""

from __future__ import annotations

import asyncio
import os
import ssl
import tty
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from adapters.modbus import ADAPTER, listen
from adapters.modbus.session import Poller
from adapters.modbus.settings import Address, Connect
from gateway.adapter import LinkLost, NotWritten, Point
from tests.adapters import battery
from tests.adapters.modbus.authority import Authority
from tests.adapters.modbus.device import Unit
from tests.adapters.modbus.peers import Peer, Send
from tests.adapters.modbus.test_battery import BITS, HELD, HELD_BITS, UNITS, WRITES, setpoints
from tests.adapters.modbus.test_every_line import free_port

pytestmark = pytest.mark.slow

KINDS = ("rtu", "ascii", "rtu+tcp", "ascii+tcp", "udp", "tls", "listen")
CONNECTED = ("rtu+tcp", "ascii+tcp", "tls", "listen")
"""Kinds whose connections a device sees."""


EXCLUSIVE = ("rtu", "ascii", "listen")
"""Kinds that one link has for itself: a second one of the same line is refused."""


class Obedient(Peer):
    """Carries out what is written; several connections may share its units."""

    def __init__(self, kind: str, units: dict[int, Unit]) -> None:
        super().__init__(kind, units)
        self.silent: set[int] = set()
        self.open: set[asyncio.Transport] = set()

    def alike(self) -> Obedient:
        """The same device on a connection of its own."""
        made = Obedient(self.kind, self.units)
        made.silent, made.open, made.requests = self.silent, self.open, self.requests
        return made

    async def _answer(self, unit: int, pdu: bytes, send: Send) -> None:
        if unit in self.units and unit not in self.silent:
            send(self.seal(unit, self.units[unit].reply(pdu)))


class Connection(asyncio.Protocol):
    """One connection to a peer, whoever made it."""

    def __init__(self, peer: Obedient, gone: asyncio.Event | None = None) -> None:
        self._peer = peer.alike()
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer.open.add(transport)

    def data_received(self, data: bytes) -> None:
        self._peer.hear(data, self._send)

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer.open.discard(self._transport)
        if self._gone is not None:
            self._gone.set()

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class End(Protocol):
    """How a peer is connected to its line."""

    endpoint: str

    async def plug(self) -> None: ...
    async def unplug(self) -> None: ...


class Listener:
    """A device or a box that listens."""

    def __init__(self, peer: Obedient, tls: ssl.SSLContext | None) -> None:
        self._peer = peer
        self._tls = tls
        self._port = free_port()
        self.endpoint = f"{peer.kind}://127.0.0.1:{self._port}"

    async def plug(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._peer), "127.0.0.1", self._port, ssl=self._tls, reuse_address=True
        )

    async def unplug(self) -> None:
        self._server.close()
        for transport in list(self._peer.open):
            transport.abort()
        await asyncio.sleep(0)


class Caller:
    """A device that connects to us, and again whenever it is hung up."""

    def __init__(self, peer: Obedient) -> None:
        self._peer = peer
        self._port = free_port()
        self.endpoint = f"listen://127.0.0.1:{self._port}"
        self._task: asyncio.Task[None] | None = None

    async def plug(self) -> None:
        self._task = asyncio.create_task(self._call())

    async def unplug(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for transport in list(self._peer.open):
            transport.abort()
        await asyncio.sleep(0)

    async def _call(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            gone = asyncio.Event()
            try:
                await loop.create_connection(partial(Connection, self._peer, gone), "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            await gone.wait()


class Datagrams(asyncio.DatagramProtocol):
    """A device on UDP."""

    def __init__(self, peer: Obedient) -> None:
        self._peer = peer
        self._port = free_port()
        self.endpoint = f"udp://127.0.0.1:{self._port}"

    async def plug(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self._port))

    async def unplug(self) -> None:
        self._transport.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._peer.alike().hear(data, lambda answer: self._transport.sendto(answer, address))


class Port:
    """A serial adapter that can be pulled out: its name stays, what it names does not."""

    def __init__(self, peer: Obedient, name: Path) -> None:
        self._peer = peer
        self._name = name
        self.endpoint = f"{peer.kind}://{name}"
        self._open: tuple[int, int] | None = None

    async def plug(self) -> None:
        own, theirs = self._open = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(own, False)
        self._peer._heard.clear()
        asyncio.get_running_loop().add_reader(own, self._read, own)
        self._name.symlink_to(os.ttyname(theirs))

    async def unplug(self) -> None:
        if self._open is not None:
            own, theirs = self._open
            asyncio.get_running_loop().remove_reader(own)
            os.close(own)
            os.close(theirs)
            self._name.unlink()
            self._open = None

    def _read(self, own: int) -> None:
        self._peer.hear(os.read(own, 4096), lambda data: self._open is not None and os.write(own, data))


class Rig:
    """One line of this kind with two units."""

    adapter = ADAPTER
    wrong: ClassVar = {"unit_id": {"modbus": "tcp://127.0.0.1", "unit_id": "0"}}

    def __init__(self, kind: str, end: End, peer: Obedient, more: dict[str, Any]) -> None:
        self.kind = kind
        self.peer = peer
        self._end = end
        settings = {"modbus": end.endpoint, "timeout": 0.1, "baud": 115200} | more
        connects = {name: Connect(unit_id=unit, **settings) for name, unit in UNITS.items()}
        held = [(name, address, value) for name, address, _, value in HELD] + HELD_BITS
        self.points = [Point(unit, connects[unit], name, address, 0.1) for unit in UNITS for name, address, _ in held]
        self.values = [value for _ in UNITS for _, _, value in held]
        name, connect = next(iter(connects.items()))
        self.setpoints, self.refused = setpoints(name, connect)

    async def plug(self) -> None:
        await self._end.plug()

    async def unplug(self) -> None:
        await self._end.unplug()

    def silence(self, device: str) -> None:
        self.peer.silent.add(UNITS[device])

    def connections(self) -> int:
        return len(self.peer.open) if self.kind in CONNECTED else 0

    def writes(self) -> int:
        return len(requests(self, WRITES))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "plant")


def units() -> dict[int, Unit]:
    made = {unit: Unit() for unit in UNITS.values()}
    for unit in made.values():
        unit.bits = {function: dict(enumerate(BITS)) for function in (1, 2)}
        for function, table in ((3, "holding"), (4, "input")):
            unit.put(function, 0, bytes(600))
            for _, address, data, _ in HELD:
                if address.table == table and address.at is not None:
                    unit.put(function, address.at, data)
    return made


@pytest.fixture(params=KINDS)
async def rig(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[Rig]:
    kind = request.param
    peer = Obedient(kind, units())
    more: dict[str, Any] = {}
    end: End
    if kind in ("rtu", "ascii"):
        end = Port(peer, Path(f"/dev/shm/fieldgate-{os.getpid()}-{kind}"))
    elif kind == "udp":
        end = Datagrams(peer)
    elif kind == "listen":
        end = Caller(peer)
    elif kind == "tls":
        issued = authority.issue("device")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        end, more = Listener(peer, context), {"trust": str(authority.root)}
    else:
        end = Listener(peer, None)
    made = Rig(kind, end, peer, more)
    await made.plug()
    yield made
    await made.unplug()
    await asyncio.sleep(0)


@pytest.mark.parametrize("check", [*battery.CHECKS, *battery.RECORD_CHECKS], ids=lambda check: check.__name__)
async def test_battery(rig: Rig, check: battery.Check, monkeypatch: pytest.MonkeyPatch) -> None:
    # A device that calls us is waited for longer than the battery waits for anything.
    monkeypatch.setattr(listen.opened, "__defaults__", (0.5,))
    if check is battery.runs_twice_side_by_side and rig.kind in EXCLUSIVE:
        await is_refused_a_second_time(rig)
    else:
        await check(rig)


@pytest.mark.parametrize("check", battery.WRITE_CHECKS, ids=lambda check: check.__name__)
async def test_battery_of_writes(rig: Rig, check: battery.WriteCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen.opened, "__defaults__", (0.5,))
    await check(rig)


async def is_refused_a_second_time(rig: Rig) -> None:
    async with asyncio.timeout(5), battery.opened(rig) as one:
        with pytest.raises((LinkLost, OSError), match="in use"):
            async with battery.opened(rig):
                pytest.fail("two links on one port")
        assert all(reading.value is not None for reading in (await one.read()).readings)


def requests(rig: Rig, functions: Iterable[int]) -> list[int]:
    return [pdu[0] for _, pdu in rig.peer.requests if pdu[0] in set(functions)]


async def test_points_are_set_and_read_back_on_every_line(rig: Rig) -> None:
    (a, _), connect = UNITS.items(), rig.points[0].connect
    addresses = [Address(at=100), Address(at=102, type="float32"), Address(at=105, bits=(4, 7))]
    given = [Point(a[0], connect, f"p{place}", address, 60.0) for place, address in enumerate(addresses)]
    poller = Poller(given)
    async with asyncio.timeout(5):
        await poller.open()
        for point, value in enumerate((7, 230.5, 9)):
            await poller.write(point, value)
            assert (await poller.fetch(point)).value == value
        rig.peer.units[a[1]].faults = {100: 3}
        with pytest.raises(NotWritten, match="the device refused: exception 3: illegal data value"):
            await poller.write(0, 8)
        rig.peer.silent.add(a[1])
        with pytest.raises(NotWritten) as caught:
            await poller.write(1, 1.0)
        await poller.close()
    assert caught.value.unknown
    assert requests(rig, (6, 16, 22)) == [6, 16, 22, 6, 16], "each was sent once"


async def test_an_illegal_address_is_found_on_every_line(rig: Rig) -> None:
    connect = rig.points[0].connect
    rig.peer.units[connect.unit_id].faults = {113: 2}
    poller = Poller([Point("a", connect, f"p{at}", Address(at=at), 0.02) for at in range(100, 120)])
    async with asyncio.timeout(10):
        await poller.open()
        while poller.counters["quarantined"] == 0:
            await poller.read()
        batch = await poller.read()
        await poller.close()
    assert {reading.point for reading in batch.readings if reading.value is None} == {13}
    assert len(batch.readings) == 20
