"""The words of a formula: its text cut into tokens, and what to write instead of those that no formula can hold."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.values import quote

FUNCTIONS = {"min": (2, 1000), "max": (2, 1000), "abs": (1, 1), "round": (1, 2), "sqrt": (1, 1)}
"""How many values each takes: at least, at most."""
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
WORDS = frozenset({"and", "or", "not", "if", "else", "true", "false"})
"""A point of such a name cannot be used in a formula."""
_SIGNS = COMPARISONS | WORDS | frozenset("+-*/%(),")

_ALLOWED = f"allowed: + - * / % ( ), comparisons, and, or, not, a if c else b, {', '.join(FUNCTIONS)}"
FORBIDDEN = {
    **dict.fromkeys(("^", "**"), "there is no power; write x * x"),
    "//": "write (a - a % b) / b for a division without rest",
    **dict.fromkeys(("&", "|", "~", "<<", ">>"), "to take bits out of a register, give the point a setting bits:"),
    **dict.fromkeys((".", "[", "]", "{", "}", ":=", ";", "@", "\\", "`", "$", "->"), _ALLOWED),
}
INSTEAD = {
    "=": "==", "===": "==", "is": "==", "eq": "==", "<>": "!=", "!==": "!=", "=<": "<=", "=>": ">=",
    "&&": "and", "||": "or", "!": "not", "AND": "and", "OR": "or", "NOT": "not", "And": "and", "Or": "or", "Not": "not",
    "IF": "a if condition else b", "If": "a if condition else b", "ELSE": "else", "Else": "else",
    "True": "true", "TRUE": "true", "False": "false", "FALSE": "false",
    "mod": "%", "MOD": "%", "div": "/", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-",
    "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt( )", "²": "x * x", "³": "x * x * x",
    **dict.fromkeys("‘’‚“”„´", "'"),
    "\u00a0": "a plain space", "\u202f": "a plain space",
    "in": "x == 1 or x == 2", "then": "a if condition else b", "elif": "a if c1 else b if c2 else d",
    **dict.fromkeys("?:", "a if condition else b"),
}  # fmt: skip
"""What to write for what other languages write."""


class Token(NamedTuple):
    """A word, a number or a sign of a formula."""

    kind: str
    """number, name, text, sign (words too), wrong (what no formula can hold), end"""
    text: str
    column: int


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<tail>[A-Za-z0-9_.]*))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<text>'[^']*'|"[^"]*")
    | (?P<sign>===|!==|\*\*|//|<<|>>|&&|\|\||==|!=|<=|>=|=>|=<|<>|:=|->|.)""",
    re.VERBOSE | re.DOTALL,
)
_LEADING_ZERO = re.compile("0[0-9]+")


def tokens(text: str) -> list[Token]:
    """All of the text; nothing is refused here, so that the first mistake is told and not the worst."""
    found = []
    for match in _TOKEN.finditer(text):
        kind, word = str(match.lastgroup), match[0]
        if kind == "number" and (match["tail"] or _LEADING_ZERO.fullmatch(word)):
            kind = "wrong"
        elif kind == "name":
            kind = "sign" if word in WORDS else "wrong" if word in INSTEAD and not word.islower() else "name"
        elif kind == "sign" and word not in _SIGNS:
            kind = "wrong"
        if kind != "space":
            found.append(Token(kind, word, match.start()))
    return [*found, Token("end", "", len(text))]


def spelling(token: Token) -> str:
    """Advice for what no formula can hold."""
    word = token.text
    if word in {"'", '"'}:
        return f"this text has no end: write a second {word}"
    if _LEADING_ZERO.fullmatch(word):
        digits = word.lstrip("0") or "0"
        return f"write {digits}, or 0x{digits} for hexadecimal"
    if word[0] in ".0123456789":
        return f"{quote(word)} is not a number: write for example 230, 0.1, 1e-3 or 0x1F, without a unit"
    return f"{quote(word)} cannot stand in a formula: names have letters a-z, digits and _"
