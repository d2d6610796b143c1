"""Modbus TCP frames of a client, made by hand from the standard."""

from __future__ import annotations

import asyncio

LIMIT_S = 5.0


def request(unit: int, function: int, first: int, count: int, transaction: int = 7) -> bytes:
    """A read request (Application Protocol V1.1b3, sections 6.1 to 6.4)."""
    pdu = bytes((function,)) + first.to_bytes(2, "big") + count.to_bytes(2, "big")
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


async def asked(host: str, port: int, *frames: bytes, wait_s: float = LIMIT_S) -> list[bytes]:
    """Send frames one after the other over one connection; the PDU of each answer, b"" where none came in time."""
    answers = []
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for frame in frames:
            writer.write(frame)
            try:
                async with asyncio.timeout(wait_s):
                    head = await reader.readexactly(7)
                    answers.append(await reader.readexactly(int.from_bytes(head[4:6], "big") - 1))
            except TimeoutError:
                answers.append(b"")
            else:
                assert head[:4] == frame[:2] + b"\0\0"
                assert head[6] == frame[6]
    finally:
        writer.transport.abort()
    return answers
