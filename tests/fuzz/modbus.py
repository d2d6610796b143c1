"""Answers with random damage on every framing of Modbus: never a value that the bytes on the line do not hold.

``python -m tests.fuzz.modbus [N] [seed]``: N answers on each framing (default 20,000), the same for the same seed.

Unit 1 answers badly; unit 2 is proper, is asked after each bad answer, and must be read whatever came before. Time is
that of a clock which jumps from event to event, so that pauses and timeouts cost nothing.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import sys
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from adapters.modbus import ascii as characters
from adapters.modbus import pdu, rtu
from adapters.modbus.exchange import Exchange, Talk
from adapters.modbus.halfduplex import AT_ONCE, HalfDuplex, silence
from adapters.modbus.mbap import Mbap
from tests.adapters.modbus.device import Unit
from tests.adapters.modbus.peers import Peer, Pieces, check

TIMEOUT_S = 0.5
SIZE = 300
"""Registers and bits of each table, of each unit."""


class _Jumping(selectors.SelectSelector):
    """Does not wait: it says that the time has passed."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class Kind(NamedTuple):
    """A framing, and what stands between it and the device."""

    name: str
    scheme: str
    """For the peer: what frames it speaks."""
    talk: Callable[[Counter[str], Callable[[], float]], Talk]
    datagrams: bool = False
    echoes: bool = False


KINDS = (
    Kind("tcp", "tcp", lambda counters, clock: Mbap(counters)),
    Kind("udp", "udp", lambda counters, clock: Mbap(counters, datagrams=True), datagrams=True),
    Kind("rtu", "rtu", lambda counters, clock: HalfDuplex(rtu, silence(19200, 11), counters, clock)),
    Kind(
        "rtu, echoed", "rtu", lambda counters, clock: HalfDuplex(rtu, silence(19200, 11), counters, clock), echoes=True
    ),
    Kind("rtu+tcp", "rtu+tcp", lambda counters, clock: HalfDuplex(rtu, AT_ONCE, counters, clock)),
    Kind("ascii", "ascii", lambda counters, clock: HalfDuplex(characters, silence(9600, 10), counters, clock)),
    Kind("ascii+tcp", "ascii+tcp", lambda counters, clock: HalfDuplex(characters, AT_ONCE, counters, clock)),
)
"""TLS and devices that call have the frames of TCP and the same reader; the adapter's tests open all of them."""


def unit(number: int) -> Unit:
    """Every register holds what no other one does."""
    made = Unit()
    for table, registers in made.registers.items():
        registers.update((at, (number << 13 | table << 10 | at) & 0xFFFF) for at in range(SIZE))
    for bits in made.bits.values():
        bits.update((at, random.Random(number * SIZE + at).random() < 0.5) for at in range(SIZE))
    return made


class Line:
    """One line to two units, over an exchange that is made anew where it is broken; keeps what was sent to it."""

    def __init__(self, kind: Kind, chance: random.Random) -> None:
        self._kind = kind
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self.peer = Peer(kind.scheme, {1: unit(1), 2: unit(2)})
        self.peer.echoes = kind.echoes
        self.counters: Counter[str] = Counter()
        self.heard = bytearray()
        """Since the last request."""
        self._sent: list[tuple[int, bytes]] = []
        self._open()

    def _open(self) -> None:
        self._exchange = exchange = Exchange(self._kind.talk(self.counters, self._loop.time), self.counters)
        exchange.connection_made(self)
        self._now = exchange
        self.peer._heard.clear()

    def write(self, data: bytes) -> None:
        self.heard.clear()
        exchange = self._exchange

        def answer(piece: bytes) -> None:
            self._loop.call_soon(self._receive, exchange, piece)

        self.peer.hear(data, answer)

    def _receive(self, exchange: Exchange, piece: bytes) -> None:
        if exchange is self._now and exchange.broken is None:
            self.heard += piece
            exchange.data_received(piece)

    def abort(self) -> None:
        self._loop.call_soon(self._exchange.connection_lost, None)

    async def ask(self, unit: int, ask: pdu.Ask) -> bytes | Exception:
        """The data, or what was told instead."""
        if self._exchange.broken is not None:
            self.counters["reopened"] += 1
            await self._exchange.close()
            self._open()
        try:
            return await self._exchange.ask(unit, ask, TIMEOUT_S)
        except (TimeoutError, pdu.WrongAnswer, pdu.Refusal) as error:
            return error


def damaged(frame: bytes, chance: random.Random) -> bytes:
    """A few bytes of it other, missing, doubled, or new."""
    raw = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(7):
            case 0 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(raw):
                raw[at] = chance.choice((0, 0xFF, raw[at - 1], chance.randrange(256)))
            case 2:
                del raw[at : at + chance.randrange(1, 4)]
            case 3:
                raw[at:at] = chance.randbytes(chance.randrange(1, 4))
            case 4:
                raw[at : at + 2] = raw[at : at + 2][::-1]
            case 5:
                raw[at:at] = raw[max(0, at - 4) : at]
            case 6:
                del raw[at:]
    return bytes(raw)


def misshapen(peer: Peer, unit: int, true: bytes, chance: random.Random) -> bytes:
    """A frame that is right in itself, round something that was not asked for."""
    size = chance.choice([size for size in range(251) if size != true[1]])
    other = chance.choice((1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43, true[0] ^ 0x80, true[0] | 0x80))
    return peer.seal(
        *chance.choice(
            (
                (chance.choice((0, 2, 3, 255)), true),
                (unit, bytes([other]) + true[1:]),
                (unit, bytes([true[0], size]) + chance.randbytes(size)),
                (unit, true[:1] + bytes([true[1] ^ 1]) + true[2:]),
                (unit, true + chance.randbytes(chance.randrange(1, 9))),
                (unit, true[: chance.randrange(1, len(true))]),
                (unit, bytes([true[0] | 0x80, chance.randrange(256)])),
                (unit, b"\x01"),
            )
        )
    )


def pieces(sent: bytes, chance: random.Random, *, whole: bool) -> Iterator[bytes | float]:
    """The bytes in up to four parts, with pauses, where the line may cut them."""
    for _ in range(0 if whole else chance.randrange(4)):
        size = chance.randrange(len(sent) + 1)
        yield sent[:size]
        sent = sent[size:]
        yield chance.choice((0.0, 0.001, 0.01, 0.04))
    yield sent


class Rogue:
    """What unit 1 sends instead; unit 2 is proper."""

    def __init__(self, kind: Kind, chance: random.Random) -> None:
        self._kind = kind
        self._chance = chance
        self._old = b""
        """The last true answer of unit 1."""

    def __call__(self, peer: Peer, unit: int, true: bytes) -> Pieces:
        chance = self._chance
        frame = peer.seal(unit, true)
        if unit != 1:
            yield frame
            return
        old, self._old = self._old, frame
        yield chance.choice((0.0,) * 8 + (0.1, 0.9 * TIMEOUT_S, 1.5 * TIMEOUT_S, 2.6 * TIMEOUT_S))
        noise = chance.randbytes(chance.choice((0, 0, 0, 1, 3, 20)))
        sent = chance.choice(
            (
                damaged(frame, chance),
                damaged(frame, chance),
                misshapen(peer, unit, true, chance),
                damaged(misshapen(peer, unit, true, chance), chance),
                noise + frame,
                frame + noise,
                noise + damaged(frame, chance) + frame,
                frame + frame,
                old if self._kind.scheme in ("tcp", "udp") else b"",
                chance.randbytes(chance.randrange(300)),
                frame,
            )
        )
        yield from pieces(sent, chance, whole=self._kind.datagrams)


def request(chance: random.Random) -> pdu.Ask:
    """Any read, or a write of registers that are read never."""
    match chance.randrange(8):
        case 0:
            return pdu.write_register(SIZE + chance.randrange(100), chance.randrange(65536))
        case 1:
            return pdu.write_registers(SIZE, chance.randbytes(2 * chance.randrange(1, 50)))
        case 2:
            return pdu.write_coil(SIZE, chance.random() < 0.5)
    count = chance.choice((1, 1, 2, 8, chance.randrange(1, 126)))
    return pdu.read(chance.randrange(1, 5), chance.randrange(SIZE - count), count)


def true(line: Line, unit: int, ask: pdu.Ask) -> bytes:
    """The data that the unit has for this request."""
    if ask.function > 4:
        return b""
    first, count = int.from_bytes(ask.body[:2], "big"), int.from_bytes(ask.body[2:4], "big")
    return line.peer.units[unit].answer(ask.function, first, count)[2:]


def held(line: Line, kind: Kind, unit: int, ask: pdu.Ask, data: bytes) -> bool:
    """Whether the bytes that came hold a frame that is an answer to this request with these data, by the standards."""
    rest = ask.body[:4] if ask.function > 4 else bytes([len(data)]) + data
    answer = bytes([ask.function]) + rest
    heard = bytes(line.heard)
    if line.peer.framing == "ascii":
        content = bytes([unit]) + answer
        return f":{content.hex()}{-sum(content) & 0xFF:02x}\r\n".encode() in heard.lower()
    if line.peer.framing == "rtu":
        # The adapter's own echo of a write of one value is a copy of what confirms it.
        copies = 2 if kind.echoes and ask.function in (5, 6) else 1
        return heard.count(bytes([unit]) + answer + check(bytes([unit]) + answer)) >= copies
    return line.peer.transaction + b"\0\0" + (1 + len(answer)).to_bytes(2, "big") + bytes([unit]) + answer in heard


def _what(got: bytes, right: bytes, older: Collection[bytes]) -> str:
    if got == right:
        return "right"
    # Without transactions, an answer that comes twice can be that to the next request of its kind.
    return "an older answer" if got in older else "fits by chance"


async def _run(kind: Kind, count: int, seed: int) -> Counter[str]:
    chance = random.Random(f"{kind.name} {seed}")
    line = Line(kind, chance)
    found: Counter[str] = Counter()
    # Nothing is known of the adapter's echo before a first read.
    assert await line.ask(2, pdu.read(3, 0, 1)) == true(line, 2, pdu.read(3, 0, 1))
    line.peer.rogue = Rogue(kind, chance)
    older: deque[bytes] = deque(maxlen=8)
    disturbed = 0
    for number in range(count):
        ask = request(chance)
        got = await line.ask(1, ask)
        right = true(line, 1, ask)
        if isinstance(got, Exception):
            found[type(got).__name__] += 1
        else:
            where = f"answer {number} of seed {seed} on {kind.name}: {ask.function} {ask.body.hex()}"
            assert held(line, kind, 1, ask, got), f"{where}: {got.hex()} was believed of {line.heard.hex(' ')}"
            found[_what(got, right, older)] += 1
        older.append(right)
        if chance.random() < 0.5:
            other = request(chance)
            where = f"after answer {number} of seed {seed} on {kind.name}"
            while isinstance(got := await line.ask(2, other), Exception):
                # What unit 1 sent too late, or behind its answer, came in the middle of this.
                found["disturbed"] += 1
                disturbed += 1
                assert disturbed < 4, f"{where}: unit 2 gave {got!r} of {line.heard.hex(' ')}"
            disturbed = 0
            assert got == true(line, 2, other), f"{where}: unit 2 gave {got!r} of {line.heard.hex(' ')}"
    return found + line.counters


def run(kind: Kind, count: int, seed: int) -> Counter[str]:
    """So many answers of unit 1: how many were read, and what was told of the others. Raises AssertionError."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(_run(kind, count, seed))


def main(count: int = 20_000, seed: int = 1) -> None:
    """Print what became of the answers of each framing."""
    for kind in KINDS:
        found = run(kind, count, seed)
        print(f"{kind.name}: {count} answers, seed {seed}")
        print("  " + "  ".join(f"{name} {times}" for name, times in sorted(found.items())))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
