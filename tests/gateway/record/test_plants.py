"""The plant that was in force is kept as its files said it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gateway.plant import read
from gateway.record import plants
from gateway.record.plants import Unreadable, load, pack
from tests.gateway.cli.plant import example
from tests.gateway.record.making import ADAPTERS, WRONG, described, kept


def test_a_plant_comes_back_as_it_was(tmp_path: Path) -> None:
    made = described(tmp_path / "plant", WRONG)
    packed = pack(made)
    plants.keep(tmp_path / "record", packed)
    kept(tmp_path / "plant")  # it has been corrected since
    back = load(tmp_path / "record", packed.id, ADAPTERS)
    assert back.devices == made.devices
    assert back.devices[0].points[1].point.address.order == "CDAB"


def test_bundled_profiles_are_kept_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = read(example(tmp_path), ADAPTERS)
    packed = pack(made)
    plants.keep(tmp_path / "record", packed)
    monkeypatch.setattr("gateway.plant.bundled_profiles", dict)  # a later version brings none of them
    assert load(tmp_path / "record", packed.id, ADAPTERS).devices == made.devices
    with zipfile.ZipFile(next((tmp_path / "record" / "plants").iterdir())) as archive:
        names = archive.namelist()
    assert names == [
        "bundled/abb-b-series",
        "bundled/carlo-gavazzi-em24",
        "plant/hall-a.devices.yaml",
        "plant/plant.assets.yaml",
    ]


def test_the_same_files_have_the_same_name_and_others_another(tmp_path: Path) -> None:
    first, same = (pack(described(tmp_path / name)) for name in "ab")
    assert first.id == same.id != pack(described(tmp_path / "c", WRONG)).id
    (tmp_path / "a" / "gateway.yaml").write_text((tmp_path / "a" / "gateway.yaml").read_text() + "log: debug\n")
    assert pack(read(tmp_path / "a", ADAPTERS)).id == first.id, "what the appliance is means nothing to the points"


def test_what_is_not_there_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not there any more"):
        load(tmp_path, "0" * 16, ADAPTERS)
    (tmp_path / "plants").mkdir()
    (tmp_path / "plants" / "ab.zip").write_bytes(b"PK")
    with pytest.raises(Unreadable, match="cannot be read"):
        load(tmp_path, "ab", ADAPTERS)


def test_a_language_that_has_changed_is_said_in_its_words(tmp_path: Path) -> None:
    packed = pack(described(tmp_path / "plant"))
    plants.keep(tmp_path, packed)
    with pytest.raises(Unreadable, match=r'this version cannot read .*there is no adapter for protocol "modbus"'):
        load(tmp_path, packed.id, {})


def test_only_plants_that_are_named_are_kept(tmp_path: Path) -> None:
    first, second = pack(described(tmp_path / "a")), pack(described(tmp_path / "b", WRONG))
    for packed in (first, second, second):
        plants.keep(tmp_path, packed)
    plants.forget(tmp_path, frozenset({second.id}))
    assert [path.stem for path in (tmp_path / "plants").iterdir()] == [second.id]
