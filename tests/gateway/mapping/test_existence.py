"""Points that a device may have or not: which there are, as far as is known."""

from __future__ import annotations

import pytest

from gateway.mapping.existence import Existence
from gateway.mapping.expression import parse
from gateway.mapping.program import Program
from gateway.mapping.spec import PointSpec
from gateway.mapping.totals import Totals
from gateway.model import TIMEOUT, Reading, Value
from tests.gateway.mapping.reading import HEAD, codes, specs
from tests.gateway.test_message import device, spec

NAMES = {"count": 0, "m1": 1, "m2": 2, "m3": 3}
POINTS = [spec("count"), *(spec(f"m{number}", exists=parse(f"count >= {number}")) for number in (1, 2, 3))]


def after(*newest: Value) -> frozenset[int]:
    """What is absent when the counting point has had these values."""
    known = Existence(POINTS, NAMES)
    for value in newest:
        known.learn([value, None, None, None])
    return known.absent


@pytest.mark.parametrize(
    ("newest", "absent"),
    [
        ((), {1, 2, 3}),  # nobody knows yet
        ((None,), {1, 2, 3}),
        ((0,), {1, 2, 3}),
        ((2,), {3}),
        ((2.0,), {3}),
        ((3,), set()),
        ((99,), set()),
        ((3, 1), {2, 3}),
        ((2, None), {3}),  # a silent device loses no modules
        ((2, "two"), {3}),
    ],
)
def test_the_newest_count_decides_and_without_one_the_last(newest: tuple[Value, ...], absent: set[int]) -> None:
    assert after(*newest) == absent


def test_what_has_no_formula_is_always_there() -> None:
    known = Existence([spec("a"), spec("b")], {"a": 0, "b": 1})
    assert (known.absent, known.inputs) == (frozenset(), frozenset())


def test_a_program_learns_it_from_what_is_read() -> None:
    program = Program(device(POINTS), Totals())
    assert program.absent == {1, 2, 3}
    program.scan((0,), [Reading(0, 2, 1)])
    assert program.absent == {3}
    program.scan((0,), [Reading(0, None, 1, TIMEOUT)])
    assert program.absent == {3}


def test_a_repeat_fills_the_number_in() -> None:
    found: dict[str, PointSpec] = specs(
        f"{HEAD}points:\n  count: {{at: 0}}\n"
        "  m_{i}: {at: 10, repeat: {i: 1..3, step: 20}, exists: 'count >= {i}'}\n"
        "  n_{i}: {at: 11, repeat: {i: 1..3, step: 20}, exists: 'count >= 8 + 20 * {i}'}\n"
    )
    formulas = {name: one.exists.text for name, one in found.items() if one.exists is not None}
    assert (formulas["m_1"], formulas["m_3"]) == ("count >= 1", "count >= 3")
    assert formulas["n_2"] == "count >= 8 + 20 * 2"
    assert found["count"].exists is None


@pytest.mark.parametrize(
    ("formula", "said"),
    [("counts >= 1", ["X03"]), ("count >=", ["X01"]), ("count.x", ["X02"]), ("count == 'a'", ["X06"])],
)
def test_what_is_wrong_with_it_is_told_as_of_any_formula(formula: str, said: list[str]) -> None:
    text = f'{HEAD}points:\n  count: {{at: 0, enum: {{0: none}}}}\n  m: {{at: 10, exists: "{formula}"}}\n'
    assert codes(text) == said
