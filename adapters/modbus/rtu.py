"""RTU frames: unit, PDU, and a CRC. No I/O here.

Modbus over Serial Line V1.02, section 2.5.1 and appendix B.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.modbus.pdu import LONGEST, Ask, ChecksumWrong, LengthWrong, answer_bytes

SHORTEST = 5
"""An exception: unit, function, code, CRC."""
_CRC_BYTES = 2
LONGEST_FRAME = 1 + LONGEST + _CRC_BYTES


def _table() -> Iterable[int]:
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        yield crc


_TABLE = tuple(_table())


def crc(data: bytes | bytearray) -> int:
    """CRC-16 of the standard; 0 for a frame with its own CRC, low byte first, behind it."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def frame(unit: int, ask: Ask) -> bytes:
    """The request as it goes over the wire."""
    content = bytes((unit, ask.function)) + ask.body
    return content + crc(content).to_bytes(2, "little")


def find(received: bytes | bytearray, unit: int, ask: Ask, searched: int = 0) -> tuple[int, bytes] | None:
    """Where the first whole frame begins that answers this, with its PDU; bytes before it are noise or of others.

    The first ``searched`` bytes are known to hold none: a peer that sends what looks like hundreds of beginnings, byte
    by byte, is not gone through from the start with each.

    Nothing but unit, function, length and CRC together makes a frame: at a place that was not meant as a beginning
    they agree once in 2 to the 32.
    """
    start = bytes((unit,))
    at = received.find(start, max(0, searched - LONGEST_FRAME))
    while at >= 0:
        size = answer_bytes(ask, received[at + 1 :])
        end = at + 1 + (size or 0) + _CRC_BYTES
        if size is not None and searched < end <= len(received) and crc(received[at:end]) == 0:
            return at, bytes(received[at + 1 : end - _CRC_BYTES])
        at = received.find(start, at + 1)
    return None


def opened(received: bytes | bytearray) -> tuple[int, bytes]:
    """Unit and PDU of what is one whole frame. Raises LengthWrong or ChecksumWrong where it is none."""
    if len(received) < SHORTEST:
        raise LengthWrong(f"{SHORTEST} bytes or more", str(len(received)))
    content, check = received[:-_CRC_BYTES], received[-_CRC_BYTES:]
    right = crc(content).to_bytes(2, "little")
    if check != right:
        raise ChecksumWrong(right.hex(), check.hex())
    return content[0], bytes(content[1:])


def ended(received: bytes | bytearray) -> bool:
    """Whether silence after this is the end: always."""
    return True


def size(pdu_bytes: int) -> int:
    """Bytes on the wire of a frame round a PDU of this size."""
    return 1 + pdu_bytes + _CRC_BYTES
