"""What an answer, or none, says of a unit."""

from __future__ import annotations

import pytest

from adapters.modbus.scan import notes, row, there
from adapters.modbus.visit import Heard, Miss
from gateway.adapter import TIMEOUT, Quality, Status


def refused(code: int) -> Miss:
    return Miss("refused", Status(Quality.BAD, f"exception {code}", code))


@pytest.mark.parametrize(
    ("heard", "is_there"),
    [
        (b"\x00\x07", True),
        (refused(1), True),
        (refused(2), True),
        (refused(6), True),
        (refused(10), False),
        (refused(11), False),
        (Miss("silent", TIMEOUT), False),
        (Miss("closed", Status(Quality.BAD, "the device closed the connection")), False),
        (Miss("wrong", Status(Quality.BAD, "wrong answer: unit 2 instead of 1")), True),
    ],
)
def test_any_answer_says_that_a_unit_is_there_but_those_of_a_gateway_in_front_of_it(
    heard: Heard, is_there: bool
) -> None:
    assert there(heard) is is_there


def test_a_row_names_what_people_look_for_and_keeps_the_rest() -> None:
    told = row(7, b"\0\1", 0.0123, {"vendor_name": "ACME", "revision": "2.1", "0x80": "hall 3"})
    assert told == {
        "unit_id": 7,
        "answer": "data",
        "ms": 12.3,
        "vendor_name": "ACME",
        "product_code": None,
        "revision": "2.1",
        "product_name": None,
        "model_name": None,
        "others": {"0x80": "hall 3"},
    }
    assert row(7, refused(2), 0.1, {})["answer"] == "exception 2"
    assert row(7, refused(2), 0.1, {})["others"] is None


def test_a_device_that_answers_to_every_unit_id_is_one_device() -> None:
    assert "this is one device" in notes(247, 247, 0, 0)[0]
    assert notes(247, 246, 0, 0) == []
    assert notes(3, 3, 0, 0) == []


def test_what_went_wrong_meanwhile_is_told() -> None:
    assert notes(9, 1, 2, 1) == [
        "the device closed the connection 2 times instead of answering",
        "1 answer was wrong, perhaps late ones of other units: a longer --timeout may help",
    ]
