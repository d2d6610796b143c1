"""Names, numbers and times as they are written in a profile."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.mapping.draft import DraftPoint, DraftProfile
from gateway.mapping.importers.drafting import (
    Drafts,
    Names,
    duration,
    endpoint,
    identifier_name,
    number,
    plain_name,
    scaling,
    unit,
    with_defaults,
)
from gateway.mapping.importers.parts import LeftOut, Notes

HERE = Notes("x").at()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("PhVphA", "ph_vph_a"),
        ("A_SF", "a_sf"),
        ("HVACValues", "hvac_values"),
        ("WHRtg", "wh_rtg"),
        ("voltageL1", "voltage_l1"),
        ("energy_kWh", "energy_kwh"),
        ("pH", "ph"),
        ("Filler01.Speed", "filler01_speed"),
        ("2nd stage", "p_2nd_stage"),
        ("Außentemperatur", "aussentemperatur"),
        ("…", "point"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_name_of_a_program_becomes_the_name_of_a_point(written: str, name: str) -> None:
    assert identifier_name(written) == name


def test_a_name_of_a_device_keeps_its_dots() -> None:
    assert plain_name("10.20.0.30", "x") == "10.20.0.30"
    assert plain_name("Boiler room 2", "x") == "boiler-room-2"
    assert plain_name("--", "x") == "x"


def test_a_name_that_is_taken_gets_a_number_and_stays_short_enough() -> None:
    names = Names()
    assert [names.free("a", "_") for _ in range(3)] == ["a", "a_2", "a_3"]
    assert [names.free(name, "_") for name in ("b_2", "b", "b")] == ["b_2", "b", "b_3"]
    long = "x" * 64
    assert [names.free(long, "_") for _ in range(2)] == [long, "x" * 62 + "_2"]


def test_numbers_are_written_out() -> None:
    assert [number(Decimal(text)) for text in ("1E-3", "10", "1E+2", "0.10", "-2.50", "0", "-0")] == [
        *("0.001", "10", "100", "0.1", "-2.5", "0", "0")
    ]


@pytest.mark.parametrize(
    ("up", "down", "setting"),
    [
        ("1", "1", {}),
        ("0.1", "1", {"scale": "0.1"}),
        ("1", "10", {"divide": "10"}),
        ("5", "5", {}),
        ("5", "2", {"scale": "2.5"}),
        ("5", "9", {"divide": "1.8"}),
        ("0", "0", {}),
    ],
)
def test_a_factor_is_written_by_the_word_that_says_it_exactly(up: str, down: str, setting: dict[str, str]) -> None:
    assert scaling(Decimal(up), Decimal(down), HERE) == setting


def test_a_factor_that_is_no_decimal_is_not_rounded() -> None:
    with pytest.raises(LeftOut):
        scaling(Decimal(7), Decimal(9), HERE)


def test_times_are_written_in_the_largest_whole_unit() -> None:
    times = [duration(Decimal(text)) for text in ("0.25", "1", "90", "120", "3600", "86400", "1.5")]
    assert times == ["250ms", "1s", "90s", "2min", "1h", "1d", "1500ms"]


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert endpoint("fd00::7", 502, HERE) == endpoint("[fd00::7]", 502, HERE) == "tcp://[fd00::7]:502"
    assert endpoint("plc-1", 502, HERE) == "tcp://plc-1:502"
    for host in ("", "a b", "-1.5", "a/b", "tcp://a"):
        with pytest.raises(LeftOut):
            endpoint(host, 502, HERE)


def test_a_unit_that_is_not_known_is_said_and_left_out() -> None:
    notes = Notes("x")
    assert unit("volts", HERE, notes) == {"unit": "V"}
    assert unit("", HERE, notes) == {}
    assert unit("furlongs", HERE, notes) == {}
    assert [found.code for found in notes.found()] == ["I26"]


def test_what_all_points_share_becomes_a_default() -> None:
    points = [DraftPoint(name, {"table": "input", "at": name, "every": "1s"}) for name in "12"]
    defaults, rest = with_defaults(points)
    assert defaults == {"table": "input", "every": "1s"}
    assert [point.settings for point in rest] == [{"at": "1"}, {"at": "2"}]
    assert with_defaults(points[:1]) == ({}, points[:1])


def test_profiles_that_differ_in_their_notes_alone_are_one() -> None:
    drafts = Drafts(Notes("x"))
    names = [
        drafts.profile(DraftProfile(name, "modbus", [DraftPoint("p", {"at": at, "note": name})]))
        for name, at in (("a", "1"), ("b", "1"), ("a", "2"))
    ]
    assert names == ["a", "a", "a-2"]
    assert [profile.profile for profile in drafts.imported().profiles] == ["a", "a-2"]
