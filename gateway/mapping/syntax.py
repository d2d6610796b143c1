"""What the YAML reader could not read, told in plant words at the place to edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

from gateway.mapping.characters import strange, told
from gateway.mapping.diagnostics import Place
from gateway.values import quote

_CHECK = "check the indentation and the brackets of this line and the line before"
_QUOTES = 'put the text in "quotes"'
_HASH = 'put a text with " #" in "quotes"'
_COLON = 'a text that contains ": " must be put in "quotes"'
NO_SPACE = re.compile(r"(?P<name>[\w.{}-]{1,64}):(?P<value>(?!//)[^\s:].*)")
"""``at:3``, which to YAML is a text and no setting."""


class _Spot(NamedTuple):
    """A character of a file, lines and columns counted from 0."""

    line: int
    column: int


class _Said(NamedTuple):
    """A message about one spot."""

    at: _Spot
    text: str
    hint: str
    code: str = "Y02"


def explained(error: yaml.YAMLError, text: str, name: str) -> tuple[Place, str, str, str]:
    """Place, code, sentence and hint for what the YAML reader said of a file, called ``name`` in messages."""
    said = _Reader(error, text.splitlines() or [""]).said()
    sentence = f"this is not valid YAML: {said.text}" if said.code == "Y02" else said.text
    return Place(name, said.at.line + 1, said.at.column + 1), said.code, sentence, said.hint


def no_space(text: str) -> tuple[str, str, str] | None:
    """Code, sentence and hint for ``at:3``; None for any other text."""
    match = NO_SPACE.match(text)
    if match is None:
        return None
    value = match["value"].split(" ")[0]
    return "Y11", f"there is no space after the colon of {quote(match['name'])}", f"write  {match['name']}: {value}"


class _Reader:
    """The lines round the place where the YAML reader stopped."""

    def __init__(self, error: yaml.YAMLError, lines: Sequence[str]) -> None:
        self._lines = lines
        self._problem = str(getattr(error, "problem", None) or "")
        self._inside = str(getattr(error, "context", None) or "")
        self._at = self._spot(getattr(error, "problem_mark", None))
        context = getattr(error, "context_mark", None)
        self._opened = self._spot(context) if context is not None else None
        self._line = lines[self._at.line]
        self._before = self._line[: self._at.column]
        self._here = self._line[self._at.column : self._at.column + 1]

    def _spot(self, mark: Any) -> _Spot:
        if mark is None:
            return _Spot(0, 0)
        # At the end of the file the reader stands behind the last line.
        line = min(mark.line, len(self._lines) - 1)
        return _Spot(line, min(mark.column, len(self._lines[line])))

    def said(self) -> _Said:
        return self._tab() or self._character() or self._known() or _Said(self._at, "it cannot be read here", _CHECK)

    def _tab(self) -> _Said | None:
        tab = re.match(" *\t", self._line)
        if tab is None:
            return None
        count = sum(bool(re.match(" *\t", other)) for other in self._lines)
        also = f"; {count} lines of this file begin so" if count > 1 else ""
        sentence = "this line is indented with a TAB; YAML only allows spaces"
        return _Said(_Spot(self._at.line, tab.end() - 1), sentence, f"replace the TAB by two spaces{also}", "Y01")

    def _character(self) -> _Said | None:
        """A space or a quote of Word in the line, or in the one before, which often is the one at fault."""
        first = self._opened.line if self._opened is not None else self._previous()
        for line in range(max(first, self._at.line - 2), self._at.line + 1):
            column = strange(re.sub("(^| )#.*", "", self._lines[line]))
            if column >= 0:
                code, sentence, hint = told(self._lines[line][column])
                return _Said(_Spot(line, column), sentence, hint, code)
        return None

    def _known(self) -> _Said | None:
        problem = self._problem
        if re.match(r" *[\w.-]+ +[{\[]", self._line):
            return self._no_colon(self._at.line)
        if problem.startswith("mapping values are not allowed"):
            return self._colon()
        if problem.startswith("could not find expected ':'") and self._opened is not None:
            return self._no_colon(self._opened.line)
        if problem in ("did not find expected ',' or '}'", "did not find expected ',' or ']'"):
            return self._in_brackets()
        if problem == "did not find expected key":
            return self._in_block()
        if problem.startswith("did not find expected '-'"):
            return _Said(self._at, 'this line stands in a list, but it does not begin with "- "', _CHECK)
        if problem == "did not find expected <document start>":
            return self._after_all()
        return self._of_text()

    def _of_text(self) -> _Said | None:
        """What is wrong with a text itself."""
        problem, opened = self._problem, self._opened or self._at
        if problem == "found unexpected end of stream":
            return _Said(opened, "the quote that opens here is never closed", "close it at the end of the text")
        if problem == "found unexpected document indicator":
            return _Said(opened, "the quote that opens here is not closed before ---", "close it, or delete the ---")
        if problem.startswith("found unknown escape"):
            return _Said(self._at, "a \\ in double quotes begins an escape", "write \\\\ or use 'single quotes'")
        if problem == "did not find expected node content":
            return _Said(self._at, f"a value is missing before {quote(self._here)}", "write it, or delete the comma")
        if problem.startswith("block sequence entries are not allowed"):
            hint = "put it on a line of its own below, or write the list in brackets: [a, b]"
            return _Said(self._at, 'the entry of a list ("- ") cannot stand here', hint)
        begins = self._lines[opened.line][opened.column : opened.column + 1]
        if begins in tuple("%@`&*!|>"):
            return _Said(opened, f"a text cannot begin with {quote(begins)}", _QUOTES)
        return None

    def _colon(self) -> _Said:
        """A ": " where none can be: behind a value, or on a line that YAML takes for the rest of the one before."""
        if ": " in self._before or re.search(":[ \t]", self._line[self._at.column + 1 :]):
            return _Said(self._at, 'a ": " stands where no setting can begin', _COLON)
        previous = self._previous()
        line = self._lines[previous]
        if previous < self._at.line and not re.search(r":(\s|$)", _bare(line)):
            return self._no_colon(previous)
        return self._too_far() or _Said(self._at, 'a ": " stands where no setting can begin', _CHECK)

    def _too_far(self) -> _Said | None:
        """A line that is indented below one that is no block."""
        before, own = self._lines[self._previous()], _indent(self._line)
        if own <= _indent(before) or _bare(before).endswith(":"):
            return None
        sentence = "this line is indented, but the line before has its value already"
        return _Said(_Spot(self._at.line, own), sentence, "begin it below the first letter of the line before")

    def _no_colon(self, number: int) -> _Said:
        line = _bare(self._lines[number])
        start, text = _Spot(number, _indent(line)), line.strip()
        close = no_space(text)
        if close is not None:
            return _Said(start, close[1], close[2], close[0])
        name, _, rest = text.partition(" ")
        rest = rest.lstrip("=: ")
        return _Said(start, f"a colon is missing after {quote(name)}", f"write  {name}: {rest}".rstrip())

    def _in_brackets(self) -> _Said:
        opened = self._opened or self._at
        line = self._lines[opened.line]
        bracket = line[opened.column : opened.column + 1]
        close = "}" if bracket == "{" else "]"
        cut = re.search(r"\s(#)", line[opened.column :])
        if cut is not None and opened.line < self._at.line:
            at = _Spot(opened.line, opened.column + cut.start(1))
            return _Said(at, f'what stands after " #" is a comment, so the {bracket} before it is never closed', _HASH)
        if self._here == "{":
            return _Said(self._at, "a { stands inside of a text", 'a text that contains { } must be put in "quotes"')
        if self._here in ("}", "]"):
            sentence = f"the {bracket} that opens here is not closed before {quote(self._here)}"
            return _Said(opened, sentence, f"close it with {close}")
        if self._here == ":" and (opened.line == self._at.line or ": " in self._before):
            return self._second_colon()
        if self._before.rstrip()[-1:] in ('"', "'"):
            return _Said(
                self._at, "something follows after the closing quote", f"write a comma before it, or {_QUOTES}"
            )
        return _Said(opened, f"the {bracket} that opens here is never closed", f"close it with {close}")

    def _second_colon(self) -> _Said:
        """``{note: Seite: 3}``, or ``{at: 2 unit: V}``."""
        missing = re.search(r"[^:,{\[] +([A-Za-z_]+)$", self._before)
        hint = f'write a comma before {quote(missing[1])}, or put the text in "quotes"' if missing else _COLON
        return _Said(self._at, 'a ": " stands where no setting can begin', hint)

    def _in_block(self) -> _Said:
        before = self._before.rstrip()
        if self._here in ("}", "]"):
            return _Said(self._at, f"there is one {self._here} too many", "delete it")
        if before[-1:] in ('"', "'"):
            return _Said(self._at, "something follows after the closing quote", 'put the whole text in "quotes"')
        if before[-1:] in ("}", "]"):
            return _Said(self._at, f"something follows after the closing {before[-1]}", f"delete it, or {_QUOTES}")
        if before:
            return _Said(self._at, "it cannot be read here", _CHECK)
        if self._line[self._at.column :].startswith("- "):
            return _Said(self._at, 'the entry of a list ("- ") stands among settings', 'delete the "- "')
        if self._here == ":":
            return _Said(self._at, "a setting has no name", 'write "name: value"')
        return self._indented()

    def _indented(self) -> _Said:
        """A line that begins between the columns of the lines above."""
        own, previous = _indent(self._line), self._previous()
        other = _indent(self._lines[previous])
        if own == other:
            return _Said(self._at, "it cannot be read here", _CHECK)
        far = self._too_far()
        if far is not None:
            return far
        sentence = f"this line begins with {_spaces(own)}, but the lines that it belongs to do not"
        return _Said(self._at, sentence, f"begin it with {_spaces(other)}, as line {previous + 1}")

    def _after_all(self) -> _Said:
        if self._here in ("}", "]"):
            return _Said(self._at, f"there is one {self._here} too many", "delete it")
        first = next(number for number, line in enumerate(self._lines) if _bare(line).strip())
        indent = _indent(self._lines[first])
        if indent:
            hint = "delete the spaces before the first line"
            return _Said(
                _Spot(first, indent), f"the first line begins with {_spaces(indent)}, this file's others do not", hint
            )
        return _Said(self._at, "this stands behind the end of the settings", _CHECK)

    def _previous(self) -> int:
        """The line before that says something."""
        number = self._at.line - 1
        while number > 0 and not _bare(self._lines[number]).strip():
            number -= 1
        return max(number, 0)


def _bare(line: str) -> str:
    """Without its comment."""
    return re.sub(r"(^|\s)#.*", "", line).rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(count: int) -> str:
    return "no space" if count == 0 else "1 space" if count == 1 else f"{count} spaces"
