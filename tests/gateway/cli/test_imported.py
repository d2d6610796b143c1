"""An import is written whole, or it is said why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.imported import Target, finish, shown
from gateway.mapping.diagnostics import Diagnostic
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Imported

GOOD = DraftProfile("p", "modbus", [DraftPoint("a", {"at": "1", "table": "holding"})])
DEVICE = DraftDevice("d", "p", {"modbus": "tcp://10.0.0.1"})
SOURCE = Path("folder") / "list.csv"


def ended(found: Imported, target: Target, *, whole: bool = False) -> int:
    with pytest.raises(SystemExit) as caught:
        finish(found, SOURCE, target, whole=whole)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def error(code: str) -> Diagnostic:
    return Diagnostic("list.csv!A1", 0, 0, "error", code, "wrong")


@pytest.mark.parametrize(
    ("found", "whole", "code", "files"),
    [
        (Imported([GOOD], [DEVICE]), False, 0, ["list.devices.yaml", "p.profile.yaml"]),
        (Imported([GOOD], found=[error("I06")]), False, 1, ["p.profile.yaml"]),
        (Imported([GOOD], found=[error("I06")]), True, 2, []),
        (Imported([GOOD], found=[error("I03")]), False, 2, []),
        (Imported([GOOD], found=[error("I07")]), False, 2, []),
        (Imported([DraftProfile("../p", "modbus", GOOD.points)]), False, 2, []),
        (Imported(), False, 2, []),
    ],
)
def test_files_are_written_where_nothing_stands_against_it(
    tmp_path: Path, found: Imported, whole: bool, code: int, files: list[str]
) -> None:
    assert ended(found, Target(tmp_path / "into", force=False, as_json=False), whole=whole) == code
    assert sorted(path.name for path in tmp_path.rglob("*.yaml")) == files


def test_what_is_only_printed_may_be_half(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(Imported([GOOD], found=[error("I03")]), Target(None, force=False, as_json=False)) == 1
    assert "profile: p" in capsys.readouterr().out


def test_what_is_there_stays_without_force(tmp_path: Path) -> None:
    path = tmp_path / "p.profile.yaml"
    path.write_text("mine")
    assert ended(Imported([GOOD]), Target(tmp_path, force=False, as_json=False)) == 1
    assert path.read_text() == "mine"
    assert ended(Imported([GOOD]), Target(tmp_path, force=True, as_json=False)) == 0
    assert path.read_text() != "mine"


def test_json_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(Imported([GOOD]), Target(tmp_path, force=False, as_json=True)) == 0
    assert json.loads(capsys.readouterr().out)["written"] == [str(tmp_path / "p.profile.yaml")]
    assert ended(Imported([GOOD], found=[error("I03")]), Target(tmp_path, force=True, as_json=True)) == 2
    assert json.loads(capsys.readouterr().out)["written"] == []


def test_a_file_is_called_by_its_name() -> None:
    assert [shown(path) for path in (SOURCE, Path(), Path(".."))] == ["list.csv", ".", ".."]
