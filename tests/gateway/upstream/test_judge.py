"""A foreign judge: Debian's mosquitto, which demands a client certificate, sees what we publish."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import certs
from gateway.identity.credentials import find
from gateway.model import Stored
from gateway.upstream import iothub
from gateway.upstream.hub import IotHub
from gateway.upstream.port import UpstreamLost
from tests.certs import hub

HOST = "127.0.0.9"
LIMIT_S = 15.0
BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
LISTENER = shutil.which("mosquitto_sub")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROKER and LISTENER), reason="needs mosquitto and mosquitto_sub (apt-get install)"),
]


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def program(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process with its output in a pipe; ended at the end."""
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def line(process: asyncio.subprocess.Process, holding: str) -> str:
    """The next line of output that holds this text."""
    assert process.stdout is not None
    seen = []
    while text := (await process.stdout.readline()).decode():
        if holding in text:
            return text.rstrip("\n")
        seen.append(text)
    raise AssertionError(f"{holding!r} never came: {seen}")


@asynccontextmanager
async def broker(
    files: hub.HubFiles, devices: Path, directory: Path
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """A mosquitto that takes only clients with a certificate below ``devices``; its port and its log."""
    port = free_port()
    (directory / "mosquitto.conf").write_text(
        f"user root\nlistener {port} {HOST}\nrequire_certificate true\nuse_identity_as_username true\n"
        f"cafile {devices}\ncertfile {files.certificate}\nkeyfile {files.key}\n"
        f"message_size_limit {iothub.MAX_BYTES + 1000}\n"
    )
    async with program(BROKER or "", "-v", "-c", directory / "mosquitto.conf") as process:
        await line(process, "running")
        yield port, process


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> hub.HubFiles:
    return hub.make(tmp_path_factory.mktemp("mosquitto"), HOST)


def upstream(port: int, site: certs.Site, directory: Path, files: hub.HubFiles) -> IotHub:
    certs.issue(site, "pump-1", directory)
    return IotHub("mosquitto", HOST, port, [files.root], {"pump-1": find(directory, "pump-1")})


async def test_mosquitto_takes_our_certificate_and_passes_on_what_we_publish(
    site: certs.Site, files: hub.HubFiles, tmp_path: Path
) -> None:
    bodies = [b'{"values":{"voltage_l1":230.2}}', b"", bytes(range(256)) * 400]
    messages = [Stored("pump-1", 7, number, 0, "profile=x%2Fy", body) for number, body in enumerate(bodies, 1)]
    judge = certs.issue(site, "judge", tmp_path)
    tls = ("--cafile", files.root, "--cert", judge.certificate, "--key", judge.key)
    what = ("-i", "judge", "-q", "1", "-t", "devices/+/messages/events/#", "-C", "3", "-F", "%q %t %x")
    async with (
        asyncio.timeout(LIMIT_S),
        broker(files, site.directory / "root.pem", tmp_path) as (port, log),
        program(LISTENER or "", "-h", HOST, "-p", str(port), *what, *tls) as listener,
    ):
        await line(log, "Sending SUBACK to judge")
        async with upstream(port, site, tmp_path, files).connect("pump-1") as channel:
            await channel.publish(messages)
        output, _ = await listener.communicate()
    seen = [text.split(" ") for text in output.decode().splitlines()]
    assert len(seen) == 3
    for number, (qos, topic, body) in enumerate(seen, 1):
        assert qos == "1"
        assert topic == (
            f"devices/pump-1/messages/events/$.mid=pump-1-00000007-{number}&$.ct=application%2Fjson&$.ce=utf-8"
            "&iothub-creation-time-utc=1970-01-01T00%3A00%3A00.000Z&profile=x%2Fy"
        )
        assert bytes.fromhex(body) == bodies[number - 1]


async def test_mosquitto_refuses_a_certificate_of_another_site(
    site: certs.Site, files: hub.HubFiles, tmp_path: Path
) -> None:
    other = certs.create_site(tmp_path / "authority", "other")
    async with asyncio.timeout(LIMIT_S), broker(files, other.directory / "root.pem", tmp_path) as (port, _):
        # Its alert and its reset run against each other: either is refused or hung up on, with one remedy.
        with pytest.raises(UpstreamLost, match=r"an authority that it does not know|closed the connection") as caught:
            async with upstream(port, site, tmp_path / "identities", files).connect("pump-1"):
                pass
    assert "fieldgate certs export-ca" in caught.value.remedy


async def test_a_killed_mosquitto_is_noticed_at_once(site: certs.Site, files: hub.HubFiles, tmp_path: Path) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        broker(files, site.directory / "root.pem", tmp_path) as (port, process),
        upstream(port, site, tmp_path, files).connect("pump-1") as channel,
    ):
        process.kill()
        with pytest.raises(UpstreamLost, match=f"{HOST}:{port}"):
            await channel.lost()
