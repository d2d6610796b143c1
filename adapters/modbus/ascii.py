"""ASCII frames: a colon, unit, PDU and an LRC in hexadecimal, and an end of line. No I/O here.

Modbus over Serial Line V1.02, section 2.5.2 and appendix B.
"""

from __future__ import annotations

import re

from adapters.modbus.pdu import Ask, ChecksumWrong, LengthWrong, answer_bytes

# The standard has upper case alone; devices that write lower case are understood.
_FRAME = re.compile(rb":((?:[0-9A-Fa-f]{2}){4,255})\r\n")

LONGEST_FRAME = 513
"""Characters: those of unit, PDU and LRC, two each, a colon and the end of the line."""


def lrc(data: bytes | bytearray) -> int:
    """The two's complement of the sum of all bytes; with it they add up to 0."""
    return -sum(data) & 0xFF


def frame(unit: int, ask: Ask) -> bytes:
    """The request as it goes over the wire."""
    content = bytes((unit, ask.function)) + ask.body
    return b":%s%02X\r\n" % (content.hex().upper().encode(), lrc(content))


def find(received: bytes | bytearray, unit: int, ask: Ask, searched: int = 0) -> tuple[int, bytes] | None:
    """Where the first whole frame begins that answers this, with its PDU; before it is noise, or what others said.

    The first ``searched`` characters are known to hold none.
    """
    for match in _FRAME.finditer(received, max(0, searched - LONGEST_FRAME)):
        content = bytes.fromhex(match[1].decode())
        pdu = content[1:-1]
        if content[0] == unit and answer_bytes(ask, pdu) == len(pdu) and lrc(content) == 0:
            return match.start(), pdu
    return None


def opened(received: bytes | bytearray) -> tuple[int, bytes]:
    """Unit and PDU of what is one whole frame. Raises LengthWrong or ChecksumWrong where it is none."""
    match = _FRAME.fullmatch(received)
    if match is None:
        raise LengthWrong("a whole frame", f"{len(received)} characters that are none")
    content = bytes.fromhex(match[1].decode())
    if lrc(content):
        raise ChecksumWrong(f"{lrc(content[:-1]):02x}", f"{content[-1]:02x}")
    return content[0], content[1:-1]


def ended(received: bytes | bytearray) -> bool:
    """Whether silence after this is the end: a frame that has begun may pause for a second between its characters."""
    return received.endswith(b"\r\n") or b":" not in received


def size(pdu_bytes: int) -> int:
    """Characters on the wire of a frame round a PDU of this size."""
    return 1 + 2 * (1 + pdu_bytes + 1) + 2
