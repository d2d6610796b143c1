"""The port of the buffer: what is accepted is on disk, what is acknowledged may go, in order per identity and class."""

from __future__ import annotations

from gateway.buffer.port import (
    Buffer,
    BufferFull,
    BufferSettings,
    BufferTrouble,
    BufferUnavailable,
    Claim,
    ClassStats,
    Fenced,
    Loss,
    OnFull,
    Order,
    Stats,
    Timing,
)

__all__ = [
    "Buffer",
    "BufferFull",
    "BufferSettings",
    "BufferTrouble",
    "BufferUnavailable",
    "Claim",
    "ClassStats",
    "Fenced",
    "Loss",
    "OnFull",
    "Order",
    "Stats",
    "Timing",
]
