"""What tests of several commands stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.modbus.device import Device
from tests.gateway.field import field


@pytest.fixture
def served() -> Iterator[Device]:
    """A Modbus device that answers."""
    with field() as device:
        yield device
