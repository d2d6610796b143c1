"""What a running gateway tells of itself."""

from __future__ import annotations

from pathlib import Path

from gateway import plugins
from gateway.buffer import BufferSettings, ClassStats, Stats, Timing
from gateway.model import Batch, Message, Priority, Reading
from gateway.pipeline import DISK_FULL, Pipeline
from gateway.plant import read
from gateway.status import Board
from gateway.status.lock import Holder
from gateway.view import View, depth
from tests.gateway.field import plant
from tests.gateway.upstream.fakes import MemoryBuffer

ADAPTERS = plugins.find().adapters
SETTINGS = BufferSettings(
    10**9, 10**6, keep={Priority.ALARM: 3600.0}, on_full={Priority.TELEMETRY: "thin"}, order="live-first"
)


def view(folder: Path, free_bytes: int = 10**9) -> tuple[View, Pipeline, MemoryBuffer]:
    built = read(plant(folder, "tcp://127.0.0.1:1"), ADAPTERS)
    buffer, board = MemoryBuffer(), Board()
    pipeline = Pipeline(built.devices, buffer, board)
    holder = Holder("gw-1", 5, str(folder), "2026-11-25T08:00:00.000Z")
    now = lambda: (built, {"tcp://127.0.0.1:1": pipeline})  # noqa: E731
    told = View(board, buffer, holder, now, SETTINGS, free_bytes=lambda: free_bytes)
    return told, pipeline, buffer


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


STATS = Stats(
    messages=5,
    bytes_on_disk=4096,
    quota_bytes=10**9,
    oldest_ns=1_800_000_000_000_000_000,
    waiting={"a": 1, "b": 4},
    dropped={"quota": 2},
    full="",
    classes={
        Priority.TELEMETRY: ClassStats(4, 3072, 1_800_000_000_000_000_000),
        Priority.ALARM: ClassStats(1, 1024, 1_800_000_001_000_000_000, "disk"),
        Priority.BULK: ClassStats(),
    },
    parked={"b": "throttled"},
    append_per_s=2.5,
    drain_per_s=1.0,
    fsync=Timing(0.001, 0.02),
    quarantined=3,
)


def test_what_waits_is_told_by_class_with_its_rules() -> None:
    told = depth(STATS, SETTINGS)
    assert told["classes"] == [
        class_row("alarm", 1, 1024, "2027-01-15T08:00:01.000Z", "disk", "refuse", 3600.0),
        class_row("telemetry", 4, 3072, "2027-01-15T08:00:00.000Z", "", "thin", None),
        class_row("bulk", 0, 0, None, "", "refuse", None),
    ]
    assert (told["oldest"], told["order"], told["min_free_bytes"]) == (
        *("2027-01-15T08:00:00.000Z", "live-first"),
        10**6,
    )
    assert list(told["waiting"].items()) == [("b", 4), ("a", 1)]


def class_row(*values: object) -> dict[str, object]:
    return dict(zip(("class", "messages", "bytes", "oldest", "full", "on_full", "keep_s"), values, strict=True))


def test_how_fast_it_comes_and_goes_is_told_by_a_running_gateway(tmp_path: Path) -> None:
    told, _, buffer = view(tmp_path)
    buffer.stats = lambda: STATS  # type: ignore[method-assign]  # a fake that says this
    found = told.buffer()
    assert (found["gateway"], found["pid"], found["in_per_s"], found["out_per_s"]) == ("gw-1", 5, 2.5, 1.0)
    assert found["fsync_ms"] == {"p50": 1.0, "p99": 20.0}
    entry = told.report()["buffer"]
    assert entry["classes"] == {"telemetry": 4, "alarm": 1, "bulk": 0}
    assert (entry["full"], entry["parked"], entry["quarantined"]) == ({"alarm": "disk"}, {"b": "throttled"}, 3)


def test_says_how_much_of_the_disk_is_missing(tmp_path: Path) -> None:
    told, _, _ = view(tmp_path, free_bytes=400_000)
    told._board.health("buffer", "buffer").stopped(DISK_FULL, "free space")
    entry = told.report()["buffer"]
    assert (entry["free_bytes"], entry["min_free_bytes"]) == (400_000, 10**6)
    assert entry["reason"] == (
        "400.0 kB of the disk are free, and 1.0 MB shall stay free (buffer: min_free): "
        "polling waits, nothing accepted is lost"
    )
    assert entry["remedy"].startswith("free 2.6 MB or more on the disk of the state directory, or lower buffer: min_f")


def test_says_nothing_of_room_where_that_is_not_what_is_missing(tmp_path: Path) -> None:
    for free_bytes, reason in ((10**9, DISK_FULL), (0, "the quota is used up")):
        told, _, _ = view(tmp_path, free_bytes)
        told._board.health("buffer", "buffer").stopped(reason, "do")
        entry = told.report()["buffer"]
        assert (entry["reason"], entry["remedy"]) == (reason, "do")


def test_a_disk_that_is_gone_keeps_nobody_from_asking(tmp_path: Path) -> None:
    told, _, _ = view(tmp_path)

    def gone() -> int:
        raise OSError(5, "Input/output error")

    told._free_bytes = gone
    assert told.report()["buffer"]["free_bytes"] is None


def test_says_whether_devices_are_recorded_where_any_is(tmp_path: Path) -> None:
    told, _, _ = view(tmp_path)
    assert told.report()["record"] == []
    told._board.health("record", "devices").stopped("less than 256 MB are free on the disk")
    [entry] = told.report()["record"]
    assert entry["reason"].startswith("less than")
    assert told.report()["stopped"] == 0, "data flows all the same"
