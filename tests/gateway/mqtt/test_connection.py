"""The client connection against a scripted server that speaks raw bytes."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from gateway.mqtt.connection import INBOX, Connection, ConnectionLost, Refused, connect
from gateway.mqtt.packets import MalformedPacket, Publish
from tests.gateway.mqtt.peer import ACCEPTED, DISCONNECT, PINGREQ, PINGRESP, Peer, Script, Visit, serving

LIMIT_S = 5.0

Open = Callable[..., AbstractAsyncContextManager[tuple[Peer, Connection]]]


@pytest.fixture
def visit(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> Open:
    """Opens a connection to a server with a script; keyword arguments go to ``connect``."""

    @asynccontextmanager
    async def opened(script: Script, **settings: float) -> AsyncIterator[tuple[Peer, Connection]]:
        async with (
            asyncio.timeout(LIMIT_S),
            serving(script, server_context) as peer,
            connect(
                "127.0.0.1",
                peer.port,
                ssl=client_context,
                client_id="dev-1",
                username="hub/dev-1/?api-version=2021-04-12",
                **settings,  # type: ignore[arg-type]  # the tests below know the names
            ) as connection,
        ):
            yield peer, connection

    return opened


def accepted(then: Callable[[Visit], Awaitable[None]] = Visit.gone) -> Script:
    """Accept, go on with ``then``, and stay until the client goes."""

    async def script(visit: Visit) -> None:
        await visit.accept()
        await then(visit)
        await visit.gone()

    return script


async def acknowledge_all(visit: Visit) -> None:
    while True:
        packet_id, _, _ = await visit.publish()
        visit.puback(packet_id)


async def test_introduces_itself_and_takes_its_leave(visit: Open) -> None:
    bodies: list[bytes] = []
    leave: list[bytes] = []

    async def script(visit: Visit) -> None:
        bodies.append(await visit.accept())
        leave.append(bytes((await visit.packet())[:1]))

    async with visit(script) as (_, connection):
        assert not connection.session_present
    username = b"hub/dev-1/?api-version=2021-04-12"
    # No clean session, user name, no password; keep alive 240 s.
    assert bodies == [b"\x00\x04MQTT\x04\x80\x00\xf0\x00\x05dev-1" + len(username).to_bytes(2, "big") + username]
    assert leave == [DISCONNECT[:1]]


async def test_says_whether_the_session_was_kept(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        await visit.packet()
        visit.send(b"\x20\x02\x01\x00")
        await visit.gone()

    async with visit(script) as (_, connection):
        assert connection.session_present


@pytest.mark.parametrize(("code", "words"), [(4, "bad user name or password"), (5, "not authorized"), (9, "code 9")])
async def test_a_refusal_says_its_code_in_words(visit: Open, code: int, words: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.packet()
        visit.send(bytes((0x20, 2, 0, code)))
        await visit.gone()

    with pytest.raises(Refused, match=words) as caught:
        async with visit(script):
            pass
    assert caught.value.code == code


async def test_a_publish_returns_when_its_puback_has_come_and_not_before(visit: Open) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()
    seen = []

    async def script(visit: Visit) -> None:
        packet_id, topic, payload = await visit.publish()
        seen.append((topic, payload))
        arrived.set()
        await release.wait()
        visit.puback(packet_id)

    async with visit(accepted(script)) as (_, connection):
        publish = asyncio.create_task(connection.publish("devices/dev-1/messages/events/", b"{}"))
        await arrived.wait()
        await asyncio.sleep(0)
        assert not publish.done()
        release.set()
        await publish
    assert seen == [("devices/dev-1/messages/events/", b"{}")]


async def test_sends_a_batch_in_order_with_at_most_a_window_on_its_way(visit: Open) -> None:
    payloads: list[bytes] = []

    async def in_order(visit: Visit) -> None:
        waiting = []
        for _ in range(3):
            packet_id, _, payload = await visit.publish()
            waiting.append(packet_id)
            payloads.append(payload)
        with pytest.raises(TimeoutError):  # The fourth waits for an acknowledgement.
            async with asyncio.timeout(0.05):
                await visit.packet()
        while waiting:
            visit.puback(waiting.pop(0))
            if len(payloads) < 7:
                packet_id, _, payload = await visit.publish()
                waiting.append(packet_id)
                payloads.append(payload)

    async with visit(accepted(in_order), window=3) as (_, connection):
        await connection.publish_all([("t", b"%d" % index) for index in range(7)])
    assert payloads == [b"%d" % index for index in range(7)]


async def test_two_who_publish_at_once_do_not_mix(visit: Open) -> None:
    payloads: list[bytes] = []

    async def script(visit: Visit) -> None:
        while len(payloads) < 20:
            packet_id, _, payload = await visit.publish()
            payloads.append(payload)
            visit.puback(packet_id)

    async with visit(accepted(script), window=2) as (_, connection), asyncio.TaskGroup() as group:
        group.create_task(connection.publish_all([("t", b"a")] * 10))
        group.create_task(connection.publish_all([("t", b"b")] * 10))
    assert payloads == [b"a"] * 10 + [b"b"] * 10


async def test_a_broken_connection_tells_what_was_acknowledged(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        ids = [(await visit.publish())[0] for _ in range(5)]
        for packet_id in (ids[0], ids[1], ids[3]):  # With a gap: the third may not be counted as gone.
            visit.puback(packet_id)
        await visit.writer.drain()
        visit.writer.close()

    async with visit(accepted(script)) as (_, connection):
        with pytest.raises(ConnectionLost, match="closed the connection") as caught:
            await connection.publish_all([("t", b"")] * 5)
        assert caught.value.acknowledged == 2
        with pytest.raises(ConnectionLost):
            await connection.publish("t", b"")


async def test_an_acknowledgement_that_nobody_waits_for_ends_the_connection(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        packet_id, _, _ = await visit.publish()
        visit.puback(packet_id + 1)

    async with visit(accepted(script)) as (_, connection):
        with pytest.raises(ConnectionLost, match="broke the protocol: a PUBACK for packet 2"):
            await connection.publish("t", b"")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"\xd0\x00", "a Pingresp before CONNACK"),
        (b"HTTP/1.1 400 Bad Request\r\n", "broke the protocol"),
        (ACCEPTED + ACCEPTED, "a Connack that nobody asked for"),
        (ACCEPTED + b"\xf0\x00", "reserved"),
        (ACCEPTED + b"\x30\xff\xff\xff\x7f", "268435455 bytes; 300000 is the most"),
    ],
)
async def test_a_server_that_breaks_the_protocol_is_left(visit: Open, answer: bytes, why: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.packet()
        visit.send(answer)
        await visit.gone()

    with pytest.raises(ConnectionLost, match=why):
        async with visit(script) as (_, connection):
            await connection.lost()


async def test_a_server_that_goes_before_its_answer_is_lost(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        await visit.packet()
        visit.writer.close()

    with pytest.raises(ConnectionLost, match="the other side closed the connection"):
        async with visit(script):
            pass


async def test_no_acknowledgement_within_the_timeout_ends_the_connection(visit: Open) -> None:
    async with visit(accepted(), publish_timeout_s=0.1) as (_, connection):
        with pytest.raises(ConnectionLost, match=r"no acknowledgement for 0\.1 s"):
            await connection.publish("t", b"")


async def test_slow_progress_is_progress(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        ids = [(await visit.publish())[0] for _ in range(5)]
        for packet_id in ids:
            await asyncio.sleep(0.06)
            visit.puback(packet_id)

    async with visit(accepted(script), publish_timeout_s=0.2) as (_, connection):
        begun = time.monotonic()
        await connection.publish_all([("t", b"")] * 5)
        assert time.monotonic() - begun > 0.2


@pytest.mark.slow
async def test_pings_a_silent_server_and_stays(visit: Open) -> None:
    pings = asyncio.Queue[bytes]()

    async def script(visit: Visit) -> None:
        while True:
            first, body = await visit.packet()
            await pings.put(bytes((first, len(body))))
            visit.send(PINGRESP)

    async with visit(accepted(script), keepalive_s=1) as (_, connection):
        assert await pings.get() == PINGREQ
        assert await pings.get() == PINGREQ
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await connection.lost()


@pytest.mark.slow
async def test_notices_a_half_open_server_within_one_and_a_half_keep_alives(visit: Open) -> None:
    async def deaf(visit: Visit) -> None:
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.sleep(LIMIT_S)

    async with visit(accepted(deaf), keepalive_s=1) as (_, connection):
        begun = time.monotonic()
        with pytest.raises(ConnectionLost, match=r"no answer to a ping for 0\.5 s"):
            await connection.lost()
        assert 1.3 < time.monotonic() - begun < 1.8


async def test_hands_over_inbound_messages_and_acknowledges_when_told(visit: Open) -> None:
    acknowledged: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def script(visit: Visit) -> None:
        visit.send(bytes.fromhex("30 05 00 01 61 68 69  32 07 00 01 62 00 09 68 6f"))
        acknowledged.put_nowait(await visit.packet())

    async with visit(accepted(script)) as (_, connection):
        assert await connection.receive() == Publish("a", b"hi")
        message = await connection.receive()
        assert message == Publish("b", b"ho", 1, 9)
        assert acknowledged.empty()
        connection.acknowledge(message)
        assert await acknowledged.get() == (0x40, b"\x00\x09")


async def test_a_full_inbox_costs_no_memory_and_holds_up_no_telemetry(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        for packet_id in range(1, INBOX + 4):
            visit.send(b"\x32\x05\x00\x01a" + packet_id.to_bytes(2, "big"))
        await acknowledge_all(visit)

    async with visit(accepted(script)) as (_, connection):
        await connection.publish("t", b"")
        assert connection.not_taken == 3
        for packet_id in range(1, INBOX + 1):
            assert (await connection.receive()).packet_id == packet_id


async def test_who_waits_for_a_message_learns_that_the_connection_is_lost(visit: Open) -> None:
    async def script(visit: Visit) -> None:
        visit.cut()

    async with visit(accepted(script)) as (_, connection):
        with pytest.raises(ConnectionLost):
            await connection.receive()


async def test_a_message_that_no_packet_can_hold_is_malformed(visit: Open) -> None:
    async with visit(accepted(acknowledge_all), window=1) as (_, connection):
        with pytest.raises(MalformedPacket, match="wildcard"):
            await connection.publish_all([("t", b""), ("t/#", b"")])


@pytest.mark.parametrize("window", [1, 20])
async def test_a_large_batch_arrives_whole(visit: Open, window: int) -> None:
    payload = bytes(20_000)
    seen = 0

    async def script(visit: Visit) -> None:
        nonlocal seen
        while True:
            packet_id, _, body = await visit.publish()
            seen += body == payload
            visit.puback(packet_id)

    async with visit(accepted(script), window=window) as (_, connection):
        await connection.publish_all([("t", payload)] * 13)
    assert seen == 13


async def test_a_server_that_never_answers_connect_is_given_up(visit: Open) -> None:
    with pytest.raises(ConnectionLost, match=r"no answer to CONNECT within 0\.3 s"):
        async with visit(Visit.gone, timeout_s=0.3):
            pass


async def test_a_server_that_never_shakes_hands_is_given_up(client_context: ssl.SSLContext) -> None:
    async with serving(Visit.gone, None) as peer:
        with pytest.raises(ConnectionLost, match=r"no end of the TLS handshake within 0\.2 s"):
            async with connect("127.0.0.1", peer.port, ssl=client_context, client_id="c", timeout_s=0.2):
                pass


async def test_errors_of_tcp_and_tls_are_those_of_python(client_context: ssl.SSLContext) -> None:
    async def script(visit: Visit) -> None:
        visit.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        await visit.gone()

    async with serving(script, None) as peer:
        with pytest.raises(ssl.SSLError):
            async with connect("127.0.0.1", peer.port, ssl=client_context, client_id="c"):
                pass
    with pytest.raises(ConnectionRefusedError):
        async with connect("127.0.0.1", peer.port, ssl=client_context, client_id="c"):
            pass


@pytest.mark.parametrize("moment", ["handshake", "connack", "idle", "publish", "receive"])
async def test_cancelled_at_each_await_it_is_closed_within_a_second(
    moment: str, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        if moment == "connack":
            await visit.packet()
        elif moment != "handshake":
            await visit.accept()
        if moment == "publish":
            await visit.publish()
        reached.set()
        await visit.gone()
        gone.set()

    async def client(port: int) -> None:
        async with connect("127.0.0.1", port, ssl=client_context, client_id="c") as connection:
            if moment == "publish":
                await connection.publish("t", b"")
            elif moment == "receive":
                await connection.receive()
            else:
                await connection.lost()

    async with asyncio.timeout(LIMIT_S), serving(script, None if moment == "handshake" else server_context) as peer:
        task = asyncio.create_task(client(peer.port))
        await reached.wait()
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < 1
        await gone.wait()
        assert time.monotonic() - begun < 1.5


async def test_a_server_that_does_not_take_leave_is_cut_off_within_a_second(visit: Open) -> None:
    async def deaf(visit: Visit) -> None:
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.sleep(LIMIT_S)

    async with visit(accepted(deaf)) as (_, connection):
        publish = asyncio.create_task(connection.publish("t", bytes(5_000_000)))
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await connection.close()
        assert time.monotonic() - begun < 1
        with pytest.raises(ConnectionLost):
            await publish
