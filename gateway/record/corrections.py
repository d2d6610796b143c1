"""Corrected messages on their way into the buffer: all in a file first, then piece by piece, so that nothing piles up.

The file is written by who corrects, in the state directory. Whoever holds the buffer (the running gateway, or the
command itself where none runs) takes one frame of it after the other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gateway.buffer import Buffer, BufferTrouble
from gateway.model import Message, Priority
from gateway.record import frames
from gateway.record.recorder import health
from gateway.status import Board

FOLDER = "corrections"
NAME = re.compile("[0-9]{1,20}[.]messages")
FRAME_MESSAGES = 200
FRAME_BYTES = 1_000_000
_LONGEST_FRAME = 16_000_000
ROOM = 0.5
"""The part of the buffer's quota beyond which nothing is taken: what is measured now must not give way to the past."""


class Spool:
    """A file that is being written. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Message] = []
        self._waiting_bytes = 0
        self.messages = 0
        self.first_ns = 0
        """Source time of the oldest message; 0 where there is none."""
        self.last_ns = 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, message: Message) -> None:
        """One more, behind the others."""
        self._waiting.append(message)
        self._waiting_bytes += len(message.body)
        self.messages += 1
        self.first_ns = min(self.first_ns or message.created_ns, message.created_ns)
        self.last_ns = max(self.last_ns, message.created_ns)
        if len(self._waiting) >= FRAME_MESSAGES or self._waiting_bytes >= FRAME_BYTES:
            self.finish()

    def finish(self) -> None:
        """All that was added is in the file when this returns."""
        if self._waiting:
            with self._path.open("ab") as stream:
                stream.write(frames.of_messages(self._waiting))
        self._waiting, self._waiting_bytes = [], 0


class Taken(NamedTuple):
    """What became of one frame."""

    messages: int
    next: int | None
    """Where the next one begins; None where this was the last."""
    last_ns: int
    """Source time of the newest message of it."""
    trouble: str = ""
    """Why nothing was taken."""
    again: bool = False
    """Trying again later may help."""


def read(folder: Path, name: str, at: int) -> tuple[list[Message], int | None]:
    """The messages of the frame that begins here, and where the next one does. Raises OSError or ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f'"{name}" is no file of corrections')
    path = folder / FOLDER / name
    with path.open("rb") as stream:
        stream.seek(at)
        found = frames.messages(stream.read(_LONGEST_FRAME))
        if found is None:
            raise ValueError(f'"{name}" is damaged')
        end = at + found[1]
        return found[0], end if end < stream.seek(0, 2) else None


async def take(folder: Path, buffer: Buffer, board: Board, name: str, at: int) -> Taken:
    """Put the messages of one frame into the buffer; accepted when this returns, or the trouble is told."""
    try:
        messages, following = await asyncio.to_thread(read, folder, name, at)
    except (OSError, ValueError) as error:
        return Taken(0, None, 0, str(error))
    stats = buffer.stats()
    if stats.quota_bytes and stats.bytes_on_disk > ROOM * stats.quota_bytes:
        return Taken(0, at, 0, "more than half of the buffer's quota is used up", again=True)
    try:
        # Bulk: they must hold up nothing that is measured now.
        await buffer.append([message._replace(priority=Priority.BULK) for message in messages])
    except BufferTrouble as error:
        return Taken(0, at, 0, f"the buffer takes nothing now: {error}", again=True)
    health(board).counters["corrected"] += len(messages)
    return Taken(len(messages), following, max(message.created_ns for message in messages))


async def answer(folder: Path, buffer: Buffer, board: Board, question: Mapping[str, Any]) -> dict[str, Any]:
    """The same for who asks over the socket: ``{"file": ..., "at": ...}``."""
    name, at = question.get("file"), question.get("at")
    if not isinstance(name, str) or type(at) is not int:
        return Taken(0, None, 0, "the question names no file and place")._asdict()
    return (await take(folder, buffer, board, name, at))._asdict()


def clear(folder: Path) -> None:
    """Remove what an earlier command left behind. Raises OSError."""
    for path in (folder / FOLDER).glob("*.messages"):
        path.unlink(missing_ok=True)
