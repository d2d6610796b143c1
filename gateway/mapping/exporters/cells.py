"""One setting in one cell of a table, so that a spreadsheet can open and save the table without changing it.

A spreadsheet takes a text for a formula, a date, a share or a number wherever it can: ``1.5`` becomes the first of May
where decimals have a comma, ``1 %`` becomes 0.01, ``=cmd`` is run. An apostrophe in front says that the rest is text.
Blocks and lists stand in braces and brackets, as in YAML.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from gateway.mapping.diagnostics import Diagnostic, Place, Report
from gateway.mapping.draft import Setting
from gateway.mapping.load import Block, Items, Node, parse

TEXT = "'"
"""Before what is nothing but text."""

_SAFE = re.compile(
    r"-?(0|[1-9][0-9]{0,14})"  # a spreadsheet keeps 15 digits
    r"|0[xX][0-9A-Fa-f]+"
    r"|[0-9]{1,6}(ms|s|min|h|d)"
    r"|\(*[^\W\d].*|[%°].*",
    re.DOTALL,
)
_MONTHS = (
    "jan|ene|gen|feb|fev|fév|mar|mär|mrz|apr|avr|abr|may|mai|mag|jun|jui|giu|jul|lug"
    "|aug|aou|aoû|ago|sep|set|oct|okt|ott|nov|dec|dez|déc|dic"
)
_TAKEN = re.compile(
    rf"(true|false|wahr|falsch|vrai|faux|vero|falso|verdadero)|({_MONTHS})[^\W\d_]*[ ./-]*[0-9].*", re.I
)
"""Words that become a boolean or a date in English, German, French, Spanish or Italian."""
_DATE = re.compile(
    rf"[0-9]{{1,2}}[. -]{{1,2}}({_MONTHS})[a-z.]{{0,2}}([ -][0-9]{{2,4}})?|({_MONTHS})[a-z.]{{0,2}}[ -][0-9]{{2,4}}"
    r"|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:]*)?",
    re.IGNORECASE,
)


def encode(node: Node) -> str:
    """The cell of a setting. Raises ValueError for one without a value, which no file without an error has."""
    if isinstance(node, Block | Items):
        return _flow(node)
    if not isinstance(node, str):
        raise ValueError("a setting has no value")  # noqa: TRY004 -- the file is wrong, not the call
    safe = _SAFE.fullmatch(node) and not _TAKEN.fullmatch(node) and node == node.strip()
    return node if safe else TEXT + node


def decode(cell: str, place: Place) -> tuple[Setting, tuple[Diagnostic, ...]]:
    """The setting in a cell at this place, and what is wrong with it."""
    if cell.startswith(TEXT):
        return cell.removeprefix(TEXT), ()
    text = cell.strip()
    if not text.startswith(("{", "[")):
        return text, ()
    report = Report()
    node = parse(text, place.file, report)
    found = [replace(one, line=place.line, column=place.column) for one in report.sorted()]
    try:
        return _setting(node), tuple(found)
    except ValueError:
        if not found:
            hint = "write {name: value, name: value} or [value, value]"
            found.append(Diagnostic(*place, "error", "I23", "a setting in braces has no value", hint))
        return "", tuple(found)


def is_date(cell: str) -> bool:
    """Whether a spreadsheet has made a date of what stood there: ``01. Okt``, ``1-Oct``, ``01.10.2024``."""
    return _DATE.fullmatch(cell.strip()) is not None


_WORD = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+ /%-]*(?<! )")
"""What needs no quotes inside braces."""
_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""JSON takes these for letters, YAML does not."""


def _flow(node: Node) -> str:
    if isinstance(node, Block):
        return "{" + ", ".join(f"{_flow(name)}: {_flow(value)}" for name, value in node.items()) + "}"
    if isinstance(node, Items):
        return "[" + ", ".join(map(_flow, node)) + "]"
    if not isinstance(node, str):
        raise ValueError("a setting has no value")  # noqa: TRY004 -- as in encode
    return node if _WORD.fullmatch(node) else json.dumps(node, ensure_ascii=False).translate(_LINE_ENDS)


def _setting(node: Node) -> Setting:
    if isinstance(node, Block):
        return {name: _setting(value) for name, value in node.items()}
    if isinstance(node, Items):
        return [_setting(value) for value in node]
    if not isinstance(node, str):
        raise ValueError("a setting has no value")  # noqa: TRY004 -- as in encode
    return node
