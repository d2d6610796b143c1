"""What people call the types of registers and the orders of their bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from gateway.mapping.diagnostics import did_you_mean
from gateway.mapping.importers.table import Refused
from gateway.values import BIT_WIDTHS, quote

Family: TypeAlias = Literal["int", "uint", "float", "bcd", "signmag", "string", "bytes", "datetime"]
"""A type whose width stands elsewhere: in the number of its registers."""


class Named(NamedTuple):
    """What a cell says of the type."""

    type: str
    """A type of the language, or a ``Family``."""
    number: int | None = None
    """The number behind a string: of characters or of registers, that depends on the list."""
    order: str = ""

    @property
    def bits(self) -> int:
        """Its width; 0 where the type does not say it."""
        return _BITS.get(self.type, 0)


_BITS: Mapping[str, int] = {str(name): width for name, width in BIT_WIDTHS.items()}

_INTEGER_WORDS: dict[str, str] = {
    **dict.fromkeys(
        ("u", "ui", "uint", "unsigned", "unsignedint", "unsignedinteger", "uinteger", "uns", "usint"), "uint"
    ),
    **dict.fromkeys(
        ("unsignedword", "unsignedshort", "unsignedlong", "ulong", "ushort", "uword", "word", "dword"), "uint"
    ),
    **dict.fromkeys(
        ("enum", "enumeration", "bitfield", "bitmap", "bitmask", "bits", "flags", "acc", "count", "hex"), "uint"
    ),
    **dict.fromkeys(("ganzzahlohnevorzeichen", "ohnevorzeichen", "nonsigne", "sinsigno", "entiernonsigne"), "uint"),
    **dict.fromkeys(
        ("s", "i", "si", "int", "sint", "signed", "signedint", "signedinteger", "integer", "sinteger"), "int"
    ),
    **dict.fromkeys(("signedword", "signedshort", "signedlong", "slong", "sshort", "sword", "short", "long"), "int"),
    **dict.fromkeys(
        ("ganzzahl", "mitvorzeichen", "ganzzahlmitvorzeichen", "signe", "entier", "consigno", "entero"), "int"
    ),
    **dict.fromkeys(
        ("float", "real", "ieee", "ieee754", "floatingpoint", "fp", "gleitkomma", "flottant", "flotante"), "float"
    ),
    **dict.fromkeys(("f", "floatieee754", "ieee754float", "single", "singlefloat", "floatsingle"), "float"),
    **dict.fromkeys(("bcd",), "bcd"),
    **dict.fromkeys(("signmag", "sm", "signmagnitude", "signandmagnitude"), "signmag"),
}
"""Words that take a width: 16, 32, ... before or behind them, or the number of registers."""

_WHOLE: dict[str, str] = {
    **dict.fromkeys(("bool", "boolean", "bit", "binary", "flag", "digital", "coil", "bi", "onoff", "1bit"), "bool"),
    **dict.fromkeys(("short", "signedshort", "sshort", "signedword", "sword", "sunssf", "sf"), "int16"),
    **dict.fromkeys(("word", "ushort", "unsignedshort", "unsignedword", "uword"), "uint16"),
    **dict.fromkeys(("long", "dint", "slong", "signedlong", "longint", "signeddword", "sdword", "doubleint"), "int32"),
    **dict.fromkeys(("dword", "doubleword", "ulong", "unsignedlong", "udint", "udword", "unsigneddword"), "uint32"),
    **dict.fromkeys(("lint", "longlong", "signedlonglong", "int64t"), "int64"),
    **dict.fromkeys(("ulint", "lword", "qword", "ulonglong", "unsignedlonglong", "quadword"), "uint64"),
    **dict.fromkeys(("byte", "usint", "uchar", "unsignedchar", "unsignedbyte"), "uint8"),
    **dict.fromkeys(
        ("double", "lreal", "doublefloat", "doubleprecision", "floatdouble", "doubleprecisionfloat"), "float64"
    ),
    **dict.fromkeys(("singleprecision", "singleprecisionfloat", "floatsingleprecision"), "float32"),
    **dict.fromkeys(("hhmm",), "hhmm"),
    **dict.fromkeys(("version",), "version"),
    **dict.fromkeys(("datetime", "dateandtime", "dt"), "datetime"),
    **dict.fromkeys(("bytes", "raw", "bytearray", "octets"), "bytes"),
}
"""Words that say the width, or have none."""
_TEXT = re.compile(
    r"(?:string|str|ascii|asciistring|text|chars?|chararray|utf8|utf8string|octetstring|varchar)([0-9]*)"
)
_WIDTHS = {"int": (8, 16, 24, 32, 48, 64), "uint": (8, 16, 24, 32, 48, 64), "float": (16, 32, 64)}
_WIDTHS |= {"bcd": (16, 32, 64), "signmag": (16, 32)}


@lru_cache(maxsize=4096)
def value_type(text: str) -> Named:
    """``U16``, ``unsigned 32 bit``, ``float32 (CDAB)``, ``STRING(16)``. Raises Refused (I01)."""
    order = re.search(r"\b([abcd]{4})\b", text.casefold())
    named = order[1].upper() if order and order[1].upper() in _ORDERS else ""
    word = re.sub("[^a-z0-9]", "", _plain(text.casefold().replace(order[1] if order and named else "\0", "")))
    found = _read(word)
    if found is None:
        hint = did_you_mean(word, (*_BITS, *_WHOLE), otherwise=f"write one of: {', '.join(_BITS)}")
        hint = "write int8 or int16: both are called so" if word == "sint" else hint
        raise Refused("I01", f"{quote(text)} is not a type", hint)
    return found._replace(order=named)


_BIT = re.compile(
    r"(?:single )?bits? ?(?:no\.?|nr\.?|number)? ?[#:]? ?([0-9]{1,2}(?: ?(?:-|–|\.\.|to) ?[0-9]{1,2})?)", re.IGNORECASE
)


def bits(text: str) -> str:
    """``Bit 0``, ``bits 3-5`` where a type is expected: the numbers of the bits. Empty for anything else."""
    found = _BIT.fullmatch(text)
    return found[1] if found else ""


def _plain(text: str) -> str:
    return text.translate(str.maketrans("äöüéèêáíóñ", "aoueeeaion"))


def _read(word: str) -> Named | None:
    if word in _WHOLE:
        return Named(_WHOLE[word])
    string = _TEXT.fullmatch(word)
    if string:
        return Named("string", int(string[1]) if 0 < len(string[1]) <= 4 else None)
    if word in _BITS:
        return Named(word)
    # IEC 61131 calls an 8-bit integer so, others a signed one of any width.
    if word == "sint":
        return None
    if word in _INTEGER_WORDS:
        return Named(_INTEGER_WORDS[word])
    return _sized(word)


def _sized(word: str) -> Named | None:
    """A family with the one number that stands before, behind or inside its name."""
    # The number in the name of the standard is no width.
    rest = re.sub("ieee(?:754)?", "", word)
    widths = {int(width) for width in re.findall("[0-9]+", rest)}
    names = [re.sub(pattern, "", rest) for pattern in ("[0-9]+bits", "[0-9]+bit", "[0-9]+t?$|[0-9]+")]
    family = next((_INTEGER_WORDS[name] for name in names if name in _INTEGER_WORDS), None)
    if family is None and rest != word and names[1] == "":
        family = "float"
    if family is None or len(widths) != 1:
        return None
    width = widths.pop()
    return Named(f"{family}{width}") if width in _WIDTHS.get(family, ()) else None


def count(registers: int) -> str:
    """``2 registers``."""
    return f"{registers} register{'' if registers == 1 else 's'}"


def of_width(family: str, registers: int | None) -> str:
    """The type of a family that takes so many registers. Raises Refused (I12) where there is none."""
    widths = _WIDTHS.get(family)
    if widths is None:
        return family
    if registers is None and family == "float":
        # REAL, float, IEEE 754: who means 64 bits says double.
        return "float32"
    if registers is None:
        hint = f"write {family}16 or {family}32; a column with the number of registers says it too"
        raise Refused("I12", f'"{family}" does not say how wide it is', hint)
    if registers * 16 not in widths:
        text = f'there is no "{family}" of {count(registers)}'
        raise Refused("I12", text, f"it can have {', '.join(str(width // 16) for width in widths if width % 16 == 0)}")
    return f"{family}{registers * 16}"


_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_DIGITS = {"1234": "ABCD", "3412": "CDAB", "2143": "BADC", "4321": "DCBA"}
_DIGITS |= {"0123": "ABCD", "2301": "CDAB", "1032": "BADC", "3210": "DCBA"}
_ORDER_WORDS = (
    (
        r"(?:ms ?w|msr|high word|most significant (?:word|register)|hi) ?(?:first|lo(?:w)?\b)|big ?endian$|^be$",
        "ABCD",
    ),
    (
        r"(?:ls ?w|lsr|low word|least significant (?:word|register)) ?first|(?:word|register)s? ?swap"
        r"|swapped (?:word|reg)",
        "CDAB",
    ),
    (r"byte ?s? ?swap|swapped bytes", "BADC"),
)


def order(text: str) -> str:
    """``ABCD``, ``3412``, ``LSW first``; the byte order as the language names it. Raises Refused (I14)."""
    folded = text.casefold()
    letters = re.sub("[^a-d]", "", folded).upper() if re.fullmatch(r"[a-d \-_,]+", folded) else ""
    digits = re.sub("[^0-4]", "", folded) if re.fullmatch(r"[0-4 \-_,]+", folded) else ""
    if letters in _ORDERS:
        return letters
    if digits in _DIGITS:
        return _DIGITS[digits]
    spaced = re.sub("[^a-z]+", " ", folded).strip()
    byte_too = (
        re.search("little endian bytes?|byte", spaced) and re.search("swap", spaced) and re.search("word", spaced)
    )
    for pattern, found in _ORDER_WORDS:
        if re.search(pattern, spaced) and not byte_too:
            return found
    hint = "write ABCD, CDAB, BADC or DCBA: 230.2 is 43 66 33 33 in ABCD, 33 33 43 66 in CDAB"
    if sorted(folded) == list("abcd"):
        near = max(_ORDERS, key=lambda known: sum(map(str.__eq__, known.casefold(), folded)))
        hint = f'did you mean "{near}"? {hint}'
    raise Refused("I14", f"{quote(text)} does not say in which order all bytes come", hint)
