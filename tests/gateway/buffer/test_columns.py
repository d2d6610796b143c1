from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.buffer.columns import LIMIT_BYTES, TableDamaged, inflate, pack, unpack

NUMBERS = st.integers(-(2**63), 2**63 - 1)
NAMES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(NAMES, NUMBERS, NUMBERS)))
def test_gives_back_what_it_was_given(rows: list[tuple[str, int, int]]) -> None:
    names, first, second = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    assert unpack(pack(names, first, second), 2) == (names, [tuple(first), tuple(second)])


def test_lays_columns_one_after_the_other_the_lowest_bytes_first() -> None:
    packed = pack(["a", "bc"], [1, -1], [0x0807060504030201, 0x1817161514131211])
    size, rows = struct.unpack_from("<II", packed)
    assert rows == 2
    first = b"\x01\xff" + b"\x00\xff" * 7
    second = bytes([0x01, 0x11, 0x02, 0x12, 0x03, 0x13, 0x04, 0x14, 0x05, 0x15, 0x06, 0x16, 0x07, 0x17, 0x08, 0x18])
    assert zlib.decompress(packed[8:-4]) == b"a\nbc" + first + second
    assert size == 4 + 32
    assert packed[-4:] == struct.pack("<I", zlib.crc32(packed[:-4]))


def test_a_table_as_version_1_of_frames_has_it_is_read() -> None:
    raw = b"a\nbc" + struct.pack("<qqqq", 1, -1, 7, 8)
    packed = struct.pack("<II", len(raw), 2) + zlib.compress(raw)
    packed += struct.pack("<I", zlib.crc32(packed))
    assert unpack(packed, 2, by_bytes=False) == (["a", "bc"], [(1, -1), (7, 8)])


def test_any_flipped_bit_is_noticed() -> None:
    packed = pack(["meter-1", "meter-2"], [1, 2], [3, 4])
    for bit in range(len(packed) * 8):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TableDamaged):
            unpack(bytes(flipped), 2)


def test_a_table_cut_short_is_noticed() -> None:
    packed = pack(["meter-1"], [1])
    for size in range(len(packed)):
        with pytest.raises(TableDamaged):
            unpack(packed[:size], 1)


def test_a_name_with_a_line_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line end"):
        pack(["a\nb"], [1])


@pytest.mark.parametrize(
    ("size", "rows", "raw"),
    [
        pytest.param(LIMIT_BYTES + 1, 0, b"", id="claims to be huge"),
        pytest.param(4, 9, b"abcd", id="shorter than its rows"),
        pytest.param(11, 1, b"a\nb" + bytes(8), id="more names than rows"),
        pytest.param(5, 0, b"abcd", id="not as long as it says"),
    ],
)
def test_a_table_with_a_right_checksum_that_lies_is_refused(size: int, rows: int, raw: bytes) -> None:
    packed = struct.pack("<II", size, rows) + zlib.compress(raw)
    with pytest.raises(TableDamaged):
        unpack(packed + struct.pack("<I", zlib.crc32(packed)), 1)


def test_unpacks_no_more_than_was_promised() -> None:
    bomb = zlib.compress(bytes(10_000_000))
    assert inflate(bomb, 100) is None
    assert inflate(zlib.compress(b"1234"), 4) == b"1234"
    assert inflate(zlib.compress(b"1234") + b"x", 4) is None
    assert inflate(b"no zlib at all", 4) is None
