"""Formulas mean what they mean in Python, reach nothing but their points, and say where they are wrong."""

from __future__ import annotations

import ast
import math
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mapping import expression
from gateway.mapping.expression import DEEPEST, LONGEST, Formula, FormulaWrong, parse
from gateway.model import Status, Value


def result(text: str, **values: Value) -> Value | Status:
    """Of a formula with these points."""
    return parse(text).bind({name: position for position, name in enumerate(values)})(list(values.values()))


def attempt(text: str) -> Formula | FormulaWrong:
    """The formula, or what is wrong with it."""
    try:
        return parse(text)
    except FormulaWrong as error:
        return error


def wrong(text: str) -> FormulaWrong:
    """What is wrong with the formula."""
    with pytest.raises(FormulaWrong) as caught:
        parse(text)
    return caught.value


def test_a_formula_knows_its_points_in_the_order_of_their_first_use() -> None:
    formula = parse("(voltage_l2 + voltage_l1 + voltage_l2) / phases if on else min(0, voltage_l1)")
    assert formula.names == ("voltage_l2", "voltage_l1", "phases", "on")
    assert [formula.at(name) for name in formula.names] == [1, 14, 41, 51]
    assert parse("0x10 + 2").names == ()


def test_formulas_of_the_same_text_are_the_same() -> None:
    assert parse("a + 1") == parse("a + 1")
    assert len({parse("a + 1"), parse("a + 1"), parse("a + 2")}) == 2


def test_a_formula_is_bound_to_the_places_of_its_points() -> None:
    formula = parse("(a + b) * 2")
    assert formula.bind({"x": 0, "b": 1, "a": 3})([None, 2, None, 5]) == 14
    with pytest.raises(KeyError, match="b"):
        formula.bind({"a": 0})


def test_points_may_be_called_like_functions() -> None:
    assert result("max - min", min=1, max=5) == 4
    assert result("max(max, min)", min=1, max=5) == 5


def test_blanks_and_lines_mean_nothing() -> None:
    assert result("\n a\t+\r\n b ", a=1, b=2) == result("a+b", a=1, b=2) == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("true", True),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("0x" + "f" * 20, float(16**20)),
        ("'it is'", "it is"),
        ('"it\'s"', "it's"),
        ("2 * 3 + 4", 10),
        ("not 1 > 2", True),
        ("round(2.345, 2)", round(2.345, 2)),
        ("sqrt(2)", math.sqrt(2)),
        ("'a' == \"a\"", True),
        ("1 if 2 > 1 else 'x'", 1),
    ],
)
def test_what_is_known_is_computed_once(text: str, value: Value) -> None:
    tree = parse(text).tree
    assert (tree.kind, tree.value, type(tree.value)) == ("literal", value, type(value))


def test_known_factors_at_the_front_are_one() -> None:
    assert [part.value for part in parse("2 * 3 * a").tree.parts] == [6, "a"]
    assert result("a / 3 * 3 / 7", a=0.1) == 0.1 / 3 * 3 / 7  # not at the end: it would be rounded elsewhere


LEAVES = st.sampled_from(["a", "b", "c", "x", "y", "on", "off", "0", "1", "7", "2.5", "0.001", "true", "false"])
SIGNS = st.sampled_from(["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} {} {}".format, inner, SIGNS, inner),
        st.builds("({} {} {})".format, inner, SIGNS, inner),
        st.builds("{} {} {} {} {}".format, inner, SIGNS, inner, SIGNS, inner),
        st.builds("({})".format, inner),
        st.builds("{}{}".format, st.sampled_from(["-", "+", "not "]), inner),
        st.builds("{} if {} else {}".format, inner, inner, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("{}({})".format, st.sampled_from(["abs", "round", "sqrt"]), inner),
        st.builds("round({}, {})".format, inner, st.integers(0, 15)),
    )


def python(text: str, points: dict[str, float]) -> object:
    """What Python makes of it, or the kind of error."""
    names = {"true": True, "false": False, "sqrt": math.sqrt, "min": min, "max": max, "abs": abs, "round": round}
    try:
        return eval(text, {"__builtins__": {}}, names | points)
    except (SyntaxError, ZeroDivisionError) as error:
        return type(error).__name__
    except ValueError:
        return "negative root"


SMALL = st.integers(-9, 9)
REAL = st.integers(-9000, 9000).map(lambda number: number / 1000)


@settings(max_examples=1500)
@given(st.recursive(LEAVES, _larger, max_leaves=12), SMALL, SMALL, SMALL, REAL, REAL)
def test_python_gives_the_same(text: str, a: int, b: int, c: int, x: float, y: float) -> None:
    points: dict[str, float] = {"a": a, "b": b, "c": c, "x": x, "y": y, "on": True, "off": False}
    expected = python(text, points)
    read = attempt(text)
    if isinstance(read, FormulaWrong):
        known = {"division by zero": ("/", "%"), "square root of a negative number": ("sqrt",)}
        # What can never be computed is refused, even where a choice would not come to it.
        assert expected == "SyntaxError" or any(sign in text for sign in known[read.text])
        return
    found = result(text, **points)
    if isinstance(found, Status):
        assert expected == {"division by zero": "ZeroDivisionError"}.get(found.reason, "negative root")
    else:
        assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    "text",
    [
        *["a and b or c and not x", "a or b and c", "not a == b", "a < b < c", "-a * b", "a - b - c", "a / b / x"],
        *["a if b else c if x else y", "a + b if c else x", "a < b == c", "not not a", "- - a", "1 - -a", "a * -b"],
        *["-a % c", "a and b == c", "a + b < c - x", "a * b + c % x", "not a and b", "a < b and b < c or c < x"],
    ],
)
def test_the_order_of_operations_is_pythons(text: str) -> None:
    for seed in range(50):
        draw = random.Random(seed)
        points: dict[str, float] = {name: draw.choice([-2, -1, 1, 2, 3, 0.5]) for name in "abcxy"}
        assert repr(result(text, **points)) == repr(python(text, points))


HERE = "the formula cannot be read here"
FUNCTIONS = "allowed: min, max, abs, round, sqrt"
TEXTS = "compare texts with == or !=, for example mode == 'auto'"
DIGITS = "write a whole number from 0 to 15, for example round(a, 2)"
NUMBERS = "the numbers that stand here cannot be computed with"
COMMA = "write 0.5 for a decimal comma"
SPACE = COMMA + ", or a space after the comma if these are two values"
BITS = "to take bits out of a register, give the point a setting bits:"


@pytest.mark.parametrize(
    ("text", "column", "code", "message", "hint"),
    [
        ("", 0, "X01", "the formula is empty", "write for example (voltage_l1 + voltage_l2) / 2"),
        (" \n", 0, "X01", "the formula is empty", "write for example (voltage_l1 + voltage_l2) / 2"),
        ("mode = 3", 5, "X01", HERE, "write =="),
        ("a + * b", 4, "X01", HERE, 'a value is missing before "*"'),
        ("a + ", 4, "X01", HERE, "a value is missing at the end"),
        ("(a + )", 5, "X01", HERE, 'a value is missing before ")"'),
        ("a b", 2, "X01", HERE, 'a sign is missing before "b", for example + or *'),
        ("3 (a)", 2, "X01", HERE, 'a sign is missing before "(", for example + or *'),
        ("(a + b", 6, "X01", HERE, "a ) is missing for the ( at character 1"),
        ("b * (-(a)", 9, "X01", HERE, "a ) is missing for the ( at character 5"),
        ("a + b)", 5, "X01", HERE, "there is no ( for this ): delete it, or add a ( before"),
        ("a * 0,1", 5, "X01", HERE, "write 0.1 for a decimal comma"),
        ("sqrt(0,5)", 6, "X01", HERE, COMMA),
        ("max(a, 0,5)", 8, "X01", HERE, SPACE),
        ("a, b", 1, "X01", HERE, "a comma can only stand between the values of min, max and round"),
        ("abs(a, b)", 5, "X01", HERE, "abs takes one value"),
        ("round(a, 1, 2)", 10, "X01", HERE, "round takes at most two values"),
        ("a == not b", 5, "X01", HERE, "put the not and what it belongs to in brackets: (not a)"),
        ("a if b", 2, "X01", HERE, "this if has no else: write a if condition else b"),
        ("a else b", 2, "X01", HERE, "there is no if for this else: write a if condition else b"),
        ("if(a, 1, 2)", 0, "X01", HERE, "write a if condition else b"),
        ("IF(a; 1; 2)", 0, "X01", HERE, "write a if condition else b"),
        ("a ? 1 : 2", 2, "X01", HERE, "write a if condition else b"),
        ("a && b", 2, "X01", HERE, "write and"),
        ("a || b", 2, "X01", HERE, "write or"),
        ("!a", 0, "X01", HERE, "write not"),
        ("a AND b", 2, "X01", HERE, "write and"),
        ("a == True", 5, "X01", HERE, "write true"),
        ("a is 3", 2, "X01", HERE, "write =="),
        ("a in (1, 2)", 2, "X01", HERE, "write x == 1 or x == 2"),
        ("a mod 3", 2, "X01", HERE, "write %"),
        ("a <> 3", 2, "X01", HERE, "write !="),
        ("a × b", 2, "X01", HERE, "write *"),
        ("a ≤ b", 2, "X01", HERE, "write <="),
        ("a\u00a0+ b", 1, "X01", HERE, "write a plain space"),
        ("mode == „auto“", 8, "X01", HERE, "write '"),
        ("mode == 'auto", 8, "X01", HERE, "this text has no end: write a second '"),
        ("a + 052", 4, "X01", HERE, "write 52, or 0x52 for hexadecimal"),
        ("a > 3kW", 4, "X01", HERE, '"3kW" is not a number: write for example 230, 0.1, 1e-3 or 0x1F, without a unit'),
        ("a + lämpö", 5, "X01", HERE, '"ä" cannot stand in a formula: names have letters a-z, digits and _'),
        ("a + 1e999", 4, "X01", '"1e999" is too large for a number', "the largest number is 1.7e308"),
        ("a / 0", 4, "X01", "division by zero", "divide by another number, or by a point"),
        ("a * b % 0.0", 8, "X01", "division by zero", "divide by another number, or by a point"),
        ("a / (2 - 2)", 5, "X01", "division by zero", "divide by another number, or by a point"),
        ("a + sqrt(-1)", 4, "X01", "square root of a negative number", NUMBERS),
        ("a + 1e308 * 10", 4, "X01", "too large for a number", NUMBERS),
        ("a + 'x'", 4, "X01", 'the text "x" stands where a number is needed', TEXTS),
        ("a == 'x' or 'y'", 12, "X01", 'the text "y" stands where a number is needed', TEXTS),
        ("1 if 'x' else 2", 5, "X01", 'the text "x" stands where a number is needed', TEXTS),
        ("1 < a < 'x'", 8, "X01", 'the text "x" stands where a number is needed', TEXTS),
        ("a + min(b)", 4, "X01", "min needs two values or more", "write for example min(a, b)"),
        ("min()", 4, "X01", HERE, 'a value is missing before ")"'),
        ("round(a, b)", 9, "X01", "round needs to know how many digits to keep", DIGITS),
        ("round(a, -1)", 9, "X01", "round needs to know how many digits to keep", DIGITS),
        ("round(a, 16)", 9, "X01", "round needs to know how many digits to keep", DIGITS),
        ("a + pow(b, 2)", 4, "X02", "pow is not allowed in a formula", FUNCTIONS),
        ("a ^ 2", 2, "X02", "^ is not allowed in a formula", "there is no power; write x * x"),
        ("a ** 2", 2, "X02", "** is not allowed in a formula", "there is no power; write x * x"),
        ("a // 2", 2, "X02", "// is not allowed in a formula", "write (a - a % b) / b for a division without rest"),
        ("a & 1", 2, "X02", "& is not allowed in a formula", BITS),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_to_write(
    text: str, column: int, code: str, message: str, hint: str
) -> None:
    error = wrong(text)
    assert (error.column, error.code, error.text, error.hint) == (column, code, message, hint)


def test_the_first_mistake_is_told() -> None:
    assert wrong("a + * b ^ pow(§, 'x").column == 4


def test_two_values_may_stand_close_where_one_is_computed() -> None:
    assert result("round(a / 10,2)", a=1) == 0.1
    assert result("max(a,5)", a=1) == 5


def test_a_long_formula_is_refused_where_it_is_too_long() -> None:
    error = wrong("a" * (LONGEST + 1))
    assert (error.code, error.column) == ("X01", LONGEST)
    assert error.text == "the formula has 1001 characters, but it must have at most 1000"
    assert error.hint == "make two derived points of it: a formula may use other derived points"


@pytest.mark.parametrize("nest", ["({})", "-{}", "not {}", "abs({})", "(1 + {})", "max(a, {})", "(1 if a else {})"])
def test_a_deep_formula_is_refused(nest: str) -> None:
    text = "a"
    while len(longer := nest.format(text)) <= LONGEST and longer.count(nest[0]) < DEEPEST // 2:
        text = longer
    assert isinstance(parse(text), Formula)
    while len(longer := nest.format(text)) <= LONGEST:
        text = longer
    error = wrong(text)
    assert (error.code, error.text) == ("X01", "the formula is nested more than 40 deep")


def test_operations_of_all_kinds_in_each_bracket_are_deep_sooner() -> None:
    text = "a"
    for _ in range(7):
        text = f"(a or a and a < a + a * {text})"
    assert result(text, a=2) == 2
    assert wrong(f"(a or a and a < a + a * {text})").text == "the formula is nested more than 40 deep"


def test_brackets_without_end_are_refused_long_before_python_is_too_deep() -> None:
    assert wrong("(" * LONGEST).column == DEEPEST
    assert wrong("not " * 250).column == DEEPEST * len("not ")
    assert wrong("1 or 1 and a<1+1*(" * 50).text == "the formula is nested more than 40 deep"


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "%", " and ", " or ", "<", "=="])
def test_a_long_chain_is_not_deep(sign: str) -> None:
    text = sign.join(["a"] * (LONGEST // (len(sign) + 1)))
    assert parse(text).tree.depth == 2
    for value in (1, 2, 0.5, 10**19, 1e300, -(2**63), None):
        result(text, a=value)


def test_the_longest_products_stay_small() -> None:
    found = result("*".join(["a"] * 500), a=2**64 - 1)
    assert isinstance(found, Status)
    assert found.reason == "too large for a number"


def test_a_chain_of_choices_is_not_deep() -> None:
    text = " else ".join(f"{number} if a<{number}" for number in range(50)) + " else 99"
    assert parse(text).tree.depth == 3
    assert [result(text, a=value) for value in (-1, 10, 48.5, 1000)] == [0, 11, 49, 99]


ATTACKS = [
    *["a.b", "a.__class__", "().__class__", "''.join", "a.__init__.__globals__", "1 .real", "1.0.real", "a . b"],
    *["__import__('os')", "eval('1')", "exec('1')", "open('/etc/passwd')", "getattr(a, 'b')", "globals()", "vars()"],
    *["lambda: 1", "lambda x: x", "(lambda: 1)()", "[x for x in a]", "{1: 2}", "{}", "[]", "()", "a[0]", "a[:]"],
    *["f'{a}'", 'f"{a!r}"', "b'a'", "r'a'", "'%s' % a", "'{}'.format(a)", "'a' 'b'", "'a' * 1000000000"],
    *["a := 1", "(a := 1)", "a = 1", "a; b", "import os", "a\nimport os", "del a", "yield a", "await a", "*a", "**a"],
    *["abs.__call__(1)", "min(*a)", "min(key=a)", "max(a, key=b)", "round(a, ndigits=1)", "min(a, b)(c)", "abs(abs)("],
    *["a if b", "a @ b", "a`b`", "$a", "${a}", "{{a}}", "a\\", "a # b", "a -> b", "...", "a...b", "~a", "a << 9"],
    *["9 ** 9 ** 9", "pow(9, 9)", "sum(a)", "len(a)", "str(a)", "int(a)", "print(a)", "a !r", "=cmd|' /C calc'!A0"],
    *["\x00", "a\x00b", "\ufeffa", "ａ", "а + 1", "١ + ١", "½", "a\u2028b", "\ud800", "😀", "ｍｉｎ(a, b)", "a‿b"],
]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_but_arithmetic_can_be_written(text: str) -> None:
    error = wrong(text)
    assert error.code in {"X01", "X02"}
    assert error.hint != ""
    assert 0 <= error.column <= len(text)


def test_the_modules_of_the_formula_run_no_text() -> None:
    for module in ("expression", "arithmetic", "tokens"):
        tree = ast.parse((Path(expression.__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not used & {"eval", "exec", "compile", "getattr", "setattr", "__import__", "globals", "vars", "open"}


VOCABULARY = [
    *["a", "b", "mode", "1", "0", "2.5", "0x1F", "1e308", "'auto'", '"x"', "true", "false", "min(", "max(", "abs("],
    *["round(", "sqrt(", "pow(", "(", ")", ")", ")", ",", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="],
    *["and", "or", "not", "if", "else", "=", "^", "**", ".", "[", "]", "'", "0,5", "3kW", "ä", "\n", "lambda", ":"],
]


SOUND = [
    "(a + b + c) / 3",
    "sqrt(a * a + b * b) if mode == 'auto' else -a % 7",
    "not a > 5 and 0 < b <= 0x10 or c != 1e3",
    "round(max(a, b, 0.5) * 100, 2) - abs(min(c, 1) - 2)",
]


def _random_text(draw: random.Random) -> str:
    kind = draw.randrange(4)
    if kind == 0:
        return "".join(chr(draw.randrange(sys.maxunicode + 1)) for _ in range(draw.randrange(40)))
    if kind == 1:
        return "".join(chr(draw.randrange(32, 127)) for _ in range(draw.randrange(60)))
    if kind == 2:
        return draw.choice(["", " "]).join(draw.choice(VOCABULARY) for _ in range(draw.choice([3, 8, 30, 400])))
    words = draw.choice(SOUND).split(" ")
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(words))
        words[at : at + draw.randrange(2)] = draw.choices(VOCABULARY, k=draw.randrange(2))
        words = words or ["a"]
    return " ".join(words)


def test_twenty_thousand_random_texts_are_read_or_refused() -> None:
    draw = random.Random(20260)
    values: tuple[Value, ...] = (None, 0, 1, -2.5, 2**64 - 1, 1e308, "auto", b"", True, ("x",))
    read = 0
    for _ in range(20_000):
        text = _random_text(draw)
        found = attempt(text)
        if isinstance(found, FormulaWrong):
            assert (found.code in {"X01", "X02"}, found.hint != "", 0 <= found.column <= len(text)) == (
                True,
                True,
                True,
            )
            continue
        read += 1
        call = found.bind({name: position for position, name in enumerate(found.names)})
        for _ in range(3):
            call([draw.choice(values) for _ in found.names])
    assert 2000 < read < 10_000


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = attempt(text)
    assert isinstance(found, FormulaWrong) or found.text == text
