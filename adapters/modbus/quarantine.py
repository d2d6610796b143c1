"""Around an illegal address: a refused block is halved until what is illegal stands alone, and that is left out.

A block is a row of pieces (points, or parts of points) by address, here only their numbers. It is asked in spans of
them. A span that the device refuses is cut in the middle and its halves are tried, two with each scan, so that one bad
address among 100 costs 14 requests in 7 scans. A piece that is refused alone is quarantined and tried again after a
minute, two, four, ... up to an hour. Where both halves of a refused span are answered, the fault is what lies between
them (a gap that must not be read along, or the length), and the cut stays: a seam. As the cause may have been of the
moment, what lies around a seam is tried as a whole, beside its parts, after a minute, two, four, ... up to an hour.

Times are seconds of any clock that runs evenly; it is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import NamedTuple

AT_A_TIME = 2
"""Spans that are tried with one scan, besides what is known to be answered: the halves of one cut."""
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0


class Turn(NamedTuple):
    """What becomes of a block in one scan: each of its pieces is in exactly one span."""

    asked: tuple[range, ...]
    left: tuple[range, ...]
    """Not asked now: in quarantine, or waiting to be tried."""


class Patchwork:
    """One block of so many pieces, as far as the device answers it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._known = [range(count)]
        """Answered, or never asked."""
        self._suspects: list[range] = []
        """Parts of what was refused, not tried yet."""
        self._cuts: dict[int, range] = {}
        """Before which pieces this search has cut, and the refused span that was cut there."""
        self._seams: dict[int, float] = {}
        """Before which pieces it stays cut, and when that is tried next."""
        self._seam_pauses: dict[int, float] = {}
        """The last pause before that."""
        self._held: dict[int, float] = {}
        """Pieces in quarantine, and until when."""
        self._pauses: dict[int, float] = {}
        """The last pause of pieces that are or were in quarantine, until they are answered."""

    @property
    def searching(self) -> bool:
        """It is not known yet which pieces are illegal."""
        return bool(self._suspects)

    @property
    def until(self) -> float:
        """When a piece comes out of quarantine; infinity where none does."""
        return min(self._held.values(), default=math.inf)

    @property
    def stale(self) -> float:
        """When a turn asks for something else, also where nothing happens meanwhile."""
        return min(self.until, *self._seams.values(), math.inf)

    def turn(self, now: float) -> Turn:
        """What to ask in the scan that begins now."""
        # Not before the whole turn is learned: its spans would no longer be those that were asked.
        self._settle(now)
        self._let_go(now)
        asked = sorted(self._known + self._suspects[:AT_A_TIME], key=lambda span: span.start)
        left = self._suspects[AT_A_TIME:] + _runs(self._held, self._seams)
        return Turn(tuple(asked), tuple(sorted(left, key=lambda span: span.start)))

    def refused(self, span: range, now: float) -> int | None:
        """A span that was asked is illegal. Returns the piece that is quarantined for it, if it is the first time."""
        if len(span) == 1:
            return next(iter(self.unknown(span, now)), None)
        self._forget(span)
        middle = span.start + len(span) // 2
        self._cuts[middle] = span
        self._suspects += [span[: len(span) // 2], span[len(span) // 2 :]]
        return None

    def unknown(self, span: range, now: float) -> list[int]:
        """All of a span that was asked is illegal. Returns the pieces that are quarantined for the first time."""
        self._forget(span)
        found = [piece for piece in span if piece not in self._pauses]
        for piece in span:
            pause = 2 * self._pauses[piece] if piece in self._pauses else FIRST_PAUSE_S
            self._pauses[piece] = min(pause, LONGEST_PAUSE_S)
            self._held[piece] = now + self._pauses[piece]
        return found

    def answered(self, span: range) -> list[int]:
        """A span that was asked is not illegal. Returns the pieces whose quarantine ended with it."""
        if span in self._known:
            return []
        self._forget(span)
        self._known.append(span)
        return [piece for piece in span if self._pauses.pop(piece, None) is not None]

    def trial(self, now: float) -> range | None:
        """What to ask beside a turn, as a whole: two spans of it with a seam between them. Told to ``healed`` if it is
        answered; whatever else comes, it is not tried again for a while.
        """
        if self._suspects:
            return None
        for seam in [seam for seam, due in self._seams.items() if due <= now]:
            pause = min(2 * self._seam_pauses[seam], LONGEST_PAUSE_S)
            self._seams[seam], self._seam_pauses[seam] = now + pause, pause
            sides = [span for span in self._known if seam in (span.start, span.stop)]
            if len(sides) == 2:
                return range(min(sides[0].start, sides[1].start), max(sides[0].stop, sides[1].stop))
        return None

    def healed(self, span: range) -> None:
        """A trial was answered: its seam is none."""
        inside = [seam for seam in self._seams if span.start < seam < span.stop]
        for seam in inside:
            del self._seams[seam], self._seam_pauses[seam]
        self._forget(span)
        self._known.append(span)

    def passed_over(self, span: range) -> None:
        """A span that was asked had no answer: others are tried before it."""
        if span in self._suspects:
            self._suspects.remove(span)
            self._suspects.append(span)

    def release(self) -> None:
        """Try what is in quarantine as soon as possible: the device may be another one now."""
        self._let_go(math.inf)

    def _let_go(self, now: float) -> None:
        over = [piece for piece, until in self._held.items() if until <= now]
        for piece in over:
            del self._held[piece]
        self._suspects += _runs(over, self._seams)

    def _forget(self, span: range) -> None:
        self._known = _without(self._known, span)
        self._suspects = _without(self._suspects, span)

    def _settle(self, now: float) -> None:
        """When the search is over: put together what is answered, cut only where nothing else is the cause."""
        if self._suspects:
            return
        for middle, span in sorted(self._cuts.items(), key=lambda cut: len(cut[1])):
            if not any(piece in self._held for piece in span) and self._seams.keys().isdisjoint(span[1:]):
                self._seam_pauses[middle] = FIRST_PAUSE_S
                self._seams[middle] = now + FIRST_PAUSE_S
        self._cuts.clear()
        self._known = _runs((piece for piece in range(self._count) if piece not in self._held), self._seams)


def _without(spans: Iterable[range], taken: range) -> list[range]:
    """What is left of spans, in their order, without these pieces."""
    rests = [
        rest
        for span in spans
        for rest in (
            range(span.start, min(span.stop, taken.start)),
            range(max(span.start, taken.stop), span.stop),
        )
    ]
    return [rest for rest in rests if rest]


def _runs(pieces: Iterable[int], seams: Collection[int]) -> list[range]:
    """Pieces as spans of neighbours that reach over no seam."""
    runs: list[range] = []
    for piece in sorted(pieces):
        if runs and runs[-1].stop == piece and piece not in seams:
            runs[-1] = range(runs[-1].start, piece + 1)
        else:
            runs.append(range(piece, piece + 1))
    return runs
