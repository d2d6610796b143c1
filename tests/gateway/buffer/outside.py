"""Draining a buffer to the message, and looking at it from outside."""

from __future__ import annotations

from pathlib import Path

from gateway.buffer.export import Export, Wanted
from gateway.buffer.inspection import read_kept
from gateway.buffer.port import Buffer
from gateway.model import Stored
from tests.gateway.buffer.making import sequences


async def arrive(buffer: Buffer, identity: str, count: int) -> list[int]:
    """So many messages are claimed and acknowledged; their sequences."""
    found: list[int] = []
    while len(found) < count:
        claim = await buffer.claim(identity, count - len(found))
        found += sequences(claim.messages)
        await buffer.acknowledge(claim)
    return found


def exported(folder: Path, wanted: Wanted | None = None) -> list[Stored]:
    """What an export gives."""
    return list(Export(folder, read_kept(folder), wanted or Wanted()))
