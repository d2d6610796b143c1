"""From readings to messages: one scan, one message, nothing false in it."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.expression import parse
from gateway.mapping.program import Scan
from gateway.mapping.spec import ENRICH, Asset, Deadband, DerivedSpec, Device, Enrichment, From, PointSpec, Report
from gateway.mapping.totals import Totals
from gateway.message import MESSAGE_BYTES, Scans, shortest_single, timestamp
from gateway.model import TIMEOUT, Point, Quality, Reading, Status, Value

AT_NS = 1_795_372_189_123_456_789
AT = "2026-11-22T18:29:49.123Z"


def spec(name: str, unit: str = "", **more: Any) -> PointSpec:
    return PointSpec(point=Point("meter", None, name, None, 1.0), unit=unit, **more)


def device(points: Sequence[PointSpec], name: str = "meter", **more: Any) -> Device:
    return Device(
        **{
            "name": name,
            "identity": name,
            "profile": "acme-x",
            "protocol": "modbus",
            "asset": None,
            "connect": None,
            "line": "tcp://a",
            "points": tuple(points),
            **more,
        }
    )


def scans(points: Sequence[PointSpec], enrich: Sequence[Enrichment] = ENRICH, **more: Any) -> Scans:
    return Scans(device(points, **more), Totals(), enrich)


def told(subject: Scans, *values: Value | Status, at_ns: int = AT_NS) -> list[dict[str, Any]]:
    readings = [
        Reading(index, None, at_ns, value) if isinstance(value, Status) else Reading(index, value, at_ns)
        for index, value in enumerate(values)
    ]
    made = subject.make(tuple(range(len(readings))), readings)
    return [json.loads(message.body) for message in made.messages]


def scan(points: Sequence[PointSpec], values: Sequence[Value | Status], at_ns: int = AT_NS) -> dict[str, Any]:
    (body,) = told(scans(points), *values, at_ns=at_ns)
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
    made = scans(points, asset=asset).make((0, 1, 2), readings)
    assert made.messages[0].body.decode() == (
        '{"ts":"2026-11-22T18:29:49.123Z","asset":"acme/tampere/packaging/line-4/mcc1","profile":"acme-x",'
        '"context":{"name":"Main supply"},"values":{"voltage_l1":230.2,"power":1520.5,"energy_import":null},'
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
    made = scans(points).make((0,), [Reading(0, 7, AT_NS, status)])
    body = json.loads(made.messages[0].body)
    assert body["values"] == {"mode": 7}
    assert body["quality"] == {"mode": ["uncertain", "unknown code 7"]}
    assert made.bad == 0


def test_a_value_with_its_own_time_carries_it() -> None:
    points = [spec("a"), spec("b")]
    readings = [Reading(0, 1, AT_NS), Reading(1, 2, AT_NS + 1_500_000_000)]
    body = json.loads(scans(points).make((0, 1), readings).messages[0].body)
    assert body["ts"] == AT
    assert body["at"] == {"b": "2026-11-22T18:29:50.623Z"}


def test_a_clock_that_was_never_set_is_said() -> None:
    assert scan([spec("a")], [1], at_ns=5_000_000_000)["clock"] == "unsynced"


def test_units_are_those_of_the_points_in_the_scan() -> None:
    points = [spec("a", "V"), spec("b", "A"), spec("c")]
    subject = scans(points)
    body = json.loads(subject.make((1, 2), [Reading(1, 1, AT_NS), Reading(2, 2, AT_NS)]).messages[0].body)
    assert body["units"] == {"b": "A"}


def test_a_scan_that_is_too_long_goes_up_in_parts() -> None:
    points = [spec(f"p{n}") for n in range(5)]
    readings = [Reading(n, "x" * (MESSAGE_BYTES // 3), AT_NS) for n in range(5)]
    made = scans(points).make(tuple(range(5)), readings)
    bodies = [json.loads(message.body) for message in made.messages]
    assert len(bodies) > 1
    assert [name for body in bodies for name in body["values"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert all(len(message.body) <= MESSAGE_BYTES for message in made.messages)
    assert {body["ts"] for body in bodies} == {AT}


def test_latest_merges_scans_of_different_rates() -> None:
    points = [spec("fast", "V"), spec("slow", "kWh")]
    subject = scans(points)
    subject.make((0, 1), [Reading(0, 1, AT_NS), Reading(1, 10, AT_NS)])
    subject.make((0,), [Reading(0, 2, AT_NS + 1)])
    assert [(entry.name, entry.value) for entry in subject.latest()] == [("fast", 2), ("slow", 10)]


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


def digits(number: float) -> int:
    """Significant ones."""
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_the_short_text_is_the_same_float32(values: list[float]) -> None:
    short = shortest_single(values)
    layout = f"{len(values)}f"
    assert struct.pack(layout, *short) == struct.pack(layout, *values)
    assert all(digits(a) <= min(9, digits(b)) for a, b in zip(short, values, strict=True))


@pytest.mark.parametrize("value", [999999986991104.0])
def test_few_digits_are_short_also_where_zeros_follow(value: float) -> None:
    assert shortest_single([value]) == [1e15]


# ---- report by exception


def test_what_is_told_by_exception_stands_alone_with_its_unit_and_quality() -> None:
    points = [spec("a", "V", report=Report(Deadband(1.0))), spec("b", "A", report=Report(Deadband(1.0))), spec("c")]
    subject = scans(points)
    told(subject, 1, 1, 1)
    (body,) = told(subject, 5, 1, TIMEOUT)
    assert (body["values"], body["units"], body["quality"]) == (
        {"a": 5, "c": None},
        {"a": "V"},
        {"c": ["bad", "timeout"]},
    )


def test_nothing_to_tell_is_no_message() -> None:
    subject = scans([spec("a", report=Report(Deadband(1.0)))])
    assert [len(told(subject, value)) for value in (1, 1, 1.5, 3)] == [1, 0, 0, 1]


def test_what_hardly_ever_changes_is_told_when_it_does() -> None:
    subject = scans([spec("serial", kind="info", report=Report(Deadband(0.0)))])
    assert [len(told(subject, value)) for value in ("A", "A", "B")] == [1, 0, 1]


def test_the_time_of_a_value_goes_with_it() -> None:
    points = [spec("a", report=Report(Deadband(1.0))), spec("b")]
    subject = scans(points)
    subject.make((0, 1), [Reading(0, 1, AT_NS), Reading(1, 1, AT_NS)])
    made = subject.make((0, 1), [Reading(0, 1, AT_NS), Reading(1, 2, AT_NS + 2_000_000_000)])
    assert json.loads(made.messages[0].body)["at"] == {"b": "2026-11-22T18:29:51.123Z"}


# ---- derived points


def derived(*names: str, **more: Any) -> tuple[DerivedSpec, ...]:
    return tuple(DerivedSpec(name, "W", parse("a * 2"), **more) for name in names)


def test_derived_points_stand_behind_those_that_they_are_made_of() -> None:
    (body,) = told(scans([spec("a", "V"), spec("b")], derived=derived("d")), 1.5, 2)
    assert (body["values"], body["units"]) == ({"a": 1.5, "b": 2, "d": 3.0}, {"a": "V", "d": "W"})


def test_a_derived_point_that_is_bad_makes_no_point_bad_that_was_read() -> None:
    subject = scans([spec("a"), spec("b")], derived=derived("d"))
    made = subject.make((0, 1), [Reading(0, None, AT_NS, TIMEOUT), Reading(1, 1, AT_NS)])
    assert (made.bad, made.reason) == (1, "timeout")


def test_a_long_scan_with_derived_points_and_deadbands_goes_up_in_parts_with_all_of_it() -> None:
    long = "x" * (MESSAGE_BYTES // 3)
    points = [spec("a"), *(spec(f"p{n}", report=Report(Deadband(0.0))) for n in range(6))]
    subject = scans(points, derived=derived("d", "e"))
    bodies = told(subject, 1, *[long] * 6)
    assert len(bodies) > 1
    assert [name for body in bodies for name in body["values"]] == ["a", *(f"p{n}" for n in range(6)), "d", "e"]
    (body,) = told(subject, 2, *[long] * 6)
    assert body["values"] == {"a": 2, "d": 4, "e": 4}


def test_a_value_that_no_message_can_hold_is_null_and_the_others_go_up() -> None:
    subject = scans([spec("a"), spec("b"), spec("c")])
    bodies = told(subject, 1, "x" * (2 * MESSAGE_BYTES), 3)
    values = {name: value for body in bodies for name, value in body["values"].items()}
    assert values == {"a": 1, "b": None, "c": 3}
    assert [body["quality"] for body in bodies if "quality" in body] == [{"b": ["bad", "too long for a message"]}]


# ---- context


ASSET = Asset("acme/hall", "Meter", "ACME", "PM1", "0042", {"cost_center": "0471"}, ("enterprise", "area"))


def test_a_message_says_what_the_plant_knows_of_the_asset() -> None:
    (body,) = told(scans([spec("a")], asset=ASSET), 1)
    assert body["asset"] == "acme/hall"
    assert body["context"] == {
        "name": "Meter",
        "maker": "ACME",
        "model": "PM1",
        "serial": "0042",
        "tags": {"cost_center": "0471"},
    }


def test_levels_are_said_where_they_are_asked_for_and_nothing_else() -> None:
    (body,) = told(scans([spec("a")], enrich=("levels",), asset=ASSET), 1)
    assert body["context"] == {"levels": {"enterprise": "acme", "area": "hall"}}


def test_without_enrichment_only_the_path_is_said() -> None:
    (body,) = told(scans([spec("a")], enrich=(), asset=ASSET), 1)
    assert (body["asset"], "context" in body) == ("acme/hall", False)


def test_a_device_says_more_than_its_asset() -> None:
    (body,) = told(scans([spec("a")], asset=ASSET, context={"hall": "A", "name": "Other"}), 1)
    assert (body["context"]["hall"], body["context"]["name"]) == ("A", "Other")


def test_a_text_from_a_point_is_null_until_the_point_was_read() -> None:
    subject = scans([spec("a"), spec("serial")], context={"serial": From("serial")})
    first = json.loads(subject.make((0,), [Reading(0, 1, AT_NS)]).messages[0].body)
    assert first["context"] == {"serial": None}
    (second,) = told(subject, 1, "SN-7")
    assert second["context"] == {"serial": "SN-7"}


def test_a_text_from_a_point_stays_when_one_poll_fails_and_follows_when_it_changes() -> None:
    subject = scans([spec("a"), spec("serial")], asset=Asset("x", tags={"serial": From("serial")}))
    assert [told(subject, 1, value)[0]["context"]["tags"]["serial"] for value in ("A", TIMEOUT, "B")] == ["A", "A", "B"]


def test_a_text_from_a_point_that_is_not_told_by_exception_is_still_heard() -> None:
    subject = scans([spec("a"), spec("s", report=Report(Deadband(0.0)))], context={"s": From("s")})
    told(subject, 1, "A")
    (body,) = told(subject, 2, "A")
    assert (body["values"], body["context"]) == ({"a": 2}, {"s": "A"})


def test_a_long_text_from_a_point_does_not_fill_every_message() -> None:
    subject = scans([spec("s")], context={"s": From("s")})
    (body,) = told(subject, "x" * 50_000)
    assert len(body["context"]["s"]) == 1024


# ---- what a device may say


@pytest.mark.parametrize("at_ns", [-(10**25), -1, 0, 10**25, 2**63])
def test_a_clock_may_say_what_it_likes(at_ns: int) -> None:
    assert len(timestamp(at_ns)) == len(AT)


@pytest.mark.parametrize(
    "value", ["\u0000", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\u202e"]
)
def test_texts_of_every_kind_are_json(value: str) -> None:
    assert scan([spec("a")], [value])["values"] == {"a": value}


def test_flags_are_a_list_and_bytes_are_hexadecimal() -> None:
    points = [spec("f", flags={0: "x", 1: "y"}), spec("b")]
    assert scan(points, [3, b"\x0a\xff"])["values"] == {"f": ["x", "y"], "b": "0aff"}


def test_a_total_of_64_bits_and_more_is_written() -> None:
    subject = scans([spec("a", kind="counter", rollover=1 << 64)])
    values = [told(subject, value)[0]["values"]["a"] for value in ((1 << 64) - 1, 5)]
    assert values == [(1 << 64) - 1, float((1 << 64) + 5)]


def test_latest_follows_a_clock_that_goes_back() -> None:
    subject = scans([spec("a"), spec("b")])
    subject.make((0, 1), [Reading(0, 1, AT_NS), Reading(1, 1, AT_NS)])
    subject.make((0,), [Reading(0, 2, AT_NS - 10**12)])
    assert [(entry.name, entry.value) for entry in subject.latest()] == [("a", 2), ("b", 1)]


def test_ever_other_scans_do_not_fill_the_memory_and_nothing_is_forgotten() -> None:
    points = [spec(f"p{n}") for n in range(10)]
    subject = scans(points)
    for mask in range(1, 1 << 10):
        positions = tuple(n for n in range(10) if mask >> n & 1)
        subject.make(positions, [Reading(n, mask, AT_NS) for n in positions])
    assert len(subject._latest) <= 65
    assert len(subject._shapes) <= 256
    newest = {f"p{n}": max(mask for mask in range(1, 1 << 10) if mask >> n & 1) for n in range(10)}
    assert {entry.name: entry.value for entry in subject.latest()} == newest


def test_what_is_held_back_until_its_condition_is_true_comes_with_its_own_time() -> None:
    subject = scans([spec("mode"), spec("serial", when=parse("mode == 1"), report=Report(Deadband(0.0)))])
    assert subject.make((1,), [Reading(1, 77, AT_NS)]).messages == []
    later = AT_NS + 2_000_000_000
    (message,) = subject.make((0,), [Reading(0, 1, later)]).messages
    body = json.loads(message.body)
    assert (body["ts"], body["values"], body["at"]) == (
        AT.replace("49.123", "51.123"),
        {"mode": 1, "serial": 77},
        {"serial": AT},
    )


def test_what_came_late_is_the_newest_for_people_who_ask() -> None:
    subject = scans([spec("mode"), spec("p", when=parse("mode"))])

    readings = [Reading(0, None, AT_NS, TIMEOUT), Reading(1, 5, AT_NS + 1), Reading(0, 1, AT_NS + 2)]
    for reading in [*readings, Reading(0, 1, AT_NS + 3)]:
        subject.make((reading.point,), [reading])
    assert [(row.name, row.value, row.at_ns - AT_NS) for row in subject.latest()] == [("mode", 1, 3), ("p", 5, 1)]
    subject.make((1,), [Reading(1, 6, AT_NS + 4)])
    assert subject.latest()[1].value == 6


def test_somebody_else_may_say_what_is_published() -> None:
    class Second:
        def select(self, scan: Scan, at_ns: int) -> list[int] | None:
            return [1] if scan.values[1] != 2 else []

    subject = Scans(device([spec("a"), spec("b")]), Totals(), ENRICH, Second())
    assert [body["values"] for body in told(subject, 1, 3)] == [{"b": 3}]
    assert told(subject, 1, 2) == []
