"""Device models in DTDL, judged by Microsoft's own parser."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping.exporters.dtdl import interfaces
from gateway.mapping.expression import parse
from gateway.mapping.spec import DerivedSpec, Device, PointSpec, Write
from gateway.mapping.units import BUILT_IN, SiteUnit
from tests.gateway.mapping.exporters import judges
from tests.gateway.mapping.exporters.made import bundled, meter, plant, register, variable


def content(spec: PointSpec) -> dict[str, Any]:
    (only,) = interfaces(plant(meter(spec)))[0]["contents"]
    assert isinstance(only, dict)
    return only


def everything() -> Device:
    """A device with all that the language has."""
    average = DerivedSpec("average", "V", parse("(voltage + counter) / 2"))
    alarm = DerivedSpec("alarm_", "", parse("voltage > 250"), note="x" * 600)
    modes = {0: "manual", 1: "1P2W", 2: "Öffnen", 3: "öffnen!", 4: "manual", 5: "", 6: "_", 7: "Auto (1)"}
    return meter(
        register("voltage", {"at": 0, "type": "uint32"}, scale="1/10", unit="V", note="phase L1"),
        register("counter", {"at": 2, "type": "uint64"}, unit="kWh", kind="counter"),
        register("mode", {"at": 6}, enum=modes, write=Write(values=("manual",))),
        register("alarms", {"at": 7}, flags={0: "overload", 3: "door open"}),
        register("serial", {"at": 8, "type": "string", "length": "8"}, kind="info"),
        register(
            "setpoint", {"at": 16, "type": "int16"}, scale="1/100", unit="Hz", write=Write(Fraction(0), Fraction(60))
        ),
        register("alarm", {"at": 17, "type": "bool", "table": "coil"}),
        variable("anything_", "m;s=Anything"),
        variable("power_factor", "m;s=PF", unit="1"),
        derived=(average, alarm),
    )


@judges.needs_node
@pytest.mark.slow
def test_every_bundled_profile_is_accepted(tmp_path: Path) -> None:
    models = interfaces(bundled(tmp_path))
    assert judges.dtdl(tmp_path, {"models": models}) == {"models": []}


@judges.needs_node
@pytest.mark.slow
def test_all_that_the_language_has_is_accepted_and_a_mistake_is_not(tmp_path: Path) -> None:
    profile = "9-lives_and.more"
    longest = ["a" * 64, "b." * 31]
    devices = [
        everything(),
        meter(register("p", {"at": 0}), name="m2", profile=profile, variant="3ph"),
        *(meter(register(f"p{size}", {"at": 0}), name="n" * size, profile=longest[0]) for size in (63, 64)),
        meter(register("p", {"at": 0}), name="m5", profile=longest[1], variant="c" * 64),
    ]
    right = interfaces(plant(*devices))
    assert len(right) == len(devices)
    wrong = copy.deepcopy(right)
    wrong[0]["contents"][0]["unit"] = "ampere"
    told = judges.dtdl(tmp_path, {"right": right, "wrong": wrong})
    assert told["right"] == []
    assert [error["ValidationID"] for error in told["wrong"]] == ["dtmi:dtdl:parsingError:wrongParent"]
    assert "'voltage'" in told["wrong"][0]["Cause"]


def test_a_scaled_register_with_a_unit_is_telemetry_with_a_semantic_type() -> None:
    voltage = register("voltage_l1", {"at": 0, "type": "uint32"}, scale="1/10", unit="V", note="against N")
    assert content(voltage) == {
        "@type": ["Telemetry", "Voltage"],
        "name": "voltage_l1",
        "displayName": "voltage l1",
        "unit": "volt",
        "schema": "double",
        "description": "against N",
    }


@pytest.mark.parametrize(
    ("type_", "schema"), [("uint16", "integer"), ("int32", "integer"), ("uint32", "long"), ("int64", "long")]
)
def test_integers_are_as_wide_as_they_must_be(type_: str, schema: str) -> None:
    assert content(register("p", {"at": 0, "type": type_}))["schema"] == schema


def test_what_does_not_fit_into_a_long_is_said() -> None:
    counter = content(register("p", {"at": 0, "type": "uint64"}))
    assert counter["schema"] == "long"
    assert counter["comment"] == "from 0 to 18446744073709551615, but a long ends at 9223372036854775807"


def test_a_unit_without_a_term_stands_in_the_comment() -> None:
    assert content(register("p", {"at": 0}, unit="dBm"))["comment"] == "unit dBm"
    assert "unit" not in content(register("p", {"at": 0}, unit="dBm"))


def test_units_of_the_site_count_as_well() -> None:
    site, _ = BUILT_IN.with_site([SiteUnit("Fuhre", base="kg", dtdl="kilogram")])
    device = meter(register("p", {"at": 0}, unit="Fuhre"))
    (only,) = interfaces(plant(device), site)[0]["contents"]
    assert (only["@type"], only["unit"]) == (["Telemetry", "Mass"], "kilogram")
    assert interfaces(plant(device))[0]["contents"][0]["comment"] == "unit Fuhre"


def test_texts_for_codes_become_an_enum_of_texts() -> None:
    mode = content(register("mode", {"at": 0}, enum={0: "off", 1: "1P2W", 2: "off"}))
    assert mode["schema"] == {
        "@type": "Enum",
        "valueSchema": "string",
        "enumValues": [
            {"name": "off", "displayName": "off", "enumValue": "off"},
            {"name": "value_1P2W", "displayName": "1P2W", "enumValue": "1P2W"},
        ],
    }
    flags = content(register("alarms", {"at": 0}, flags={0: "hot", 3: "hot!"}))["schema"]
    assert flags["@type"] == "Array"
    assert [value["name"] for value in flags["elementSchema"]["enumValues"]] == ["hot", "hot_2"]


def test_what_hardly_changes_and_what_can_be_written_are_properties() -> None:
    assert content(register("serial", {"at": 0}, kind="info"))["@type"] == "Property"
    assert "writable" not in content(register("serial", {"at": 0}, kind="info"))
    setpoint = content(register("setpoint", {"at": 0}, unit="Hz", write=Write(Fraction(0), Fraction(60))))
    assert (setpoint["@type"], setpoint["writable"]) == (["Property", "Frequency"], True)


def test_a_name_that_dtdl_does_not_allow_is_changed_and_told() -> None:
    device = meter(register("p_", {"at": 0}), register("p", {"at": 1}))
    first, second = interfaces(plant(device))[0]["contents"]
    assert (first["name"], first["comment"]) == ("p", "published as p_")
    assert (second["name"], second["comment"]) == ("p_2", "published as p")


def test_one_interface_for_each_profile_and_variant_and_one_for_a_device_that_differs() -> None:
    voltage, power = register("voltage", {"at": 0}, unit="V"), register("power", {"at": 1}, unit="W")
    models = interfaces(
        plant(
            meter(voltage),
            meter(voltage, name="meter-2"),
            meter(voltage, power, name="meter-3", variant="3ph"),
            meter(power, name="meter-4"),
        )
    )
    assert [model["@id"] for model in models] == [
        "dtmi:fieldgate:abb_b_series;1",
        "dtmi:fieldgate:abb_b_series:N3ph;1",
        "dtmi:fieldgate:abb_b_series:meter_4;1",
    ]


def test_profiles_whose_names_look_alike_have_ids_of_their_own() -> None:
    names = ["a-b", "a_b", "a.b", "a--b", "a-b-", "1-b", "n1-b"]
    devices = [meter(register("p", {"at": 0}), name=f"m{i}", profile=name) for i, name in enumerate(names)]
    ids = [model["@id"] for model in interfaces(plant(*devices))]
    assert [one.removeprefix("dtmi:fieldgate:") for one in ids] == [
        "a_b;1",
        "aUb;1",
        "aDb;1",
        "a__b;1",
        "a_bH;1",
        "N1_b;1",
        "n1_b;1",
    ]
