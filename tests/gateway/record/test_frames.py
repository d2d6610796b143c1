"""Frames of the record: what goes in comes out, and what is damaged does not."""

from __future__ import annotations

import random
import struct
import zlib

import msgspec
import pytest

from gateway.model import GOOD, TIMEOUT, Message, RawBlock
from gateway.record import frames
from gateway.record.frames import Damaged, Scan
from tests.gateway.record.making import DEVICE, fast, refused, slow

SCANS = [fast(0), slow(0.5), refused(1), fast(2)._replace(carried=True)]


def found(data: bytes) -> list[Scan]:
    return [one for one in frames.scans(data, DEVICE) if isinstance(one, Scan)]


def damaged(data: bytes) -> int:
    return sum(one.size_bytes for one in frames.scans(data, DEVICE) if isinstance(one, Damaged))


def test_what_was_written_is_read_with_every_status() -> None:
    data = frames.of_scans(SCANS) + frames.of_scans([fast(3)])
    assert list(frames.scans(data, DEVICE)) == [*SCANS, fast(3)]
    assert found(data)[0].blocks[0].status is GOOD
    assert SCANS[1].at_ns < SCANS[2].at_ns


def test_the_form_is_the_one_that_is_written_down() -> None:
    """Taken apart by hand: mark, length, CRC-32, and MessagePack in zlib."""
    data = frames.of_scans([fast(0), fast(1), slow(1)])
    mark, size, checksum = struct.unpack_from(">4sII", data)
    assert (mark, size, checksum) == (b"FGR1", len(data) - 12, zlib.crc32(data[12:]))
    shapes, rows = msgspec.msgpack.decode(zlib.decompress(data[12:]))
    assert shapes == [[0, 1, 2], [3]]
    assert [(shape, carried, len(blocks)) for shape, carried, blocks in rows] == [
        (0, False, 1),
        (0, False, 1),
        (1, False, 1),
    ]
    assert rows[2][2] == [["input 4..5", bytes.fromhex("11700001"), slow(1).at_ns, 0, "", None]]


@pytest.mark.parametrize("cut", [1, 5, 11, 12, 40])
def test_a_torn_frame_is_passed_over(cut: int) -> None:
    whole = frames.of_scans([fast(0)])
    assert list(frames.scans(whole + frames.of_scans([fast(1)])[:cut], DEVICE)) == [fast(0), Damaged(cut)]


def test_one_that_is_torn_in_the_middle_costs_only_itself() -> None:
    first, torn, last = (frames.of_scans([fast(second)]) for second in range(3))
    assert list(frames.scans(first + torn[:-3] + last, DEVICE)) == [fast(0), Damaged(len(torn) - 3), fast(2)]


def test_no_flipped_bit_becomes_a_value() -> None:
    parts = [frames.of_scans([fast(second)]) for second in range(4)]
    data = b"".join(parts)
    chance = random.Random(7)
    for _ in range(400):
        place, bit = chance.randrange(len(data)), chance.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        read = found(bytes(flipped))
        hit = next(n for n in range(4) if place < sum(map(len, parts[: n + 1])))
        assert read == [fast(second) for second in range(4) if second != hit]
        assert damaged(bytes(flipped)) == len(parts[hit])


def test_a_mark_within_the_data_is_no_frame() -> None:
    odd = Scan((0,), (RawBlock(DEVICE, "input 0..1", b"FGR1", 5, TIMEOUT),))
    data = b"FGR1" + frames.of_scans([odd])
    assert list(frames.scans(data, DEVICE)) == [Damaged(4), odd]


def test_messages_are_read_frame_by_frame() -> None:
    first, second = [Message("a", 5, "k=v", b"{}")] * 2, [Message("b", 6, "", b"\x00\xff")]
    data = frames.of_messages(first) + frames.of_messages(second)
    told = frames.messages(data)
    assert told is not None
    assert told[0] == first
    assert frames.messages(data[told[1] :]) == (second, len(data) - told[1])
    assert frames.messages(data[:-1][told[1] :]) is None
    assert frames.messages(b"") is None


def test_scans_that_are_alike_take_little_room() -> None:
    data = frames.of_scans([fast(second) for second in range(10)])
    assert len(data) < 10 * 40
