"""Labels of any manual become names that are allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.draft import ascii_letters, point_name, profile_name


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Spannung L1-N [V]", "spannung_l1_n"),
        ("Voltage L1", "voltage_l1"),
        ("/Settings/CGwacs/BatteryLife/State", "settings_cgwacs_battery_life_state"),
        ("Energy total (kWh)", "energy_total_kwh"),
        ("FeedInPower", "feed_in_power"),
        ("kWh", "kwh"),
        ("Reactive kVar", "reactive_kvar"),
        ("pH value", "ph_value"),
        ("Überspannung Größe", "ueberspannung_groesse"),
        ("Zähler Füllstand", "zaehler_fuellstand"),
        ("Za\u0308hler", "zaehler"),
        ("Température d'entrée", "temperature_dentree"),
        ("Lämpötila", "laempoetila"),
        ("Smørolje", "smorolje"),
        ("cos φ", "cos_phi"),
        ("Температура воды", "temperatura_vody"),
        ("CO₂", "co2"),
        ("A+", "a_plus"),
        ("A-", "a_minus"),
        ("P+ total", "p_plus_total"),
        ("Power - total", "power_total"),
        ("3-phase power", "p_3_phase_power"),
        ("电压", "point"),
        ("", "point"),
        ("x" * 80, "x" * 64),
    ],
)
def test_a_label_becomes_a_name(label: str, name: str) -> None:
    assert point_name(label) == name


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert point_name("Power", {"power"}) == "power_2"
    assert point_name("Power", {"power", "power_2"}) == "power_3"
    assert point_name("x" * 80, {"x" * 64}) == "x" * 62 + "_2"


def test_names_of_profiles_have_hyphens() -> None:
    assert profile_name("EM24 (v2)") == "em24-v2"
    assert profile_name("EM24", {"em24"}) == "em24-2"
    assert profile_name("电压") == "imported"
    assert profile_name("Wärmezähler 2") == "waermezaehler-2"


def test_letters_of_a_word_are_written_in_ascii_as_its_language_does() -> None:
    assert ascii_letters("Größe Österreich Ångström CO₂ мощность") == "groesse oesterreich angstroem co2 moshchnost"


@given(st.text(), st.sets(st.sampled_from(["point", "point_2", "a", "a_2", "imported"])))
def test_every_name_is_allowed_and_new(label: str, taken: set[str]) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]{0,63}", point_name(label, taken))
    assert re.fullmatch("[a-z0-9][a-z0-9_.-]{0,63}", profile_name(label, taken))
    assert not {point_name(label, taken), profile_name(label, taken)} & taken
