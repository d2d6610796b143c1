"""fieldgate replay: what was recorded, read with another mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.replaying import moment
from gateway.plant import read
from gateway.record import ring
from tests.gateway.cli.plant import call
from tests.gateway.field import PROFILE
from tests.gateway.record.making import ADAPTERS, WRONG, at, fast, kept, record, refused, slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plant that was put right after something was recorded."""
    made = kept(tmp_path / "plant", WRONG)
    record(made / "state", read(made, ADAPTERS), [fast(0), slow(0), fast(1, power=1530.25), refused(2), fast(3)])
    return kept(made)


def told(folder: Path, *more: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("replay", folder, "press-7", "--json", *more).stdout)
    return found


def test_what_differs_is_shown_point_by_point(folder: Path) -> None:
    shown = call("replay", folder, "press-7")
    assert shown.exit_code == 0
    head, _, power, load, tail = shown.stdout.splitlines()
    assert head == "5 scans from 2026-11-30T00:53:20.000Z to 2026-11-30T00:53:23.000Z"
    assert power.split() == [
        *("power", "3", "of", "4", "00:53:20", "2.529651e-29", "→", "1520.5", "00:53:23", "2.529651e-29", "→"),
        *("1520.5", "2.529651e-29", "to", "131347", "W", "1520.5", "to", "1530.25", "W", "1", "→", "1"),
    ]
    assert load.split()[:4] == ["load", "3", "of", "4"]
    assert tail == "3 points the same"


def test_the_same_as_json(folder: Path) -> None:
    found = told(folder)
    assert (found["device"], found["scans"], found["mappings"], found["published"]) == ("press-7", 5, 1, None)
    points = {point["name"]: point for point in found["points"]}
    assert {name: point["differ"] for name, point in points.items()} == {
        "voltage": 0,
        "power": 3,
        "state": 0,
        "load": 3,
        "energy": 0,
    }
    assert points["power"]["last"]["new"] == {"value": 1520.5, "unit": "W", "quality": "good", "reason": ""}
    assert points["power"]["new"] == {"lowest": 1520.5, "highest": 1530.25, "bad": 1, "unit": "W"}


def test_a_draft_is_tried_without_touching_the_plant(folder: Path, tmp_path: Path) -> None:
    draft = kept(tmp_path / "draft", PROFILE.replace("scale: 0.1", "scale: 0.01"))
    found = told(folder, "--mapping", draft, "--point", "voltage")
    [voltage] = found["points"]
    assert (voltage["first"]["old"]["value"], voltage["first"]["new"]["value"]) == (230.2, 23.02)


def test_that_nothing_differs_is_said(folder: Path) -> None:
    kept(folder, WRONG)
    assert call("replay", folder, "press-7").stdout.startswith("nothing differs: 5 points in 5 scans from 2026-11-30T")


def test_only_the_time_that_was_asked_for(folder: Path) -> None:
    assert told(folder, "--since", "2026-11-30T00:53:21Z", "--until", "2026-11-30T00:53:22Z")["scans"] == 2
    assert call("replay", folder, "press-7", "--until", "2026-01-01").stdout == "nothing was recorded in that time\n"


def test_times_are_understood_as_people_write_them() -> None:
    now = at(0)
    assert moment("2h", now) == now - 7200 * 10**9
    assert moment("2026-11-30T00:53:20Z", now) == moment("2026-11-30T01:53:20+01:00", now) == now
    assert moment("2026-11-30 00:53:20", now) == now


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--since", "yesterday"], 2, '"yesterday" is no time'),
        (["--point", "powr"], 2, 'did you mean "power"'),
        (["--publish"], 2, "add --yes"),
        (["--publish", "--recorded", "x.json"], 2, "leave --recorded out"),
        (["--recorded", "nowhere.json"], 2, "nowhere.json: No such file"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(folder: Path, more: list[str], code: int, said: str) -> None:
    result = call("replay", folder, "press-7", *more)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_device_that_was_not_recorded_is_told_with_what_to_do(tmp_path: Path) -> None:
    result = call("replay", kept(tmp_path / "plant"), "press-7")
    assert result.exit_code == 1
    assert result.stderr.startswith("nothing was recorded of press-7\n    hint: write  record: 24h")


def test_a_mapping_that_was_in_force_and_is_gone_is_told(folder: Path) -> None:
    for path in (folder / "state" / "record" / "plants").iterdir():
        path.unlink()
    result = call("replay", folder, "press-7")
    assert result.exit_code == 1
    assert "the mapping that was in force is not there any more" in result.stderr


def test_what_is_damaged_is_said(folder: Path) -> None:
    path = ring.files(folder / "state" / "record", "press-7")[0].path
    path.write_bytes(path.read_bytes()[:-5])
    result = call("replay", folder, "press-7")
    assert "of the record are damaged and passed over" in result.stderr
    assert result.stdout.startswith("4 scans from")


def test_registers_that_nobody_read_are_named(folder: Path) -> None:
    kept(folder, PROFILE.replace("voltage: {at: 0", "voltage: {at: 7"))
    assert (
        "not in the record, where the new mapping looks for them: voltage" in call("replay", folder, "press-7").stderr
    )


def test_what_probe_kept_is_read_the_same_way(folder: Path, tmp_path: Path) -> None:
    block = fast(0).blocks[0]
    entry = {"device": "press-7", "key": block.key, "hex": block.data.hex(), "at_ns": block.at_ns}
    path = tmp_path / "seen.json"
    path.write_text(json.dumps({"schema": "fieldgate/recording/v1", "blocks": [entry]}))
    draft = kept(tmp_path / "draft", PROFILE.replace("scale: 0.1", "scale: 0.01"))
    found = told(folder, "--recorded", path, "--mapping", draft)
    assert {point["name"]: point["differ"] for point in found["points"]} == {
        "voltage": 1,
        "power": 0,
        "state": 0,
        "load": 0,
    }
    path.write_text(json.dumps({"schema": "fieldgate/recording/v1", "blocks": [entry | {"device": "press-8"}]}))
    result = call("replay", folder, "press-7", "--recorded", path)
    assert (result.exit_code, "it holds: press-8" in result.stderr) == (1, True)
