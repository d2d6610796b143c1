"""A batch becomes messages on disk: by device and scan, waiting while the buffer takes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.buffer import BufferFull, BufferTrouble, BufferUnavailable
from gateway.mapping.expression import parse
from gateway.mapping.sources import source
from gateway.mapping.spec import Deadband, Report
from gateway.mapping.totals import Totals
from gateway.model import GOOD, TIMEOUT, Batch, Message, Point, Priority, Quality, RawBlock, Reading, Status
from gateway.pipeline import Pipeline
from gateway.status import Board, State
from tests.gateway.test_message import AT_NS, device, spec


class Shelf:
    """A buffer that fails as told, then takes what comes."""

    def __init__(self, *faults: BufferTrouble) -> None:
        self.faults = list(faults)
        self.messages: list[Message] = []

    async def append(self, messages: Sequence[Message]) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.messages += messages


async def at_once(seconds: float) -> None:
    """A sleep that does not."""


def pipeline(shelf: Shelf, board: Board) -> Pipeline:
    devices = [device([spec("a"), spec("b")], "one"), device([spec("a")], "two")]
    return Pipeline(devices, shelf, board, sleep=at_once)  # type: ignore[arg-type]  # only append is used


async def test_each_device_of_the_line_gets_a_message_of_its_own() -> None:
    shelf, board = Shelf(), Board()
    await pipeline(shelf, board).store(Batch([Reading(0, 1, AT_NS), Reading(1, 2, AT_NS), Reading(2, 3, AT_NS)]))
    assert [message.identity for message in shelf.messages] == ["one", "two"]
    assert json.loads(shelf.messages[1].body)["values"] == {"a": 3}
    assert board.health("device", "one").counters["accepted"] == 1


async def test_two_scans_of_one_device_are_two_messages() -> None:
    shelf = Shelf()
    await pipeline(shelf, Board()).store(Batch([Reading(0, 1, AT_NS), Reading(0, 2, AT_NS + 1)]))
    assert [json.loads(message.body)["values"] for message in shelf.messages] == [{"a": 1}, {"a": 2}]


async def test_devices_may_take_turns_within_a_batch() -> None:
    shelf = Shelf()
    batch = [Reading(point, value, AT_NS) for value, point in enumerate((2, 0, 1, 2, 1, 0))]
    for _ in range(2):
        await pipeline(shelf, Board()).store(Batch(batch))
    assert [(message.identity, json.loads(message.body)["values"]) for message in shelf.messages[:4]] == [
        *[("two", {"a": 0}), ("one", {"a": 1, "b": 2}), ("two", {"a": 3}), ("one", {"b": 4, "a": 5})]
    ]


async def test_ever_other_batches_do_not_fill_the_memory() -> None:
    line = pipeline(Shelf(), Board())
    for length in range(1, 600):
        await line.store(Batch([Reading(n % 3, n, AT_NS) for n in range(length)]))
    assert len(line._splits) <= 256


async def test_waits_while_the_buffer_is_full_and_loses_nothing() -> None:
    board = Board()
    shelf = Shelf(BufferFull("disk"), BufferFull("quota"), BufferUnavailable("I/O error"))
    await pipeline(shelf, board).store(Batch([Reading(0, 1, AT_NS)]))
    assert len(shelf.messages) == 1
    assert board.health("buffer", "buffer").state is State.FLOWING


async def test_what_was_stored_although_another_class_was_refused_is_not_stored_twice() -> None:
    partly = BufferFull("quota")
    partly.stored = frozenset({Priority.TELEMETRY})
    shelf = Shelf(partly)
    await pipeline(shelf, Board()).store(Batch([Reading(0, 1, AT_NS)]))
    assert shelf.messages == []


async def test_says_why_the_buffer_takes_nothing() -> None:
    board, seen = Board(), []

    async def look(seconds: float) -> None:
        health = board.health("buffer", "buffer")
        seen.append((health.state, health.reason.partition(":")[0], bool(health.remedy)))

    shelf = Shelf(BufferFull("disk"), BufferFull("quota"), BufferUnavailable("I/O error"))
    devices = [device([spec("a")], "one")]
    line = Pipeline(devices, shelf, board, sleep=look)  # type: ignore[arg-type]  # only append is used
    await line.store(Batch([Reading(0, 1, AT_NS)]))
    assert seen == [
        (State.STOPPED, "the disk is full, or has no more room than shall stay free", True),
        (State.STOPPED, "the quota is used up", True),
        (State.STOPPED, "the disk does not take data", True),
    ]


async def test_a_device_is_stopped_when_nothing_of_it_is_good() -> None:
    board = Board()
    line = pipeline(Shelf(), board)
    await line.store(Batch([Reading(0, 1, AT_NS), Reading(1, None, AT_NS, TIMEOUT)]))
    assert board.health("device", "one").state is State.FLOWING
    await line.store(Batch([Reading(0, None, AT_NS, TIMEOUT), Reading(1, None, AT_NS, TIMEOUT)]))
    health = board.health("device", "one")
    assert (health.state, health.reason) == (State.STOPPED, "timeout")
    assert health.counters["bad_values"] == 3
    await line.store(Batch([Reading(0, 1, AT_NS, GOOD)]))
    assert health.state is State.FLOWING


async def test_what_to_do_about_a_device_is_the_adapters_to_say() -> None:
    board, told = Board(), []

    def remedy(connect: object, status: Status, counters: Mapping[str, int]) -> str:
        told.append((status, counters["late_answers"]))
        return "raise its timeout" if counters["late_answers"] else ""

    devices = [device([spec("a")], "one")]
    line = Pipeline(devices, Shelf(), board, sleep=at_once, remedy=remedy)  # type: ignore[arg-type]  # only append is used
    health = board.health("device", "one")
    board.health("line", devices[0].line).counters["late_answers"] = 2
    await line.store(Batch([Reading(0, None, AT_NS, TIMEOUT)]))
    assert (health.remedy, told) == ("raise its timeout", [(TIMEOUT, 2)])
    board.health("line", devices[0].line).counters["late_answers"] = 0
    await line.store(Batch([Reading(0, None, AT_NS, TIMEOUT)]))
    assert "power" in health.remedy
    await line.store(Batch([Reading(0, None, AT_NS, Status(Quality.BAD, "link down: unplugged"))]))
    assert health.remedy == "see its line"


async def test_one_scan_of_several_that_is_all_bad_does_not_stop_the_device() -> None:
    """A register that is not there, at a rate of its own: the health must not change with every scan."""
    board, states = Board(), []
    line = pipeline(Shelf(), board)
    silent = [Reading(position, None, AT_NS, TIMEOUT) for position in (0, 1)]
    first, second = Reading(0, 1, AT_NS), Reading(1, 1, AT_NS)
    for reading in (first, silent[1], first, silent[1], silent[0], second, silent[0]):
        await line.store(Batch([reading]))
        states.append(board.health("device", "one").state)
    assert states == [State.FLOWING] * 4 + [State.STOPPED] + [State.FLOWING] * 2


async def test_what_was_read_once_does_not_keep_a_device_flowing() -> None:
    board = Board()
    once = replace(spec("serial"), point=Point("meter", None, "serial", None, math.inf))
    line = Pipeline([device([once, spec("a")], "one")], Shelf(), board, sleep=at_once)  # type: ignore[arg-type]  # as above
    await line.store(Batch([Reading(0, 77, AT_NS)]))
    assert board.health("device", "one").state is State.FLOWING
    await line.store(Batch([Reading(1, None, AT_NS, TIMEOUT)]))
    assert board.health("device", "one").state is State.STOPPED
    await line.store(Batch([Reading(1, 1, AT_NS)]))
    await line.store(Batch([Reading(0, None, AT_NS, TIMEOUT)]))
    assert board.health("device", "one").state is State.FLOWING


async def test_an_empty_batch_stores_nothing() -> None:
    shelf = Shelf()
    await pipeline(shelf, Board()).store(Batch([]))
    assert shelf.messages == []


async def test_a_device_that_says_no_value_of_all_its_points_is_not_stopped() -> None:
    board = Board()
    devices = [device([spec("a", nan=frozenset({0xFFFF}))], "one")]
    line = Pipeline(devices, Shelf(), board, sleep=at_once)  # type: ignore[arg-type]  # only append is used
    await line.store(Batch([Reading(0, 0xFFFF, AT_NS)]))
    assert board.health("device", "one").state is State.FLOWING
    assert board.health("device", "one").counters["bad_values"] == 1


async def test_what_has_not_moved_is_not_stored_and_the_device_is_flowing() -> None:
    board, shelf = Board(), Shelf()
    devices = [device([spec("a", report=Report(Deadband(1.0)))], "one")]
    line = Pipeline(devices, shelf, board, sleep=at_once)  # type: ignore[arg-type]  # only append is used
    for value in (5, 5, 6, 7):
        await line.store(Batch([Reading(0, value, AT_NS)]))
    assert [json.loads(message.body)["values"] for message in shelf.messages] == [{"a": 5}, {"a": 7}]
    assert board.health("device", "one").counters["accepted"] == 2


async def test_totals_that_were_kept_go_on() -> None:
    counter = spec("a", kind="counter", rollover=65536)
    kept = {"rollover": 65536, "source": source(counter.point), "base": 65536, "last": 65000}
    shelf, totals, devices = Shelf(), Totals({"one/a": kept}), [device([counter], "one")]
    line = Pipeline(devices, shelf, Board(), totals=totals, sleep=at_once)  # type: ignore[arg-type]  # as above
    await line.store(Batch([Reading(0, 10, AT_NS)]))
    assert json.loads(shelf.messages[0].body)["values"] == {"a": 2 * 65536 + 10}


async def test_what_a_device_has_not_is_neither_published_nor_counted() -> None:
    modules = [spec(f"m{number}", exists=parse(f"count >= {number}")) for number in (1, 2)]
    shelf, board = Shelf(), Board()
    devices = [device([spec("a")], "one"), device([spec("count"), *modules], "two")]
    line = Pipeline(devices, shelf, board, sleep=at_once)  # type: ignore[arg-type]  # only append is used
    assert line.absent == {2, 3}
    whole = [Reading(0, 7, AT_NS), Reading(1, 1, AT_NS), Reading(2, 5, AT_NS), Reading(3, None, AT_NS, TIMEOUT)]
    await line.store(Batch(whole))
    assert line.absent == {3}
    await line.store(Batch(whole))
    assert [json.loads(message.body)["values"] for message in shelf.messages if message.identity == "two"] == [
        {"count": 1},
        {"count": 1, "m1": 5},
    ]
    assert board.health("device", "two").counters["bad_values"] == 0


async def test_a_silent_device_tells_of_the_modules_that_it_had() -> None:
    modules = [spec(f"m{number}", exists=parse(f"count >= {number}")) for number in (1, 2)]
    shelf = Shelf()
    line = Pipeline([device([spec("count"), *modules])], shelf, Board(), sleep=at_once)  # type: ignore[arg-type]  # as above
    await line.store(Batch([Reading(0, 1, AT_NS)]))
    await line.store(Batch([Reading(point, None, AT_NS, TIMEOUT) for point in range(3)]))
    assert json.loads(shelf.messages[-1].body)["values"] == {"count": None, "m1": None}


async def test_raw_blocks_are_handed_on_by_device_once_their_readings_are_stored() -> None:
    kept: list[tuple[object, ...]] = []
    shelf = Shelf(BufferFull("disk"))
    devices = [device([spec("a"), spec("b")], "one"), device([spec("a")], "two")]

    def keep(name: str, positions: Sequence[int], blocks: Sequence[RawBlock]) -> None:
        kept.append((name, list(positions), list(blocks), len(shelf.messages)))

    made = Pipeline(devices, shelf, Board(), sleep=at_once, keep=keep)  # type: ignore[arg-type]  # only append is used
    first, second = RawBlock("one", "x", b"1", AT_NS), RawBlock("two", "y", b"2", AT_NS)
    readings = [Reading(1, 2, AT_NS), Reading(0, 1, AT_NS), Reading(2, 3, AT_NS)]
    await made.store(Batch(readings, [first, second, first]))
    assert kept == [("one", [1, 0], [first, first], 2), ("two", [0], [second], 2)]
    await made.store(Batch(readings))
    assert len(kept) == 2
