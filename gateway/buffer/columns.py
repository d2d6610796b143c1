"""A small table as bytes: one column of names, columns of whole numbers, with a checksum over it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from isal import isal_zlib

_LENGTHS = struct.Struct("<II")
_CRC = struct.Struct("<I")
LIMIT_BYTES = 64 * 1024 * 1024
"""No table is larger unpacked; a damaged one that claims to be is refused before memory is spent on it."""


class TableDamaged(Exception):
    """These bytes are not what ``pack`` returned."""


def pack(names: Sequence[str], *columns: Sequence[int]) -> bytes:
    """Names without line ends; each column as long as the names, its numbers signed and of at most 64 bits.

    Layout: size of the unpacked table, number of rows (u32 each), zlib of the names joined by line ends and then each
    column as i64 (little endian throughout), crc32 over all that stands before it. Of a column the lowest bytes of all
    numbers stand first, then the next ones: neighbours are alike, and their higher bytes are the same.
    """
    if any("\n" in name for name in names):
        raise ValueError("a name with a line end cannot be packed")
    layout = struct.Struct(f"<{len(names)}q")
    raw = b"".join(["\n".join(names).encode(), *(_by_bytes(layout.pack(*column)) for column in columns)])
    packed = _LENGTHS.pack(len(raw), len(names)) + isal_zlib.compress(raw, 1)
    return packed + _CRC.pack(zlib.crc32(packed))


def unpack(packed: bytes, count: int, *, by_bytes: bool = True) -> tuple[list[str], list[tuple[int, ...]]]:
    """The names and the ``count`` columns; not ``by_bytes``: a number's bytes stand together. Raises TableDamaged."""
    if len(packed) < _LENGTHS.size + _CRC.size or _CRC.unpack(packed[-_CRC.size :])[0] != zlib.crc32(packed[:-4]):
        raise TableDamaged("the checksum of the table is wrong")
    size, rows = _LENGTHS.unpack_from(packed)
    if size > LIMIT_BYTES:
        raise TableDamaged(f"the table claims {size} bytes")
    raw = inflate(packed[_LENGTHS.size : -_CRC.size], size)
    layout = struct.Struct(f"<{rows}q")
    text_size = size - count * layout.size
    if raw is None or text_size < 0:
        raise TableDamaged("the table is shorter than it claims")
    names = raw[:text_size].decode().split("\n") if rows else []
    if len(names) != rows:
        raise TableDamaged(f"{len(names)} names for {rows} rows")
    columns: list[tuple[int, ...]] = []
    for column in range(count):
        start = text_size + column * layout.size
        piece = raw[start : start + layout.size]
        columns.append(layout.unpack(_by_numbers(piece) if by_bytes else piece))
    return names, columns


def _by_bytes(column: bytes) -> bytes:
    return b"".join([column[place::8] for place in range(8)])


def _by_numbers(column: bytes) -> bytes:
    rows = len(column) // 8
    numbers = bytearray(len(column))
    for place in range(8):
        numbers[place::8] = column[place * rows : (place + 1) * rows]
    return bytes(numbers)


def inflate(packed: bytes, size: int) -> bytes | None:
    """What zlib packed, if it is whole and exactly ``size`` bytes long; never spends more memory than that."""
    machine = zlib.decompressobj()
    try:
        raw = machine.decompress(packed, size + 1)
    except zlib.error:
        return None
    return raw if len(raw) == size and machine.eof and not machine.unused_data else None
