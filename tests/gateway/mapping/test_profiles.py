"""A profile becomes points: defaults under them, exact scale, raw values that mean none."""

from __future__ import annotations

from fractions import Fraction

from tests.gateway.mapping.plants import ADAPTERS, FILES, Address
from tests.gateway.mapping.reading import HEAD, codes, judged, profile, spec


def test_the_profile_of_the_test_plant() -> None:
    found = profile(FILES["acme.profile.yaml"].split("\n", 1)[1])
    assert (found.name, found.protocol, found.adapter) == ("acme-meter", "field", ADAPTERS["field"])
    assert [one.spec.point.name for one in found.points] == ["voltage_l1", "voltage_l2", "power", "running"]
    power = found.points[2].spec
    assert power.point.address == Address.model_validate({"at": 0x34, "table": "input", "type": "int16"})
    assert (power.unit, power.scale, power.offset, power.nan, power.point.every_s, power.single) == (
        *("W", Fraction(1, 10), Fraction(0), frozenset({0x8000})),
        *(5.0, False),
    )


def test_a_point_says_otherwise_than_the_defaults() -> None:
    found = spec("{at: 1, every: 1min, type: int32}", "{every: 2s, type: float32, unit: V}")
    assert (found.point.every_s, found.point.address.type, found.unit) == (60.0, "int32", "V")


def test_scale_is_the_decimal_that_is_written() -> None:
    assert spec("{at: 1, scale: 0.1}").scale == Fraction(1, 10)
    assert spec("{at: 1, scale: 1e-3, offset: -273.15}").scale == Fraction(1, 1000)
    assert spec("{at: 1, offset: -273.15}").offset == Fraction(-27315, 100)


def test_divide_is_the_other_way_to_write_scale() -> None:
    assert spec("{at: 1, divide: 1000}").scale == spec("{at: 1, scale: 0.001}").scale


def test_a_points_own_divide_replaces_the_scale_of_the_defaults() -> None:
    assert spec("{at: 1, divide: 4}", "{scale: 0.1}").scale == Fraction(1, 4)
    assert spec("{at: 1}", "{scale: 0.1}").scale == Fraction(1, 10)


def test_only_an_unscaled_float32_is_single() -> None:
    assert spec("{at: 1, type: float32}").single
    assert not spec("{at: 1, type: float32, scale: 0.1}").single
    assert not spec("{at: 1, type: float32, offset: 1}").single
    assert not spec("{at: 1, type: float64}").single


def test_nan_is_kept_as_bit_patterns() -> None:
    assert spec("{at: 1, type: int16, nan: [0x8000, -1, 32767]}").nan == {0x8000, 0xFFFF, 0x7FFF}
    assert spec("{at: 1, type: uint32, nan: [0xFFFFFFFF]}").nan == {0xFFFFFFFF}


def test_a_bool_takes_no_scale_from_the_defaults() -> None:
    found = spec("{at: 1, type: bool}", "{scale: 0.1, nan: [0xFFFF]}")
    assert (found.scale, len(found.nan)) == (Fraction(1), 0)


def test_a_profile_without_a_name_is_none() -> None:
    found, said = judged("protocol: field\npoints: {p: {at: 1}}\n")
    assert (found, [one.code for one in said]) == (None, ["M02"])


def test_a_profile_with_a_mistake_is_not_sound_but_known() -> None:
    found, _ = judged(f"{HEAD}points:\n  p: {{at: x}}\n  q: {{at: 1}}\n")
    assert found is not None
    assert (found.name, found.sound, [one.spec.point.name for one in found.points]) == ("acme", False, ["q"])


def test_a_mistake_in_the_defaults_is_told_once_however_many_points_there_are() -> None:
    points = "".join(f"  p{number}: {{at: {number}}}\n" for number in range(50))
    for defaults in ["{type: x}", "{evry: 5s}", "{scale: 0}", "{scale: 1, divide: 1}", "{every: 5}", "{unit: kwhr}"]:
        assert len(codes(f"{HEAD}defaults: {defaults}\npoints:\n{points}")) == 1


def test_a_mistake_in_defaults_that_no_point_uses_is_told() -> None:
    assert codes(f"{HEAD}defaults: {{type: x}}\npoints:\n  p: {{at: 1, type: int16}}\n") == ["M03"]


def test_an_unknown_protocol_says_nothing_of_the_points() -> None:
    assert codes("profile: a\nprotocol: other\npoints:\n  p: {colour: red}\n") == ["M22"]
