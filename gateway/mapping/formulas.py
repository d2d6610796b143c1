"""Formulas where they stand in a file: read with the column of each mistake, and put in an order to compute them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from gateway.mapping.diagnostics import Report
from gateway.mapping.expression import Formula, FormulaWrong, parse
from gateway.mapping.load import Block
from gateway.values import quote


def read_formula(owner: str, key: str, block: Block, report: Report) -> Formula | None:
    """The formula under ``key`` of a point; None where it cannot be read, which is reported (X01, X02)."""
    text = block.get(key)
    if not isinstance(text, str):
        return None
    try:
        return parse(text)
    except FormulaWrong as wrong:
        report.error(block.text_at(key, wrong.column), wrong.code, f"{owner}: {wrong.text}", wrong.hint)
        return None


def check_names(
    owner: str,
    key: str,
    formula: Formula,
    block: Block,
    known: Collection[str],
    report: Report,
    *,
    enums: Mapping[str, Mapping[int, str]],
) -> None:
    """Report names in a formula that no point has (X03). ``enums``: the texts of points that give texts."""
    for name in formula.names:
        if name not in known:
            place = block.text_at(key, formula.at(name))
            giving = next((point for point in formula.names if name in enums.get(point, {}).values()), "")
            if giving:
                hint = f"a text of {giving} stands in quotes: '{name}'"
            else:
                hint = report.did_you_mean(name, known, otherwise="name a point of this profile")
            report.error(place, "X03", f"{owner}: there is no point {quote(name)}", hint)


def ordered(formulas: Mapping[str, Formula]) -> tuple[list[str], Sequence[str]]:
    """The names so that each comes after those that it uses; or those that go round in a circle, first to last."""
    uses = {name: [used for used in formula.names if used in formulas] for name, formula in formulas.items()}
    try:
        return list(TopologicalSorter(uses).static_order()), ()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return [], circle[::-1]
