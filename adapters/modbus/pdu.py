"""Modbus TCP frames as bytes: read requests out, their answers in, and not one answer believed unchecked.

Modbus Application Protocol V1.1b3 (functions 1 to 4, exceptions) and Modbus Messaging on TCP/IP V1.0b (MBAP header).
No I/O here.

Errors::

    WrongAnswer              not an answer to what was asked; ``expected`` and ``received`` say how it differs
    ├── TransactionWrong
    ├── ProtocolWrong
    ├── LengthWrong
    ├── UnitWrong
    ├── FunctionWrong
    └── ByteCountWrong
    Refusal                  the device answered properly, with an exception ``code``
"""

from __future__ import annotations

from struct import Struct

HEADER_BYTES = 6
"""Transaction, protocol and length: what stands before the bytes that the length counts."""
SHORTEST = 3
"""Unit, function, and one byte: the least that the length field of an answer can count."""
LONGEST = 254
"""Unit and the 253 bytes of the longest PDU."""

_REQUEST = Struct(">HHHBBHH")
_HEADER = Struct(">HHH")
_ANSWER = Struct(">HHHBBB")
_EXCEPTION = 0x80

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    7: "not acknowledged",
    8: "memory parity error",
    9: "not defined",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""Section 7 of the application protocol; 7 is of the older PI-MBUS-300, 9 was never given away."""


class WrongAnswer(Exception):
    """Not an answer to what was asked: nothing in it may be believed."""

    what = "answer"

    def __init__(self, expected: str, received: str) -> None:
        super().__init__(f"{self.what} {received} instead of {expected}")
        self.expected = expected
        self.received = received


class TransactionWrong(WrongAnswer):
    """It answers a request that was never sent."""

    what = "transaction"


class ProtocolWrong(WrongAnswer):
    """The protocol id is not 0, so this is no Modbus frame or the stream is out of step."""

    what = "protocol id"


class LengthWrong(WrongAnswer):
    """The length field is impossible, or does not fit what follows."""

    what = "length"


class UnitWrong(WrongAnswer):
    """Another unit answered."""

    what = "unit"


class FunctionWrong(WrongAnswer):
    """It answers another function."""

    what = "function"


class ByteCountWrong(WrongAnswer):
    """More or fewer bytes than were asked for."""

    what = "byte count"


class Refusal(Exception):
    """The device answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}: {EXCEPTIONS.get(code, 'not defined')}")
        self.code = code


def request(transaction: int, unit: int, function: int, first: int, count: int) -> bytes:
    """The frame that reads ``count`` registers or bits from address ``first`` on (functions 1 to 4)."""
    return _REQUEST.pack(transaction, 0, 6, unit, function, first, count)


def take(received: bytearray) -> bytes | None:
    """Cut the first whole frame off what was received; None while there is none.

    Raises ProtocolWrong or LengthWrong when what stands there cannot begin a frame: the stream is out of step then.
    """
    if len(received) < HEADER_BYTES:
        return None
    _, protocol, length = _HEADER.unpack_from(received)
    if protocol != 0:
        raise ProtocolWrong("0", str(protocol))
    if not SHORTEST <= length <= LONGEST:
        raise LengthWrong(f"{SHORTEST} to {LONGEST}", str(length))
    end = HEADER_BYTES + length
    if len(received) < end:
        return None
    frame = bytes(received[:end])
    del received[:end]
    return frame


def transaction_of(frame: bytes) -> int:
    """The transaction id of a frame that ``take`` returned."""
    return frame[0] << 8 | frame[1]


def data(frame: bytes, transaction: int, unit: int, function: int, size: int) -> bytes:
    """The ``size`` data bytes of the answer to a read request. Raises WrongAnswer or Refusal."""
    head = _ANSWER.pack(transaction, 0, 3 + size, unit, function, size)
    if len(frame) == 9 + size and frame.startswith(head):
        return frame[9:]
    raise _judged(frame, transaction, unit, function, size)


def _judged(frame: bytes, transaction: int, unit: int, function: int, size: int) -> WrongAnswer | Refusal:
    """What is wrong with a frame that is not the answer with data."""
    if len(frame) < HEADER_BYTES + SHORTEST:
        return LengthWrong(f"{HEADER_BYTES + SHORTEST} bytes or more", f"{len(frame)} bytes")
    got_transaction, protocol, length, got_unit, got_function, first = _ANSWER.unpack_from(frame)
    if got_transaction != transaction:
        return TransactionWrong(str(transaction), str(got_transaction))
    if protocol != 0:
        return ProtocolWrong("0", str(protocol))
    if length != len(frame) - HEADER_BYTES:
        return LengthWrong(str(len(frame) - HEADER_BYTES), str(length))
    if got_unit != unit:
        return UnitWrong(str(unit), str(got_unit))
    if got_function == function | _EXCEPTION:
        return Refusal(first) if length == SHORTEST else LengthWrong(f"{SHORTEST} for an exception", str(length))
    if got_function != function:
        return FunctionWrong(str(function), str(got_function))
    if first != size:
        return ByteCountWrong(str(size), str(first))
    return LengthWrong(str(3 + size), str(length))
