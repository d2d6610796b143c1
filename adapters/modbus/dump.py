"""All registers of a range, as they are: which to ask for next, round those that a device does not have, and how what
was found is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from adapters.modbus.places import where
from adapters.modbus.settings import BIT_TABLES, Table
from adapters.modbus.visit import Heard, Miss
from gateway.adapter import GOOD, Quality, RawBlock, Status

FORBIDDEN = Status(Quality.BAD, "forbidden: not asked for")
DIVISIBLE = frozenset((2, 3, 4))
"""Exceptions that may be meant for a part of what was asked, or for its length: 2 by the standard, 3 and 4 as well in
the field."""
_BITS_IN_ROW = 16
_REGISTERS_IN_ROW = 4


class Piece(NamedTuple):
    """Some neighbours: their data, or why there are none."""

    here: range
    data: bytes
    status: Status = GOOD


class Search:
    """What to ask for next, until everything in a range is found or known to be missing."""

    def __init__(self, here: range, longest: int, forbidden: Sequence[tuple[int, int]] = (), finest: int = 1) -> None:
        self.longest = longest
        """The longest read, as far as is known."""
        self.known = 0
        """Addresses."""
        self._finest = finest
        self._rest = _cut(here, forbidden)
        """Where the data are still to be asked for, and what must not be."""
        self._waiting: list[range] = []
        """Of the block at hand; the next is the last."""
        self._block: list[Piece] = []
        self._ready: list[Piece] = []

    def next(self) -> range | None:
        """The addresses to ask for; None at the end."""
        while not self._waiting and self._rest:
            here, _, status = self._rest.pop(0)
            if status is not GOOD:
                self._found(Piece(here, b"", status))
                continue
            if len(here) > self.longest:
                self._rest.insert(0, Piece(here[self.longest :], b""))
            self._waiting.append(here[: self.longest])
        return self._waiting[-1] if self._waiting else None

    def tell(self, heard: Heard) -> None:
        """What the device said to the addresses that ``next`` gave."""
        here = self._waiting.pop()
        if not isinstance(heard, Miss):
            self._block.append(Piece(here, heard))
        elif heard.status.code in DIVISIBLE and len(here) > self._finest:
            half = (len(here) + 1) // 2
            self._waiting += [here[half:], here[:half]]
            return
        else:
            self._block.append(Piece(here, b"", heard.status))
        self._found(self._block[-1])
        if not self._waiting:
            # Refused, and yet all of it is there: it was too long.
            if len(self._block) > 1 and all(piece.status is GOOD for piece in self._block):
                self.longest = max(len(piece.here) for piece in self._block)
            self._block = []

    def take(self) -> list[Piece]:
        """What has become known since, by address."""
        ready, self._ready = self._ready, []
        return ready

    def _found(self, piece: Piece) -> None:
        self.known += len(piece.here)
        self._ready.append(piece)


def _cut(here: range, forbidden: Sequence[tuple[int, int]]) -> list[Piece]:
    """What of the range may be asked for, and what must not be touched."""
    pieces, at = [], here.start
    for first, last in sorted(forbidden):
        start, stop = max(first, at), min(last + 1, here.stop)
        if start < stop:
            pieces += [Piece(range(at, start), b""), Piece(range(start, stop), b"", FORBIDDEN)]
            at = stop
    pieces.append(Piece(range(at, here.stop), b""))
    return [piece for piece in pieces if piece.here]


class Page:
    """Pieces, given by address, as rows: some registers (or bits) in each, cut at multiples; one for each gap."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._held: dict[int, bytes] = {}
        self._gap: Piece | None = None

    def add(self, piece: Piece) -> list[dict[str, Any]]:
        """The rows that this piece completes."""
        if piece.status is GOOD:
            rows = self._missing()
            self._held |= _cells(self._table, piece)
            last = max(self._held) // self._size
            return rows + self._rows([at for at in self._held if at // self._size < last])
        rows = self._rows(list(self._held))
        if self._gap is not None and self._gap.status == piece.status:
            self._gap = piece._replace(here=range(self._gap.here.start, piece.here.stop))
            return rows
        rows += self._missing()
        self._gap = piece
        return rows

    def end(self) -> list[dict[str, Any]]:
        """What is left."""
        return self._missing() + self._rows(list(self._held))

    @property
    def _size(self) -> int:
        return _BITS_IN_ROW if self._table in BIT_TABLES else _REGISTERS_IN_ROW

    def _missing(self) -> list[dict[str, Any]]:
        gap, self._gap = self._gap, None
        return [] if gap is None else [{"at": gap.here.start, "count": len(gap.here), "missing": gap.status.reason}]

    def _rows(self, places: Sequence[int]) -> list[dict[str, Any]]:
        groups = [list(group) for _, group in groupby(places, key=lambda at: at // self._size)]
        return [self._row(group[0], [self._held.pop(at) for at in group]) for group in groups]

    def _row(self, at: int, cells: Sequence[bytes]) -> dict[str, Any]:
        row: dict[str, Any] = {"at": at, "count": len(cells)}
        data = b"".join(cells)
        if self._table in BIT_TABLES:
            return row | {"decimal": list(data)}
        words = [int.from_bytes(cell, "big") for cell in cells]
        return row | {"hex": data.hex(" ", 2), "decimal": words, "ascii": _ascii(data)}


def blocks(device: str, table: Table, pieces: Sequence[Piece], at_ns: int) -> list[RawBlock]:
    """Pieces, given by address, to be kept and decoded again; what is missing in a row for one reason is one block."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and last.status == piece.status != GOOD and last.here.stop == piece.here.start:
            joined[-1] = last._replace(here=range(last.here.start, piece.here.stop))
        else:
            joined.append(piece)
    return [RawBlock(device, where(table, piece.here), piece.data, at_ns, piece.status) for piece in joined]


def _cells(table: Table, piece: Piece) -> dict[int, bytes]:
    data = piece.data
    if table in BIT_TABLES:
        return {at: bytes([data[place >> 3] >> (place & 7) & 1]) for place, at in enumerate(piece.here)}
    return {at: data[2 * place : 2 * place + 2] for place, at in enumerate(piece.here)}


def _ascii(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
