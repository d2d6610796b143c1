"""fieldgate plan and diff: what will be, before it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.modbus.device import Device
from tests.gateway.cli.plant import call
from tests.gateway.field import PROFILE, plant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return plant(tmp_path / "plant", "tcp://127.0.0.1:1")


def test_plan_tells_requests_and_messages(folder: Path) -> None:
    lines = call("plan", folder).stdout.splitlines()
    assert lines[0] == "tcp://127.0.0.1:1: 4 points → 2 requests; 1.02 requests/s, 29 B/s"
    assert lines[1] == "  press-7: 4 points → 1 request every 1 s, 1 request every 60 s"
    assert lines[3].startswith("press-7  87,840 messages and ")
    assert lines[-1] == "  the hub counts 87,840; a unit of S1 takes 400,000 a day: 1 unit"


def test_plan_names_each_request_with_its_points(folder: Path) -> None:
    told = call("plan", folder, "--requests").stdout
    assert "    input 0..3 (4 registers) every 1 s: voltage, power, state" in told.splitlines()


def test_plan_as_json(folder: Path) -> None:
    told = json.loads(call("plan", folder, "--json").stdout)
    [line] = told["lines"]
    assert (line["points"], len(line["planned"]), told["quota_per_day"]) == (4, 2, 400_000)
    assert told["devices"][0]["messages_per_day"] == 87_840


def test_plan_of_a_plant_with_mistakes_tells_the_mistakes(folder: Path) -> None:
    (folder / "acme-pm1.profile.yaml").write_text(PROFILE.replace("unit: V", "unit: Vlot"))
    told = call("plan", folder)
    assert told.exit_code == 2
    assert "error M12" in told.stderr


def test_diff_of_equal_plants_ends_with_0(folder: Path, tmp_path: Path) -> None:
    told = call("diff", folder, plant(tmp_path / "other", "tcp://127.0.0.1:1"))
    assert (told.exit_code, told.stdout) == (0, "nothing changes: 1 device unchanged\n")


def test_diff_tells_what_changes_for_whom(folder: Path, tmp_path: Path) -> None:
    other = plant(tmp_path / "other", "tcp://127.0.0.1:1", PROFILE.replace("  state:", "  mode:"))
    path = other / "hall.devices.yaml"
    path.write_text(path.read_text() + '  press-8: {profile: acme-pm1, connect: {modbus: "tcp://127.0.0.1:2"}}\n')
    told = call("diff", folder, other)
    assert told.exit_code == 1
    assert told.stdout.splitlines() == [
        "+ press-8: new device",
        "~ press-7",
        "    + mode",
        "    - state",
        "0 devices unchanged",
    ]
    as_json = json.loads(call("diff", folder, other, "--json").stdout)
    assert (as_json["added"], as_json["devices"][0]["removed"]) == (["press-8"], ["state"])


def test_diff_reads_live_values_and_shows_both_meanings(served: Device, tmp_path: Path) -> None:
    here = plant(tmp_path / "a", served.endpoint)
    other = plant(tmp_path / "b", served.endpoint, PROFILE.replace("order: CDAB, ", ""))
    told = call("diff", here, other, "--live")
    assert "    ~ energy: order CDAB → ABCD   70000 → 292552705" in told.stdout.splitlines()


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_file_that_is_no_recording_is_said(folder: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "recorded.json"
    path.write_text(text)
    told = call("diff", folder, folder, "--recorded", path)
    assert told.exit_code == 2
    assert f"{path}: this is no" in told.stderr


def test_a_recording_of_something_else_is_said(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "recorded.json"
    block = {"device": "press-7", "key": "nonsense", "hex": "", "at_ns": 0}
    path.write_text(json.dumps({"schema": "fieldgate/recording/v1", "blocks": [block]}))
    told = call("diff", folder, folder, "--recorded", path)
    assert told.exit_code == 2
    assert "nonsense" in told.stderr


def test_json_tells_mistakes_too(folder: Path) -> None:
    (folder / "acme-pm1.profile.yaml").write_text(PROFILE.replace("unit: V", "unit: Vlot"))
    told = call("plan", folder, "--json")
    assert told.exit_code == 2
    assert [entry["code"] for entry in json.loads(told.stdout)["diagnostics"]] == ["M12"]
