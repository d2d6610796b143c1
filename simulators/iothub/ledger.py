"""What the hub received, written down: one JSON line per message, given to the system before it is acknowledged."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec


class Message(NamedTuple):
    """A message of a device as the hub took it."""

    at_ns: int
    """When it arrived, nanoseconds since 1970."""
    device: str
    topic: str
    properties: dict[str, str | None]
    system: dict[str, str | None]
    body: bytes


_BREAKS = re.compile(rb"[\r\n]")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def line(message: Message) -> bytes:
    """A ledger line: a body that is JSON stands in it as it came, any other as base64, with a key that says it."""
    entry: dict[str, Any] = {
        "at_ns": message.at_ns,
        "device": message.device,
        "topic": message.topic,
        "properties": message.properties,
        "system": message.system,
    }
    try:
        body = _decode(message.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        entry["body"] = base64.b64encode(message.body).decode()
        entry["base64"] = True
    else:
        # As it came, because decoding would round numbers that only the text holds; but a line is a line.
        entry["body"] = body if _BREAKS.search(message.body) else msgspec.Raw(message.body)
    return _encode(entry) + b"\n"


class Ledger:
    """An open ledger file, appended to."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, messages: Sequence[Message]) -> None:
        """Append; the system has all of it when this returns. Raises OSError, and then holds no part of a line."""
        data = b"".join(map(line, messages))
        before = os.fstat(self._file.fileno()).st_size
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError:
            with suppress(OSError):  # The trouble may be the file itself.
                self._file.truncate(before)
            raise
