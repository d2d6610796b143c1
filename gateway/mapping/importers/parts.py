"""The parts of a foreign configuration, asked for by name and type; what nobody asked for is named.

What importers find (I20 to I30)::

    I20  the file cannot be read, or is not of its format
    I21  a setting that is needed is missing
    I22  a setting cannot be taken for what it should be
    I23  something that there is no counterpart for; the item is left out
    I24  a setting that is not taken over; once per file, with how often it stands there
    I25  something that is done differently here
    I26  a unit that is not known; the point has none
    I27  a password, which is not copied
    I28  a name that was taken; it got a number
    I29  a namespace by its index alone
    I30  how often a group repeats is not known

An error means that something is missing from what was imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.mapping.diagnostics import Diagnostic, Place, Report
from gateway.mapping.load import SPOILED, Block, Items
from gateway.values import quote


class LeftOut(Exception):
    """An item cannot be imported; why, in the words of the message catalogue."""

    def __init__(self, place: Place, code: str, text: str, hint: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.place = place
        self.code = code
        """Empty where it was reported already."""
        self.text = text
        self.hint = hint


class Notes:
    """What was found in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.report = Report()
        self._left: dict[str, tuple[Place, int]] = {}

    def at(self, path: str = "") -> Place:
        """``published_nodes.json: [0].OpcNodes[3]``; without a path the whole file."""
        return Place(f"{self.file}: {path}" if path else self.file, 0, 0)

    def out(self, reason: LeftOut) -> None:
        """Report an item that is left out."""
        if reason.code:
            self.report.error(reason.place, reason.code, reason.text, reason.hint)

    def warn(self, place: Place, code: str, text: str, hint: str = "") -> None:
        """Report something that was imported, but not as it was."""
        self.report.warning(place, code, text, hint)

    def left(self, key: str, place: Place) -> None:
        """Count a setting that is not taken over; they are reported together."""
        first, count = self._left.get(key, (place, 0))
        self._left[key] = (first, count + 1)

    def found(self) -> tuple[Diagnostic, ...]:
        """Everything, in the order of the file."""
        for key, (place, count) in self._left.items():
            times = f" ({count} times in this file)" if count > 1 else ""
            self.report.warning(place, "I24", f"{quote(key)} is not taken over{times}")
        return tuple(sorted(self.report.sorted(), key=_in_order))


def _in_order(found: Diagnostic) -> tuple[list[str | int], int, int]:
    # [10] comes after [2].
    parts = re.split("([0-9]+)", found.file)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], found.line, found.column


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float, Decimal), "a number"),
    (str, "a text"),
    (Mapping, "a block of settings"),
    (list, "a list"),
    (type(None), "empty"),
)


def _kind(value: Any) -> str:
    return next((word for types, word in _KINDS if isinstance(value, types)), "a date or a time")


class Part:
    """A JSON object, a TOML table or a YAML mapping.

    A setting that is not there is None (or empty); one that is not what it is asked for raises LeftOut.
    """

    def __init__(self, members: Mapping[str, Any], place: Place, notes: Notes) -> None:
        self.members = members
        self.place = place
        self.notes = notes
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self.members.get(key) is not None

    def at(self, key: str) -> Place:
        """The place of a setting."""
        if isinstance(self.members, Block):
            return self.members.values_at.get(key, self.place)
        return self.place._replace(file=_joined(self.place.file, self.notes.file, key))

    @property
    def source(self) -> str:
        """For the note of a point: ``published_nodes.json: [0].OpcNodes[3]`` or ``chiller.yml:12``."""
        return f"{self.place.file}:{self.place.line}" if self.place.line else self.place.file

    def wrong(self, key: str, text: str, hint: str = "", code: str = "I22") -> LeftOut:
        """To be raised: this setting cannot be taken."""
        return LeftOut(self.at(key), code, text, hint)

    def missing(self, key: str, what: str) -> LeftOut:
        """To be raised: this setting (``what`` it is for) is needed."""
        return LeftOut(self.place, "I21", f"there is no {quote(key)} ({what})")

    def raw(self, key: str) -> Any:
        """Whatever stands there, as it was read."""
        self._asked.add(key)
        value = self.members.get(key)
        if value is SPOILED:
            raise LeftOut(self.at(key), "", "")
        return value

    def _unfit(self, key: str, value: Any, what: str) -> LeftOut:
        shown = quote(value) if isinstance(value, str) else _kind(value)
        return self.wrong(key, f"{quote(key)} must be {what}, but it is {shown}")

    def text(self, key: str) -> str:
        """A text, without blanks around it; a number is taken as it is written."""
        value = self.raw(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self._unfit(key, value, "a text")
        return str(value).strip()

    def number(self, key: str) -> Decimal | None:
        """A number, exact; a text that is one is taken too."""
        value = self.raw(key)
        if value is None or value == "":
            return None
        result = decimal_of(value)
        if result is None:
            raise self._unfit(key, value, "a number")
        return result

    def whole(self, key: str, lowest: int = 0, highest: int = 65535) -> int | None:
        """A whole number within these bounds; a text that is one is taken too."""
        value = self.raw(key)
        text = value.strip() if isinstance(value, str) else ""
        number = Decimal(int(text, 16)) if re.fullmatch("0[xX][0-9a-fA-F]{1,16}", text) else self.number(key)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise self._unfit(key, value, "a whole number")
        if not lowest <= number <= highest:
            raise self.wrong(key, f"{quote(key)} is {_short(number)}, but it must be {lowest} to {highest}")
        return int(number)

    def flag(self, key: str) -> bool | None:
        """true or false; a text that says so is taken too."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().casefold() in {"true", "false"}:
            return value.strip().casefold() == "true"
        raise self._unfit(key, value, "true or false")

    def part(self, key: str) -> Part | None:
        """A block of settings inside this one."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self._unfit(key, value, "a block of settings")
        return Part(value, self.at(key), self.notes)

    def entries(self, key: str) -> list[tuple[Any, Place]]:
        """The entries of a list with their places; none where there is no list, and a wrong one is reported."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.notes.out(self._unfit(key, value, "a list"))
            return []
        if isinstance(value, Items):
            return list(zip(value, value.values_at, strict=True))
        whole = self.at(key)
        return [(entry, whole._replace(file=f"{whole.file}[{index}]")) for index, entry in enumerate(value)]

    def parts(self, key: str) -> list[Part]:
        """The blocks of a list; what else stands in it is reported."""
        return blocks(self.entries(key), self.notes)

    def rest(self, *known: str) -> None:
        """Name the settings that nobody asked for, but those that are known to mean nothing here."""
        for key in self.members:
            if key not in self._asked and key not in known and self.members[key] is not SPOILED:
                self.notes.left(key, self.at(key))


def blocks(entries: Iterable[tuple[Any, Place]], notes: Notes) -> list[Part]:
    """The blocks among the entries of a list; what else stands there is reported."""
    result = []
    for value, place in entries:
        if isinstance(value, Mapping):
            result.append(Part(value, place, notes))
        elif value is not SPOILED:
            notes.out(LeftOut(place, "I22", f"this must be a block of settings, but it is {_kind(value)}"))
    return result


def each(parts: Iterable[Part], take: Callable[[Part], None]) -> int:
    """Take every part, and report those that cannot be taken; gives how many there were."""
    count = 0
    for part in parts:
        count += 1
        try:
            take(part)
        except LeftOut as reason:
            part.notes.out(reason)
    return count


_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")


def decimal_of(value: Any) -> Decimal | None:
    """An exact number of a size that can be computed with; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    text = value.strip() if isinstance(value, str) else _short(value)
    try:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        return None


def _short(number: int | Decimal) -> str:
    # The text of an int of a million digits would take minutes.
    return "a very large number" if isinstance(number, int) and number.bit_length() > 256 else str(number)


def json_path(path: str, name: str) -> str:
    """The path of a member: ``[0].OpcNodes``."""
    step = name if re.fullmatch(r"[\w-]{1,60}", name) else f"[{quote(name)}]"
    return f"{path}.{step}" if path and not step.startswith("[") else f"{path}{step}"


def _joined(file: str, base: str, name: str) -> str:
    path = file.removeprefix(base).removeprefix(": ")
    return f"{base}: {json_path(path, name)}"
