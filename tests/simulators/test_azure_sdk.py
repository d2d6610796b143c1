"""The independent judge: Microsoft's own device SDK, unmodified, takes the simulated hub for a hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.authority import Authority, site
from tests.simulators.iothub.rig import Rig, running

SDK = Path(__file__).parent.parent.parent / ".venv-sdk" / "bin" / "python"
PEER = Path(__file__).parent / "azure_sdk_peer.py"
HOST = "127.0.0.23"
LIMIT_S = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SDK.exists(), reason="azure-iot-device is not installed in .venv-sdk: make test does it"),
]

MESSAGE: dict[str, Any] = {
    "body": '{"voltage_l1": 230.2}',
    "id": "m-1-0a0b0c0d-1",
    "properties": {"kind": "telemetry", "profile": "a & b = ä"},
    "type": "application/json",
    "encoding": "utf-8",
}


@pytest.fixture
async def hub(tmp_path: Path, hub_folder: Path) -> AsyncIterator[Rig]:
    # The SDK knows no other port than 8883; other hubs of this machine listen on other addresses.
    async with running(tmp_path, hub_folder, host=HOST, port=8883) as rig:
        yield rig


async def peer(
    rig: Rig, device: str, *messages: dict[str, Any], common_name: str = "", authority: Authority | None = None
) -> dict[str, Any]:
    """Run the SDK to its end, with a certificate of the site for the device unless something else is given."""
    certificate, key = (authority or site()).issue(rig.folder, common_name or device)
    given = {
        "host": HOST,
        "device": device,
        "certificate": str(certificate),
        "key": str(key),
        "root": str(rig.settings.directory / "hub-root.pem"),
        "messages": messages,
    }
    process = await asyncio.create_subprocess_exec(
        SDK, PEER, json.dumps(given), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


async def test_the_sdk_sends_messages_that_arrive_whole(hub: Rig) -> None:
    second = MESSAGE | {"body": "not JSON", "id": "m-1-0a0b0c0d-2", "type": "text/plain", "properties": {}}
    assert await peer(hub, "m-1", MESSAGE, second) == {"sent": 2}
    assert hub.settings.ledger is not None
    first, other = (json.loads(line) for line in hub.settings.ledger.read_text().splitlines())
    assert first["device"] == "m-1"
    assert first["body"] == {"voltage_l1": 230.2}
    assert first["properties"] == {"kind": "telemetry", "profile": "a & b = ä"}
    assert first["system"] == {
        "message-id": "m-1-0a0b0c0d-1",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "iothub-connection-device-id": "m-1",
    }
    assert other["system"]["content-type"] == "text/plain"
    assert other["base64"] is True
    assert hub.hub.stats()["devices"]["m-1"]["unique"] == 2


async def test_the_sdk_sees_refusals_as_those_of_a_hub(hub: Rig) -> None:
    assert (await peer(hub, "m-off", MESSAGE))["error"] == "CredentialError"
    assert (await peer(hub, "m-1", MESSAGE, common_name="m-2"))["error"] == "CredentialError"
    assert hub.hub.counters.refused == {"device is disabled": 1, "certificate is of another device": 1}
    assert hub.hub.stats()["devices"]["m-1"]["messages"] == 0


async def test_the_sdk_with_a_certificate_of_another_authority_does_not_get_through_tls(hub: Rig) -> None:
    answer = await peer(hub, "m-1", MESSAGE, authority=Authority("Rogue"))
    assert answer == {"sent": 0, "error": "ConnectionFailedError", "cause": "ConnectionFailedError"}
    assert not hub.hub.counters.refused
