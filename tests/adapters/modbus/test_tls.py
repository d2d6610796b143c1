"""Modbus/TCP Security: whom we believe, and what the device sees of us."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.tls import secure
from adapters.modbus.wire import opened
from gateway.adapter import LinkLost
from tests.adapters.modbus.authority import ROLE, Authority, Issued
from tests.adapters.modbus.lines import unit
from tests.adapters.modbus.peers import Peer, Server

READ = pdu.read(3, 0, 1)
HELD = (1111).to_bytes(2, "big")


@pytest.fixture
def plant(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "plant")


@asynccontextmanager
async def device(
    shown: Issued, trusted: str | None = None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[tuple[Server, str]]:
    """A device that shows this certificate, and asks for one of ours where it trusts somebody."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.maximum_version = newest
    made.load_cert_chain(shown.certificate, shown.key)
    if trusted is not None:
        made.load_verify_locations(trusted)
        made.verify_mode = ssl.CERT_REQUIRED
    end = Server(Peer("tls", {1: unit(1111)}), made)
    endpoint = await end.open()
    yield end, endpoint
    await end.close()
    await asyncio.sleep(0)


async def read(endpoint: str, **settings: Any) -> bytes:
    wire = await opened(Connect.model_validate({"modbus": endpoint, **settings}), 2.0, Counter())
    try:
        return await wire.ask(1, READ, 1.0)
    finally:
        await wire.close()


async def test_a_device_of_a_trusted_authority_is_read(plant: Authority) -> None:
    async with device(plant.issue("plc")) as (_, endpoint):
        assert await read(endpoint, trust=plant.root) == HELD


async def test_the_device_sees_our_certificate_and_the_role_in_it(plant: Authority) -> None:
    ours = plant.issue("gateway", role="operator")
    async with device(plant.issue("plc"), plant.root) as (end, endpoint):
        assert await read(endpoint, trust=plant.root, certificate=ours.certificate, key=ours.key) == HELD
    extension = x509.load_der_x509_certificate(end.peer.shown).extensions.get_extension_for_oid(ROLE).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert extension.value.endswith(b"operator")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_device_that_refuses_us_without_a_word_gives_nothing_and_the_remedy_names_the_certificate(
    plant: Authority, tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    """As asyncio's servers do; ``foreign/test_secure.py`` has those that say why."""
    (tmp_path / "other").mkdir()
    ours = Authority(tmp_path / "other", "stranger").issue("gateway", role="operator")
    for shown in ({}, {"certificate": ours.certificate, "key": ours.key}):
        async with device(plant.issue("plc"), plant.root, newest) as (end, endpoint):
            with pytest.raises(
                LinkLost, match=r"the device (broke off the TLS handshake|closed the connection)"
            ) as caught:
                await read(endpoint, trust=plant.root, **shown)
            assert "certificate" in caught.value.remedy
            assert end.peer.requests == []


async def test_a_certificate_of_ours_without_a_role_is_warned_about_once(
    plant: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    with_role, without = plant.issue("operator", role="operator"), plant.issue("gateway")
    async with device(plant.issue("plc"), plant.root) as (_, endpoint):
        for ours in (with_role, without, without):
            await read(endpoint, trust=plant.root, certificate=ours.certificate, key=ours.key)
    (told,) = [record.getMessage() for record in caplog.records if record.name == "fieldgate"]
    assert told.startswith(f"{without.certificate} holds no role")
    assert "1.3.6.1.4.1.50316.802.1" in told


async def test_a_device_of_a_stranger_is_asked_nothing(plant: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    async with device(stranger.issue("plc")) as (end, endpoint):
        with pytest.raises(LinkLost, match=r"^the device's certificate is of nobody in trust:$"):
            await read(endpoint, trust=plant.root)
        assert end.peer.requests == []


@pytest.mark.parametrize(("age_h", "reason"), [(3, "has expired"), (-1, "is not valid yet")])
async def test_a_device_whose_certificate_is_not_valid_now_is_asked_nothing(
    plant: Authority, age_h: int, reason: str
) -> None:
    async with device(plant.issue("plc", age_h=age_h)) as (end, endpoint):
        with pytest.raises(LinkLost, match=f"^the device's certificate {reason}$") as caught:
            await read(endpoint, trust=plant.root)
        assert "clock" in caught.value.remedy
        assert end.peer.requests == []


async def test_a_device_without_tls_is_told_in_words(plant: Authority) -> None:
    end = Server(Peer("tcp", {1: unit(1111)}))
    endpoint = (await end.open()).replace("tcp:", "tls:")
    end.peer.framing = "none"
    end.peer.hear = lambda data, send: send(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # type: ignore[method-assign,assignment]  # whatever it is
    with pytest.raises(LinkLost, match="the device speaks no TLS on this port"):
        await read(endpoint, trust=plant.root)
    await end.close()


async def test_a_device_with_another_ones_name_is_asked_nothing(plant: Authority) -> None:
    async with device(plant.issue("plc", "127.0.0.2")) as (end, endpoint):
        with pytest.raises(LinkLost, match="is for another name or address"):
            await read(endpoint, trust=plant.root)
        assert end.peer.requests == []


async def test_a_pinned_certificate_is_believed_whatever_its_name(plant: Authority) -> None:
    for own in (True, False):
        shown = plant.issue("plc", "192.0.2.7", own=own)
        async with device(shown) as (_, endpoint):
            assert await read(endpoint, trust=shown.certificate) == HELD


async def test_another_certificate_than_the_pinned_one_is_not_believed(plant: Authority) -> None:
    pinned = plant.issue("plc")
    for own in (True, False):
        async with device(plant.issue("other", own=own)) as (end, endpoint):
            with pytest.raises(LinkLost, match="of nobody in trust:"):
                await read(endpoint, trust=pinned.certificate)
            assert end.peer.requests == []


async def test_an_old_root_that_does_not_say_what_it_is_does_not_make_others_believed(tmp_path: Path) -> None:
    old = Authority(tmp_path, "old", says_so=False)
    async with device(old.issue("other", "192.0.2.7")) as (end, endpoint):
        with pytest.raises(LinkLost, match="is not the one in trust:") as caught:
            await read(endpoint, trust=old.root)
        assert end.peer.requests == []
    assert "CA:TRUE" in caught.value.remedy


async def test_of_several_certificates_in_one_file_each_is_believed_under_its_own_name_alone(
    plant: Authority, tmp_path: Path
) -> None:
    here, other = plant.issue("here", own=True), plant.issue("other", "192.0.2.7", own=True)
    both = tmp_path / "both.pem"
    both.write_text(Path(here.certificate).read_text() + Path(other.certificate).read_text())
    async with device(here) as (_, endpoint):
        assert await read(endpoint, trust=str(both)) == HELD
    async with device(other) as (end, endpoint):
        with pytest.raises(LinkLost, match="is for another name or address"):
            await read(endpoint, trust=str(both))
        assert end.peer.requests == []


def test_no_older_version_is_offered(plant: Authority) -> None:
    made = secure(plant.root, None, None).context
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    assert made.verify_mode == ssl.CERT_REQUIRED


def test_files_that_cannot_be_used_are_named(plant: Authority, tmp_path: Path) -> None:
    ours, other = plant.issue("gateway"), plant.issue("other")
    with pytest.raises(LinkLost, match=r"missing\.pem holds no certificates"):
        secure(str(tmp_path / "missing.pem"), None, None)
    with pytest.raises(LinkLost, match=r"gateway\.key holds no certificates"):
        secure(ours.key, None, None)
    with pytest.raises(LinkLost, match=r"gateway\.pem cannot be used: key values mismatch"):
        secure(plant.root, ours.certificate, other.key)
