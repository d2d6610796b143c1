"""Who set what, when, and what became of it: ``audit.jsonl`` in the state directory, which only grows.

The intent is on disk before anything is sent, the outcome follows; an intent without one tells of a process that ended
in between. Each line holds the hash of the one before (``chain``), over all files. The end of the chain is kept beside
them, in ``audit.head``, so that lines that are cut off show as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import MISSING, asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TypeAlias

import msgspec

from gateway import chain, durable
from gateway.chain import Broken, Check, Link
from gateway.message import timestamp
from gateway.model import Value

NAME, HEAD, LOCK = "audit.jsonl", "audit.head", "audit.lock"
_OLD = "audit-*.jsonl"
LARGEST_BYTES = 10_000_000
FILES = 10
"""The oldest file goes when there are more."""
LONGEST = 1000
"""Characters of a text in a line: what a device says may be long."""
_LAST_BYTES = 64 * 1024
"""No line is longer."""

Outcome: TypeAlias = Literal["confirmed", "refused", "not written", "not confirmed"]
"""``refused``: by us, nothing was sent. ``not written``: it could not be sent, or the device refused it. ``not
confirmed``: it was sent, or may have been, and the point was not seen to hold it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants something."""

    way: str
    """``fieldgate set``."""
    user: str = ""
    """As whom the process runs."""
    uid: int | None = None
    sudo_user: str = ""
    """Who called sudo, says sudo: a user without rights may claim anything here."""
    login: str = ""
    """Who logged in, says the kernel, whatever he has become since."""

    def __str__(self) -> str:
        other = self.sudo_user or self.login
        of = f" of {self.user}" if self.user else ""
        return f"{self.way}{of} ({other})" if other not in ("", self.user) else f"{self.way}{of}"


class Source(NamedTuple):
    """What allowed it, or not."""

    plant: str = ""
    """The fingerprint of the plant's files."""
    file: str = ""
    """Where the point is written."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """One point that somebody wants to set."""

    by: Caller
    device: str
    point: str
    source: Source
    wanted: str
    """As it was typed or asked for, in words."""
    unit: str = ""
    old: Value = None
    """As it is published; None where the device does not give it, for ``old_reason``."""
    old_reason: str = ""
    new: Value = None
    """As it will be published."""
    raw: Value = None
    note: str = ""
    """Why, says who wants it."""
    unread: bool = False
    """It was to be set also where it cannot be read before."""


class Verdict(NamedTuple):
    """What a whole check has found."""

    lines: int
    first: int
    """The number of the first line: more than 1 where older files are gone."""
    last: Link
    wrong: str
    """The first line that is wrong, and why; empty where none is."""
    known: bool
    """Whether the hash that was asked for is that of one of the lines."""


class Audit:
    """The acts of one state directory. Any number of processes may have one."""

    def __init__(
        self, state: Path, now_ns: Callable[[], int] = time.time_ns, largest_bytes: int = LARGEST_BYTES
    ) -> None:
        self._state = state
        self._now_ns = now_ns
        self._largest_bytes = largest_bytes

    def intend(self, act: Act) -> int:
        """Somebody is about to do this; on disk when it returns the number of the act. Raises OSError: do it not."""
        return self._append({"kind": "intent", **_told(act)})

    def tell(self, number: int, outcome: Outcome, why: str) -> None:
        """What became of it. Raises OSError."""
        self._append({"kind": "outcome", "of": number, "outcome": outcome, "why": why[:LONGEST]})

    def refuse(self, act: Act, outcome: Outcome, why: str) -> None:
        """Somebody wanted this, and nothing was sent. Raises OSError."""
        self._append({"kind": "refusal", **_told(act), "outcome": outcome, "why": why[:LONGEST]})

    def _append(self, entry: Mapping[str, Any]) -> int:
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._state / NAME
        with durable.locked(self._state / LOCK):
            tail, clean = _tail(path)
            head = _head(self._state)
            # Where lines were cut off the numbers go on, so that the gap stays.
            last = max((link for link in (head, tail) if link is not None), key=lambda link: link.number, default=None)
            data, link = chain.line(last or chain.START, {"at": timestamp(self._now_ns()), **entry})
            rotated = clean and path.exists() and path.stat().st_size + len(data) > self._largest_bytes
            if rotated:
                path.rename(self._state / f"audit-{(last or chain.START).number:012d}.jsonl")
            durable.append(path, data if clean else b"\n" + data)
            durable.replace(self._state / HEAD, msgspec.json.encode(link))
            if rotated:
                for old in _old(self._state)[: 1 - FILES]:
                    old.unlink()
        return link.number


def _told(act: Act) -> dict[str, Any]:
    entry = asdict(act) | {"source": act.source._asdict()}
    return {name: _plain(one) for name, one in entry.items()}


def _plain(one: Any) -> Any:
    if isinstance(one, bytes):
        return one.hex()[:LONGEST]
    if isinstance(one, float) and not isfinite(one):
        return None
    return one[:LONGEST] if isinstance(one, str) else one


def _tail(path: Path) -> tuple[Link | None, bool]:
    """The last line of the file, and whether the next one can begin behind it: a power cut may break one off."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _LAST_BYTES))
            data = stream.read()
    except FileNotFoundError:
        return None, True
    for text in reversed(data.split(b"\n")):
        entry = chain.read(text)
        if entry is not None:
            return Link(entry[chain.NUMBER], chain.digest(text)), data.endswith(b"\n")
    return None, not data or data.endswith(b"\n")


def _head(state: Path) -> Link | None:
    try:
        return msgspec.json.decode((state / HEAD).read_bytes(), type=Link)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _old(state: Path) -> list[Path]:
    """The files that were full, oldest first."""
    return sorted(state.glob(_OLD))


class Files:
    """All lines that there are at one moment, while others go on writing."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._stack = ExitStack()
        self._open: list[tuple[str, BinaryIO, int]] = []
        self.head: Link | None = None

    def __enter__(self) -> Files:
        """Raises OSError."""
        if not any((self._state / name).exists() for name in (LOCK, HEAD, NAME)) and not _old(self._state):
            return self  # nobody has ever written, and reading makes nothing
        with durable.locked(self._state / LOCK), ExitStack() as stack:
            for path in [*_old(self._state), self._state / NAME]:
                if path.exists():
                    stream = stack.enter_context(path.open("rb"))
                    self._open.append((path.name, stream, path.stat().st_size))
            self.head = _head(self._state)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return len(self._open)

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Each with its place: ``audit.jsonl:17``."""
        for name, stream, size in self._open:
            number = 0
            while stream.tell() < size:
                number += 1
                yield f"{name}:{number}", stream.readline(_LAST_BYTES).removesuffix(b"\n")


def verify(state: Path, known: str = "") -> Verdict:
    """Read all lines that there are. ``known``: a hash that was noted once. Raises OSError."""
    first, lines, found, wrong = 0, 0, not known, ""
    with Files(state) as files:
        check = Check(whole=len(files) < FILES)
        try:
            for place, text in files.lines():
                if check.take(text, place) is not None:
                    first, lines = first or check.last.number, lines + 1
                    found = found or check.last.hash == known
            check.finish(files.head)
        except Broken as broken:
            wrong = str(broken)
    return Verdict(lines, first, check.last, wrong, found)


_FIELDS = frozenset(field.name for field in fields(Act) if field.default is MISSING) | {"at"}
"""What makes a line an act; earlier and later versions may tell less or more beside it."""

UNKNOWN: Outcome = "not confirmed"
ENDED = "nothing tells what became of it"
"""Of an intent without an outcome: it is under way, or its process ended."""


class Told(NamedTuple):
    """One act, with what became of it."""

    entry: Mapping[str, Any]
    """As it was written."""
    outcome: str
    why: str


def acts(state: Path, wanted: Callable[[Mapping[str, Any]], bool]) -> list[Told]:
    """The acts that are wanted, oldest first; of those that have no outcome nobody knows. Raises OSError."""
    found: dict[int, Told] = {}
    with Files(state) as files:
        for _, text in files.lines():
            entry = chain.read(text)
            kind = None if entry is None else entry.get("kind")
            if entry is None:
                continue
            of = entry.get("of")
            if kind == "outcome":
                if isinstance(of, int) and of in found:
                    found[of] = found[of]._replace(outcome=str(entry.get("outcome")), why=str(entry.get("why")))
            elif kind in ("intent", "refusal") and entry.keys() >= _FIELDS and wanted(entry):
                found[entry[chain.NUMBER]] = Told(
                    entry, str(entry.get("outcome", UNKNOWN)), str(entry.get("why", ENDED))
                )
    return list(found.values())
