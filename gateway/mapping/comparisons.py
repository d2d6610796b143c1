"""Formulas that compare a point whose ``enum`` gives texts with what it never is: never true, and meant otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from gateway.mapping.arithmetic import Node
from gateway.mapping.diagnostics import Report, did_you_mean
from gateway.mapping.expression import Formula
from gateway.mapping.load import Block
from gateway.values import quote

Enums: TypeAlias = Mapping[str, Mapping[int, str]]
"""The texts by code of those points that have an ``enum``, by name."""


def check_texts(owner: str, key: str, formula: Formula, block: Block, enums: Enums, report: Report) -> None:
    """Warn of the formula under ``key`` of a point where it compares texts with a number or another text (X06)."""
    if enums.keys().isdisjoint(formula.names):
        return
    for name, sign, literal in _with_literals(formula.tree):
        code = literal.value
        if name not in enums or (sign in ("==", "!=") and not isinstance(code, str) and code not in enums[name]):
            continue  # an unknown code is a number
        if isinstance(code, str):
            _check_text(owner, name, literal, tuple(enums[name].values()), block, key, report)
            continue
        text = enums[name].get(code) or next(iter(enums[name].values()))
        mark = '"' if "'" in text else "'"
        instead = f"{name} {sign if sign == '!=' else '=='} {mark}{text}{mark}"
        hint = f"write {instead}" if sign in ("==", "!=") else f"texts have no order; write for example {instead}"
        shown = str(code).lower() if isinstance(code, bool) else code
        place = block.text_at(key, literal.column)
        report.warning(place, "X06", f"{owner}: {name} gives texts, but it is compared with {shown}", hint)


def _check_text(
    owner: str, name: str, literal: Node, texts: tuple[str, ...], block: Block, key: str, report: Report
) -> None:
    if literal.value not in texts:
        hint = did_you_mean(literal.value, texts, otherwise=f"its texts are: {', '.join(texts)}")
        text = f"{owner}: {name} is never {quote(literal.value)}"
        report.warning(block.text_at(key, literal.column), "X06", text, hint)


def _with_literals(node: Node) -> Iterator[tuple[str, str, Node]]:
    """The name of a point, the sign and the literal of each comparison of the two."""
    if node.kind == "compare":
        for left, sign, right in zip(node.parts, node.signs, node.parts[1:], strict=False):
            if left.kind == "name" and right.kind == "literal":
                yield left.value, sign, right
            elif left.kind == "literal" and right.kind == "name":
                yield right.value, sign, left
    for part in node.parts:
        yield from _with_literals(part)
