"""The nouns of the way of a reading: Point, Reading, Batch, Message; no behaviour beyond what their fields say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, NamedTuple, TypeAlias, TypeVar

Value: TypeAlias = bool | int | float | str | bytes | tuple[str, ...] | None
"""What a point can hold. None means: no value; the status says why. A tuple: the names of the flags that are set."""

D = TypeVar("D")
A = TypeVar("A")


class Quality(IntEnum):
    """How far a value can be trusted, in the words of OPC UA (Part 8, section 6.3; Part 4, section 7.38)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Status(NamedTuple):
    """Quality with its reason. Build a few and share them: never one per reading."""

    quality: Quality
    reason: str = ""
    """For people: ``timeout``, ``exception 2: illegal data address``."""
    code: int | None = None
    """The protocol's own code, where it has one."""


GOOD = Status(Quality.GOOD)
TIMEOUT = Status(Quality.BAD, "timeout")
LINK_DOWN = "link down: "
"""How the reason begins where the whole link is gone."""
NOT_A_NUMBER = Status(Quality.BAD, "not a number")


class Reading(NamedTuple):
    """One value of one point, as the device gave it: decoded, before scale and meaning."""

    point: int
    """Index into the points that were given to ``connect``."""
    value: Value
    """None if and only if the status is BAD."""
    at_ns: int
    """Nanoseconds since 1970: source time where the device has one, else server time, else time of arrival."""
    status: Status = GOOD


class RawBlock(NamedTuple):
    """What a device gave in one answer, before anything was decoded: for people who look, and to be replayed."""

    device: str
    key: str
    """Where it was read, in the adapter's own words: ``holding 23296``. With ``data`` it can be decoded again."""
    data: bytes
    """Empty if the status is BAD."""
    at_ns: int
    status: Status = GOOD


class Batch(NamedTuple):
    """What one ``read`` returned. Readings of one scan of one device stand together and share ``at_ns``."""

    readings: Sequence[Reading]
    blocks: Sequence[RawBlock] = ()
    """What they were decoded from, of devices that are recorded; see ``gateway.adapter.Recording``."""


@dataclass(frozen=True, slots=True)
class Point(Generic[D, A]):
    """One thing to read or write, as the adapter sees it."""

    device: str
    connect: D
    """The device's ``connect:``, typed by the adapter (endpoint, unit id, timeout, ...)."""
    name: str
    address: A
    """Where the point lives and how its bytes are read, typed by the adapter."""
    every_s: float


class Message(NamedTuple):
    """One scan of one device, ready to be published; the buffer gives it its sequence."""

    identity: str
    """The device identity it is published as: 1 to 64 of a-z 0-9 - _ . (a certificate's CN holds 64)."""
    created_ns: int
    """Source time of the scan, nanoseconds since 1970."""
    properties: str
    """Application properties as ``k=v&k=v``, percent-encoded (RFC 3986): one string per device, made once."""
    body: bytes
    """JSON, UTF-8."""


class Stored(NamedTuple):
    """A message as it lies in the buffer: with the epoch and the gapless sequence of its identity."""

    identity: str
    epoch: int
    """Random 32-bit number, made with the state directory."""
    sequence: int
    """1, 2, 3, ... per identity."""
    created_ns: int
    properties: str
    body: bytes

    @property
    def message_id(self) -> str:
        """Stable over every repetition: ``<identity>-<epoch as 8 hex digits>-<sequence>``."""
        return f"{self.identity}-{self.epoch:08x}-{self.sequence}"
