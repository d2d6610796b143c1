"""What simulated devices show, judged by Python's TLS client."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from simulators.certificates import TrustInvalid
from simulators.modbus.endpoint import Endpoint
from simulators.modbus.line import Line
from simulators.modbus.memory import Memory
from simulators.modbus.points import Address, Point
from simulators.modbus.tls import Tls
from tests.simulators.authority import site
from tests.simulators.modbus.frames import request

HOST = "127.0.0.1"


async def asked(tls: Tls, client: ssl.SSLContext) -> bytes:
    """The data of an answer over TLS."""
    memory = Memory([Point("a", Address(0))])
    memory.show([42])
    line = Line(Endpoint("tls", HOST), {1: memory}, secure=tls.context([HOST]))
    await line.plug()
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(HOST, line.port, ssl=client)
            writer.write(request(1, 3, 0, 1))
            answer = await reader.readexactly(11)
            writer.close()
            await writer.wait_closed()
            return answer[7:]
    finally:
        line.unplug()
        await asyncio.sleep(0.01)


async def test_a_client_that_trusts_the_root_reads(tls: Tls) -> None:
    tls.context([HOST])
    assert tls.root is not None
    assert await asked(tls, ssl.create_default_context(cafile=tls.root)) == bytes.fromhex("03 02 002a")
    with pytest.raises(ssl.SSLCertVerificationError):
        await asked(tls, ssl.create_default_context())


async def test_a_certificate_that_is_given_is_shown(tls: Tls, tmp_path: Path) -> None:
    tls.context([HOST])
    given = Tls(directory=tmp_path, certificate=tls.directory / "modbus.pem", key=tls.directory / "modbus.key")
    assert given.root is None
    assert await asked(given, ssl.create_default_context(cafile=tls.root)) == bytes.fromhex("03 02 002a")
    assert list(tmp_path.iterdir()) == []


async def test_clients_must_show_a_certificate_where_it_is_wanted(tls: Tls, tmp_path: Path) -> None:
    (tmp_path / "site.pem").write_bytes(site().root)
    strict = Tls(directory=tls.directory, clients=(tmp_path / "site.pem",))
    client = ssl.create_default_context(cafile=tls.root)
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await asked(strict, client)
    client = ssl.create_default_context(cafile=tls.root)
    client.load_cert_chain(*site().issue(tmp_path, "gateway"))
    assert await asked(strict, client) == bytes.fromhex("03 02 002a")
    with pytest.raises(TrustInvalid, match=r"none\.pem: No such file"):
        Tls(directory=tls.directory, clients=(tmp_path / "none.pem",)).context([HOST])


def test_a_line_with_tls_is_not_played_without_a_certificate() -> None:
    with pytest.raises(ValueError, match=r"tls://127\.0\.0\.1:802 is a line with TLS, and there is no certificate"):
        Line(Endpoint("tls", HOST, 802), {})
