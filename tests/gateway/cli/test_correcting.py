"""fieldgate replay --publish: corrected values on their way into the buffer."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import Result

from gateway import app
from gateway.model import Stored
from gateway.plant import read
from gateway.record import corrections
from gateway.record.published import ledger
from gateway.status import Board, answer, lock
from tests.gateway.cli.plant import call
from tests.gateway.record.making import ADAPTERS, WRONG, fast, kept, record
from tests.gateway.upstream.fakes import MemoryBuffer

SCANS = 450
"""Three frames of corrections."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = kept(tmp_path / "plant", WRONG)
    record(made / "state", read(made, ADAPTERS), [fast(second) for second in range(SCANS)])
    return kept(made)


def publish(folder: Path, *more: str) -> Result:
    return call("replay", folder, "press-7", "--publish", "--yes", *more)


def waiting(folder: Path) -> list[Stored]:
    """What lies in the buffer on disk."""

    async def claimed(state: Path) -> list[Stored]:
        found: list[Stored] = []
        async with app.buffer_of(read(folder, ADAPTERS).gateway, state) as buffer:
            while buffer.stats().waiting.get("press-7"):
                claim = await buffer.claim("press-7", 10_000, 10_000_000)
                found += claim.messages
                await buffer.acknowledge(claim)
        return found

    with TemporaryDirectory() as drained:
        shutil.copytree(folder / "state" / "buffer", Path(drained) / "buffer")
        return asyncio.run(claimed(Path(drained)))


@contextmanager
def running(folder: Path, buffer: MemoryBuffer, limit: int = 1000) -> Iterator[list[int]]:
    """Somebody who answers as a gateway does, for so many frames; the places that were asked for."""
    asked: list[int] = []
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()

    async def take(question: Any) -> Any:
        asked.append(question["at"])
        if len(asked) > limit:
            return corrections.Taken(0, question["at"], 0, "the buffer takes nothing now: disk", again=True)._asdict()
        return await corrections.answer(folder / "state" / "record", buffer, Board(), question)

    async def serve() -> None:
        async with answer.serving(folder / "state", {}, {"corrections": take}):
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(5)
    try:
        yield asked
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(5)
        loop.close()


def test_where_no_gateway_runs_they_wait_in_the_buffer_for_the_next_start(folder: Path) -> None:
    told = json.loads(publish(folder, "--json", "--point", "power").stdout)
    assert told["published"]["messages"] == SCANS
    messages = waiting(folder)
    assert len(messages) == SCANS
    assert {message.properties for message in messages} == {
        f"profile=acme-pm1&kind=telemetry&corrected={told['published']['corrected'].replace(':', '%3A')}"
    }
    body = json.loads(messages[0].body)
    assert (body["ts"], body["values"]) == ("2026-11-30T00:53:20.000Z", {"power": 1520.5})
    assert list((folder / "state" / "record" / "corrections").iterdir()) == []


def test_a_running_gateway_takes_them_piece_by_piece(folder: Path) -> None:
    buffer = MemoryBuffer()
    with running(folder, buffer) as asked:
        result = publish(folder)
    assert result.exit_code == 0
    assert f"{SCANS} messages are in the buffer, marked corrected=" in result.stdout
    assert len(buffer.lanes["press-7"]) == SCANS
    assert len(asked) == 3
    assert not (folder / "state" / "buffer").exists()


def test_nobody_publishes_the_same_twice_unawares(folder: Path) -> None:
    assert publish(folder).exit_code == 0
    again = publish(folder)
    assert again.exit_code == 1
    assert "load, power from 2026-11-30T00:53:20.000Z to 2026-11-30T01:00:49.000Z was published" in again.stderr
    assert "add --again" in again.stderr
    assert len(waiting(folder)) == SCANS
    assert publish(folder, "--again").exit_code == 0
    assert len(waiting(folder)) == 2 * SCANS


def test_another_part_of_the_time_is_no_repetition(folder: Path) -> None:
    assert publish(folder, "--until", "2026-11-30T00:54:00Z").exit_code == 0
    assert publish(folder, "--since", "2026-11-30T00:54:01Z").exit_code == 0
    assert len(waiting(folder)) == SCANS


def test_what_was_broken_off_says_where_to_go_on(folder: Path) -> None:
    buffer = MemoryBuffer()
    with running(folder, buffer, limit=2):
        broken = publish(folder)
    assert broken.exit_code == 1
    assert "400 of 450 messages are in the buffer: the buffer takes nothing now: disk" in broken.stderr
    assert "go on later with --since 2026-11-30T00:59:59.001Z" in broken.stderr
    with running(folder, buffer):
        assert publish(folder, "--since", "2026-11-30T00:59:59.001Z").exit_code == 0
    assert len({message.created_ns for message in buffer.lanes["press-7"]}) == SCANS == len(buffer.lanes["press-7"])


def test_what_came_to_nothing_is_not_remembered(folder: Path) -> None:
    with running(folder, MemoryBuffer(), limit=0):
        result = publish(folder)
    assert (result.exit_code, "nothing was published: the buffer takes nothing" in result.stderr) == (1, True)
    with ledger(folder / "state" / "record") as known:
        assert known.corrections == []


def test_a_gateway_that_does_not_answer_is_not_worked_around(folder: Path) -> None:
    with lock.held(folder / "state", lock.Holder("gw-1", os.getpid(), str(folder), "")):
        result = publish(folder)
    assert result.exit_code == 1
    assert 'in use by gateway "gw-1": fieldgate run' in result.stderr


def test_where_nothing_differs_nothing_is_published(folder: Path) -> None:
    kept(folder, WRONG)
    result = publish(folder)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing to publish")
    assert not (folder / "state" / "buffer").exists()


def test_a_person_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.replaying.at_a_terminal", lambda: True)
    asked: list[str] = []

    def confirm(text: str, **more: Any) -> bool:
        asked.append(text)
        return False

    monkeypatch.setattr("click.confirm", confirm)
    result = call("replay", folder, "press-7", "--publish")
    assert (result.exit_code, "nothing was published" in result.stderr) == (1, True)
    assert asked[0].startswith("publish 450 messages of press-7, marked corrected=")
    assert not (folder / "state" / "buffer").exists()


def test_the_identity_is_the_plants_whatever_a_draft_says(folder: Path, tmp_path: Path) -> None:
    draft = kept(tmp_path / "draft")
    path = draft / "hall.devices.yaml"
    path.write_text(path.read_text().replace("    record: 24h\n", "    identity: another\n"))
    assert publish(folder, "--mapping", str(draft)).exit_code == 0
    assert len(waiting(folder)) == SCANS
