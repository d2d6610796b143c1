"""The contract with a field protocol: all that an adapter may import.

One function (``connect``) and one method (``read``); no base class, no registration call. The core owns
connecting, waiting after errors and storing; an adapter never retries, never logs "reconnecting" and never
sees the buffer. Backpressure is the missing call: ``read`` is not called again before its batch is on disk.

Errors::

    LinkLost          the link to the devices is gone; connecting again may bring it back
    (OSError)         means the same when it flies out of ``connect``, ``read``, ``fetch`` or ``write``
    NotWritten        out of ``write``: the point was not set; or, where ``unknown``, it may have been
    anything else     is a bug of the adapter and ends the gateway

One dead device on a live line is a reading with status BAD and its reason, not an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, runtime_checkable

from gateway import encoding
from gateway.model import GOOD, TIMEOUT, A, Batch, D, Point, Quality, RawBlock, Reading, Status, Value
from gateway.values import (
    BIT_WIDTHS,
    TEXTS,
    Bits,
    Duration,
    Number,
    Secret,
    SecretMissing,
    Settings,
    ValueType,
    Whole,
    fault,
)

__all__ = [
    "BIT_WIDTHS",
    "GOOD",
    "TEXTS",
    "TIMEOUT",
    "Adapter",
    "Argument",
    "Batch",
    "Bits",
    "Call",
    "Candidate",
    "Choosing",
    "Command",
    "Counting",
    "Duration",
    "Finding",
    "LinkLost",
    "Looking",
    "NotWritten",
    "Note",
    "Number",
    "Planned",
    "Point",
    "Probed",
    "Progress",
    "Quality",
    "RawBlock",
    "Reading",
    "Recording",
    "Row",
    "Said",
    "Secret",
    "SecretMissing",
    "Session",
    "Settings",
    "Status",
    "Value",
    "ValueType",
    "Whole",
    "Writable",
    "encoding",
    "fault",
]


class LinkLost(Exception):
    """The link to the devices is gone; connecting again may bring it back."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        """What happened, in words for people: ``the device closed the connection``."""
        self.remedy = remedy
        """What to do about it."""


class NotWritten(Exception):
    """A point was not set, or nobody knows whether it was."""

    def __init__(self, point: str, reason: str, *, unknown: bool = False) -> None:
        text = f"{point}: {reason}"
        super().__init__(f"{text}; it is unknown whether it was carried out" if unknown else text)
        self.point = point
        self.reason = reason
        """In words for people: ``the device refused: exception 3: illegal data value``."""
        self.unknown = unknown
        """It may have been carried out: read the point before you write again."""


class Session(Protocol):
    """An open link. It lasts until the ``async with`` that opened it ends."""

    async def read(self) -> Batch:
        """Wait for the next readings and return all there are."""
        ...


@runtime_checkable
class Writable(Session, Protocol):
    """A session that can also set points, and read one when somebody asks for it. Both may run during ``read``."""

    async def write(self, point: int, value: Value) -> None:
        """Set one point to a value as ``fetch`` gives it; return when the device has confirmed it.

        Nothing is sent a second time that may have been carried out. Raises NotWritten; or LinkLost or OSError where
        the line cannot be opened: nothing was sent then.
        """
        ...

    async def fetch(self, point: int) -> Reading:
        """One point, now. Raises LinkLost or OSError where the line is gone."""
        ...


@runtime_checkable
class Counting(Session, Protocol):
    """A session that counts what happens on its line, for the operator."""

    counters: Counter[str]
    """From 0 when the link was opened, by name: ``requests``, ``timeouts``, ``late_scans``, ..."""


@runtime_checkable
class Choosing(Session, Protocol):
    """A session that can do without some of its points. Of any other they are read in vain."""

    def leave(self, points: Collection[int]) -> None:
        """Read and look at all points but these from now on, until told otherwise; never called during ``read``."""
        ...


@runtime_checkable
class Looking(Session, Protocol):
    """A session that can show what the devices say, for people who look and to be replayed."""

    async def look(self) -> Sequence[RawBlock]:
        """Ask for all points once, now; what could not be had is a block with its status. Raises LinkLost."""
        ...


@runtime_checkable
class Recording(Session, Protocol):
    """A session that can hand out the raw blocks its readings were decoded from, so that they can be decoded again."""

    def record(self, devices: Collection[str]) -> None:
        """From the next ``read`` on, its batch holds the blocks of these devices; ``decode`` knows them by their keys.

        Called once, before the first ``read``, and only where some device is recorded.
        """
        ...


class Planned(NamedTuple):
    """One request that reading some points takes, as ``plan`` tells it."""

    device: str
    text: str
    """What is asked for, in words: ``holding 23296..23332``."""
    points: tuple[int, ...]
    """Indices into the points that were planned."""
    every_s: float
    """Infinity: once."""
    sent_bytes: int
    """On the wire, with all headers of the protocol."""
    received_bytes: int


class Candidate(NamedTuple):
    """What a raw value would be with another setting."""

    setting: str
    """As it would be written: ``order: CDAB``."""
    value: Value


class Probed(NamedTuple):
    """A point as it came over the wire, for people who look for a mistake in its mapping."""

    raw: str
    """The words or bytes, in hexadecimal: ``4366 3333``."""
    candidates: Sequence[Candidate] = ()
    """The first is what the mapping says now."""


class Finding(NamedTuple):
    """What ``check`` or ``resolve`` found wrong with one point of a device."""

    code: str
    """Of the message catalogue, for example ``B07``."""
    point: int
    """Index into the points that were checked."""
    key: str
    """The setting to point at, for example ``at``."""
    text: str
    hint: str = ""
    warning: bool = False
    own: bool = False
    """Only where the setting stands at the point itself: as a default it is meant for others."""


@dataclass(frozen=True)
class Argument:
    """A word that a command takes, or what follows ``--name``."""

    name: str
    help: str
    read: Callable[[str], Any] = str
    """What the command is given for what was typed. Raises ValueError, in words for people."""
    default: str | None = None
    """Of an option, as it would be typed. Words have none: they must be given."""


@dataclass(frozen=True)
class Call(Generic[D]):
    """One use of a command."""

    connect: D
    """Of the line that was named, or of the device of a plant; what secrets hide can be revealed."""
    device: str
    """Whose name raw blocks shall bear."""
    given: Mapping[str, Any]
    """What was typed for each word and option, read; defaults too."""


class Row(NamedTuple):
    """One entry of the result, by column: as JSON knows it. What all rows leave empty is not shown to people."""

    cells: Mapping[str, Any]


class Note(NamedTuple):
    """A sentence about the whole, for people."""

    text: str


class Progress(NamedTuple):
    """How far the command is."""

    done: int
    total: int
    text: str = ""
    """What has been found so far, in a few words."""


Said: TypeAlias = Row | Note | Progress | RawBlock
"""What a command yields. The core shows it to people or programs; raw blocks it keeps where somebody asked for it."""


@dataclass(frozen=True)
class Command(Generic[D]):
    """``fieldgate <protocol> <name> LINE ...``: for people who stand before devices that no plant describes yet.

    LINE is an endpoint as in ``connect:``, or with ``--plant`` a device. Whatever is typed is read and judged before
    ``run`` is called. The adapter neither prints nor parses: texts, JSON, progress bar, files and exit codes are the
    core's, and look alike for all protocols.
    """

    name: str
    help: str
    """Its first sentence stands in lists of commands."""
    run: Callable[[Call[D]], AsyncGenerator[Said, None]]
    """Raises LinkLost or OSError when it cannot go on, or has found nothing; what it said before is shown still."""
    rows: str
    """What its rows are, in one word: the key in JSON."""
    needs: Sequence[str] = ()
    """Settings of ``connect:`` that stand as words behind LINE. A device of a plant has its own."""
    settings: Sequence[str] = ()
    """Settings of ``connect:`` that can be given as options."""
    arguments: Sequence[Argument] = ()
    """The words behind those, in order."""
    options: Sequence[Argument] = ()
    records: bool = False
    """It yields raw blocks: they are kept with ``--record``."""


def _as_it_is(name: str, profile: Any, address: Any, written: Mapping[str, str]) -> tuple[Any, Sequence[Finding]]:
    return address, ()


@dataclass(frozen=True)
class Adapter(Generic[D, A]):
    """What an entry point in the group ``fieldgate.adapters`` names. Its name is the profile's ``protocol:``."""

    settings: type[D]
    """A frozen ``Settings`` model of a device's ``connect:``. The field named as the protocol is the endpoint."""
    address: type[A]
    """A frozen ``Settings`` model of the protocol's keys of a point in a profile."""
    line: Callable[[D], str]
    """Which line a device is on: devices of one line share one link, whatever their unit ids and timeouts."""
    connect: Callable[[Sequence[Point[D, A]]], AbstractAsyncContextManager[Session]] | None
    """Open the link of one line for these points. Raises LinkLost or OSError when it cannot.

    None: plants can be described and judged, but nothing reads such devices yet.
    """
    check: Callable[[Sequence[Point[D, A]]], Sequence[Finding]] = lambda points: ()
    """Rules over the points of one device (overlaps, ranges)."""
    profile: type[Settings] = Settings
    """A frozen ``Settings`` model of the protocol's keys at the top of a profile (``numbering``, ``namespaces``)."""
    resolve: Callable[[str, Any, A, Mapping[str, str]], tuple[A, Sequence[Finding]]] = _as_it_is
    """The point's name, the profile's keys, an address as it was written, and all texts that were written for the point
    (its own and the defaults): the address as it is on the wire, and what is wrong with it (``point`` is 0 there).
    Pure, and judged once per profile, not per device."""
    apart: Sequence[str] = ()
    """The settings of ``connect:`` that tell devices apart; empty: all but times."""
    alike: Callable[[D], Sequence[str]] = lambda connect: ()
    """The settings of ``connect:`` that the line of this device has once, so that all devices on it must say the same:
    a baud rate, a certificate. By the names of their fields."""
    port: Callable[[D], str] = lambda connect: ""
    """What the line goes through, where another line could go through it as well: a port of a host, a serial port."""
    shared: bool = False
    """Several devices may have the same ``connect:``, since their addresses tell them apart (nodes of one server)."""
    read_only: Callable[[A], str] = lambda address: ""
    """Why nobody can write to this address, in words: ``input registers can only be read``; empty where one can."""
    unreadable: Callable[[Status], bool] = lambda status: False
    """Whether a reading with this status says that the device does not let such a point be read at all, as with those
    that can only be written."""
    every: Callable[[A], float | None] = lambda address: None
    """How often such a point is read, in seconds, where it does not say so itself: the profile's defaults are meant for
    others. None: as they say."""
    remedy: Callable[[D, Status, Mapping[str, int]], str] = lambda connect, status, counters: ""
    """What people can do where a device gives nothing but readings with this status; empty: nothing better is known
    than to look at the device. ``counters`` are those of its line."""
    steps: Sequence[str] = ("at",)
    """The keys of an address that ``repeat: {i: 1..24, step: 2}`` moves."""
    plan: Callable[[Sequence[Point[D, A]]], Sequence[Planned]] | None = None
    """The requests that reading the points of one line takes."""
    decode: Callable[[Sequence[Point[D, A]], Sequence[RawBlock]], Sequence[Reading]] | None = None
    """The readings that these blocks hold of these points; points that they do not hold are left out."""
    explain: Callable[[Point[D, A], Sequence[RawBlock]], Probed] | None = None
    """One point of these blocks, as raw as it came, and in the other orders that it could be meant in."""
    commands: Sequence[Command[D]] = ()
    """What ``fieldgate <protocol> ...`` can do besides."""
