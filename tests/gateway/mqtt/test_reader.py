"""Reading packets from chunks: however they are cut, whatever they hold."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.packets import (
    Connect,
    ForeignProtocol,
    MalformedPacket,
    Packet,
    Puback,
    Publish,
    encode,
)
from gateway.mqtt.reader import Reader
from tests.gateway.mqtt.test_packets import VECTORS

STREAM = b"".join(bytes.fromhex(data) for _, _, data in VECTORS)


def read_all(reader: Reader) -> list[Packet]:
    packets = []
    while (packet := reader.next_packet()) is not None:
        packets.append(packet)
    return packets


@given(st.lists(st.integers(1, 40), min_size=1))
def test_reads_the_same_packets_however_the_stream_is_cut(sizes: list[int]) -> None:
    reader = Reader()
    packets: list[Packet] = []
    rest = STREAM
    while rest:
        for size in sizes:
            reader.feed(rest[:size])
            packets += read_all(reader)
            rest = rest[size:]
    assert packets == [packet for _, packet, _ in VECTORS]


@pytest.mark.parametrize(
    ("data", "section"),
    [
        ("00 00", "2.2.1"),  # reserved type
        ("f0 00", "2.2.1"),
        ("50 02 00 01", "2.2.1"),  # PUBREC: QoS 2
        ("21 02 00 00", "2.2.2-2"),  # reserved flags
        ("80 06 00 01 00 01 61 00", "2.2.2-2"),  # SUBSCRIBE without its 0010
        ("e1 00", "2.2.2-2"),
        ("30 80 80 80 80 01", "2.2.3"),  # five bytes of length
        ("30 ff ff ff ff", "2.2.3"),
        ("20 01 00", "2.2.3"),  # too short
        ("20 03 00 00 00", "2.2.3"),  # too long
        ("c0 01 00", "2.2.3"),
        ("40 03 00 01 00", "2.2.3"),
        ("20 02 02 00", "3.2.2.1"),
        ("20 02 01 05", "3.2.2-4"),
        ("40 02 00 00", "2.3.1-1"),
        ("32 05 00 01 61 00 00", "2.3.1-1"),
        ("30 02 00 00", "4.7.3-1"),
        ("30 03 00 01 2b", "3.3.2-2"),
        ("30 03 00 01 23", "3.3.2-2"),
        ("30 04 00 05 61 62", "2.2.3"),  # the topic ends behind its packet
        ("30 03 00 01 00", "1.5.3-2"),
        ("30 03 00 01 ff", "1.5.3-1"),
        ("30 05 00 03 ed a0 80", "1.5.3-1"),  # a surrogate
        ("30 04 00 02 c0 80", "1.5.3-1"),  # U+0000 in two bytes
        ("38 03 00 01 61", "3.3.1-2"),  # DUP with QoS 0
        ("34 05 00 01 61 00 01", "3.3.1.2"),  # QoS 2
        ("36 05 00 01 61 00 01", "3.3.1.2"),  # QoS 3
        ("82 02 00 01", "3.8.3-3"),
        ("82 06 00 01 00 01 61 03", "3-8.3-4"),
        ("82 05 00 01 00 01 61", "2.2.3"),  # a filter without its QoS
        ("a2 02 00 01", "3.10.3-2"),
        ("90 02 00 01", "3.9.3"),
        ("90 03 00 01 03", "3.9.3-2"),
        ("10 0e 00 06 4d 51 49 73 64 70 03 02 00 00 00 00", "3.1.2-1"),  # MQTT 3.1
        ("10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00", "3.1.2-2"),  # MQTT 5
        ("10 0c 00 04 4d 51 54 54 04 03 00 00 00 00", "3.1.2-3"),
        ("10 0c 00 04 4d 51 54 54 04 00 00 00 00 00", "3.1.3-7"),
        ("10 0c 00 04 4d 51 54 54 04 0a 00 00 00 00", "3.1.2-13"),
        ("10 0c 00 04 4d 51 54 54 04 22 00 00 00 00", "3.1.2-15"),
        ("10 0e 00 04 4d 51 54 54 04 42 00 00 00 00 00 00", "3.1.2-22"),
        ("10 11 00 04 4d 51 54 54 04 1e 00 00 00 00 00 01 77 00 00", "3.1.2-14"),  # a will with QoS 3
    ],
)
def test_names_the_rule_that_is_broken(data: str, section: str) -> None:
    reader = Reader()
    reader.feed(bytes.fromhex(data))
    with pytest.raises(MalformedPacket) as caught:
        reader.next_packet()
    assert section in caught.value.section


def test_says_which_other_level_a_client_speaks() -> None:
    reader = Reader()
    reader.feed(bytes.fromhex("10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00"))
    with pytest.raises(ForeignProtocol) as caught:
        reader.next_packet()
    assert caught.value.level == 5


def test_refuses_a_large_packet_when_its_length_is_read_and_not_when_it_is_there() -> None:
    reader = Reader(max_size=100)
    reader.feed(bytes.fromhex("30 65"))
    with pytest.raises(MalformedPacket, match="101 bytes; 100 is the most"):
        reader.next_packet()


def test_takes_a_packet_of_the_largest_size() -> None:
    reader = Reader(max_size=100)
    reader.feed(encode(Publish("t", bytes(97))))
    assert reader.next_packet() == Publish("t", bytes(97))


def test_packets_before_a_broken_one_are_read() -> None:
    reader = Reader()
    reader.feed(bytes.fromhex("40 02 00 07  00 00"))
    assert reader.next_packet() == Puback(7)
    with pytest.raises(MalformedPacket):
        reader.next_packet()


def test_keeps_no_bytes_of_packets_that_were_read() -> None:
    reader = Reader()
    for _ in range(1000):
        reader.feed(bytes.fromhex("40 02 00 07"))
        assert reader.next_packet() == Puback(7)
    assert len(reader._bytes) <= 4


@given(st.binary(max_size=80))
def test_any_bytes_are_packets_or_malformed(data: bytes) -> None:
    reader = Reader(max_size=1000)
    reader.feed(data)
    with suppress(MalformedPacket):  # Anything else that is raised fails the test.
        assert all(encode(packet) for packet in read_all(reader))


@given(st.sampled_from([bytes.fromhex(data) for _, _, data in VECTORS]), st.data())
def test_a_packet_with_a_changed_byte_is_a_packet_or_malformed(vector: bytes, data: st.DataObject) -> None:
    changed = bytearray(vector)
    changed[data.draw(st.integers(0, len(vector) - 1))] = data.draw(st.integers(0, 255))
    reader = Reader()
    reader.feed(bytes(changed))
    try:
        packets = read_all(reader)
    except MalformedPacket:
        return
    # What is accepted is well formed: it can be written, and says the same again.
    again = Reader()
    for packet in packets:
        again.feed(encode(packet))
    assert read_all(again) == packets


topics = st.text(min_size=1, max_size=30).filter(lambda text: not set(text) & set("+#\0"))


@given(topics, st.binary(max_size=300), st.integers(1, 65_535), st.booleans(), st.booleans())
def test_every_publish_comes_back(topic: str, payload: bytes, packet_id: int, retain: bool, duplicate: bool) -> None:
    packet = Publish(topic, payload, 1, packet_id, retain, duplicate)
    reader = Reader()
    reader.feed(encode(packet))
    assert read_all(reader) == [packet]


@given(st.text(max_size=20), st.integers(0, 65_535), st.none() | st.text(max_size=20))
def test_every_connect_comes_back(client_id: str, keepalive_s: int, username: str | None) -> None:
    if "\0" in client_id + (username or ""):
        return
    packet = Connect(client_id, True, keepalive_s, username)
    reader = Reader()
    reader.feed(encode(packet))
    assert read_all(reader) == [packet]
