"""fieldgate set: a point is set by hand, after it was shown and asked, and the result is said in words."""

from __future__ import annotations

import json
import logging
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import serial
from click.testing import CliRunner, Result

from gateway.cli import main, setting
from gateway.status import lock
from tests.adapters.modbus.device import Device
from tests.gateway.cli.plant import call
from tests.gateway.field import plant
from tests.gateway.machine import PROFILE, machine


@pytest.fixture
def served(served: Device) -> Device:
    served.units[7] = machine()
    return served


@pytest.fixture
def folder(served: Device, tmp_path: Path) -> Path:
    return plant(tmp_path / "plant", served.endpoint, PROFILE)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str, *words: str | Path) -> Result:
    monkeypatch.setattr(setting, "at_a_terminal", lambda: True)
    return CliRunner().invoke(main, [str(word) for word in words], input=answer)


def writes(device: Device) -> list[int]:
    return [request[7] for request in device.requests if request[7] in (5, 6, 15, 16, 22)]


def test_a_point_is_set_and_read_back(folder: Path, served: Device) -> None:
    told = call("set", folder, "press-7", "speed", "25.5", "--yes")
    assert (told.exit_code, told.stdout) == (
        0,
        "press-7 speed: set to 25.5 Hz, was 20 Hz; read back from the device\n",
    )
    assert served.units[7].registers[3][22] == 255
    assert writes(served) == [6]


@pytest.mark.parametrize(
    ("point", "value", "says"),
    [
        ("relay", "on", "press-7 relay: set to true, was false; confirmed by the device's answer"),
        ("mode", "slow", 'press-7 mode: set to "slow", was "fast"; read back from the device'),
        ("step", "9", "press-7 step: set to 9, was 3; confirmed by the device's answer"),
        ("limit", "-2500", "press-7 limit: set to -2500 W, was 1500 W; confirmed by the device's answer"),
    ],
)
def test_every_kind_of_value_can_be_typed(folder: Path, point: str, value: str, says: str) -> None:
    assert call("set", folder, "press-7", point, value, "--yes").stdout.splitlines() == [says]


def test_somebody_at_a_terminal_sees_what_will_be_done_and_is_asked(
    folder: Path, served: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = at_a_terminal(monkeypatch, "y\n", "set", folder, "press-7", "speed", "25")
    assert told.exit_code == 0, told.output
    assert told.stderr.splitlines()[:2] == [
        "press-7 speed: holds 20 Hz",
        "will be set to 25 Hz, sent as raw value 250",
    ]
    assert "set it? [y/N]" in told.stderr
    assert served.units[7].registers[3][22] == 250


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_without_a_yes_nothing_is_sent(
    folder: Path, served: Device, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    told = at_a_terminal(monkeypatch, answer, "set", folder, "press-7", "speed", "25")
    assert told.exit_code == 1
    assert "nothing was sent" in told.stderr
    assert writes(served) == []


def test_without_a_terminal_somebody_must_have_said_yes(folder: Path, served: Device) -> None:
    told = call("set", folder, "press-7", "speed", "25")
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == "nobody can be asked here whether to set it\n    hint: add --yes\n"
    assert served.requests == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("press-7", "voltage", "7"), "voltage: it cannot be written: its mapping has no write:"),
        (("press-7", "twice", "7"), "twice: it is computed from other points, so that it cannot be written"),
        (("press-7", "sped", "7"), 'sped: press-7 has no such point\n    hint: did you mean "speed"?'),
        (("press-9", "speed", "7"), 'there is no device "press-9" in this plant\n    hint: did you mean "press-7"?'),
        (("press-7", "speed", "51"), "speed: 51 Hz is outside of what write: allows: 0 to 50 Hz"),
        (("press-7", "speed", "-1"), "speed: -1 Hz is outside of what write: allows: 0 to 50 Hz"),
        (("press-7", "speed", "20,5"), 'speed: "20,5" uses a decimal comma\n    hint: write 20.5'),
        (
            ("press-7", "speed", "20.05"),
            "speed: it cannot hold 20.05\n    hint: the nearest that it can are 20 and 20.1 Hz",
        ),
        (("press-7", "mode", "fast"), 'mode: write: does not allow "fast"\n    hint: allowed: off, slow'),
    ],
)
def test_what_is_not_allowed_ends_with_2_and_touches_no_device(
    folder: Path, served: Device, words: tuple[str, ...], says: str
) -> None:
    told = call("set", folder, *words, "--yes")
    assert told.exit_code == 2
    assert says in told.stderr
    assert served.requests == []


def test_what_can_only_be_read_is_not_told_to_be_given_write(served: Device, tmp_path: Path) -> None:
    profile = PROFILE.replace("voltage: {at: 41,", "voltage: {at: 41, table: input,")
    told = call("set", plant(tmp_path / "plant", served.endpoint, profile), "press-7", "voltage", "7", "--yes")
    assert (told.exit_code, told.stderr) == (2, "voltage: input registers can only be read\n")


def test_a_port_that_the_running_gateway_holds_is_told_so(tmp_path: Path) -> None:
    port = tmp_path / "port"
    own, other = os.openpty()
    port.symlink_to(os.ttyname(other))
    folder = plant(tmp_path / "plant", f"rtu://{port}", PROFILE)
    (folder / "state").mkdir()
    with serial.Serial(str(port), exclusive=True), lock.held(folder / "state", lock.Holder("gw-1", 4711, "", "")):
        for words in (("set", folder, "press-7", "speed", "25", "--yes"), ("probe", folder, "press-7")):
            told = call(*words)
            assert told.exit_code == 1
            assert 'hint: the running gateway "gw-1" (pid 4711) holds it: stop it meanwhile' in told.stderr
    os.close(own)
    os.close(other)


def test_json_is_for_programs(folder: Path) -> None:
    told = json.loads(call("set", folder, "press-7", "speed", "25", "--yes", "--json").stdout)
    assert told == {
        "ok": True,
        "device": "press-7",
        "point": "speed",
        "unit": "Hz",
        "old": 20.0,
        "old_reason": "",
        "new": 25.0,
        "raw": 250,
        "confirmed": "readback",
        "repeated": False,
        "doubt": "",
    }


def test_a_refusal_of_the_device_is_said_and_ends_with_1(folder: Path, served: Device) -> None:
    served.units[7].unknown = {6, 16}
    told = call("set", folder, "press-7", "speed", "25", "--yes")
    assert told.exit_code == 1
    assert "speed: the device refused: exception 1: illegal function" in told.stderr


def test_an_unknown_outcome_says_how_to_see_it(folder: Path, served: Device) -> None:
    def no_answer_to_writes(request: bytes, answer: bytes) -> list[bytes | float]:
        return [] if request[7] == 16 else [answer]

    served.mangle = no_answer_to_writes
    told = call("set", folder, "press-7", "setpoint", "25", "--yes")
    assert told.exit_code == 1
    assert "setpoint: no answer in time; it is unknown whether it was carried out\n" in told.stderr
    assert f"hint: see what it holds: fieldgate probe {folder} press-7 setpoint" in told.stderr
    (folder / "state" / "written.json").unlink()
    told = call("set", folder, "press-7", "setpoint", "25", "--yes", "--json")
    assert json.loads(told.stdout)["unknown"] is True


def test_an_idempotent_write_is_sent_once_more(folder: Path, served: Device) -> None:
    def no_answer_to_writes(request: bytes, answer: bytes) -> list[bytes | float]:
        return [] if request[7] == 6 else [answer]

    served.mangle = no_answer_to_writes
    told = call("set", folder, "press-7", "speed", "25", "--yes")
    assert told.exit_code == 0, told.output
    assert writes(served) == [6, 6]
    assert "read back from the device; it was sent twice" in told.stdout


def test_a_wrong_echo_that_reading_back_settles_is_told(folder: Path, served: Device) -> None:
    def echo_another_address(request: bytes, answer: bytes) -> list[bytes | float]:
        return [answer[:8] + b"\0\2" + answer[10:]] if request[7] == 6 else [answer]

    served.mangle = echo_another_address
    told = call("set", folder, "press-7", "mode", "slow", "--yes")
    assert told.exit_code == 0, told.output
    assert "read back from the device, but the device did not confirm it rightly: wrong answer" in told.stdout


def test_what_cannot_be_read_before_is_set_only_with_unread(folder: Path, served: Device) -> None:
    def fails_to_read(request: bytes, answer: bytes) -> list[bytes | float]:
        return [request[:4] + b"\0\3" + request[6:7] + b"\x83\4"] if request[7] == 3 else [answer]

    served.mangle = fails_to_read
    told = call("set", folder, "press-7", "setpoint", "25", "--yes")
    assert told.exit_code == 1, told.output
    assert "setpoint: it could not be read before: exception 4: device failure; nothing was sent" in told.stderr
    assert "--unread" in told.stderr
    assert writes(served) == []
    told = call("set", folder, "press-7", "setpoint", "25", "--yes", "--unread")
    assert told.stdout.startswith("press-7 setpoint: set to 25 degC, not read before (exception 4: device failure); ")
    assert [entry.get("unread") for entry in entries(folder)] == [False, True, None]
    assert "25 degC --unread " in call("audit", folder).stdout


def test_a_device_that_is_silent_is_sent_nothing(folder: Path, served: Device) -> None:
    served.silent.add(7)
    told = call("set", folder, "press-7", "speed", "25", "--yes")
    assert told.exit_code == 1
    assert "speed: the device does not answer; nothing was sent\n    hint: is it on" in told.stderr
    assert writes(served) == []


def test_a_line_that_is_down_is_said_with_what_to_do(tmp_path: Path) -> None:
    told = call("set", plant(tmp_path / "plant", "tcp://127.0.0.1:1", PROFILE), "press-7", "speed", "25", "--yes")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("tcp://127.0.0.1:1: connection refused\n    hint: nobody listens on")


def test_an_adapter_that_cannot_write_yet_says_so(folder: Path) -> None:
    (folder / "acme-pm1.profile.yaml").write_text(
        "schema: fieldgate/profile/v1\nprofile: acme-pm1\nprotocol: opcua\npoints:\n"
        '  speed: {node: "i=2258", write: {}}\n'
    )
    (folder / "hall.devices.yaml").write_text(
        "schema: fieldgate/devices/v1\ndevices:\n  press-7: {profile: acme-pm1, "
        'connect: {opcua: "opc.tcp://127.0.0.1:4840"}}\n'
    )
    told = call("set", folder, "press-7", "speed", "25", "--yes")
    assert told.exit_code == 1, told.output
    assert "cannot write to opcua devices yet" in told.stderr


def test_every_act_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fieldgate")
    call("set", folder, "press-7", "speed", "25", "--yes")
    sent, written = (record.getMessage() for record in caplog.records if record.name == "fieldgate")
    user = pwd.getpwuid(os.getuid()).pw_name
    assert sent.startswith(f"press-7 speed: 20 Hz -> 25 Hz, by fieldgate set of {user}: to be written")
    assert written.endswith(": written, read back from the device")


def test_the_distance_of_two_writes_binds_the_next_call(folder: Path, served: Device) -> None:
    assert call("set", folder, "press-7", "setpoint", "25", "--yes").exit_code == 0
    told = call("set", folder, "press-7", "setpoint", "26", "--yes")
    assert told.exit_code == 1
    assert re.search(
        r"setpoint: it was written [0-4]\.\d s ago, and write: allows it every 5 s\n"
        r"    hint: wait [0-5]\.\d s: it may be written again at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n",
        told.stderr,
    )
    assert writes(served) == [16]


def test_somebody_at_a_terminal_is_not_asked_what_is_not_allowed_yet(
    folder: Path, served: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("set", folder, "press-7", "setpoint", "25", "--yes").exit_code == 0
    told = at_a_terminal(monkeypatch, "y\n", "set", folder, "press-7", "setpoint", "26")
    assert told.exit_code == 1
    assert "set it?" not in told.stderr


def test_a_module_that_the_device_has_not_is_set_nothing(served: Device, tmp_path: Path) -> None:
    fan = '  fan_{i}: {at: 45, repeat: {i: 1..3, step: 1}, exists: "fans >= {i}", write: {range: [0, 9]}}'
    folder = plant(
        tmp_path / "plant", served.endpoint, PROFILE.replace("derived:", f"  fans: {{at: 44}}\n{fan}\nderived:")
    )
    served.units[7].registers[3][44] = 2
    told = call("set", folder, "press-7", "fan_3", "5", "--yes")
    assert (told.exit_code, writes(served)) == (1, [])
    assert "fan_3: the device has it only where fans >= 3; fans is 2\n" in told.stderr
    assert call("set", folder, "press-7", "fan_2", "5", "--yes").exit_code == 0
    assert served.units[7].registers[3][46] == 5


def test_a_scale_factor_without_a_value_is_not_the_fault_of_what_was_typed(folder: Path, served: Device) -> None:
    served.units[7].registers[3][31] = 0x8000
    told = call("set", folder, "press-7", "limit", "2500", "--yes")
    assert (told.exit_code, writes(served)) == (1, [])
    assert told.stderr.startswith("limit: its scale factor has no value just now\n")


def test_another_state_directory_is_told(folder: Path, tmp_path: Path) -> None:
    told = call("set", folder, "press-7", "speed", "25", "--yes", "--state", tmp_path / "other")
    own = folder / "state"
    other = f"audit and last writes are those in {tmp_path / 'other'}, not those in {own} (gateway.yaml)\n"
    assert told.exit_code == 0, told.output
    assert told.stderr.startswith(other)
    assert not own.exists()
    assert "not those in" not in call("set", folder, "press-7", "speed", "25", "--yes", "--state", own).stderr


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "state" / "audit.jsonl").read_text().splitlines()]


def test_the_audit_says_who_what_when_by_which_mapping_and_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert call("set", folder, "press-7", "speed", "25", "--yes", "--note", "order 17").exit_code == 0
    intent, outcome = entries(folder)
    user = pwd.getpwuid(os.getuid()).pw_name
    assert intent["by"]["way"] == "fieldgate set"
    assert (intent["by"]["user"], intent["by"]["uid"], intent["by"]["sudo_user"]) == (user, os.getuid(), "anna")
    assert (intent["old"], intent["new"], intent["unit"], intent["note"]) == (20.0, 25.0, "Hz", "order 17")
    assert intent["source"]["file"].endswith("acme-pm1.profile.yaml")
    assert (
        (folder / "acme-pm1.profile.yaml").read_text().splitlines()[intent["source"]["line"] - 1].startswith("  speed:")
    )
    assert (outcome["of"], outcome["outcome"]) == (intent["n"], "confirmed")
    (folder / "acme-pm1.profile.yaml").write_text(PROFILE.replace("[0, 50]", "[0, 60]"))
    call("set", folder, "press-7", "speed", "55", "--yes")
    assert entries(folder)[2]["source"]["plant"] != intent["source"]["plant"], "another mapping allowed it"


@pytest.mark.parametrize(
    ("words", "outcome", "why"),
    [
        (("voltage", "7"), "refused", "voltage: it cannot be written: its mapping has no write:"),
        (("sped", "7"), "refused", "sped: press-7 has no such point"),
        (("speed", "51"), "refused", "speed: 51 Hz is outside of what write: allows: 0 to 50 Hz"),
        (("speed", "fast"), "refused", 'speed: it must be a number, but it is "fast"'),
    ],
)
def test_what_was_refused_is_in_the_audit(folder: Path, words: tuple[str, str], outcome: str, why: str) -> None:
    call("set", folder, "press-7", *words, "--yes")
    (entry,) = entries(folder)
    assert (entry["kind"], entry["outcome"], entry["why"]) == ("refusal", outcome, why)
    assert entry["point"] == words[0]
    assert entry["wanted"].strip('"') == ("(hidden)" if words[0] == "sped" else words[1]), "it may be a password's name"


def test_what_never_reached_the_device_is_in_the_audit(
    tmp_path: Path, folder: Path, served: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = plant(tmp_path / "away", "tcp://127.0.0.1:1", PROFILE)
    call("set", away, "press-7", "speed", "25", "--yes")
    (entry,) = entries(away)
    assert (entry["outcome"], entry["why"]) == ("not written", "tcp://127.0.0.1:1: connection refused")
    served.silent.add(7)
    at_a_terminal(monkeypatch, "y\n", "set", folder, "press-7", "speed", "25")
    (entry,) = entries(folder)
    assert (entry["outcome"], entry["why"]) == (
        "not written",
        "speed: the device does not answer; nothing was sent",
    )


def test_who_cannot_write_the_audit_cannot_set_anything(folder: Path, served: Device) -> None:
    (folder / "state" / "audit.jsonl").mkdir(parents=True)
    told = call("set", folder, "press-7", "speed", "25", "--yes")
    assert told.exit_code == 1
    assert "speed: the audit cannot be written: Is a directory; nothing was sent\n    hint: see to the" in told.stderr
    assert writes(served) == []


@pytest.mark.slow
def test_a_process_that_is_killed_while_the_device_thinks_leaves_its_intent(folder: Path, served: Device) -> None:
    served.mangle = lambda request, answer: [] if request[7] == 6 else [answer]
    (folder / "hall.devices.yaml").write_text((folder / "hall.devices.yaml").read_text().replace("200ms", "20s"))
    command = [sys.executable, "-m", "gateway", "set", str(folder), "press-7", "speed", "25", "--yes"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 20
        while not writes(served):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.kill()
    (intent,) = entries(folder)
    assert (intent["kind"], intent["new"]) == ("intent", 25.0)
    assert "nothing tells what became of it" in call("audit", folder).stdout


@pytest.mark.slow
def test_ctrl_c_says_where_to_see_what_became_of_it(folder: Path, served: Device) -> None:
    served.mangle = lambda request, answer: [] if request[7] == 6 else [answer]
    (folder / "hall.devices.yaml").write_text((folder / "hall.devices.yaml").read_text().replace("200ms", "20s"))
    command = [sys.executable, "-m", "gateway", "set", str(folder), "press-7", "speed", "25", "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 20
        while not writes(served):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert told.splitlines()[-2:] == [
        "stopped",
        f"    hint: what became of it: fieldgate audit {folder} --device press-7",
    ]
    assert [entry.get("outcome") for entry in entries(folder)] == [None, "not confirmed"]


def test_a_wrong_option_is_no_value(folder: Path) -> None:
    assert call("set", folder, "press-7", "speed", "25", "--yse").exit_code == 2
