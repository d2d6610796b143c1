"""One frame: the messages of one group commit as bytes, found by identity without reading those of others.

A frame is two pieces, so that a scan reads directories and leaves the bodies on the disk::

    head := header | directory | crc32 of header and directory
    body := zlib level 1 of the sections, one per identity, each the records of its messages one after the other

    header    := "FG" | version u8 | class u8 | number u64 | messages u32 | raw size u32 | crc32 of header so far,
                 directory and raw body
    directory := table (``columns``): identity; epoch, first sequence, count, size, first and last source time
    record    := source time i64 | size of properties u16 | size of body u32 | properties, UTF-8 | body, any bytes

Little endian. A section's offset is the sum of the sizes before it. The checksum over the raw body catches what
SQLite's own check does not see (a flipped bit in a blob), and a fault of memory between the two.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from gateway.buffer.columns import TableDamaged, inflate, pack, unpack
from gateway.model import Message, Stored

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
TELEMETRY = 1
"""The priority class that there is; 0 (alarms) and 2 (bulk) are reserved."""

_HEADER = struct.Struct("<2sBBQII")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<qHI")
_MAGIC = b"FG"
_VERSION = 1
_RAW_SIZE_LIMIT = 2 * (RAW_LIMIT + MESSAGE_LIMIT)


class FrameDamaged(Exception):
    """These bytes are not what was written."""


class MessageRefused(ValueError):
    """This message cannot be stored by any buffer, ever: it breaks a limit that stands in this module."""


class Section(NamedTuple):
    """The messages of one identity in a frame: consecutive sequences, in order."""

    identity: str
    epoch: int
    first: int
    """Sequence of the first message."""
    messages: int
    offset: int
    """Where its records start in the raw body."""
    size: int
    first_ns: int
    """Source time of the first message, nanoseconds since 1970."""
    last_ns: int

    @property
    def last(self) -> int:
        """Sequence of the last message."""
        return self.first + self.messages - 1


class Head(NamedTuple):
    """What a frame says of itself before its body is read."""

    number: int
    messages: int
    raw_size: int
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


def check(message: Message) -> int:
    """Bytes that the message takes in a frame. Raises MessageRefused."""
    properties = len(message.properties.encode())
    if not message.identity or len(message.identity) > IDENTITY_LIMIT or "\n" in message.identity:
        raise MessageRefused(f"identity {message.identity!r}: it has 1 to {IDENTITY_LIMIT} characters of one line")
    if len(message.body) > MESSAGE_LIMIT:
        raise MessageRefused(f"{message.identity}: body of {len(message.body)} bytes; at most {MESSAGE_LIMIT} go in")
    if properties > PROPERTIES_LIMIT:
        raise MessageRefused(f"{message.identity}: properties of {properties} bytes; at most {PROPERTIES_LIMIT} go in")
    if not -(2**63) <= message.created_ns < 2**63:
        raise MessageRefused(f"{message.identity}: {message.created_ns} is not a time in nanoseconds since 1970")
    return _RECORD.size + properties + len(message.body)


def encode(number: int, epoch: int, lanes: Mapping[str, tuple[int, Sequence[Message]]]) -> Frame:
    """The frame of this number; ``lanes``: per identity the sequence of its first message, and its messages."""
    records = [b"".join(map(_record, messages)) for _, messages in lanes.values()]
    raw = b"".join(records)
    offsets = accumulate(map(len, records), initial=0)
    sections = tuple(
        Section(identity, epoch, first, len(held), offset, len(record), held[0].created_ns, held[-1].created_ns)
        for (identity, (first, held)), record, offset in zip(lanes.items(), records, offsets, strict=False)
    )
    names, epochs, firsts, counts, _, *rest = zip(*sections, strict=True)
    directory = pack(names, epochs, firsts, counts, *rest)
    count = sum(counts)
    before = _HEADER.pack(_MAGIC, _VERSION, TELEMETRY, number, count, len(raw))
    before += _CRC.pack(zlib.crc32(raw, zlib.crc32(directory, zlib.crc32(before)))) + directory
    return Frame(number, count, before + _CRC.pack(zlib.crc32(before)), zlib.compress(raw, 1), sections)


def _record(message: Message) -> bytes:
    properties = message.properties.encode()
    return _RECORD.pack(message.created_ns, len(properties), len(message.body)) + properties + message.body


def read_head(head: bytes) -> Head:
    """The directory of a frame. Raises FrameDamaged."""
    start = _HEADER.size + _CRC.size
    if len(head) < start + _CRC.size or _CRC.unpack(head[-_CRC.size :])[0] != zlib.crc32(head[: -_CRC.size]):
        raise FrameDamaged("the checksum of the head is wrong")
    magic, version, _, number, messages, raw_size = _HEADER.unpack_from(head)
    if magic != _MAGIC or version != _VERSION or raw_size > _RAW_SIZE_LIMIT:
        raise FrameDamaged(f"not a frame of version {_VERSION}")
    try:
        names, columns = unpack(head[start : -_CRC.size], 6)
    except TableDamaged as error:
        raise FrameDamaged(f"directory: {error}") from error
    epochs, firsts, counts, sizes, firsts_ns, lasts_ns = columns
    offsets = accumulate(sizes, initial=0)
    rows = zip(names, epochs, firsts, counts, offsets, sizes, firsts_ns, lasts_ns, strict=False)
    sections = tuple(Section(*row) for row in rows)
    crc = _CRC.unpack_from(head, _HEADER.size)[0]
    return Head(number, messages, raw_size, crc, head[: -_CRC.size], sections)


def read_body(head: Head, body: bytes) -> bytes:
    """The raw body, checked. Raises FrameDamaged."""
    raw = inflate(body, head.raw_size)
    if raw is None:
        raise FrameDamaged(f"frame {head.number}: the body does not unpack to {head.raw_size} bytes")
    header, directory = head.before[: _HEADER.size], head.before[_HEADER.size + _CRC.size :]
    if zlib.crc32(raw, zlib.crc32(directory, zlib.crc32(header))) != head.crc:
        raise FrameDamaged(f"frame {head.number}: the checksum is wrong")
    return raw


def read_section(raw: bytes, section: Section) -> Iterable[Stored]:
    """The messages of one section, in order; the records of others are not touched."""
    position = section.offset
    packed, properties = b"", ""
    for sequence in range(section.first, section.first + section.messages):
        created_ns, properties_size, body_size = _RECORD.unpack_from(raw, position)
        position += _RECORD.size
        if packed != (found := raw[position : position + properties_size]):
            packed, properties = found, found.decode()  # one string for all alike: a device's hardly ever change
        position += properties_size
        yield Stored(
            section.identity, section.epoch, sequence, created_ns, properties, raw[position : position + body_size]
        )
        position += body_size
