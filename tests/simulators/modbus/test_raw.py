"""What registers hold as time goes by."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from simulators.modbus.endpoint import tcp
from simulators.modbus.meaning import meaning
from simulators.modbus.points import TYPES, Address, Device, Point, Raw, Type
from simulators.modbus.raw import BEGINNING, nearest, powers, raws
from simulators.modbus.registers import limits, words

TIMES = [28_000_000.0 + step for step in range(0, 400, 3)]


def point(type_: Type = "uint16", name: str = "x", unit: str = "", scale: str = "1", **more: Any) -> Point:
    address = Address(0, "holding", type_, **more.pop("address", {}))
    return Point(name, address, unit, Fraction(scale), Fraction(more.pop("offset", "0")), **more)


def device(*points: Point) -> Device:
    return Device("meter-1", tcp("127.0.0.1", 502), 1, points)


def series(of: Point) -> list[Any]:
    return [raws(device(of), t_s)[0] for t_s in TIMES]


@pytest.mark.parametrize(
    ("kind", "scale", "offset", "value", "raw"),
    [
        ("uint32", "1/10", "0", 230.24, 2302),
        ("int16", "1/1000", "0", 0.9876, 988),
        ("int16", "1", "-40", 21.4, 61),
        ("uint16", "10", "0", 1234, 123),
        ("uint16", "1", "0", -5, 0),
        ("int16", "1", "0", 1e9, 32767),
        ("uint64", "1", "0", 2.0**60, 2**60),
        ("bcd16", "1", "0", 1e6, 9999),
        ("signmag16", "1", "0", -1e6, -32767),
        ("float16", "1", "0", 1e6, 65504.0),
        ("float32", "1", "0", 1e300, 3.4028234663852886e38),
        ("float64", "1", "0", 0.1, 0.1),
    ],
)
def test_the_raw_value_is_the_nearest_that_the_type_holds(
    kind: Type, scale: str, offset: str, value: float, raw: Raw
) -> None:
    assert nearest(point(kind, scale=scale, offset=offset), value) == raw


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_can_be_played(kind: Type) -> None:
    one = point(kind)
    for raw in series(one):
        assert len(words(one.address, raw)) >= 1
        assert meaning(one, raw) is not None


@pytest.mark.parametrize("kind", [kind for kind in TYPES if limits(Address(0, type=kind)) is not None])
def test_numbers_move(kind: Type) -> None:
    assert len(set(series(point(kind)))) > 20


def test_codes_walk_through_all_of_them() -> None:
    codes = {0: "off", 3: "run", 300: "fault", 70_000: "too large for the type"}
    assert set(series(point(enum=codes))) == {0, 3, 300}
    assert set(series(point(enum=codes, nan=frozenset((300,))))) == {0, 3}


def test_flags_change_and_no_other_bit_is_ever_set() -> None:
    seen = set(series(point(flags={0: "hot", 7: "door", 15: "stop", 16: "beyond"})))
    assert len(seen) == 8
    assert all(raw & ~0x8081 == 0 for raw in seen)


def test_a_field_of_bits_stays_a_field() -> None:
    seen = series(point(address={"bits": (4, 6)}))
    assert (min(seen), max(seen)) == (0, 7)


def test_counters_grow_and_roll_over() -> None:
    growing = series(point("uint32", "pieces", kind="counter"))
    assert growing == sorted(growing)
    assert growing[-1] - growing[0] == pytest.approx((TIMES[-1] - TIMES[0]) / 2, abs=1)
    rolling = series(point("uint32", "pieces", kind="counter", rollover=100))
    assert max(rolling) <= 99
    falls = [(before, after) for before, after in pairwise(rolling) if after < before]
    assert falls
    assert all(before > 90 and after < 10 for before, after in falls)


def test_a_counter_without_rollover_begins_again_where_its_type_ends() -> None:
    seen = series(point("uint8", "seconds", "s", kind="counter"))
    assert any(after < before for before, after in pairwise(seen))
    assert max(series(point("bcd16", "energy", "Wh", kind="counter"))) <= 9999


def test_hours_of_operation_pass_as_time_does() -> None:
    seen = series(point("uint32", "hours", "s", kind="counter"))
    assert seen[-1] - seen[0] == pytest.approx(TIMES[-1] - TIMES[0], abs=1)


@pytest.mark.parametrize(
    ("of", "low", "high"),
    [
        (point("int16", unit="degC", scale="1/10", range=(-40.0, 85.0)), -40, 85),
        (point("float32", unit="bar", range=(2.0, 3.0)), 2, 3),
        (point("uint16", unit="V", range=(229.0, 231.0)), 229, 231),
        (point("float64", unit="V", range=(229.0, 231.0)), 229, 231),
        (point("uint16", unit="V", scale="7", range=(225.0, 236.0)), 225, 236),
        (point("uint16", offset="50000", unit="Pa"), 50000, 115535),
        (point("int8", scale="1/10"), 0, 12.7),
    ],
)
def test_values_stay_within_their_range(of: Point, low: float, high: float) -> None:
    meant = [float(meaning(of, raw)) for raw in series(of)]  # type: ignore[arg-type]  # numbers
    assert low <= min(meant)
    assert max(meant) <= high


def test_no_value_is_never_met_by_chance() -> None:
    plain = point("uint16", scale="1")
    missing = frozenset(set(series(plain)) - {0})
    assert not set(series(point("uint16", nan=missing))) & missing
    assert nearest(point("uint16", nan=frozenset((0,))), -5) == 1


def test_what_is_held_does_not_move() -> None:
    assert set(series(point("int16", held=-32768))) == {-32768}


@pytest.mark.parametrize("kind", ["string", "bytes", "version"])
def test_what_a_device_says_of_itself_stays(kind: Type) -> None:
    assert len(set(series(point(kind, address={} if kind == "version" else {"length": 8})))) == 1


def test_clocks_show_the_time_in_utc() -> None:
    t_s = (datetime(2026, 11, 25, 7, 33, 17, 400_000, tzinfo=UTC) - BEGINNING).total_seconds()
    clock, short, hour = raws(
        device(point("datetime", "a"), point("datetime", "b", address={"length": 6}), point("hhmm", "c")), t_s
    )
    assert clock == short == datetime(2026, 11, 25, 7, 33, 17)  # a device's clock knows no zone
    assert hour == 733


def test_a_scale_factor_leaves_room_and_digits() -> None:
    meter = device(
        point("int16", "voltage", "V", scale_from="v_sf"),
        point("int16", "v_sf"),
        point("uint16", "current", "A", scale_from="a_sf"),
        point("int16", "a_sf"),
        point("int16", "power", "W", scale_from="w_sf"),
        point("int16", "w_sf"),
        point("float32", "pace", scale_from="unsigned"),
        point("uint16", "unsigned"),
    )
    found = powers(meter)
    assert found["v_sf"] == -1
    assert found["a_sf"] == -3
    assert found["w_sf"] in (0, 1)
    assert found["unsigned"] == 0
    held = raws(meter, TIMES[0])
    assert (held[1], held[3]) == (-1, -3)
    volts = meaning(meter.points[0], held[0], -1)
    assert isinstance(volts, float)
    assert 225 < volts < 235
