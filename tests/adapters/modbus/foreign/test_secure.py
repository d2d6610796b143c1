"""Modbus/TCP Security against TLS of others: OpenSSL's server, which says why it refuses, and pymodbus' device."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from adapters.modbus import pdu
from adapters.modbus.settings import Connect
from adapters.modbus.wire import opened
from gateway.adapter import LinkLost
from tests.adapters.modbus.authority import Authority, Issued

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl"),
]

READ = pdu.read(3, 0, 1)
HELD = (1111).to_bytes(2, "big")
LIMIT_S = 20.0
VERSIONS = ("-tls1_2", "-tls1_3")


@pytest.fixture
def plant(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "plant")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@asynccontextmanager
async def s_server(shown: Issued, trusted: str, *options: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """OpenSSL's server, which demands a certificate of ``trusted``; what it hears is on its standard output."""
    port = free_port()
    command = ["s_server", "-accept", f"127.0.0.1:{port}", "-cert", shown.certificate, "-key", shown.key]
    command += ["-CAfile", trusted, "-Verify", "1", "-verify_return_error", "-quiet", *options]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("openssl", *command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(LIMIT_S):
            while True:
                # A connection would be its first client: whether it listens is seen in the list of the kernel.
                if f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text(encoding="ascii"):
                    break
                await asyncio.sleep(0.01)
            yield f"tls://127.0.0.1:{port}", process
    finally:
        process.kill()
        await process.communicate()


async def read(endpoint: str, **settings: Any) -> bytes:
    wire = await opened(Connect.model_validate({"modbus": endpoint, **settings}), 5.0, Counter())
    try:
        return await wire.ask(1, READ, 5.0)
    finally:
        await wire.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_both_sides_prove_who_they_are(plant: Authority, version: str) -> None:
    ours = plant.issue("gateway", role="operator")
    async with s_server(plant.issue("plc"), plant.root, version) as (endpoint, process):
        assert process.stdin is not None
        assert process.stdout is not None
        asking = asyncio.create_task(read(endpoint, trust=plant.root, certificate=ours.certificate, key=ours.key))
        request = await process.stdout.readexactly(12)
        process.stdin.write(request[:2] + b"\0\0\0\5\1\3\2" + HELD)
        assert await asking == HELD
    assert request[2:] == b"\0\0\0\6\1\3\0\0\0\1"


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_shows_no_certificate_is_told_that_one_is_wanted(plant: Authority, version: str) -> None:
    async with s_server(plant.issue("plc"), plant.root, version) as (endpoint, _):
        with pytest.raises(LinkLost, match=r"the device (wants a certificate|refuses the handshake)") as caught:
            await read(endpoint, trust=plant.root)
    assert "certificate: and key:" in caught.value.remedy


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("age_h", "stranger", "why"), [(3, False, "certificate expired"), (1, True, "unknown ca")])
async def test_a_certificate_of_ours_that_is_refused_is_told_with_the_reason(
    plant: Authority, tmp_path: Path, version: str, age_h: int, stranger: bool, why: str
) -> None:
    (tmp_path / "other").mkdir()
    issuer = Authority(tmp_path / "other", "stranger") if stranger else plant
    ours = issuer.issue("gateway", role="operator", age_h=age_h)
    async with s_server(plant.issue("plc"), plant.root, version) as (endpoint, _):
        with pytest.raises(LinkLost, match=f"^the device refuses this gateway's certificate: {re.escape(why)}$"):
            await read(endpoint, trust=plant.root, certificate=ours.certificate, key=ours.key)


async def test_a_device_that_is_older_than_tls_1_2_is_told_in_words(plant: Authority) -> None:
    async with s_server(plant.issue("plc"), plant.root, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as (endpoint, _):
        with pytest.raises(LinkLost, match=r"^the device speaks no TLS of version 1\.2 or newer$"):
            await read(endpoint, trust=plant.root)


async def test_a_device_of_pymodbus_that_demands_a_certificate_is_read(plant: Authority) -> None:
    shown, ours = plant.issue("plc"), plant.issue("gateway", role="operator")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    context.load_verify_locations(plant.root)
    context.verify_mode = ssl.CERT_REQUIRED
    port = free_port()
    device = SimDevice(1, simdata=[SimData(0, values=[1111], datatype=DataType.REGISTERS)])
    server = ModbusTlsServer(device, address=("127.0.0.1", port), sslctx=context)
    await server.serve_forever(background=True)
    try:
        answer = await read(f"tls://127.0.0.1:{port}", trust=plant.root, certificate=ours.certificate, key=ours.key)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus
    assert answer == HELD
