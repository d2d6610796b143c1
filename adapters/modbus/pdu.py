"""What is asked and answered, without the frame round it: requests built, answers judged, none believed unchecked.

Modbus Application Protocol V1.1b3: functions 1 to 6, 15, 16, 20 to 23, 43/14, and exceptions. No I/O here.

Errors::

    WrongAnswer              not an answer to what was asked; ``expected`` and ``received`` say how it differs
    ├── TransactionWrong
    ├── ProtocolWrong
    ├── ChecksumWrong
    ├── LengthWrong
    ├── UnitWrong
    ├── FunctionWrong
    ├── ByteCountWrong
    ├── EchoWrong
    ├── ContentWrong
    ├── SilenceWrong
    └── ClosedWrong
    Refusal                  the device answered properly, with an exception ``code``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import NamedTuple

LONGEST = 253
"""Bytes of the longest PDU."""

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
UNREACHABLE = frozenset((10, 11))
"""Exceptions by which a gateway says that the unit behind it is not there: the line is well, the unit is not."""

_EXCEPTION = 0x80
_TWO = Struct(">HH")
_THREE = Struct(">HHH")
_WRITE = Struct(">HHB")
_READ_WRITE = Struct(">HHHHB")
_RECORD = Struct(">BHHH")
_REFERENCE = 6
"""The only reference type of file records."""
_IDENTIFICATION = 43
_DEVICE = 14
"""The type of device identification."""


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


class ChecksumWrong(WrongAnswer):
    """The bytes are not those that were sent: noise, a wrong baud rate, two that talk at once."""

    what = "checksum"


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


class EchoWrong(WrongAnswer):
    """What was confirmed is not what was to be written."""

    what = "echo"


class ContentWrong(WrongAnswer):
    """What was answered contradicts itself."""

    what = "content"


class SilenceWrong(WrongAnswer):
    """The line does not fall silent, so nothing can be asked on it."""

    what = "line"


class ClosedWrong(WrongAnswer):
    """The device hangs up when it is asked this, though others on the same connection are answered."""

    what = "connection"


class Refusal(Exception):
    """The device answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}: {EXCEPTIONS.get(code, 'not defined')}")
        self.code = code


class Ask(NamedTuple):
    """A request, and how its answer is known."""

    function: int
    body: bytes
    """What follows the function code."""
    judge: Callable[[bytes], bytes]
    """The answering PDU, function code first, to its data bytes. Raises WrongAnswer or Refusal."""
    size: int | None
    """Bytes of the whole answering PDU where it is right; None where only it says how many."""


def read(function: int, first: int, count: int) -> Ask:
    """Read ``count`` bits (functions 1, 2) or registers (3, 4) from address ``first`` on."""
    return _counted(function, _TWO.pack(first, count), (count + 7) // 8 if function <= 2 else 2 * count)


def write_coil(at: int, on: bool) -> Ask:
    """Set one coil (function 5); no data in the answer."""
    return _echoed(5, _TWO.pack(at, 0xFF00 if on else 0))


def write_register(at: int, value: int) -> Ask:
    """Set one register (function 6), ``value`` 0 to 65535; no data in the answer."""
    return _echoed(6, _TWO.pack(at, value))


def write_coils(at: int, bits: Sequence[bool]) -> Ask:
    """Set neighbouring coils (function 15), up to 1968; no data in the answer."""
    packed = sum(1 << place for place, bit in enumerate(bits) if bit).to_bytes((len(bits) + 7) // 8, "little")
    return _confirmed(15, at, len(bits), packed)


def write_registers(at: int, data: bytes) -> Ask:
    """Set neighbouring registers (function 16), two bytes each, up to 123; no data in the answer."""
    return _confirmed(16, at, len(data) // 2, data)


def mask_register(at: int, and_mask: int, or_mask: int) -> Ask:
    """Change the bits that are 0 in ``and_mask`` to those of ``or_mask`` (function 22); no data in the answer."""
    return _echoed(22, _THREE.pack(at, and_mask, or_mask))


def read_write_registers(first: int, count: int, at: int, data: bytes) -> Ask:
    """Set registers from ``at`` on, up to 121, then read ``count`` from ``first`` on (function 23)."""
    return _counted(23, _READ_WRITE.pack(first, count, at, len(data) // 2, len(data)) + data, 2 * count)


def read_file(records: Iterable[tuple[int, int, int]]) -> Ask:
    """Read from files (function 20): of each its number, the first record, how many; the data of all, joined."""
    listed = list(records)
    body = b"".join(_RECORD.pack(_REFERENCE, *record) for record in listed)
    sizes = [2 * count for _, _, count in listed]
    counted = _counted(20, bytes((len(body),)) + body, sum(2 + size for size in sizes))

    def judge(pdu: bytes) -> bytes:
        groups = counted.judge(pdu)
        data = b""
        at = 0
        for size in sizes:
            head = bytes((1 + size, _REFERENCE))
            if groups[at : at + 2] != head:
                raise ByteCountWrong(head.hex(" "), groups[at : at + 2].hex(" "))
            data += groups[at + 2 : at + 2 + size]
            at += 2 + size
        return data

    return counted._replace(judge=judge)


def write_file(records: Iterable[tuple[int, int, bytes]]) -> Ask:
    """Write to files (function 21): of each its number, the first record, the data; no data in the answer."""
    body = b"".join(_RECORD.pack(_REFERENCE, number, record, len(data) // 2) + data for number, record, data in records)
    return _echoed(21, bytes((len(body),)) + body)


def identification(level: int, first_object: int) -> Ask:
    """Ask what the device is (function 43/14), from an object on; level 1 to 3, or 4 for this object alone.

    The data are all that follows the function code: type, level, conformity, more, next object, number, objects.
    """
    head = bytes((_IDENTIFICATION, _DEVICE, level))

    def judge(pdu: bytes) -> bytes:
        if pdu.startswith(head) and identification_bytes(pdu) == len(pdu):
            return pdu[1:]
        if pdu[:1] != head[:1]:
            raise _unlike(pdu, _IDENTIFICATION)
        if pdu[1:3] != head[1:]:
            raise EchoWrong(head[1:].hex(" "), pdu[1:3].hex(" "))
        raise LengthWrong("what its objects take", str(len(pdu)))

    return Ask(_IDENTIFICATION, bytes((_DEVICE, level, first_object)), judge, None)


def answer_bytes(ask: Ask, begun: bytes | bytearray) -> int | None:
    """How many bytes the answering PDU that begins so must have; None while that is open, or where it is no answer."""
    if not begun:
        return None
    if begun[0] == ask.function | _EXCEPTION:
        return 2
    if begun[0] != ask.function:
        return None
    return identification_bytes(begun) if ask.size is None else ask.size


def identification_bytes(begun: bytes | bytearray) -> int | None:
    """How many bytes the answer to ``identification`` has that begins so; None while it cannot be told."""
    at = 7
    if len(begun) < at:
        return None
    for _ in range(begun[6]):
        if len(begun) < at + 2:
            return None
        at += 2 + begun[at + 1]
    return at


def _counted(function: int, body: bytes, size: int) -> Ask:
    """What is answered with a count of bytes and as many."""
    head = bytes((function, size & 0xFF))
    whole = 2 + size

    def judge(pdu: bytes) -> bytes:
        if len(pdu) == whole and pdu.startswith(head):
            return pdu[2:]
        if pdu[:1] != head[:1]:
            raise _unlike(pdu, function)
        if pdu[1:2] != head[1:]:
            raise ByteCountWrong(str(size), str(pdu[1]) if len(pdu) > 1 else "none")
        raise LengthWrong(str(whole), str(len(pdu)))

    return Ask(function, body, judge, whole)


def _echoed(function: int, body: bytes) -> Ask:
    """What is answered with its own copy."""
    return _mirrored(function, body, body)


def _confirmed(function: int, at: int, count: int, data: bytes) -> Ask:
    """What is answered with where and how many."""
    return _mirrored(function, _WRITE.pack(at, count, len(data)) + data, _TWO.pack(at, count))


def _mirrored(function: int, body: bytes, answer: bytes) -> Ask:
    right = bytes((function,)) + answer

    def judge(pdu: bytes) -> bytes:
        if pdu == right:
            return b""
        if pdu[:1] != right[:1]:
            raise _unlike(pdu, function)
        if len(pdu) != len(right):
            raise LengthWrong(str(len(right)), str(len(pdu)))
        raise EchoWrong(right[1:].hex(" "), pdu[1:].hex(" "))

    return Ask(function, body, judge, len(right))


def _unlike(pdu: bytes, function: int) -> WrongAnswer | Refusal:
    """What a PDU is that does not begin with the function that was asked for."""
    if not pdu:
        return LengthWrong("2 bytes or more", "0")
    if pdu[0] != function | _EXCEPTION:
        return FunctionWrong(str(function), str(pdu[0]))
    return Refusal(pdu[1]) if len(pdu) == 2 else LengthWrong("2 for an exception", str(len(pdu)))
