"""What a disk may hold after a power cut: a model of files and names, fed with recorded events; no I/O.

A change is durable when a sync that began after it has returned; until then it may be on the disk or not, each in any
order, a write torn at sectors of 512 bytes. Two worlds of names are kept:

- strict, as POSIX promises and no more: a name is durable when its directory was synced; of the others any part may
  have happened;
- journal, as ext4 does it: a sync of a file with new metadata commits all names before it; of the rest a beginning,
  in order.

After a failed sync its changes stay in doubt for ever (Linux takes the pages for clean): a later sync that succeeds
says nothing of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import NamedTuple

from tests.faults.shim import Event, Kind

SECTOR = 512
Image = dict[str, bytes | None]
"""Path to content; None for a directory."""


class Style(Enum):
    """What of the changes in doubt has reached the disk."""

    NOTHING = "nothing"
    ALL = "all"
    NAMES = "all names, no bytes"
    BYTES = "all bytes, no names"
    ONE_LOST = "all but one"
    ONE_KEPT = "one alone"
    JOURNAL = "some bytes, the first names"
    STRICT = "some bytes, some names"


STYLES = (Style.STRICT,) * 5 + (Style.JOURNAL,) * 4 + (Style.ONE_LOST, Style.ONE_KEPT) * 2 + tuple(Style)[:4]


class Change(NamedTuple):
    """A write, or a new size where ``data`` is None."""

    number: int
    offset: int
    data: bytes | None


@dataclass(eq=False)
class Node:
    """One file or directory, whatever its names are."""

    directory: bool = False
    content: bytearray = field(default_factory=bytearray)
    """What is durable."""
    pending: list[Change] = field(default_factory=list)
    doubtful: list[Change] = field(default_factory=list)
    """Covered by a sync that failed."""
    size: int = 0
    """As the process sees it."""
    new_metadata: bool = True

    def settle(self, before: int) -> None:
        """All pending changes before this index are durable now."""
        for change in self.pending:
            if change.number < before:
                _apply(self.content, change)
                self.doubtful = [part for old in self.doubtful for part in _without(old, change)]
        self.pending = [change for change in self.pending if change.number >= before]

    def fail(self, before: int) -> None:
        """A sync of the pending changes before this index has failed."""
        self.doubtful += [change for change in self.pending if change.number < before]
        self.pending = [change for change in self.pending if change.number >= before]


class Naming(NamedTuple):
    """A change of names: ``old`` loses the node (unless it is empty), ``new`` gets it (unless it is empty)."""

    number: int
    old: str
    new: str
    node: Node

    def apply(self, names: dict[str, Node]) -> None:
        if self.old and names.get(self.old) is self.node:
            del names[self.old]
        if self.new:
            names[self.new] = self.node

    def within(self, directory: str) -> bool:
        return any(str(PurePosixPath(name).parent) == directory for name in (self.old, self.new) if name)


class World:
    """Names that are durable, and those that are not."""

    def __init__(self, names: dict[str, Node]) -> None:
        self.names = names
        self.pending: list[Naming] = []

    def settle(self, durable: Callable[[Naming], bool]) -> None:
        kept: list[Naming] = []
        for naming in self.pending:
            if durable(naming):
                naming.apply(self.names)
            else:
                kept.append(naming)
        self.pending = kept


class Volume:
    """The disk as the events have left it so far."""

    def __init__(self, root: str, root_inode: int, image: Image | None = None) -> None:
        """``image``: what lies there durably to begin with, but for the inodes: see ``adopt``."""
        self._number = 0
        self._nodes: dict[int, Node] = {root_inode: Node(directory=True)}
        self._now: dict[str, Node] = {root: self._nodes[root_inode]}
        self._syncing: dict[int, tuple[Node | None, int]] = {}
        for path, content in (image or {}).items():
            if path == root:
                continue
            self._now[path] = Node(content is None, bytearray(content or b""), size=len(content or b""))
        self._strict = World(dict(self._now))
        self._journal = World(dict(self._now))
        self.mapped = 0
        """Writable shared mappings: writes through them are seen by nobody here."""

    def adopt(self, path: str, inode: int) -> None:
        """The file that lies at this path from the beginning has this inode."""
        self._nodes[inode] = self._now[path]

    def feed(self, event: Event) -> None:
        """One more event."""
        self._number += 1
        kind = event.kind
        if kind in (Kind.WRITE, Kind.TRUNCATE):
            self._changed(event)
        elif kind is Kind.SYNC_BEGIN:
            self._syncing[event.offset] = self._nodes.get(event.inode), self._number
        elif kind is Kind.SYNC_END:
            self._synced(*self._syncing.pop(event.offset))
        elif kind is Kind.SYNC_FAILED:
            node, before = self._syncing.pop(event.offset)
            if node is not None:
                node.fail(before)
        elif kind is Kind.MAPPED:
            self._map(event.inode)
        elif kind is not Kind.MARK:
            self._named(event)

    def _map(self, inode: int) -> None:
        """An index of a log (``-shm``) is made anew after a crash: what lies in it counts for nothing."""
        node = self._nodes.get(inode)
        names = [path for path, found in self._now.items() if found is node]
        self.mapped += not any(name.endswith("-shm") for name in names)

    def _changed(self, event: Event) -> None:
        node = self._nodes.get(event.inode)
        if node is None:
            return
        data = event.data if event.kind is Kind.WRITE else None
        size = max(node.size, event.offset + len(data)) if data is not None else event.offset
        node.new_metadata |= size != node.size
        node.size = size
        node.pending.append(Change(self._number, event.offset, data))

    def _named(self, event: Event) -> None:
        first, second = event.names
        if event.kind in (Kind.CREATE, Kind.MKDIR):
            node = self._nodes[event.inode] = Node(directory=event.kind is Kind.MKDIR)
            naming = Naming(self._number, "", first, node)
        else:
            found = self._now.get(first)
            if found is None:
                return
            old, new = (first, second) if event.kind is Kind.RENAME else ("", second)
            naming = Naming(self._number, *((first, "") if event.kind is Kind.UNLINK else (old, new)), found)
        naming.apply(self._now)
        self._strict.pending.append(naming)
        self._journal.pending.append(naming)

    def _synced(self, node: Node | None, before: int) -> None:
        if node is None:
            return
        node.settle(before)
        if node.directory:
            path = next((path for path, found in self._now.items() if found is node), "")
            self._strict.settle(lambda naming: naming.number < before and naming.within(path))
        if node.new_metadata or node.directory:
            node.new_metadata = False
            self._journal.settle(lambda naming: naming.number < before)

    # Crashing.

    def in_doubt(self) -> int:
        """How many changes may be on the disk or not."""
        nodes = set(self._now.values())
        return len(self._strict.pending) + sum(len(node.pending) + len(node.doubtful) for node in nodes)

    def crash(self, style: Style, chance: random.Random) -> Image:
        """What the disk may hold when the power goes now."""
        names, cut = self._names(style, chance)
        keep = self._keeping(style, chance, cut)
        torn = chance.random() < 0.5 and style in (Style.STRICT, Style.JOURNAL)
        garbage = style is Style.STRICT and chance.random() < 0.1
        made: dict[int, bytes | None] = {}
        image: Image = {}
        for path, node in names.items():
            if id(node) not in made:
                made[id(node)] = None if node.directory else _content(node, keep, chance if torn else None, garbage)
            image[path] = made[id(node)]
        return {path: content for path, content in image.items() if _reachable(path, image)}

    def _names(self, style: Style, chance: random.Random) -> tuple[dict[str, Node], int]:
        """The names on the disk, and the index before which metadata is kept (JOURNAL alone)."""
        world = self._journal if style is Style.JOURNAL else self._strict
        names, pending = dict(world.names), world.pending
        cut = self._number + 1
        if style in (Style.NOTHING, Style.BYTES, Style.ONE_KEPT):
            pending = []
        elif style is Style.JOURNAL:
            kept = chance.randrange(len(pending) + 1)
            cut = pending[kept].number if kept < len(pending) else cut
            pending = pending[:kept]
        elif style is Style.STRICT:
            share = chance.choice((0.1, 0.5, 0.9))
            pending = [naming for naming in pending if chance.random() < share]
        elif style is Style.ONE_LOST and pending and chance.random() < 0.5:
            pending = list(pending)
            del pending[chance.randrange(len(pending))]
        for naming in pending:
            naming.apply(names)
        return names, cut

    def _keeping(self, style: Style, chance: random.Random, cut: int) -> Callable[[Change], bool]:
        if style in (Style.NOTHING, Style.NAMES):
            return lambda _: False
        if style in (Style.ALL, Style.BYTES):
            return lambda _: True
        if style in (Style.ONE_LOST, Style.ONE_KEPT):
            pending = [change.number for node in set(self._now.values()) for change in (*node.pending, *node.doubtful)]
            one = chance.choice(pending) if pending else 0
            return lambda change: (change.number == one) is (style is Style.ONE_KEPT)
        share = chance.choice((0.1, 0.5, 0.9))
        if style is Style.JOURNAL:  # a new size is metadata: it keeps the order of the names
            return lambda change: change.number < cut if change.data is None else chance.random() < share
        return lambda _: chance.random() < share


def _content(node: Node, keep: Callable[[Change], bool], torn: random.Random | None, garbage: bool) -> bytes:
    changes = sorted([*node.doubtful, *node.pending])
    if not changes:
        return bytes(node.content)
    content = bytearray(node.content)
    for change in changes:
        if not keep(change):
            continue
        if torn is not None and change.data is not None and torn.random() < 0.4:
            for part in _sectors(change):
                if torn.random() < 0.5:
                    _apply(content, part)
                elif garbage and part.offset >= len(content):  # a block that was somebody else's
                    _apply(content, part._replace(data=torn.randbytes(len(part.data or b""))))
        else:
            _apply(content, change)
    return bytes(content)


def _apply(content: bytearray, change: Change) -> None:
    end = change.offset + len(change.data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if change.data is None:
        del content[change.offset :]
    else:
        content[change.offset : end] = change.data


def _sectors(change: Change) -> Iterator[Change]:
    data = change.data or b""
    position = 0
    while position < len(data):
        end = min(len(data), position + SECTOR - (change.offset + position) % SECTOR)
        yield Change(change.number, change.offset + position, data[position:end])
        position = end


def _without(old: Change, new: Change) -> Iterator[Change]:
    """What of an older change still matters where a newer one is durable."""
    if old.data is None or new.data is None:
        yield old
        return
    start, end = new.offset - old.offset, new.offset + len(new.data) - old.offset
    if start > 0:
        yield old._replace(data=old.data[:start])
    if end < len(old.data):
        yield old._replace(offset=old.offset + max(0, end), data=old.data[max(0, end) :])


def _reachable(path: str, image: Image) -> bool:
    """Whether all directories above are there as well (the root is)."""
    parent = str(PurePosixPath(path).parent)
    above = [name for name, content in image.items() if content is None]
    return parent in above or len(above) == 0 or path == min(above, key=len)
