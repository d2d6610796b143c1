"""Telling repeated, late and missing messages of one device apart by their message ids."""

from __future__ import annotations

import re
from collections import OrderedDict

REMEMBERED = 1000
"""How many ids without a number are known again."""

_NUMBERED = re.compile(r"(.*-[0-9a-f]{8})-([1-9][0-9]{0,17})")


class Numbers:
    """Which numbers of one sequence have come. Counting begins with the first that comes."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._highest = first
        self._gaps: list[tuple[int, int]] = []
        """First and last number of each gap, ascending."""
        self.late = 0

    def add(self, number: int) -> bool:
        """Whether it has not come before; counts it as late where a higher one came earlier."""
        if number == self._highest + 1:
            self._highest = number
            return True
        if number > self._highest:
            self._gaps.append((self._highest + 1, number - 1))
            self._highest = number
            return True
        if number < self._first:
            if number + 1 < self._first:
                self._gaps.insert(0, (number + 1, self._first - 1))
            self._first = number
            self.late += 1
            return True
        for index, (first, last) in enumerate(self._gaps):
            if first <= number <= last:
                parts = [(first, number - 1), (number + 1, last)]
                self._gaps[index : index + 1] = [part for part in parts if part[0] <= part[1]]
                self.late += 1
                return True
        return False

    @property
    def missing(self) -> int:
        """How many between the lowest and the highest have not come."""
        return sum(last - first + 1 for first, last in self._gaps)


class Arrivals:
    """What one device has sent so far.

    Ids of the form ``<device>-<eight hexadecimal digits>-<number>`` are judged by their number, each such beginning as
    a sequence of its own. Other ids are only known again, among the last ``REMEMBERED``. No id: neither.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._sequences: dict[str, Numbers] = {}
        self._others: OrderedDict[str, None] = OrderedDict()
        self.messages = 0
        self.bytes = 0
        self.duplicates = 0
        self.last_message_id: str | None = None

    def add(self, message_id: str | None, size: int) -> None:
        """Count a message of ``size`` bytes."""
        self.messages += 1
        self.bytes += size
        if message_id is None:
            return
        self.last_message_id = message_id
        if not self._is_new(message_id):
            self.duplicates += 1

    def _is_new(self, message_id: str) -> bool:
        match = _NUMBERED.fullmatch(message_id) if message_id.startswith(self._device + "-") else None
        if match is None:
            new = message_id not in self._others
            self._others[message_id] = None
            if len(self._others) > REMEMBERED:
                self._others.popitem(last=False)
            return new
        number = int(match[2])
        sequence = self._sequences.get(match[1])
        if sequence is None:
            self._sequences[match[1]] = Numbers(number)
            return True
        return sequence.add(number)

    @property
    def out_of_order(self) -> int:
        """Messages that came for the first time after a message with a higher number."""
        return sum(sequence.late for sequence in self._sequences.values())

    @property
    def missing(self) -> int:
        """Numbers that were passed over and have not come yet."""
        return sum(sequence.missing for sequence in self._sequences.values())
