"""How much may lie on the disk, and what gives way when that is reached: arithmetic over sizes, in bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.buffer.port import OnFull
from gateway.model import Priority

SEGMENT_LIMIT = 16 * 1024 * 1024
BALLAST_LIMIT = 1024 * 1024
QUOTA_MINIMUM = 1024 * 1024
PAGE_SIZE = 512
"""The smallest there is. Written per byte of payload for commits of 1, 10 and 100 scans of one value with pages of 512,
1024, 2048 and 4096: 9.7, 1.2, 0.22; 11.3, 1.4, 0.29; 17.8, 2.1, 0.45; 31.7, 3.5, 0.65. Large frames do not care."""
LARGE_PAGE_SIZE = 2048
"""For large frames: one of 59 kB is written in 0.11 ms in place of 0.25, read in 0.05 in place of 0.10, and takes as
much room: 1.09 of its bytes in place of 1.08."""
_LARGE_FROM_BYTES = 32_768
_PAGE_HEADER_BYTES = 24
_PAGES_A_COMMIT = 5
"""Beside those of the frame: the file's first page, the b-tree's."""
_RESERVE = 10
"""A tenth of the quota is for alarms alone."""
_ROOM_BESIDE_BALLAST = 512 * 1024
_SEGMENTS_A_LIFE = 20
"""A segment spans at most so much of its class's lifetime: messages go by segments."""
_FILE_BYTES = 8192
"""What a rewritten file takes beside its frames."""
PACKED = 0.25
"""What large frames take of scans, until it is known better; measured 0.10 to 0.26."""
_CRUMBS = 16
THINNED_LIMIT = 2
"""So often a segment is thinned: to every fourth message of an identity, then to one a minute."""


class Sizes(NamedTuple):
    """What follows from the quota."""

    quota: int
    segment: int
    """A segment is sealed when it has grown to this."""
    ballast: int
    """Given up first when the disk is full, so that cursors can be written and draining goes on."""
    reserve: int
    """Of the quota, for alarms alone."""


def sizes(quota_bytes: int) -> Sizes:
    """A segment is a sixteenth of the quota, at most 16 MB: what is dropped or given back goes by segments.

    Raises ValueError for a quota that is too small to work with.
    """
    if quota_bytes < QUOTA_MINIMUM:
        raise ValueError(f"a quota of {quota_bytes} bytes is too small for a buffer: at least {QUOTA_MINIMUM}")
    return Sizes(
        quota=quota_bytes,
        segment=min(SEGMENT_LIMIT, quota_bytes // 16),
        ballast=min(BALLAST_LIMIT, quota_bytes // 16),
        reserve=quota_bytes // _RESERVE,
    )


def page_size(frame_bytes: float) -> int:
    """Of a segment whose frames will take about so many."""
    return LARGE_PAGE_SIZE if frame_bytes >= _LARGE_FROM_BYTES else PAGE_SIZE


def growth(stored_bytes: int, page_size: int = PAGE_SIZE) -> int:
    """Bytes by which a log grows for a commit of so many: whole pages with their headers, the b-tree's included."""
    return (stored_bytes // (page_size - 4) + _PAGES_A_COMMIT) * (page_size + _PAGE_HEADER_BYTES)


def fits(sizes: Sizes, used: int, coming: int, priority: Priority, *, refusing: bool) -> bool:
    """Whether a commit that grows the files by ``coming`` stays within the quota, less the alarms' reserve.

    Once something was refused, a whole segment must have become free before anything is taken again: space comes
    back by segments, and a buffer that takes every second message only because it is the smaller one helps nobody.
    """
    reserve = 0 if priority is Priority.ALARM else sizes.reserve
    return used + coming + reserve + (sizes.segment if refusing else 0) <= sizes.quota


def relieved(sizes: Sizes, used: int) -> bool:
    """Whether the quota is out of sight again, so that an episode of dropping can be said to have ended."""
    return used <= sizes.quota - sizes.reserve - 2 * sizes.segment


def disk_has_room(sizes: Sizes, free: int, coming: int) -> bool:
    """Whether a disk that was full can take the ballast again and then a commit."""
    return free >= sizes.ballast + coming + min(_ROOM_BESIDE_BALLAST, sizes.segment)


def givers(on_full: Mapping[Priority, OnFull], coming: Priority) -> list[Priority]:
    """Whose oldest may go for the sake of this class: the least important first, none that is more important."""
    return [one for one in reversed(Priority) if one >= coming and on_full.get(one, "refuse") != "refuse"]


def to_thin(segments: Sequence[tuple[int, int]]) -> int | None:
    """Which segment to thin next, of (size, how often it was thinned) from the oldest on; None: the oldest has to go.

    What is old gets coarse before what is new is touched: only the older half of the bytes is thinned.
    """
    half, before = sum(size for size, _ in segments) / 2, 0
    older: list[tuple[int, int]] = []
    for index, (size, thinned) in enumerate(segments):
        if before <= half and thinned < THINNED_LIMIT:
            older.append((thinned, index))
        before += size
    return min(older)[1] if older else None


def packed(raw_bytes: int, stored_bytes: int, ratio: float) -> int:
    """About what so many bytes of messages take when they are rewritten into large frames; never more than now."""
    return min(int(raw_bytes * ratio), stored_bytes) + _FILE_BYTES


def worth_packing(size_bytes: int, packed_bytes: int) -> bool:
    """Rewriting costs what it writes: it is worth it where half of the room comes back."""
    return size_bytes >= 2 * packed_bytes


def are_crumbs(sizes: Sequence[int], limit: int) -> bool:
    """Whether so many files are so small that one is better, even if it is no smaller than they are."""
    return len(sizes) >= _CRUMBS and sum(sizes) <= limit


def is_crumb(size: int, limit: int) -> bool:
    """Whether a file is small enough to be put together with its neighbours."""
    return size <= limit // _CRUMBS


def span_limit_s(keep_s: float | None) -> float | None:
    """How long a segment takes frames, so that none in it is much older than the youngest."""
    return None if keep_s is None else keep_s / _SEGMENTS_A_LIFE
