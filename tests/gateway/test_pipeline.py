"""From readings to messages: one scan, one message, nothing false in it."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.buffer import BufferFull, BufferTrouble, BufferUnavailable
from gateway.model import GOOD, TIMEOUT, Batch, Message, Point, Quality, Reading, Status, Value
from gateway.pipeline import MESSAGE_BYTES, Pipeline, Scans, shortest_single, timestamp
from gateway.plant import Asset, Device, PointSpec
from gateway.status import Board, State

AT_NS = 1_795_372_189_123_456_789
AT = "2026-11-22T18:29:49.123Z"


def spec(name: str, unit: str = "", **more: Any) -> PointSpec:
    exact: dict[str, Any] = {"scale": Fraction(1), "offset": Fraction(0), "nan": frozenset(), "single": False}
    return PointSpec(point=Point("meter", None, name, None, 1.0), unit=unit, **(exact | more))


def device(name: str = "meter", points: Sequence[PointSpec] = (), asset: Asset | None = None) -> Device:
    return Device(
        name=name,
        identity=name,
        profile="acme-x",
        protocol="modbus",
        asset=asset,
        connect=None,
        line="tcp://a",
        points=tuple(points),
    )


def scan(points: Sequence[PointSpec], values: Sequence[Value | Status], at_ns: int = AT_NS) -> dict[str, Any]:
    readings = [
        Reading(index, None, at_ns, value) if isinstance(value, Status) else Reading(index, value, at_ns)
        for index, value in enumerate(values)
    ]
    made = Scans(device(points=points), points).make(tuple(range(len(readings))), readings)
    assert len(made.messages) == 1
    body: dict[str, Any] = json.loads(made.messages[0].body)
    return body


def test_the_message_of_the_design() -> None:
    points = [
        spec("voltage_l1", "V", single=True),
        spec("power", "W", scale=Fraction(1, 10)),
        spec("energy_import", "kWh"),
    ]
    asset = Asset(path="acme/tampere/packaging/line-4/mcc1", name="Main supply")
    readings = [
        Reading(0, 230.1999969482422, AT_NS),
        Reading(1, 15205, AT_NS),
        Reading(2, None, AT_NS, TIMEOUT),
    ]
    made = Scans(device(points=points, asset=asset), points).make((0, 1, 2), readings)
    assert made.messages[0].body.decode() == (
        '{"ts":"2026-11-22T18:29:49.123Z","asset":"acme/tampere/packaging/line-4/mcc1","profile":"acme-x",'
        '"values":{"voltage_l1":230.2,"power":1520.5,"energy_import":null},'
        '"units":{"voltage_l1":"V","power":"W","energy_import":"kWh"},'
        '"quality":{"energy_import":["bad","timeout"]}}'
    )
    assert made.messages[0].properties == "profile=acme-x&kind=telemetry"
    assert (made.bad, made.reason) == (1, "timeout")


def test_quality_lists_only_what_is_not_good() -> None:
    body = scan([spec("a"), spec("b")], [1, 2])
    assert "quality" not in body
    assert "at" not in body
    assert "clock" not in body


def test_a_sentinel_becomes_null_with_its_reason() -> None:
    body = scan([spec("a", nan=frozenset({-32768}))], [-32768])
    assert body["values"] == {"a": None}
    assert body["quality"]["a"][0] == "bad"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_not_a_number_is_null_and_bad(value: float) -> None:
    body = scan([spec("a", single=True)], [value])
    assert body["values"] == {"a": None}
    assert body["quality"] == {"a": ["bad", "not a number"]}


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1])
def test_integers_are_exact(value: int) -> None:
    assert scan([spec("a")], [value])["values"] == {"a": value}


def test_an_uncertain_value_stays_with_its_reason() -> None:
    status = Status(Quality.UNCERTAIN, "unknown code 7")
    points = [spec("mode")]
    made = Scans(device(points=points), points).make((0,), [Reading(0, 7, AT_NS, status)])
    body = json.loads(made.messages[0].body)
    assert body["values"] == {"mode": 7}
    assert body["quality"] == {"mode": ["uncertain", "unknown code 7"]}
    assert made.bad == 0


def test_a_value_with_its_own_time_carries_it() -> None:
    points = [spec("a"), spec("b")]
    readings = [Reading(0, 1, AT_NS), Reading(1, 2, AT_NS + 1_500_000_000)]
    body = json.loads(Scans(device(points=points), points).make((0, 1), readings).messages[0].body)
    assert body["ts"] == AT
    assert body["at"] == {"b": "2026-11-22T18:29:50.623Z"}


def test_a_clock_that_was_never_set_is_said() -> None:
    assert scan([spec("a")], [1], at_ns=5_000_000_000)["clock"] == "unsynced"


def test_units_are_those_of_the_points_in_the_scan() -> None:
    points = [spec("a", "V"), spec("b", "A"), spec("c")]
    scans = Scans(device(points=points), points)
    body = json.loads(scans.make((1, 2), [Reading(1, 1, AT_NS), Reading(2, 2, AT_NS)]).messages[0].body)
    assert body["units"] == {"b": "A"}


def test_a_scan_that_is_too_long_goes_up_in_parts() -> None:
    points = [spec(f"p{n}") for n in range(5)]
    readings = [Reading(n, "x" * (MESSAGE_BYTES // 3), AT_NS) for n in range(5)]
    made = Scans(device(points=points), points).make(tuple(range(5)), readings)
    bodies = [json.loads(message.body) for message in made.messages]
    assert len(bodies) > 1
    assert [name for body in bodies for name in body["values"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert all(len(message.body) <= MESSAGE_BYTES for message in made.messages)
    assert {body["ts"] for body in bodies} == {AT}


def test_latest_merges_scans_of_different_rates() -> None:
    points = [spec("fast", "V"), spec("slow", "kWh")]
    scans = Scans(device(points=points), points)
    scans.make((0, 1), [Reading(0, 1, AT_NS), Reading(1, 10, AT_NS)])
    scans.make((0,), [Reading(0, 2, AT_NS + 1)])
    assert [(entry.name, entry.value) for entry in scans.latest()] == [("fast", 2), ("slow", 10)]


@pytest.mark.parametrize(
    ("at_ns", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (AT_NS, AT), (1_800_000_000_999_999_999, "2027-01-15T08:00:00.999Z")],
)
def test_timestamp(at_ns: int, text: str) -> None:
    assert timestamp(at_ns) == text


@pytest.mark.parametrize(
    ("single", "text"),
    [
        (230.1999969482422, "230.2"),
        (0.10000000149011612, "0.1"),
        (3.4028234663852886e38, "3.4028235e+38"),
        (1.1754943508222875e-38, "1.1754944e-38"),
        (16777216.0, "16777216.0"),
        (0.0, "0.0"),
        (-1.5, "-1.5"),
    ],
)
def test_float32_has_its_shortest_text(single: float, text: str) -> None:
    assert repr(shortest_single([single])[0]) == text


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_the_short_text_is_the_same_float32(values: list[float]) -> None:
    short = shortest_single(values)
    layout = f"{len(values)}f"
    assert struct.pack(layout, *short) == struct.pack(layout, *values)
    assert all(len(repr(a)) <= len(repr(b)) for a, b in zip(short, values, strict=True))


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
    devices = [device("one", [spec("a"), spec("b")]), device("two", [spec("a")])]
    return Pipeline(devices, shelf, board, at_once)  # type: ignore[arg-type]  # only append is used


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


async def test_waits_while_the_buffer_is_full_and_loses_nothing() -> None:
    board = Board()
    shelf = Shelf(BufferFull("disk"), BufferFull("quota"), BufferUnavailable("I/O error"))
    await pipeline(shelf, board).store(Batch([Reading(0, 1, AT_NS)]))
    assert len(shelf.messages) == 1
    assert board.health("buffer", "buffer").state is State.FLOWING


async def test_says_why_the_buffer_takes_nothing() -> None:
    board, seen = Board(), []

    async def look(seconds: float) -> None:
        health = board.health("buffer", "buffer")
        seen.append((health.state, health.reason.partition(":")[0], bool(health.remedy)))

    shelf = Shelf(BufferFull("disk"), BufferFull("quota"), BufferUnavailable("I/O error"))
    line = Pipeline([device("one", [spec("a")])], shelf, board, look)  # type: ignore[arg-type]  # only append is used
    await line.store(Batch([Reading(0, 1, AT_NS)]))
    assert seen == [
        (State.STOPPED, "the disk is full", True),
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


async def test_an_empty_batch_stores_nothing() -> None:
    shelf = Shelf()
    await pipeline(shelf, Board()).store(Batch([]))
    assert shelf.messages == []
