"""fieldgate buffer: what waits, of a gateway that stands still and of one that runs; nothing changes by looking."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.buffer.clock import Clocks
from gateway.buffer.port import BufferSettings, OnFull
from gateway.buffer.store import open_buffer
from gateway.cli import buffer as command
from gateway.model import Message, Priority, Stored
from gateway.status.lock import Holder, held
from tests.gateway.cli.plant import call, example, replace

START_NS = 1_795_600_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path)


@pytest.fixture
def filled(folder: Path) -> Path:
    """A plant whose gateway has stopped with three scans and an alarm on its disk, and one scan in the quarantine."""
    asyncio.run(_fill(folder / "state" / "buffer"))
    return folder


async def _fill(place: Path) -> None:
    async with open_buffer(place, BufferSettings(64_000_000)) as buffer:
        await buffer.append([scan("meter-mcc1", 0), scan("meter-hvac", 1), scan("meter-mcc1", 3600)])
        await buffer.append([Message("meter-mcc1", START_NS, "kind=event", b"trip", Priority.ALARM)])
        await buffer.append([scan("meter-bad", 0)])
        await buffer.refuse(await buffer.claim("meter-bad"), "larger than 256 KB")


def scan(identity: str, second: int) -> Message:
    return Message(identity, START_NS + second * 10**9, "profile=x", b'{"v": 1.50}')


def place(folder: Path) -> Path:
    return folder / "state" / "buffer"


def test_shows_what_waits_while_the_gateway_stands_still(filled: Path) -> None:
    before = {path: path.read_bytes() for path in place(filled).iterdir()}
    page = call("buffer", filled)
    assert page.exit_code == 0, page.output
    assert page.stdout.startswith("tampere-gw1: 4 messages wait, ")
    assert "of 2.0 GB" in page.stdout
    assert "the gateway is not running" in page.stdout
    assert "1 telemetry message of 1 identity refused by the hub" in page.stdout
    assert f"fieldgate buffer quarantine list {filled}" in page.stdout
    assert {path: path.read_bytes() for path in place(filled).iterdir()} == before
    assert not (filled / "state" / "lock").exists()


def test_tells_programs_the_same(filled: Path) -> None:
    told = json.loads(call("buffer", "--json", filled).stdout)
    assert (told["running"], told["messages"], told["waiting"], told["quarantined"]) == (
        *(False, 4),
        *({"meter-mcc1": 3, "meter-hvac": 1}, 1),
    )
    assert [(one["class"], one["messages"], one["on_full"]) for one in told["classes"]] == [
        ("alarm", 1, "refuse"),
        ("telemetry", 3, "thin"),
        ("bulk", 0, "drop-oldest"),
    ]
    assert told["free_bytes"] > 0


def test_tells_rate_days_left_and_losses_by_reason(folder: Path) -> None:
    """Four hours of scans with a quota of 16 MB and an hour of lifetime for bulk, as the files tell of them."""
    asyncio.run(_fill_for_hours(folder / "state" / "buffer"))
    replace(folder, "gateway.yaml", "quota: 2 GB", "quota: 16 MiB, min_free: 0 MB, keep: {bulk: 1h}")
    told = json.loads(call("buffer", "--json", folder).stdout)
    lost = {(one["reason"], one["class"]): one["messages"] for one in told["lost"]}
    assert lost.keys() == {("quota", "telemetry"), ("expired", "bulk")}
    assert told["messages"] == told["waiting"]["meter-mcc1"]
    assert told["messages"] + sum(lost.values()) == 100 + 10
    page = call("buffer", folder).stdout
    assert f"{lost['quota', 'telemetry']:,} telemetry messages of 1 identity dropped (quota), measured 2026-11-" in page
    assert "10 bulk messages of 1 identity older than they may become (expired)" in page
    assert re.search(r"room for|full in about \d+ (min|h)|no room is left", page), page
    rate = 100 * 200_000 / (4 * 3600)
    assert rate < told["growth_bytes_per_s"] < 2 * rate
    bulk = next(line for line in page.splitlines() if line.startswith("  bulk"))
    assert "1 h 0 min" in bulk


async def _fill_for_hours(place: Path) -> None:
    now_s = 0.0
    clock = Clocks(wall_ns=lambda: START_NS + int(now_s * 1e9), boottime_s=lambda: 1000.0 + now_s)
    drop: dict[Priority, OnFull] = {Priority.TELEMETRY: "drop-oldest"}
    settings = BufferSettings(16 * 2**20, on_full=drop, keep={Priority.BULK: 3600.0})
    async with open_buffer(place, settings, clock=clock) as buffer:
        await buffer.append([Message("meter-mcc1", START_NS, "", b"x", Priority.BULK)] * 10)
        for number in range(100):
            now_s = number * 144.0
            at_ns = START_NS + number * 144 * 10**9
            await buffer.append([Message("meter-mcc1", at_ns, "", os.urandom(200_000))])


def test_a_plant_whose_other_files_have_mistakes_is_looked_at_all_the_same(filled: Path) -> None:
    next(filled.rglob("hall-a.devices.yaml")).write_text("devices: [")
    assert call("buffer", filled).exit_code == 0
    (filled / "gateway.yaml").write_text((filled / "gateway.yaml").read_text().replace("2 GB", "2"))
    told = call("buffer", filled)
    assert (told.exit_code, "M19" in told.stderr) == (2, True)


def test_says_that_there_is_no_buffer_yet(folder: Path) -> None:
    told = call("buffer", folder)
    assert told.exit_code == 1
    assert "there is no buffer in" in told.stderr
    assert f"fieldgate run {folder}" in told.stderr
    assert not (folder / "state").exists()


def test_a_gateway_that_does_not_answer_is_named(filled: Path) -> None:
    with held(filled / "state", Holder("tampere-gw1", 4711, "/etc/plant", "2026-11-24T10:00:00.000Z")):
        told = call("buffer", filled)
    assert told.exit_code == 1
    assert 'in use by gateway "tampere-gw1": fieldgate run, pid 4711, plant /etc/plant, since 2026-11-24' in told.stderr
    assert "it does not answer" in told.stderr


def test_a_directory_of_a_newer_version_is_named(filled: Path) -> None:
    for path in place(filled).glob("meta.db*"):
        path.unlink()
    with closing(sqlite3.connect(place(filled) / "meta.db")) as connection, connection:
        connection.execute("PRAGMA user_version=99")
    told = call("buffer", filled)
    assert told.exit_code == 1
    assert "newer version" in told.stderr


def rows(*arguments: str | Path) -> list[dict[str, object]]:
    told = call("buffer", "export", *arguments)
    assert told.exit_code == 0, told.output
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_exports_each_message_that_waits_as_a_line(filled: Path) -> None:
    found = rows(filled)
    assert [(one["identity"], one["class"], one["sequence"]) for one in found] == [
        ("meter-mcc1", "alarm", 1),
        ("meter-mcc1", "telemetry", 1),
        ("meter-mcc1", "telemetry", 2),
        ("meter-hvac", "telemetry", 1),
    ]
    assert found[0]["base64"] == "dHJpcA=="
    assert found[1] == {
        "id": found[1]["id"],
        "identity": "meter-mcc1",
        "class": "telemetry",
        "sequence": 1,
        "created": "2026-11-25T09:46:40.000Z",
        "properties": "profile=x",
        "body": {"v": 1.5},
    }
    assert str(found[1]["id"]).startswith("meter-mcc1-")
    assert '"body": {"v": 1.50}}' in call("buffer", "export", filled).stdout  # to the digit


def test_exports_only_what_is_wanted(filled: Path) -> None:
    assert [one["identity"] for one in rows(filled, "--identity", "meter-hvac")] == ["meter-hvac"]
    assert [one["class"] for one in rows(filled, "--class", "alarm")] == ["alarm"]
    assert [one["sequence"] for one in rows(filled, "--since", "2026-11-25T10:00:00Z")] == [2]
    assert call("buffer", "export", filled, "--class", "alarms").exit_code == 2
    assert call("buffer", "export", filled, "--since", "yesterday").exit_code == 2


def test_exports_a_directory_that_somebody_copied_into_a_file(filled: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(place(filled), tmp_path / "copy")
    output = tmp_path / "out.jsonl"
    told = call("buffer", "export", "--directory", copy, "--output", output)
    assert (told.exit_code, told.stdout) == (0, "")
    assert len(output.read_text().splitlines()) == 4
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_plant_or_a_copy_not_both_and_not_none(filled: Path, tmp_path: Path) -> None:
    both: list[str | Path] = [filled, "--directory", tmp_path]
    for words in ([], both):
        told = call("buffer", "export", *words)
        assert (told.exit_code, "name a PLANT, or a copy" in told.stderr) == (2, True)


def test_what_cannot_be_exported_is_said(folder: Path, tmp_path: Path, filled: Path) -> None:
    told = call("buffer", "export", "--directory", tmp_path / "missing")
    assert (told.exit_code, "there is no buffer in" in told.stderr) == (1, True)
    told = call("buffer", "export", filled, "--output", tmp_path / "missing" / "out")
    assert (told.exit_code, "No such file" in told.stderr) == (1, True)


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (b'{"v": 1e2}', '"body": {"v": 1e2}}'),
        (b'{"v":\n 1.0}', '"body": {"v": 1.0}}'),
        ('{"n": "Öl"}'.encode(), '"body": {"n": "Öl"}}'),
        (b"NaN", '"base64": "TmFO"}'),
        (b"", '"base64": ""}'),
        (b"\xff", '"base64": "/w=="}'),
        (b"[" * 100_000, "W1tb"),
    ],
)
def test_a_body_that_is_json_stays_json_on_one_line(body: bytes, end: str) -> None:
    line = command.line(Stored("a", 1, 2, 0, "", body))
    assert "\n" not in line
    assert end in line if len(body) > 1000 else line.endswith(end)
    assert json.loads(line)["sequence"] == 2
