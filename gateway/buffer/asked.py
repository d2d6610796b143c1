"""What people do with the quarantine, asked of a running gateway or of its files: list, show, retry, drop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from gateway.buffer.frames import MessageRefused
from gateway.buffer.port import BufferFull, BufferTrouble
from gateway.buffer.quarantine import Entry, Quarantine
from gateway.model import Message

Append: TypeAlias = Callable[[Sequence[Message]], Awaitable[None]]
QUESTIONS = ("list", "show", "retry", "drop")


async def answer(quarantine: Quarantine, append: Append, question: Mapping[str, Any]) -> dict[str, Any]:
    """``{"do": one of QUESTIONS, "ids": [...], "identity": ...}`` answered; ``error`` in it says what did not work."""
    ids = question.get("ids") or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return {"error": "ids must be a list of texts"}
    try:
        match question.get("do"):
            case "list":
                entries = await quarantine.entries(str(question.get("identity") or ""))
                return {"entries": [_without_body(entry) for entry in entries]}
            case "show":
                found = [await quarantine.show(one) for one in ids]
                return {"entries": [entry.as_json() for entry in found if entry is not None]}
            case "retry":
                return await _retry(quarantine, append, ids)
            case "drop":
                return {"done": [one for one in ids if await quarantine.drop([one])]}
            case _:
                return {"error": f"known: {', '.join(QUESTIONS)}"}
    except BufferTrouble as error:
        return {"error": _words(error)}


async def _retry(quarantine: Quarantine, append: Append, ids: Sequence[str]) -> dict[str, Any]:
    done: list[str] = []
    for one in ids:
        try:
            done += await quarantine.retry(append, [one])
        except BufferTrouble as error:
            return {"done": done, "error": _words(error)}
        except MessageRefused as error:
            return {"done": done, "error": f"{one}: {error}"}
    return {"done": done}


def _words(error: BufferTrouble) -> str:
    return f"no room: the {error.what} is at its end" if isinstance(error, BufferFull) else str(error)


def _without_body(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.as_json().items() if name not in ("body", "base64")}
