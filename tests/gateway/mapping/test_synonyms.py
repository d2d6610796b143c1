"""Words of other programs are known, as far as they mean one thing."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway.mapping import synonyms
from gateway.mapping.synonyms import meant
from gateway.values import ValueType

TYPES = get_args(ValueType)


@pytest.mark.parametrize(
    ("word", "types"),
    [
        ("float", ("float32",)),
        ("REAL", ("float32",)),
        ("single", ("float32",)),
        ("double", ("float64",)),
        ("LREAL", ("float64",)),
        ("DINT", ("int32",)),
        ("INT", ("int16",)),
        ("int", ("int16", "int32")),
        ("UINT", ("uint16",)),
        ("WORD", ("uint16",)),
        ("DWORD", ("uint32",)),
        ("UDINT", ("uint32",)),
        ("boolean", ("bool",)),
        ("char", ("string",)),
        ("Text", ("string",)),
        ("U16", ("uint16",)),
        ("Long Long", ("int64",)),
        ("flaot32", ()),
    ],
)
def test_types(word: str, types: tuple[str, ...]) -> None:
    assert meant("type", word, TYPES) == types


def test_what_an_adapter_does_not_know_is_not_suggested() -> None:
    assert meant("type", "double", ("float32",)) == ()


def test_every_setting_has_words_of_its_own() -> None:
    assert meant("table", "Holding Register", ("holding", "input")) == ("holding",)
    assert meant("order", "little-endian", ("ABCD", "DCBA")) == ("DCBA",)
    assert meant("kind", "float", TYPES) == ()


def test_all_types_that_are_suggested_are_there() -> None:
    assert set(synonyms._TYPES) <= set(TYPES)
