"""Answers that no client may believe, and some that are only odd: what broken devices and bad lines make of them.

Data in an answer that must not be believed are inverted, so that a client that believes them is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from simulators.modbus.endpoint import Endpoint

Piece: TypeAlias = bytes | float
"""Bytes to send, or seconds to wait."""

LATE_S = 1.5
PAUSE_S = 0.02
GARBAGE = b"\xde\xad\xbe\xef\x00\x01\x02"
_EXCEPTION = 0x80
_READS = (1, 2, 3, 4)
_PAIRS = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 15: 16, 16: 15}


class Answer(NamedTuple):
    """A right answer, before it is framed."""

    transaction: int
    """0 where frames have none."""
    unit: int
    pdu: bytes
    frame: Callable[[bytes, int, int], bytes]
    """From PDU, unit and transaction to what goes over the line."""
    request: bytes = b""
    """The frame that is answered."""

    @property
    def framed(self) -> bytes:
        """As it goes over the line."""
        return self.frame(self.pdu, self.unit, self.transaction)


Way: TypeAlias = Callable[[Answer], list[Piece]]


def _false(pdu: bytes) -> bytes:
    """With other data; an exception stays as it is."""
    kept = 1 if pdu[0] not in _READS else 2
    return pdu if pdu[0] & _EXCEPTION else pdu[:kept] + bytes(byte ^ 0xFF for byte in pdu[kept:])


def _unit(unit: Callable[[int], int]) -> Way:
    return lambda answer: [answer.frame(_false(answer.pdu), unit(answer.unit), answer.transaction)]


def _transaction(transaction: Callable[[int], int]) -> Way:
    return lambda answer: [answer.frame(_false(answer.pdu), answer.unit, transaction(answer.transaction) & 0xFFFF)]


def _pdu(changed: Callable[[bytes], bytes]) -> Way:
    return lambda answer: [answer.frame(changed(answer.pdu), answer.unit, answer.transaction)]


def _function(function: Callable[[int], int]) -> Way:
    return _pdu(lambda pdu: bytes((function(pdu[0]),)) + _false(pdu)[1:])


def _count(step: int) -> Way:
    """The count of bytes says another number than there are."""
    return _read(lambda data: (len(data) + step, data))


def _data(changed: Callable[[bytes], bytes]) -> Way:
    """Right in itself, but not what was asked for."""

    def resized(data: bytes) -> tuple[int, bytes]:
        other = changed(data)
        return len(other), other

    return _read(resized)


def _read(changed: Callable[[bytes], tuple[int, bytes]]) -> Way:
    """Of the answer to a read: another count of bytes and other data; any other answer stays as it is."""

    def way(answer: Answer) -> list[Piece]:
        if answer.pdu[0] not in _READS:
            return [answer.framed]
        count, data = changed(_false(answer.pdu)[2:])
        return [answer.frame(bytes((answer.pdu[0], count & 0xFF)) + data, answer.unit, answer.transaction)]

    return way


def _echo(place: int) -> Way:
    """Another byte in the echo of a write; any other answer stays as it is."""

    def changed(pdu: bytes) -> bytes:
        if pdu[0] in _READS or pdu[0] & _EXCEPTION or len(pdu) <= place:
            return pdu
        return pdu[:place] + bytes((pdu[place] ^ 1,)) + pdu[place + 1 :]

    return _pdu(changed)


def _field(place: int, data: bytes) -> Way:
    """Other bytes in the header of Modbus TCP."""

    def way(answer: Answer) -> list[Piece]:
        frame = answer.frame(_false(answer.pdu), answer.unit, answer.transaction)
        return [frame[:place] + data + frame[place + len(data) :]]

    return way


def _checksum(answer: Answer) -> list[Piece]:
    frame = answer.frame(_false(answer.pdu), answer.unit, answer.transaction)
    if frame.startswith(b":"):
        return [frame[:-3] + (b"0" if frame[-3:-2] != b"0" else b"1") + frame[-2:]]
    return [frame[:-1] + bytes((frame[-1] ^ 1,))]


def _split(answer: Answer) -> list[Piece]:
    frame = answer.framed
    return [frame[:3], PAUSE_S, frame[3:5], PAUSE_S, frame[5:]]


_ANYWHERE: dict[str, Way] = {
    "another unit": _unit(lambda unit: unit % 247 + 1),
    "unit 0": _unit(lambda unit: 0),
    "another function": _function(lambda function: _PAIRS.get(function & 0x7F, 3) | function & _EXCEPTION),
    "a write function": _function(lambda function: 6 if function != 6 else 16),
    "exception of another function": _pdu(lambda pdu: bytes((_PAIRS.get(pdu[0] & 0x7F, 3) | _EXCEPTION, 2))),
    "byte count too small": _count(-2),
    "byte count too large": _count(2),
    "no data": _data(lambda data: b""),
    "too few data": _data(lambda data: data[:-2]),
    "odd data": _data(lambda data: data + b"\x1a"),
    "too many data": _data(lambda data: data + data[:2]),
    "wrong echo address": _echo(2),
    "wrong echo value": _echo(4),
    "late": lambda answer: [LATE_S, answer.framed],
    "split": _split,
    "doubled": lambda answer: [answer.framed, PAUSE_S, answer.framed],
    "garbage before": lambda answer: [GARBAGE, answer.framed],
    "garbage after": lambda answer: [answer.framed + GARBAGE],
    "cut off": lambda answer: [answer.framed[:-1]],
    "text": lambda answer: [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "nothing": lambda answer: [],
}
_IN_PACKETS: dict[str, Way] = {
    "transaction 0": _transaction(lambda transaction: 0),
    "another transaction": _transaction(lambda transaction: transaction + 5),
    "another protocol": _field(2, b"\0\1"),
    "length too small": _field(4, b"\0\3"),
    "length too large": _field(4, b"\0\xfe"),
    "length absurd": _field(4, b"\xff\xff"),
}
_IN_CHARACTERS: dict[str, Way] = {
    "wrong checksum": _checksum,
    "echo": lambda answer: [answer.request, answer.framed],
}


def ways(endpoint: Endpoint) -> Mapping[str, Way]:
    """What can go wrong on such a line, by its name."""
    known = _ANYWHERE | (_IN_PACKETS if endpoint.packets else _IN_CHARACTERS)
    # Nothing on the way splits a datagram in a manner that its receiver would see.
    return {name: way for name, way in known.items() if name != "split" or not endpoint.datagrams}
