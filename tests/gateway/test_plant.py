"""A plant folder is read whole or not at all, and whoever reads why can put it right."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import plant as plants
from gateway import plugins
from gateway.plant import MAPPINGS, PlantInvalid, bundled_profiles, read
from tests.gateway.mapping.plants import ADAPTERS, FILES, changed, judged, write


def test_a_plant_without_a_mistake(tmp_path: Path) -> None:
    plant = read(write(tmp_path, FILES), ADAPTERS)
    assert (plant.folder, plant.name, plant.warnings) == (tmp_path, "gw-1", ())
    assert [(device.name, device.line, len(device.points)) for device in plant.devices] == [
        *[("meter-1", "bus://a", 4), ("meter-2", "bus://a", 4)]
    ]
    asset = plant.devices[0].asset
    assert asset is not None
    assert (asset.path, asset.tags, plant.devices[1].asset) == ("acme/hall/meter-1", {"cost_center": "0471"}, None)


@pytest.mark.parametrize("name", ["example", "starter"])
def test_the_plants_that_come_with_fieldgate_are_right(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(MAPPINGS / name, tmp_path / name, ignore=shutil.ignore_patterns("state", "certs"))
    plant = read(folder, plugins.find().adapters)
    assert [warning.code for warning in plant.warnings] == ["G01"]  # the hub's root certificates come later


def test_the_example_has_two_meters_of_different_make_on_one_line() -> None:
    plant = read(MAPPINGS / "example", plugins.find().adapters)
    assert [(device.name, device.profile) for device in plant.devices] == [
        ("meter-mcc1", "abb-b-series"),
        ("meter-hvac", "carlo-gavazzi-em24"),
    ]
    assert len({device.line for device in plant.devices}) == 1
    every = {spec.point.name: spec.point.every_s for spec in plant.devices[0].points}
    assert (every["voltage_l1"], every["energy_import"]) == (1.0, 60.0)


def test_a_profile_of_the_plant_wins_over_a_bundled_one_of_its_name(tmp_path: Path) -> None:
    files = changed("acme.profile.yaml", "acme-meter", "abb-b-series") | {
        "hall/a.devices.yaml": FILES["hall/a.devices.yaml"].replace("acme-meter", "abb-b-series")
    }
    plant, found = judged(write(tmp_path, files))
    assert plant is not None
    assert [spec.point.name for spec in plant.devices[0].points][-1] == "running"
    assert [(one.severity, one.code) for one in found] == [("warning", "F03")]


def test_bundled_profiles_are_read_only_where_a_device_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mappings" / "profiles").mkdir(parents=True)
    (tmp_path / "mappings" / "profiles" / "broken.profile.yaml").write_text("x: [")
    monkeypatch.setattr(plants, "MAPPINGS", tmp_path / "mappings")
    folder = write(tmp_path / "plant", FILES)
    assert judged(folder)[1] == ()
    write(folder, changed("hall/a.devices.yaml", "profile: acme-meter", "profile: broken"))
    assert [(Path(one.file).name, one.code) for one in judged(folder)[1]] == [("broken.profile.yaml", "Y02")]


def test_missing_bundled_profiles_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plants, "MAPPINGS", tmp_path)
    with pytest.raises(PlantInvalid, match="P07: the bundled profiles are missing"):
        bundled_profiles()


def test_a_plant_without_devices_is_told(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if not name.endswith("devices.yaml")}
    plant, found = judged(write(tmp_path, files))
    assert plant is None
    assert [(one.file, one.code) for one in found] == [(str(tmp_path), "P06")]


def test_no_other_message_follows_where_there_is_no_plant(tmp_path: Path) -> None:
    for folder, code in [(tmp_path / "none", "P01"), (tmp_path, "P04")]:
        assert [one.code for one in judged(folder)[1]] == [code]
    write(tmp_path, {name: text for name, text in FILES.items() if name != "gateway.yaml"})
    assert [one.code for one in judged(tmp_path)[1]] == ["P05"]


def test_the_exception_tells_all_of_it(tmp_path: Path) -> None:
    with pytest.raises(PlantInvalid) as caught:
        read(write(tmp_path, changed("gateway.yaml", "log: info", "log: loud\nlgo: x")), ADAPTERS)
    assert str(caught.value).count("error M0") == 2
    assert f"{tmp_path}/gateway.yaml:7:6: error M03" in str(caught.value)


def test_files_of_a_folder_that_is_named_with_a_slash_are_named_shortly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "plant", changed("gateway.yaml", "log: info", "log: loud"))
    assert [one.file for one in judged(Path("plant/"))[1]] == ["plant/gateway.yaml"]


def said(tmp_path: Path, files: dict[str, str]) -> list[str]:
    _, found = judged(write(tmp_path, files))
    return [f"{Path(one.file).name} {one.code}" for one in found]


def test_nothing_follows_from_a_profile_that_cannot_be_read(tmp_path: Path) -> None:
    above = "schema: fieldgate/profile/v1\nprofile: above\nextends: acme-meter\npoints: {power: {unit: kW}}\n"
    devices = FILES["hall/a.devices.yaml"] + (
        "  meter-3:\n    profile: above\n    variant: big\n    connect: {field: bus://c}\n"
        "    change: {power: {deadband: 1 W}}\n    context: {a: {from: running}}\n"
    )
    files = changed("acme.profile.yaml", "maker: ACME", "maker: ACME: x")
    assert said(tmp_path, files | {"above.profile.yaml": above, "hall/a.devices.yaml": devices}) == [
        "acme.profile.yaml Y02"
    ]


@pytest.mark.parametrize("name", ["profile: - acme-meter", "profile: [acme-meter", "profile: acme meter: x"])
def test_a_profile_whose_name_cannot_be_read_may_be_any(name: str, tmp_path: Path) -> None:
    assert said(tmp_path, changed("acme.profile.yaml", "profile: acme-meter", name)) == ["acme.profile.yaml Y02"]


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("plant.assets.yaml", "acme/hall/meter-1:", "acme/Hall/meter-1:", "M18"),
        ("plant.assets.yaml", "acme/hall/meter-1:", "acme/meter-1:", "A01"),
        ("acme.profile.yaml", "schema:", "schem:", "M01"),
        ("acme.profile.yaml", "  voltage_l1:", "  Voltage L1:", "R01"),
        ("acme.profile.yaml", "protocol:", "protocl:", "M01"),
        ("hall/a.devices.yaml", "    profile:", "    profil:", "M01"),
    ],
)
def test_nothing_follows_from_a_name_with_a_mistake(file: str, old: str, new: str, code: str, tmp_path: Path) -> None:
    files = changed(file, old, new)
    files["acme.profile.yaml"] += "derived:\n  mean: {expr: (voltage_l1 + voltage_l2) / 2, unit: V}\n"
    assert said(tmp_path, files) == [f"{Path(file).name} {code}"]


def test_two_devices_differ_by_more_than_a_password(tmp_path: Path) -> None:
    files = changed("hall/a.devices.yaml", "unit_id: 2", "unit_id: 1, keep: false, password: {secret: a}")
    assert said(tmp_path, files) == ["a.devices.yaml D05"]


def large(points: int, unit: str) -> dict[str, str]:
    rows = "".join(
        f"  p{n}: {{at: {n}, type: float32, unit: {unit}, scale: 0.1, note: row {n}}}\n" for n in range(points)
    )
    head = "schema: fieldgate/profile/v1\nprofile: acme-meter\nprotocol: field\n"
    return FILES | {"acme.profile.yaml": f"{head}defaults: {{every: 1s}}\npoints:\n{rows}"}


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "messages"), [("kWh", 0), ("kwhr", 10_000)])
def test_ten_thousand_points_are_judged_in_seconds(tmp_path: Path, unit: str, messages: int) -> None:
    write(tmp_path, large(10_000, unit))
    before = time.monotonic()
    _, found = judged(tmp_path)
    assert len(found) == messages
    assert time.monotonic() - before < 10


INSERTS = st.one_of(
    st.sampled_from("{}[]:#|~%\\'\"\n\t-é\u202e"),
    st.sampled_from([": ", "- ", "\n  ", "&a ", "*a ", "!x ", "? ", "<<: ", "at: ", "unit: ", "scale: 0", "{}", "[]"]),
    st.sampled_from(["null", "nan", "1e999", "-1", "9" * 50, "0,1", "0x10"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    name=st.sampled_from([name for name in FILES if name.endswith(".yaml")]),
    where=st.integers(0, 400),
    taken=st.integers(0, 12),
    put=st.lists(INSERTS, min_size=1, max_size=3).map("".join),
)
def test_whatever_is_typed_into_a_file_is_judged_and_never_a_traceback(
    tmp_path: Path, name: str, where: int, taken: int, put: str
) -> None:
    text = FILES[name]
    where %= len(text)
    broken = text[:where] + put + text[where + taken :]
    write(tmp_path, FILES | {name: broken})
    plant, found = judged(tmp_path)
    assert (plant is None) == any(one.severity == "error" for one in found)
    lines = broken.count("\n") + 1
    assert all(one.line <= lines and one.text.isprintable() for one in found if one.file.endswith(name))


def test_what_gateway_yaml_says_is_known_whatever_other_files_say(tmp_path: Path) -> None:
    folder = write(tmp_path, changed("hall/a.devices.yaml", "profile: acme-meter", "profile: broken"))
    assert plants.gateway(folder).buffer.quota_bytes == 20_000_000_000
    (folder / "gateway.yaml").write_text(FILES["gateway.yaml"].replace("20 GB", "20"))
    with pytest.raises(PlantInvalid, match="M19"):
        plants.gateway(folder)
    (folder / "gateway.yaml").unlink()
    with pytest.raises(PlantInvalid):
        plants.gateway(folder)


def test_a_plant_knows_the_texts_that_it_was_read_from(tmp_path: Path) -> None:
    folder = shutil.copytree(MAPPINGS / "example", tmp_path / "plant", ignore=shutil.ignore_patterns("state", "certs"))
    plant = read(folder, plugins.find().adapters)
    own = {path for path in plant.texts if path.is_relative_to(folder)}
    assert {path.name for path in own} == {"gateway.yaml", "hall-a.devices.yaml", "plant.assets.yaml"}
    assert all(plant.texts[path] == path.read_text(encoding="utf-8") for path in own)
    assert {path for path in plant.texts if path not in own} == {
        bundled_profiles()[name] for name in ("abb-b-series", "carlo-gavazzi-em24")
    }


def test_other_profiles_can_take_the_place_of_those_that_are_bundled(tmp_path: Path) -> None:
    folder = shutil.copytree(MAPPINGS / "example", tmp_path / "plant", ignore=shutil.ignore_patterns("state", "certs"))
    other = tmp_path / "other.yaml"
    other.write_text(bundled_profiles()["abb-b-series"].read_text().replace("maker:", "maker: Another one, not"))
    names = {"abb-b-series": other, "carlo-gavazzi-em24": other}
    with pytest.raises(PlantInvalid) as invalid:
        read(folder, plugins.find().adapters, {"abb-b-series": other})
    assert [found.code for found in invalid.value.diagnostics if found.severity == "error"] == ["D02"]
    assert len(read(folder, plugins.find().adapters, names).devices) == 2
