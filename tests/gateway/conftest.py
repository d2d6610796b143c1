"""What tests of setting points stand on: a machine, a session with it, and somebody who sets its points."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.plant import Device
from tests.gateway.setpoints import Hand, Machine, described


@pytest.fixture
def press(tmp_path: Path) -> Device:
    return described(tmp_path / "plant")


@pytest.fixture
def session(press: Device) -> Machine:
    return Machine(press)


@pytest.fixture
def put(press: Device, session: Machine, tmp_path: Path) -> Hand:
    return Hand(session, press, tmp_path / "state")
