"""``fieldgate demo`` as a person sees it: without a terminal lines, in one the live picture; Ctrl-C ends it at once."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.cli.demonstration import DemoTrouble, prepare, tell_hub
from tests.gateway.cli.plant import call
from tests.journeys.rig import ROOT, wait_for

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "gateway", "demo"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def start(directory: Path, terminal: int | None = None) -> subprocess.Popen[bytes]:
    """The demo on a terminal, or with a pipe."""
    return subprocess.Popen(
        [*DEMO, "--directory", str(directory)],
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture
def demo(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(directory)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def read_until(process: subprocess.Popen[bytes], pattern: str, limit_s: float = 30) -> str:
    assert process.stdout is not None
    text, end = "", time.monotonic() + limit_s
    while time.monotonic() < end and not re.search(pattern, text):
        readable, _, _ = select.select([process.stdout], [], [], 0.2)
        if readable:
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            text += piece.decode()
    assert re.search(pattern, text), text
    return text


def test_prints_lines_without_a_terminal_and_stops_at_once(demo: subprocess.Popen[bytes], directory: Path) -> None:
    text = read_until(demo, r"hub there: [1-9]\d* messages acknowledged, 0 lost")
    assert "demo --outage" in text
    read_until(demo, r"(?s)meter-mcc1: [^\n]*voltage_l1 2\d\d(\.\d+)? V.*meter-hvac: voltage_l1 2\d\d(\.\d+)? V")
    began = time.monotonic()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(10) == 0
    assert time.monotonic() - began < 2
    left = subprocess.run(["pgrep", "-f", str(directory)], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_a_closed_terminal_window_ends_it_with_all_its_children(demo: subprocess.Popen[bytes], directory: Path) -> None:
    read_until(demo, r"hub there")
    demo.send_signal(signal.SIGHUP)
    assert demo.wait(10) == 0
    assert subprocess.run(["pgrep", "-f", str(directory)], capture_output=True, check=False).stdout == b""


def test_an_outage_from_a_second_terminal_fills_and_drains_the_disk(
    demo: subprocess.Popen[bytes], directory: Path
) -> None:
    read_until(demo, r"hub there: [1-9]")
    second = call("demo", "--outage", "4", "--directory", directory)
    assert second.exit_code == 0
    assert "away for 4 s" in second.stdout
    read_until(demo, r"hub AWAY")
    read_until(demo, r"disk: [1-9]\d* messages wait")
    text = read_until(demo, r"hub there: \d+ messages acknowledged, 0 lost, 0 out of order")
    assert "Traceback" not in text


def test_the_live_picture_in_a_terminal(directory: Path) -> None:
    leader, follower = pty.openpty()
    process = start(directory, follower)
    os.close(follower)
    seen = b""

    def look() -> bool:
        nonlocal seen
        readable, _, _ = select.select([leader], [], [], 0.1)
        if readable:
            with suppress(OSError):  # the other end is gone
                seen += os.read(leader, 65536)
        return b"voltage_l1" in seen and b"acknowledged" in seen

    try:
        wait_for("the picture", look)
        os.write(leader, b"o")
        wait_for("the outage", lambda: look() and b"AWAY" in seen)
        os.write(leader, b"q")
        began = time.monotonic()
        wait_for("the end", lambda: (look(), process.poll() is not None)[1], 5)
        assert time.monotonic() - began < 2
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def test_a_taken_port_is_named(directory: Path) -> None:
    import socket

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 15020))
        other.listen()
        process = start(directory)
        text = read_until(process, r"demo: .*15020")
        assert process.wait(10) == 1
        assert process.stdout is not None
        process.stdout.close()
    assert "Traceback" not in text


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DemoTrouble, match="holds something else"):
        prepare(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_outage_without_a_demo_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(DemoTrouble, match="fieldgate demo"):
        tell_hub(tmp_path, {"command": "away"})
    assert call("demo", "--outage", "--directory", tmp_path).exit_code == 1


def test_what_was_written_into_the_plant_is_still_there_the_next_time(directory: Path) -> None:
    prepare(directory)
    mine = directory / "plant" / "hall-b" / "mine.devices.yaml"
    mine.parent.mkdir()
    mine.write_text(
        "schema: fieldgate/devices/v1\ndevices:\n"
        '  press-7: {profile: eastron-sdm120, connect: {modbus: "tcp://127.0.0.1:15020", unit_id: 7}}\n'
    )
    plant = prepare(directory)
    assert [device.name for device in plant.devices] == ["meter-mcc1", "meter-hvac", "press-7"]
    assert "press-7" in (directory / "devices.json").read_text()  # the hub knows it
    assert "press-7" not in (directory / "points.json").read_text()  # and the meter is what it is, whatever one writes
    assert [device.name for device in prepare(directory, fresh=True).devices] == ["meter-mcc1", "meter-hvac"]


def test_a_plant_with_a_mistake_is_told_and_kept(directory: Path) -> None:
    prepare(directory)
    mine = directory / "plant" / "mine.devices.yaml"
    mine.write_text("schema: fieldgate/devices/v1\ndevices: [")
    for _ in range(2):
        with pytest.raises(DemoTrouble, match=r"the plant of the last demo has 1 error.*--fresh begins anew"):
            prepare(directory)
    assert mine.exists()
