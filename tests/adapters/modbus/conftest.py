"""The device that most tests of the line are made on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.adapters.modbus.device import Device
from tests.adapters.modbus.lines import HELD, unit


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    made = Device({number: unit(value) for number, value in HELD.items()})
    await made.plug()
    yield made
    await made.unplug()
