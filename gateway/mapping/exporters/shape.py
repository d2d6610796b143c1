"""What a point gives, in the words of JSON: the type of its raw value and of what is published, and its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias

from gateway.mapping.arithmetic import Node
from gateway.mapping.spec import DerivedSpec, PointSpec
from gateway.values import BIT_WIDTHS, TEXTS, ValueType

Type: TypeAlias = Literal["boolean", "integer", "number", "string", "texts"]
"""``texts`` is a list of texts: the names of the flags that are set."""


class Shape(NamedTuple):
    """The type of a value; None where only the device knows it."""

    type: Type | None
    lowest: int | None = None
    """Of an integer."""
    highest: int | None = None


class Line(NamedTuple):
    """How the published value follows from the raw one: raw * times + plus."""

    times: Fraction
    plus: Fraction


def line(spec: PointSpec) -> Line:
    """Scale and conversion in one; ``scale_from`` multiplies the raw value before."""
    return Line(spec.scale * spec.factor, spec.offset * spec.factor + spec.shift)


def untouched(spec: PointSpec) -> bool:
    """Whether the raw value is published as it is."""
    times, plus = line(spec)
    return times == 1 and plus == 0 and spec.scale_from is None and not spec.enum and not spec.flags


def raw(address: Any) -> Shape:
    """The value as the device gives it, after the bits that the address names were taken out."""
    type_: ValueType | None = getattr(address, "type", None)
    if type_ is None:
        return Shape(None)
    if type_ == "bool":
        return Shape("boolean")
    if type_ in TEXTS:
        return Shape("string")
    if type_.startswith("float"):
        return Shape("number")
    return Shape("integer", *_limits(type_, getattr(address, "bits", None)))


def published(spec: PointSpec) -> Shape:
    """The value as it is sent; a code that is not in ``enum`` is sent as a number all the same."""
    if spec.flags:
        return Shape("texts")
    if spec.enum:
        return Shape("string")
    given = raw(spec.point.address)
    if given.type is None:
        # What has a unit or is scaled can only be a number.
        return Shape("number" if spec.unit or not untouched(spec) else None)
    if given.lowest is None or given.highest is None:
        return given
    times, plus = line(spec)
    if spec.scale_from is not None or times.denominator != 1 or plus.denominator != 1:
        return Shape("number")
    ends = sorted((int(given.lowest * times + plus), int(given.highest * times + plus)))
    return Shape("integer", *ends)


def derived(spec: DerivedSpec, types: Mapping[str, Type | None]) -> Type | None:
    """What the formula gives; ``types``: of the points that it may use."""
    return "number" if spec.unit else _computed(spec.formula.tree, types)


def _computed(node: Node, types: Mapping[str, Type | None]) -> Type | None:
    if node.kind == "name":
        given = types.get(node.value)
        return "number" if given == "integer" else given
    if node.kind == "literal":
        return _LITERALS.get(type(node.value), "number")
    if node.kind in ("compare", "logic"):
        return "boolean"
    if node.kind == "choice":
        # Value, condition, value, condition, ..., and the value for when none is true.
        branches = {_computed(part, types) for part in (*node.parts[:-1:2], node.parts[-1])}
        return branches.pop() if len(branches) == 1 else None
    return "number"


_LITERALS: dict[type, Type] = {bool: "boolean", str: "string"}


def _limits(type_: ValueType, bits: tuple[int, int] | None) -> tuple[int, int]:
    """The smallest and the largest raw value."""
    width = BIT_WIDTHS[type_]
    if bits is not None:
        # A field of bits is unsigned, whatever it was taken from.
        return 0, (1 << bits[1] - bits[0] + 1) - 1
    if type_.startswith("bcd"):
        return 0, 10 ** (width // 4) - 1
    if type_.startswith("signmag"):
        return 1 - (1 << width - 1), (1 << width - 1) - 1
    if type_.startswith("int"):
        return -(1 << width - 1), (1 << width - 1) - 1
    return 0, (1 << width) - 1
