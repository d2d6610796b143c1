"""The oracle: what was accepted and what was delivered, written down outside the process, and the verdict over it.

A ledger is a file of lines, each one ``write`` to a descriptor opened with O_APPEND, so that a killed process leaves
whole lines behind. Times are CLOCK_MONOTONIC, which all processes of a machine share::

    O <time> <seconds>                                    the buffer was opened, it took so long
    A <time> <identity> <token>                           append has returned
    D <time> <identity> <epoch> <sequence> <token>        a message was delivered (and is acknowledged after that)

A token is ``<producer>.<number>``; a producer belongs to one identity and counts on over all runs.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


class Ledger:
    """The writing side."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, *lines: str) -> None:
        """``kind rest`` each; the time is put between."""
        now = time.monotonic()
        text = "".join(f"{kind} {now:.4f} {rest}\n" for kind, _, rest in (line.partition(" ") for line in lines))
        os.write(self._descriptor, text.encode())

    def close(self) -> None:
        os.close(self._descriptor)


@dataclass
class Verdict:
    """What the ledger proves."""

    accepted: int = 0
    delivered: int = 0
    """Different messages."""
    lost: list[str] = field(default_factory=list)
    """Tokens that were accepted and never delivered."""
    reused: list[str] = field(default_factory=list)
    """Ids (identity, epoch, sequence) that came with two contents."""
    disordered: list[str] = field(default_factory=list)
    """Tokens whose first delivery came after that of a later one."""
    unaccepted: int = 0
    """Delivered without having been accepted: append had not returned when the process was killed."""
    duplicates: int = 0
    late_duplicates: list[str] = field(default_factory=list)
    """Delivered again though the first delivery was long before the kill."""
    worst_opening_s: float = 0.0


def judge(lines: Iterable[str], grace_s: float = 1.0) -> Verdict:
    """``grace_s``: how long before the end of a run a message may have been delivered and still come again."""
    verdict = Verdict()
    accepted: set[str] = set()
    first: dict[str, tuple[int, float]] = {}
    tokens: dict[tuple[str, str, str], str] = {}
    last_sequence: dict[str, int] = defaultdict(int)
    last_number: dict[str, int] = defaultdict(int)
    ends = [0.0]
    for line in lines:
        kind, at_text, *rest = line.split()
        at = float(at_text)
        if kind == "O":
            ends.append(at)
            verdict.worst_opening_s = max(verdict.worst_opening_s, float(rest[0]))
        elif kind == "A":
            accepted.add(rest[1])
        else:
            identity, epoch, sequence, token = rest
            if tokens.setdefault((identity, epoch, sequence), token) != token:
                verdict.reused.append(f"{identity}-{epoch}-{sequence}")
            if token in first:
                verdict.duplicates += 1
                run, before = first[token]
                if run == len(ends) or ends[run] - before > grace_s:
                    verdict.late_duplicates.append(token)
                continue
            first[token] = len(ends), at
            producer, _, number = token.partition(".")
            if int(sequence) <= last_sequence[identity] or int(number) <= last_number[producer]:
                verdict.disordered.append(token)
            last_sequence[identity], last_number[producer] = int(sequence), int(number)
    verdict.accepted, verdict.delivered = len(accepted), len(first)
    verdict.lost = sorted(accepted - first.keys())
    verdict.unaccepted = len(first.keys() - accepted)
    return verdict
