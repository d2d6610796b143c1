"""From the bytes of a YAML file to texts in blocks and lists, each with its place.

Nothing is interpreted here: ``NO`` stays "NO", ``00123456`` stays "00123456". The tree is composed from the parser's
events on a stack of our own, so that neither deep nesting nor aliases can cost more than the file's length.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import yaml

from gateway.mapping.diagnostics import Place, Report
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
    strange = _CONTROL.search(text)
    if strange:
        report.error(_place(name, text, strange.start()), "Y10", *_control(strange[0]))
        return None
    return text


def parse(text: str, name: str, report: Report) -> Node:
    """The tree of a file, called ``name`` in messages; SPOILED where there is none, which is reported (Y01 to Y10)."""
    try:
        return _Tree(name, report).build(yaml.parse(text, Loader=Loader))
    except _GivenUp:
        return SPOILED
    except yaml.YAMLError as error:
        report.error(*_syntax(error, text, name))
        return SPOILED


# What no plant file needs, and some YAML readers refuse: control characters, and a byte order mark inside the text.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


def _control(character: str) -> tuple[str, str]:
    return f"the character U+{ord(character):04X} is not allowed in a text", "delete it"


def _place(name: str, text: str, index: int) -> Place:
    return Place(name, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


_QUOTE_STYLES = ("'", '"')


class _GivenUp(Exception):
    """Already reported; the rest of the file cannot be understood."""


class _Frame:
    """A block or list that is not closed yet."""

    __slots__ = ("flow", "key", "last", "node")

    def __init__(self, node: Block | Items, flow: bool) -> None:
        self.node = node
        self.flow = flow
        self.key: tuple[str | None, Place] | None = None
        """The key whose value comes next; without a name where it cannot be one."""
        self.last: str | None = None


class _Tree:
    """Composes nodes from events."""

    def __init__(self, name: str, report: Report) -> None:
        self._name = name
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
                self._add(node, self._at(event), quoted=event.style in _QUOTE_STYLES)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._check(event)
                self._open(event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = self._frames.pop()
                self._add(frame.node, frame.node.place)
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
        strange = _CONTROL.search(text) if event.style == '"' else None
        if strange:
            self._report.error(self._at(event), "Y10", *_control(strange[0]))
            return SPOILED
        return text

    def _open(self, event: Any) -> None:
        if len(self._frames) >= DEPTH_LIMIT:
            text = f"more than {DEPTH_LIMIT} blocks and lists inside each other"
            self._report.error(self._at(event), "Y08", text, "check the indentation and the brackets")
            raise _GivenUp
        node = Block(self._at(event)) if type(event) is yaml.MappingStartEvent else Items(self._at(event))
        self._frames.append(_Frame(node, bool(event.flow_style)))

    def _add(self, node: Node, place: Place, *, quoted: bool = False) -> None:
        if not self._frames:
            self._root = node
            return
        frame = self._frames[-1]
        parent = frame.node
        if isinstance(parent, Items):
            parent.append(node)
            parent.values_at.append(place)
            if quoted:
                parent.quoted.add(place)
        elif frame.key is None:
            frame.key = (self._named(node, place), place)
        else:
            name, key_place = frame.key
            frame.key = None
            if name is None or self._is_comma(frame, parent, name, node):
                return
            if name in parent:
                text = f"{quote(name)} is defined twice; the first one is on line {parent.keys_at[name].line}"
                self._report.error(key_place, "Y03", text, "delete or rename one of the two")
                return
            parent.put(name, node, key_place, key_place if node is None else place)
            if quoted:
                parent.quoted.add(place)
            frame.last = name

    def _named(self, node: Node, place: Place) -> str | None:
        if node == "<<":
            hint = "use defaults: for what all points share"
            self._report.error(place, "Y04", '"<<" (YAML merge) is not supported', hint)
            return None
        if isinstance(node, str) and node:
            return node
        if node is not SPOILED:
            text = "a setting has no name" if not node else "the name of a setting must be a text"
            self._report.error(place, "Y09", text, 'write "name: value"')
        return None

    def _is_comma(self, frame: _Frame, block: Block, name: str, node: Node) -> bool:
        """Whether ``{scale: 0,1}`` was meant as 0.1, which is reported at the 0."""
        if not (frame.flow and node is None and name.isdecimal() and frame.last is not None):
            return False
        value = block[frame.last]
        if not isinstance(value, str) or not re.fullmatch("[+-]?[0-9]+", value):
            return False
        text = f'"{value},{name}" looks like a decimal comma; inside {{ }} a comma starts the next setting'
        self._report.error(block.values_at[frame.last], "M07", text, f"write {value}.{name}")
        block[frame.last] = SPOILED
        return True


_CHECK = "check the indentation and the brackets of this line and the line before"
_QUOTES = 'put the text in "quotes"'


def _syntax(error: yaml.YAMLError, text: str, name: str) -> tuple[Place, str, str, str]:
    """Place, code, sentence and hint for what the YAML reader could not read."""
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines() or [""]
    # At the end of the file the reader stands behind the last line.
    number = min(mark.line, len(lines) - 1) if mark else 0
    line = lines[number]
    column = min(mark.column, len(line)) if mark else 0
    place = Place(name, number + 1, column + 1)
    tab = re.match(" *\t", line)
    if tab:
        count = sum(bool(re.match(" *\t", other)) for other in lines)
        also = f"; {count} lines of this file begin so" if count > 1 else ""
        place = Place(name, number + 1, tab.end())
        sentence = "this line is indented with a TAB; YAML only allows spaces"
        return place, "Y01", sentence, f"replace the TAB by two spaces{also}"
    return _invalid(error, place, line, column)


def _invalid(error: yaml.YAMLError, place: Place, line: str, column: int) -> tuple[Place, str, str, str]:
    problem = str(getattr(error, "problem", None) or "it cannot be read")
    context = getattr(error, "context_mark", None)
    hint = _CHECK
    if problem.startswith("mapping values are not allowed"):
        problem = 'a ": " stands where no setting can begin'
        hint = 'a text that contains ": " must be put in "quotes"' if line.count(": ") > 1 else _CHECK
    elif problem.startswith("found character") and "start any token" in problem and column < len(line):
        problem, hint = f"a text cannot begin with {quote(line[column])}", _QUOTES
    elif problem == "found unexpected end of stream" and context is not None:
        place = Place(place.file, context.line + 1, context.column + 1)
        problem, hint = "the quote that opens here is never closed", "close it at the end of the text"
    elif problem.startswith("found unknown escape"):
        problem, hint = "a \\ in double quotes begins an escape", "write \\\\ or use 'single quotes'"
    elif problem.startswith("could not find expected ':'"):
        problem, hint = 'the line before has no ": "', 'write "name: value"'
    elif line[:column].rstrip()[-1:] in ('"', "'"):
        problem, hint = "something follows after the closing quote", 'put the whole text in "quotes"'
    return place, "Y02", f"this is not valid YAML: {problem}", hint
