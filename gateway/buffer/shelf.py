"""The segments of one class, in the order of their frames; at most the last one is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from gateway.buffer.policy import PACKED, PAGE_SIZE
from gateway.buffer.segments import Segment
from gateway.model import Priority


class Shelf:
    """One class's row of segments."""

    def __init__(self, folder: Path, priority: Priority) -> None:
        self.folder = folder
        self.priority = priority
        self.segments: list[Segment] = []
        self.writing: Segment | None = None
        self.next_frame = 1
        self._sealed_bytes: int | None = None
        self.page_size = PAGE_SIZE
        """Of the segment that is written, or of the next one."""
        self.refused = False
        """The quota was at its end, and nothing was stored since."""
        self.ratio = PACKED
        """What rewriting has made of a byte of messages lately."""
        self.doubtful: dict[str, int] = {}
        """By identity: sequences up to this one were given to what may not have been stored."""

    @property
    def sealed(self) -> list[Segment]:
        """All but the one that is written, the oldest first."""
        return [segment for segment in self.segments if segment is not self.writing]

    def used_bytes(self) -> int:
        """Bytes on the disk."""
        if self._sealed_bytes is None:
            self._sealed_bytes = sum(segment.size_bytes for segment in self.sealed)
        return self._sealed_bytes + (self.writing.size_bytes if self.writing else 0)

    def resized(self) -> None:
        """What is sealed has changed: it is added up anew."""
        self._sealed_bytes = None

    def add(self, segment: Segment) -> None:
        """The newest."""
        self.segments.append(segment)
        self.resized()

    def remove(self, segment: Segment) -> None:
        """It is gone, if it was here."""
        if segment in self.segments:
            self.segments.remove(segment)
        self.resized()

    def holding(self, frame: int) -> Segment | None:
        """The first segment that can have this frame or a later one."""
        start = max(0, bisect_right(self.segments, frame, key=lambda segment: segment.first) - 1)
        return next((segment for segment in self.segments[start:] if segment.last >= frame), None)

    def replace(self, old: Sequence[Segment], new: Segment) -> None:
        """Neighbours were rewritten into one."""
        at = self.segments.index(old[0])
        self.segments[at : at + len(old)] = [new]
        self.resized()
