"""A write-ahead log as bytes: what SQLite will not say of it: where it is broken, and what lies behind the break.

SQLite reads a log up to the first page whose checksum is wrong and takes that for its end, as after a power cut. But a
commit is synced before the next one begins: a page that is wrong before a commit that is right was right once. So a
flipped bit can be told from a torn end, and the pages behind it are as good as ever: each page's checksum goes on from
the one that stands in the page before it. ("Database File
Format", section 4.)
"""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeAlias

_HEADER = struct.Struct(">8I")
_PAGE = struct.Struct(">6I")
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_SIZES = {1 << power for power in range(9, 17)}
_MASK = 0xFFFFFFFF
_HEAD_SIZE = slice(16, 18)
_FILE_FORMAT = slice(18, 20)
"""Of a database: 2 says that it has a write-ahead log, 1 that it has none."""
_HEAD = re.compile(rb"SQLite format 3\0(..)(?:\x01\x01|\x02\x02)\0\x40\x20\x20", re.DOTALL)
"""Of a database: size of its pages, format, no room reserved in its pages, three constants."""
_FILE_SIZES = {*(1 << power for power in range(9, 16)), 1}
"""As a database says them: 1 means 65,536."""


def empty_database(script: str) -> bytes:
    """A database of these tables, as a file that has a write-ahead log; to be written by ourselves.

    SQLite itself, when it makes one, says nothing where a full or broken disk has left a part of it in the log.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(script)
        made = bytearray(connection.serialize())
    made[_FILE_FORMAT] = b"\x02\x02"
    return bytes(made)


Reading: TypeAlias = Literal["all", "sound", "before"]
"""What of a damaged log counts."""


class Page(NamedTuple):
    """One page as it stands in the log."""

    number: int
    offset: int
    """Where its bytes start in the log."""
    commits: bool
    """Whether it is the last one of a commit."""
    sound: bool


class Log(NamedTuple):
    """What a log says when every page is asked by itself."""

    page_size: int
    header: bool
    """Whether the log's own header is right; without it SQLite sees nothing of the log."""
    pages: list[Page]
    """Those of this log, in order; without what an older log has left behind."""
    end: int
    """So many pages from the start were committed: up to the last commit of which every page is right."""

    @property
    def broken(self) -> bool:
        """Something that was on the disk once is wrong now: SQLite hides all that stands behind it."""
        committed = self.pages[: self.end]
        hidden = not self.header and sum(page.sound and page.commits for page in committed) > 1
        return hidden or any(not page.sound for page in committed)

    @property
    def certain(self) -> int:
        """How many commits there were at least."""
        return sum(page.sound and page.commits for page in self.pages)

    @property
    def commits(self) -> int:
        """How many there were at least, where no page is half written: then a wrong one was right once."""
        count = before = 0
        for page, following in zip_longest(self.pages, self.pages[1:]):
            ends = page.commits
            if not page.sound:
                # What it says of itself may be just what is wrong; pages of a commit, two at least, stand in order.
                again = following.number <= before if following and following.sound else ends
                ends = following is None or (before > 0 and again)
            count += ends
            before = 0 if ends else page.number if page.sound else before
        return count

    @property
    def torn(self) -> bool:
        """The end is not whole, as after a power cut; where there was none, it is broken too."""
        return (not self.header and bool(self.pages)) or any(not page.sound for page in self.pages[self.end :])


def examine(log: bytes, page_size: int, *, begun_anew: bool = True) -> Log:
    """Look at every page. ``page_size`` counts where the header is wrong; an empty log has no pages.

    Not ``begun_anew``: nothing was ever copied from this log into its database, so that it holds no older one.
    """
    order, size, salts, seed, header = _header(log, page_size)
    pages: list[Page] = []
    end, before, whole = 0, 0, True
    words = struct.Struct(f"{order}{2 + size // 4}I")
    for start in range(_HEADER.size, len(log) - _PAGE.size - size + 1, _PAGE.size + size):
        number, database_pages, salt_1, salt_2, *stored = _PAGE.unpack_from(log, start)
        content = log[start : start + 8] + log[start + _PAGE.size : start + _PAGE.size + size]
        sound = (salt_1, salt_2) == salts and _checksum(words.unpack(content), *seed) == tuple(stored)
        pages.append(Page(number, start + _PAGE.size, database_pages > 0, sound))
        seed = (stored[0], stored[1])
        # The pages of a commit are written in order: one that goes back begins another, whatever stands before it.
        whole = sound and (whole or number <= before)
        before = number
        if whole and database_pages:
            end = len(pages)
        if database_pages:
            before, whole = 0, True
    return Log(size, header, _without_older(log, pages, end, salts) if begun_anew else pages, end)


def _without_older(log: bytes, pages: list[Page], end: int, salts: tuple[int, int]) -> list[Page]:
    """A log that SQLite began anew is written over the one before it: whose pages have other salts."""
    last = end
    for index in range(end, len(pages)):
        if _PAGE.unpack_from(log, pages[index].offset - _PAGE.size)[2:4] == salts:
            last = index + 1
    return pages[:last]


def _header(log: bytes, page_size: int) -> tuple[str, int, tuple[int, int], tuple[int, int], bool]:
    """Order of bytes in checksums, size of pages, salts, checksum to go on from, whether all of that is right."""
    if len(log) < _HEADER.size:
        return "<", page_size, (0, 0), (0, 0), False
    magic, _, size, _, salt_1, salt_2, *stored = _HEADER.unpack_from(log)
    order = _MAGIC.get(magic, "<")
    sound = magic in _MAGIC and _checksum(struct.unpack_from(f"{order}6I", log), 0, 0) == tuple(stored)
    if not sound and len(log) >= _HEADER.size + _PAGE.size:
        salt_1, salt_2 = _PAGE.unpack_from(log, _HEADER.size)[2:4]
    size = size if sound and size in _SIZES else page_size
    return order, size, (salt_1, salt_2), (stored[0], stored[1]), sound


def _checksum(words: tuple[int, ...], first: int, second: int) -> tuple[int, int]:
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & _MASK
        second = (second + words[index + 1] + first) & _MASK
    return first, second


def is_sound(database: bytes, log: bytes, page_size: int) -> bool:
    """Whether nothing is wrong with these bytes: then what was said of damage was the disk's trouble of the moment."""
    found = examine(log, page_size)
    if found.broken or found.torn or not _has_head(database):
        return False
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        try:
            connection.deserialize(replayed(database, log, page_size))
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            return tables > 0 and connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
        except (sqlite3.Error, UnicodeDecodeError):
            return False


def _has_head(database: bytes) -> bool:
    """What SQLite reads of the file itself, whatever a newer first page in the log says."""
    match = _HEAD.match(database)
    return match is not None and int.from_bytes(match[1], "big") in _FILE_SIZES


def page_size(database: bytes, otherwise: int) -> int:
    """As the head of the database says it, or as the other if that cannot be."""
    size = int.from_bytes(database[_HEAD_SIZE], "big")
    return size if size in _SIZES else otherwise


def replayed(database: bytes, log: bytes, page_size: int, reading: Reading = "all") -> bytes:
    """The database with the pages of the log in it, as one file without a log.

    ``all``: wrong and uncommitted ones too: one that is wrong and was written again later does no harm, and what it
    does harm to shows in the frames' checksums. ``sound``: of each page the last right one, so that a wrong page near
    the root of the tree does not hide what was there before. ``before``: as it was before the first wrong page.
    """
    found = examine(log, page_size)
    size = found.page_size
    whole = bytearray(database)
    limit = len(found.pages) + len(database) // size + 1
    for page in _chosen(found, reading):
        if 0 < page.number <= limit:
            end = page.number * size
            whole += bytes(max(0, end - len(whole)))
            whole[end - size : end] = log[page.offset : page.offset + size]
    whole[_FILE_FORMAT] = b"\x01\x01"
    return bytes(whole)


def _chosen(found: Log, reading: Reading) -> list[Page]:
    if reading == "before":
        wrong = next((index for index, page in enumerate(found.pages) if not page.sound), len(found.pages))
        ends = [index for index, page in enumerate(found.pages[:wrong]) if page.commits]
        return found.pages[: ends[-1] + 1 if ends else 0]
    right = {page.number for page in found.pages if page.sound} if reading == "sound" else set()
    return [page for page in found.pages if page.sound or page.number not in right]
