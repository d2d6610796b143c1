"""A small table as bytes: one column of names, columns of whole numbers, with a checksum over it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_LENGTHS = struct.Struct("<II")
_CRC = struct.Struct("<I")
LIMIT_BYTES = 64 * 1024 * 1024
"""No table is larger unpacked; a damaged one that claims to be is refused before memory is spent on it."""


class TableDamaged(Exception):
    """These bytes are not what ``pack`` returned."""


def pack(names: Sequence[str], *columns: Sequence[int]) -> bytes:
    """Names without line ends; each column as long as the names, its numbers signed and of at most 64 bits.

    Layout: size of the unpacked table, number of rows (u32 each), zlib level 1 of the names joined by line ends and
    then each column as i64 (little endian throughout), crc32 over all that stands before it. Whole columns compress
    better than rows: neighbours are alike.
    """
    if any("\n" in name for name in names):
        raise ValueError("a name with a line end cannot be packed")
    layout = struct.Struct(f"<{len(names)}q")
    text = "\n".join(names).encode()
    raw = b"".join([text, *(layout.pack(*column) for column in columns)])
    packed = _LENGTHS.pack(len(raw), len(names)) + zlib.compress(raw, 1)
    return packed + _CRC.pack(zlib.crc32(packed))


def unpack(packed: bytes, count: int) -> tuple[list[str], list[tuple[int, ...]]]:
    """The names and the ``count`` columns. Raises TableDamaged."""
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
    return names, [layout.unpack_from(raw, text_size + column * layout.size) for column in range(count)]


def inflate(packed: bytes, size: int) -> bytes | None:
    """What zlib packed, if it is whole and exactly ``size`` bytes long; never spends more memory than that."""
    machine = zlib.decompressobj()
    try:
        raw = machine.decompress(packed, size + 1)
    except zlib.error:
        return None
    return raw if len(raw) == size and machine.eof and not machine.unused_data else None
