"""The oracle: what was accepted and what was delivered, written down outside the buffer, and the verdict over it.

A ledger is lines of words, each with the time on CLOCK_MONOTONIC, which all processes of a machine share. It is a file
(each note one ``write`` with O_APPEND, so that a killed process leaves whole lines behind) or the marks between the
recorded events of a process::

    O <time> <seconds>                     the buffer was opened, it took so long
    B <time> <token> ...                   these are given to append
    A <time> <token> ...                   append has returned
    F <time> <why> <token> ...             append has raised: nothing was stored; full, or doubtful: a commit failed
    S <time> <message id> <token> ...      these pairs were claimed: the world may have seen the ids
    D <time> <token> ...                   these have arrived upstream (and are acknowledged after that)
    K <time> <token> ...                   acknowledge has returned
    R <time> <token> ...                   these are given to refuse
    L <time> <reason> <identity> <class> <messages>    what the buffer says it has lost, since it was made
    W <time> <words>                       a message came that nobody can have given
    X <time>                               the buffer was closed

A token is ``<identity>/<class>/<producer>.<number>``: a lane and a producer that counts on over all runs.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gateway.buffer import Loss

GRACE_S = 1.0
"""Acknowledged so long before a crash, a message must not come again: 100 ms, and what a loaded machine adds."""
Note: TypeAlias = Callable[..., None]
"""``note(kind, *words)``."""


class Ledger:
    """The writing side, as a file."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, kind: str, *words: str) -> None:
        """One line."""
        os.write(self._descriptor, f"{line(kind, *words)}\n".encode())

    def close(self) -> None:
        os.close(self._descriptor)


def line(kind: str, *words: str) -> str:
    """As it stands in the ledger, with the time of now."""
    return " ".join((kind, f"{time.monotonic():.4f}", *words))


def lane(token: str) -> str:
    """``<identity>/<class>``."""
    return token.rpartition("/")[0]


@dataclass
class Verdict:
    """What a ledger proves. All lists are empty where the buffer has kept its promise."""

    accepted: int = 0
    delivered: int = 0
    """Different messages."""
    dropped: int = 0
    """Accepted, not delivered, and the buffer says so."""
    duplicates: int = 0
    unaccepted: int = 0
    """Delivered though append had not returned: it was cut off, or the disk had failed."""
    worst_opening_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    """Tokens that were accepted, never delivered, and counted by nobody."""
    unexpected: list[str] = field(default_factory=list)
    """Delivered though nobody gave it, or though append said that it was full; or with other bytes."""
    reused: list[str] = field(default_factory=list)
    """Message ids that came with two contents."""
    disordered: list[str] = field(default_factory=list)
    """Tokens whose first delivery came after that of a later one of their lane.

    A later epoch may count anew: where a full disk took the last bytes that tell how far an old one had come.
    """
    again: list[str] = field(default_factory=list)
    """Delivered again though nothing had broken, or though it was acknowledged long before that."""
    troubles: list[str] = field(default_factory=list)
    """Anything else: it did not open, a lane stood still, damage was reported where there was none."""

    def wrongs(self) -> list[str]:
        """Each broken promise in a few words; empty if none is."""
        kinds = ("lost", "unexpected", "reused", "disordered", "again", "troubles")
        found = [(kind, getattr(self, kind)) for kind in kinds]
        return [f"{kind} {len(what)}: {', '.join(what[:5])}" for kind, what in found if what]


class Account:
    """What the lines read so far say; can be copied and read on from there in two ways."""

    def __init__(self) -> None:
        self.verdict = Verdict()
        self.accepted: dict[str, None] = {}
        self.delivered: dict[str, None] = {}
        self._offered: set[str] = set()
        self._refused_full: set[str] = set()
        self._failed: set[str] = set()
        self._done: dict[str, float] = {}
        self._ids: dict[str, str] = {}
        self._numbered: dict[str, tuple[str, int]] = {}
        self._highest: dict[str, tuple[str, int]] = {}
        self._epochs_left: set[tuple[str, str]] = set()
        self._numbers: dict[str, int] = defaultdict(int)
        self._losses: dict[tuple[str, str], int] = {}
        self._this_run: set[str] = set()
        self._end = 0.0
        self._closed = False
        self._down = False

    def copy(self) -> Account:
        """Another account that has read the same."""
        other = Account()
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, dict | set) else value)
        other.verdict = Verdict()
        vars(other.verdict).update({k: v.copy() if isinstance(v, list) else v for k, v in vars(self.verdict).items()})
        return other

    def note(self, kind: str, *words: str) -> None:
        """The writing side, straight into the account."""
        self.read(line(kind, *words))

    def read(self, text: str) -> None:
        """One line of the ledger."""
        kind, at_text, *words = text.split(" ")
        at = float(at_text)
        if kind == "O":
            self._opened(float(words[0]))
        elif kind in {"D", "R"}:
            for token in words:
                self._delivered(token, refused=kind == "R")
        elif kind == "S":
            for message_id, token in zip(words[::2], words[1::2], strict=True):
                _, epoch, sequence = message_id.rsplit("-", 2)
                self._numbered[token] = epoch, int(sequence.lstrip("ab"))
                if self._ids.setdefault(message_id, token) != token:
                    self.verdict.reused.append(f"{message_id} ({self._ids[message_id]} and {token})")
        elif kind == "K":
            self._done.update(dict.fromkeys(words, at))
        elif kind == "A":
            self.accepted.update(dict.fromkeys(words))
        elif kind == "B":
            self._offered.update(words)
        elif kind == "F":
            (self._refused_full if words[0] == "full" else self._failed).update(words[1:])
        elif kind == "L":
            reason, where, priority, messages = words
            self._losses[reason, f"{where}/{priority}" if where != "-" else ""] = int(messages)
        elif kind == "W":
            self.verdict.unexpected.append(" ".join(words))
        elif kind == "X":
            self._closed = True
        self._end = max(self._end, at)

    def crashed(self, at_s: float) -> None:
        """The run that was read ends here, by a crash; a crash before the next opening changes nothing."""
        if not self._down:
            self._end, self._down = at_s, True

    def damaged(self) -> None:
        """The disk was spoiled: what was delivered long ago may come again. What came by now is forgiven."""
        self._end, self._closed, self._down = float("-inf"), False, True

    def _opened(self, took_s: float) -> None:
        self.verdict.worst_opening_s = max(self.verdict.worst_opening_s, took_s)
        limit = float("inf") if self._closed else self._end - GRACE_S
        # What was acknowledged before this must not come again; the rest may, once.
        self._done = {token: at for token, at in self._done.items() if at < limit}
        self._this_run = set(self._done)
        self._closed = self._down = False

    def _delivered(self, token: str, *, refused: bool) -> None:
        if token in self._this_run:
            self.verdict.again.append(token)
        self._this_run.add(token)
        if token in self.delivered:
            self.verdict.duplicates += 1
            return
        self.delivered[token] = None
        if token not in self._offered:
            self.verdict.unexpected.append(f"{token} was never given")
        if token in self._refused_full:
            self.verdict.unexpected.append(f"{token} had been refused")
        producer, _, number = token.rpartition(".")
        if int(number) <= self._numbers[producer] or not self._goes_on(token):
            self.verdict.disordered.append(f"{token} (sequence {self._numbered.get(token, ('', 0))[1]})")
        self._numbers[producer] = max(self._numbers[producer], int(number))

    def _goes_on(self, token: str) -> bool:
        """Whether it has the highest sequence of its lane so far, in the epoch of the one before or in a new one."""
        where = lane(token)
        epoch, sequence = self._numbered.get(token, ("", 0))
        before, highest = self._highest.get(where, (epoch, 0))
        if (where, epoch) in self._epochs_left:
            return False
        if epoch != before:
            self._epochs_left.add((where, before))
            highest = 0
        self._highest[where] = epoch, max(highest, sequence)
        return sequence > highest

    def losses(self, losses: Iterable[Loss]) -> None:
        """What the buffer says it has lost, since it was made."""
        for each in losses:
            self.note("L", each.reason, each.identity or "-", str(int(each.priority)), str(each.messages))

    def close(self, allowed: Sequence[str] = (), *, exact: bool = True) -> Verdict:
        """The verdict. ``allowed``: reasons for which the buffer may have lost something.

        ``exact``: it has to say how much of each lane; else that there was something is enough.
        """
        verdict = self.verdict
        missing = [token for token in self.accepted if token not in self.delivered]
        verdict.accepted, verdict.delivered = len(self.accepted), len(self.delivered)
        verdict.unaccepted = sum(token not in self.accepted for token in self.delivered)
        excused: Counter[str] = Counter()
        for (reason, where), messages in self._losses.items():
            if reason in allowed:
                excused[where] += messages
            elif reason != "refused":
                verdict.troubles.append(f"{messages} messages of {where or 'nobody knows'} counted as {reason}")
        for token in missing:
            where = lane(token)
            if not excused[where]:
                where = ""
            if excused[where]:
                excused[where] -= int(exact)
                verdict.dropped += 1
            else:
                verdict.lost.append(token)
        return verdict


def judge(lines: Iterable[str], allowed: Sequence[str] = ()) -> Verdict:
    """The verdict over a whole ledger."""
    account = Account()
    for text in lines:
        account.read(text)
    return account.close(allowed)
