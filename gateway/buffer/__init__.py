"""The port of the buffer: what is accepted is on disk, what is acknowledged may go, in order per identity."""

from __future__ import annotations

from gateway.buffer.port import (
    Buffer,
    BufferFull,
    BufferTrouble,
    BufferUnavailable,
    Claim,
    Stats,
)

__all__ = ["Buffer", "BufferFull", "BufferTrouble", "BufferUnavailable", "Claim", "Stats"]
