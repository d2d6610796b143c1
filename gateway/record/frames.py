"""What lies in the files of the record: checked, compressed frames one behind the other. Pure.

A frame is a mark, the length of its content, a CRC-32 over it, and the content: MessagePack, compressed by zlib level
1. A frame that is torn or damaged is passed over: the next one is found by its mark.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from gateway.model import GOOD, Message, Quality, RawBlock, Status

MARK = b"FGR1"
_HEAD = struct.Struct(">4sII")
LARGEST_BYTES = 64_000_000
"""Of a content, unpacked: more was never written."""


class Scan(NamedTuple):
    """What one device answered in one ``read``."""

    positions: tuple[int, ...]
    """Its points that were read by it; indices into the points of the mapping that was in force."""
    blocks: tuple[RawBlock, ...]
    carried: bool = False
    """It stands in an earlier file, too: repeated, so that the newest value of every point is in each file."""

    @property
    def at_ns(self) -> int:
        """When its last block came, by the clock of the source."""
        return max(block.at_ns for block in self.blocks)


class Damaged(NamedTuple):
    """Bytes that are no frame."""

    size_bytes: int


def of_scans(scans: Sequence[Scan]) -> bytes:
    """One frame. The device's name is not in it."""
    shapes = {positions: number for number, positions in enumerate(dict.fromkeys(scan.positions for scan in scans))}
    rows = [(shapes[scan.positions], scan.carried, [_row(block) for block in scan.blocks]) for scan in scans]
    return _packed((list(shapes), rows))


def scans(data: bytes, device: str) -> Iterator[Scan | Damaged]:
    """The scans in the frames of a file, of which this device's name is known."""
    for content in _contents(data):
        if isinstance(content, Damaged):
            yield content
            continue
        shapes, rows = msgspec.msgpack.decode(content, type=_Scans)
        for shape, carried, blocks in rows:
            yield Scan(shapes[shape], tuple(_block(device, row) for row in blocks), carried)


def of_messages(messages: Sequence[Message]) -> bytes:
    """One frame."""
    return _packed([tuple(message) for message in messages])


def messages(data: bytes) -> tuple[list[Message], int] | None:
    """The messages of the frame at the beginning, and where it ends; None where there is no whole one."""
    content = _content(data, 0)
    return None if content is None else (msgspec.msgpack.decode(content[0], type=list[Message]), content[1])


_Row: TypeAlias = tuple[str, bytes, int, int, str, int | None]
"""Key, data, time, quality, reason, code."""
_Scans: TypeAlias = tuple[list[tuple[int, ...]], list[tuple[int, bool, list[_Row]]]]


def _row(block: RawBlock) -> _Row:
    quality, reason, code = block.status
    return block.key, block.data, block.at_ns, int(quality), reason, code


def _block(device: str, row: _Row) -> RawBlock:
    key, data, at_ns, quality, reason, code = row
    plain = not quality and not reason and code is None
    return RawBlock(device, key, data, at_ns, GOOD if plain else Status(Quality(quality), reason, code))


def _packed(content: object) -> bytes:
    data = zlib.compress(msgspec.msgpack.encode(content), 1)
    return _HEAD.pack(MARK, len(data), zlib.crc32(data)) + data


def _contents(data: bytes) -> Iterator[bytes | Damaged]:
    at = 0
    while at < len(data):
        content = _content(data, at)
        if content is not None:
            yield content[0]
            at = content[1]
            continue
        following = data.find(MARK, at + 1)
        while following != -1 and _content(data, following) is None:
            following = data.find(MARK, following + 1)
        end = len(data) if following == -1 else following
        yield Damaged(end - at)
        at = end


def _content(data: bytes, at: int) -> tuple[bytes, int] | None:
    """What stands in the frame that begins here, and where the next one does; None where there is no whole one."""
    begin = at + _HEAD.size
    if begin > len(data):
        return None
    mark, size, checksum = _HEAD.unpack_from(data, at)
    packed = data[begin : begin + size]
    if mark != MARK or len(packed) != size or zlib.crc32(packed) != checksum:
        return None
    return zlib.decompressobj().decompress(packed, LARGEST_BYTES), begin + size
