"""What braces make of a text that was meant whole: ``{scale: 0,5}`` is a setting 0 and another one called 5."""

from __future__ import annotations

import re

from gateway.mapping.characters import begins_quoted, ends_quoted, told

_NEXT = "inside { } a comma starts the next setting"
_WHOLE = re.compile("[+-]?[0-9]+")
_NUMBER_AT_THE_END = re.compile(r"(^|[^\w.])[0-9]+$|^[+-][0-9]+$")
# With a letter of a ``repeat:`` and numbers, or the letter alone; what else is so short can be a name.
_FORMULA = re.compile(r"(?=.*\b[a-z]\b)([a-z]|(?=.*[0-9])(?=.*[-+*/%])(?:[0-9]+|\b[a-z]\b|[-+*/%() ])+)")

OPEN_NAMES = frozenset(("assets", "units", "devices", "points", "derived", "tags", "context"))
"""Blocks whose settings have names that the plant gives."""


def torn(value: str, name: str, *, close: bool) -> tuple[str, str, str] | None:
    """Code, sentence and hint where ``value,name`` was meant as one text; None where it was not.

    ``close``: there is no space beside the comma.
    """
    comma = _NUMBER_AT_THE_END.search(value) and name[:1].isdecimal() if close else _WHOLE.fullmatch(value)
    if comma and (close or name.isdecimal()):
        text = f'"{value},{name}" looks like a decimal comma; {_NEXT}'
        return "M07", text, f"write {value}.{name}"
    if _opened(value) > 0:
        return "Y02", f"the comma ends this text within ( ); {_NEXT}", 'put the whole text in "quotes"'
    if begins_quoted(value):
        return told(value[0])
    return None


def still_open(name: str, before: int, value: str = "") -> int:
    """What of a torn text, which was told already, is not closed yet: brackets, or -1 for a quote of Word.

    ``before``: what was before ``name``; where ``value`` is given, what that opens.
    """
    if before < 0 or begins_quoted(value):
        return 0 if ends_quoted(name) else -1
    return max(0, before + _opened(value) + _opened(name))


def _opened(text: str) -> int:
    return text.count("(") - text.count(")")


def unquoted(name: str) -> tuple[str, str, str] | None:
    """Code, sentence and hint for ``{100 + 2 * i}`` without quotes, of which only ``name`` is left; None for others."""
    if not _FORMULA.fullmatch(name):
        return None
    shown = f"{{{name}}}"
    return "R13", f"{shown} without quotes is a block of settings", f'put it in quotes: "{shown}"'
