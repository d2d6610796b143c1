"""The texts of the mapping language that are not words: how "0x48", "5s" and "float32" become values.

Everything in a plant folder stays text until a model says what it is (a serial number 00123456 is no number, NO is no
boolean). The annotated types here are what pydantic models of the core and of the adapters use for their fields. A text
that does not fit raises the error of the message catalogue, with its hint.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


class Settings(BaseModel):
    """A block of settings in a plant file: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def fault(code: str, text: str, hint: str = "") -> PydanticCustomError:
    """An error of the message catalogue, to be raised by a validator; ``{key}`` in the text is the setting's name."""
    # pydantic fills braces in the template from the context: texts of users must not be taken for places to fill.
    return PydanticCustomError("fieldgate", "{text}", {"code": code, "text": text, "hint": hint})


_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(ms|s|min|h|d)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}


def whole(text: Any) -> Any:
    """A whole number in decimal or hexadecimal; M05 for a leading zero, M04 for anything else."""
    if not isinstance(text, str):
        return text
    if _DECIMAL.fullmatch(text) or _HEX.fullmatch(text):
        if len(text) > 40:
            raise fault("M04", f"{{key}} must be a whole number, but it has {len(text)} characters", "")
        return int(text, 0)
    if _LEADING_ZERO.fullmatch(text):
        digits = text.lstrip("+-0") or "0"
        raise fault(
            "M05",
            f'"{text}" starts with a zero; it is not clear whether it is decimal or octal',
            f"write {digits}, or 0x{digits} for hexadecimal",
        )
    raise fault("M04", f'{{key}} must be a whole number, but it is "{text}"', "write for example 72 or 0x0048")


def number(text: Any) -> Any:
    """An exact decimal; M07 for a decimal comma, M06 for anything else that is no number."""
    if not isinstance(text, str):
        return text
    if _NUMBER.fullmatch(text) and len(text) <= 60:
        return Decimal(text)
    if _DECIMAL_COMMA.fullmatch(text):
        raise fault("M07", f'"{text}" uses a decimal comma', f"write {text.replace(',', '.')}")
    raise fault("M06", f'{{key}} must be a number, but it is "{text}"', "write for example 0.1")


def seconds(text: Any) -> Any:
    """A time with its unit, as seconds; M09 for anything else."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text)
    if match is None:
        example = f"did you mean {text}s? Write" if _NUMBER.fullmatch(text) else "write"
        raise fault("M09", f'"{text}" is not a time', f"{example} for example 500ms, 5s, 10min, 1h")
    return float(Decimal(match[1]) * _SECONDS[match[2]])


Whole: TypeAlias = Annotated[int, BeforeValidator(whole)]
"""A whole number: ``72`` or ``0x0048``."""
Number: TypeAlias = Annotated[Decimal, BeforeValidator(number)]
"""An exact decimal: ``0.1`` is one tenth, not the nearest double."""
Duration: TypeAlias = Annotated[float, BeforeValidator(seconds)]
"""A time in seconds, written ``500ms``, ``5s``, ``10min``, ``1h``, ``60d``."""

ValueType: TypeAlias = Literal["bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
"""The types of raw values. An address with a field ``type`` says by it how wide and how precise its values are."""

BIT_WIDTHS: dict[ValueType, int] = {
    "bool": 1,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "float32": 32,
    "float64": 64,
}
