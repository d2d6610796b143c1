"""One entry of a profile that stands for many points: ``cell_{i}: {at: 100, repeat: {i: 1..24, step: 2}}``.

In the name and in every text of the entry, ``{i}`` stands for the number, and ``{100 + 2 * i}`` for what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple, TypeAlias

from gateway.mapping.diagnostics import Place, Report
from gateway.mapping.expression import FormulaWrong, parse
from gateway.mapping.judge import describe
from gateway.mapping.load import SPOILED, Block, Items, Node
from gateway.values import fault, quote, whole

MOST = 10_000
"""Points that one profile may come to."""
_MOST_TEXT = 10_000_000
"""Characters with braces, and settings, that all copies of one entry may come to: a plant is no way to fill memory."""

_EXAMPLE = "repeat: {i: 1..24, step: 2}"
_RANGE = re.compile(r"(-?[0-9]{1,6}) *[.][.] *(-?[0-9]{1,6})")
_BRACES = re.compile(r"\{([^{}]*)}")


class Expanded(NamedTuple):
    """The points of a profile one by one."""

    points: Block
    written: Mapping[str, str]
    """For names that came of a ``repeat:``, the name as it was written: ``cell_{i}``."""
    complete: bool
    """Whether all could be written out; what could not is reported."""


def expanded(points: Block, steps: Sequence[str], report: Report) -> Expanded:
    """The points with each ``repeat:`` written out.

    ``steps`` are the settings that ``step`` moves (``at``). Reports names that come out twice (R08), and what cannot be
    written out (R13, and what is wrong with a formula in braces).
    """
    if len(points) <= MOST and not any(_repeats(point) for point in points.values()):
        return Expanded(points, {}, complete=True)
    out, complete = Block(points.place), True
    written: dict[str, str] = {}
    for name, point in points.items():
        place, value_at = points.keys_at[name], points.values_at[name]
        try:
            for own, entry in _entries(name, point, place, len(out), steps, report):
                if own in out:
                    text = f"{quote(own)} is already a point (line {out.keys_at[own].line})"
                    report.error(place, "R08", text, "rename one of the two")
                    continue
                out.put(own, entry, place, value_at)
                if own != name:
                    written[own] = name
        except _Wrong:
            complete = False
            if len(out) >= MOST:
                break
    return Expanded(out, written, complete)


def names_of(points: Block) -> set[str]:
    """The names of the points that come of a ``repeat:``; what is wrong with it is said elsewhere."""
    found: set[str] = set()
    for name, point in points.items():
        if isinstance(point, Block) and "repeat" in point:
            try:
                repeat = _read(point, Report())
                _check(name, repeat, points.keys_at[name], 0, Report())
                text = _text(name, repeat, points.keys_at[name], Report())
                found |= {text(numbers) for numbers in repeat}
            except _Wrong:
                continue
    return found


def template(name: str) -> re.Pattern[str]:
    """What the names are like that come of a name with braces; of any other name, that one alone."""
    return re.compile("-?[0-9]+".join(re.escape(part) for part in re.split(r"\{[^{}]*}", name)))


def are_known(points: Block) -> bool:
    """Whether all names can be told that come of a ``repeat:``; what is wrong with the others is said elsewhere."""
    several = (name for name, point in points.items() if _repeats(point) or _BRACES.search(name))
    return all(names_of(points.only([name])) for name in several)


Numbers: TypeAlias = tuple[int, ...]
"""One for each letter."""


@dataclass(frozen=True, slots=True)
class _Repeat:
    """What ``repeat:`` says."""

    ranges: Mapping[str, range]
    step: int | None

    def __iter__(self) -> Iterator[Numbers]:
        return product(*self.ranges.values())

    def __len__(self) -> int:
        return prod(len(numbers) for numbers in self.ranges.values())


class _Wrong(Exception):
    """Already reported."""


def _repeats(point: Node) -> bool:
    return isinstance(point, Block) and "repeat" in point


def _entries(
    name: str, point: Node, place: Place, so_far: int, steps: Sequence[str], report: Report
) -> Iterator[tuple[str, Node]]:
    """The points that one entry stands for. Raises _Wrong."""
    if not isinstance(point, Block) or "repeat" not in point:
        _check_number(name, so_far + 1, place, report)
        yield name, point
        return
    repeat = _read(point, report)
    _check(name, repeat, place, so_far, report)
    entry = point.only(key for key in point if key != "repeat")
    _check_size(name, entry, len(repeat), place, report)
    own = _text(name, repeat, place, report)
    fill = _filler(entry, repeat, place, report)
    alike, last = len(repeat) > 1, None
    for index, numbers in enumerate(repeat):
        copy = entry if fill is None else fill(numbers)
        if repeat.step and isinstance(copy, Block):
            copy = _stepped(copy, repeat.step * index, steps)
        alike &= last is None or copy == last
        last = copy
        yield own(numbers), copy
    # Where it says nothing of the place, that is missing, which is told of the copies.
    if alike and (not steps or any(key in entry for key in steps)):
        hint = f"write {_EXAMPLE}, or braces: {steps[0] if steps else 'at'}: '{{100 + 2 * i}}'"
        report.error(place, "R13", f"{name}: all of them would be read at the same place", hint)
        raise _Wrong


def _read(point: Block, report: Report) -> _Repeat:
    block = point["repeat"]
    if block is SPOILED:
        raise _Wrong
    if not isinstance(block, Block):
        text = f'"repeat" must be a block of settings ("name: value" lines), but it is {describe(block)}'
        report.error(point.values_at["repeat"], "M14", text, f"write for example {_EXAMPLE}")
        raise _Wrong
    ranges: dict[str, range] = {}
    step: int | None = None
    for name, node in block.items():
        place, text = block.values_at[name], node if isinstance(node, str) else ""
        if node is SPOILED:
            raise _Wrong
        if name == "step":
            step = _whole(text, name, place, report)
            continue
        match = _RANGE.fullmatch(text)
        if not re.fullmatch("[a-z]", name):
            hint = f"write a small letter and its numbers, and step: {_EXAMPLE}"
            report.error(block.keys_at[name], "M01", f"unknown setting {quote(name)}", hint)
            raise _Wrong
        if match is None or int(match[1]) > int(match[2]):
            text = f"{quote(text)} are no numbers to repeat for" if text else f'"{name}" has no numbers to repeat for'
            report.error(place, "R13", text, "write first..last: 1..24")
            raise _Wrong
        ranges[name] = range(int(match[1]), int(match[2]) + 1)
    if not ranges:
        report.error(point.keys_at["repeat"], "R13", '"repeat" names no numbers', "write repeat: {i: 1..24}")
        raise _Wrong
    return _Repeat(ranges, step)


def _whole(text: str, name: str, place: Place, report: Report) -> int:
    try:
        number = whole(text)
    except type(fault("", "")) as wrong:
        context = wrong.context or {}
        report.error(place, context["code"], context["text"].replace("{key}", quote(name)), context["hint"])
        raise _Wrong from wrong
    return int(number)


def _check(name: str, repeat: _Repeat, place: Place, so_far: int, report: Report) -> None:
    used = {part for braces in _BRACES.findall(name) for part in re.findall("[a-z]+", braces)}
    missing = [letter for letter in repeat.ranges if letter not in used]
    if missing:
        hint = f"write it into the name: {name}_{{{missing[0]}}}"
        report.error(place, "R13", f"{{{missing[0]}}} must stand in the name {quote(name)}, or all are called so", hint)
        raise _Wrong
    _check_number(name, so_far + len(repeat), place, report)


def _check_number(name: str, number: int, place: Place, report: Report) -> None:
    if number > MOST:
        text = f"with {quote(name)} this profile comes to {number} points"
        report.error(place, "R13", text, f"a profile may have {MOST}; make two devices of it")
        raise _Wrong


def _check_size(name: str, entry: Block, copies: int, place: Place, report: Report) -> None:
    if _size(entry) * copies > _MOST_TEXT:
        report.error(place, "R13", f"{quote(name)} is too long to be repeated {copies} times", "shorten its texts")
        raise _Wrong


def _size(node: Node) -> int:
    """What a copy costs, about."""
    if isinstance(node, str):
        return 1 + (len(node) if "{" in node else 0)
    inner = node.values() if isinstance(node, Block) else node if isinstance(node, Items) else ()
    return 10 + sum(_size(part) for part in inner)


Filler: TypeAlias = Callable[[Numbers], Node]


def _filler(node: Node, repeat: _Repeat, place: Place, report: Report) -> Filler | None:
    """What fills the braces in a node; None where there are none. Raises _Wrong."""
    if isinstance(node, str):
        return _text(node, repeat, place, report) if "{" in node else None
    if isinstance(node, Items):
        entries = [_filler(entry, repeat, node.text_at(index, 0), report) for index, entry in enumerate(node)]
        return _items(node, entries) if any(entries) else None
    if isinstance(node, Block):
        settings = {name: _filler(value, repeat, node.text_at(name, 0), report) for name, value in node.items()}
        found = {name: fill for name, fill in settings.items() if fill is not None}
        return _block(node, found) if found else None
    return None


def _items(items: Items, fillers: Sequence[Filler | None]) -> Filler:
    pairs = list(zip(items, fillers, strict=True))
    return lambda numbers: items.filled(node if fill is None else fill(numbers) for node, fill in pairs)


def _block(block: Block, fillers: Mapping[str, Filler]) -> Filler:
    def filled(numbers: Numbers) -> Block:
        copy = block.only(block)
        for name, fill in fillers.items():
            copy[name] = fill(numbers)
        return copy

    return filled


def _text(text: str, repeat: _Repeat, place: Place, report: Report) -> Callable[[Numbers], str]:
    """What fills the braces of a text; ``place`` is where its first character stands. Raises _Wrong."""
    parts: list[str | Callable[[Numbers], int]] = []
    end = 0
    for match in _BRACES.finditer(text):
        # Columns count from the value's begin, as far as it stands on one line.
        at = place._replace(column=place.column + match.start(1))
        parts += [text[end : match.start()], _computed(match[1], repeat, at, report)]
        end = match.end()
    parts.append(text[end:])
    return lambda numbers: "".join(part if isinstance(part, str) else str(part(numbers)) for part in parts)


def _computed(text: str, repeat: _Repeat, place: Place, report: Report) -> Callable[[Numbers], int]:
    """What is between two braces, as a function of the numbers; whole for all of them, or _Wrong."""
    try:
        formula = parse(text)
    except FormulaWrong as wrong:
        report.error(place._replace(column=place.column + wrong.column), wrong.code, wrong.text, wrong.hint)
        raise _Wrong from wrong
    for name in formula.names:
        if name not in repeat.ranges:
            where = place._replace(column=place.column + formula.at(name))
            known = ", ".join(repeat.ranges)
            report.error(where, "X03", f"repeat: has no {quote(name)}", f"in braces there may be: {known}")
            raise _Wrong
    compute = formula.bind({name: index for index, name in enumerate(repeat.ranges)})

    def computed(numbers: Numbers) -> int:
        result = compute(numbers)
        if isinstance(result, float) and result.is_integer():
            result = int(result)
        if not isinstance(result, int) or isinstance(result, bool):
            report.error(place, "X01", f"{{{text}}} does not come to a whole number", "write for example {100 + 2 * i}")
            raise _Wrong
        return result

    return computed


def _stepped(block: Block, by: int, steps: Sequence[str]) -> Block:
    copy = block.only(block)
    for name in steps:
        if name in block:
            copy[name] = _moved(block[name], by)
    return copy


def _moved(node: Node, by: int) -> Node:
    if isinstance(node, Items):
        return node.filled(_moved(entry, by) for entry in node)
    if not isinstance(node, str) or not re.fullmatch("[+-]?(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})", node):
        return node  # the adapter says what is wrong with it
    if "x" in node.casefold():
        return str(int(node, 16) + by)
    # A manual's 00001 is no octal number.
    moved = str(int(node) + by)
    return moved.zfill(len(node)) if node.startswith("0") else moved
