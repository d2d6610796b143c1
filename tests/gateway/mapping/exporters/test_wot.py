"""Thing Descriptions, judged by the W3C's own schema."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping.exporters.wot import things
from gateway.mapping.expression import parse
from gateway.mapping.spec import Deadband, DerivedSpec, PointSpec, Report, Write
from tests.gateway.mapping.exporters import judges
from tests.gateway.mapping.exporters.made import bundled, filler, meter, plant, register, variable


def prop(spec: PointSpec) -> dict[str, Any]:
    thing = things(plant(meter(spec)))[0]
    found = thing["properties"][spec.point.name]
    assert isinstance(found, dict)
    return found


@judges.needs_node
@pytest.mark.slow
def test_every_bundled_profile_is_a_valid_thing_and_a_mistake_is_not(tmp_path: Path) -> None:
    right = {thing["id"].replace(":", "-"): thing for thing in things(bundled(tmp_path))}
    secured = filler(variable("speed", "m;s=Speed"), user={"name": "fg", "password": {"secret": "filler-01"}})
    right["secured"] = things(plant(secured))[0]
    wrong = copy.deepcopy(right["secured"])
    wrong["properties"]["speed"]["forms"][0]["op"] = ["readproperties"]
    told = judges.td(tmp_path, {**right, "wrong": wrong})
    assert {name: errors for name, errors in told.items() if errors and name != "wrong"} == {}
    assert any("/properties/speed/forms/0/op" in error for error in told["wrong"])


def test_a_thing_is_a_device_with_its_identity_and_its_place_in_the_plant() -> None:
    total = DerivedSpec("total", "W", parse("power * 3"))
    (thing,) = things(plant(meter(register("power", {"at": 0}, unit="W"), derived=(total,))))
    assert thing["@context"][0] == "https://www.w3.org/2022/wot/td/v1.1"
    assert (thing["id"], thing["title"]) == ("urn:fieldgate:gw1:meter-1", "Main supply")
    assert thing["description"] == "ABB B23"
    assert (thing["security"], thing["securityDefinitions"]) == ("nosec_sc", {"nosec_sc": {"scheme": "nosec"}})
    assert thing["fieldgate:asset"] == "acme/mcc1"
    assert thing["fieldgate:derived"] == ["total = power * 3"]
    assert list(thing["properties"]) == ["power"]


def test_a_scaled_value_says_so_by_its_unit() -> None:
    voltage = prop(register("voltage", {"at": 0, "type": "uint32"}, scale="1/10", unit="V", range=(0.0, 300.0)))
    assert (voltage["type"], voltage["unit"]) == ("integer", "V/10")
    assert (voltage["fieldgate:unit"], voltage["fieldgate:scale"]) == ("V", "1/10")
    # In volts, while what stands on the wire is in tenths of them.
    assert "maximum" not in voltage


@pytest.mark.parametrize(
    ("meaning", "unit"),
    [
        ({"unit": "V"}, "V"),
        ({"unit": "kWh", "scale": Fraction(5)}, "5.kW.h"),
        ({"unit": "W", "scale": Fraction(3, 2)}, "3.W/2"),
        ({"unit": "degC"}, "Cel"),
        ({"unit": "degC", "scale": Fraction(1, 10)}, None),
        ({"unit": "degC", "scale": Fraction(1), "offset": Fraction(-40)}, None),
        ({"unit": "V", "scale_from": 0}, None),
        ({"unit": ""}, None),
    ],
)
def test_a_raw_value_that_is_in_no_unit_has_none(meaning: dict[str, Any], unit: str | None) -> None:
    assert prop(register("p", {"at": 0}, **meaning)).get("unit") == unit


def test_what_wot_has_no_word_for_stands_in_our_own_terms() -> None:
    report = Report(Deadband(0.5), 60.0)
    power = prop(
        register(
            "power",
            {"at": 0, "type": "uint16", "bits": "5..15"},
            nan=frozenset((2047, 0x7FF0)),
            report=report,
            kind="counter",
            rollover=2**64,
            when=parse("mode == 1"),
        )
    )
    assert power["fieldgate:nan"] == ["0x7ff", "0x7ff0"]
    assert (power["fieldgate:deadband"], power["fieldgate:heartbeat"]) == ("0.5", "60 s")
    assert power["fieldgate:rollover"] == "18446744073709551616"
    assert power["fieldgate:when"] == "mode == 1"
    assert power["forms"][0]["fieldgate:bits"] == [5, 15]
    # A client reads the whole register: no promise about it.
    assert "type" not in power


def test_codes_are_constants_with_titles() -> None:
    assert prop(register("mode", {"at": 0}, enum={0: "manual", 2: "auto"}))["oneOf"] == [
        {"const": 0, "title": "manual"},
        {"const": 2, "title": "auto"},
    ]
    coil = register("door", {"at": 0, "type": "bool", "table": "coil"}, enum={0: "shut", 1: "open"})
    assert [one["const"] for one in prop(coil)["oneOf"]] == [False, True]


def test_only_what_may_be_written_can_be() -> None:
    reading, setting = (
        prop(register("p", {"at": 0})),
        prop(register("p", {"at": 0}, write=Write(Fraction(0), Fraction(60), Fraction(1, 2)))),
    )
    assert (reading["readOnly"], setting["readOnly"]) == (True, False)
    assert "writeproperty" not in reading["forms"][0]["op"]
    assert "writeproperty" in setting["forms"][0]["op"]
    assert (setting["fieldgate:writeHighest"], setting["fieldgate:writeStep"]) == (60.0, 0.5)


def test_no_secret_is_in_it_not_even_its_name() -> None:
    user = {"name": "operator", "password": {"secret": "hidden"}}
    text = json.dumps(things(plant(filler(variable("speed", "m;s=Speed"), user=user))))
    assert "operator" not in text
    assert "hidden" not in text
