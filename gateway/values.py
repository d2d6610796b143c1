"""The texts of the mapping language that are not words: how "0x48", "5s" and "20 GB" become values.

Everything in a plant folder stays text until a model says what it is (a serial number 00123456 is no number, NO is no
boolean). The annotated types here are what pydantic models of the core and of the adapters use for their fields. A text
that does not fit raises the error of the message catalogue, with its hint.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError


class Settings(BaseModel):
    """A block of settings in a plant file: frozen, and no key that it does not know.

    The text below a field is its description, which editors show.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)


def fault(code: str, text: str, hint: str = "") -> PydanticCustomError:
    """An error of the message catalogue, to be raised by a validator.

    ``{key}`` in the text is the setting's name in quotes, ``{owner}`` the name of the point or device that has it.
    """
    # pydantic fills braces in the template from the context: texts of users must not be taken for places to fill.
    return PydanticCustomError("fieldgate", "{text}", {"code": code, "text": text, "hint": hint})


_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}\.000")


def looks_like_thousands(text: str) -> bool:
    """Whether a number is one that some countries would write for a thousand times as much: ``1.000``."""
    return _THOUSANDS.fullmatch(text) is not None


def quote(text: str) -> str:
    """A user's text as messages repeat it: in quotes, not endless."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'


_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_LONGEST = 40
"""Characters of a number: far more than 64 bits or a double need, far less than arithmetic takes long for."""


def whole(text: Any) -> Any:
    """A whole number in decimal or hexadecimal; M05 for a leading zero, M04 for anything else."""
    if not isinstance(text, str):
        return text
    if (_DECIMAL.fullmatch(text) or _HEX.fullmatch(text)) and len(text) <= _LONGEST:
        return int(text, 0)
    if _LEADING_ZERO.fullmatch(text):
        digits = text.lstrip("+-0") or "0"
        hint = f"write {digits}, or 0x{digits} for hexadecimal"
        raise fault("M05", f"{quote(text)} starts with a zero; it is not clear whether it is decimal or octal", hint)
    raise fault("M04", f"{{key}} must be a whole number, but it is {quote(text)}", "write for example 72 or 0x0048")


def number(text: Any) -> Any:
    """An exact decimal; M07 for a decimal comma, M06 for anything else that is no number."""
    if not isinstance(text, str):
        return text
    if _NUMBER.fullmatch(text) and len(text) <= _LONGEST:
        return Decimal(text)
    if _DECIMAL_COMMA.fullmatch(text):
        raise fault("M07", f"{quote(text)} uses a decimal comma", f"write {text.replace(',', '.')}")
    raise fault("M06", f"{{key}} must be a number, but it is {quote(text)}", "write for example 0.1")


_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) *(ms|s|min|h|d)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}


def seconds(text: Any) -> Any:
    """A time with its unit, as seconds; M09 for anything else."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text)
    if match is None:
        example = f"did you mean {text}s? Write" if _NUMBER.fullmatch(text) and len(text) <= _LONGEST else "write"
        raise fault("M09", f"{quote(text)} is not a time", f"{example} for example 500ms, 5s, 10min, 1h")
    return float(Decimal(match[1]) * _SECONDS[match[2]])


_YEARS = re.compile("([0-9]{1,3}) *y")
_YEAR_S = 365.0 * 86_400


def lifetime(text: Any) -> Any:
    """A time, years as well, as seconds; None for ``none``. M09 for anything else."""
    if text == "none":
        return None
    if isinstance(text, str) and (match := _YEARS.fullmatch(text)):
        return int(match[1]) * _YEAR_S
    try:
        return seconds(text)
    except PydanticCustomError:
        raise fault("M09", f"{quote(text)} is not a time", "write for example 12h, 60d, 1y or none") from None


_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) *(k|M|G|T)(i?)B")
_PREFIXES = {"k": 1, "M": 2, "G": 3, "T": 4}


def size_bytes(text: Any) -> Any:
    """A size with its unit, as bytes; M19 for anything else."""
    if not isinstance(text, str):
        return text
    # KiB is written with a capital K, kB with a small one (IEC 80000-13); people mix them up and mean no harm.
    match = _SIZE.fullmatch(text.replace("K", "k"))
    if match is None:
        raise fault("M19", f"{quote(text)} is not a size", "write for example 500 MB, 20 GB or 2 GiB")
    step = 1024 if match[3] else 1000
    return int(Decimal(match[1]) * Decimal(step) ** _PREFIXES[match[2]])


Whole: TypeAlias = Annotated[int, BeforeValidator(whole)]
"""A whole number: ``72`` or ``0x0048``."""
Number: TypeAlias = Annotated[Decimal, BeforeValidator(number)]
"""An exact decimal: ``0.1`` is one tenth, not the nearest double."""
Duration: TypeAlias = Annotated[float, BeforeValidator(seconds)]
"""A time in seconds, written ``500ms``, ``5s``, ``10min``, ``1h``, ``60d``."""
Lifetime: TypeAlias = Annotated[Annotated[float, Field(ge=60)] | None, BeforeValidator(lifetime)]
"""How long something is kept, in seconds, written ``12h``, ``60d``, ``1y``; None for ``none``: without end."""
Size: TypeAlias = Annotated[int, BeforeValidator(size_bytes)]
"""A size in bytes, written ``500 MB``, ``20 GB``, ``2 GiB``."""

ValueType: TypeAlias = Literal[
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int24",
    "uint24",
    "int32",
    "uint32",
    "int48",
    "uint48",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bcd16",
    "bcd32",
    "bcd64",
    "signmag16",
    "signmag32",
    "string",
    "bytes",
    "hhmm",
    "datetime",
    "version",
]
"""The types of raw values. An address with a field ``type`` says by it how wide and how precise its values are."""

BIT_WIDTHS: dict[ValueType, int] = {
    "bool": 1,
    "int8": 8,
    "uint8": 8,
    "int16": 16,
    "uint16": 16,
    "int24": 24,
    "uint24": 24,
    "int32": 32,
    "uint32": 32,
    "int48": 48,
    "uint48": 48,
    "int64": 64,
    "uint64": 64,
    "float16": 16,
    "float32": 32,
    "float64": 64,
    "bcd16": 16,
    "bcd32": 32,
    "bcd64": 64,
    "signmag16": 16,
    "signmag32": 32,
    "string": 0,
    "bytes": 0,
    "hhmm": 16,
    "datetime": 0,
    "version": 16,
}
"""0: as wide as the address says with ``length``."""

TEXTS: frozenset[ValueType] = frozenset(("string", "bytes", "hhmm", "datetime", "version"))
"""Types whose values are no numbers: nothing is scaled."""

_BITS = re.compile("([0-9]{1,3})(?: *[.][.] *([0-9]{1,3}))?")


def bit_range(text: Any) -> Any:
    """``5..15`` or ``3`` as the lowest and the highest bit; L01 for anything else."""
    if isinstance(text, list | dict):
        raise fault("L01", "{owner}: {key} is not a bit range", "write lowest..highest, for example 5..15")
    if not isinstance(text, str):
        return text
    match = _BITS.fullmatch(text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if low > high:
        raise fault("L01", f"{{owner}}: {quote(text)} is not a bit range", "write lowest..highest, for example 5..15")
    return low, high


Bits: TypeAlias = Annotated[tuple[int, int], BeforeValidator(bit_range)]
"""The lowest and the highest bit of a field, counted from 0, the least significant: ``5..15`` or ``3``."""


def period(text: Any) -> Any:
    """As ``seconds``; ``start`` is for ever: once when the link is opened."""
    return math.inf if text == "start" else seconds(text)


Period: TypeAlias = Annotated[float, BeforeValidator(period)]
"""A time in seconds, or ``start``: infinity."""


class SecretMissing(Exception):
    """A secret that is named was never set, or cannot be read."""

    def __init__(self, name: str, why: str = "is not set") -> None:
        super().__init__(f'the secret "{name}" {why}')
        self.name = name


BY_NAME = "write {secret: NAME} here, then: fieldgate secret set PLANT NAME"
"""What to do with a secret."""
_SECRET_NAME = re.compile(
    "(.*[_-])?(pass(word|wd|wort|phrase)|pwd|kennwort|secrets?|token|credentials?|(api|private|(shared[_-]?)?access)[_-]?"
    "key|connection[_-]?string)[0-9]*",
    re.IGNORECASE,
)


def names_secret(name: str) -> bool:
    """Whether what is called so is hardly meant to be read by everybody."""
    return _SECRET_NAME.fullmatch(name) is not None


class Secret(Settings):
    """A secret by its name, ``{secret: filler-01}``: what it hides never stands in a file of the plant."""

    secret: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_.-]{0,63}$")]
    """The name of a secret, which is set with: fieldgate secret set PLANT NAME."""
    _text: str | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise fault("M23", "{key} would stand here for everybody to read", BY_NAME)
        return value

    def holding(self, text: str) -> Self:
        """The same secret with what it hides, for one connection; it is shown nowhere."""
        held = self.model_copy()
        held._text = text
        return held

    def reveal(self) -> str:
        """What it hides. Raises SecretMissing where nobody put it there."""
        if self._text is None:
            raise SecretMissing(self.secret)
        return self._text
