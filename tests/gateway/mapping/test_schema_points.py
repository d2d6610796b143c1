from __future__ import annotations

import re

import pytest

from gateway.mapping.judge import names
from gateway.mapping.point_settings import PointSettings
from gateway.mapping.points import allowed
from gateway.mapping.schema_points import POINT_NAMES, device_change, point_definitions
from tests.gateway.mapping.schema_cases import ADAPTERS, EVERYTHING, SCHEMAS, errors, readings

DEFINITIONS = SCHEMAS["profile"]["definitions"]


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_a_point_has_the_settings_that_the_reader_of_profiles_allows(protocol: str) -> None:
    point = point_definitions(ADAPTERS)[f"{protocol}_point"]
    assert point["additionalProperties"] is False
    assert set(point["properties"]) == set(allowed(ADAPTERS[protocol].address))


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_a_profile_has_the_settings_of_its_protocol_beside_those_of_the_core(protocol: str) -> None:
    own = set(names(ADAPTERS[protocol].profile))
    for definition in ("profile", "over"):
        properties = DEFINITIONS[f"{protocol}_{definition}"]["properties"]
        assert own < set(properties)
        assert properties["protocol"]["const"] == protocol


def test_a_device_may_change_formulas_too() -> None:
    properties = device_change("modbus", ADAPTERS["modbus"])["modbus_device_change"]["properties"]
    assert {"expr", "at", *names(PointSettings)} <= set(properties)


@pytest.mark.parametrize("name", ["power", "voltage_l1", "cell_{i}", "c{i}_{j + 1}"])
def test_names_of_points(name: str) -> None:
    assert re.search(POINT_NAMES["pattern"], name)


@pytest.mark.parametrize("name", ["Power", "1st", "{i}", "power l1", "power-l1", "cell_{", ""])
def test_names_that_no_point_can_have(name: str) -> None:
    assert not re.search(POINT_NAMES["pattern"], name)


PLAIN = EVERYTHING["profile"].replace("extends: acme-pm2\n", "").replace(", deadband: none", "")


def test_what_extends_nothing_may_be_the_same_but_for_none() -> None:
    for value in readings(PLAIN):
        assert errors("profile", value) == []


WRONG = [
    ("unit: V, as", "uint: V, as", "points/voltage"),
    ("type: float32", "type: flaot32", "defaults/type"),
    ("order: CDAB", "order: CDBA", "defaults/order"),
    ("numbering: number", "numbering: numbers", "numbering"),
    ("numbering: number", "namespaces: {m: urn}", ""),
    ("at: 0x0048", "at: 4x0048", "points/voltage/at"),
    ("at: 0x0048, ", "", "points/voltage"),
    ("at: 0x0048", "node: i=1", "points/voltage"),
    ("scale: 0.1", "scale: [0.1]", "points/voltage/scale"),
    ("deadband: 0.5 V", "deadband: V", "points/voltage/deadband"),
    ("deadband: 0.5 V", 'deadband: "0,5 V"', "points/voltage/deadband"),
    ('range: [-40, "85"]', "range: [-40]", "points/voltage/range"),
    ("every: 500ms", "every: 500", "defaults/every"),
    ("every: start", "every: stop", "points/cell_{i}/every"),
    ("i: 1..24", "i: 24", "points/cell_{i}/repeat/i"),
    ("bits: 5..15", "bits: 5-15", "points/alarm/bits"),
    ("flags: {0:", "flags: {zero:", "points/alarm/flags"),
    ("confirm: readback", "confirm: yes please", "points/mode/write/confirm"),
    ("expr: voltage * 2, ", "", "derived/twice"),
    ("  voltage: {", "  Voltage: {", "points"),
    ("every: none", "often: none", "variants/3ph/defaults"),
    ("protocol: modbus", "protocol: profibus", "protocol"),
]


@pytest.mark.parametrize(("old", "new", "where"), WRONG, ids=[one[1] or one[0] for one in WRONG])
def test_a_mistake_is_seen_where_it_is(old: str, new: str, where: str) -> None:
    assert PLAIN.count(old) == 1
    for value in readings(PLAIN.replace(old, new)):
        found = errors("profile", value)
        assert {error.partition(": ")[0] for error in found} == {where}


def test_none_takes_away_only_where_something_stands_below() -> None:
    text = PLAIN.replace("deadband: 0.5 V", "kind: none")
    for value in readings(text):
        assert [error.partition(": ")[0] for error in errors("profile", value)] == ["points/voltage/kind"]
    for value in readings(text.replace("protocol: modbus", "protocol: modbus\nextends: other")):
        assert errors("profile", value) == []


def test_an_extended_profile_says_the_protocol() -> None:
    text = "schema: fieldgate/profile/v1\nprofile: a\nextends: b\npoints: {speed: {node: i=1}, power: {at: 7}}\n"
    assert [errors("profile", value) for value in readings(text)] != [[], []]
    for value in readings(text.replace(", power: {at: 7}", "")):
        assert errors("profile", value) == []


def test_a_profile_without_a_protocol_lacks_it() -> None:
    text = "schema: fieldgate/profile/v1\nprofile: a\npoints: {speed: {node: i=1}}\n"
    for value in readings(text):
        assert errors("profile", value) == [": 'protocol' is a required property"]
