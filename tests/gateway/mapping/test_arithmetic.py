"""Whatever the values are, a formula gives a value that can be published, nothing, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mapping import arithmetic
from gateway.mapping.arithmetic import DIVISION_BY_ZERO, NEGATIVE_ROOT, TOO_LARGE, Function, Node, compiled, unfit
from gateway.mapping.expression import parse
from gateway.model import NOT_A_NUMBER, Quality, Status, Value

NAMES = ("a", "b", "c")
A_TEXT = "a is a text: it can only be compared with == and !="


def result(text: str, *values: Value) -> Value | Status:
    """Of a formula over the points a, b and c."""
    return parse(text).bind({name: position for position, name in enumerate(NAMES)})(values)


def same(text: str, value: Value | Status, *values: Value) -> None:
    """The result is this value of this type."""
    found = result(text, *values)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value", "values"),
    [
        ("a + b", 5, (2, 3)),
        ("a + b + c", 6.5, (2, 3, 1.5)),
        ("(a + b + c) / 3", 230.0, (230.0, 231.0, 229.0)),
        ("a - b + c", 2, (4, 3, 1)),
        ("a / b", 2.0, (4, 2)),
        ("0 / a", 0.0, (4,)),
        ("a % 7", 4, (-3,)),
        ("a % b", 0.5, (3.5, 1)),
        ("a * b % c", 2, (3, 4, 5)),
        ("-a", -3, (3,)),
        ("100 - a", 97.5, (2.5,)),
        ("a + b", 2, (True, True)),
        ("-a", -1, (True,)),
        ("a * 2", 2, (True,)),
        ("abs(a)", 3, (-3,)),
        ("sqrt(a * a + b * b)", 5.0, (3, 4)),
        ("min(a, b, c)", 1, (3, 1, 2)),
        ("max(a, 2.5)", 2.5, (1,)),
        ("round(a)", 2, (2.5,)),  # to the even one, as everywhere in Python
        ("round(a, 1)", 230.2, (230.1999969482422,)),
        ("round(a, 0)", 3.0, (3.4,)),
        ("a < b", True, (1, 2.5)),
        ("0 < a < 5", False, (5,)),
        ("a == b", True, (1, 1.0)),
        ("a != b", True, ("manual", "auto")),
        ("a == 'auto'", True, ("auto",)),
        ("a == 'auto'", False, (3,)),
        ("a == 3", False, ("auto",)),
        ("'auto' == a", True, ("auto",)),
        ("a == b", True, (("over", "under"), ("over", "under"))),
        ("a != b", True, (b"\0", ("over",))),
        ("a == true", True, (1,)),
        ("a and b", 2, (1, 2)),
        ("a or b", 1, (1, 2)),
        ("not a", True, (0,)),
        ("not a == b", True, (0, 1)),
        ("a or b and c", True, (True, False, False)),
        ("'hot' if a > 60 else 'warm' if a > 30 else 'cold'", "warm", (45,)),
        ("a if b else c", ("over",), (("over",), 1, 0)),
        ("a", b"\1", (b"\1",)),
        ("-a % b", 1, (5, 3)),
    ],
)
def test_values(text: str, value: Value, values: tuple[Value, ...]) -> None:
    same(text, value, *values)


@pytest.mark.parametrize(
    ("text", "value", "values"),
    [
        ("a * b", 2**64 - 1, (2**32 - 1, 2**32 + 1)),
        ("a + 1", float(2**64), (2**64 - 1,)),
        ("a * b", float(2**80), (2**40, 2**40)),
        ("a - 1", float(-(2**63) - 1), (-(2**63),)),
        ("-a", float(-(2**64)), (2**64 - 1,)),
        ("a + b - c", 2**64 - 1, (2**64 - 1, 2**64 - 1, 2**64 - 1)),  # one sum: exact, though its half way is not
        ("a - 1", 2**53 + 1, (2**53 + 2,)),
        ("a % 10", 3, (2**53 + 1,)),
        ("a", float(2**70), (2**70,)),
        ("round(a)", 1e300, (1e300,)),
        ("abs(a)", 2**63, (-(2**63),)),
    ],
)
def test_integers_are_exact_in_64_bits_and_doubles_beyond(text: str, value: Value, values: tuple[Value, ...]) -> None:
    same(text, value, *values)


@pytest.mark.parametrize(
    ("text", "status", "values"),
    [
        ("a / b", DIVISION_BY_ZERO, (1.5, 0)),
        ("a % b", DIVISION_BY_ZERO, (1, False)),
        ("1 / a / b", DIVISION_BY_ZERO, (1, 0.0)),
        ("sqrt(a)", NEGATIVE_ROOT, (-0.1,)),
        ("a * b", TOO_LARGE, (1e308, 10)),
        ("a * 10", TOO_LARGE, (1e308,)),
        ("a + b", TOO_LARGE, (1e308, 1e308)),
        ("a / 1e-10", TOO_LARGE, (1e300,)),
        ("a", TOO_LARGE, (10**400,)),
        ("a + 0.5", TOO_LARGE, (10**400,)),
        ("a + b", TOO_LARGE, (10**400, 0.5)),
        ("a / b", TOO_LARGE, (10**400, 3)),
        ("a", NOT_A_NUMBER, (math.inf,)),
        ("a / b", NOT_A_NUMBER, (1.0, math.inf)),
        ("a + b", NOT_A_NUMBER, (1.0, math.nan)),
        ("a != 5", NOT_A_NUMBER, (math.nan,)),
        ("a != b", NOT_A_NUMBER, (math.nan, 1)),
        ("max(a, 1)", NOT_A_NUMBER, (math.nan,)),
        ("1 if a > 2 else 3", NOT_A_NUMBER, (math.nan,)),
        ("(a / b) == 1", DIVISION_BY_ZERO, (1, 0)),
        ("b if a / c else b", DIVISION_BY_ZERO, (1, 2, 0)),
        ("not (a / b)", DIVISION_BY_ZERO, (1, 0)),
        ("a / b and c", DIVISION_BY_ZERO, (1, 0, 1)),
    ],
)
def test_what_cannot_be_computed_is_bad_with_its_reason(text: str, status: Status, values: tuple[Value, ...]) -> None:
    assert result(text, *values) is status


def test_the_reasons_are_plain_words() -> None:
    assert [status.reason for status in (DIVISION_BY_ZERO, NEGATIVE_ROOT, TOO_LARGE, NOT_A_NUMBER)] == [
        *["division by zero", "square root of a negative number", "too large for a number", "not a number"]
    ]
    assert {status.quality for status in (DIVISION_BY_ZERO, NEGATIVE_ROOT, TOO_LARGE)} == {Quality.BAD}


@pytest.mark.parametrize(
    "text",
    [
        *["a + 1", "1 + a", "a + b", "b + a", "a * b", "a * 3", "a % b", "a % 3", "-a", "abs(a)", "round(a)"],
        *["a < 3", "a <= b", "1 < a < 3", "b > a", "not a", "a and b", "b and a", "a or b", "max(1, a)", "sqrt(a)"],
        *["b if a else b", "a / 2 / 2", "b * 2 + a"],
    ],
)
def test_a_text_is_no_number_and_stays_unsaid(text: str) -> None:
    found = result(text, "secret-4711", 1)
    assert found == Status(Quality.BAD, A_TEXT)
    assert found is result(text, "another", 1)  # shared


def test_whatever_is_no_number_is_named() -> None:
    assert result("a + 1", b"\1") == Status(Quality.BAD, "a is a row of bytes")
    assert result("a + 1", ("over",)) == Status(Quality.BAD, "a is a list of flags")
    found = result("('x' if a else 'y') + 1", 1)
    assert found == Status(Quality.BAD, "a part of the formula is a text: it can only be compared with == and !=")
    assert unfit("a", object()) == Status(Quality.BAD, "a is no number")


def test_a_text_is_never_repeated_or_formatted() -> None:
    assert result("a * b", "ab", 10**18) == Status(Quality.BAD, A_TEXT)
    assert result("a % b", "%s %1000000000d", 5) == Status(Quality.BAD, A_TEXT)
    assert result("a + b", "x", "y") == Status(Quality.BAD, A_TEXT)
    assert result("a + b", ("x",), ("y",)) == Status(Quality.BAD, "a is a list of flags")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        *[(text, (None, 1, 1)) for text in ("a", "a + b", "b + a", "a + b + c", "(a + b + c) / 3", "a / 3", "a * b")],
        *[(text, (None, 1, 1)) for text in ("a == b", "a == 3", "a != 'x'", "a < 3", "0 < a < 5", "not a", "-a")],
        *[(text, (None, 1, 1)) for text in ("a and b", "b and a", "a or b", "b if a else c", "a if b else c")],
        *[(text, (None, 1, 1)) for text in ("min(a, b)", "max(b, c, a)", "round(a, 2)", "sqrt(a)", "b % a", "1 - a")],
    ],
)
def test_no_value_in_gives_no_value_out(text: str, values: tuple[Value, ...]) -> None:
    assert result(text, *values) is None


@pytest.mark.parametrize(
    ("text", "value", "values"),
    [
        ("a if b else c", 1, (1, True, None)),
        ("a if b else c", 2, (None, False, 2)),
        ("a and b", False, (False, None)),
        ("a or b", True, (True, None)),
        ("5 < a < b", False, (3, None)),
        ("a if b else 1 / c", 7, (7, 1, 0)),
        ("c != 0 and a / c > 2", False, (7, 1, 0)),
        ("c == 0 or a / c > 2", True, (7, 1, 0)),
    ],
)
def test_what_is_not_needed_is_not_asked(text: str, value: Value, values: tuple[Value, ...]) -> None:
    same(text, value, *values)


ORDINARY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from(["", "auto", "%d", "\ud800"]),
    st.just(b"\0"),
    st.sampled_from([(), ("over", "under")]),
)
ANY = ORDINARY | st.integers(min_value=-(10**400), max_value=10**400)
OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or")
SHAPES = (
    *[f"a {sign} b {other} c" for sign in OPERATORS for other in OPERATORS],
    *[f"a {sign} {literal}" for sign in OPERATORS for literal in ("3", "-0.5", "1e308", "0xFFFFFFFFFFFFFFFF")],
    *["a", "-a", "+a", "not a", "abs(a)", "sqrt(a)", "round(a)", "round(a, 3)", "min(a, b, c)", "max(a, b)"],
    *["a if b else c", "a == 'auto'", "(a + b + c) / 3", "round(a * 1e300, 15)", "a * b * c * a * b * c * a * b * c"],
)
FORMULAS = [(text, parse(text).bind({name: position for position, name in enumerate(NAMES)})) for text in SHAPES]


def settled(value: Value | Status) -> bool:
    """It can be published."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return not isinstance(value, Status) or (value.quality is Quality.BAD and value.reason != "")


@given(ANY, ANY, ANY)
@example(10**400, 1.5, -(10**400))
@example(math.inf, -math.inf, math.nan)
def test_no_value_makes_a_formula_raise(a: Value, b: Value, c: Value) -> None:
    for text, formula in FORMULAS:
        assert settled(formula((a, b, c))), text


def careful_and_quick() -> list[tuple[str, Function, Function]]:
    """All shapes, computed without and with the short cuts."""
    positions = {name: position for position, name in enumerate(NAMES)}
    trees = [(text, parse(text).tree) for text in SHAPES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "_quick", lambda *_: None)
        careful = [compiled(tree, positions) for _, tree in trees]
    return [(text, slow, compiled(tree, positions)) for (text, tree), slow in zip(trees, careful, strict=True)]


PAIRS = careful_and_quick()


@given(ORDINARY, ORDINARY, ORDINARY)
@example(1.0, math.inf, None)
@example(5, -math.inf, 0)
@example(2**64 - 1, 2**64 - 1, 1)
@example(True, False, 0.0)
def test_the_quick_ways_give_what_the_careful_one_gives(a: Value, b: Value, c: Value) -> None:
    for text, careful, quick in PAIRS:
        assert repr(quick((a, b, c))) == repr(careful((a, b, c))), text


def test_a_name_without_a_position_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError):
        compiled(Node("name", 0, value="d"), {"a": 0})


def test_a_tree_as_deep_as_allowed_needs_few_frames() -> None:
    formula = parse("-(" * 19 + "a" + ")" * 19)
    call: Callable[[tuple[Value, ...]], Value | Status] = formula.bind({"a": 0})
    assert call((5,)) == -5
