"""fieldgate secret: set, list and remove, and nothing is ever shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.gateway.cli.plant import call
from tests.gateway.field import plant

MACHINE = """\
schema: fieldgate/devices/v1
devices:
  filler-01:
    profile: opcua-machine
    connect: {opcua: "opc.tcp://10.20.0.30:4840", user: {name: op, password: {secret: filler-01}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    (made / "machine.devices.yaml").write_text(MACHINE)
    return made


def put(folder: Path, name: str, text: str) -> Result:
    return CliRunner().invoke(main, ["secret", "set", str(folder), name], input=text)


def test_check_says_where_a_missing_secret_is_named_and_how_to_set_it(folder: Path) -> None:
    told = call("check", folder)
    assert told.exit_code == 0
    assert 'machine.devices.yaml:5:87: warning G03: the secret "filler-01" is not set' in told.stderr
    assert f"hint: fieldgate secret set {folder} filler-01" in told.stderr
    assert put(folder, "filler-01", "hunter2\n").exit_code == 0
    assert "G03" not in call("check", folder).stderr


def test_lists_names_and_never_what_they_hide(folder: Path) -> None:
    assert "missing: fieldgate secret set" in call("secret", "list", folder).stdout
    put(folder, "filler-01", "hunter2")
    put(folder, "spare", "hunter3")
    text = call("secret", "list", folder)
    assert text.stdout.splitlines() == [
        "filler-01  in the state directory",
        "spare      in the state directory; no device names it",
    ]
    told = json.loads(call("secret", "list", folder, "--json").stdout)
    assert told == {
        "secrets": [
            {"name": "filler-01", "kept_by": "state", "used": True},
            {"name": "spare", "kept_by": "state", "used": False},
        ],
        "missing": [],
    }
    assert "hunter" not in text.output + json.dumps(told) + call("status", folder).output


def test_removes_one(folder: Path) -> None:
    put(folder, "filler-01", "x")
    assert call("secret", "remove", folder, "filler-01").exit_code == 0
    again = call("secret", "remove", folder, "filler-01")
    assert (again.exit_code, again.stderr) == (1, 'there is no secret "filler-01" in the state directory\n')


@pytest.mark.parametrize(("name", "text"), [("../key", "x"), ("Filler", "x"), ("filler-01", "")])
def test_a_bad_name_or_an_empty_secret_is_refused(folder: Path, name: str, text: str) -> None:
    told = put(folder, name, text)
    assert told.exit_code == 2
    assert "Traceback" not in told.output


def test_a_password_in_a_file_is_refused_with_what_to_write(folder: Path) -> None:
    path = folder / "machine.devices.yaml"
    path.write_text(MACHINE.replace("{secret: filler-01}", "hunter2"))
    told = call("check", folder)
    assert told.exit_code == 2
    assert "machine.devices.yaml:5:78: error M23:" in told.stderr
    assert "hunter2" not in told.output
