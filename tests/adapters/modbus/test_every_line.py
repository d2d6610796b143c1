"""Answers that must not be believed, on every kind of line: unit 1 gives them twice, unit 2 is proper all the time.

Whatever comes: no false value, unit 2 is read every time, and unit 1 is read again afterwards.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.wire import Wire, opened
from tests.adapters.modbus.authority import Authority
from tests.adapters.modbus.lines import HELD, unit
from tests.adapters.modbus.peers import Caller, Datagrams, Peer, Pieces, Pty, Rogue, Server

TIMEOUT_S = 0.15
FALSE = (6666).to_bytes(2, "big")
"""No register holds this."""
READ = pdu.read(3, 0, 1)
STREAMS = ("tcp", "tls", "listen")
"""Where a stream that is out of step needs a new connection."""
DATAGRAMS = ("udp",)
SERIAL = ("rtu", "ascii", "rtu+tcp", "ascii+tcp")
KINDS = (*STREAMS, *DATAGRAMS, *SERIAL)


def damaged(peer: Peer, unit: int, true: bytes) -> Pieces:
    """One bit of the value wrong, under the checksum of the true one."""
    frame = bytearray(peer.seal(unit, true))
    frame[-4 if peer.framing != "ascii" else -6] ^= 1
    return [bytes(frame)]


def instead(pdu: bytes, peer: Peer, unit: int, true: bytes) -> Pieces:
    """This PDU, in a frame that is right in itself."""
    return [peer.seal(unit, pdu)]


def babble(peer: Peer, unit: int, true: bytes) -> Pieces:
    """A byte every 5 ms, for 0.6 s."""
    for _ in range(120):
        yield b"\x55"
        yield 0.005


def header(place: int, data: bytes) -> Rogue:
    """One field of a header changed."""

    def rogue(peer: Peer, unit: int, true: bytes) -> Pieces:
        frame = bytearray(peer.seal(unit, true[:-2] + FALSE))
        frame[place : place + len(data)] = data
        return [bytes(frame)]

    return rogue


ON_EVERY_LINE: dict[str, Rogue] = {
    "another unit": lambda peer, unit, true: [peer.seal(2, true[:-2] + FALSE)],
    "unit 0": lambda peer, unit, true: [peer.seal(0, true[:-2] + FALSE)],
    "another read function": lambda peer, unit, true: [peer.seal(unit, b"\4" + true[1:-2] + FALSE)],
    "a write function": lambda peer, unit, true: [peer.seal(unit, b"\6\0\0" + FALSE)],
    "the exception of another function": lambda peer, unit, true: [peer.seal(unit, b"\x84\2")],
    "byte count too small": lambda peer, unit, true: [peer.seal(unit, b"\3\0" + FALSE)],
    "byte count too large": lambda peer, unit, true: [peer.seal(unit, b"\3\4" + FALSE)],
    "no data": lambda peer, unit, true: [peer.seal(unit, b"\3\0")],
    "one byte": lambda peer, unit, true: [peer.seal(unit, b"\3\1\x1a")],
    "an odd number of bytes": lambda peer, unit, true: [peer.seal(unit, b"\3\3" + FALSE + b"\x1a")],
    "twice the data": lambda peer, unit, true: [peer.seal(unit, b"\3\4" + FALSE + FALSE)],
    "125 registers": lambda peer, unit, true: [peer.seal(unit, b"\3\xfa" + 125 * FALSE)],
    "text": lambda peer, unit, true: [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "a flood of beginnings": lambda peer, unit, true: 20 * [100 * (bytes([unit]) + true[:1])],
    "cut off": lambda peer, unit, true: [peer.seal(unit, true)[:-1]],
    "cut off early": lambda peer, unit, true: [peer.seal(unit, true)[:3]],
    "nothing": lambda peer, unit, true: [],
    "late": lambda peer, unit, true: [1.5 * TIMEOUT_S, peer.seal(unit, true)],
}
OF_A_HEADER: dict[str, Rogue] = {
    "transaction 0": header(0, b"\0\0"),
    "a transaction that was never asked": lambda peer, unit, true: [
        ((int.from_bytes(peer.transaction, "big") + 5) % 65536).to_bytes(2, "big")
        + peer.seal(unit, true[:-2] + FALSE)[2:]
    ],
    "another protocol": header(2, b"\0\1"),
    "length too large": header(4, b"\0\x07"),
    "length too small": header(4, b"\0\x04"),
    "length absurd": header(4, b"\xff\xff"),
}
ON_A_SERIAL_LINE: dict[str, Rogue] = {
    "a bit that flipped": damaged,
    "only noise": lambda peer, unit, true: [b"\xff\x00\x81\x13\x07\x2a\x05"],
    "its own request": lambda peer, unit, true: [peer.seal(*peer.requests[-1])],
    "two that talk at once": lambda peer, unit, true: [
        bytes(a & b for a, b in zip(peer.seal(1, true), peer.seal(2, true[:-2] + FALSE), strict=True))
    ],
}
HARMLESS: dict[str, Rogue] = {
    "byte by byte": lambda peer, unit, true: [bytes([byte]) for byte in peer.seal(unit, true)],
    "split with pauses": lambda peer, unit, true: [
        peer.seal(unit, true)[:2],
        0.01,
        peer.seal(unit, true)[2:5],
        0.01,
        peer.seal(unit, true)[5:],
    ],
    "doubled": lambda peer, unit, true: [2 * peer.seal(unit, true)],
    "doubled later": lambda peer, unit, true: [peer.seal(unit, true), 0.002, peer.seal(unit, true)],
    "garbage after": lambda peer, unit, true: [peer.seal(unit, true) + b"\xde\xad\xbe\xef\x00\x01\x02"],
}
HARMLESS_ON_A_SERIAL_LINE: dict[str, Rogue] = {
    "garbage before": lambda peer, unit, true: [b"\xde\xad\xbe\xef\x00\x01\x02" + peer.seal(unit, true)],
    "a spike before": lambda peer, unit, true: [b"\x00", 0.06, peer.seal(unit, true)],
    "another's answer before": lambda peer, unit, true: [peer.seal(2, true[:-2] + FALSE) + peer.seal(unit, true)],
    "garbage all round": lambda peer, unit, true: [b"\xff\xff" + peer.seal(unit, true) + b"\x55"],
    "its request before": lambda peer, unit, true: [peer.seal(*peer.requests[-1]) + peer.seal(unit, true)],
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "plant")


def free_port() -> int:
    """One that the host gives to nobody else meanwhile, as it would one of its own choice."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)):
                return port


class Line:
    """An open line of one kind, that opens its connection anew where that is broken."""

    def __init__(self, peer: Peer, connect: Connect) -> None:
        self.peer = peer
        self.counters: Counter[str] = Counter()
        self._connect = connect
        self._wire: Wire

    async def open(self) -> None:
        self._wire = await opened(self._connect, 2.0, self.counters)

    async def close(self) -> None:
        await self._wire.close()

    async def ask(self, unit: int, ask: pdu.Ask = READ, timeout_s: float = TIMEOUT_S) -> bytes | Exception:
        if self._wire.broken is not None:
            await self.close()
            await self.open()
        try:
            return await self._wire.ask(unit, ask, timeout_s)
        except (TimeoutError, pdu.WrongAnswer, pdu.Refusal) as error:
            return error


@asynccontextmanager
async def line(kind: str, authority: Authority) -> AsyncIterator[Line]:
    """Two units on a line of this kind, opened."""
    peer = Peer(kind, {number: unit(value) for number, value in HELD.items()})
    peer.units[1].registers[3] = dict(enumerate(range(1111, 1151)))
    settings: dict[str, str] = {}
    end: Pty | Server | Datagrams | Caller
    if kind in ("rtu", "ascii"):
        end = Pty(peer)
    elif kind == "udp":
        end = Datagrams(peer)
    elif kind == "listen":
        end = Caller(peer, free_port())
    elif kind == "tls":
        issued = authority.issue("device")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        end, settings = Server(peer, context), {"trust": authority.root}
    else:
        end = Server(peer)
    endpoint = await end.open()
    made = Line(peer, Connect.model_validate({"modbus": endpoint, **settings}))
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await end.close()


async def misbehaves(kind: str, authority: Authority, rogue: Rogue, *, harmless: bool) -> str:
    """What is wrong with how the line takes two such answers of unit 1; empty where nothing is."""
    left = 0

    def instead(peer: Peer, unit: int, true: bytes) -> Pieces:
        nonlocal left
        if unit == 2 or not left:
            return [peer.seal(unit, true)]
        left -= 1
        return rogue(peer, unit, true)

    said: list[str] = []
    async with line(kind, authority) as made:
        made.peer.rogue = instead
        first = [await made.ask(number) for number in HELD]
        left = 2
        heard: list[bytes | Exception] = []
        for _ in range(4):
            heard.append(await made.ask(1))
            if (other := await made.ask(2)) != HELD[2].to_bytes(2, "big"):
                said.append(f"unit 2 gave {other!r}")
    true = HELD[1].to_bytes(2, "big")
    if first != [value.to_bytes(2, "big") for value in HELD.values()]:
        said.append(f"at first: {first}")
    if any(one != true for one in heard if isinstance(one, bytes)):
        said.append(f"a false value: {heard}")
    wrong = [one for one in heard if isinstance(one, Exception)]
    if harmless and wrong:
        said.append(f"not read: {wrong}")
    # Without transactions a late answer is one to the same request asked again: it is as true.
    enough = (1, 2) if kind in SERIAL and rogue is ON_EVERY_LINE["late"] else (2,)
    if not harmless and len(wrong) not in enough:
        said.append(f"believed, or not read again: {heard}")
    return f"{kind}: {'; '.join(said)}" if said else ""


async def all_of(kinds: tuple[str, ...], authority: Authority, rogue: Rogue, *, harmless: bool = False) -> None:
    """On all these kinds of line at once."""
    async with asyncio.timeout(20):
        told = await asyncio.gather(*(misbehaves(kind, authority, rogue, harmless=harmless) for kind in kinds))
    assert not list(filter(None, told))


@pytest.mark.parametrize("name", ON_EVERY_LINE)
async def test_a_wrong_answer_is_never_a_value_on_any_line(authority: Authority, name: str) -> None:
    await all_of(KINDS, authority, ON_EVERY_LINE[name])


@pytest.mark.parametrize("name", OF_A_HEADER)
async def test_a_wrong_header_is_never_a_value(authority: Authority, name: str) -> None:
    await all_of((*STREAMS, *DATAGRAMS), authority, OF_A_HEADER[name])


@pytest.mark.parametrize("name", ON_A_SERIAL_LINE)
async def test_what_comes_instead_on_a_serial_line_is_never_a_value(authority: Authority, name: str) -> None:
    await all_of(SERIAL, authority, ON_A_SERIAL_LINE[name])


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_is_only_odd_is_read(authority: Authority, name: str) -> None:
    # A datagram is a whole answer; its parts are none.
    kinds = (*STREAMS, *SERIAL) if name in ("byte by byte", "split with pauses") else KINDS
    await all_of(kinds, authority, HARMLESS[name], harmless=True)


@pytest.mark.parametrize("name", HARMLESS_ON_A_SERIAL_LINE)
async def test_what_is_only_odd_on_a_serial_line_is_read(authority: Authority, name: str) -> None:
    await all_of(SERIAL, authority, HARMLESS_ON_A_SERIAL_LINE[name], harmless=True)


@pytest.mark.parametrize("late", [1.2, 1.9, 2.8])
async def test_a_late_answer_is_never_that_to_another_request(authority: Authority, late: float) -> None:
    def slowly(peer: Peer, unit: int, true: bytes) -> Pieces:
        return [late * TIMEOUT_S, peer.seal(unit, true)]

    async def one(kind: str) -> None:
        async with line(kind, authority) as made:
            assert await made.ask(1) == (1111).to_bytes(2, "big")
            made.peer.rogue = slowly
            assert isinstance(await made.ask(1, pdu.read(3, 4, 1)), TimeoutError), kind
            made.peer.rogue = lambda peer, unit, true: [TIMEOUT_S / 2, peer.seal(unit, true)]
            for at in range(5, 10):
                assert await made.ask(1, pdu.read(3, at, 1)) == (1111 + at).to_bytes(2, "big"), kind

    await asyncio.gather(*map(one, KINDS))


@pytest.mark.parametrize("kind", SERIAL)
async def test_others_are_asked_while_a_late_answer_may_come(authority: Authority, kind: str) -> None:
    async with line(kind, authority) as made:
        made.peer.rogue = lambda peer, unit, true: [] if unit == 1 else [peer.seal(unit, true)]
        assert isinstance(await made.ask(1, pdu.read(3, 4, 1)), TimeoutError)
        begin = asyncio.get_running_loop().time()
        assert await made.ask(2, pdu.read(3, 5, 1)) == HELD[2].to_bytes(2, "big")
        assert asyncio.get_running_loop().time() - begin < TIMEOUT_S


@pytest.mark.parametrize("kind", SERIAL)
async def test_the_echo_of_an_adapter_is_not_an_answer(authority: Authority, kind: str) -> None:
    async with line(kind, authority) as made:
        made.peer.echoes = True
        for _ in range(2):
            assert await made.ask(1, pdu.read(3, 7, 1)) == (1118).to_bytes(2, "big")
            assert await made.ask(1, pdu.write_register(7, 1)) == b""
        made.peer.rogue = lambda peer, unit, true: []
        assert isinstance(await made.ask(1, pdu.write_register(7, 1)), TimeoutError)
        made.peer.rogue = lambda peer, unit, true: [peer.seal(unit, true[:-1] + b"\7")]
        assert isinstance(await made.ask(1, pdu.write_register(7, 1)), pdu.EchoWrong)
        made.peer.rogue = lambda peer, unit, true: [peer.seal(unit, b"\x86\2")]
        assert isinstance(await made.ask(1, pdu.write_register(7, 1)), pdu.Refusal)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_write_is_confirmed_by_its_own_copy_alone(authority: Authority, kind: str) -> None:
    async with line(kind, authority) as made:
        await made.ask(1)
        assert await made.ask(1, pdu.write_register(7, 1)) == b""
        assert await made.ask(1, pdu.write_registers(7, b"\0\1\0\2")) == b""
        for wrong in (b"\6\0\7\0\2", b"\6\0\x08\0\1", b"\6\0\7\0\1\0"):
            made.peer.rogue = partial(instead, wrong)
            assert isinstance(await made.ask(1, pdu.write_register(7, 1)), pdu.WrongAnswer)
        made.peer.rogue = None
        assert await made.ask(1, pdu.write_register(7, 1)) == b""


@pytest.mark.parametrize("kind", SERIAL)
async def test_before_anything_was_read_one_copy_of_a_write_does_not_confirm_it(
    authority: Authority, kind: str
) -> None:
    async with line(kind, authority) as made:
        assert isinstance(await made.ask(1, pdu.write_register(7, 1)), pdu.EchoWrong)
        assert await made.ask(1) == HELD[1].to_bytes(2, "big")
        assert await made.ask(1, pdu.write_register(7, 1)) == b""


@pytest.mark.parametrize("kind", SERIAL)
async def test_a_line_that_is_never_silent_is_given_up_and_used_again(authority: Authority, kind: str) -> None:
    async with line(kind, authority) as made:
        made.peer.rogue = babble
        assert isinstance(await made.ask(1), pdu.WrongAnswer)
        assert isinstance(await made.ask(2), pdu.SilenceWrong)
        made.peer.rogue = None
        await asyncio.sleep(0.5)
        assert await made.ask(1) == HELD[1].to_bytes(2, "big")
