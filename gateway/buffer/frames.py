"""One frame: the messages of one group commit as bytes, found by identity without reading those of others.

A frame is two pieces, so that a scan reads directories and leaves the bodies on the disk::

    head := header | directory | crc32 of header and directory
    body := zlib of the sections, one per identity, each the records of its messages one after the other

    header    := "FG" | version u8 | class u8 | number u64 | messages u32 | raw size u32 | epoch u32 | born u32 |
                 crc32 of header so far, directory and raw body
    directory := table (``columns``): identity; first sequence, span, count, size, first source time, time span
    record    := source time after the section's first i64 | sequences skipped u32 | size of properties u16 |
                 size of body u32 | properties, UTF-8 | body, any bytes

Little endian. A section's offset is the sum of the sizes before it; a span is last minus first. A frame that was
rewritten (``rewriting``) has holes in its sequences: a record tells how many were skipped before it. ``born`` is in
seconds of the buffer's clock. The checksum over the raw body catches what SQLite's own check does not see (a flipped
bit in a blob), and a fault of memory between the two.

Version 1 is read as well: no epoch and no born in the header, an epoch per section instead of the span, each number's
bytes together, whole times in the records and no skips.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from isal import isal_zlib

from gateway.buffer.columns import TableDamaged, inflate, pack, unpack
from gateway.model import Message, Priority, Stored

MESSAGES_LIMIT = 1000
"""Messages in one frame."""
RAW_LIMIT = 1_000_000
"""Bytes of records in one frame, unless a single message is larger."""
MESSAGE_LIMIT = 4 * 1024 * 1024
"""Bytes of one message's body."""
PROPERTIES_LIMIT = 65_535
"""Bytes of one message's properties."""
IDENTITY_LIMIT = 64
"""Characters of an identity: what the CN of a certificate holds."""

_HEADER = struct.Struct("<2sBBQIIII")
_HEADER_1 = struct.Struct("<2sBBQII")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<qIHI")
_RECORD_1 = struct.Struct("<qHI")
_HALF = 2**63
_MAGIC = b"FG"
_VERSION = 2
_COLUMNS = 6
_RAW_SIZE_LIMIT = 2 * (RAW_LIMIT + MESSAGE_LIMIT)


class FrameDamaged(Exception):
    """These bytes are not what was written."""


class MessageRefused(ValueError):
    """This message cannot be stored by any buffer, ever: it breaks a limit that stands in this module."""


class Section(NamedTuple):
    """The messages of one identity in a frame, in order."""

    identity: str
    epoch: int
    first: int
    """Sequence of the first message."""
    last: int
    messages: int
    """As many as the sequences from first to last, less where the frame was rewritten."""
    offset: int
    """Where its records start in the raw body."""
    size: int
    first_ns: int
    """Source time of the first message, nanoseconds since 1970."""
    last_ns: int


class Head(NamedTuple):
    """What a frame says of itself before its body is read."""

    number: int
    priority: Priority
    version: int
    messages: int
    raw_size: int
    born: int | None
    """When its youngest message was stored, in seconds of the buffer's clock; None in version 1."""
    crc: int
    before: bytes
    """Header and directory as they lie on the disk, for the checksum."""
    sections: tuple[Section, ...]


class Frame(NamedTuple):
    """A frame as it goes to the disk."""

    number: int
    messages: int
    head: bytes
    body: bytes
    sections: tuple[Section, ...]
    raw_size: int
    born: int


class Record(NamedTuple):
    """One message in a raw body, not unpacked."""

    sequence: int
    created_ns: int
    properties_size: int
    content: bytes
    """Properties and body."""


class Part(NamedTuple):
    """What becomes a section."""

    identity: str
    first: int
    last: int
    messages: int
    first_ns: int
    last_ns: int
    records: bytes


def check(message: Message) -> int:
    """Bytes that the message takes in a frame. Raises MessageRefused."""
    text = message.properties
    properties = len(text) if text.isascii() else len(text.encode())
    if not message.identity or len(message.identity) > IDENTITY_LIMIT or "\n" in message.identity:
        raise MessageRefused(f"identity {message.identity!r}: it has 1 to {IDENTITY_LIMIT} characters of one line")
    if len(message.body) > MESSAGE_LIMIT:
        raise MessageRefused(f"{message.identity}: body of {len(message.body)} bytes; at most {MESSAGE_LIMIT} go in")
    if properties > PROPERTIES_LIMIT:
        raise MessageRefused(f"{message.identity}: properties of {properties} bytes; at most {PROPERTIES_LIMIT} go in")
    if not -(2**63) <= message.created_ns < 2**63:
        raise MessageRefused(f"{message.identity}: {message.created_ns} is not a time in nanoseconds since 1970")
    return _RECORD.size + properties + len(message.body)


def encode(
    number: int,
    epoch: int,
    lanes: Mapping[str, tuple[int, Sequence[Message]]],
    priority: Priority = Priority.TELEMETRY,
    born: int = 0,
    scratch: BytesIO | None = None,
) -> Frame:
    """The frame of this number; ``lanes``: per identity the sequence of its first message, and its messages.

    ``scratch`` is where the records are put together. Who encodes one frame after the other gives the same one each
    time: memory that is new costs more than packing does (a fault of the processor for every 4 KiB).
    """
    sections: list[Section] = []
    pieces: list[bytes] = []
    start, text, properties = 0, "", b""
    for identity, (first, held) in lanes.items():
        first_ns, offset = held[0].created_ns, start
        for _, created_ns, said, body, _ in held:
            if said != text:
                text, properties = said, said.encode()
            after_ns = created_ns - first_ns
            pieces += (
                _RECORD.pack(after_ns and _wrapped(after_ns), 0, len(properties), len(body)),
                properties,
                body,
            )
            start += _RECORD.size + len(properties) + len(body)
        last, last_ns = first + len(held) - 1, held[-1].created_ns
        sections.append(Section(identity, epoch, first, last, len(held), offset, start - offset, first_ns, last_ns))
    scratch = BytesIO() if scratch is None else scratch
    scratch.seek(0)
    scratch.writelines(pieces)
    with scratch.getbuffer() as whole, whole[:start] as raw:
        return _frame(number, epoch, sections, raw, priority, born, 1)


def assemble(number: int, epoch: int, parts: Sequence[Part], priority: Priority, born: int, level: int = 1) -> Frame:
    """A frame of ready records; from level 4 on packed slowly by zlib itself, for what will lie there for long."""
    offsets = accumulate((len(part.records) for part in parts), initial=0)
    sections = [
        Section(*part[:1], epoch, *part[1:4], offset, len(part.records), *part[4:6])
        for part, offset in zip(parts, offsets, strict=False)
    ]
    return _frame(number, epoch, sections, b"".join([part.records for part in parts]), priority, born, level)


def _frame(
    number: int,
    epoch: int,
    sections: Sequence[Section],
    raw: bytes | memoryview,
    priority: Priority,
    born: int,
    level: int,
) -> Frame:
    names, _, firsts, lasts, counts, _, sizes, firsts_ns, lasts_ns = zip(*sections, strict=True)
    spans = list(map(sub, lasts, firsts))
    spans_ns = [span and _wrapped(span) for span in map(sub, lasts_ns, firsts_ns)]
    directory = pack(names, firsts, spans, counts, sizes, firsts_ns, spans_ns)
    count = sum(counts)
    before = _HEADER.pack(_MAGIC, _VERSION, priority, number, count, len(raw), epoch, born)
    before += _CRC.pack(isal_zlib.crc32(raw, isal_zlib.crc32(directory, isal_zlib.crc32(before)))) + directory
    body = isal_zlib.compress(raw, level) if level < 4 else zlib.compress(raw, level)
    return Frame(number, count, before + _CRC.pack(isal_zlib.crc32(before)), body, tuple(sections), len(raw), born)


def read_head(head: bytes) -> Head:
    """The directory of a frame. Raises FrameDamaged."""
    if len(head) < _HEADER_1.size + 2 * _CRC.size or _CRC.unpack(head[-_CRC.size :])[0] != isal_zlib.crc32(head[:-4]):
        raise FrameDamaged("the checksum of the head is wrong")
    magic, version = head[:2], head[2]
    if magic != _MAGIC or version not in {1, _VERSION} or head[3] not in set(Priority):
        raise FrameDamaged(f"not a frame of version 1 or {_VERSION}")
    layout = _layout(version)
    _, _, priority, number, messages, raw_size, *rest = layout.unpack_from(head)
    if raw_size > _RAW_SIZE_LIMIT:
        raise FrameDamaged(f"the frame claims {raw_size} bytes")
    try:
        names, columns = unpack(head[layout.size + _CRC.size : -_CRC.size], _COLUMNS, by_bytes=version > 1)
    except TableDamaged as error:
        raise FrameDamaged(f"directory: {error}") from error
    if version == 1:
        epochs, firsts, counts, sizes, firsts_ns, lasts_ns = columns
        lasts = [first + count - 1 for first, count in zip(firsts, counts, strict=True)]
        born = None
    else:
        firsts, spans, counts, sizes, firsts_ns, spans_ns = columns
        epoch, born = rest
        epochs = (epoch,) * len(names)
        lasts = [first + span for first, span in zip(firsts, spans, strict=True)]
        lasts_ns = tuple(_wrapped(first + span) for first, span in zip(firsts_ns, spans_ns, strict=True))
    offsets = accumulate(sizes, initial=0)
    rows = zip(names, epochs, firsts, lasts, counts, offsets, sizes, firsts_ns, lasts_ns, strict=False)
    crc = _CRC.unpack_from(head, layout.size)[0]
    sections = tuple(Section(*row) for row in rows)
    return Head(number, Priority(priority), version, messages, raw_size, born, crc, head[: -_CRC.size], sections)


def read_body(head: Head, body: bytes) -> bytes:
    """The raw body, checked. Raises FrameDamaged."""
    raw = inflate(body, head.raw_size)
    if raw is None:
        raise FrameDamaged(f"frame {head.number}: the body does not unpack to {head.raw_size} bytes")
    size = _layout(head.version).size
    header, directory = head.before[:size], head.before[size + _CRC.size :]
    if isal_zlib.crc32(raw, isal_zlib.crc32(directory, isal_zlib.crc32(header))) != head.crc:
        raise FrameDamaged(f"frame {head.number}: the checksum is wrong")
    return raw


def read_section(head: Head, raw: bytes, section: Section) -> Iterator[Stored]:
    """The messages of one section, in order; the records of others are not touched."""
    packed, properties = b"", ""
    identity, epoch, priority = section.identity, section.epoch, head.priority
    for sequence, created_ns, properties_size, content in read_records(head, raw, section):
        if packed != (found := content[:properties_size]):
            packed, properties = found, found.decode()  # one string for all alike: a device's hardly ever change
        yield Stored(identity, epoch, sequence, created_ns, properties, content[properties_size:], priority)


def read_records(head: Head, raw: bytes, section: Section) -> Iterator[Record]:
    """The records of one section, in order, as they are."""
    position, sequence = section.offset, section.first - 1
    for _ in range(section.messages):
        if head.version == 1:
            (created_ns, properties_size, body_size), skipped = _RECORD_1.unpack_from(raw, position), 0
            position += _RECORD_1.size
        else:
            after_ns, skipped, properties_size, body_size = _RECORD.unpack_from(raw, position)
            created_ns = _wrapped(section.first_ns + after_ns)
            position += _RECORD.size
        sequence += skipped + 1
        end = position + properties_size + body_size
        yield Record(sequence, created_ns, properties_size, raw[position:end])
        position = end


def part(identity: str, records: Sequence[Record]) -> Part:
    """Records of one identity, at least one, in order, as what becomes a section; holes between them are kept."""
    packed: list[bytes] = []
    before = records[0].sequence - 1
    for sequence, created_ns, properties_size, content in records:
        size = len(content) - properties_size
        after_ns = _wrapped(created_ns - records[0].created_ns)
        packed += (_RECORD.pack(after_ns, sequence - before - 1, properties_size, size), content)
        before = sequence
    first, last = records[0], records[-1]
    return Part(identity, first.sequence, before, len(records), first.created_ns, last.created_ns, b"".join(packed))


def _wrapped(number: int) -> int:
    """As 64 bits count: the span of two times may be larger than they are."""
    return number if -_HALF <= number < _HALF else (number + _HALF) % (2 * _HALF) - _HALF


def _layout(version: int) -> struct.Struct:
    return _HEADER_1 if version == 1 else _HEADER
