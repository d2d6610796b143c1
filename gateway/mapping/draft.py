"""A profile or a device list made from something else: what an importer gives, before it is written as YAML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.mapping.diagnostics import Diagnostic

Setting: TypeAlias = str | Sequence["Setting"] | Mapping[str, "Setting"]
"""A setting as it will be written: every scalar is a text (``0x0048``, ``0.1``, ``true``)."""


@dataclass(frozen=True)
class DraftPoint:
    """One point (or derived point), its settings in the order in which they will be written."""

    name: str
    settings: Mapping[str, Setting]
    """With ``note`` as its source: ``registers.xlsx!Sheet1!A12``."""


@dataclass(frozen=True)
class DraftProfile:
    """A profile before it is written."""

    profile: str
    protocol: str
    points: Sequence[DraftPoint]
    maker: str = ""
    model: str = ""
    note: str = ""
    head: Mapping[str, Setting] = field(default_factory=dict)
    """The protocol's keys at the top: ``numbering``, ``namespaces``, ``match``."""
    defaults: Mapping[str, Setting] = field(default_factory=dict)
    derived: Sequence[DraftPoint] = ()


@dataclass(frozen=True)
class DraftDevice:
    """A device before it is written."""

    name: str
    profile: str
    connect: Mapping[str, Setting]
    note: str = ""


@dataclass(frozen=True)
class Imported:
    """What an importer made, and all that it did not take, each with its place and reason."""

    profiles: Sequence[DraftProfile] = ()
    devices: Sequence[DraftDevice] = ()
    found: Sequence[Diagnostic] = ()
    """Codes I01, I02, ...; an error means that this row or item is missing from the result."""
    rows: int = 0
    """Rows or items that were looked at."""


def point_name(text: str, taken: Container[str] = (), tried: int = 1) -> str:
    """A legal name for a point with this label that is not ``taken``: "Spannung L1-N [V]" becomes spannung_l1_n.

    A unit in square brackets at the end is left out; what has no letters at all becomes ``point``. ``tried``: numbers
    up to this one are known to be taken.
    """
    words = _SIGN.sub(lambda sign: _SIGNS[sign[0]], _UNIT.sub("", text))
    word = _word(_HUMP.sub("_", words), "_") or "point"
    return _free(word if word[0].isalpha() else f"p_{word}", "_", taken, tried)


def profile_name(text: str, taken: Container[str] = ()) -> str:
    """A legal name for a profile or a device that is not ``taken``: "EM24 (v2)" becomes em24-v2."""
    return _free(_word(text, "-") or "imported", "-", taken)


_NAME_LENGTH = 64
_UNIT = re.compile(r"\s*\[[^\[\]]*]\s*$")
# A+ and A- are two things, while the hyphen of "L1-N" and the dash of "power - total" are none.
_SIGN = re.compile(r"(?<=\w)[+](?!\w)|(?<=\b[A-Za-z])-(?!\w)")
_SIGNS = {"+": " plus ", "-": " minus "}
# BatteryLife and AcPower are two words; kWh, kVar and pH are one.
_HUMP = re.compile("(?<=[a-z]{2})(?=[A-Z][a-z])|(?<=[A-Za-z][a-z])(?=[A-Z][a-z]{2})")
_LETTERS = {
    **dict(zip("ßæøœłđðþı", ("ss", "ae", "o", "oe", "l", "d", "d", "th", "i"), strict=True)),
    **dict(
        zip(
            "αβγδηθλμπρσςτφω",
            [
                "alpha",
                "beta",
                "gamma",
                "delta",
                "eta",
                "theta",
                "lambda",
                "u",
                "pi",
                "rho",
                "s",
                "s",
                "tau",
                "phi",
                "omega",
            ],
            strict=True,
        )
    ),
    **dict(
        zip(
            "абвгдезиклмнопрстуфхцыэ",
            [
                "a",
                "b",
                "v",
                "g",
                "d",
                "e",
                "z",
                "i",
                "k",
                "l",
                "m",
                "n",
                "o",
                "p",
                "r",
                "s",
                "t",
                "u",
                "f",
                "kh",
                "ts",
                "y",
                "e",
            ],
            strict=True,
        )
    ),
    **dict(zip("жчшщюя", ["zh", "ch", "sh", "shch", "yu", "ya"], strict=True)),
    **dict.fromkeys("ъь'’", ""),
}
"""Letters that do not come apart into an ASCII letter and an accent, and apostrophes."""


def _word(text: str, joint: str) -> str:
    """Small ASCII letters and digits, joined where something else stood."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(_LETTERS.get(letter, letter) for letter in apart if not unicodedata.combining(letter))
    return re.sub("[^a-z0-9]+", joint, plain).strip(joint)[:_NAME_LENGTH].rstrip(joint)


def _free(word: str, joint: str, taken: Container[str], tried: int = 1) -> str:
    name, number = word[:_NAME_LENGTH], tried
    while name in taken:
        number += 1
        end = f"{joint}{number}"
        name = word[: _NAME_LENGTH - len(end)] + end
    return name
