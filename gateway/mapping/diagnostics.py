"""What is wrong with a plant: where, in which words, and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

_LONGEST = 500
"""Characters of a sentence or a hint."""
_MOST_COMPARED = 200_000
"""Words; comparing so many takes about a second."""
_LONGEST_WORD = 100
"""Characters; no word that could be meant is so long."""

Severity: TypeAlias = Literal["error", "warning"]


class Place(NamedTuple):
    """Where something stands."""

    file: str
    line: int
    """Counted from 1; 0 where the message is about the whole file."""
    column: int
    """Counted from 1, in characters."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of the catalogue in ``mappings/README.md``."""

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        file = _printable(self.file)
        where = f"{file}:{self.line}:{self.column}" if self.line else file
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{where}: {self.severity} {self.code}: {self.text}{hint}"

    def as_json(self) -> dict[str, Any]:
        """For programs: the fields by name."""
        return asdict(self)


class Report:
    """Gathers what is found, each mistake once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str, str], Diagnostic] = {}
        self._named: tuple[re.Pattern[str], str, str] | None = None
        self._shared: set[Place] = set()
        self._muted: set[str] = set()
        self._compared = 0
        self.errors = 0
        """How often an error was told, also the same one again."""

    @contextmanager
    def naming(self, name: str, written: str, *, but_in: str = "") -> Iterator[None]:
        """Meanwhile messages speak of a point as it was written, so that 24 copies of ``cell_{i}`` make one message.

        In the file ``but_in`` the point is called by its own name.
        """
        if name != written:
            self._named = (re.compile(rf"\b{re.escape(name)}\b"), written, but_in)
        try:
            yield
        finally:
            self._named = None

    def share(self, places: Iterable[Place]) -> None:
        """What stands here holds for many points: what is wrong with it is told of the first, and not of each."""
        self._shared.update(places)

    def mute(self, *codes: str) -> None:
        """Say no more of these: their cause is told already. They still count as errors."""
        self._muted.update(codes)

    def error(self, place: Place, code: str, text: str, hint: str = "") -> None:
        """Something that keeps the plant from running."""
        self._add(place, "error", code, text, hint)

    def warning(self, place: Place, code: str, text: str, hint: str = "") -> None:
        """Something that is probably not meant, but can run."""
        self._add(place, "warning", code, text, hint)

    def _add(self, place: Place, severity: Severity, code: str, text: str, hint: str) -> None:
        self.errors += severity == "error"
        # A mistake in a profile of forty devices is met many times.
        key = (place, code, text)
        if self._named is not None and place.file != self._named[2]:
            # Copies of a point differ in their numbers: what is said of the first holds for all.
            name, written, _ = self._named
            text = name.sub(lambda _: written, text)
            key = (place, code, written)
        if place in self._shared:
            key = (place, code, "")
        if key in self._found or code in self._muted:
            return
        self._found[key] = Diagnostic(*place, severity, code, _printable(_masked(text)), _printable(_masked(hint)))

    def did_you_mean(self, word: str, words: Collection[str], *, otherwise: str = "") -> str:
        """As the function, for words that may be very many: from some thousand mistakes on nobody reads the hints."""
        self._compared += len(words)
        if self._compared > _MOST_COMPARED:
            return otherwise
        return did_you_mean(word, sorted(words), otherwise=otherwise)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """By file, line and column."""
        return tuple(sorted(self._found.values(), key=lambda found: (found.file, found.line, found.column, found.code)))


def _printable(text: str) -> str:
    """On one line, not endless, and without what would disturb a terminal: it may repeat what a user wrote."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return shown if shown.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)


# A connection string of a cloud, and the user in a URL: messages go into logs and mails.
_KEY = re.compile('((?:SharedAccess(?:Key|Signature)|AccountKey|Password|Pwd) *= *)[^;"\\s]+', re.IGNORECASE)
_USER = re.compile('(://[^/@:"\\s]*:)[^/@"\\s]+(?=@)')


def _masked(text: str) -> str:
    """Without the keys and passwords that a user wrote where none belong."""
    return _USER.sub(r"\1…", _KEY.sub(r"\1…", text)) if "=" in text or "@" in text else text


def did_you_mean(word: str, words: Iterable[str], *, otherwise: str = "") -> str:
    """A hint that names the closest of the words, or else ``otherwise``."""
    close = closest(word, tuple(words))
    return f'did you mean "{close}"?' if close else otherwise


@lru_cache(maxsize=4096)
def closest(word: str, words: Sequence[str]) -> str:
    """The word that was probably meant; empty where none is near."""
    if len(word) > _LONGEST_WORD:
        return ""
    folded = {candidate.casefold(): candidate for candidate in reversed(words)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    # Comparing is slow: a word of very different length cannot be near.
    near = [candidate for candidate in folded if abs(len(candidate) - len(word)) <= max(2, len(word) // 3)]
    found = difflib.get_close_matches(word.casefold(), near, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""


def summary(found: Sequence[Diagnostic]) -> str:
    """``2 errors, 1 warning``."""
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    parts = [_count(errors, "error")] if errors or not warnings else []
    return ", ".join(parts + ([_count(warnings, "warning")] if warnings else []))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
