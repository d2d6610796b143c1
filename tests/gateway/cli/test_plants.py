"""Commands on a plant's files: what they say, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gateway.cli.plant import call, example, replace


def test_help_is_a_page_in_the_order_of_need() -> None:
    result = call("--help")
    assert result.exit_code == 0
    titles = [
        "See it:",
        "Set up a plant:",
        "The language:",
        "Beside a device:",
        "Keys and passwords:",
        "Run:",
        "Exit codes:",
    ]
    places = [result.output.index(title) for title in titles]
    assert places == sorted(places)


def test_every_command_is_on_the_page() -> None:
    from gateway.cli import SECTIONS, main

    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(main.commands)


def test_version() -> None:
    assert call("--version").output.startswith("fieldgate 0.")


def test_wrong_words_end_with_2() -> None:
    assert call("chekc").exit_code == 2
    assert call("check").exit_code == 2
    assert call("run", "plant", "--log-level", "loud").exit_code == 2


def test_check_approves_the_example(tmp_path: Path) -> None:
    result = call("check", example(tmp_path))
    assert result.exit_code == 0
    assert "2 devices on 1 line, 43 points" in result.stdout
    assert "ok" in result.stdout


def test_check_names_place_code_and_remedy(tmp_path: Path) -> None:
    folder = example(tmp_path)
    replace(folder, "hall-a.devices.yaml", "profile: abb-b-series", "profile: abb-b-serie")
    result = call("check", folder)
    assert result.exit_code == 2
    assert "hall-a.devices.yaml:" in result.stderr
    assert "error D02" in result.stderr
    assert 'did you mean "abb-b-series"' in result.stderr
    assert "Traceback" not in result.output


def test_check_tells_programs_the_same(tmp_path: Path) -> None:
    folder = example(tmp_path)
    good = call("check", folder, "--json")
    assert json.loads(good.stdout)["ok"] is True
    replace(folder, "hall-a.devices.yaml", "profile: abb-b-series", "profile: abb-b-serie")
    result = call("check", folder, "--json")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert report["ok"] is False
    error = next(entry for entry in report["diagnostics"] if entry["severity"] == "error")
    assert error["code"] == "D02"
    assert error["line"] > 0


@pytest.mark.parametrize("command", ["check", "run", "status", "devices"])
def test_a_plant_that_is_not_there_ends_with_2_and_a_sentence(tmp_path: Path, command: str) -> None:
    result = call(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["check", "run", "status"])
def test_an_empty_plant_ends_with_2_and_a_sentence(tmp_path: Path, command: str) -> None:
    result = call(command, tmp_path)
    assert result.exit_code == 2
    assert "this folder is empty" in result.stderr
    assert f"fieldgate init {tmp_path}" in result.stderr


def test_init_writes_a_plant_that_passes(tmp_path: Path) -> None:
    folder = tmp_path / "my-plant"
    result = call("init", folder)
    assert result.exit_code == 0
    assert "gateway.yaml" in result.stdout
    assert call("check", folder).exit_code == 0
    text = "\n".join(path.read_text() for path in folder.rglob("*.yaml"))
    assert text.count("# ") > 10


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = call("init", tmp_path)
    assert result.exit_code == 1
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_init_says_what_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("init", tmp_path / "file" / "plant")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_devices_lists_what_the_hub_must_know(tmp_path: Path) -> None:
    folder = example(tmp_path)
    assert call("devices", folder).stdout.split()[0] == "meter-mcc1"
    entries = json.loads(call("devices", folder, "--json").stdout)["devices"]
    assert [entry["id"] for entry in entries] == ["meter-mcc1", "meter-hvac"]
    assert entries[0]["asset"].startswith("acme/")


def test_export_points_is_what_a_simulator_needs(tmp_path: Path) -> None:
    exported = json.loads(call("export", "points", example(tmp_path)).stdout)
    meter = exported["devices"][0]
    assert meter["connect"].items() >= {"modbus": "tcp://127.0.0.1:15020", "unit_id": 1, "base": 0}.items()
    voltage = next(point for point in meter["points"] if point["name"] == "voltage_l1")
    address = {key: value for key, value in voltage["address"].items() if value is not None}
    assert address == {"at": 23296, "table": "holding", "type": "uint32", "order": "ABCD"}
    assert (voltage["unit"], voltage["scale"], voltage["offset"]) == ("V", "1/10", "0")


def test_init_writes_what_editors_need_beside_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "my-plant"
    assert call("init", folder).exit_code == 0
    for path in folder.glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (folder / first.partition("=")[2]).is_file(), first
    assert call("check", folder).exit_code == 0
