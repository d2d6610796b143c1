"""The contract: what an adapter may lean on, and what tells one session from another."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

import gateway.adapter
from gateway.adapter import (
    Adapter,
    Batch,
    Counting,
    LinkLost,
    NotWritten,
    Point,
    Reading,
    Recording,
    Session,
    Settings,
    Value,
    Writable,
)


class Where(Settings):
    """One setting, for both."""

    wire: str = "w"


class Reads:
    async def read(self) -> Batch:
        return Batch(())


class Sends(Reads):
    async def write(self, point: int, value: Value) -> None:
        raise NotImplementedError


class Writes(Sends):
    async def fetch(self, point: int) -> Reading:
        raise NotImplementedError


class Records(Reads):
    def record(self, devices: Collection[str]) -> None:
        raise NotImplementedError


class Counts(Reads):
    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()


@asynccontextmanager
async def connect(points: Sequence[Point[Where, Where]]) -> AsyncIterator[Session]:
    yield Reads()


def test_an_adapter_is_two_types_and_two_functions() -> None:
    adapter = Adapter(settings=Where, address=Where, line=lambda where: where.wire, connect=connect)
    assert adapter.line(Where(wire="a")) == "a"
    assert list(adapter.check([])) == []
    assert not adapter.commands


def test_what_a_session_can_do_is_seen_from_its_methods() -> None:
    assert isinstance(Writes(), Writable)
    assert not isinstance(Reads(), Writable)
    assert not isinstance(Sends(), Writable), "what was written must be readable, too"
    assert isinstance(Counts(), Counting)
    assert not isinstance(Writes(), Counting)
    assert isinstance(Records(), Recording)
    assert not isinstance(Counts(), Recording)


def test_what_was_not_written_says_whether_that_is_certain() -> None:
    refused = NotWritten("mode", "the device refused: exception 3: illegal data value")
    assert str(refused) == "mode: the device refused: exception 3: illegal data value"
    assert (refused.point, refused.unknown) == ("mode", False)
    unsure = NotWritten("mode", "no answer in time", unknown=True)
    assert str(unsure) == "mode: no answer in time; it is unknown whether it was carried out"
    assert unsure.reason == "no answer in time"


def test_a_lost_link_says_why_and_what_to_do() -> None:
    lost = LinkLost("the device closed the connection", "close other clients")
    assert (str(lost), lost.reason, lost.remedy) == (
        lost.reason,
        "the device closed the connection",
        "close other clients",
    )
    assert LinkLost("gone").remedy == ""


def test_all_that_an_adapter_needs_is_named_here() -> None:
    assert all(hasattr(gateway.adapter, name) for name in gateway.adapter.__all__)
