"""What a running gateway tells of itself."""

from __future__ import annotations

from pathlib import Path

from gateway import plugins
from gateway.model import Batch, Message, Reading
from gateway.pipeline import Pipeline
from gateway.plant import read
from gateway.status import Board
from gateway.status.lock import Holder
from gateway.view import View
from tests.gateway.field import plant
from tests.gateway.upstream.fakes import MemoryBuffer

ADAPTERS = plugins.find().adapters


def view(folder: Path) -> tuple[View, Pipeline, MemoryBuffer]:
    built = read(plant(folder, "tcp://127.0.0.1:1"), ADAPTERS)
    buffer, board = MemoryBuffer(), Board()
    pipeline = Pipeline(built.devices, buffer, board)
    holder = Holder("gw-1", 5, str(folder), "2026-11-25T08:00:00.000Z")
    return View(board, buffer, holder, lambda: (built, {"tcp://127.0.0.1:1": pipeline})), pipeline, buffer


async def test_shows_the_newest_values_with_derived_ones(tmp_path: Path) -> None:
    told, pipeline, _ = view(tmp_path)
    await pipeline.store(
        Batch([Reading(0, 2302, 1_800_000_000_000_000_000), Reading(1, 500.0, 1_800_000_000_000_000_000)])
    )
    rows = {row["name"]: row for row in told.values()["press-7"]}
    assert [(row["value"], row["unit"]) for row in rows.values()] == [(230.2, "V"), (500.0, "W"), (0.5, "kW")]
    assert rows["load"]["quality"] == "good"


async def test_an_identity_that_left_the_plant_is_shown_while_messages_of_it_wait(tmp_path: Path) -> None:
    told, _, buffer = view(tmp_path)
    await buffer.append([Message("old-press", 1, "", b"{}")])
    upstream = told.report()["upstream"]
    assert [(entry["name"], entry["waiting"]) for entry in upstream] == [("press-7", 0), ("old-press", 1)]


def test_says_whose_plant_it_is_and_where_data_goes(tmp_path: Path) -> None:
    report = view(tmp_path)[0].report()
    assert (report["gateway"], report["pid"], report["upstream_name"]) == ("gw-1", 5, "hub (localhost:8883)")
    assert [line["name"] for line in report["lines"]] == ["tcp://127.0.0.1:1"]


def test_says_whether_devices_are_recorded_where_any_is(tmp_path: Path) -> None:
    told, _, _ = view(tmp_path)
    assert told.report()["record"] == []
    told._board.health("record", "devices").stopped("less than 256 MB are free on the disk")
    [entry] = told.report()["record"]
    assert entry["reason"].startswith("less than")
    assert told.report()["stopped"] == 0, "data flows all the same"
