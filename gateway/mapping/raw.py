"""The raw values of a point: of which type, between which limits, and what one is published as."""

from __future__ import annotations

from gateway import encoding
from gateway.mapping.spec import PointSpec
from gateway.mapping.steps import Doubtful, step
from gateway.model import GOOD, Status, Value
from gateway.values import ValueType


def meaning(spec: PointSpec, raw: Value, power: int | None = 0) -> tuple[Value, Status]:
    """What a raw value is published as. Of a counter that rolls over: what its register says, not the total."""
    function = step(spec, None, {} if spec.scale_from is None else {spec.scale_from: power})
    result = raw if function is None or raw is None else function(raw)
    if isinstance(result, Status):
        return None, result
    return result if isinstance(result, Doubtful) else (result, GOOD)


def type_of(spec: PointSpec) -> ValueType | None:
    """What its address says; None where only the device knows."""
    type_: ValueType | None = getattr(spec.point.address, "type", None)
    return type_


def field_of(spec: PointSpec) -> tuple[int, int] | None:
    """The bits of its register that it is."""
    bits: tuple[int, int] | None = getattr(spec.point.address, "bits", None)
    return bits


def limits(spec: PointSpec) -> tuple[int, int]:
    """The smallest and the largest whole raw value."""
    bits, type_ = field_of(spec), type_of(spec)
    if bits is not None:
        return 0, (1 << bits[1] - bits[0] + 1) - 1
    if type_ == "bool":
        return 0, 1
    return encoding.limits(type_) if type_ is not None and encoding.is_integer(type_) else (-(1 << 63), (1 << 64) - 1)


def is_real(spec: PointSpec) -> bool:
    """Whether its raw values are floating-point numbers."""
    type_ = type_of(spec)
    return type_ is not None and encoding.is_float(type_) and field_of(spec) is None
