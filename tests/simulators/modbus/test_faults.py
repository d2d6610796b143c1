"""What becomes of answers on a line that is not well."""

from __future__ import annotations

import pytest

from simulators.modbus.faults import CHUNK_S, Faults, Wrong
from simulators.modbus.wrong import Answer, Piece


def answer(unit: int = 1) -> Answer:
    return Answer(0, unit, b"\3\2\0\1", lambda pdu, to, _: bytes((to,)) + pdu, request=bytes(8))


def nothing(answer: Answer) -> list[Piece]:
    return []


def test_a_line_that_is_well_sends_what_it_is_given() -> None:
    assert Faults().pieces(answer()) == [b"\1\3\2\0\1"]


def test_wrong_answers_are_counted_and_end() -> None:
    faults = Faults(wrong={1: Wrong("nothing", nothing, 2)})
    assert [faults.pieces(answer()) for _ in range(3)] == [[], [], [b"\1\3\2\0\1"]]
    assert faults.wrong == {}
    assert Faults(wrong={1: Wrong("nothing", nothing)}).pieces(answer(2)) == [b"\2\3\2\0\1"]
    assert Faults(wrong={None: Wrong("nothing", nothing)}).pieces(answer(2)) == []


def test_a_delay_is_of_one_unit_or_of_all() -> None:
    faults = Faults(delays_s={None: 0.5, 2: 0.1})
    assert faults.pieces(answer(1))[0] == 0.5
    assert faults.pieces(answer(2)) == [0.1, b"\2\3\2\0\1"]


def test_characters_take_their_time_in_groups() -> None:
    pieces = Faults(character_s=0.002).pieces(answer())
    assert [piece for piece in pieces if isinstance(piece, bytes)] == [b"\1\3\2", b"\0\1"]
    waits = [piece for piece in pieces if isinstance(piece, float)]
    assert waits == pytest.approx([8 * 0.002, 3 * 0.002, 2 * 0.002]), "the request's own time, then each group's"
    assert max(waits[1:]) < 2 * CHUNK_S
    fast = Faults(character_s=0.00001).pieces(answer())
    assert fast[-1] == b"\1\3\2\0\1"
    assert Faults(character_s=0.002, whole=True).pieces(answer()) == pytest.approx([0.016, 0.01, b"\1\3\2\0\1"])


def test_addresses_are_refused_by_unit_and_table() -> None:
    faults = Faults(refused={(1, "holding", 7): 4})
    assert faults.refusal(1, "holding", 5, 3) == 4
    assert faults.refusal(1, "holding", 5, 2) is None
    assert faults.refusal(2, "holding", 5, 3) is None
    assert faults.refusal(1, "input", 5, 3) is None
