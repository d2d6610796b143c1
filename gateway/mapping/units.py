"""The units that are known: which spellings mean one, and what becomes what.

Nothing is parsed: to a parser of units, PF is a petafarad and C a coulomb. Case is part of a spelling, because mW and
MW, s and S are different things; a near spelling is suggested, never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from gateway.mapping.diagnostics import closest
from gateway.mapping.unit_table import TABLES
from gateway.values import fault, quote


class Unit(NamedTuple):
    """One unit. A value is ``value * factor + shift`` in the base unit of its dimension."""

    symbol: str
    """How it is written in messages; ASCII but for what a site adds."""
    quantity: str
    """What it measures, in plain words."""
    dimension: str
    """The same for all units that can be converted into each other."""
    factor: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)
    unece: str = ""
    ucum: str = ""
    dtdl: str = ""
    dtdl_type: str = ""
    """Semantic type; empty where ``dtdl`` is (DTDL has none without a unit) and where the unit does not tell it."""
    aliases: tuple[str, ...] = ()
    """Other spellings, none of which is taken for another unit."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SiteUnit:
    """A unit that a plant adds. A value is ``value * factor + shift`` in ``base``."""

    symbol: str
    aliases: tuple[str, ...] = ()
    base: str = ""
    """Any spelling of a unit, one of the site's too; empty for a unit that cannot be converted."""
    factor: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)
    unece: str = ""
    ucum: str = ""
    dtdl: str = ""
    description: str = ""


class Finding(NamedTuple):
    """What is wrong with a unit that a plant adds."""

    symbol: str
    """Of the entry."""
    key: str
    """Field of ``SiteUnit`` that is to be edited."""
    code: str
    text: str
    hint: str


class Units:
    """A closed list of units. It does not change: what a plant adds makes a new one."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._units = {unit.symbol: unit for unit in units}
        self._spellings = {
            fold(spelling): unit.symbol for unit in self._units.values() for spelling in (unit.symbol, *unit.aliases)
        }

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units.values())

    def __len__(self) -> int:
        return len(self._units)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._units

    def __getitem__(self, symbol: str) -> Unit:
        return self._units[symbol]

    def symbol(self, text: str) -> str:
        """The symbol of the unit that is spelled so; empty for an empty text. Raises the fault M12 for all others."""
        found = self._spellings.get(text) or self._spellings.get(fold(text))
        if found is None and text:
            raise fault("M12", f"unknown unit {quote(text)}", self.advice(text))
        return found or ""

    def conversion(self, source: str, target: str) -> tuple[Fraction, Fraction] | None:
        """Factor and shift, exact: ``target = source * factor + shift``; none where they do not measure the same.

        Both are symbols of this list.
        """
        one, other = self._units[source], self._units[target]
        if one.dimension != other.dimension:
            return None
        return one.factor / other.factor, (one.shift - other.shift) / other.factor

    def alike(self, symbol: str) -> list[str]:
        """Symbols of the other units that it can be converted to."""
        dimension = self._units[symbol].dimension
        return [unit.symbol for unit in self if unit.dimension == dimension and unit.symbol != symbol]

    def advice(self, text: str) -> str:
        """What to write instead of a spelling that is not known."""
        word = fold(text)
        if word in UNCLEAR:
            return UNCLEAR[word]
        percentage = _PERCENTAGE.fullmatch(word)
        if percentage:
            unit = "%" + _PER[percentage["per"] or ""]
            return f'write "{unit}"; what it is a percentage of belongs into the name of the point'
        same = [unit.symbol for unit in self if unit.symbol.casefold() == word.casefold()]
        if len(same) > 1:
            return f'did you mean "{same[0]}" or "{same[1]}"?'
        words = self._spellings | {unit.dtdl: unit.symbol for unit in self if unit.dtdl}
        # The first letter is hardly ever the wrong one, and far-fetched advice is worse than none.
        alike = tuple(known for known in words if known[:1].casefold() == word[:1].casefold())
        near = closest(word, tuple(known for known in alike if known in self._units)) or closest(word, alike)
        return f'did you mean "{words[near]}"?' if near else _LIST

    def with_site(self, entries: Iterable[SiteUnit]) -> tuple[Units, list[Finding]]:
        """A list with these units too, and what is wrong with them (codes N01 to N04).

        They may be given in terms of each other, in any order. A unit with a mistake in its size is still known by its
        name, so that nothing more is said where it is used.
        """
        found: list[Finding] = []
        spellings = dict(self._spellings)
        own = [entry for entry in entries if _claim(entry, spellings, found)]
        units = dict(self._units)
        waiting = own
        while waiting:
            ready = [entry for entry in waiting if spellings.get(fold(entry.base)) in {None, *units}]
            # Where none is ready, they wait for each other.
            for entry in ready or waiting:
                base = units.get(spellings.get(fold(entry.base), ""))
                aliases = tuple(alias for alias in entry.aliases if spellings[fold(alias)] == entry.symbol)
                units[entry.symbol] = _site_unit(entry, aliases, base, found, circular=not ready)
            waiting = [entry for entry in waiting if entry.symbol not in units]
        result = Units(units.values())
        found += [
            Finding(entry.symbol, "base", "N02", f"{entry.symbol}: unknown unit {quote(entry.base)}", hint)
            for entry in own
            if entry.base and fold(entry.base) not in spellings
            for hint in [result.advice(entry.base)]
        ]
        return result, found


def _claim(entry: SiteUnit, spellings: dict[str, str], found: list[Finding]) -> bool:
    """Whether the entry's symbol is its own; it and the other spellings are, where nobody else has them."""
    meaning = spellings.get(fold(entry.symbol))
    if meaning is not None:
        hint = f'choose another symbol, or use "{meaning}" as it is'
        text = f"{quote(entry.symbol)} already means the unit {quote(meaning)}"
        found.append(Finding(entry.symbol, "symbol", "N01", text, hint))
        return False
    spellings[fold(entry.symbol)] = entry.symbol
    for alias in entry.aliases:
        meaning = spellings.setdefault(fold(alias), entry.symbol)
        if meaning != entry.symbol:
            text = f"{entry.symbol}: {quote(alias)} already means the unit {quote(meaning)}"
            found.append(Finding(entry.symbol, "aliases", "N01", text, "leave this spelling out"))
    return True


def _site_unit(
    entry: SiteUnit, aliases: tuple[str, ...], base: Unit | None, found: list[Finding], *, circular: bool
) -> Unit:
    """The unit; one that cannot be converted where the entry gives no other unit, or one that is of no use."""
    unit = Unit(
        symbol=entry.symbol,
        quantity=entry.description or "units of this site",
        dimension=_alone(entry.symbol),
        unece=entry.unece,
        ucum=entry.ucum,
        dtdl=entry.dtdl,
        aliases=aliases,
        description=entry.description,
    )
    if circular:
        text = f"{entry.symbol}: {quote(entry.base)} leads back to itself, never to a unit of the list"
        hint = "give one of them in a unit of the list: fieldgate units"
        found.append(Finding(entry.symbol, "base", "N04", text, hint))
    elif entry.base and not entry.factor:
        text = f"{entry.symbol}: factor is 0, every value would be the same"
        found.append(Finding(entry.symbol, "factor", "N03", text, f"write how many {entry.base} one of it is"))
    elif base is not None:
        return unit._replace(
            quantity=base.quantity,
            dimension=base.dimension,
            factor=entry.factor * base.factor,
            shift=entry.shift * base.factor + base.shift,
            dtdl_type=base.dtdl_type if entry.dtdl else "",
        )
    return unit


# What is written with one code point or another and means the same: the micro, ohm and degree signs, raised digits.
_ONE_SPELLING = str.maketrans(
    {
        "\u00b5": "u",
        "\u03bc": "u",
        "\u03a9": "ohm",
        "\u2126": "ohm",
        "\u00b0": "deg",
        "\u00ba": "deg",
        "\u2103": "degC",
        "\u2109": "degF",
        "\u00b7": ".",
        "\u22c5": ".",
        "\u00b9": "1",
        "\u00b2": "2",
        "\u2082": "2",
        "\u00b3": "3",
        "\u207b": "-",
        "\u00a0": " ",
        "^": "",
    }
)


def fold(spelling: str) -> str:
    """In ASCII, as far as its signs have an equal there: ``µA`` is ``uA``; ``m³`` and ``m^3`` are ``m3``."""
    return spelling.strip().translate(_ONE_SPELLING)


UNCLEAR = {
    "C": "write degC for degrees Celsius",
    "c": "write degC for degrees Celsius",
    "F": "write degF for degrees Fahrenheit",
    "PF": 'write "1" for a power factor',
    "pf": 'write "1" for a power factor',
    "Degrees": "write deg for an angle, degC for a temperature",
    "Grad": "write degC for a temperature, deg for an angle",
    "grad": "write degC for a temperature, deg for an angle",
    **dict.fromkeys(("Grad C", "Grad Celsius", "GradC", "grad C"), "write degC"),
    **dict.fromkeys(("Stk", "Stk.", "Stück"), "write pcs"),
    "degrees": "write deg for an angle, degC for a temperature",
    "H": "write h for hours, mH for an inductance",
    "mS": "write ms for milliseconds, mS/cm for a conductivity",
    "uS": "write us for microseconds, uS/cm for a conductivity",
    "nm": "write Nm for a torque, um for a length",
    "kn": "write kN for a force, knot for a speed",
    "gal": "write gal(US) or gal(UK)",
    "gpm": "write gal(US)/min or gal(UK)/min",
    "GPM": "write gal(US)/min or gal(UK)/min",
    "bbl": "write bbl(US) for 42 US gallons",
    "ton": "write t for 1000 kg, ton(US) for the short ton, ton(UK) for the long ton",
    "tons": "write t for 1000 kg, ton(US) for the short ton, ton(UK) for the long ton",
    "kg/cm2": "write kgf/cm2 for a pressure, kg/m2 for a mass per area",
    "Tms": "write s for seconds, ms for milliseconds",
    "Tmh": "write h for hours",
    "Tmd": "write d for days",
    "mV/*C": "write mV/K",
    "Charges": "write cycle",
    "bph": "write pcs/h",
    "SF": 'write "1" for a plain number',
    **dict.fromkeys(("barg", "bara", "bar(g)", "bar(a)"), "write bar; what it is counted from belongs into the name"),
    **dict.fromkeys(("psig", "psia", "psi(g)", "psi(a)"), "write psi; what it is counted from belongs into the name"),
}
"""Spellings that people use for more than one thing, or that would suggest the wrong one, with what to ask them."""

# "% VRef", "WMaxPct", "% WMax/min": percent of something.
_PERCENTAGE = re.compile(r"(?:%[^/]*|\w+Pct)(?P<per>/s|/sec|/Sec|/min)?")
_PER = {"": "", "/s": "/s", "/sec": "/s", "/Sec": "/s", "/min": "/min"}

_LIST = "the list of units: fieldgate units; own units go into units.yaml; leave unit: out where there is none"

# To more places than a double has: what is computed with it and rounded once is what the true number would give.
_PI = Fraction("3.14159265358979323846264338327950288419716939937511")
_HEADING = re.compile(r"## (?P<quantity>[\w ]+?)(?:: (?P<type>\w+))?(?: = (?P<dimension>\w+))?")


def _read(table: str) -> Iterator[Unit]:
    """The units of a table as ``unit_table`` describes it."""
    quantity = dimension = semantic = ""
    for line in table.strip().splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            quantity, semantic = heading["quantity"], heading["type"] or ""
            dimension = heading["dimension"] or quantity
            continue
        symbol, size, *rest = line.split(maxsplit=5)
        unece, ucum, dtdl = ("" if term == "-" else term for term in rest[:3])
        factor, _, shift = size.partition("+")
        yield Unit(
            symbol=symbol,
            quantity=quantity,
            dimension=_alone(symbol) if dimension == "alone" else dimension,
            factor=_product(factor),
            shift=_product(shift or "0"),
            unece=unece,
            ucum=ucum,
            dtdl=dtdl,
            dtdl_type=semantic if dtdl else "",
            aliases=tuple(rest[3].split(" | ")) if rest[3:] else (),
        )


def _alone(symbol: str) -> str:
    """The dimension of a unit that cannot be converted."""
    return f"{symbol} alone"


def _product(text: str) -> Fraction:
    """``a*b/c``, from left to right."""
    result = Fraction(1)
    for sign, number in re.findall(r"([*/]?)([^*/]+)", text):
        value = _PI if number == "pi" else Fraction(number)
        result = result / value if sign == "/" else result * value
    return result


BUILT_IN = Units(unit for table in TABLES for unit in _read(table))
"""What is known without a plant's ``units.yaml``."""

UNITS: dict[str, Unit] = {unit.symbol: unit for unit in BUILT_IN}
"""By symbol."""


def symbol(text: str) -> str:
    """``BUILT_IN.symbol``."""
    return BUILT_IN.symbol(text)
