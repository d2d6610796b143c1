"""What single cells of a register list say: numbers, addresses, scaled units, the table, lengths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from gateway.mapping import units
from gateway.mapping.importers.table import Refused
from gateway.values import fault, quote

Gain: TypeAlias = Literal["multiply", "divide"]
"""Value = raw x gain, or value = raw / gain."""
Table: TypeAlias = Literal["coil", "discrete", "input", "holding"]

_FAULT = type(fault("", ""))


# ---- numbers

_PLAIN = r"[-+]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)"
_NUMBER = re.compile(rf"({_PLAIN})(?:[eE]([-+]?[0-9]{{1,2}}))?")
_POWER = re.compile(r"(?:1 ?[*x×·] ?)?10 ?(?:\^|\*\*) ?\(?([-+]?[0-9]{1,2})\)?")
_FRACTION = re.compile(rf"({_PLAIN}) ?/ ?({_PLAIN})")
_EITHER = re.compile(r"[-+]?[1-9][0-9]{0,2}([.,])[0-9]{3}")
_LONGEST = 40


def decimal_mark(texts: Iterable[str]) -> str:
    """How the numbers of a column write decimals: ``.`` or ``,``; empty where no number says it."""
    numbers = [found[0] for text in texts for found in re.finditer("[0-9]*[.,][0-9]+", text)]
    marks = {number.strip("0123456789") for number in numbers if not _EITHER.fullmatch(number)}
    return marks.pop() if len(marks) == 1 else ""


def number(text: str, mark: str = "") -> str:
    """A number as plants write it: 0,1 becomes 0.1, and 10^-1 too. Raises Refused (I11).

    ``mark``: what ``decimal_mark`` says of its column; without it 1.000 and 1,000 can be one or a thousand.
    """
    text = text.replace("−", "-").strip()
    power, fraction, plain = _POWER.fullmatch(text), _FRACTION.fullmatch(text), _NUMBER.fullmatch(text)
    if len(text) > _LONGEST or not (power or fraction or plain):
        raise Refused("I11", f"{quote(text)} is not a number", "write for example 10 or 0.1")
    if power:
        return _spelled(Decimal(1).scaleb(int(power[1])))
    if fraction:
        return _quotient(text, number(fraction[1], mark), number(fraction[2], mark))
    if _EITHER.fullmatch(text):
        if not mark:
            digits = re.sub("[.,]", "", text)
            raise Refused("I11", f"{quote(text)} can be {Decimal(text.replace(',', '.')):f} or {digits}", "write one")
        text = text if mark in text else re.sub("[.,]", "", text)
    text = text.replace(",", ".").removeprefix("+")
    return f"0{text}" if text.startswith(".") else text


def _quotient(text: str, over: str, under: str) -> str:
    with localcontext() as context:
        context.prec = _LONGEST
        if not Decimal(under) or Decimal(over) / Decimal(under) * Decimal(under) != Decimal(over):
            raise Refused("I11", f"{quote(text)} is no decimal number", "write for example 0.1")
        return _spelled(Decimal(over) / Decimal(under))


def _spelled(value: Decimal) -> str:
    return f"{value.normalize():f}" if -20 < value.adjusted() < 20 else str(value)


# ---- units and scales


class Scaled(NamedTuple):
    """A gain with what its own cell says of it."""

    number: str
    gain: Gain | None
    """None where only the person who imports can know."""
    unit: str = ""


_SCALED = re.compile(rf"(10\^[-+]?[0-9]+|1/10+|{_PLAIN}(?:[eE][-+]?[0-9]+)?) ?(?:[*x×·] )?(\D.*)")
_STEP = re.compile(r" ?/ ?(?:bit|lsb|digit|count|inc)s?$", re.IGNORECASE)
_SIGN = re.compile("([x×*·/÷]) ?([-+.,0-9].*)")


def gain(text: str, mark: str = "") -> Scaled:
    """``10``, ``x0.1``, ``/10``, ``0.1 V``, ``1/10``. Raises Refused (I11)."""
    sign = _SIGN.fullmatch(text)
    if sign:
        return Scaled(_not_zero(number(sign[2], mark)), "divide" if sign[1] in "/÷" else "multiply")
    scaled = scaled_unit(text, mark)
    if scaled is not None:
        return scaled
    return Scaled(_not_zero(number(text, mark)), None)


@lru_cache(maxsize=4096)
def scaled_unit(text: str, mark: str = "") -> Scaled | None:
    """``0.1 V``: one step of the raw value, in its unit; None where the text is something else."""
    match = _SCALED.fullmatch(_STEP.sub("", text))
    if match is None or known_unit(text) is not None:
        return None
    unit = known_unit(match[2])
    if unit is None:
        return None
    return Scaled(_not_zero(number(match[1], mark)), "multiply", unit)


def _not_zero(text: str) -> str:
    if not Decimal(text):
        raise Refused("I11", f"{quote(text)} cannot be a gain: the value would always be 0", "write 1 for none")
    return text


_NO_UNIT = frozenset(("", "-", "--", "---", "–", "—", "/", "n/a", "na", "n.a.", "none", "no unit", "unitless", "keine"))


def unit_symbol(text: str) -> str:
    """The unit's symbol; empty for what says that there is none. Raises Refused (I09, I11)."""
    if text.casefold() in _NO_UNIT:
        return ""
    try:
        return units.symbol(text)
    except _FAULT as wrong:
        context = wrong.context or {}
        if re.search(r"[*x×·/÷] ?10+\b|\b10+ ?[*x×·÷]|^[-+0-9.,]+ ", text):
            hint = 'write it as one step of the raw value, for example "0.1 V", or put the factor into a column'
            raise Refused("I11", f"the unit {quote(text)} holds a scale that cannot be read", hint) from wrong
        raise Refused("I09", str(context["text"]), str(context["hint"])) from wrong


@lru_cache(maxsize=4096)
def known_unit(text: str) -> str | None:
    """The unit's symbol; None for what is no unit."""
    try:
        return units.symbol(text) or None
    except _FAULT:
        return None


_BRACKETS = re.compile(r"(.*\S) *(?:\[([^\[\]]+)]|\(([^()]+)\)|\bin (\S+))")


def split_label(label: str) -> tuple[str, str]:
    """``Voltage (V)`` as label and unit; a unit that is none stays in the label."""
    match = _BRACKETS.fullmatch(label)
    unit = next((part for part in match.groups()[1:] if part), "") if match else ""
    if match and (known_unit(unit) is not None or scaled_unit(unit) is not None):
        return match[1], unit
    return label, ""


# ---- addresses


@dataclass(frozen=True)
class Cited:
    """An address as a list gives it."""

    first: int
    last: int
    """The same as ``first`` where the cell names one."""
    bit: int | None = None
    hexadecimal: bool = False
    padded: bool = False
    """Whether it begins with 0, as the numbers of coils do."""

    @property
    def registers(self) -> int:
        """How many there are."""
        return self.last - self.first + 1

    @property
    def several(self) -> bool:
        """Whether the cell names a range."""
        return self.last != self.first


_HEX = re.compile(r"(?:0x|16#|&h|\$)([0-9a-f]{1,6})|([0-9a-f]{1,6}) ?(?:h|hex)", re.IGNORECASE)
_BARE_HEX = re.compile("[0-9a-f]{1,6}", re.IGNORECASE)
_DECIMAL = re.compile("[0-9]{1,6}")
_MODICON = re.compile("([134])x ?([0-9]{1,5})", re.IGNORECASE)
_BIT = re.compile(r"(.+?) ?(?:\.|: ?| ?bit ?|/bit ?)([0-9]{1,2})", re.IGNORECASE)
_RANGE = re.compile(r"(.+?) ?(?:-|–|—|\.\.\.?|…|/|,|;|&|~|\n|\bto\b|\bbis\b|\bà\b|\ba\b) ?(.+)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")


def looks_hexadecimal(text: str) -> bool:
    """Whether it is a bare number with the digits A to F."""
    return bool(_BARE_HEX.fullmatch(text)) and not _DECIMAL.fullmatch(text) and not _HEX.fullmatch(text)


def is_address(text: str, hexadecimal: bool = False) -> bool:
    """Whether ``address`` can read it."""
    try:
        address(text, hexadecimal)
    except Refused:
        return False
    return True


def address(text: str, hexadecimal: bool = False) -> Cited:
    """``40001``, ``0x9C41``, ``9C41h``, ``4x0001``, ``40001.3`` (a bit), ``40001-40002``. Raises Refused (I06).

    ``hexadecimal``: numbers without a mark are so, too.
    """
    single = _single(text, hexadecimal)
    if single is not None:
        return single
    if _DATE.fullmatch(text):
        hint = "the spreadsheet made a date of it: write the address as a text"
        raise Refused("I06", f"{quote(text)} is not an address", hint)
    span = _RANGE.fullmatch(text)
    first, last = (_single(span[1], hexadecimal), _single(span[2], hexadecimal)) if span else (None, None)
    if span and first and last and last.first < first.first and len(span[2]) < len(span[1]):
        # 40001/2
        last = _single(span[1][: -len(span[2])] + span[2], hexadecimal)
    if first and last and first.last <= last.first:
        return replace(first, last=last.first)
    bit = _BIT.fullmatch(text)
    register = _single(bit[1], hexadecimal) if bit else None
    if bit and register and int(bit[2]) <= 15:
        return replace(register, bit=int(bit[2]))
    hint = "write for example 40001, 0x9C41 or 40001-40002"
    if looks_hexadecimal(text):
        hint = "if the column is hexadecimal, name it: --column address_hex=..."
    raise Refused("I06", f"{quote(text)} is not an address", hint)


def _single(text: str, hexadecimal: bool) -> Cited | None:
    text = text.strip()
    modicon, spelled_hex = _MODICON.fullmatch(text), _HEX.fullmatch(text)
    if modicon:
        number_ = int(modicon[1]) * 10 ** max(4, len(modicon[2])) + int(modicon[2])
        return Cited(number_, number_)
    if spelled_hex or (hexadecimal and _BARE_HEX.fullmatch(text)):
        value = int(next(part for part in spelled_hex.groups() if part) if spelled_hex else text, 16)
        return Cited(value, value, hexadecimal=True)
    if _DECIMAL.fullmatch(text):
        return Cited(int(text), int(text), padded=len(text) > 4 and text[0] == "0")
    return None


# ---- tables, bits, reserved

_WORDS: tuple[tuple[str, Table], ...] = (
    (r"discrete|digital ?input|input (?:status|contact)|status input|diskret|discr[eè]te|\bdi\b", "discrete"),
    (r"coil|bobin|spule|spole|\bdo\b|kela", "coil"),
    (r"holding|halte|maintien|retenci|mantenimiento|\bhr\b|hållregister|pitorekisteri", "holding"),
    (r"input|eingang|entr[ée]e|entrada|ingresso|\bir\b|\bingångs|tulorekisteri", "input"),
)
_REFERENCES: dict[str, Table] = {"0x": "coil", "1x": "discrete", "3x": "input", "4x": "holding"}
_CODES: tuple[tuple[int, Table], ...] = (
    *((3, "holding"), (4, "input"), (1, "coil"), (2, "discrete")),
    *((6, "holding"), (16, "holding"), (22, "holding"), (23, "holding"), (5, "coil"), (15, "coil")),
)
"""Function codes that read come first: they say where a point is read."""


def table(text: str) -> Table | None:
    """``Holding register``, ``FC04``, ``3,6,16``, ``4x``; None where it says nothing of the kind."""
    text = text.casefold()
    reference = re.fullmatch(r"([134]x|0x(?=x|$|[0-9]{4}))(?:x*|[0-9]*)", text)
    if reference:
        return _REFERENCES[reference[1]]
    for pattern, found in _WORDS:
        if re.search(pattern, text):
            return found
    rest = re.sub(
        r"function|funktion|funzione|fonction|funci[oó]n|code|read|write|and|or|und|et|fc|fn|f|r|w", " ", text
    )
    if not re.fullmatch(r"[\s0-9x(),./;:&+-]+", rest):
        return None
    numbers = [
        int(part, 16) if part.startswith("0x") else int(part) for part in re.findall("0x[0-9]{1,2}|[0-9]+", rest)
    ]
    # 0x10 is 16 to those who write hexadecimal; 10 to nobody.
    return next((found for code, found in _CODES if code in numbers), None)


_TITLE = re.compile(
    r"regist|rekister|\bholding\b|\bcoils\b|discrete|diskret|\bfc ?[0-9]|(?:function|funktions) ?code|\b[0134]x\b"
)


def titled_table(text: str) -> Table | None:
    """The table that a title names: "Input registers", but neither "AC input" nor "Coil temperature"."""
    return table(text) if len(text) <= 100 and _TITLE.search(text.casefold()) else None


_RESERVED = re.compile(
    r"\W*(?:reserved?|reservier\w*|reserv[ée]e?|reservado|riservato|reserverad|varattu|spare|unused|not used|n\.?u\.?"
    r"|nicht (?:benutzt|belegt|verwendet)|frei|libre|internal|intern|do not (?:use|access)|dummy|gap|padding)\b"
    r"(?:\W|[0-9]|register|for future use|area|registers)*",
    re.IGNORECASE,
)


def is_reserved(text: str) -> bool:
    """``Reserved``, ``reserved[3]``, ``nicht belegt``."""
    return bool(_RESERVED.fullmatch(text))


Measure: TypeAlias = Literal["registers", "bytes", "bits", "characters"]
_PER_REGISTER: dict[Measure, int] = {"registers": 1, "bytes": 2, "characters": 2, "bits": 16}
_MEASURED: tuple[tuple[str, Measure], ...] = (
    ("word|reg|wort", "registers"),
    ("byte|octet", "bytes"),
    ("char|zeichen", "characters"),
    ("bit", "bits"),
)


def measure(text: str) -> Measure | None:
    """What a heading or a cell counts a length in: ``Size (bytes)``, ``2 words``; None where it does not say."""
    return next((found for pattern, found in _MEASURED if re.search(pattern, text.casefold())), None)


def registers(text: str, counted: Measure) -> int:
    """How many registers a length means that is ``counted`` so, if its cell says nothing else. Raises Refused (I12)."""
    digits = re.match("[0-9]{1,4}", text)
    if digits is None or not int(digits[0]):
        raise Refused("I12", f"{quote(text)} is not a number of registers", "write for example 2")
    per = _PER_REGISTER[measure(text) or counted]
    return -(-int(digits[0]) // per)
