"""The device that most tests of the line are made on."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.modbus import wire
from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import HELD, unit


@pytest.fixture(scope="module", autouse=True)
def punctual() -> Iterator[None]:
    """A full collection over all that a test run holds takes 0.1 s: as long as the timeouts of these tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def unowed() -> None:
    """Names of terminals are used again: what one test left unanswered is not the next one's."""
    wire._owed.clear()


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    made = Device({number: unit(value) for number, value in HELD.items()})
    await made.plug()
    yield made
    await made.unplug()
