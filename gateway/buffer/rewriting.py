"""Several sealed segments become one file with the same sequences: packed better, thinned, or saved from damage.

What is written is a plain database under a temporary name: the file that it replaces is not touched here. Frames are
merged, and a merged one has the number of its last component: who reads on from a number in between finds it.

All of this blocks and runs in a thread of its own; it reads and writes files that nobody else has open to write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gateway.buffer import content, directory
from gateway.buffer.columns import TableDamaged
from gateway.buffer.content import Content
from gateway.buffer.frames import (
    Frame,
    FrameDamaged,
    Head,
    Part,
    Record,
    assemble,
    part,
    read_body,
    read_head,
    read_records,
)
from gateway.buffer.port import Loss
from gateway.buffer.segments import TABLE, Facts, Place, reading_uri
from gateway.buffer.sources import Bad, Source, Whole, frames, open_to_read
from gateway.model import Priority

RAW_BYTES = 500_000
"""Of a merged frame, unpacked: what one lane reads back at a time."""
LEVEL = 6
"""Of zlib: written once, to lie there for long."""
_FRAMES_AT_MOST = 65_536
_UNKNOWN = Place(Priority.TELEMETRY, 0, 0, 0)
_WHOLE_FROM = RAW_BYTES // 4
"""A frame this large of which everything is kept is taken over as it is."""
_SCHEMA = f"""
PRAGMA page_size=1024;
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
BEGIN;
{TABLE}
CREATE TABLE about(last INTEGER, frames INTEGER, messages INTEGER, raw_bytes INTEGER, born_first INTEGER,
                   born_last INTEGER, thinned INTEGER, content BLOB NOT NULL);
CREATE TABLE loss(reason TEXT, identity TEXT, messages INTEGER, first INTEGER, last INTEGER, first_ns INTEGER,
                  last_ns INTEGER);
"""


class NoGain(Exception):
    """What is made is larger than it may become."""


class Lost(NamedTuple):
    """One message that is not taken over."""

    sequence: int
    created_ns: int


Keep = Callable[[str, int, int], bool]
"""Whether to keep a message: identity, sequence, source time. Asked in the order of the sequences."""
Done = Callable[[str, int], bool]
"""Whether a message was acknowledged and need not be kept: identity, sequence."""


@dataclass
class Made:
    """The new file, under its temporary name."""

    path: Path
    facts: Facts
    content: Content = field(default_factory=dict)
    left_out: dict[str, list[Lost]] = field(default_factory=dict)
    """By identity: those that ``keep`` did not want, in order; not what was done with."""
    bad: list[Bad] = field(default_factory=list)


def rewrite(  # said by name
    sources: Sequence[Source],
    made: Path,
    priority: Priority,
    done: Done,
    keep: Keep,
    *,
    reason: str = "",
    thinned: int = 0,
    span_s: float | None = None,
    salvage: bool = False,
    limit_bytes: int | None = None,
) -> Made:
    """Write what waits in the sources, neighbours in order, into ``made``; its bytes are not synced yet.

    ``reason``: what ``keep`` leaves out is noted in the file as lost for this reason.
    Raises NoGain beyond ``limit_bytes``; SegmentDamaged unless ``salvage``: then what cannot be read is listed.
    Raises sqlite3.Error or OSError as well.
    """
    directory.remove(made)
    last = sources[-1].facts.last
    result = Made(made, Facts(last=last, thinned=thinned))
    with directory.readable(), closing(sqlite3.connect(made, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        merger = _Merger(connection, result, priority, span_s, limit_bytes)
        for source in sources:
            for item in frames(source, priority, salvage=salvage):
                if isinstance(item, Bad):
                    result.bad.append(item)
                else:
                    _take_over(merger, item, done, keep, source.facts)
        merger.flush()
        numbers = [last, *(bad.number for bad in result.bad), *(one.frame for one in result.content.values())]
        result.facts = result.facts._replace(last=max(numbers))
        _sign(connection, result, reason)
        connection.execute("COMMIT")
    return result


class _Merger:
    """Gathers records until a frame is full."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        result: Made,
        priority: Priority,
        span_s: float | None,
        limit_bytes: int | None,
    ) -> None:
        self._connection = connection
        self._result = result
        self._priority = priority
        self._span_s = span_s
        self._bytes_left = limit_bytes
        self._records: dict[str, list[Record]] = {}
        self._size = 0
        self._number = 0
        self._epoch = 0
        self._born = (0, 0)

    def whole(self, frame: Whole, facts: Facts) -> None:
        """A large frame as it is."""
        self.flush()
        head = frame.head
        self._write((head.number, head.messages, frame.packed_head, frame.body))
        content.add(self._result.content, head.number, head.sections)
        self._note(head.messages, head.raw_size, _born(head, facts.born_first), _born(head, facts.born_last))

    def add(self, head: Head, kept: dict[str, list[Record]], facts: Facts) -> None:
        """Some records of one frame."""
        epoch = head.sections[0].epoch
        born = _born(head, facts.born_last)
        too_long = self._span_s is not None and born - self._born[0] > self._span_s
        if self._records and (epoch != self._epoch or too_long or self._size >= RAW_BYTES):
            self.flush()
        if not self._records:
            self._born = (_born(head, facts.born_first), born)
        self._epoch, self._number = epoch, head.number
        self._born = (self._born[0], max(self._born[1], born))
        for identity, records in kept.items():
            self._records.setdefault(identity, []).extend(records)
            self._size += sum(len(record.content) for record in records)

    def _write(self, row: tuple[int, int, bytes, bytes]) -> None:
        if self._bytes_left is not None:
            self._bytes_left -= len(row[2]) + len(row[3])
            if self._bytes_left < 0:
                raise NoGain
        self._connection.execute("INSERT INTO frame VALUES (?, ?, ?, ?)", row)

    def left_out(self, identity: str, lost: Lost) -> None:
        """This one is not kept."""
        self._result.left_out.setdefault(identity, []).append(lost)

    def flush(self) -> None:
        """Write the frame that has gathered."""
        if not self._records:
            return
        parts: list[Part] = [part(identity, records) for identity, records in self._records.items()]
        frame: Frame = assemble(self._number, self._epoch, parts, self._priority, self._born[1], LEVEL)
        self._write(frame[:4])
        content.add(self._result.content, frame.number, frame.sections)
        self._note(frame.messages, frame.raw_size, *self._born)
        self._records, self._size = {}, 0

    def _note(self, messages: int, raw_size: int, born_first: int, born_last: int) -> None:
        known = self._result.facts
        self._result.facts = known._replace(
            frames=known.frames + 1,
            messages=known.messages + messages,
            raw_bytes=known.raw_bytes + raw_size,
            born_first=known.born_first if known.frames else born_first,
            born_last=max(known.born_last, born_last),
        )


def _born(head: Head, otherwise: int) -> int:
    return otherwise if head.born is None else head.born


def _take_over(merger: _Merger, frame: Whole, done: Done, keep: Keep, facts: Facts) -> None:
    kept: dict[str, list[Record]] = {}
    complete = True
    for section in frame.head.sections:
        for record in read_records(frame.head, frame.raw, section):
            if done(section.identity, record.sequence):
                complete = False
            elif keep(section.identity, record.sequence, record.created_ns):
                kept.setdefault(section.identity, []).append(record)
            else:
                complete = False
                merger.left_out(section.identity, Lost(record.sequence, record.created_ns))
    if complete and frame.head.raw_size >= _WHOLE_FROM:
        merger.whole(frame, facts)
    elif kept:
        merger.add(frame.head, kept, facts)


def _sign(connection: sqlite3.Connection, result: Made, reason: str) -> None:
    """What the file holds, and what was lost in making it: should the process end before that stands elsewhere."""
    about = (*result.facts, content.to_bytes(result.content))
    connection.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?, ?, ?, ?)", about)
    if reason:
        connection.executemany(
            "INSERT INTO loss VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (reason, identity, len(lost), lost[0].sequence, lost[-1].sequence, lost[0][1], lost[-1][1])
                for identity, lost in result.left_out.items()
            ],
        )


class About(NamedTuple):
    """What a rewritten file says of itself."""

    facts: Facts
    content: Content
    losses: list[Loss]


def read_about(path: Path, priority: Priority) -> About | None:
    """None where it cannot be read."""
    try:
        with (
            directory.readable(),
            closing(sqlite3.connect(reading_uri(path), uri=True, isolation_level=None)) as connection,
        ):
            row = connection.execute("SELECT * FROM about").fetchone()
            losses = connection.execute("SELECT * FROM loss").fetchall()
        held = content.from_bytes(row[-1])
    except (sqlite3.Error, TableDamaged, TypeError):
        return None
    return About(Facts(*row[:-1]), held, [Loss(one[0], one[1], priority, *one[2:]) for one in losses])


def count_after(path: Path, acked: dict[str, int]) -> dict[str, int]:
    """Per identity: how many messages with a higher sequence there are, as far as the file can be read.

    For segments whose sequences have holes, where the number cannot be told from the sequences.
    """
    counted = dict.fromkeys(acked, 0)
    try:
        with directory.readable(), closing(open_to_read(path)) as connection:
            for packed_head, body in connection.execute("SELECT head, body FROM frame ORDER BY number"):
                head = read_head(packed_head)
                for section in head.sections:
                    if section.identity not in acked or section.last <= acked[section.identity]:
                        continue
                    if section.first > acked[section.identity]:
                        counted[section.identity] += section.messages
                        continue
                    records = read_records(head, read_body(head, body), section)
                    counted[section.identity] += sum(one.sequence > acked[section.identity] for one in records)
    except (sqlite3.Error, FrameDamaged):
        return counted
    return counted


def everything(identity: str, sequence: int, created_ns: int) -> bool:
    """Nothing is left out."""
    del identity, sequence, created_ns
    return True


def every_fourth() -> Keep:
    """Of each identity every fourth message."""
    counted: dict[str, int] = {}

    def keep(identity: str, sequence: int, created_ns: int) -> bool:
        del sequence, created_ns
        number = counted[identity] = counted.get(identity, -1) + 1
        return number % 4 == 0

    return keep


def one_a_minute() -> Keep:
    """Of each identity the first message of each minute, by its source time."""
    minutes: dict[str, int] = {}

    def keep(identity: str, sequence: int, created_ns: int) -> bool:
        del sequence
        minute = created_ns // 60_000_000_000
        if minutes.get(identity) == minute:
            return False
        minutes[identity] = minute
        return True

    return keep


def next_place(sources: Sequence[Place], last: int) -> Place:
    """The name of what is made of these neighbours, whose last frame is ``last``."""
    generation = 1 + max(place.generation for place in sources)
    return Place(sources[0].priority, sources[0].first, last, generation)
