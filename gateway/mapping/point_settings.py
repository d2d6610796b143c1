"""The settings of a point, as pydantic models: what stands at a point whatever its protocol.

Where it is read (``at``, ``node``, ``byte`` ...) belongs to the adapter. The descriptions of the fields are what an
editor shows, and what a message says of a setting that is missing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from gateway.mapping.load import Items
from gateway.mapping.spec import HEARTBEAT_S, Confirm, Kind
from gateway.mapping.units import BUILT_IN, Units
from gateway.values import Duration, Number, Period, Settings, Whole, fault, quote


def _unit(text: str, info: ValidationInfo) -> str:
    units = info.context if isinstance(info.context, Units) else BUILT_IN
    return units.symbol(text)


def _scale(scale: Decimal) -> Decimal:
    if scale == 0:
        raise fault("R03", "{owner}: {key} is 0, the value would always be 0", "leave it out where there is none")
    return scale


def _divide(divide: Decimal) -> Decimal:
    if divide == 0:
        raise fault("R03", "{owner}: {key} is 0, and nothing can be divided by 0", "leave it out where there is none")
    return divide


def _two(value: Any) -> Any:
    if isinstance(value, list):
        comma = _decimal_commas(value)
        if comma:
            text = f"{quote(comma.shown)} looks like a decimal comma; inside [ ] a comma starts the next number"
            raise fault("M07", text, f"write {comma.meant}")
        if len(value) != 2:
            raise fault("M17", "{key} must have exactly 2 numbers", "write [0, 10]")
        return tuple(value)
    if isinstance(value, str):
        raise fault("M15", f"{{key}} must be a list, but it is {quote(value)}", "write [0, 10]")
    return value


class _Commas(NamedTuple):
    """A list of which some commas are those of numbers."""

    shown: str
    meant: str


def _decimal_commas(value: list[Any]) -> _Commas | None:
    """``[-40,5, 85]``, where two numbers were meant; None for other lists."""
    if not isinstance(value, Items) or len(value) not in (3, 4):
        return None
    texts = [text for text in value if isinstance(text, str) and re.fullmatch("[+-]?[0-9]+", text)]
    if len(texts) != len(value):
        return None
    starts = [(place.line, place.column) for place in value.values_at]
    ends = [(line, column + len(text) + 1) for (line, column), text in zip(starts, texts, strict=True)]
    close = [end == start for end, start in zip(ends, starts[1:], strict=False)]
    joined = texts[0]
    for is_close, text in zip(close, texts[1:], strict=True):
        joined += ("." if is_close else ", ") + text
    if len(joined.split(", ")) != 2 or any(part.count(".") > 1 for part in joined.split(", ")):
        return None
    return _Commas(f"[{joined.replace('.', ',')}]", f"[{joined}]")


def _ordered(bounds: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    if bounds[0] >= bounds[1]:
        shown = f"[{bounds[0]}, {bounds[1]}]"
        raise fault("R06", f"{{owner}}: {{key}} {shown} is empty", "the first number must be the smaller one")
    return bounds


_MOST_NANS = 100
_MOST_TEXTS = 1000
"""A profile that says so much at ten thousand points is no device model."""


class Band(NamedTuple):
    """A deadband as it is written."""

    size: Decimal
    unit: str
    """As it is spelled; ``%`` for percent, empty where there is none."""


_BAND = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) *(\S.{0,40})?")


def _band(text: Any) -> Any:
    if isinstance(text, list | dict):
        raise fault("M11", "{key} needs a number and a unit", "write for example 0.5 V or 1 %")
    if not isinstance(text, str):
        return text
    if re.match("[0-9]+,[0-9]", text):
        raise fault("M07", f"{quote(text)} uses a decimal comma", f"write {text.replace(',', '.', 1)}")
    match = _BAND.fullmatch(text)
    if match is None or len(match[1]) > 40:
        raise fault("M11", f"deadband {quote(text)} needs a number and a unit", "write for example 0.5 V or 1 %")
    if match[2] == "%" and Decimal(match[1]) > 100:
        raise fault("M13", f"deadband is {text}, but it must be at most 100 %", "it is a part of the last value: 1 %")
    return Band(Decimal(match[1]), match[2] or "")


def _rollover(count: int) -> int:
    if not 2 <= count <= 1 << 64:
        hint = "write how many values the counter has: 65536 for 16 bits, 4294967296 for 32 bits"
        raise fault("M13", f"{{key}} is {count}, but it must be 2 to 18446744073709551616", hint)
    return count


def _bit(bit: int) -> int:
    if not 0 <= bit <= 63:
        raise fault("M13", f"bit {bit} does not exist", "bits are counted from 0, the least significant, to 63")
    return bit


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _some(text: str) -> str:
    if not text:
        raise fault("M20", "{key} has no value", "write it after the colon")
    return text


Unit: TypeAlias = Annotated[str, AfterValidator(_unit)]
Bounds: TypeAlias = Annotated[tuple[Number, Number], BeforeValidator(_two), AfterValidator(_ordered)]
Word: TypeAlias = Annotated[str, AfterValidator(_some), Field(max_length=256)]


class WriteSettings(Settings):
    """``write:`` of a point: that it may be written, and within which bounds."""

    range: Bounds | None = Field(None, description="The smallest and the largest value that may be written.")
    step: Annotated[Number, Field(gt=0)] | None = Field(None, description="Only multiples of this may be written.")
    unit: Unit = Field("", description="The unit of range and step; it must be that of the point.")
    values: Annotated[list[Word], BeforeValidator(_several)] = Field(
        default_factory=list, description="The texts of enum that may be written; all of them where this is left out."
    )
    every: Duration = Field(0.0, description="The shortest time between two writes.")
    confirm: Confirm = Field(
        "answer", description="answer: the device's answer is enough. readback: the point is read again and compared."
    )
    idempotent: bool = Field(
        False,
        description="true: sent twice it does what it does once, so that it is sent once more where nobody knows what "
        "became of it. Never true of pulses and of what counts.",
    )


class PointSettings(Settings):
    """What every point has, whatever its protocol."""

    unit: Unit = Field("", description="What the device gives. The list: fieldgate units.")
    as_: Unit = Field("", alias="as", description="The unit that is published; the value is converted exactly.")
    scale: Annotated[Number, AfterValidator(_scale)] = Field(Decimal(1), description="value = raw x scale + offset")
    divide: Annotated[Number, AfterValidator(_divide)] = Field(
        Decimal(1), description="value = raw / divide + offset; instead of scale."
    )
    offset: Number = Field(Decimal(0), description="Is added after scaling.")
    scale_from: str = Field("", description="The point whose raw value n scales this one by 10 to the power of n.")
    nan: Annotated[list[Whole], BeforeValidator(_several)] = Field(
        default_factory=list,
        max_length=_MOST_NANS,
        description='Raw values that mean "no value", as the register holds them: [0x8000].',
    )
    enum: dict[Whole, Word] = Field(
        default_factory=dict, max_length=_MOST_TEXTS, description="Texts for raw values: {0: off, 1: on}."
    )
    flags: dict[Annotated[Whole, AfterValidator(_bit)], Word] = Field(
        default_factory=dict, description="Names for single bits: {0: overload, 3: door_open}."
    )
    kind: Kind = Field(
        "gauge",
        description="gauge: goes up and down. counter: only grows. info: hardly ever changes, published on change.",
    )
    rollover: Annotated[Whole, AfterValidator(_rollover)] | None = Field(
        None, description="How many raw values a counter has; after the last one it begins at 0 again: 65536."
    )
    range: Bounds | None = Field(
        None, description="What values are possible, in the published unit; what lies outside is uncertain."
    )
    deadband: Annotated[Any, BeforeValidator(_band)] = Field(
        None, description="Publish only when it moved so far: 0.5 V, 1 %. 0: at any change."
    )
    heartbeat: Annotated[Duration, Field(ge=1)] = Field(
        HEARTBEAT_S, description="The longest silence of a point with a deadband: 15min."
    )
    every: Annotated[Period, Field(ge=0.01)] = Field(
        5.0, description="How often it is read: 500ms, 5s, 10min, 1h; or start: once, when the link is opened."
    )
    write: WriteSettings | None = Field(None, description="Allows writing, and bounds it. Without it nobody can write.")
    when: str = Field("", description="A formula; the point is published only while it is true: mode == 'auto'.")
    exists: str = Field(
        "",
        description="A formula; while it is not true the device does not have the point, which is not even read: "
        "module_count >= 3.",
    )
    note: str = Field("", description="For people.")


class DerivedSettings(Settings):
    """A point of ``derived:``, which is computed from others."""

    expr: Word = Field(..., description="the formula: (voltage_l1 + voltage_l2) / 2")
    unit: Unit = Field("", description="What the formula gives.")
    as_: Unit = Field("", alias="as", description="The unit that is published; the value is converted exactly.")
    range: Bounds | None = Field(None, description="What values are possible; what lies outside is uncertain.")
    deadband: Annotated[Any, BeforeValidator(_band)] = Field(None, description="Publish only when it moved so far.")
    heartbeat: Annotated[Duration, Field(ge=1)] = Field(HEARTBEAT_S, description="The longest silence: 15min.")
    when: str = Field("", description="A formula; the point is published only while it is true.")
    note: str = Field("", description="For people.")
