"""Devices of one line that say differently what it has once are told before anything is polled, at file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.modbus import ADAPTER
from gateway import plant
from tests.gateway.mapping.plants import FILES, write

HEAD = "schema: fieldgate/devices/v1\ndevices:\n"


def told(tmp_path: Path, *connects: str, second: str = "") -> list[str]:
    """What is said of these devices, ``m-1`` on line 3 and so on; ``second`` is one in a file of its own."""
    listed = [f"  m-{number}: {{profile: m, connect: {{{text}}}}}\n" for number, text in enumerate(connects, 1)]
    files = {
        "gateway.yaml": FILES["gateway.yaml"],
        "root.pem": "",
        "m.profile.yaml": (
            "schema: fieldgate/profile/v1\nprofile: m\nprotocol: modbus\npoints:\n  p: {at: 1, every: 1s}\n"
        ),
        "a.devices.yaml": HEAD + "".join(listed),
    }
    if second:
        files["b.devices.yaml"] = f"{HEAD}  n-1: {{profile: m, connect: {{{second}}}}}\n"
    try:
        found = plant.read(write(tmp_path, files), {"modbus": ADAPTER}).warnings
    except plant.PlantInvalid as invalid:
        found = invalid.diagnostics
    assert [one.severity for one in found] == ["warning" if one.code == "D13" else "error" for one in found]
    said = [f"{one.file}:{one.line}:{one.column} {one.code} {one.text}" for one in found]
    return [text.replace(f"{tmp_path}/", "") for text in said]


def test_another_baud_rate_on_one_line(tmp_path: Path) -> None:
    port = 'modbus: "rtu:///dev/serial/by-id/x"'
    assert told(tmp_path, f"{port}, baud: 9600", f"{port}, unit_id: 2, baud: 9600") == []
    (said,) = told(
        tmp_path, f"{port}, baud: 9600", f"{port}, unit_id: 2, baud: 19200", f"{port}, unit_id: 3, baud: 9600"
    )
    assert said.endswith("D12 m-2 and m-1 (line 3) are on one line, but differ in baud: 19200 and 9600")
    assert said.startswith("a.devices.yaml:4:")


def test_what_is_left_out_is_what_it_then_is_and_other_files_are_named(tmp_path: Path) -> None:
    port = 'modbus: "rtu:///dev/serial/by-id/x"'
    said = told(tmp_path, f"{port}, baud: 9600, parity: none", second=f"{port}, unit_id: 2")
    assert said == [
        "b.devices.yaml:3:21 D12 n-1 and m-1 (a.devices.yaml:3) are on one line, but differ in baud: 19200 and 9600",
        "b.devices.yaml:3:21 D12 n-1 and m-1 (a.devices.yaml:3) are on one line, but differ in parity: even and none",
    ]


def test_another_certificate_on_one_line(tmp_path: Path) -> None:
    line = 'modbus: "tls://plc", trust: /roots.pem'
    (first, second) = told(tmp_path, line, f"{line}, unit_id: 2, certificate: /ours.pem, key: /ours.key")
    assert first.endswith("differ in certificate: /ours.pem and none")
    assert second.endswith("differ in key: /ours.key and none")


def test_what_the_line_has_not_is_of_no_account(tmp_path: Path) -> None:
    assert told(tmp_path, 'modbus: "tcp://plc", baud: 9600', 'modbus: "tcp://plc", unit_id: 2, baud: 19200') == []
    assert told(tmp_path, 'modbus: "tcp://plc", timeout: 1s', 'modbus: "tcp://plc", unit_id: 2, timeout: 3s') == []


@pytest.mark.parametrize(
    ("one", "other", "port"),
    [
        ("tcp://10.0.0.5:502", "rtu+tcp://10.0.0.5:502", "10.0.0.5:502"),
        ("rtu:///dev/serial/by-id/x", "ascii:///dev/serial/by-id/x", "/dev/serial/by-id/x"),
    ],
)
def test_two_lines_to_one_port_are_two_connections(tmp_path: Path, one: str, other: str, port: str) -> None:
    given = [f'modbus: "{one}"', f'modbus: "{one}", unit_id: 2', f'modbus: "{other}"', f'modbus: "{other}", unit_id: 2']
    (said,) = told(tmp_path, *given)
    assert f"D13 m-3 and m-1 (line 3) reach {port} in two ways, {other} and {one}" in said
    assert said.startswith("a.devices.yaml:5:")


def test_other_ports_and_datagrams_are_lines_of_their_own(tmp_path: Path) -> None:
    given = ["tcp://10.0.0.5:502", "tcp://10.0.0.5:503", "udp://10.0.0.5:502", "tcp://10.0.0.6:502"]
    assert told(tmp_path, *(f'modbus: "{text}"' for text in given)) == []


def test_who_may_call_is_said_once(tmp_path: Path) -> None:
    line = 'modbus: "listen://0.0.0.0:5020", from'
    (said,) = told(tmp_path, f"{line}: 10.20.0.15", f"{line}: [10.20.0.16, 10.20.1.0/24], unit_id: 2")
    assert said.endswith("differ in from: 10.20.0.16, 10.20.1.0/24 and 10.20.0.15")
