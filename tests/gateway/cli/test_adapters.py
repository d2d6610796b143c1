"""fieldgate <protocol> ...: an adapter says what it can do and what it found; all that people see is the core's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from click.testing import CliRunner, Result
from pydantic import Field

from gateway import plugins, recording
from gateway.adapter import (
    Adapter,
    Argument,
    Call,
    Command,
    Duration,
    LinkLost,
    Note,
    Progress,
    RawBlock,
    Row,
    Said,
    Session,
    Settings,
    Whole,
)
from gateway.cli.adapters import group
from tests.gateway.cli.plant import call
from tests.gateway.field import plant


class Wire(Settings):
    """``connect:`` of a toy."""

    toy: Annotated[str, Field(pattern="^toy-[0-9]+$")]
    unit_id: Annotated[Whole, Field(ge=1, le=9)] = 1
    timeout: Annotated[Duration, Field(description="How long it may take.")] = 1.0


def no_link(points: Any) -> AbstractAsyncContextManager[Session]:
    raise NotImplementedError


def fruit(text: str) -> str:
    if text == "stone":
        raise ValueError('"stone" is no fruit')
    return text.upper()


calls: list[Call[Wire]] = []


async def count(call: Call[Wire]) -> AsyncGenerator[Said, None]:
    calls.append(call)
    yield Progress(0, 2, "counting")
    yield Row({"number": 1, "fruit": call.given["fruit"], "of": None, "parts": [0.5, True]})
    yield RawBlock(call.device, "slot 1", b"\x01\x02", 7)
    yield Row({"number": 22, "fruit": "[red]\x1b[2J", "of": None, "parts": []})
    yield Note("that is all")
    if call.given["end"] == "lost":
        raise LinkLost("it was taken away", "bring it back")
    if call.given["end"] == "stopped":
        raise KeyboardInterrupt
    await asyncio.sleep(0)


COUNT = Command(
    "count",
    "Count fruit.",
    count,
    rows="fruit",
    needs=("unit_id",),
    settings=("timeout",),
    arguments=(Argument("fruit", "what to count", fruit),),
    options=(Argument("end", "How it ends.", str, "well"),),
    records=True,
)
TOY: Adapter[Wire, Settings] = Adapter(
    settings=Wire, address=Settings, line=lambda wire: wire.toy, connect=no_link, commands=(COUNT,)
)


def toy(*words: str | Path) -> Result:
    calls.clear()
    return CliRunner().invoke(group("toy", TOY), ["count", *map(str, words)])


def test_words_and_settings_are_read_before_the_adapter_is_asked() -> None:
    told = toy("toy-1", "3", "plum", "--timeout", "200ms")
    assert told.exit_code == 0, told.output
    [done] = calls
    assert done.connect == Wire(toy="toy-1", unit_id=3, timeout=0.2)
    assert done.given == {"fruit": "PLUM", "end": "well"}


def test_people_see_a_table_without_empty_columns_and_notes_beside_it() -> None:
    told = toy("toy-1", "3", "plum")
    rows = [line.split() for line in told.stdout.splitlines()]
    assert rows[0] == ["number", "fruit", "parts"]
    assert rows[1] == ["1", "PLUM", "0.5", "yes"]
    assert told.stderr == "that is all\n"


def test_what_a_device_says_does_not_reach_the_terminal_as_it_is() -> None:
    assert "[red]\\x1b[2J" in toy("toy-1", "3", "plum").stdout


def test_programs_see_json() -> None:
    told = json.loads(toy("toy-1", "3", "plum", "--json").stdout)
    assert told["ok"] is True
    assert told["notes"] == ["that is all"]
    assert told["fruit"][0] == {"number": 1, "fruit": "PLUM", "of": None, "parts": [0.5, True]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("toy-1", "3", "stone"), 'FRUIT: "stone" is no fruit'),
        (("toy-1", "10", "plum"), 'UNIT_ID: error M13: "unit_id" is 10, but it must be at most 9'),
        (("doll-1", "3", "plum"), 'LINE: error M18: "doll-1" is not a valid toy'),
        (
            ("toy-1", "3", "plum", "--timeout", "2"),
            '--timeout: error M09: "2" is not a time\n    hint: did you mean 2s?',
        ),
        (("toy-1", "3"), "Missing argument 'FRUIT'"),
        (("toy-1", "3", "plum", "pear"), "unexpected extra argument (pear)"),
    ],
)
def test_wrong_words_end_with_2_and_reach_no_adapter(words: tuple[str, ...], says: str) -> None:
    told = toy(*words)
    assert told.exit_code == 2
    assert says in told.stderr
    assert not calls


def test_wrong_words_are_json_for_programs() -> None:
    told = toy("doll-1", "3", "plum", "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["diagnostics"][0]["code"] == "M18"


def test_a_lost_line_ends_with_1_and_shows_what_there_is() -> None:
    told = toy("toy-1", "3", "plum", "--end", "lost")
    assert told.exit_code == 1
    assert "PLUM" in told.stdout
    assert told.stderr.endswith("toy-1: it was taken away\n    hint: bring it back\n")
    answer = json.loads(toy("toy-1", "3", "plum", "--end", "lost", "--json").stdout)
    assert (answer["ok"], answer["error"], len(answer["fruit"])) == (False, "toy-1: it was taken away", 2)


def test_what_was_found_is_shown_when_somebody_stops_it() -> None:
    told = toy("toy-1", "3", "plum", "--end", "stopped")
    assert told.exit_code == 1
    assert "PLUM" in told.stdout
    assert "stopped at 0 of 2" in told.stderr


def test_raw_blocks_are_kept_in_a_file_under_the_name_of_the_device(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert toy("toy-1", "3", "plum", "--record", kept, "--device", "press-7").exit_code == 0
    assert recording.load(kept.read_text()) == [RawBlock("press-7", "slot 1", b"\x01\x02", 7)]
    told = toy("toy-1", "3", "plum", "--record", tmp_path / "no" / "where.json")
    assert told.exit_code == 1
    assert "cannot be written" in told.stderr


def test_a_device_of_a_plant_knows_how_it_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modbus = plugins.find().adapters["modbus"]
    found = plugins.Found({"modbus": replace(modbus, commands=(replace(COUNT, run=count),))}, {})
    monkeypatch.setattr(plugins, "find", lambda: found)
    calls.clear()
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    told = call("modbus", "count", "--plant", folder, "press-7", "plum", "--timeout", "3s")
    assert told.exit_code == 0, told.output
    [done] = calls
    assert done.connect == modbus.settings(modbus="tcp://127.0.0.1:1", unit_id=7, timeout=3.0)
    assert done.device == "press-7"
    wrong = call("modbus", "count", "--plant", folder, "press-9", "plum")
    assert wrong.exit_code == 2
    assert 'did you mean "press-7"?' in wrong.stderr


def test_the_help_tells_what_adapters_bring() -> None:
    page = call("--help").output
    assert "Field protocols:" in page
    assert "  modbus " in page
    assert "Usage: main modbus dump [OPTIONS] LINE UNIT_ID TABLE ADDRESSES" in call("modbus", "dump", "-h").output
    shown = toy("--help").output
    assert "FRUIT: what to count" in shown
    assert "How it ends.  [default: well]" in shown


def test_the_help_is_there_although_an_adapter_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> plugins.Found:
        raise plugins.PluginRefused("odd", "is none")

    monkeypatch.setattr(plugins, "find", refuse)
    told = call("--help")
    assert told.exit_code == 0
    assert "Field protocols" not in told.output


def test_an_adapter_without_commands_has_no_group() -> None:
    assert call("ble", "scan").exit_code == 2
