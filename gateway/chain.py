"""Lines of JSON of which each holds its number and the hash of the line before, so that one that is changed shows.

A hash is the SHA-256 of a line without its line end. Who can write the file can make the whole chain anew: only a hash
that was noted elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

NUMBER, BEFORE = "n", "before"


class Link(NamedTuple):
    """The end of a chain."""

    number: int
    """Of its last line; 0 where there is none."""
    hash: str
    """Of its last line."""


START = Link(0, "0" * 64)


class Broken(Exception):
    """The chain is broken; the text says where, and what is wrong there."""


def line(last: Link, entry: Mapping[str, Any]) -> tuple[bytes, Link]:
    """The next line, with its line end, and the chain's new end."""
    whole = {NUMBER: last.number + 1, **entry, BEFORE: last.hash}
    text = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode("ascii")
    return text + b"\n", Link(last.number + 1, digest(text))


def digest(text: bytes) -> str:
    """The hash of a line without its line end."""
    return hashlib.sha256(text).hexdigest()


def read(text: bytes) -> dict[str, Any] | None:
    """A line without its line end; None for what is none: a power cut may break one off."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):  # the latter of a line of brackets alone
        return None
    if not isinstance(entry, dict) or type(entry.get(NUMBER)) is not int or not isinstance(entry.get(BEFORE), str):
        return None
    return entry


class Check:
    """Judges line by line."""

    def __init__(self, *, whole: bool) -> None:
        """``whole``: the first line of the chain must be there."""
        self.last = START
        self._started = whole
        self._place = ""
        self._scrap = ""

    def take(self, text: bytes, place: str) -> dict[str, Any] | None:
        """The next line, if it is one and the next one. Raises Broken."""
        entry = read(text)
        if entry is None:
            self._scrap = place
            return None
        number, before = entry[NUMBER], entry[BEFORE]
        if self._started:
            self._follow(number, before, place)
        self.last, self._place, self._started, self._scrap = Link(number, digest(text)), place, True, ""
        return entry

    def _follow(self, number: int, before: str, place: str) -> None:
        due = self.last.number + 1
        if number > due:
            self._missing(due, number - 1, f"before {place}")
        if number < due:
            raise Broken(f"{place}: line {number} stands where line {due} should")
        if before == self.last.hash:
            return
        if not self._place:
            raise Broken(f"{place}: line 1 names a line before it")
        raise Broken(f"{self._place}: line {number - 1} is not as it was written: the next one has another hash of it")

    def finish(self, head: Link | None) -> None:
        """The last line was taken. ``head``: where the chain was seen to end, if that is known. Raises Broken."""
        if head is None:
            # The very first line may be there without it: a power cut in between.
            if self.last.number > 1:
                raise Broken("nothing tells where it ended, so that lines may be missing at the end")
            return
        if head.number > self.last.number:
            self._missing(self.last.number + 1, head.number, "at the end")
        if head.number == self.last.number and head.hash != self.last.hash:
            raise Broken(f"{self._place}: line {head.number} is not as it was written")

    def _missing(self, first: int, last: int, where: str) -> None:
        if self._scrap:
            raise Broken(f"{self._scrap}: line {first} should stand here, and this is no line")
        lines = f"line {first} is" if first == last else f"lines {first} to {last} are"
        raise Broken(f"{lines} missing {where}")
