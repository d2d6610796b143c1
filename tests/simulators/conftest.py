"""Fixtures of the simulators' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.modbus.tls import Tls
from tests.simulators.iothub.rig import Rig, running


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the hubs of one run keep their certificates: making RSA keys takes its time."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """What simulated devices show on lines with TLS; its keys are made once in a run."""
    return Tls(directory=tmp_path_factory.mktemp("modbus"))


@pytest.fixture
async def rig(tmp_path: Path, hub_folder: Path) -> AsyncIterator[Rig]:
    """A hub that knows m-1, m-2 and the disabled m-off."""
    async with running(tmp_path, hub_folder) as started:
        yield started
