"""The files of one simulated unit (functions 20 and 21): registers by file number and record number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
"""Exception codes."""
LAST_RECORD = 9999
"""Of a file, as the standard has it."""


class Files:
    """A record is one register; what a client writes into ``writable`` ones stays."""

    def __init__(self, held: Mapping[int, Sequence[int]], *, writable: bool = False) -> None:
        """``held``: by file number from 1 on, the registers from record 0 on."""
        self._held = {number: list(words) for number, words in held.items()}
        self._writable = writable

    def read(self, number: int, first: int, count: int) -> list[int] | int:
        """Registers, or the code of the exception where one of them is not there."""
        words = self._held.get(number, [])
        return words[first : first + count] if 0 < count <= len(words) - first else ILLEGAL_ADDRESS

    def write(self, groups: Sequence[tuple[int, int, Sequence[int]]]) -> int | None:
        """Hold these from now on: of each its number, the first record, registers; all of them, or a code and none."""
        if not self._writable:
            return ILLEGAL_FUNCTION
        for number, first, words in groups:
            if not isinstance(self.read(number, first, len(words)), list):
                return ILLEGAL_ADDRESS
        for number, first, words in groups:
            self._held[number][first : first + len(words)] = words
        return None
