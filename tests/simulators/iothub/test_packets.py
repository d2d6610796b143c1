"""Packets written out by hand from the MQTT 3.1.1 standard."""

from __future__ import annotations

import pytest

from simulators.iothub import packets
from simulators.iothub.packets import Connect, Malformed, Packet, Publish, Subscribe, Unsubscribe, Will

LARGEST = 1 << 20

CONNECT_OF_THE_STANDARD = bytes.fromhex("00044d51545404ce000a")
"""Figure 3.6 of the standard: username, password, will of QoS 1, clean session, keepalive 10 s."""


def only(data: bytes) -> Packet:
    (packet,) = packets.split(bytearray(data), LARGEST)
    return packet


def test_reads_the_connect_of_the_standard() -> None:
    payload = bytes.fromhex("0001 41 0001 77 0002 0102 0001 75 0001 70")
    body = CONNECT_OF_THE_STANDARD + payload
    packet = only(bytes((0x10, len(body))) + body)
    assert packets.connect(packet) == Connect("A", True, 10, "u", b"p", Will("w", b"\1\2", False))


def test_reads_a_publish_of_the_standard() -> None:
    # Figure 3.11: topic a/b, packet id 10; QoS 1 in the fixed header.
    packet = only(bytes.fromhex("3209 0003 612f62 000a 6869"))
    assert packets.publish(packet) == Publish("a/b", b"hi", 1, 10, False)


def test_a_publish_of_qos_0_has_no_packet_id() -> None:
    assert packets.publish(only(bytes.fromhex("3107 0003 612f62 6869"))) == Publish("a/b", b"hi", 0, 0, True)


def test_reads_the_subscribe_of_the_standard() -> None:
    # Figures 3.20 to 3.23: packet id 10, a/b with QoS 1, c/d with QoS 2.
    packet = only(bytes.fromhex("820e 000a 0003 612f62 01 0003 632f64 02"))
    assert packets.subscribe(packet) == Subscribe(10, (("a/b", 1), ("c/d", 2)))


def test_reads_the_unsubscribe_of_the_standard() -> None:
    packet = only(bytes.fromhex("a20c 000a 0003 612f62 0003 632f64"))
    assert packets.unsubscribe(packet) == Unsubscribe(10, ("a/b", "c/d"))


@pytest.mark.parametrize(
    ("length", "coded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (16383, "ff7f"), (16384, "808001"), (2097151, "ffff7f")],
)
def test_remaining_lengths_of_table_2_4(length: int, coded: str) -> None:
    buffer = bytearray(b"\x30" + bytes.fromhex(coded) + bytes(length))
    assert [len(packet.body) for packet in packets.split(buffer, 1 << 22)] == [length]
    assert not buffer


def test_packets_come_in_any_pieces() -> None:
    stream = bytes.fromhex("c000 3209 0003 612f62 000a 6869 e000") + b"\x30\x80\x01" + bytes(128)
    buffer, found = bytearray(), list[Packet]()
    for byte in stream:
        buffer.append(byte)
        found += packets.split(buffer, LARGEST)
    assert [packet.type for packet in found] == [12, 3, 14, 3]
    assert found == list(packets.split(bytearray(stream), LARGEST))


def test_a_packet_that_is_too_large_is_refused_before_it_has_come() -> None:
    with pytest.raises(Malformed, match="larger"):
        list(packets.split(bytearray(b"\x30\xff\xff\x7f"), LARGEST))


def test_a_fifth_byte_of_the_length_is_refused() -> None:
    with pytest.raises(Malformed, match="four bytes"):
        list(packets.split(bytearray(b"\x30\xff\xff\xff\xff"), LARGEST))
    assert list(packets.split(bytearray(b"\x30\xff\xff\xff"), LARGEST)) == []


def connect_body(name: str = "4d515454", level: str = "04", flags: str = "02", rest: str = "000a 0001 41") -> Packet:
    return Packet(1, 0, bytes.fromhex(f"{len(name) // 2:04x}{name}{level}{flags}{rest}"))


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (connect_body(name="4d515449"), "protocol name"),
        (connect_body(flags="03"), "reserved flag"),
        (connect_body(flags="0a"), "will that is not there"),
        (connect_body(flags="22"), "will that is not there"),
        (connect_body(flags="1e"), "QoS 3"),
        (connect_body(flags="42"), "password without"),
        (connect_body(flags="82"), "ends within"),
        (connect_body(rest="000a 0001 41 00"), "behind the last"),
        (connect_body(rest="000a 0001 ff"), "not UTF-8"),
        (connect_body(rest="000a 0001 00"), r"U\+0000"),
        (connect_body(rest="000a 0003 eda080"), "not UTF-8"),
    ],
)
def test_a_malformed_connect_is_named(packet: Packet, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        packets.connect(packet)


def test_another_version_is_not_malformed() -> None:
    with pytest.raises(packets.UnknownLevel, match="level 5"):
        packets.connect(connect_body(level="05", rest="000a 00 0001 41"))


@pytest.mark.parametrize(
    ("first", "body", "why"),
    [
        (0x36, "0003 612f62 000a", "QoS 3"),
        (0x38, "0003 612f62", "repeated"),
        (0x32, "0003 612f62 0000", "packet id 0"),
        (0x32, "0003 612f62 00", "ends within"),
        (0x30, "0000", "empty"),
        (0x30, "0003 612f23", "wildcards"),
        (0x30, "0003 612f2b", "wildcards"),
        (0x30, "0009 612f", "ends within"),
    ],
)
def test_a_malformed_publish_is_named(first: int, body: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        packets.publish(Packet(first >> 4, first & 15, bytes.fromhex(body)))


def test_malformed_subscriptions_are_named() -> None:
    with pytest.raises(Malformed, match="without a filter"):
        packets.subscribe(Packet(8, 2, b"\0\1"))
    with pytest.raises(Malformed, match="QoS 3"):
        packets.subscribe(Packet(8, 2, bytes.fromhex("0001 0001 61 03")))
    with pytest.raises(Malformed, match="without a filter"):
        packets.unsubscribe(Packet(10, 2, b"\0\1"))


@pytest.mark.parametrize(
    ("kind", "flags"), [(1, 1), (8, 0), (10, 0), (12, 1), (14, 2), (2, 0), (0, 0), (15, 0), (4, 0)]
)
def test_wrong_flags_and_foreign_types_are_malformed(kind: int, flags: int) -> None:
    with pytest.raises(Malformed):
        packets.check_flags(Packet(kind, flags, b""))


def test_right_flags_pass() -> None:
    for kind, flags in ((1, 0), (3, 0), (3, 2), (8, 2), (10, 2), (12, 0), (14, 0)):
        packets.check_flags(Packet(kind, flags, b""))


def test_answers_are_those_of_the_standard() -> None:
    assert packets.connack(0, session_present=True) == bytes.fromhex("20020100")
    assert packets.connack(5, session_present=True) == bytes.fromhex("20020005")
    assert packets.puback(0x1234) == bytes.fromhex("40021234")
    assert packets.suback(10, [1, 0x80]) == bytes.fromhex("9004000a0180")
    assert packets.suback(10, [0] * 200)[:5] == bytes.fromhex("90ca01000a")
    assert packets.unsuback(10) == bytes.fromhex("b002000a")
