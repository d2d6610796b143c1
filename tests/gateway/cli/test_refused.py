"""fieldgate buffer quarantine, while no gateway runs: the files answer, held meanwhile, and only what is named goes."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from gateway.buffer.port import BufferSettings
from gateway.buffer.store import open_buffer
from gateway.model import Message
from gateway.status.lock import Holder, held
from tests.gateway.cli.plant import call, example


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plant whose gateway has stopped with three messages in the quarantine, of two identities."""
    made = example(tmp_path)
    asyncio.run(_refuse(made / "state" / "buffer"))
    return made


async def _refuse(place: Path) -> None:
    async with open_buffer(place, BufferSettings(64_000_000)) as buffer:
        for identity, count in (("meter-mcc1", 2), ("meter-hvac", 1)):
            await buffer.append([Message(identity, 10**18, "profile=x", b'{"v": 1}')] * count)
            await buffer.refuse(await buffer.claim(identity), "larger than 256 KB", count)


def ids(folder: Path) -> list[str]:
    told = call("buffer", "quarantine", "list", folder, "--json")
    assert told.exit_code == 0, told.output
    return [entry["id"] for entry in json.loads(told.stdout)["messages"]]


def waiting(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(call("buffer", folder, "--json").stdout)["waiting"]
    return found


def test_lists_each_message_with_its_reason(folder: Path) -> None:
    page = call("buffer", "quarantine", "list", folder).stdout
    assert page.count("    larger than 256 KB") == 3
    assert page.endswith("3 messages in the quarantine\n")
    only = call("buffer", "quarantine", "list", folder, "--identity", "meter-hvac").stdout
    assert only.endswith("1 message in the quarantine\n")


def test_shows_a_message_whole(folder: Path) -> None:
    first, *_ = ids(folder)
    told = json.loads(call("buffer", "quarantine", "show", folder, first).stdout)
    assert (told["id"], told["body"], told["reason"]) == (first, '{"v": 1}', "larger than 256 KB")


def test_sends_again_what_is_named_under_a_new_id(folder: Path) -> None:
    first, second, third = ids(folder)
    told = call("buffer", "quarantine", "retry", folder, second)
    assert (told.exit_code, told.stdout) == (0, "1 message will be sent again\n")
    assert ids(folder) == [first, third]
    (line,) = call("buffer", "export", folder).stdout.splitlines()
    again = json.loads(line)
    assert again["properties"] == f"profile=x&retried={second}"
    assert again["id"] not in (first, second, third)


def test_sends_all_again(folder: Path) -> None:
    told = json.loads(call("buffer", "quarantine", "retry", folder, "--all", "--json").stdout)
    assert (told["ok"], len(told["retried"])) == (True, 3)
    assert ids(folder) == []
    assert waiting(folder) == {"meter-mcc1": 2, "meter-hvac": 1}


def test_drops_what_is_named_and_no_more(folder: Path) -> None:
    first, *rest = ids(folder)
    assert call("buffer", "quarantine", "drop", folder, first).stdout == "1 message dropped\n"
    assert ids(folder) == rest
    assert json.loads(call("buffer", "quarantine", "drop", folder, "--all", "--json").stdout)["dropped"] == rest
    assert not (folder / "state" / "buffer" / "quarantine.db").exists()


@pytest.mark.parametrize("word", ["show", "retry", "drop"])
def test_nothing_is_done_where_nothing_is_named(folder: Path, word: str) -> None:
    told = call("buffer", "quarantine", word, folder)
    assert told.exit_code == 2
    assert "name the ids" in told.stderr
    assert len(ids(folder)) == 3


@pytest.mark.parametrize("word", ["show", "retry", "drop", "export"])
def test_an_id_that_is_not_there_is_named_and_nothing_is_done(folder: Path, word: str) -> None:
    told = call("buffer", "quarantine", word, folder, ids(folder)[0], "meter-mcc1-0000beef-99")
    assert told.exit_code == 1
    assert "not in the quarantine: meter-mcc1-0000beef-99" in told.stderr
    assert len(ids(folder)) == 3


def test_exports_into_a_file_and_keeps_them(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    assert call("buffer", "quarantine", "export", folder, "--output", output).exit_code == 0
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == ids(folder)
    some = call("buffer", "quarantine", "export", folder, "--identity", "meter-hvac").stdout
    assert [json.loads(line)["identity"] for line in some.splitlines()] == ["meter-hvac"]


def test_who_has_the_directory_and_does_not_answer_is_named(folder: Path) -> None:
    first = Holder("tampere-gw1", os.getpid(), "/etc/plant", "2026-11-24T10:00:00.000Z")
    with held(folder / "state", first):
        told = call("buffer", "quarantine", "drop", folder, "--all")
    assert told.exit_code == 1
    assert f'in use by gateway "tampere-gw1": fieldgate run, pid {os.getpid()}' in told.stderr
    assert len(ids(folder)) == 3


def test_a_plant_that_never_ran_has_no_quarantine(tmp_path: Path) -> None:
    folder = example(tmp_path)
    told = call("buffer", "quarantine", "list", folder)
    assert (told.exit_code, "there is no buffer in" in told.stderr) == (1, True)
    assert not (folder / "state").exists()
