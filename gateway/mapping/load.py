"""From the bytes of a YAML file to texts in blocks and lists, each with its place.

Nothing is interpreted here: ``NO`` stays "NO", ``00123456`` stays "00123456". The tree is composed from the parser's
events on a stack of our own, so that neither deep nesting nor aliases can cost more than the file's length.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

import yaml

from gateway.mapping import braces
from gateway.mapping.characters import FORBIDDEN, is_quoted, plain, quoted, told, unseen
from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.syntax import explained, no_space
from gateway.values import quote

SIZE_LIMIT = 8_000_000
"""Bytes; a plant of 10,000 points takes about one million."""
DEPTH_LIMIT = 16

if TYPE_CHECKING:
    Loader: TypeAlias = yaml.SafeLoader
else:
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Spoiled:
    """A value that was already complained about: whoever meets it says nothing more. No model takes it for a value."""


SPOILED = Spoiled()

Node: TypeAlias = Union["Block", "Items", str, Spoiled, None]
"""None is a setting without a value (``name:``)."""


class Block(dict[str, Node]):
    """Settings by name, in the order of the file, with the places of names and values."""

    __slots__ = ("keys_at", "place", "quoted", "values_at")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}
        self.quoted: set[Place] = set()
        """Where a value begins with a quote: its text begins one column later."""

    def put(self, name: str, value: Node, key_at: Place, value_at: Place) -> None:
        """Set one setting with its places."""
        self[name] = value
        self.keys_at[name] = key_at
        self.values_at[name] = value_at

    def text_at(self, name: str, offset: int) -> Place:
        """The place of a character of a value's text, as far as it stands on one line."""
        place = self.values_at[name]
        return place._replace(column=place.column + offset + (place in self.quoted))

    def over(self, defaults: Block) -> Block:
        """These settings, and those of ``defaults`` that are not among them."""
        merged = Block(self.place)
        merged.update(defaults)
        merged.update(self)
        merged.keys_at = defaults.keys_at | self.keys_at
        merged.values_at = defaults.values_at | self.values_at
        merged.quoted = defaults.quoted | self.quoted if defaults.quoted else self.quoted
        return merged

    def only(self, names: Iterable[str]) -> Block:
        """The settings of these names."""
        part = Block(self.place)
        part.keys_at, part.values_at, part.quoted = self.keys_at, self.values_at, self.quoted
        part.update((name, self[name]) for name in names)
        return part


class Items(list[Node]):
    """A list with the places of its entries."""

    __slots__ = ("place", "quoted", "values_at")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.values_at: list[Place] = []
        self.quoted: set[Place] = set()
        """As of a block."""

    def text_at(self, index: int, offset: int) -> Place:
        """As of a block."""
        place = self.values_at[index]
        return place._replace(column=place.column + offset + (place in self.quoted))

    def filled(self, entries: Iterable[Node]) -> Items:
        """Other entries at the same places."""
        items = Items(self.place)
        items.extend(entries)
        items.values_at, items.quoted = self.values_at, self.quoted
        return items


def read(path: Path, name: str, report: Report) -> str | None:
    """The text of a file, called ``name`` in messages; None where it cannot be had, which is reported (F06, Y10)."""
    whole = Place(name, 0, 0)
    try:
        wrong = _no_file(path)
        if wrong:
            report.error(whole, "F06", wrong, "rename or remove it")
            return None
        with path.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        report.error(whole, "F06", f"this file cannot be read: {error.strerror}", "check its owner and permissions")
        return None
    if len(data) > SIZE_LIMIT:
        report.error(
            whole, "F06", f"this file is larger than {SIZE_LIMIT // 1_000_000} MB", "split it, or move it elsewhere"
        )
        return None
    return decode(data, name, report)


def _no_file(path: Path) -> str:
    """Why there is no file to open; empty where there is. Opening a pipe would wait for ever."""
    if path.is_file():
        return ""
    if path.is_dir():
        return "this is a folder, but its name is that of a file"
    if path.exists():
        return "this is no regular file, but its name is that of one"
    return "this is a link that leads nowhere" if path.is_symlink() else "there is no such file"


def decode(data: bytes, name: str, report: Report) -> str | None:
    """The text of these bytes, which must be UTF-8 without control characters."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        report.error(Place(name, 1, 1), "F06", "this file is UTF-16, not UTF-8", "save it again with encoding UTF-8")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = data[: error.start].decode("utf-8-sig")
        wrong = f"this file is not UTF-8: byte 0x{data[error.start]:02x}"
        report.error(_place(name, start, len(start)), "F06", wrong, "save it again with encoding UTF-8")
        return None
    strange = FORBIDDEN.search(text)
    if strange:
        report.error(_place(name, text, strange.start()), *told(strange[0]))
        return None
    return text


def parse(text: str, name: str, report: Report) -> Node:
    """The tree of a file, called ``name`` in messages; SPOILED where there is none, which is reported (Y01 to Y12)."""
    try:
        return _Tree(name, text, report).build(yaml.parse(text, Loader=Loader))
    except _GivenUp:
        return SPOILED
    except yaml.YAMLError as error:
        report.error(*explained(error, text, name))
        return SPOILED


def _place(name: str, text: str, index: int) -> Place:
    return Place(name, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


_QUOTE_STYLES = ("'", '"')


class _GivenUp(Exception):
    """Already reported; the rest of the file cannot be understood."""


class _Key(NamedTuple):
    """The name of a setting."""

    name: str | None
    """None where it cannot be one, which is reported."""
    place: Place
    event: Any
    """The scalar that it comes from; None for a block or list."""


class _Frame:
    """A block or list that is not closed yet."""

    __slots__ = ("bare", "empty", "end", "flow", "key", "last", "name", "node", "open", "told")

    def __init__(self, node: Block | Items, flow: bool, name: str) -> None:
        self.node = node
        self.flow = flow
        self.name = name
        """Of the setting whose value it is."""
        self.key: _Key | None = None
        """Whose value comes next."""
        self.last: str | None = None
        self.end = -1
        """Where the last value ends: its index in the text."""
        self.bare = False
        """A text stands alone in these braces."""
        self.open = 0
        """What is not closed yet of a text that was torn by a comma, as of ``braces.still_open``; told already."""
        self.told = False
        """A setting without a space after its colon is told already."""
        self.empty = False
        """A setting without a value stands here, and nothing but texts after it: they may have been meant for it."""


class _Tree:
    """Composes nodes from events."""

    def __init__(self, name: str, text: str, report: Report) -> None:
        self._name = name
        self._text = text
        self._report = report
        self._frames: list[_Frame] = []
        self._root: Node = None
        self._documents = 0
        self._anchored = False

    def build(self, events: Iterable[Any]) -> Node:
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                wrong = self._check(event) and not event.value
                node = SPOILED if wrong else self._scalar(event)
                self._add(node, self._at(event), event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._check(event)
                self._open(event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = self._frames.pop()
                self._add(self._formula(frame) or frame.node, frame.node.place)
            elif kind is yaml.AliasEvent:
                self._anchor(self._at(event))
                self._add(SPOILED, self._at(event))
            elif kind is yaml.DocumentStartEvent:
                self._document(event)
        return self._root

    def _at(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self._name, mark.line + 1, mark.column + 1)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            text = 'a second document begins here ("---")'
            self._report.error(self._at(event), "Y07", text, "put it into a file of its own")
            raise _GivenUp

    def _check(self, event: Any) -> bool:
        """Whether there was something to report."""
        if event.anchor is not None:
            self._anchor(self._at(event))
        if event.tag is not None:
            hint = 'delete it; a text that begins with ! must be put in "quotes"'
            self._report.error(self._at(event), "Y06", 'a YAML tag ("!...") is not supported', hint)
        return event.anchor is not None or event.tag is not None

    def _anchor(self, place: Place) -> None:
        # Once per file: an alias bomb would be as many messages as aliases.
        if not self._anchored:
            text = "YAML anchors and aliases (& and *) are not supported"
            hint = 'write it out, or use defaults:; a text that begins with & or * must be put in "quotes"'
            self._report.error(place, "Y05", text, hint)
        self._anchored = True

    def _scalar(self, event: Any) -> Node:
        text: str = event.value
        if not text and not event.style:
            return None
        # Escapes can write what a file may not hold.
        strange = FORBIDDEN.search(text) if event.style == '"' else None
        if strange:
            self._report.error(self._at(event), *told(strange[0]))
            return SPOILED
        return text

    def _open(self, event: Any) -> None:
        if len(self._frames) >= DEPTH_LIMIT:
            text = f"more than {DEPTH_LIMIT} blocks and lists inside each other"
            self._report.error(self._at(event), "Y08", text, "check the indentation and the brackets")
            raise _GivenUp
        node = Block(self._at(event)) if type(event) is yaml.MappingStartEvent else Items(self._at(event))
        key = self._frames[-1].key if self._frames else None
        self._frames.append(_Frame(node, bool(event.flow_style), (key and key.name) or ""))

    def _add(self, node: Node, place: Place, event: Any = None) -> None:
        """Put a value or a name where it belongs; ``event``: the scalar that it comes from."""
        quoted = event is not None and event.style in _QUOTE_STYLES
        if not self._frames:
            self._root = node
            return
        frame = self._frames[-1]
        parent = frame.node
        if isinstance(parent, Items):
            if event is not None and isinstance(node, str) and not event.style:
                node = self._plain(frame, None, node, place, event)
            parent.append(node)
            parent.values_at.append(place)
            if quoted:
                parent.quoted.add(place)
        elif frame.key is None:
            frame.key = _Key(self._named(node, place, event), place, event)
        else:
            key, name = frame.key, frame.key.name
            frame.key = None
            if event is not None and isinstance(node, str) and not event.style:
                node = self._plain(frame, name, node, place, event)
            if name is not None and not (frame.flow and self._is_bare(key, node) and self._is_torn(frame, parent, key)):
                self._put(frame, parent, name, node, key.place, place)
                if quoted:
                    parent.quoted.add(place)
            frame.end = event.end_mark.index if event is not None else -1

    def _is_bare(self, key: _Key, node: Node) -> bool:
        """Whether in braces a text stands alone, which makes a name without a value of it."""
        return node is None and key.event is not None and not _COLON.match(self._text, key.event.end_mark.index)

    def _put(self, frame: _Frame, block: Block, name: str, node: Node, key_place: Place, place: Place) -> None:
        if name not in block:
            block.put(name, node, key_place, key_place if node is None else place)
            frame.last = name
        elif not (frame.empty and isinstance(node, str) and isinstance(block[name], str)):
            text = f"{quote(name)} is defined twice; the first one is on line {block.keys_at[name].line}"
            self._report.error(key_place, "Y03", text, "delete or rename one of the two")
        frame.empty = not frame.flow and (node is None or (frame.empty and isinstance(node, str)))

    def _named(self, node: Node, place: Place, event: Any) -> str | None:
        if node == "<<":
            hint = "use defaults: for what all points share"
            self._report.error(place, "Y04", '"<<" (YAML merge) is not supported', hint)
            return None
        if isinstance(node, str) and node:
            return self._readable(node, place) if event is not None and not event.style else node
        if node is not SPOILED:
            text = "a setting has no name" if not node else "the name of a setting must be a text"
            self._report.error(place, "Y09", text, 'write "name: value"')
        return None

    def _readable(self, name: str, place: Place) -> str:
        """The name as it was meant: nobody sees a space of Word, or quotes that are none."""
        if is_quoted(name):
            self._report.error(place, *quoted(name))
        elif (index := unseen(name)) >= 0:
            self._report.error(place._replace(column=place.column + index), *told(name[index]))
            self._frames[-1].told = True
        else:
            return name
        return plain(name)

    def _plain(self, frame: _Frame, name: str | None, text: str, place: Place, event: Any) -> Node:
        """A text without quotes: those of Word are none, and what stands after " #" is a comment."""
        if is_quoted(text):
            self._report.error(place, *quoted(text))
            return SPOILED
        # In braces the comment takes the bracket with it, which is told elsewhere.
        if not frame.flow and (name in _FREE or frame.name in _FREE_BLOCKS):
            comment = _CUT.match(self._text, event.end_mark.index)
            if comment:
                whole = f"{text}{comment[0].rstrip()}"
                at = place._replace(column=event.end_mark.column + comment.start(1) - comment.start() + 1)
                sentence = f'what stands after " #" is a comment: {quote(text)} is all that is read'
                self._report.warning(at, "Y12", sentence, f'if it belongs to the text, write "{whole}"')
        return text

    def _is_torn(self, frame: _Frame, block: Block, key: _Key) -> bool:
        """Whether such a text is part of another one, which is reported: ``{scale: 0,5}``, ``{at:3}``."""
        name, last = key.name or "", frame.last
        if frame.open:
            frame.open = braces.still_open(name, frame.open)
            return True
        value = block[last] if last is not None else None
        if isinstance(value, str) and last is not None and block.values_at[last] not in block.quoted:
            wrong = braces.torn(value, name, close=key.event.start_mark.index == frame.end + 1)
            if wrong is not None:
                self._report.error(block.values_at[last], *wrong)
                block[last], frame.open = SPOILED, braces.still_open(name, 0, value)
                return True
        close = no_space(name)
        if close is not None and not frame.told:
            self._report.error(key.place, *close)
            frame.told = True
        elif close is None and not (frame.told and ": " in name):
            frame.bare = True
            return False
        self._put(frame, block, name.partition(":")[0], SPOILED, key.place, key.place)
        return True

    def _formula(self, frame: _Frame) -> Node:
        """``{100 + 2 * i}`` as it was meant, where the quotes are forgotten, which is reported; None for others."""
        name, node = next(iter(frame.node), None), frame.node
        if not frame.bare or len(node) != 1 or not isinstance(name, str) or frame.name in braces.OPEN_NAMES:
            return None
        wrong = braces.unquoted(name)
        if wrong is None:
            return None
        self._report.error(node.place, *wrong)
        return f"{{{name}}}"


_FREE = frozenset(("maker", "model", "name", "note", "serial"))
"""Settings that hold any text."""
_FREE_BLOCKS = frozenset(("tags", "context", "enum", "flags"))
_COLON = re.compile(r"\s*:")
_CUT = re.compile(r"[ \t]+(#)\w[^\r\n]*")
