"""fieldgate import and export: files of others in, files of others out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.plant import bundled_profiles
from tests.gateway.cli.plant import call
from tests.gateway.field import plant

LIST = """\
Modbus register list;;;;;
Address;Name;Type;Unit;Scale;Remark
0;Voltage L1;UINT16;V;10;
1;Active power;INT32;W;1;
3;State;UINT16;;1;0=off, 1=running
"""
TELEGRAF = """\
[[inputs.modbus]]
name = "meter"
slave_id = 7
timeout = "1s"
controller = "tcp://10.20.0.15:502"
input_registers = [{name = "voltage", byte_order = "AB", data_type = "UINT16", scale = 0.1, address = [0]}]
"""


@pytest.fixture
def register_list(tmp_path: Path) -> Path:
    path = tmp_path / "pm1.csv"
    path.write_text(LIST)
    return path


def test_what_scale_means_is_asked(register_list: Path) -> None:
    told = call("import", "registers", register_list, "--table", "input")
    assert "pm1.csv!E2: error I03" in told.stderr
    assert "choose --divide or --multiply" in told.stderr
    assert "voltage_l1" not in told.stdout  # a gain of 10 is not guessed
    assert told.exit_code == 1


def test_a_register_list_becomes_a_profile_that_can_be_used(register_list: Path, tmp_path: Path) -> None:
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    words = ("--divide", "--table", "input", "--numbering", "offset", "--into", folder)
    told = call("import", "registers", register_list, *words)
    assert told.exit_code == 0, told.output
    text = (folder / "pm1.profile.yaml").read_text()
    assert "voltage_l1" in text
    assert "pm1.csv!A3" in text
    devices = folder / "hall.devices.yaml"
    devices.write_text(devices.read_text().replace("acme-pm1", "pm1"))
    assert call("check", folder).exit_code == 0, call("check", folder).output
    again = call("import", "registers", register_list, *words)
    assert again.exit_code == 1
    assert "--force overwrites it" in again.stderr


def test_as_json_for_programs(register_list: Path) -> None:
    told = json.loads(call("import", "registers", register_list, "--table", "input", "--json").stdout)
    assert "pm1.profile.yaml" in told["files"]
    assert {entry["code"] for entry in told["diagnostics"]} >= {"I03"}


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    for command in ("registers", "edgex", "thingsboard", "telegraf", "published-nodes", "sunspec"):
        told = call("import", command, tmp_path / "missing.csv")
        assert told.exit_code == 2, command
        assert "missing.csv" in told.stderr
        assert "Traceback" not in told.output


def test_telegraf_becomes_profile_and_device(tmp_path: Path) -> None:
    path = tmp_path / "telegraf.conf"
    path.write_text(TELEGRAF)
    told = call("import", "telegraf", path, "--into", tmp_path / "made")
    assert told.exit_code == 0, told.output
    made = {entry.name: entry.read_text() for entry in (tmp_path / "made").iterdir()}
    assert any(name.endswith(".devices.yaml") and "tcp://10.20.0.15:502" in text for name, text in made.items())
    assert any(name.endswith(".profile.yaml") and "scale: 0.1" in text for name, text in made.items())


def test_a_published_sunspec_model_is_imported_by_its_number(tmp_path: Path) -> None:
    told = call("import", "sunspec", "103", "--base", "40069", "--into", tmp_path / "made")
    assert told.exit_code == 0, told.output
    [path] = (tmp_path / "made").iterdir()
    text = path.read_text()
    assert "scale_from: a_sf" in text
    assert call("import", "sunspec", "99999").exit_code == 2


@pytest.mark.parametrize("words", [("--repeat", "x"), ("--repeat", "a=b")])
def test_wrong_words_are_said(words: tuple[str, ...]) -> None:
    assert call("import", "sunspec", "160", *words).exit_code == 2


@pytest.mark.parametrize("name", ["eastron-sdm120", "bg-etech-ds100", "ruuvi-df5"])
def test_a_profile_goes_to_excel_and_back(name: str, tmp_path: Path) -> None:
    table = tmp_path / "profile.csv"
    table.write_bytes(call("export", "csv", name).stdout_bytes)
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert call("import", "registers", table, "--into", tmp_path / "back").exit_code == 0
    back = call("export", "csv", tmp_path / "back" / f"{name}.profile.yaml")
    assert back.stdout_bytes == table.read_bytes()


def test_exports_of_a_plant_are_json(tmp_path: Path) -> None:
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    [thing] = json.loads(call("export", "wot", folder).stdout)
    assert thing["properties"]["voltage"]["unit"]
    [interface] = json.loads(call("export", "dtdl", folder).stdout)
    assert interface["@type"] == "Interface"
    nodes = call("export", "published-nodes", folder)
    assert json.loads(nodes.stdout) == []
    assert "press-7" in nodes.stderr  # and why it is not there
    points = json.loads(call("export", "points", folder).stdout)
    assert points["devices"][0]["points"][0]["name"] == "voltage"


def test_a_profile_that_is_not_there_cannot_be_exported(tmp_path: Path) -> None:
    assert call("export", "csv", "no-such").exit_code == 2
    assert call("export", "csv", tmp_path / "no.profile.yaml").exit_code == 2
    assert "eastron-sdm120" in bundled_profiles()


def test_schemas_for_editors_are_written_where_one_wants(tmp_path: Path) -> None:
    assert call("export", "schema", tmp_path / "made").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == [f"{kind}.schema.json" for kind in ("assets", "devices", "gateway", "message", "profile", "units")]


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/b", ""])
def test_a_profile_is_never_written_outside_its_folder(tmp_path: Path, name: str) -> None:
    table = tmp_path / "t.csv"
    text = call("export", "csv", "eastron-sdm120").stdout_bytes.decode("utf-8-sig")
    table.write_text(text.replace("eastron-sdm120", name, 1))
    told = call("import", "registers", table, "--into", tmp_path / "into")
    assert told.exit_code == 2
    assert not list(tmp_path.rglob("*.profile.yaml"))
    assert not Path("/tmp/evil.profile.yaml").exists()
