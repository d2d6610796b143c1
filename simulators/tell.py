"""Telling running simulators what to do, from the command line: a command and its words, the answer as JSON."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ANSWER_S = 10.0


class NotRunning(Exception):
    """Nobody answers at the socket."""


def request(command: str, words: Sequence[str]) -> dict[str, Any]:
    """What goes over the socket; in ``key=value`` the value is a number, JSON, or else a text. Raises ValueError."""
    made: dict[str, Any] = {"command": command}
    for word in words:
        key, sign, value = word.partition("=")
        if not key or not sign:
            raise ValueError(f"{word} is not key=value")
        made[key] = _value(value)
    return made


def ask(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request; it has ``error`` where it cannot be carried out. Raises NotRunning."""
    try:
        answer = _exchanged(path, json.dumps(said).encode() + b"\n")
        told: dict[str, Any] = json.loads(answer)
    except (OSError, ValueError) as error:
        raise NotRunning(f"{path}: no simulator answers there; start it with python -m simulators") from error
    return told


def _value(text: str) -> Any:
    for read in (_number, json.loads):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _number(text: str) -> int:
    """Also 0x5B00, as register lists have it."""
    return int(text, 0)


def _exchanged(path: Path, line: bytes) -> bytes:
    # A socket's path holds 108 bytes; through its folder's handle it is short, however deep it lies.
    folder = os.open(path.parent, os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_S)
            connection.connect(f"/proc/self/fd/{folder}/{path.name}")
            connection.sendall(line)
            with connection.makefile("rb") as stream:
                return stream.readline()
    finally:
        os.close(folder)
