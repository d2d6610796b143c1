"""What is wrong with a line at present, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf

from simulators.modbus.points import Table
from simulators.modbus.wrong import Answer, Piece, Way

CHUNK_S = 0.005
"""On a slow line characters come in groups of about this time, as serial adapters hand them on."""


@dataclass(slots=True)
class Wrong:
    """Answers of a unit that are not right."""

    name: str
    way: Way
    left: float = inf
    """How many there are still to be."""


@dataclass(slots=True)
class Faults:
    """Of one line. Where the key is a unit, None means every unit."""

    silent: set[int] = field(default_factory=set)
    delays_s: dict[int | None, float] = field(default_factory=dict)
    refused: dict[tuple[int, Table, int], int] = field(default_factory=dict)
    """Exception codes by unit, table and address."""
    wrong: dict[int | None, Wrong] = field(default_factory=dict)
    connections: int | None = None
    """So many at once; more are closed as soon as they are open. None: no limit."""
    idle_s: float | None = None
    """After so much silence a connection is closed; None: never."""
    character_s: float | None = None
    """What a character takes on the way; None: no time."""
    whole: bool = False
    """Whether what is said comes in one piece however slow the line is, as datagrams do."""

    def refusal(self, unit: int, table: Table, at: int, count: int) -> int | None:
        """The exception code that a request for these addresses gets, if any."""
        codes = (self.refused.get((unit, table, place)) for place in range(at, at + count)) if self.refused else ()
        return next((code for code in codes if code is not None), None)

    def pieces(self, answer: Answer) -> list[Piece]:
        """What is sent instead of a right answer. Counts the wrong ones."""
        said = self._way(answer.unit)(answer)
        delay_s = self.delays_s.get(answer.unit, self.delays_s.get(None, 0.0)) if self.delays_s else 0.0
        if delay_s:
            said = [delay_s, *said]
        if self.character_s is not None:
            said = [len(answer.request) * self.character_s, *_paced(said, self.character_s, whole=self.whole)]
        return said

    def _way(self, unit: int) -> Way:
        for key in (unit, None) if self.wrong else ():
            wrong = self.wrong.get(key)
            if wrong is not None:
                wrong.left -= 1
                if wrong.left <= 0:
                    del self.wrong[key]
                return wrong.way
        return _right


def _right(answer: Answer) -> list[Piece]:
    return [answer.framed]


def _paced(pieces: Iterable[Piece], character_s: float, *, whole: bool) -> Iterable[Piece]:
    """With the time that the characters take: each group arrives when its last one would."""
    for piece in pieces:
        if not isinstance(piece, bytes):
            yield piece
            continue
        size = max(1, len(piece) if whole else ceil(CHUNK_S / character_s))
        for begin, end in pairwise([*range(0, len(piece), size), len(piece)]):
            yield (end - begin) * character_s
            yield piece[begin:end]
