"""The file of devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.iothub.registry import RegistryInvalid, read


def test_reads_devices(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    path.write_text('{"devices": [{"id": "m-1", "enabled": true}, {"id": "m-2", "enabled": false}, {"id": "m-3"}]}')
    assert read(path) == {"m-1": True, "m-2": False, "m-3": True}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "truncated"),
        ('{"devices": [{"id": 7}]}', "Expected `str`"),
        ('{"devices": [{"id": "a", "enable": true}]}', "unknown field `enable`"),
        ('{"devices": [{"id": "a"}, {"id": "a"}]}', "a is there twice"),
    ],
)
def test_names_file_and_fault(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "devices.json"
    path.write_text(text)
    with pytest.raises(RegistryInvalid, match=why) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryInvalid, match=r"nothing\.json: No such file"):
        read(tmp_path / "nothing.json")
