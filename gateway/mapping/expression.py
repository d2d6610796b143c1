"""The formulas of ``derived:`` and ``when:``: a text read into a tree, or what is wrong with it and where.

Our own reader, not Python's: what it does not know cannot be written, so a formula can reach nothing but its points.
Its words and their order of precedence are those of Python. A text of ``LONGEST`` characters is read in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.mapping.arithmetic import Kind, Node, compiled
from gateway.mapping.tokens import COMPARISONS, FORBIDDEN, FUNCTIONS, INSTEAD, Token, spelling, tokens
from gateway.model import Status, Value
from gateway.values import quote

LONGEST = 1000
"""Characters of a formula."""
DEEPEST = 40
"""Brackets, signs and operations within each other."""


class FormulaWrong(Exception):
    """The formula cannot be used; the message of the catalogue without the point's name."""

    def __init__(self, code: str, text: str, hint: str, column: int) -> None:
        super().__init__(f"{column}: {code}: {text}")
        self.code, self.text, self.hint = code, text, hint
        self.column = column
        """Where in the formula, in characters counted from 0; its length where something is missing at the end."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that can be read; whether there are such points is for others to say."""

    text: str
    names: tuple[str, ...]
    """The points that it uses, in the order of their first use."""
    columns: tuple[int, ...]
    """Where each of them is used first."""
    tree: Node

    def at(self, name: str) -> int:
        """Where the point is used first, in characters counted from 0."""
        return self.columns[self.names.index(name)]

    def bind(self, positions: Mapping[str, int]) -> Callable[[Sequence[Value]], Value | Status]:
        """The formula as a function of the newest values, each at its position; a KeyError for a name without one.

        It never raises. It gives None where a value that it needs is None: a choice needs its condition and the branch
        that is taken, ``and`` and ``or`` nothing after what decides. It gives a shared Status, always BAD, where the
        values cannot be computed with.
        """
        return compiled(self.tree, positions)


def parse(text: str) -> Formula:
    """Read a formula; raises FormulaWrong with X01 (cannot be read) or X02 (not allowed)."""
    if len(text) > LONGEST:
        problem = f"the formula has {len(text)} characters, but it must have at most {LONGEST}"
        raise _wrong(LONGEST, problem, _MAKE_TWO)
    reader = _Reader(text)
    tree = reader.whole()
    return Formula(text, tuple(reader.first_uses), tuple(reader.first_uses.values()), tree)


_MAKE_TWO = "make two derived points of it: a formula may use other derived points"
_DIGITS = 15
"""The most that ``round`` takes: a double has no more."""
_PRECEDENCE: dict[str, int] = {
    "or": 0,
    "and": 1,
    **dict.fromkeys(COMPARISONS, 2),
    **dict.fromkeys("+-", 3),
    **dict.fromkeys("*/%", 4),
}
_COMPARISON = 2
_KINDS: tuple[Kind, ...] = ("logic", "logic", "compare", "sum", "product")
"""By precedence."""


def _wrong(column: int, problem: str, hint: str) -> FormulaWrong:
    return FormulaWrong("X01", problem, hint, column)


def _unreadable(column: int, hint: str) -> FormulaWrong:
    return _wrong(column, "the formula cannot be read here", hint)


def _forbidden(token: Token, hint: str) -> FormulaWrong:
    return FormulaWrong("X02", f"{token.text} is not allowed in a formula", hint, token.column)


class _Reader:
    """Precedence climbing: a few calls for each bracket, so that Python's own limit on their depth stays far away."""

    def __init__(self, text: str) -> None:
        self.first_uses: dict[str, int] = {}
        self._tokens = tokens(text)
        self._next = 0
        self._open: list[Token] = []
        """Brackets, signs and words whose operand is being read."""

    def whole(self) -> Node:
        if self._token.kind == "end":
            raise _wrong(0, "the formula is empty", "write for example (voltage_l1 + voltage_l2) / 2")
        tree = self._choice()
        if self._token.kind != "end":
            raise self._unexpected()
        return tree

    def _choice(self) -> Node:
        parts = [self._operation(0)]
        while self._is("if"):
            word = self._advance()
            parts.append(self._operation(0))
            if not self._take("else"):
                if self._token.kind != "end":
                    raise self._unexpected()
                raise _unreadable(word.column, "this if has no else: write a if condition else b")
            parts.append(self._operation(0))
        return self._node("choice", parts, ()) if len(parts) > 1 else parts[0]

    def _operation(self, loosest: int) -> Node:
        """Operations that bind at least so tightly."""
        node = self._not() if loosest <= _COMPARISON and self._is("not") else self._signed()
        while (precedence := self._precedence()) >= loosest:
            node = self._chain(node, precedence)
        return node

    def _chain(self, first: Node, precedence: int) -> Node:
        """``a + b - c``: one node, so that a long formula is not a deep one."""
        kind = _KINDS[precedence]
        parts, signs = [first], []
        while self._precedence() == precedence:
            signs.append(self._advance().text)
            parts.append(self._operation(precedence + 1))
            if kind in {"sum", "product"} and len(parts) == 2 and _literal(*parts):
                parts, signs = [self._node(kind, parts, signs)], []
        return self._node(kind, parts, signs) if signs else parts[0]

    def _precedence(self) -> int:
        return _PRECEDENCE.get(self._token.text, -1) if self._token.kind == "sign" else -1

    def _not(self) -> Node:
        word = self._enter()
        operand = self._operation(_COMPARISON)
        self._open.pop()
        return self._node("call", [operand], ("not",), word.column)

    def _signed(self) -> Node:
        if not self._is("-") and not self._is("+"):
            return self._value()
        sign = self._enter()
        operand = self._signed()
        self._open.pop()
        return self._node("call", [operand], (sign.text,), sign.column)

    def _value(self) -> Node:
        token = self._token
        if token.kind == "sign" and token.text == "(":
            return self._bracket()
        if token.kind == "name":
            if self._tokens[self._next + 1].text == "(":
                return self._call()
            self.first_uses.setdefault(token.text, token.column)
            return Node("name", self._advance().column, value=token.text)
        if token.kind not in {"number", "text"} and token.text not in {"true", "false"}:
            raise self._unexpected(value_missing=True)
        return Node("literal", self._advance().column, value=_literal_value(token))

    def _bracket(self) -> Node:
        self._enter()
        node = self._choice()
        self._close()
        return node

    def _call(self) -> Node:
        name = self._advance()
        if name.text not in FUNCTIONS:
            raise _forbidden(name, f"allowed: {', '.join(FUNCTIONS)}")
        least, most = FUNCTIONS[name.text]
        self._enter()
        parts = [self._choice()]
        while len(parts) < most and self._is(","):
            # Taken for two values, max(power, 0,5) would silently be wrong.
            if parts[-1].kind == "literal" and self._decimal_comma():
                raise self._unexpected()
            self._advance()
            parts.append(self._choice())
        if len(parts) < least and self._token.text == ")":
            raise _wrong(name.column, f"{name.text} needs two values or more", f"write for example {name.text}(a, b)")
        self._close()
        if name.text == "round" and len(parts) == 2:
            digits = parts[1].value
            if type(digits) is not int or not 0 <= digits <= _DIGITS:
                hint = f"write a whole number from 0 to {_DIGITS}, for example round(a, 2)"
                raise _wrong(parts[1].column, "round needs to know how many digits to keep", hint)
        return self._node("call", parts, (name.text,), name.column)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _is(self, sign: str) -> bool:
        return self._token.kind == "sign" and self._token.text == sign

    def _take(self, sign: str) -> bool:
        taken = self._is(sign)
        self._next += taken
        return taken

    def _enter(self) -> Token:
        token = self._advance()
        self._open.append(token)
        if len(self._open) > DEEPEST:
            raise _too_deep(token.column)
        return token

    def _close(self) -> None:
        if not self._take(")"):
            raise self._unexpected()
        self._open.pop()

    def _node(self, kind: Kind, parts: list[Node], signs: Sequence[str], column: int | None = None) -> Node:
        """An operation, or what it gives where all of it is known."""
        node = Node(
            kind,
            parts[0].column if column is None else column,
            tuple(parts),
            tuple(signs),
            depth=1 + max(part.depth for part in parts),
        )
        _judge(node)
        if node.depth > DEEPEST:
            raise _too_deep(node.column)
        if not _literal(*parts):
            return node
        result: Any = compiled(node, {})(())
        if type(result) is Status:
            raise _wrong(node.column, result.reason, "the numbers that stand here cannot be computed with")
        return Node("literal", node.column, value=result)

    def _unexpected(self, *, value_missing: bool = False) -> FormulaWrong:
        """What is wrong with a token that nothing can be made of."""
        token = self._token
        if token.text in FORBIDDEN:
            return _forbidden(token, FORBIDDEN[token.text])
        return _unreadable(token.column, self._advice(token, value_missing=value_missing))

    def _advice(self, token: Token, *, value_missing: bool) -> str:
        """What to write instead."""
        if token.text == "=" and self._next == 0:
            return "leave the = at the beginning out"
        if token.kind in {"wrong", "name"} and token.text in INSTEAD:
            return f"write {INSTEAD[token.text]}"
        if token.kind == "wrong":
            return spelling(token)
        bracket = next((one for one in reversed(self._open) if one.text == "("), None)
        if token.text == "," and not value_missing:
            return self._comma(bracket)
        if token.text == "not":
            return "put the not and what it belongs to in brackets: (not a)"
        if token.text == "if":
            return "write a if condition else b"
        if value_missing:
            return f"a value is missing before {quote(token.text)}" if token.text else "a value is missing at the end"
        if token.kind == "end" and bracket:
            return f"a ) is missing for the ( at character {bracket.column + 1}"
        if token.text == ")":
            return "there is no ( for this ): delete it, or add a ( before"
        if token.text == "else":
            return "there is no if for this else: write a if condition else b"
        return f"a sign is missing before {quote(token.text)}, for example + or *"

    def _comma(self, bracket: Token | None) -> str:
        called = self._tokens[self._tokens.index(bracket) - 1].text if bracket else ""
        if number := self._decimal_comma():
            several = called in FUNCTIONS and FUNCTIONS[called][1] > 1
            two = ", or a space after the comma if these are two values" if several else ""
            return f"write {number} for a decimal comma{two}"
        if called in FUNCTIONS:
            return f"{called} takes {'one value' if FUNCTIONS[called][1] == 1 else 'at most two values'}"
        return "a comma can only stand between the values of min, max and round"

    def _decimal_comma(self) -> str:
        """What ``0,5`` must be written as; empty where the comma is not that of a number."""
        before, comma, after = self._tokens[self._next - 1 : self._next + 2]
        close = before.column + len(before.text) == comma.column == after.column - 1
        digits = before.text.isdecimal() and after.text.isdecimal()
        return f"{before.text}.{after.text}" if close and digits else ""


def _literal(*nodes: Node) -> bool:
    return all(node.kind == "literal" for node in nodes)


def _literal_value(token: Token) -> Any:
    if token.kind == "text":
        return token.text[1:-1]
    if token.kind == "sign":
        return token.text == "true"
    word = token.text.lower()
    whole = word.isdigit() or word.startswith("0x")
    # What is too large for 64 bits or for a double is so in a sum, too.
    number: Any = int(word, 0) if whole else float(word)
    result: Any = compiled(Node("call", 0, (Node("literal", 0, value=number),), ("+",)), {})(())
    if type(result) is Status:
        raise _wrong(token.column, f"{quote(token.text)} is {result.reason}", "the largest number is 1.7e308")
    return result


def _too_deep(column: int) -> FormulaWrong:
    return _wrong(column, f"the formula is nested more than {DEEPEST} deep", _MAKE_TWO)


def _judge(node: Node) -> None:
    """What can be known to be wrong before there are values."""
    for position, part in enumerate(node.parts):
        if part.kind != "literal":
            continue
        beside = node.signs[max(position - 1, 0) : position + 1]
        if isinstance(part.value, str) and _needs_number(node.kind, position, beside):
            problem = f"the text {quote(part.value)} stands where a number is needed"
            raise _wrong(part.column, problem, "compare texts with == or !=, for example mode == 'auto'")
        if position and node.kind == "product" and part.value == 0 and beside[0] in {"/", "%"}:
            raise _wrong(part.column, "division by zero", "divide by another number, or by a point")


def _needs_number(kind: Kind, position: int, beside: Sequence[str]) -> bool:
    if kind == "compare":
        return not {"==", "!="}.issuperset(beside)
    return kind != "choice" or position % 2 == 1
