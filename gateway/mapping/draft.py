"""A profile or a device list made from something else: what an importer gives, before it is written as YAML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gateway.mapping.diagnostics import Diagnostic, Place

Setting: TypeAlias = str | Sequence["Setting"] | Mapping[str, "Setting"]
"""A setting as it will be written: every scalar is a text (``0x0048``, ``0.1``, ``true``)."""


class Origin(NamedTuple):
    """Where a setting came from."""

    name: Place
    """What called it so: the heading of a column."""
    value: Place


@dataclass(frozen=True)
class DraftPoint:
    """One point (or derived point), its settings in the order in which they will be written."""

    name: str
    settings: Mapping[str, Setting]
    """With ``note`` as its source: ``registers.xlsx!Sheet1!A12``."""
    place: Place | None = field(default=None, compare=False)
    """Where it came from, for messages."""
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    """By setting, where that is known better."""


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
    place: Place | None = field(default=None, compare=False)
    """Where it came from, for messages."""
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    """Of settings at the top, by name: ``maker``, ``defaults.type``."""


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
_PAIRS = (
    "ä ae ö oe ü ue ß ss æ ae ø o œ oe ł l đ d ð d þ th ı i "
    "α alpha β beta γ gamma δ delta η eta θ theta λ lambda μ u π pi ρ rho σ s ς s τ tau φ phi ω omega "
    "а a б b в v г g д d е e з z и i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ы y э e "
    "ж zh ч ch ш sh щ shch ю yu я ya"
)
_LETTERS = dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True)) | dict.fromkeys("ъь'’", "")
"""Letters that are more than an ASCII letter and an accent (as German writes them where it must), and apostrophes."""


def ascii_letters(text: str) -> str:
    """The text in small letters without accents: "Füllstand" becomes fuellstand, "Température" temperature.

    Letters of other scripts that have no counterpart stay.
    """
    whole = unicodedata.normalize("NFC", text.casefold())
    apart = unicodedata.normalize("NFKD", "".join(_LETTERS.get(letter, letter) for letter in whole))
    return "".join(_LETTERS.get(letter, letter) for letter in apart if not unicodedata.combining(letter))


def _word(text: str, joint: str) -> str:
    """Small ASCII letters and digits, joined where something else stood."""
    return re.sub("[^a-z0-9]+", joint, ascii_letters(text)).strip(joint)[:_NAME_LENGTH].rstrip(joint)


def _free(word: str, joint: str, taken: Container[str], tried: int = 1) -> str:
    name, number = word[:_NAME_LENGTH], tried
    while name in taken:
        number += 1
        end = f"{joint}{number}"
        name = word[: _NAME_LENGTH - len(end)] + end
    return name
