"""A number without a unit: the hint names a time that the setting allows and that is likely."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from adapters.modbus import ADAPTER
from adapters.modbus.settings import Connect
from gateway.mapping.point_settings import PointSettings
from gateway.mapping.times import meant
from gateway.plant import PlantInvalid, read
from tests.gateway.field import plant
from tests.gateway.machine import PROFILE


@pytest.mark.parametrize(
    ("setting", "text", "hint"),
    [
        ("delay", "50", "did you mean 50ms?"),
        ("pause", "0.5", "did you mean 0.5ms?"),
        ("timeout", "1000", "did you mean 1000ms?"),
        ("timeout", "5", "did you mean 5s?"),
        ("timeout", "50", "write 50ms or 50s"),
        ("timeout", "999999", ""),
        ("delay", "soon", ""),
        ("idle", "10", ""),
    ],
)
def test_the_hint_is_within_the_bounds_of_the_setting(setting: str, text: str, hint: str) -> None:
    assert meant(text, Connect.model_fields[setting]) == hint


def test_a_setting_without_bounds_is_left_to_others() -> None:
    assert meant("5", FieldInfo(default=0.0)) == ""


def test_where_hours_are_allowed_seconds_are_as_likely_as_anywhere() -> None:
    assert meant("60", PointSettings.model_fields["heartbeat"]) == ""


def test_a_plant_is_told_so(tmp_path: Path) -> None:
    folder = plant(tmp_path, "tcp://127.0.0.1:1", PROFILE)
    file = next(folder.glob("*.devices.yaml"))
    file.write_text(file.read_text().replace("unit_id:", "delay: 50, unit_id:"))
    with pytest.raises(PlantInvalid) as caught:
        read(folder, {"modbus": ADAPTER})
    (one,) = [found for found in caught.value.diagnostics if found.code == "M09"]
    assert one.hint == "did you mean 50ms?"
