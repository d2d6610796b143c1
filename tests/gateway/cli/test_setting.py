"""fieldgate set: a point is set by hand, after it was shown and asked, and the result is said in words."""

from __future__ import annotations

import json
import logging
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner, Result

from gateway.cli import main, setting
from gateway.status import lock
from tests.adapters.modbus.device import Device
from tests.gateway.cli.plant import call
from tests.gateway.field import field, plant
from tests.gateway.machine import PROFILE, machine


@pytest.fixture
def served() -> Iterator[Device]:
    with field() as device:
        device.units[7] = machine()
        yield device


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


def test_a_wrong_option_is_no_value(folder: Path) -> None:
    assert call("set", folder, "press-7", "speed", "25", "--yse").exit_code == 2
