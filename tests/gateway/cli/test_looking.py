"""fieldgate probe: what a live device says, as raw as it comes and as it is published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.modbus.device import Device
from tests.gateway.cli.plant import call
from tests.gateway.field import PROFILE, plant


@pytest.fixture
def folder(served: Device, tmp_path: Path) -> Path:
    return plant(tmp_path / "plant", served.endpoint)


def test_a_device_is_shown_with_raw_words_value_and_all_orders(folder: Path) -> None:
    told = call("probe", folder, "press-7")
    assert told.exit_code == 0, told.output
    rows = {line.split()[0]: line.split() for line in told.stdout.splitlines() if line.strip()}
    assert rows["point"] == ["point", "raw", "value", "unit", "ABCD", "CDAB", "BADC", "DCBA", "quality"]
    assert rows["voltage"][:4] == ["voltage", "08fe", "230.2", "V"]
    assert rows["power"][:5] == ["power", "44be", "1000", "1520.5", "W"]
    assert rows["energy"][3:7] == ["70000", "kWh", "292552705", "70000"]
    assert rows["state"][2] == "running"
    assert rows["load"][1:3] == ["1.5205", "kW"]


def test_a_point_is_shown_in_other_orders_and_types(folder: Path) -> None:
    told = call("probe", folder, "press-7", "power").stdout.splitlines()
    assert told[:3] == [
        "power: 1520.5 W",
        "raw words: 44be 1000",
        "  order: ABCD                1520.5   <- as it is mapped",
    ]
    assert any(line.split()[:4] == ["type:", "uint32,", "order:", "ABCD"] for line in told)


def test_a_wrong_order_is_said_in_a_sentence(served: Device, tmp_path: Path) -> None:
    wrong = PROFILE.replace("type: float32", "type: float32, order: CDAB")
    told = call("probe", plant(tmp_path / "wrong", served.endpoint, wrong), "press-7")
    assert "T03: order? power reads 2.529651e-29; with ABCD it would be 1520.5" in told.stdout


def test_json_is_for_programs(folder: Path) -> None:
    told = json.loads(call("probe", folder, "press-7", "voltage", "--json").stdout)
    [point] = told["points"]
    assert (told["device"], point["raw"], point["value"], point["quality"]) == ("press-7", "08fe", 230.2, "good")
    assert {"setting": "order: BADC", "value": 6503.2} in point["candidates"]


def test_a_device_that_does_not_answer_ends_with_1(folder: Path, served: Device) -> None:
    served.silent.add(7)
    told = call("probe", folder, "press-7")
    assert told.exit_code == 1
    assert "timeout" in told.stdout


def test_a_line_that_is_down_is_said_with_what_to_do(tmp_path: Path) -> None:
    told = call("probe", plant(tmp_path / "plant", "tcp://127.0.0.1:1"), "press-7")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("tcp://127.0.0.1:1: connection refused\n    hint: nobody listens on")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("press-9",), 'there is no device "press-9" in this plant\n    hint: did you mean "press-7"?'),
        (("press-7", "voltgae"), 'press-7 has no point "voltgae"\n    hint: did you mean "voltage"?'),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_one(folder: Path, words: tuple[str, ...], says: str) -> None:
    told = call("probe", folder, *words)
    assert told.exit_code == 2
    assert says in told.stderr


def test_an_adapter_that_cannot_read_yet_says_so(folder: Path) -> None:
    devices = (
        'schema: fieldgate/devices/v1\ndevices:\n  tag-1: {profile: ruuvi-df5, connect: {ble: "CB:B8:33:4C:88:4F"}}\n'
    )
    (folder / "ble.devices.yaml").write_text(devices)
    told = call("probe", folder, "tag-1")
    assert told.exit_code == 1
    assert "cannot read ble devices yet" in told.stderr


def test_what_was_recorded_can_be_decoded_with_another_mapping(folder: Path, served: Device, tmp_path: Path) -> None:
    recorded = tmp_path / "press.json"
    assert call("probe", folder, "press-7", "--record", recorded).exit_code == 0
    other = plant(tmp_path / "other", served.endpoint, PROFILE.replace("scale: 0.1", "scale: 0.01"))
    told = call("diff", folder, other, "--recorded", recorded)
    assert told.exit_code == 1
    assert "    ~ voltage: scale 1/10 → 1/100   230.2 → 23.02" in told.stdout.splitlines()


def test_json_has_no_nan(served: Device, folder: Path) -> None:
    served.units[7].put(4, 1, bytes.fromhex("7fc00000"))
    text = call("probe", folder, "press-7", "power", "--json").stdout
    assert json.loads(text, parse_constant=pytest.fail)["points"][0]["value"] is None


def test_a_recording_that_cannot_be_written_is_said(folder: Path) -> None:
    told = call("probe", folder, "press-7", "--record", folder / "no" / "such.json")
    assert told.exit_code == 1
    assert "such.json cannot be written" in told.stderr


def test_a_device_that_gives_nothing_is_helped_with_a_hint(folder: Path, served: Device) -> None:
    served.silent.add(7)
    assert "hint: no answer: is it on, is its unit id right?" in call("probe", folder, "press-7").stderr


def test_trouble_is_json_too(folder: Path) -> None:
    told = call("probe", folder, "press-9", "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout) == {
        "ok": False,
        "error": 'there is no device "press-9" in this plant',
        "hint": 'did you mean "press-7"?',
    }
