"""One scan, turn after turn: which blocks to ask now, and what its device refuses of them. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from adapters.modbus import pdu
from adapters.modbus.answers import Answer, Block, block
from adapters.modbus.plan import Scan
from adapters.modbus.quarantine import Patchwork
from gateway.adapter import Quality, Status

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3


class Asked(NamedTuple):
    """A block that is asked in this turn: which planned request it is (a part) of."""

    block: Block
    place: int
    span: range
    trial: bool = False
    """Asked beside the rest, to see whether the device answers it as a whole: its points are read without it."""


class Course:
    """The planned requests of one scan, as far as the device answers them."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._pieces = [request.pieces for request in scan.requests]
        self._patches = [Patchwork(len(pieces)) for pieces in self._pieces]
        self._made: dict[tuple[int, range], Block] = {}
        self._first = 0
        self._stale = 0.0
        """When the turn has to be thought over, also where nothing happens."""
        self.planned: Sequence[Block] = [block(scan.device, request) for request in scan.requests]
        for place, (pieces, made) in enumerate(zip(self._pieces, self.planned, strict=True)):
            self._made[place, range(len(pieces))] = made
        self._asked: list[Asked] = []
        self._codes: dict[tuple[int, int], int] = {}
        """By which exception a piece was refused, where it was another one than for its address."""
        self.left: Sequence[tuple[Block, Status]] = []
        """What is not asked in this turn, as the device refused it, and how."""
        self.calm = False
        """This turn asks just what was planned."""

    @property
    def searching(self) -> bool:
        """It is not known yet which addresses are illegal."""
        return any(patch.searching for patch in self._patches)

    @property
    def until(self) -> float:
        """When something comes out of quarantine; infinity where nothing does."""
        return min((patch.until for patch in self._patches), default=math.inf)

    def turn(self, now: float) -> Sequence[Asked]:
        """What to ask in the turn that begins now; ``left`` is the rest."""
        if now >= self._stale:
            turns = [patch.turn(now) for patch in self._patches]
            asked = [Asked(self._block(place, span), place, span) for place, t in enumerate(turns) for span in t.asked]
            self._first %= max(1, len(asked))
            self._asked = asked[self._first :] + asked[: self._first]
            self.left = [self._left(place, span) for place, turn in enumerate(turns) for span in turn.left]
            trial = self._trial(now)
            self._asked += trial
            self.calm = not self.left and not trial and len(asked) == len(self.planned)
            # Asked once: in the next turn it is not there.
            self._stale = 0.0 if trial else min((patch.stale for patch in self._patches), default=math.inf)
        return self._asked

    def _trial(self, now: float) -> list[Asked]:
        """At most one, behind all others: should it cost a timeout, nothing else is missing for it."""
        for place, patch in enumerate(self._patches):
            if (span := patch.trial(now)) is not None:
                return [Asked(self._block(place, span), place, span, trial=True)]
        return []

    def answered(self, asked: Asked) -> list[int]:
        """Its device knows these addresses. Returns the points whose quarantine ended with it."""
        if asked.trial:
            self._patches[asked.place].healed(asked.span)
            return []
        freed = self._patches[asked.place].answered(asked.span)
        if asked.span != range(len(self._pieces[asked.place])):
            self._stale = 0.0
        return [point for piece in freed for point in self._points(asked.place, piece)]

    def refused(self, asked: Asked, now: float, code: int = ILLEGAL_ADDRESS) -> list[int]:
        """Its device says that there is something illegal in it. Returns the points that are quarantined for it."""
        self._stale = 0.0
        patch, place = self._patches[asked.place], asked.place
        self._codes.update({(place, piece): code for piece in asked.span})
        if code == ILLEGAL_FUNCTION:
            return [point for piece in patch.unknown(asked.span, now) for point in self._points(place, piece)]
        piece = patch.refused(asked.span, now)
        return [] if piece is None else self._points(place, piece)

    def passed_over(self, asked: Asked) -> None:
        """Its device did not answer. In the next turn the others come first: they must not be hidden by it."""
        self._patches[asked.place].passed_over(asked.span)
        self._first = self._asked.index(asked) + 1 + self._first
        self._stale = 0.0

    def release(self) -> None:
        """Try again what is in quarantine: the device may be another one now."""
        for patch in self._patches:
            patch.release()
        self._stale = 0.0

    def _block(self, place: int, span: range) -> Block:
        made = self._made.get((place, span))
        if made is None:
            pieces = self._pieces[place]
            request = self._scan.requests[place].of(pieces[span.start : span.stop])
            made = self._made[place, span] = block(self._scan.device, request)
        return made

    def _left(self, place: int, span: range) -> tuple[Block, Status]:
        return self._block(place, span), refusal(self._codes.get((place, span.start), ILLEGAL_ADDRESS))

    def _points(self, place: int, piece: int) -> list[int]:
        alone = self._block(place, range(piece, piece + 1))
        return [*alone.points, *(part.point for part in alone.parts)]


def illegal(block: Block, answer: Answer) -> bool:
    """Whether it says that something of the block is not there, so that asking again and again is of no use.

    A device that does not know a function of the identification or of files will not learn it; to the value 3 it says
    where it knows the function, but not several groups at once, or not this level.
    """
    codes = _FATAL.get(block.ask.function, _OF_ADDRESSES)
    return isinstance(answer, Status) and answer.code in codes


_OF_ADDRESSES = frozenset((ILLEGAL_ADDRESS,))
_FATAL = {function: frozenset((ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)) for function in (20, 43)}


def unreadable(status: Status) -> bool:
    """Whether its device does not let it be read, which is no reason not to write it."""
    return status.code in (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS)


@cache
def refusal(code: int) -> Status:
    """The status of points for which the device answered with an exception."""
    return Status(Quality.BAD, str(pdu.Refusal(code)), code)
