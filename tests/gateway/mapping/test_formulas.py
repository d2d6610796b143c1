"""Formulas in a file: their mistakes have a column, and each comes after those that it uses."""

from __future__ import annotations

from gateway.mapping.diagnostics import Report
from gateway.mapping.expression import parse
from gateway.mapping.formulas import check_names, ordered, read_formula
from tests.gateway.mapping.plants import block


def test_a_formula_is_read_where_it_stands() -> None:
    report = Report()
    formula = read_formula("p", "expr", block("expr: a + b\n", report), report)
    assert formula is not None
    assert (formula.names, report.sorted()) == (("a", "b"), ())


def test_a_mistake_is_told_at_its_column_also_in_quotes() -> None:
    for text, column in [("expr: a + * b\n", 11), ('expr: "a + * b"\n', 12), ("expr: 'a + * b'\n", 12)]:
        report = Report()
        assert read_formula("p", "expr", block(text, report), report) is None
        (said,) = report.sorted()
        assert (said.column, said.code, said.text) == (column, "X01", "p: the formula cannot be read here")


def test_what_is_no_text_was_complained_about() -> None:
    report = Report()
    assert read_formula("p", "expr", block("expr: [a]\n", report), report) is None
    assert report.sorted() == ()


def test_names_of_no_point_are_told_each_at_its_place() -> None:
    report = Report()
    root = block("expr: powr + pwer + powr\n", report)
    check_names("p", "expr", parse("powr + pwer + powr"), root, {"power"}, report, enums={})
    assert [(one.column, one.code, one.hint) for one in report.sorted()] == [
        (7, "X03", 'did you mean "power"?'),
        (14, "X03", 'did you mean "power"?'),
    ]


def test_each_comes_after_those_that_it_uses() -> None:
    formulas = {"d": parse("c + 1"), "c": parse("b + x"), "b": parse("x"), "a": parse("x")}
    order, circle = ordered(formulas)
    assert circle == ()
    assert order.index("b") < order.index("c") < order.index("d")
    assert {*order} == {*formulas}


def test_a_circle_is_found() -> None:
    order, circle = ordered({"a": parse("b"), "b": parse("c"), "c": parse("a"), "d": parse("x")})
    assert order == []
    assert (len(circle), circle[0]) == (4, circle[-1])
    assert ordered({"a": parse("a + 1")})[1] == ["a", "a"]
