"""Device identification: the example of the standard (V1.1b3, section 6.21), and what must not be believed."""

from __future__ import annotations

from typing import get_args

import pytest

from adapters.modbus.identification import (
    NUMBERS,
    ObjectsWrong,
    deeper,
    level,
    level_of,
    named,
    objects,
    pages,
    text,
)
from adapters.modbus.settings import ObjectName

COMPANY = b"\x00\x16Company identification"
CODE = b"\x01\x0fProduct code XX"
VERSION = b"\x02\x05V2.11"


def test_the_example_of_the_standard_in_one_answer() -> None:
    found = objects(bytes.fromhex("0e 01 01 00 00 03") + COMPANY + CODE + VERSION)
    assert (found.conformity, found.following) == (1, None)
    assert found.texts == {0: "Company identification", 1: "Product code XX", 2: "V2.11"}


def test_the_example_of_the_standard_in_two_answers() -> None:
    first = objects(bytes.fromhex("0e 01 01 ff 02 02") + COMPANY + CODE)
    assert first.following == 2
    assert objects(bytes.fromhex("0e 01 01 00 00 01") + VERSION) == (1, None, {2: b"V2.11"})


def test_a_device_that_sends_the_same_again_and_again_is_not_followed() -> None:
    assert objects(bytes.fromhex("0e 01 01 ff 00 01") + COMPANY).following is None
    assert objects(bytes.fromhex("0e 01 01 ff 05 00")).following is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "this is no device identification"),
        (bytes.fromhex("0d 01 01 00 00 00"), "this is no device identification"),
        (bytes.fromhex("0e 01 01 00 00 02") + VERSION, "2 objects were announced, 1 came"),
        (bytes.fromhex("0e 01 01 00 00 01") + VERSION[:-1], "an object ends behind the answer"),
        (bytes.fromhex("0e 01 01 00 00 01 02"), "an object ends behind the answer"),
    ],
)
def test_bytes_that_do_not_hold_what_they_say_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(ObjectsWrong, match=says):
        objects(data)


def test_texts_are_texts_and_what_is_none_is_shown_in_hexadecimal() -> None:
    assert text(b"ACME \0\0") == "ACME"
    assert text("Kälte".encode("latin-1")) == "Kälte"
    assert text(b"\x01\x02") == "01 02"


@pytest.mark.parametrize(
    ("wanted", "conformity", "asked"),
    [
        ("basic", 0x83, []),
        ("regular", 0x01, []),
        ("regular", 0x81, []),
        ("regular", 0x83, [(2, 3)]),
        ("extended", 0x82, [(2, 3)]),
        ("extended", 0x03, [(2, 3), (3, 0x80)]),
        ("none", 0x83, []),
    ],
)
def test_only_what_a_device_says_to_have_is_asked_for(
    wanted: str, conformity: int, asked: list[tuple[int, int]]
) -> None:
    assert deeper(level(wanted), conformity) == asked


def test_a_level_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match='"all" is no level; there are: basic, regular, extended, none'):
        level("all")


def test_objects_have_the_names_of_the_standard() -> None:
    assert named({0x80: "hall 3", 5: "PM1", 0: "ACME", 3: ""}) == {
        "vendor_name": "ACME",
        "model_name": "PM1",
        "0x80": "hall 3",
    }


def test_several_answers_are_told_apart_by_their_own_length() -> None:
    first, second = bytes.fromhex("0e 01 01 ff 02 02") + COMPANY + CODE, bytes.fromhex("0e 01 01 00 00 01") + VERSION
    assert [page.held for page in pages(first + second)] == [
        {0: b"Company identification", 1: b"Product code XX"},
        {2: b"V2.11"},
    ]
    assert list(pages(b"")) == []


@pytest.mark.parametrize("rest", [b"\x0e", b"\x0e\x01\x01\0\0", b"\x0e\x01\x01\0\0\x01", b"\x0d\x01\x01\0\0\0"])
def test_what_stands_behind_an_answer_must_be_one(rest: bytes) -> None:
    with pytest.raises(ObjectsWrong):
        list(pages(bytes.fromhex("0e 01 01 00 00 01") + VERSION + rest))


@pytest.mark.parametrize(("number", "code"), [(0, 1), (2, 1), (3, 2), (6, 2), (0x80, 3), (0xFF, 3)])
def test_each_object_belongs_to_a_level(number: int, code: int) -> None:
    assert level_of(number) == code


def test_names_and_literal_are_the_same() -> None:
    assert set(get_args(ObjectName)) == set(NUMBERS)
