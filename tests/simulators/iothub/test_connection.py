"""One connection, from outside: TLS sockets and packets made by hand from the standard."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from pathlib import Path

import pytest

from simulators.iothub import connection
from tests.simulators.authority import Authority
from tests.simulators.iothub import packet
from tests.simulators.iothub.rig import Rig, running

EVENTS = "devices/m-1/messages/events/"
ACCEPTED = b"\x20\x02\x00\x00"
PRESENT = b"\x20\x02\x01\x00"


def entries(rig: Rig) -> list[dict[str, object]]:
    assert rig.settings.ledger is not None
    return [json.loads(line) for line in rig.settings.ledger.read_text().splitlines()]


async def test_takes_a_message_and_acknowledges_it(rig: Rig) -> None:
    client = await rig.connect("m-1")
    bag = "%24.mid=m-1-00000001-1&%24.ct=application%2Fjson&%24.ce=utf-8&kind=telemetry&none&empty="
    assert await client.ask(packet.publish(EVENTS + bag, b'{"v":230.2}', 77), 4) == b"\x40\x02\x00\x4d"
    (entry,) = entries(rig)
    assert entry["device"] == "m-1"
    assert entry["topic"] == EVENTS + bag
    assert entry["body"] == {"v": 230.2}
    assert entry["properties"] == {"kind": "telemetry", "none": None, "empty": ""}
    assert entry["system"] == {
        "message-id": "m-1-00000001-1",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "iothub-connection-device-id": "m-1",
    }
    assert [message.body for message in rig.hub.received("m-1")] == [b'{"v":230.2}']


async def test_it_is_recorded_before_it_is_acknowledged(tmp_path: Path, hub_folder: Path) -> None:
    async with running(tmp_path, hub_folder, ledger=Path("/dev/full")) as rig:
        client = await rig.connect("m-1")
        client.send(packet.publish(EVENTS, b"1", 1))
        assert await client.ended() == b""
        assert rig.hub.received("m-1") == []


async def test_many_messages_in_one_piece_are_acknowledged_in_order(rig: Rig) -> None:
    client = await rig.connect("m-1")
    stream = b"".join(packet.publish(EVENTS, str(number).encode(), number) for number in range(1, 301))
    acks = await client.ask(stream, 4 * 300)
    assert acks == b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number in range(1, 301))
    assert [entry["body"] for entry in entries(rig)] == list(range(1, 301))


async def test_a_packet_may_come_byte_by_byte(rig: Rig) -> None:
    client = await rig.connect("m-1")
    for byte in packet.publish(EVENTS, b"1", 5):
        client.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert await client.take(4) == b"\x40\x02\x00\x05"


async def test_qos_0_is_recorded_without_answer(rig: Rig) -> None:
    client = await rig.connect("m-1")
    assert await client.ask(packet.publish(EVENTS, b"1", 0, qos=0) + packet.PINGREQ, 2) == b"\xd0\x00"
    assert len(rig.hub.received("m-1")) == 1


async def test_retain_becomes_a_property(rig: Rig) -> None:
    client = await rig.connect("m-1")
    await client.ask(packet.publish(EVENTS, b"1", 1, retain=True), 4)
    assert rig.hub.received("m-1")[0].properties == {"mqtt-retain": "true"}


async def refused(rig: Rig, device: str, username: str, common_name: str) -> int:
    client = await rig.open(rig.tls(common_name))
    answer = await client.ask(packet.connect(device, username), 4)
    assert answer[:3] == b"\x20\x02\x00"
    assert await client.ended() == b""
    return answer[3]


async def test_refusals_have_the_codes_of_the_hub(rig: Rig) -> None:
    assert await refused(rig, "m-1", "m-1", "m-1") == 4
    assert await refused(rig, "m-1", "elsewhere/m-1/?api-version=1", "m-1") == 5
    assert await refused(rig, "m-1", rig.username("m-1"), "m-2") == 5
    assert await refused(rig, "m-9", rig.username("m-9"), "m-9") == 5
    assert await refused(rig, "m-off", rig.username("m-off"), "m-off") == 5
    assert rig.hub.counters.refused == {
        "username is not hub/device/?api-version=...": 1,
        "username names another hub": 1,
        "certificate is of another device": 1,
        "device is not registered": 1,
        "device is disabled": 1,
    }
    assert rig.hub.connected() == set()


async def test_another_version_of_mqtt_gets_code_1(rig: Rig) -> None:
    client = await rig.open(rig.tls("m-1"))
    five = bytes.fromhex("10 11 0004 4d515454 05 02 003c 00 0003 6d2d31 00")
    assert await client.ask(five[:1] + bytes((len(five) - 2,)) + five[2:], 4) == b"\x20\x02\x00\x01"
    assert await client.ended() == b""


async def handshake_fails(rig: Rig, tls: ssl.SSLContext) -> bool:
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        await rig.open(tls)
    except (ssl.SSLError, ConnectionError):
        return True
    return False


async def test_tls_refuses_no_foreign_and_expired_certificates(rig: Rig) -> None:
    assert await handshake_fails(rig, rig.tls(None))
    assert await handshake_fails(rig, rig.tls("m-1", Authority("Rogue")))
    assert await handshake_fails(rig, rig.tls("m-1", days=-1))
    assert not await handshake_fails(rig, rig.tls("m-1"))


async def test_with_tls_1_3_a_refused_client_learns_it_after_the_handshake(tmp_path: Path, hub_folder: Path) -> None:
    async with running(tmp_path, hub_folder, newest_tls=ssl.TLSVersion.TLSv1_3) as rig:
        client = await rig.open(rig.tls("m-1", Authority("Rogue")))
        client.send(packet.connect("m-1", rig.username("m-1")))
        assert await client.ended() == b""
        assert await (await rig.open(rig.tls("m-1"))).ask(packet.connect("m-1", rig.username("m-1")), 4) == ACCEPTED


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (packet.publish("devices/m-2/messages/events/", b"1", 1), "a PUBLISH to a foreign topic"),
        (packet.publish("elsewhere", b"1", 1), "a PUBLISH to a foreign topic"),
        (packet.publish(EVENTS, b"1", 1, qos=2), "a PUBLISH of QoS 2"),
        (packet.publish(EVENTS, b"x" * (256 * 1024 + 1), 1), "a message of more than 256 KB"),
        (packet.publish(EVENTS + "a=bc", b"x" * (256 * 1024 - 2), 1), "a message of more than 256 KB"),
        (packet.publish(EVENTS, b"x" * 400_000, 1), "a packet larger than any message may be"),
        (packet.connect("m-1", "localhost/m-1/?api-version=1"), "a second CONNECT"),
        (b"\x82\x02\x00\x01", "a SUBSCRIBE without a filter"),
        (b"\xc1\x00", "flags 1 in a packet of type 12"),
        (b"\x20\x02\x00\x00", "a packet of type 2, which no client of this server sends"),
        (b"\x30\xff\xff\xff\xff\x01", "a remaining length of more than four bytes"),
    ],
)
async def test_misuse_closes_the_connection(rig: Rig, sent: bytes, reason: str) -> None:
    client = await rig.connect("m-1")
    # What came before it in the same piece is taken and acknowledged.
    client.send(packet.publish(EVENTS, b"1", 9) + sent)
    assert await client.ended() in (b"\x40\x02\x00\x09", b"")
    assert rig.hub.counters.closed == {reason: 1}
    assert [message.body for message in rig.hub.received("m-1")] == [b"1"]


async def test_a_message_of_the_largest_size_is_taken(rig: Rig) -> None:
    client = await rig.connect("m-1")
    assert await client.ask(packet.publish(EVENTS + "a=bc", b"x" * (256 * 1024 - 3), 1), 4) == b"\x40\x02\x00\x01"


async def test_the_first_packet_must_be_connect(rig: Rig) -> None:
    client = await rig.open(rig.tls("m-1"))
    client.send(packet.PINGREQ)
    assert await client.ended() == b""
    client = await rig.open(rig.tls("m-1"))
    client.send(packet.publish(EVENTS, b"1", 1))
    assert await client.ended() == b""
    assert rig.hub.received("m-1") == []


async def test_a_second_connection_closes_the_first(rig: Rig) -> None:
    first = await rig.connect("m-1")
    second = await rig.connect("m-1")
    assert await first.ended() == b""
    assert await second.ask(packet.PINGREQ, 2) == b"\xd0\x00"
    assert rig.hub.connected() == {"m-1"}


async def test_a_session_is_kept_where_it_is_asked_for(rig: Rig) -> None:
    first = await rig.connect("m-1", clean=False)
    first.send(packet.DISCONNECT)
    await first.ended()
    await rig.connect("m-1", PRESENT, clean=False)
    await rig.connect("m-1", ACCEPTED, clean=True)
    await rig.connect("m-1", ACCEPTED, clean=False)


async def test_subscriptions_are_granted_by_the_documents(rig: Rig) -> None:
    client = await rig.connect("m-1")
    filters = [
        ("devices/m-1/messages/devicebound/#", 2),
        ("$iothub/twin/res/#", 0),
        ("$iothub/methods/POST/#", 1),
        ("$iothub/twin/PATCH/properties/desired/#", 0),
        ("devices/m-2/messages/devicebound/#", 0),
        ("#", 0),
    ]
    assert await client.ask(packet.subscribe(3, *filters), 10) == bytes.fromhex("9008 0003 01000100 8080")


async def test_a_sixth_subscription_is_refused_and_kept_ones_count(rig: Rig) -> None:
    first = await rig.connect("m-1", clean=False)
    five = [(f"$iothub/methods/POST/{number}/#", 0) for number in range(5)]
    assert await first.ask(packet.subscribe(1, *five), 9) == bytes.fromhex("9007 0001 0000000000")
    second = await rig.connect("m-1", PRESENT, clean=False)
    assert await second.ask(packet.subscribe(2, ("$iothub/twin/res/#", 0)), 5) == bytes.fromhex("9003 0002 80")
    assert await second.ask(packet.subscribe(3, five[0]), 5) == bytes.fromhex("9003 0003 00")
    assert await second.ask(packet.unsubscribe(4, five[0][0]), 4) == bytes.fromhex("b002 0004")
    assert await second.ask(packet.subscribe(5, ("$iothub/twin/res/#", 0)), 5) == bytes.fromhex("9003 0005 00")


@pytest.mark.slow
async def test_silence_of_one_and_a_half_keepalives_ends_it(rig: Rig) -> None:
    clock = asyncio.get_running_loop().time
    client = await rig.connect("m-1", keepalive=1)
    began = clock()
    await asyncio.sleep(0.8)
    assert await client.ask(packet.PINGREQ, 2) == b"\xd0\x00"
    assert await client.ended() == b""
    assert 2.2 < clock() - began < 3.5
    assert rig.hub.counters.closed == {"keepalive": 1}


async def test_who_sends_no_connect_is_not_waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_WITHIN_S", 0.05)
    client = await rig.open(rig.tls("m-1"))
    assert await client.ended() == b""
    assert rig.hub.counters.closed == {"no CONNECT": 1}


async def test_a_will_becomes_telemetry_when_the_device_goes_without_a_word(rig: Rig) -> None:
    client = await rig.connect("m-1", will=(EVENTS + "a=b", b'"gone"'))
    client.close()
    await rig.until(lambda: bool(rig.hub.received("m-1")))
    (message,) = rig.hub.received("m-1")
    assert message.properties == {"a": "b", "iothub-MessageType": "Will"}
    assert message.body == b'"gone"'


async def test_a_will_is_withdrawn_by_disconnect(rig: Rig) -> None:
    client = await rig.connect("m-1", will=(EVENTS, b"gone"))
    client.send(packet.DISCONNECT)
    await client.ended()
    await rig.until(lambda: not rig.hub.connected())
    assert rig.hub.received("m-1") == []


async def test_a_will_for_a_foreign_topic_is_misuse(rig: Rig) -> None:
    client = await rig.open(rig.tls("m-1"))
    client.send(packet.connect("m-1", rig.username("m-1"), will=("devices/m-2/messages/events/", b"")))
    assert await client.ended() == b""
    assert rig.hub.counters.closed == {"a will for a foreign topic": 1}


async def test_a_client_that_reads_no_answers_is_not_read(rig: Rig) -> None:
    class Deaf(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            transport.write(packet.connect("m-1", rig.username("m-1"), keepalive=0))

    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((rig.settings.host, rig.hub.port))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(
        Deaf, sock=narrow, ssl=rig.tls("m-1"), server_hostname=rig.settings.host
    )
    # Answers to PINGREQ fill the system's buffers soonest: each is a TLS record of its own.
    transport.write((packet.PINGREQ * 500 + packet.publish(EVENTS, b"", 0, qos=0)) * 1000)
    taken = [-1, 0]
    async with asyncio.timeout(20):
        while taken[-1] != taken[-2] or not taken[-1]:
            await asyncio.sleep(0.15)
            taken.append(rig.hub.arrivals("m-1").messages)
    transport.abort()
    assert taken[-1] < 1000
