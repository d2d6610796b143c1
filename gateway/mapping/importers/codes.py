"""Lists of codes inside a cell: ``0=Open;1=Closed``, ``0: Off, 1: On``, ``Bit 0: overload``."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.mapping.importers.cells import is_reserved


class Codes(NamedTuple):
    """The texts by number, in the order of the cell."""

    texts: dict[int, str]
    repeated: tuple[int, ...] = ()
    """Numbers that have two different texts; the first one is kept, one of its own before a range."""


_LONGEST_TEXT = 256
_LARGEST_RANGE = 64
_MOST = 2_000
_NUMBER = r"(?:0x[0-9a-f]{1,8}|-?[0-9]{1,10})"
_SEPARATOR = r"(?:^|[\n;,/|]|\bor\b)"
_ASSIGNS = (
    rf"({_NUMBER})(?: ?(?:-|–|\.\.|to) ?({_NUMBER}))? ?(?:=>|=|→)",
    rf"({_NUMBER})(?: ?(?:-|–|\.\.|to) ?({_NUMBER}))? ?:",
    rf"({_NUMBER})() ?(?:-|–|\)) ?(?=[^\s0-9])",
)
"""A code and what stands between it and its text."""


def codes(text: str, fewest: int = 1) -> Codes | None:
    """The codes of a cell that holds nothing else; None for any other text, and for fewer than ``fewest``."""
    for assign in _ASSIGNS:
        found = _entries(text, rf"{_SEPARATOR}\s*{assign}\s*")
        # "0=Off 1=On": the separator is a blank.
        if found is None or any(re.search(rf"\s{assign}", entry[1]) for entry in found):
            found = _entries(text, rf"(?:^|[\n;,/|\s])\s*{assign}\s*") or found
        if found is not None and len(found) >= fewest:
            return _numbered(found)
    return None


def _entries(text: str, pattern: str) -> list[tuple[range, str]] | None:
    """Numbers and text of each entry; None where the text does not begin with one."""
    marks = list(re.finditer(pattern, text, re.IGNORECASE))
    if not marks or marks[0].start() != 0 or len(marks) > _MOST:
        return None
    entries = []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        meaning = text[mark.end() : after.start() if after else len(text)]
        meaning = " ".join(meaning.strip(" \n\t;,/|").split()).strip("\"'“”„")
        first = int(mark[1], 0) if not re.fullmatch("-?0[0-9]+", mark[1]) else int(mark[1])
        last = int(mark[2], 0) if mark[2] and not re.fullmatch("-?0[0-9]+", mark[2]) else int(mark[2] or first)
        if not meaning or len(meaning) > _LONGEST_TEXT or not first <= last < first + _LARGEST_RANGE:
            return None
        entries.append((range(first, last + 1), meaning))
    return entries


def _numbered(entries: list[tuple[range, str]]) -> Codes:
    texts: dict[int, str] = {}
    own = {numbers[0] for numbers, _ in entries if len(numbers) == 1}
    repeated = []
    for numbers, meaning in entries:
        for number in numbers:
            if len(numbers) > 1 and number in own:
                continue
            if texts.setdefault(number, meaning) != meaning:
                repeated.append(number)
    return Codes(texts, tuple(dict.fromkeys(repeated)))


_BIT = r"(?:bits?|b) ?#?([0-9]{1,2})(?: ?(?:-|–|\.\.|to|:) ?(?:bit ?)?([0-9]{1,2}))? ?(?:=|:|-|–|\)|→)\s*"


def flags(text: str) -> Codes | None:
    """Names of single bits; what is reserved among them is left out. None for any other text."""
    entries = _entries(text, rf"{_SEPARATOR}\s*{_BIT}") or _entries(text, rf"(?:^|[\n;,/|\s])\s*{_BIT}")
    if entries is None:
        return None
    named = [(bits, meaning) for bits, meaning in entries if not is_reserved(meaning)]
    # A field of several bits has no name for each of them.
    if not named or any(len(bits) > 1 or bits[0] > 63 for bits, _ in named):
        return None
    return _numbered(named)


def looks_like_codes(text: str) -> bool:
    """Whether somebody probably meant a list of codes."""
    return len(re.findall(rf"(?:^|[\s;,/|]){_NUMBER} ?[=:]", text, re.IGNORECASE)) > 1
