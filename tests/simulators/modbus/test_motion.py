"""Values that a person believes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulators.modbus.motion import STEP_S, code, count, flags, value

TIMES = [30_000_000 + 0.5 * step for step in range(1200)]


def series(name: str, unit: str, device: str = "meter-1") -> list[float]:
    return [value(device, name, unit, t_s) for t_s in TIMES]


@pytest.mark.parametrize(
    ("name", "unit", "low", "high"),
    [
        ("voltage_l1", "V", 225, 235),
        ("voltage_l1_l2", "V", 390, 408),
        ("voltage_l2_n", "V", 225, 235),
        ("current_l3", "A", 2, 21),
        ("frequency", "Hz", 49.9, 50.1),
        ("power_factor", "", 0.8, 1),
        ("power_factor_l2", "1", 0.8, 1),
        ("cosphi", "", 0.8, 1),
        ("power_l1", "kW", 0.4, 5),
        ("something", "degC", 0, 100),
        ("mode", "", 0, 100),
    ],
)
def test_values_stay_where_they_belong_and_move(name: str, unit: str, low: float, high: float) -> None:
    values = series(name, unit)
    assert low <= min(values)
    assert max(values) <= high
    assert len({round(entry, 6) for entry in values}) > 200


def test_power_is_consistent_with_voltage_and_current() -> None:
    for t_s in TIMES[:50]:

        def now(name: str, unit: str, t_s: float = t_s) -> float:
            return value("meter-1", name, unit, t_s)

        assert now("power_l1", "W") == pytest.approx(
            now("voltage_l1", "V") * now("current_l1", "A") * now("power_factor_l1", "")
        )
        assert now("power", "W") == pytest.approx(sum(now(f"power_l{phase}", "W") for phase in (1, 2, 3)))
        assert now("power", "kW") == pytest.approx(now("power", "W") / 1000)
        assert now("apparent_power_l1", "VA") == pytest.approx(
            (now("power_l1", "W") ** 2 + now("reactive_power_l1", "var") ** 2) ** 0.5
        )


@pytest.mark.parametrize(("name", "unit"), [("energy_import", "kWh"), ("energy_export", "Wh"), ("reactive", "kvarh")])
def test_counters_only_grow(name: str, unit: str) -> None:
    values = series(name, unit)
    assert all(later > before for before, later in pairwise(values))


def test_a_counter_grows_as_fast_as_the_power_says() -> None:
    grown = series("energy_import", "kWh")[-1] - series("energy_import", "kWh")[0]
    mean_kw = sum(series("power", "kW")) / len(TIMES)
    assert grown == pytest.approx(mean_kw * (TIMES[-1] - TIMES[0]) / 3600, rel=0.15)


def test_what_is_nothing_better_known_moves_within_its_bounds() -> None:
    values = [value("meter-1", "level", "m", t_s, (2.0, 3.0)) for t_s in TIMES]
    assert 2 <= min(values) < 2.01
    assert 2.99 < max(values) <= 3


@pytest.mark.parametrize(("unit", "grown"), [("s", 600), ("min", 10), ("h", 1 / 6), ("pcs", 300), ("", 300)])
def test_counters_of_other_things_go_on_with_time(unit: str, grown: float) -> None:
    assert count("m", "x", unit, 30_000_600) - count("m", "x", unit, 30_000_000) == pytest.approx(grown)


def test_a_counter_of_energy_is_that_of_the_power() -> None:
    assert count("meter-1", "energy", "kWh", 30_000_000) == value("meter-1", "energy", "kWh", 30_000_000)


def test_codes_and_flags_change_with_every_step() -> None:
    steps = [30_000_000 + STEP_S * step for step in range(8)]
    assert sorted(code("m", "state", [1, 2, 7], t_s) for t_s in steps[:3]) == [1, 2, 7]
    assert {flags("m", "alarms", [0, 4, 15], t_s) for t_s in steps} == {
        *(0, 1, 0x10, 0x11),
        *(0x8000, 0x8001, 0x8010, 0x8011),
    }
    assert code("m", "state", [1, 2, 7], 30_000_001) == code("m", "state", [1, 2, 7], 30_000_002)


def test_devices_and_phases_differ_and_repeat() -> None:
    assert series("voltage_l1", "V") == series("voltage_l1", "V")
    assert series("voltage_l1", "V") != series("voltage_l2", "V")
    assert series("voltage_l1", "V") != series("voltage_l1", "V", "meter-2")
