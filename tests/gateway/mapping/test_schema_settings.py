from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.mapping import document, point_settings
from gateway.mapping.schema_settings import block, definitions, reference, setting
from gateway.mapping.units import BUILT_IN
from gateway.values import Bits, Duration, Number, Period, Settings, Size, Whole
from tests.gateway.mapping.schema_cases import ADAPTERS


class Every(Settings):
    """A setting of each type."""

    whole: Annotated[Whole, Field(ge=-5, le=0xFFFF)] = Field(..., description="the first ``register``")
    number: Number = Field(Decimal("0.5"), description="Any number.")
    time: Duration = Field(90.0, description="A time.")
    often: Period = 0.25
    size: Size = 2_000_000_000
    bits: Bits | None = None
    word: Literal["one", "two"] = "two"
    some: Annotated[list[Whole], Field(min_length=1)] = Field(default_factory=list)
    text: Annotated[str, Field(max_length=3)] = ""
    as_: point_settings.Unit = Field("", alias="as")


GOOD = {
    "whole": ["72", "0x48", "-5", "'72'", "+7"],
    "number": ["0.1", "1e3", ".5", "-7", "'0.1'", "1."],
    "time": ["500ms", "5 s", "1.5h", "60d"],
    "often": ["500ms", "start"],
    "size": ["20 GB", "500MB", "2 GiB", "5 kB", "5 KiB"],
    "bits": ["3", "5..15", "5 .. 15"],
    "word": ["one", "two"],
    "some": ["[1]", "[0x10, '2']"],
    "text": ["abc", "NO", "1.5", "''"],
    "as": ["kWh", "1", "'%'", "pallets"],
}
BAD = {
    "whole": ["4x48", "0.5", "-6", "70000", "seven", "[1]", "{}", "", "true"],
    "number": ["0,1", "abc", "[1]", "1e", "true"],
    "time": ["60", "5 m", "1e3s", "start"],
    "often": ["60", "stop"],
    "size": ["20", "20 GiBi", "20 B"],
    "bits": ["15-5", "1...3", "-1"],
    "word": ["three", "1", ""],
    "some": ["1", "[]", "[a]", "[1.5]"],
    "text": ["abcd", "[a]", "{a: b}", ""],
    "as": ["[V]", "{V: 1}", ""],
}


def wrong(name: str, text: str) -> bool:
    schema = block((Every,)) | {"definitions": definitions()}
    del schema["required"]
    return not Draft7Validator(schema).is_valid({name: yaml.safe_load(text)})


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_what_a_setting_may_be(name: str, text: str) -> None:
    assert not wrong(name, text)
    if text not in ("pallets", "+7"):
        Every.model_validate({"whole": "1", name: yaml.load(text, yaml.BaseLoader)})


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_what_a_setting_may_not_be(name: str, text: str) -> None:
    assert wrong(name, text)


def test_words_and_defaults_are_as_they_would_be_written() -> None:
    properties = block((Every,))["properties"]
    assert {name: schema["default"] for name, schema in properties.items() if "default" in schema} == {
        "number": 0.5,
        "time": "90s",
        "often": "250ms",
        "size": "2 GB",
        "word": "two",
    }
    assert properties["whole"]["description"] == 'The first "register"'
    assert properties["whole"]["markdownDescription"] == "The first `register`"
    assert properties["number"]["markdownDescription"] == "Any number.\n\nDefault: `0.5`"
    assert (
        properties["time"]["markdownDescription"]
        == "A time.\n\nDefault: `90s`\n\nFor example `500ms`, `5s`, `10min`, `1h`"
    )


@pytest.mark.parametrize(
    ("seconds", "shown"), [(900.0, "15min"), (1.0, "1s"), (7200.0, "2h"), (86400.0, "1d"), (0.01, "10ms")]
)
def test_times_by_default(seconds: float, shown: str) -> None:
    class Timed(Settings):
        time: Duration = seconds

    assert setting(Timed.model_fields["time"])["default"] == shown


def test_only_what_has_no_default_must_be_given() -> None:
    assert block((Every,))["required"] == ["whole"]
    assert "required" not in block((Every,), change=True)


def test_none_takes_a_setting_away_where_something_stands_below() -> None:
    changed = Draft7Validator(block((Every,), change=True) | {"definitions": definitions()})
    for name in GOOD:
        assert changed.is_valid({name: "none"})
    assert not changed.is_valid({"whole": "nothing"})
    assert not changed.is_valid({"hole": "none"})


def test_what_stands_over_another_setting_has_no_default() -> None:
    number = block((Every,), change=True)["properties"]["number"]
    assert number.keys() == {"description", "anyOf"}


@pytest.mark.parametrize(
    ("size", "shown"), [(10**10, "10 GB"), (16 * 10**6, "16 MB"), (2 * 10**12, "2 TB"), (1500, "1.5 kB")]
)
def test_sizes_by_default(size: int, shown: str) -> None:
    class Sized(Settings):
        size_: Size = size

    assert setting(Sized.model_fields["size_"])["default"] == shown


def test_own_words_stand_beside_what_is_said_of_a_setting() -> None:
    number = block((Every,), {"number": {"const": 7}, "more": {"type": "null"}})["properties"]
    assert number["number"] == {
        "const": 7,
        "description": "Any number.",
        "markdownDescription": "Any number.\n\nDefault: `0.5`",
    }
    assert number["more"] == {"type": "null"}


def test_a_model_says_more_of_its_settings_together() -> None:
    class Either(Settings):
        model_config = ConfigDict(json_schema_extra={"minProperties": 1})
        a: str = ""

    assert block((Every, Either))["minProperties"] == 1


def test_the_symbols_of_all_units_are_offered_with_what_they_measure() -> None:
    offered = definitions()["unit"]["anyOf"][0]
    told = dict(zip(offered["enum"], offered["enumDescriptions"], strict=True))
    assert list(told) == [unit.symbol for unit in BUILT_IN]
    assert told["kW"].startswith("power; also: KW")
    assert reference("unit", "string")["allOf"] == [{"$ref": "#/definitions/unit"}]


TEXTS = """
    0 1 -1 7 +7 72 0x48 0xFFFFFFFFFFFFFFFF 0471 0.1 1e3 .5 1. 500ms 1.5h 60d start none 20,5 20GB 5..15 3 V % 1/min NO
    true null ~ 12:30 12:30:00 2026-11-22 acme-pm1 a/b tcp://h:502 opc.tcp://h:4840 CB:B8:33:4C:88:4F 0xFCD2 2A6E AA
    hci0 modbus iothub info refuse name tags gauge answer Sign None high low ABCD little bthome i=2258 offset
"""
SPACED = ["20 GB", "0.5 V", "1 %", "5 .. 15", "a b", "a if b else c", "mode == 'auto'"]
MODELS: list[type[BaseModel]] = [
    point_settings.PointSettings,
    point_settings.DerivedSettings,
    point_settings.WriteSettings,
    *(
        model
        for model in vars(document).values()
        if isinstance(model, type) and issubclass(model, Settings) and model is not Settings
    ),
    *(model for one in ADAPTERS.values() for model in (one.settings, one.address, one.profile)),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_no_word_against_a_text_that_the_model_takes(model: type[BaseModel]) -> None:
    taken = 0
    for name, field in model.model_fields.items():
        key = field.alias or name
        validator = Draft7Validator(setting(field) | {"definitions": definitions()})
        for text in (*TEXTS.split(), *SPACED):
            for shape in (text, [text], [text, text], {text: text}, {"from": text}, {"secret": text}):
                if _takes(model, key, shape):
                    taken += 1
                    assert validator.is_valid(shape), (key, shape)
                    assert _is_valid_as_typed(validator, shape), (key, shape)
    assert taken or not model.model_fields


def _takes(model: type[BaseModel], key: str, value: Any) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        return all(entry["loc"][:1] != (key,) and entry["loc"] for entry in error.errors(include_url=False))
    return True


def _is_valid_as_typed(validator: Draft7Validator, shape: Any) -> bool:
    """The same in a reader of YAML 1.1; what it makes a date or a null of, nobody can know."""
    if isinstance(shape, dict):
        return all(validator.is_valid({str(key): typed(value)}) for key, value in shape.items())
    return validator.is_valid([typed(text) for text in shape] if isinstance(shape, list) else typed(shape))


def typed(text: str) -> Any:
    if text in ("null", "~", "2026-11-22", "%"):
        return text
    return yaml.safe_load(text)
