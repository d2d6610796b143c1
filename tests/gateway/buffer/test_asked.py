"""The quarantine answers what people ask: nothing goes without being asked for, and what did not work is said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.buffer import BufferFull, BufferUnavailable, asked
from gateway.buffer.frames import MessageRefused
from gateway.buffer.quarantine import Quarantine
from gateway.model import Message, Priority, Stored


class Upstream:
    """Takes what is tried again, or raises."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.error: Exception | None = None

    async def append(self, messages: Sequence[Message]) -> None:
        if self.error is not None:
            raise self.error
        self.taken += messages


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Quarantine]:
    """Three messages of two identities."""
    quarantine = Quarantine(tmp_path, lambda: 5_000_000_000)
    await quarantine.open()
    await quarantine.put([stored("a", 1), stored("a", 2)], "too large")
    await quarantine.put([stored("b", 1, b"\xff")], "malformed")
    yield quarantine
    await quarantine.close()


def stored(identity: str, sequence: int, body: bytes = b"{}") -> Stored:
    return Stored(identity, 0xBEEF, sequence, 1_000_000_000, "p=x", body, Priority.TELEMETRY)


async def told(quarantine: Quarantine, upstream: Upstream | None = None, **question: Any) -> dict[str, Any]:
    return await asked.answer(quarantine, (upstream or Upstream()).append, question)


async def test_a_list_has_reasons_and_no_bodies(kept: Quarantine) -> None:
    entries = (await told(kept, do="list"))["entries"]
    assert [(one["id"], one["reason"]) for one in entries] == [
        ("a-0000beef-1", "too large"),
        ("a-0000beef-2", "too large"),
        ("b-0000beef-1", "malformed"),
    ]
    assert not any({"body", "base64"} & one.keys() for one in entries)
    only = (await told(kept, do="list", identity="b"))["entries"]
    assert [one["id"] for one in only] == ["b-0000beef-1"]


async def test_what_is_shown_is_whole(kept: Quarantine) -> None:
    entries = (await told(kept, do="show", ids=["a-0000beef-2", "nobody-0000beef-1", "b-0000beef-1"]))["entries"]
    assert [one.get("body", one.get("base64")) for one in entries] == ["{}", "/w=="]


async def test_what_is_retried_goes_out_and_leaves(kept: Quarantine) -> None:
    upstream = Upstream()
    assert await told(kept, upstream, do="retry", ids=["a-0000beef-2"]) == {"done": ["a-0000beef-2"]}
    assert [message.properties for message in upstream.taken] == ["p=x&retried=a-0000beef-2"]
    assert kept.messages == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BufferFull("quota"), "no room: the quota is at its end"),
        (BufferUnavailable("disk gone"), "disk gone"),
        (MessageRefused("too long"), "a-0000beef-1: too long"),
    ],
)
async def test_what_is_not_taken_again_stays(kept: Quarantine, error: Exception, words: str) -> None:
    upstream = Upstream()
    upstream.error = error
    assert await told(kept, upstream, do="retry", ids=["a-0000beef-1"]) == {"done": [], "error": words}
    assert kept.messages == 3


async def test_only_what_is_named_is_dropped(kept: Quarantine) -> None:
    assert await told(kept, do="drop") == {"done": []}
    assert await told(kept, do="drop", ids=["a-0000beef-1", "nobody-0000beef-1"]) == {"done": ["a-0000beef-1"]}
    assert kept.messages == 2


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({}, "known: list, show, retry, drop"),
        ({"do": ["drop"]}, "known: list"),
        ({"do": "drop", "ids": "a-0000beef-1"}, "ids must be a list of texts"),
        ({"do": "drop", "ids": [1]}, "ids must be a list of texts"),
    ],
)
async def test_nonsense_gets_an_answer_and_does_nothing(kept: Quarantine, question: dict[str, Any], words: str) -> None:
    assert words in (await told(kept, **question))["error"]
    assert kept.messages == 3


async def test_a_buffer_that_is_closed_says_so(kept: Quarantine) -> None:
    await kept.close()
    assert (await told(kept, do="list"))["error"] == "the buffer is closed"
