from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.buffer.columns import pack
from gateway.buffer.frames import (
    MESSAGE_LIMIT,
    PROPERTIES_LIMIT,
    Frame,
    FrameDamaged,
    MessageRefused,
    assemble,
    check,
    encode,
    part,
    read_body,
    read_head,
    read_records,
    read_section,
)
from gateway.model import Message, Priority, Stored

EPOCH = 0xFEDCBA98


def message(identity: str, at_ns: int, body: bytes, properties: str = "") -> Message:
    return Message(identity, at_ns, properties, body)


def unpacked(frame: Frame) -> dict[str, list[Stored]]:
    head = read_head(frame.head)
    raw = read_body(head, frame.body)
    return {section.identity: list(read_section(head, raw, section)) for section in head.sections}


def test_the_bytes_are_those_that_the_description_says() -> None:
    first, second = message("a", 5, b"{}", "k=v"), message("b", -1, b"\x00\xff")
    frame = encode(42, EPOCH, {"a": (7, [first]), "b": (1, [second, second])}, Priority.BULK, born=99)
    record_a = struct.pack("<qIHI", 0, 0, 3, 2) + b"k=v{}"
    record_b = struct.pack("<qIHI", 0, 0, 0, 2) + b"\x00\xff"
    raw = record_a + record_b * 2
    directory = pack(["a", "b"], [7, 1], [0, 1], [1, 2], [len(record_a), 2 * len(record_b)], [5, -1], [0, 0])
    header = b"FG" + struct.pack("<BBQIIII", 2, 2, 42, 3, len(raw), EPOCH, 99)
    crc = zlib.crc32(header + directory + raw)
    head = header + struct.pack("<I", crc) + directory
    assert frame.head == head + struct.pack("<I", zlib.crc32(head))
    assert zlib.decompress(frame.body) == raw
    assert (frame.number, frame.messages, frame.born, frame.raw_size) == (42, 3, 99, len(raw))


def test_a_frame_of_version_1_is_read() -> None:
    record_a = struct.pack("<qHI", 5, 3, 2) + b"k=v{}"
    record_b = struct.pack("<qHI", -1, 0, 2) + b"\x00\xff"
    table = b"a\nb" + struct.pack("<12q", EPOCH, EPOCH, 7, 1, 2, 1, 2 * len(record_a), len(record_b), 5, -1, 5, -1)
    directory = struct.pack("<II", len(table), 2) + zlib.compress(table, 1)
    directory += struct.pack("<I", zlib.crc32(directory))
    raw = record_a * 2 + record_b
    header = b"FG" + struct.pack("<BBQII", 1, 1, 42, 3, len(raw))
    head = header + struct.pack("<I", zlib.crc32(header + directory + raw)) + directory
    frame = Frame(42, 3, head + struct.pack("<I", zlib.crc32(head)), zlib.compress(raw, 1), (), len(raw), 0)
    assert unpacked(frame) == {
        "a": [Stored("a", EPOCH, number, 5, "k=v", b"{}") for number in (7, 8)],
        "b": [Stored("b", EPOCH, 1, -1, "", b"\x00\xff")],
    }
    assert read_head(frame.head).born is None


def test_records_taken_over_keep_their_sequences_whatever_lies_between() -> None:
    before = encode(3, EPOCH, {"a": (5, [message("a", n, b"%d" % n, "p=1") for n in range(6)])})
    head = read_head(before.head)
    records = list(read_records(head, read_body(head, before.body), head.sections[0]))
    kept = assemble(9, EPOCH, [part("a", [records[1], records[2], records[5]])], Priority.ALARM, born=7, level=6)
    assert unpacked(kept) == {"a": [Stored("a", EPOCH, 5 + n, n, "p=1", b"%d" % n, Priority.ALARM) for n in (1, 2, 5)]}
    section = read_head(kept.head).sections[0]
    assert (section.first, section.last, section.messages, section.first_ns, section.last_ns) == (6, 10, 3, 1, 5)


MESSAGES = st.builds(
    Message,
    st.sampled_from(["a", "b-2", "c.3_x"]),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=50),
    st.just(Priority.TELEMETRY),
)


@settings(max_examples=60)
@given(st.lists(MESSAGES, min_size=1), st.integers(1, 2**40))
def test_what_went_in_comes_out_with_its_sequence(messages: list[Message], first: int) -> None:
    lanes: dict[str, list[Message]] = {}
    for one in messages:
        lanes.setdefault(one.identity, []).append(one)
    frame = encode(9, EPOCH, {identity: (first, held) for identity, held in lanes.items()})
    assert unpacked(frame) == {
        identity: [Stored(identity, EPOCH, first + index, *one[1:]) for index, one in enumerate(held)]
        for identity, held in lanes.items()
    }


def test_memory_that_is_used_again_leaves_nothing_of_the_frame_before() -> None:
    scratch = BytesIO()
    for number, size in enumerate((900, 10, 90)):
        lanes = {
            "a": (number + 1, [message("a", 1, b"%d" % number * size, "k=v")] * 2),
            "b": (1, [message("b", 2, b"")]),
        }
        assert encode(number, EPOCH, lanes, scratch=scratch) == encode(number, EPOCH, lanes)


def test_a_directory_tells_where_what_lies_and_from_when_it_is() -> None:
    held = [message("a", 100, b"12"), message("a", 300, b"345")]
    frame = encode(1, EPOCH, {"z": (1, [message("z", 9, b"")]), "a": (11, held)})
    head = read_head(frame.head)
    assert head.sections == frame.sections
    assert (head.number, head.messages, head.raw_size) == (1, 3, 18 + 20 + 21)
    section = head.sections[1]
    assert (section.identity, section.first, section.last, section.messages) == ("a", 11, 12, 2)
    assert (section.offset, section.size, section.first_ns, section.last_ns) == (18, 41, 100, 300)


def test_a_section_is_read_without_the_records_of_others() -> None:
    frame = encode(1, EPOCH, {"a": (1, [message("a", 1, b"aa")]), "b": (1, [message("b", 2, b"bb")])})
    head = read_head(frame.head)
    raw = read_body(head, frame.body)
    blinded = b"\xff" * head.sections[0].size + raw[head.sections[1].offset :]
    assert [found.body for found in read_section(head, blinded, head.sections[1])] == [b"bb"]


def test_any_flipped_bit_is_noticed_or_harmless() -> None:
    frame = encode(3, EPOCH, {"a": (1, [message("a", 1, b'{"v":1}' * 9, "k=v")]), "b": (5, [message("b", 1, b"x")])})
    intact = unpacked(frame)
    noticed = 0
    for bit in range((len(frame.head) + len(frame.body)) * 8):
        flipped = bytearray(frame.head + frame.body)
        flipped[bit // 8] ^= 1 << bit % 8
        head, body = bytes(flipped[: len(frame.head)]), bytes(flipped[len(frame.head) :])
        try:
            assert unpacked(frame._replace(head=head, body=body)) == intact
        except FrameDamaged:
            noticed += 1
    assert noticed >= (len(frame.head) + len(frame.body)) * 8 - 7  # the last byte of deflate is padded


def test_a_frame_cut_short_is_noticed() -> None:
    frame = encode(3, EPOCH, {"a": (1, [message("a", 1, b"12345")])})
    for size in range(len(frame.head)):
        with pytest.raises(FrameDamaged):
            read_head(frame.head[:size])
    for size in range(len(frame.body)):
        with pytest.raises(FrameDamaged):
            read_body(read_head(frame.head), frame.body[:size])


def test_the_body_of_another_frame_is_noticed() -> None:
    one = encode(1, EPOCH, {"a": (1, [message("a", 1, b"1234")])})
    other = encode(2, EPOCH, {"a": (2, [message("a", 1, b"4321")])})
    with pytest.raises(FrameDamaged, match="frame 1: the checksum is wrong"):
        read_body(read_head(one.head), other.body)


@pytest.mark.parametrize("header", [b"XX\x01", b"FG\x03"], ids=["another magic", "a later version"])
def test_a_head_of_another_kind_is_refused(header: bytes) -> None:
    frame = encode(1, EPOCH, {"a": (1, [message("a", 1, b"")])})
    head = header + frame.head[3:-4]
    with pytest.raises(FrameDamaged, match="not a frame of version 1"):
        read_head(head + struct.pack("<I", zlib.crc32(head)))


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (message("", 1, b""), "identity ''"),
        (message("x" * 65, 1, b""), "1 to 64 characters"),
        (message("a\nb", 1, b""), "one line"),
        (message("a", 1, bytes(MESSAGE_LIMIT + 1)), "a: body of 4194305 bytes; at most 4194304"),
        (message("a", 1, b"", "ä" * (PROPERTIES_LIMIT // 2 + 1)), "a: properties of 65536 bytes"),
        (message("a", 2**63, b""), "not a time"),
    ],
)
def test_what_breaks_a_limit_is_refused_with_the_limit(refused: Message, why: str) -> None:
    with pytest.raises(MessageRefused, match=why):
        check(refused)


def test_what_is_just_within_the_limits_goes_in_and_out() -> None:
    largest = message("x" * 64, 2**63 - 1, bytes(MESSAGE_LIMIT), "p" * PROPERTIES_LIMIT)
    assert check(largest) == 18 + PROPERTIES_LIMIT + MESSAGE_LIMIT
    found = unpacked(encode(1, EPOCH, {largest.identity: (1, [largest])}))
    assert found[largest.identity][0].body == largest.body
