"""IotHub against a scripted server: what goes out, and what each trouble is called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

import certs
from gateway.identity.credentials import Credential, find
from gateway.identity.tls import TrustFault
from gateway.model import Stored
from gateway.upstream.hub import IotHub
from gateway.upstream.port import NoCredential, Refused, Upstream, UpstreamLost
from tests.certs import hub
from tests.gateway.mqtt.peer import Visit, serving


def message(sequence: int = 1, body: bytes = b"{}") -> Stored:
    return Stored("pump-1", 0xDEADBEEF, sequence, 1_795_372_189_123_000_000, "profile=x", body)


class ToHub(Protocol):
    """Makes an IotHub at a port."""

    def __call__(self, port: int, *, host: str = ..., trust: Path | None = ..., timeout_s: float = ...) -> IotHub: ...


@pytest.fixture
def to_hub(hub_files: hub.HubFiles, credentials: dict[str, Credential]) -> ToHub:
    """An IotHub that trusts the pretended hub unless told otherwise."""

    def made(port: int, *, host: str = "127.0.0.1", trust: Path | None = None, timeout_s: float = 2.0) -> IotHub:
        return IotHub("test", host, port, [trust or hub_files.root], credentials, timeout_s=timeout_s)

    return made


async def trouble(upstream: Upstream, identity: str = "pump-1") -> UpstreamLost:
    """What connecting, or waiting on the open channel, raises."""
    with pytest.raises(UpstreamLost) as caught:
        async with asyncio.timeout(5), upstream.connect(identity) as channel:
            await channel.lost()
    return caught.value


async def acknowledge_all(visit: Visit) -> None:
    await visit.accept()
    while True:
        packet_id, _, _ = await visit.publish()
        visit.puback(packet_id)


async def test_each_identity_comes_with_its_own_certificate_and_name(
    to_hub: ToHub, server_context: ssl.SSLContext
) -> None:
    seen: list[tuple[str, bytes]] = []

    async def script(visit: Visit) -> None:
        ((_, name),) = visit.writer.get_extra_info("peercert")["subject"][0]
        seen.append((name, await visit.accept()))
        await visit.gone()

    async with serving(script, server_context) as peer:
        for identity in ("pump-1", "pump-2"):
            async with to_hub(peer.port).connect(identity):
                pass
    assert [name for name, _ in seen] == ["pump-1", "pump-2"]
    username = b"127.0.0.1/pump-1/?api-version=2021-04-12"
    assert seen[0][1].endswith(b"\x00\xf0\x00\x06pump-1\x00" + bytes((len(username),)) + username)


async def test_publishes_to_the_events_of_its_device(to_hub: ToHub, server_context: ssl.SSLContext) -> None:
    seen: list[tuple[str, bytes]] = []

    async def script(visit: Visit) -> None:
        await visit.accept()
        while True:
            packet_id, topic, payload = await visit.publish()
            seen.append((topic, payload))
            visit.puback(packet_id)

    async with serving(script, server_context) as peer, to_hub(peer.port).connect("pump-1") as channel:
        await channel.publish([message(1, b'{"a":1}'), message(2, b'{"a":2}')])
    bag = "&$.ct=application%2Fjson&$.ce=utf-8&iothub-creation-time-utc=2026-11-22T18%3A29%3A49.123Z&profile=x"
    assert seen == [
        (f"devices/pump-1/messages/events/$.mid=pump-1-deadbeef-1{bag}", b'{"a":1}'),
        (f"devices/pump-1/messages/events/$.mid=pump-1-deadbeef-2{bag}", b'{"a":2}'),
    ]


async def test_a_break_in_the_middle_tells_what_was_acknowledged(to_hub: ToHub, server_context: ssl.SSLContext) -> None:
    async def script(visit: Visit) -> None:
        await visit.accept()
        ids = [(await visit.publish())[0] for _ in range(4)]
        for packet_id in ids[:3]:
            visit.puback(packet_id)
        await visit.writer.drain()
        visit.writer.close()

    async with serving(script, server_context) as peer, to_hub(peer.port).connect("pump-1") as channel:
        with pytest.raises(UpstreamLost) as caught:
            await channel.publish([message(sequence) for sequence in range(1, 5)])
    assert caught.value.acknowledged == 3


async def test_a_connection_that_breaks_while_nothing_is_said_is_noticed(
    to_hub: ToHub, server_context: ssl.SSLContext
) -> None:
    async def script(visit: Visit) -> None:
        await visit.accept()
        visit.cut()

    async with serving(script, server_context) as peer:
        error = await trouble(to_hub(peer.port))
        assert error.reason.startswith(f"127.0.0.1:{peer.port}: ")


@pytest.mark.parametrize("code", [4, 5])
async def test_a_device_that_the_hub_does_not_know_is_refused(
    to_hub: ToHub, server_context: ssl.SSLContext, code: int
) -> None:
    async def script(visit: Visit) -> None:
        await visit.packet()
        visit.send(bytes((0x20, 2, 0, code)))
        await visit.gone()

    async with serving(script, server_context) as peer:
        error = await trouble(to_hub(peer.port))
    assert isinstance(error, Refused)
    assert "refuses device pump-1" in error.reason


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_hub_that_does_not_know_the_site_refuses_with_the_remedy(
    to_hub: ToHub, hub_files: hub.HubFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    other = certs.create_site(tmp_path / "authority", "other")
    context = hub_files.context(other.directory / "root.pem")
    context.maximum_version = version
    with alerting(context) as port:
        error = await trouble(to_hub(port))
    assert isinstance(error, Refused)
    assert error.reason == (
        "the hub does not take the certificate of pump-1: it comes from an authority that it does not know"
    )
    assert "fieldgate certs export-ca" in error.remedy


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_hub_that_hangs_up_without_an_alert_is_asked_about(
    to_hub: ToHub, hub_files: hub.HubFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    other = certs.create_site(tmp_path / "authority", "other")
    context = hub_files.context(other.directory / "root.pem")
    context.maximum_version = version
    async with serving(acknowledge_all, context) as peer:  # asyncio's server sends no alerts.
        error = await trouble(to_hub(peer.port))
    assert error.reason == f"127.0.0.1:{peer.port} closed the connection before it answered"
    assert "is device pump-1 in the hub" in error.remedy


@contextmanager
def alerting(context: ssl.SSLContext) -> Iterator[int]:
    """A server that does one handshake with OpenSSL alone, which sends an alert where asyncio only hangs up."""

    def handshake() -> None:
        connection, _ = server.accept()
        connection.settimeout(5)
        with (
            connection.dup() as raw,
            suppress(OSError),
            context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as tls,
        ):
            with suppress(ssl.SSLError):
                tls.do_handshake()
                tls.read()
            # Closing with unread bytes would reset the connection, and the alert with it.
            while raw.recv(65_536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=handshake)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def old_tls(files: hub.HubFiles) -> ssl.SSLContext:
    """A server that is stuck at TLS 1.1."""
    context = files.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        pytest.param(lambda path: hub.make(path, "127.0.0.1").context(), "is not trusted", id="wrong CA"),
        pytest.param(lambda path: hub.make(path, "127.0.0.1", days=-1).context(), "expired", id="expired"),
        pytest.param(lambda path: hub.make(path, "hub.example").context(), "another name", id="wrong name"),
        pytest.param(lambda path: old_tls(hub.make(path, "127.0.0.1")), "closed the connection", id="TLS 1.1"),
    ],
)
async def test_to_a_hub_that_is_not_the_hub_not_one_byte_of_mqtt_is_sent(
    to_hub: ToHub, tmp_path: Path, made: Callable[[Path], ssl.SSLContext], reason: str
) -> None:
    server = made(tmp_path)
    trusted = tmp_path / "hub-root.pem"
    if reason == "is not trusted":
        trusted = hub.make(tmp_path / "real", "127.0.0.1").root
    heard = b""

    async def script(visit: Visit) -> None:
        nonlocal heard
        heard += await visit.some()

    async with serving(script, server) as peer:
        error = await trouble(to_hub(peer.port, trust=trusted))
        assert reason in error.reason
        assert type(error) is UpstreamLost
    assert (peer.visits, heard) == (0, b"")


async def test_a_hub_that_speaks_only_old_tls_is_told_from_others(to_hub: ToHub, hub_files: hub.HubFiles) -> None:
    with alerting(old_tls(hub_files)) as port:
        error = await trouble(to_hub(port))
    assert error.reason == f"127.0.0.1:{port} does not speak TLS 1.2 or later"


async def test_to_a_server_without_tls_not_one_byte_of_mqtt_is_sent(to_hub: ToHub) -> None:
    heard = b""

    async def script(visit: Visit) -> None:
        nonlocal heard
        heard += await visit.some()
        visit.send(b"\x20\x02\x00\x00" * 2)  # As if it had understood.

    async with serving(script, None) as peer:
        error = await trouble(to_hub(peer.port))
    assert error.reason == f"127.0.0.1:{peer.port} does not speak TLS"
    assert heard[:1] == b"\x16"  # A TLS handshake record, and nothing else.
    assert b"MQTT" not in heard
    assert b"pump-1" not in heard


async def test_nobody_listens_there(to_hub: ToHub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = await trouble(to_hub(port))
    assert error.reason == f"127.0.0.1:{port}: connection refused: nobody listens there"


async def test_a_hub_that_swallows_everything_is_given_up(to_hub: ToHub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        upstream = to_hub(server.getsockname()[1], timeout_s=0.2)
        error = await trouble(upstream)
    assert "no end of the TLS handshake within 0.2 s" in error.reason


async def test_a_name_that_is_none(to_hub: ToHub) -> None:
    error = await trouble(to_hub(8883, host="hub..example"))
    assert error.reason.startswith("the name hub..example cannot be resolved")


async def test_an_identity_without_certificate_asks_nobody(to_hub: ToHub, server_context: ssl.SSLContext) -> None:
    async with serving(acknowledge_all, server_context) as peer:
        error = await trouble(to_hub(peer.port), "pump-9")
        assert peer.visits == 0
    assert isinstance(error, NoCredential)
    assert error.remedy == "fieldgate certs issue PLANT"


async def test_a_renewed_certificate_is_used_without_a_restart(
    site: certs.Site, hub_files: hub.HubFiles, server_context: ssl.SSLContext, tmp_path: Path
) -> None:
    serials: list[str] = []

    async def script(visit: Visit) -> None:
        serials.append(visit.writer.get_extra_info("peercert")["serialNumber"])
        await visit.accept()
        await visit.gone()

    certs.issue(site, "pump-3", tmp_path)
    found = {"pump-3": find(tmp_path, "pump-3")}
    async with serving(script, server_context) as peer:
        upstream = IotHub("test", "127.0.0.1", peer.port, [hub_files.root], found)
        async with upstream.connect("pump-3"):
            pass
        certs.issue(site, "pump-3", tmp_path, renew=True)
        async with upstream.connect("pump-3"):
            pass
    assert len(set(serials)) == 2


def test_does_not_start_without_roots(credentials: dict[str, Credential], tmp_path: Path) -> None:
    with pytest.raises(TrustFault, match="No such file"):
        IotHub("test", "localhost", 8883, [tmp_path / "missing.pem"], credentials)


async def test_roots_that_vanish_while_it_runs_are_named(
    hub_files: hub.HubFiles, credentials: dict[str, Credential], tmp_path: Path
) -> None:
    trust = tmp_path / "hub-root.pem"
    trust.write_bytes(hub_files.root.read_bytes())
    upstream = IotHub("test", "127.0.0.1", 1, [trust], credentials)
    trust.unlink()
    error = await trouble(upstream)
    assert error.reason == f"trusted roots {trust}: No such file or directory"


def test_objects_to_what_the_hub_can_never_take(to_hub: ToHub) -> None:
    assert to_hub(1).objection(message(body=bytes(300_000)))
    assert to_hub(1).objection(message()) == ""
