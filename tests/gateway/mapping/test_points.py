"""What the settings of a point mean together, and which of them do not go together."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gateway.mapping.spec import Deadband, Write
from tests.gateway.mapping.reading import HEAD, codes, derived, judged, profile, spec, specs

NUMBERS = "{type: int16, unit: V, scale: 0.1, deadband: 0.5 V, range: [0, 400], nan: [0x8000]}"
"""Defaults that mean something for numbers only."""


@pytest.mark.parametrize("settings", ["{at: 1, type: bool}", "{at: 1, type: string}", "{at: 1, enum: {0: a}}"])
def test_defaults_for_numbers_do_not_touch_what_is_no_number(settings: str) -> None:
    found = spec(settings, NUMBERS)
    assert (found.unit, found.scale, found.range) == ("", Fraction(1), None)
    assert found.report.deadband == Deadband(0.0)  # it is still reported by exception


def test_a_text_has_no_raw_value_that_means_none_but_a_code_may() -> None:
    assert spec("{at: 1, type: string}", NUMBERS).nan == frozenset()
    assert spec("{at: 1, enum: {0: a}}", NUMBERS).nan == {0x8000}


def test_what_a_bool_says_itself_is_kept() -> None:
    assert spec("{at: 1, type: bool, unit: '%'}", NUMBERS).unit == "%"
    assert codes(f"{HEAD}points:\n  p: {{at: 1, type: bool, deadband: 1 V}}\n") == ["R05"]


def test_a_scale_factor_of_the_defaults_is_for_the_others() -> None:
    text = (
        f"{HEAD}defaults: {{scale_from: sf}}\npoints:\n  a: {{at: 1}}\n  sf: {{at: 2}}\n  on: {{at: 3, type: bool}}\n"
    )
    assert [point.scale_from for point in profile(text).points] == ["sf", "", ""]


def test_a_condition_of_the_defaults_is_read_for_each_point() -> None:
    text = f"{HEAD}defaults: {{when: on}}\npoints:\n  a: {{at: 1}}\n  on: {{at: 2, type: bool}}\n"
    assert [found.when is not None for found in specs(text).values()] == [True, True]


@pytest.mark.parametrize(
    ("settings", "deadband"),
    [
        ("unit: V", None),
        ("unit: V, deadband: 0.5 V", Deadband(0.5)),
        ("unit: V, deadband: 500 mV", Deadband(0.5)),
        ("unit: V, deadband: 1 %", Deadband(1.0, percent=True)),
        ("unit: V, deadband: 0", Deadband(0.0)),
        ("deadband: 3", Deadband(3.0)),
        ("unit: degC, as: degF, deadband: 1 degC", Deadband(1.8)),  # a difference: 32 plays no part in it
        ("unit: degC, as: K, deadband: 0.5 K", Deadband(0.5)),
        ("kind: info", Deadband(0.0)),
        ("kind: info, deadband: 2", Deadband(2.0)),
        ("unit: V, kind: counter", None),
    ],
)
def test_a_deadband_is_in_the_published_unit(settings: str, deadband: Deadband | None) -> None:
    assert spec(f"{{at: 1, {settings}}}").report.deadband == deadband


def test_as_converts_exactly() -> None:
    found = spec("{at: 1, unit: degC, as: degF}")
    assert (found.unit, found.factor, found.shift) == ("degF", Fraction(9, 5), Fraction(32))
    assert spec("{at: 1, unit: Wh, as: kWh}").factor == Fraction(1, 1000)
    assert spec("{at: 1, unit: kWh, as: kWh}").factor == 1


@pytest.mark.parametrize("more", ["scale: 0.1", "offset: 1", "unit: V, as: mV", "kind: counter, rollover: 100"])
def test_only_what_is_published_as_the_device_gave_it_has_the_text_of_a_float32(more: str) -> None:
    assert spec("{at: 1, type: float32}").single
    assert not spec(f"{{at: 1, type: float32, {more}}}").single


def test_a_value_that_is_scaled_by_another_point_is_no_plain_float32() -> None:
    assert not specs(f"{HEAD}points:\n  p: {{at: 1, type: float32, scale_from: s}}\n  s: {{at: 2}}\n")["p"].single


def test_nan_of_a_field_is_a_pattern_of_the_field() -> None:
    assert spec("{at: 1, bits: 5..15, nan: [2047]}").nan == {2047}
    assert codes(f"{HEAD}points:\n  p: {{at: 1, bits: 5..15, nan: [2048]}}\n") == ["B09"]
    assert codes(f"{HEAD}points:\n  p: {{at: 1, bits: 5..15, type: int16, nan: [-1]}}\n") == ["B09"]


def test_a_write_is_bounded_in_the_published_unit() -> None:
    found = spec("{at: 1, unit: Hz, write: {range: [0, 60], step: 0.5, unit: Hz, every: 1s, confirm: readback}}")
    assert found.write == Write(Fraction(0), Fraction(60), Fraction(1, 2), (), 1.0, "readback")
    assert spec("{at: 1, write: {idempotent: true}}").write == Write(idempotent=True)
    assert spec("{at: 1}").write is None
    assert spec("{at: 1, write: {}}").write == Write()


def test_texts_of_an_enum_may_be_written() -> None:
    found = spec("{at: 1, enum: {0: off, 1: on}, write: {values: [on]}}")
    assert found.write is not None
    assert found.write.values == ("on",)


def test_codes_may_be_written_in_hexadecimal() -> None:
    assert spec("{at: 1, enum: {0xFF: a, 0: b}}").enum == {255: "a", 0: "b"}


def test_only_one_of_two_scales_counts_where_the_other_is_none() -> None:
    assert spec("{at: 1, scale: none, divide: 4}").scale == Fraction(1, 4)


def test_none_takes_away_any_setting_of_the_defaults() -> None:
    defaults = "{unit: V, deadband: 1 V, nan: [1], when: p > 1, every: 1s, range: [0, 1]}"
    found = spec(
        "{at: 1, unit: none, deadband: none, nan: none, when: none, every: none, range: none}",
        defaults,
    )
    assert found == spec("{at: 1}")


def test_what_must_be_there_cannot_be_taken_away() -> None:
    assert codes(f"{HEAD}points:\n  p: {{at: none}}\n") == ["M02"]


def test_a_derived_point_may_convert_and_be_judged() -> None:
    (found,) = derived(
        f"{HEAD}points:\n  a: {{at: 1, unit: W}}\nderived:\n"
        "  d: {expr: a * 2, unit: W, as: kW, range: [0, 5], deadband: 100 W, heartbeat: 1h, when: a > 0, note: n}\n"
    )
    assert (found.unit, found.factor, found.range, found.note) == ("kW", Fraction(1, 1000), (0.0, 5.0), "n")
    assert (found.report.deadband, found.report.heartbeat_s) == (Deadband(0.1), 3600.0)
    assert found.when is not None


def test_derived_points_come_in_an_order_in_which_they_can_be_computed() -> None:
    text = f"{HEAD}points: {{a: {{at: 1}}}}\nderived:\n  z: {{expr: y + 1}}\n  y: {{expr: x + 1}}\n  x: {{expr: a}}\n"
    assert [found.name for found in derived(text)] == ["x", "y", "z"]


def test_a_mistake_in_the_defaults_is_told_of_the_first_point() -> None:
    points = "".join(f"  p{n}: {{at: {n}, unit: W}}\n" for n in range(50))
    for defaults in ("{deadband: 1 V}", "{as: kWh}", "{rollover: 100}", "{when: nobody > 1}", "{scale_from: nobody}"):
        _, said = judged(f"{HEAD}defaults: {defaults}\npoints:\n{points}")
        assert len(said) == 1
        assert said[0].text.startswith("p0: ")


def test_twenty_four_copies_make_one_message_with_the_name_as_it_was_written() -> None:
    for settings in ("nan: [0x18000]", "unit: V, deadband: 1 A", "when: nobody", "scale_from: nobody", "type: x"):
        _, said = judged(f"{HEAD}points:\n  cell_{{i}}: {{at: 1, {settings}, repeat: {{i: 1..24, step: 1}}}}\n")
        assert len(said) == 1, settings
        assert "cell_1" not in said[0].text


def test_a_message_names_a_point_and_not_what_only_begins_so() -> None:
    _, said = judged(
        f"{HEAD}points:\n  p{{i}}: {{at: 1, when: p1x > p10, repeat: {{i: 1..2, step: 1}}}}\n  p10: {{at: 9}}\n"
    )
    assert [one.text for one in said] == ['p{i}: there is no point "p1x"']


def test_minus_zero_cannot_mean_no_value() -> None:
    _, said = judged(f"{HEAD}points:\n  p: {{at: 1, type: signmag16, nan: [0x8001, 0x8000]}}\n")
    assert [(one.code, one.column, one.text) for one in said] == [
        ("B09", 45, "p: nan value 0x8000 is minus zero in signmag16: it cannot be told from a true 0")
    ]
    assert spec("{at: 1, type: int16, nan: [0x8000]}").nan == {0x8000}


def test_a_pattern_that_is_no_bcd_may_stand_there() -> None:
    assert codes(f"{HEAD}points:\n  p: {{at: 1, type: bcd16, nan: [0xFFFF]}}\n") == []
