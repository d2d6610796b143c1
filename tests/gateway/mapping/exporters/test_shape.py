"""Which type a value has, before and after it was scaled."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mapping.exporters import shape
from gateway.mapping.exporters.shape import Shape
from gateway.mapping.expression import parse
from gateway.mapping.spec import DerivedSpec
from tests.gateway.mapping.exporters.made import register, variable


@pytest.mark.parametrize(
    ("address", "meaning", "expected"),
    [
        ({"type": "bool", "table": "coil"}, {}, Shape("boolean")),
        ({"type": "int16"}, {}, Shape("integer", -32768, 32767)),
        ({"type": "uint64"}, {}, Shape("integer", 0, 2**64 - 1)),
        ({"type": "uint16"}, {"scale": 10, "offset": -5}, Shape("integer", -5, 655345)),
        ({"type": "uint16"}, {"scale": -1}, Shape("integer", -65535, 0)),
        ({"type": "uint16"}, {"scale": "1/10"}, Shape("number")),
        ({"type": "uint16"}, {"scale": "1/10", "factor": 10}, Shape("integer", 0, 65535)),
        ({"type": "uint16"}, {"shift": "1/2"}, Shape("number")),
        ({"type": "int16"}, {"scale_from": 0}, Shape("number")),
        ({"type": "uint16", "bits": "5..15"}, {}, Shape("integer", 0, 2047)),
        ({"type": "bcd16"}, {}, Shape("integer", 0, 9999)),
        ({"type": "signmag16"}, {}, Shape("integer", -32767, 32767)),
        ({"type": "float32"}, {}, Shape("number")),
        ({"type": "string", "length": "8"}, {}, Shape("string")),
        ({"type": "uint16"}, {"enum": {1: "on"}}, Shape("string")),
        ({"type": "uint16"}, {"flags": {3: "door"}}, Shape("texts")),
    ],
)
def test_the_type_follows_from_register_and_scale(
    address: dict[str, Any], meaning: dict[str, Any], expected: Shape
) -> None:
    assert shape.published(register("p", {"at": 0, **address}, **meaning)) == expected


def test_what_only_the_server_knows_stays_open_unless_a_unit_tells_it() -> None:
    assert shape.published(variable("name", "m;s=Name")).type is None
    assert shape.published(variable("speed", "m;s=Speed", unit="1/min")).type == "number"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("(a + b) / 2", "number"),
        ("a > 3", "boolean"),
        ("a > 3 and not door", "boolean"),
        ("'on' if a > 3 else 'off'", "string"),
        ("'on' if a > 3 else 0", None),
        ("door", "boolean"),
        ("a", "number"),
        ("min(a, b)", "number"),
    ],
)
def test_the_type_of_a_derived_point_follows_from_its_formula(formula: str, expected: str | None) -> None:
    types: dict[str, shape.Type | None] = {"a": "integer", "b": "number", "door": "boolean"}
    assert shape.derived(DerivedSpec("d", "", parse(formula)), types) == expected


def test_raw_and_published_are_the_same_only_where_nothing_is_done() -> None:
    assert shape.untouched(register("p", {"at": 0}, unit="V"))
    assert not shape.untouched(register("p", {"at": 0}, scale="1/10"))
    assert not shape.untouched(register("p", {"at": 0}, enum={0: "off"}))
    # Scaled and converted back is the same again.
    assert shape.untouched(register("p", {"at": 0}, scale="1/10", factor=10))
