"""How much may lie on the disk, and what gives way when that is reached: arithmetic over sizes, in bytes."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

OnFull: TypeAlias = Literal["refuse", "drop-oldest"]
"""``refuse``: the sender waits (back-pressure). ``drop-oldest``: the oldest segment goes, counted and said."""

SEGMENT_LIMIT = 16 * 1024 * 1024
BALLAST_LIMIT = 1024 * 1024
QUOTA_MINIMUM = 1024 * 1024
PAGE_SIZE = 8192
_WAL_LIMIT = 1024 * 1024
_ROOM_BESIDE_BALLAST = 512 * 1024


class Sizes(NamedTuple):
    """What follows from the quota."""

    quota: int
    segment: int
    """A segment is sealed when it has grown to this."""
    ballast: int
    """Given up first when the disk is full, so that cursors can be written and draining goes on."""
    wal_pages: int
    """Pages of write-ahead log after which they are copied into the segment."""


def sizes(quota_bytes: int) -> Sizes:
    """A segment is a sixteenth of the quota, at most 16 MB: what is dropped or given back goes by segments.

    Raises ValueError for a quota that is too small to work with.
    """
    if quota_bytes < QUOTA_MINIMUM:
        raise ValueError(f"a quota of {quota_bytes} bytes is too small for a buffer: at least {QUOTA_MINIMUM}")
    segment = min(SEGMENT_LIMIT, quota_bytes // 16)
    return Sizes(
        quota=quota_bytes,
        segment=segment,
        ballast=min(BALLAST_LIMIT, quota_bytes // 16),
        wal_pages=max(4, min(_WAL_LIMIT, segment // 4) // PAGE_SIZE),
    )


def pages(stored_bytes: int) -> int:
    """Bytes of file that a row of so many takes: small ones share a page, large ones have theirs alone."""
    return stored_bytes if stored_bytes < PAGE_SIZE else -(-stored_bytes // PAGE_SIZE) * PAGE_SIZE


def growth(stored_bytes: int) -> int:
    """Bytes by which files may grow for a commit of so many: whole pages, the b-tree's included."""
    return (stored_bytes // PAGE_SIZE + 3) * PAGE_SIZE


def fits(sizes: Sizes, used: int, coming: int, *, refusing: bool) -> bool:
    """Whether a commit that grows the files by ``coming`` stays within the quota.

    Once something was refused, a whole segment must have become free before anything is taken again: space comes
    back by segments, and a buffer that takes every second message only because it is the smaller one helps nobody.
    """
    return used + coming + (sizes.segment if refusing else 0) <= sizes.quota


def relieved(sizes: Sizes, used: int) -> bool:
    """Whether the quota is out of sight again, so that an episode of dropping can be said to have ended."""
    return used <= sizes.quota - 2 * sizes.segment


def disk_has_room(sizes: Sizes, free: int, coming: int) -> bool:
    """Whether a disk that was full can take the ballast again and then a commit."""
    return free >= sizes.ballast + coming + min(_ROOM_BESIDE_BALLAST, sizes.segment)


def may_drop(on_full: OnFull, segments: int, sealed: int) -> bool:
    """Whether the oldest segment may go for the sake of what comes; never the only one, which is the newest too."""
    return on_full == "drop-oldest" and sealed > 0 and segments > 1
