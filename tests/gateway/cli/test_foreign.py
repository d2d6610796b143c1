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
    assert 'column "Scale": choose --divide or --multiply; 1 row waits for it' in told.stderr
    assert told.stderr.count("I03") == 1
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


def test_nothing_is_written_before_it_is_chosen(register_list: Path, tmp_path: Path) -> None:
    words = ("--table", "input", "--numbering", "offset", "--into", tmp_path / "plant")
    told = call("import", "registers", register_list, *words)
    assert told.exit_code == 2
    assert told.stderr.endswith("nothing is written before it is chosen\n")
    assert not (tmp_path / "plant").exists()
    assert call("import", "registers", register_list, *words, "--divide").exit_code == 0


def test_a_row_that_is_refused_does_not_keep_the_others_from_being_written(tmp_path: Path) -> None:
    path = tmp_path / "pm1.csv"
    path.write_text("Address;Name;Type\n0;a;UINT16\n1;b;in16\n70000;c;UINT16\n")
    told = call("import", "registers", path, "--numbering", "offset", "--into", tmp_path)
    assert told.exit_code == 1
    assert {"I01", "I06"} <= set(told.stderr.replace(":", " ").split())
    assert "  a: " in (tmp_path / "pm1.profile.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--multiply", "--divide"), "--divide and --multiply: choose one of the two"),
        (("--order", "ABDC"), 'did you mean "ABCD"?'),
        (("--type", "foo"), '--type: "foo" is not a type'),
        (("--type", "unit16"), 'did you mean "uint16"?'),
        (("--column", "adress=A"), '"adress" is nothing that a column can hold'),
        (("--column", "name"), "--column name: write NAME=VALUE"),
        (("--column", "address=Adres"), 'did you mean "Address"?'),
        (("--column", "address=Z"), "there is no column Z"),
    ],
)
def test_the_words_of_the_call_are_judged(register_list: Path, words: tuple[str, ...], message: str) -> None:
    told = call("import", "registers", register_list, *words)
    assert told.exit_code == 2
    assert message in told.stderr
    assert told.stdout == ""
    assert told.stderr.count(" error ") <= 1


def test_an_order_is_written_as_the_language_writes_it(register_list: Path) -> None:
    told = call("import", "registers", register_list, "--order", "3412", "--divide", "--numbering", "offset")
    assert "order: CDAB" in told.stdout


def test_a_folder_is_no_register_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("registers", "telegraf"):
        told = call("import", command, ".")
        assert told.exit_code == 2
        assert told.stderr.startswith(".: error I")
        assert "this is a folder" in told.stderr


def test_a_list_without_a_row_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("Address;Name;Type\n")
    told = call("import", "registers", path)
    assert told.exit_code == 2
    assert "empty.csv: error I21: nothing in this file became a point or a device" in told.stderr


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


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The plant's own profile as a table, in which somebody changed a text."""
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    text = call("export", "csv", folder / "acme-pm1.profile.yaml").stdout_bytes.decode()
    assert old in text
    path = tmp_path / "rt.csv"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (";scale;", ";devide;", 'rt.csv!D9: error M01: unknown setting "devide"'),
        ("points:;at;type;scale", "points:;type;at;scale", 'error M03: "0" is not a valid type'),
        ("uint16;'0.1;V", "uint16;0,1;V", 'rt.csv!D10: error M07: "0,1" uses a decimal comma'),
        ("uint16;'0.1;V", "uint16;01. Okt;V", 'rt.csv!D10: error I22: "01. Okt" is a date'),
        ("voltage;0", "Current Phase 1;0", 'rt.csv!A10: error R01: point name "Current Phase 1" is not allowed'),
        ("points:;", "points;", 'rt.csv!A9: error I22: "points" has no colon'),
        ("profile;acme-pm1", "profile;", 'error I21: "profile" has no value'),
    ],
)
def test_what_excel_has_changed_is_told_by_its_cell_and_not_written(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = changed(tmp_path, old, new)
    before = (tmp_path / "plant" / "acme-pm1.profile.yaml").read_text()
    told = call("import", "registers", path, "--into", tmp_path / "plant", "--force")
    assert told.exit_code == 2, told.output
    assert said in told.stderr
    assert told.stderr.endswith("nothing is written before these mistakes are corrected\n")
    assert (tmp_path / "plant" / "acme-pm1.profile.yaml").read_text() == before


def test_a_table_that_came_back_right_is_written(tmp_path: Path) -> None:
    path = changed(tmp_path, "uint16;'0.1;V", "uint16;'0.01;V")
    told = call("import", "registers", path, "--into", tmp_path / "plant", "--force")
    assert told.exit_code == 0, told.output
    assert "scale: 0.01" in (tmp_path / "plant" / "acme-pm1.profile.yaml").read_text()
    assert call("check", tmp_path / "plant").exit_code == 0


def test_words_that_mean_nothing_for_a_table_of_our_own_are_told(tmp_path: Path) -> None:
    path = changed(tmp_path, "V", "V")
    told = call("import", "registers", path, "--divide")
    assert told.exit_code == 2
    assert "rt.csv is a profile that fieldgate export csv wrote: --divide means nothing for it" in told.stderr
    assert "profile: other" in call("import", "registers", path, "--profile", "other").stdout


def test_an_own_profile_is_exported_by_its_path(tmp_path: Path) -> None:
    told = call("export", "csv", "acme-pm1")
    assert told.exit_code == 2
    assert "for one of a plant write the path of its file: my-plant/acme-pm1.profile.yaml" in told.stderr
    assert 'did you mean "eastron-sdm120"?' in call("export", "csv", "eastron-sdm12").stderr


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
