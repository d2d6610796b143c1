"""A plant that was read does not change any more."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from gateway.mapping.spec import Asset
from gateway.plant import read
from tests.gateway.mapping.plants import ADAPTERS, FILES, write


def test_nothing_of_a_plant_can_be_changed(tmp_path: Path) -> None:
    plant = read(write(tmp_path, FILES), ADAPTERS)
    for noun, field in [
        (plant, "name"),
        (plant.gateway, "host"),
        (plant.devices[0], "identity"),
        (plant.devices[0].points[0], "scale"),
        (plant.devices[0].asset, "path"),
    ]:
        with pytest.raises(FrozenInstanceError):
            setattr(noun, field, "x")


def test_an_asset_needs_no_more_than_its_path() -> None:
    assert Asset("a/b") == Asset(path="a/b", name="", maker="", model="", serial="", tags={})
