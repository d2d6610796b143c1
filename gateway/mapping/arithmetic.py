"""What a formula computes: its tree of operations made into one plain function of the newest values.

Whatever the values are, the function returns and does not raise. Every part gives a *settled* value: a finite float, an
integer of 64 bits, a bool, a text, None for no value, or a shared Status that says why there is none. Work and size are
bounded by the formula's length: there is no loop and no power in it, and an integer beyond 64 bits becomes a double.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from gateway.model import NOT_A_NUMBER, Quality, Status

Kind: TypeAlias = Literal["literal", "name", "sum", "product", "compare", "logic", "choice", "call"]
Function: TypeAlias = Callable[[Sequence[Any]], Any]
"""From the values by position to a settled value."""

TOO_LARGE = Status(Quality.BAD, "too large for a number")
DIVISION_BY_ZERO = Status(Quality.BAD, "division by zero")
NEGATIVE_ROOT = Status(Quality.BAD, "square root of a negative number")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a formula."""

    kind: Kind
    column: int
    """Where to point at when it is wrong, counted from 0."""
    parts: tuple[Node, ...] = ()
    """A choice has value, condition, value, condition, ..., and the value for when none is true."""
    signs: tuple[str, ...] = ()
    """What stands between the parts (``a - b + c`` is one sum of three); the function of a call."""
    value: Any = None
    """Of a literal; the name of a name."""
    depth: int = 1


def compiled(node: Node, positions: Mapping[str, int]) -> Function:
    """The function of the tree; a KeyError for a name that has no position."""
    if node.kind == "literal":
        constant = node.value
        return lambda values: constant
    if node.kind == "name":
        return _load(positions[node.value])
    parts = [_Part(compiled(part, positions), part.value if part.kind == "name" else "") for part in node.parts]
    quick = _quick(node, parts, positions)
    return quick or _MAKERS[node.kind](node.signs, parts)


def unfit(name: str, value: object) -> Status:
    """Why this value of the point ``name`` (empty for none) cannot be computed with; the value itself is not told."""
    return _unfit(name, type(value).__name__)


@lru_cache(maxsize=1024)
def _unfit(name: str, type_: str) -> Status:
    what, advice = {
        "str": ("a text", ": it can only be compared with == and !="),
        "bytes": ("a row of bytes", ""),
        "tuple": ("a list of flags", ""),
    }.get(type_, ("no number", ""))
    return Status(Quality.BAD, f"{name or 'a part of the formula'} is {what}{advice}")


class _Part(NamedTuple):
    function: Function
    name: str
    """Of a point, for messages; empty where it is something else."""


_NUMBERS = frozenset({bool, int, float})
_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1
_LOW, _HIGH = -(2.0**63), 2.0**63
"""What lies between is settled, be it int or float. As doubles: comparing with them is quick."""


def _settled(number: float) -> float | Status:
    if type(number) is not float:
        if _LOWEST <= number <= _HIGHEST:
            return number
        try:
            number = float(number)
        except OverflowError:
            return TOO_LARGE
    return number if math.isfinite(number) else TOO_LARGE


def _refused(value: Any, name: str) -> Status | None:
    """What an operation gives when this operand is not a number."""
    return value if value is None or type(value) is Status else unfit(name, value)


def _load(position: int) -> Function:
    isfinite = math.isfinite

    def load(values: Sequence[Any]) -> Any:
        value = values[position]
        if type(value) is float:
            return value if isfinite(value) else NOT_A_NUMBER
        return _settled(value) if type(value) is int else value

    return load


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _root(number: float) -> float | Status:
    return math.sqrt(number) if number >= 0 else NEGATIVE_ROOT


_CALLS: dict[str, Callable[..., Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "not": operator.not_,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "sqrt": _root,
}


def _sum(signs: tuple[str, ...], parts: list[_Part]) -> Function:
    (first, first_name), *others = parts
    rest = [(sign == "+", *part) for sign, part in zip(signs, others, strict=True)]

    def added(values: Sequence[Any]) -> Any:
        total = first(values)
        if type(total) not in _NUMBERS:
            return _refused(total, first_name)
        for plus, part, name in rest:
            value = part(values)
            if type(value) not in _NUMBERS:
                return _refused(value, name)
            total = total + value if plus else total - value
        # Only now: a sum that leaves 64 bits on its way and comes back is exact; infinite and NaN do not come back.
        return _settled(total)

    return added


def _product(signs: tuple[str, ...], parts: list[_Part]) -> Function:
    (first, first_name), *others = parts
    rest = [(_OPERATIONS[sign], *part) for sign, part in zip(signs, others, strict=True)]

    def multiplied(values: Sequence[Any]) -> Any:
        total = first(values)
        if type(total) not in _NUMBERS:
            return _refused(total, first_name)
        for operation, part, name in rest:
            value = part(values)
            if type(value) not in _NUMBERS:
                return _refused(value, name)
            try:
                total = _settled(operation(total, value))
            except ZeroDivisionError:
                return DIVISION_BY_ZERO
            if type(total) is Status:
                return total
        return total

    return multiplied


def _compare(signs: tuple[str, ...], parts: list[_Part]) -> Function:
    (first, first_name), *others = parts
    rest = [(_OPERATIONS[sign], sign in {"==", "!="}, *part) for sign, part in zip(signs, others, strict=True)]

    def compared(values: Sequence[Any]) -> Any:
        left, left_name = first(values), first_name
        for operation, equality, part, name in rest:
            right = part(values)
            for value, whose in ((left, left_name), (right, name)):
                if type(value) not in _NUMBERS and (not equality or value is None or type(value) is Status):
                    return _refused(value, whose)
            if not operation(left, right):
                return False
            left, left_name = right, name
        return True

    return compared


def _logic(signs: tuple[str, ...], parts: list[_Part]) -> Function:
    decides = signs[0] == "or"

    def decided(values: Sequence[Any]) -> Any:
        value = None
        for part, name in parts:
            value = part(values)
            if type(value) not in _NUMBERS:
                return _refused(value, name)
            if bool(value) is decides:
                return value
        return value

    return decided


def _choice(_signs: tuple[str, ...], parts: list[_Part]) -> Function:
    otherwise = parts[-1].function
    cases = [(value.function, *condition) for value, condition in zip(parts[:-1:2], parts[1::2], strict=True)]

    def chosen(values: Sequence[Any]) -> Any:
        for value, condition, name in cases:
            holds = condition(values)
            if type(holds) not in _NUMBERS:
                return _refused(holds, name)
            if holds:
                return value(values)
        return otherwise(values)

    return chosen


def _call(signs: tuple[str, ...], parts: list[_Part]) -> Function:
    called = _CALLS[signs[0]]

    def call(values: Sequence[Any]) -> Any:
        numbers = []
        for part, name in parts:
            value = part(values)
            if type(value) not in _NUMBERS:
                return _refused(value, name)
            numbers.append(value)
        result = called(*numbers)
        return result if type(result) is Status else _settled(result)

    return call


_MAKERS: dict[Kind, Callable[[tuple[str, ...], list[_Part]], Function]] = {
    "sum": _sum,
    "product": _product,
    "compare": _compare,
    "logic": _logic,
    "choice": _choice,
    "call": _call,
}


def _quick(node: Node, parts: list[_Part], positions: Mapping[str, int]) -> Function | None:
    """For the shapes that most formulas have: the same results in half the time."""
    if node.kind not in {"sum", "product", "compare"}:
        return None
    if all(part.name for part in parts):
        places = [positions[part.name] for part in parts]
        careful = _MAKERS[node.kind](node.signs, parts)
        if set(node.signs) == {"+"}:
            return _sum_of_points(places, careful)
        return _two_points(_OPERATIONS[node.signs[0]], places[0], places[1], careful) if len(places) == 2 else None
    if len(parts) == 2 and node.parts[1].kind == "literal":
        return _with_literal(node.signs[0], parts[0], node.parts[1].value)
    return None


def _sum_of_points(positions: list[int], careful: Function) -> Function:
    first, *rest = positions

    def added(values: Sequence[Any]) -> Any:
        total = values[first]
        if type(total) not in _NUMBERS:
            return careful(values)
        for position in rest:
            value = values[position]
            if type(value) not in _NUMBERS:
                return careful(values)
            try:
                total += value
            except OverflowError:  # a float and an integer beyond all floats
                return careful(values)
        return total if _LOW <= total <= _HIGH else careful(values)

    return added


def _two_points(operation: Callable[[Any, Any], Any], left: int, right: int, careful: Function) -> Function:
    numbers = _NUMBERS

    def computed(values: Sequence[Any]) -> Any:
        a, b = values[left], values[right]
        # Looked at before the operation: x / inf would be 0, and NaN != 5 true.
        if type(a) in numbers and type(b) in numbers and _LOW <= a <= _HIGH and _LOW <= b <= _HIGH:
            try:
                result = operation(a, b)
            except ZeroDivisionError:
                return DIVISION_BY_ZERO
            if _LOW <= result <= _HIGH:
                return result
        return careful(values)

    return computed


def _with_literal(sign: str, part: _Part, literal: Any) -> Function:
    """The parser has seen that the literal is no zero to divide by, and a text only beside == and !=."""
    operation, equality = _OPERATIONS[sign], sign in {"==", "!="}
    function, name = part
    numbers = _NUMBERS

    def computed(values: Sequence[Any]) -> Any:
        a = function(values)
        if type(a) in numbers:
            result = operation(a, literal)
            return result if _LOW <= result <= _HIGH else _settled(result)
        if equality and a is not None and type(a) is not Status:
            return operation(a, literal)
        return _refused(a, name)

    return computed
