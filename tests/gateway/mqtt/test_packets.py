"""Packets of MQTT 3.1.1: bytes written out from the figures of the OASIS standard, never from our own encoder."""

from __future__ import annotations

import pytest

from gateway.mqtt.packets import (
    MAX_REMAINING,
    SUBSCRIPTION_FAILED,
    Connack,
    Connect,
    Disconnect,
    MalformedPacket,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
    encode,
)
from gateway.mqtt.reader import Reader

VECTORS: list[tuple[str, Packet, str]] = [
    (
        # Figure 3.6: the variable header of the non-normative example (flags 1100 1110, keep alive 10), behind it the
        # payload in the order of 3.1.3: client identifier, will topic, will message, user name, password.
        "CONNECT, figure 3.6",
        Connect("c", True, 10, "u", b"p", Will("w", b"m", 1)),
        "10 19  00 04 4d 51 54 54  04  ce  00 0a  00 01 63  00 01 77  00 01 6d  00 01 75  00 01 70",
    ),
    ("CONNECT, the least", Connect("", True, 0), "10 0c  00 04 4d 51 54 54  04  02  00 00  00 00"),
    (
        "CONNECT, a session kept",
        Connect("dev-1", False, 240, "hub/dev-1/?api-version=2021-04-12"),
        "10 34  00 04 4d 51 54 54  04  80  00 f0  00 05 64 65 76 2d 31"
        "  00 21 68 75 62 2f 64 65 76 2d 31 2f 3f 61 70 69 2d 76 65 72 73 69 6f 6e 3d 32 30 32 31 2d 30 34 2d 31 32",
    ),
    (
        "CONNECT, a retained will with QoS 2",
        Connect("c", True, 0, None, None, Will("w", b"", 2, retain=True)),
        "10 12  00 04 4d 51 54 54  04  36  00 00  00 01 63  00 01 77  00 00",
    ),
    ("CONNACK, accepted", Connack(False, 0), "20 02 00 00"),
    ("CONNACK, session present", Connack(True, 0), "20 02 01 00"),
    ("CONNACK, not authorized", Connack(False, 5), "20 02 00 05"),
    # Figure 3.11: topic a/b, packet identifier 10.
    ("PUBLISH, figure 3.11", Publish("a/b", b"", 1, 10), "32 07  00 03 61 2f 62  00 0a"),
    ("PUBLISH, QoS 0", Publish("a/b", b"hi"), "30 07  00 03 61 2f 62  68 69"),
    ("PUBLISH, again and retained", Publish("t", b"\x00\xff", 1, 0xFFFF, True, True), "3b 07  00 01 74  ff ff  00 ff"),
    ("PUBACK", Puback(10), "40 02 00 0a"),
    # Figures 3.23 and 3.24: packet identifier 10; a/b with QoS 1, c/d with QoS 2.
    (
        "SUBSCRIBE, figures 3.21 and 3.23",
        Subscribe(10, (("a/b", 1), ("c/d", 2))),
        "82 0e  00 0a  00 03 61 2f 62 01  00 03 63 2f 64 02",
    ),
    # Figure 3.26: success with at most QoS 0, success with at most QoS 2, failure.
    ("SUBACK, figure 3.26", Suback(10, (0, 2, SUBSCRIPTION_FAILED)), "90 05  00 0a  00 02 80"),
    # Figure 3.30.
    ("UNSUBSCRIBE, figure 3.30", Unsubscribe(10, ("a/b", "c/d")), "a2 0c  00 0a  00 03 61 2f 62  00 03 63 2f 64"),
    ("UNSUBACK", Unsuback(0x1234), "b0 02 12 34"),
    ("PINGREQ", Pingreq(), "c0 00"),
    ("PINGRESP", Pingresp(), "d0 00"),
    ("DISCONNECT", Disconnect(), "e0 00"),
]


@pytest.mark.parametrize(("packet", "data"), [pytest.param(p, d, id=name) for name, p, d in VECTORS])
def test_writes_the_bytes_of_the_standard(packet: Packet, data: str) -> None:
    assert encode(packet).hex(" ") == bytes.fromhex(data).hex(" ")


@pytest.mark.parametrize(("packet", "data"), [pytest.param(p, d, id=name) for name, p, d in VECTORS])
def test_reads_the_bytes_of_the_standard(packet: Packet, data: str) -> None:
    reader = Reader()
    reader.feed(bytes.fromhex(data))
    read = reader.next_packet()
    assert (type(read), read) == (type(packet), packet)
    assert reader.next_packet() is None


# Table 2.4: the first and the last value of each number of digits.
@pytest.mark.parametrize(
    ("remaining", "digits"),
    [
        (127, "7f"),
        (128, "80 01"),
        (16_383, "ff 7f"),
        (16_384, "80 80 01"),
        (2_097_151, "ff ff 7f"),
        (2_097_152, "80 80 80 01"),
    ],
)
def test_writes_remaining_lengths_as_table_2_4_does(remaining: int, digits: str) -> None:
    data = encode(Publish("t", bytes(remaining - 3)))
    assert data[1 : len(data) - remaining] == bytes.fromhex(digits)


def test_refuses_a_packet_whose_length_four_bytes_cannot_say() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return MAX_REMAINING

    with pytest.raises(MalformedPacket, match=r"2\.2\.3"):
        encode(Publish("t", Long()))


def test_a_text_of_the_standard_with_a_character_beyond_16_bits() -> None:
    # Figure 1.2: the string A𪛔 (U+2A6D4) takes 5 bytes.
    assert encode(Publish("A\U0002a6d4", b""))[2:].hex(" ") == "00 05 41 f0 aa 9b 94"


@pytest.mark.parametrize(
    ("packet", "section"),
    [
        (Publish("", b""), "4.7.3"),
        (Publish("a/+", b""), "3.3.2-2"),
        (Publish("a/#", b""), "3.3.2-2"),
        (Publish("a\0b", b""), "1.5.3-2"),
        (Publish("a\ud800b", b""), "1.5.3-1"),
        (Publish("a" * 65_536, b""), "1.5.3"),
        (Publish("a", b"", 1, 0), "2.3.1-1"),
        (Publish("a", b"", 1, 65_536), "2.3.1-1"),
        (Publish("a", b"", 0, 7), "2.3.1-5"),
        (Publish("a", b"", 0, 0, False, True), "3.3.1-2"),
        (Publish("a", b"", 2, 1), "3.3.1.2"),
        (Puback(0), "2.3.1-1"),
        (Subscribe(1, ()), "3.8.3-3"),
        (Subscribe(0, (("a", 0),)), "2.3.1-1"),
        (Subscribe(1, (("a", 3),)), "3-8.3-4"),
        (Subscribe(1, (("a#", 0),)), "4.7.1-2"),
        (Subscribe(1, (("#/a", 0),)), "4.7.1-2"),
        (Subscribe(1, (("a+/b", 0),)), "4.7.1-3"),
        (Subscribe(1, (("", 0),)), "4.7.3"),
        (Unsubscribe(1, ()), "3.10.3-2"),
        (Suback(1, ()), "3.9.3"),
        (Suback(1, (3,)), "3.9.3-2"),
        (Connack(True, 5), "3.2.2-4"),
        (Connack(False, 256), "3.2.2.3"),
        (Connect("", False), "3.1.3-7"),
        (Connect("c", password=b"p"), "3.1.2-22"),
        (Connect("c", keepalive_s=65_536), "3.1.2.10"),
        (Connect("c", will=Will("w", b"", 3)), "3.1.2-14"),
        (Connect("c", will=Will("w/#", b"")), "3.3.2-2"),
        (Connect("c", username="u", password=bytes(65_536)), "1.5.3"),
    ],
)
def test_refuses_to_write_what_the_standard_forbids(packet: Packet, section: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        encode(packet)
    assert section in caught.value.section


@pytest.mark.parametrize("text", ["#", "+", "a/#", "+/b/#", "/", "a//b", "/+", "$iothub/twin/res/#"])
def test_takes_the_filters_of_section_4_7(text: str) -> None:
    assert text.encode() in encode(Subscribe(1, ((text, 0),)))
