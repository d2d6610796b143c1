"""``units.yaml`` judged: the units that a site adds to the list."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gateway.mapping.diagnostics import Report
from gateway.mapping.document import UnitSettings, UnitsFile
from gateway.mapping.judge import Owner, child, judge
from gateway.mapping.load import Block
from gateway.mapping.units import BUILT_IN, SiteUnit, Units
from gateway.values import quote

_LONGEST = 32
"""Characters of a symbol."""


def read(blocks: Sequence[Block], report: Report) -> Units:
    """All units of the plant; those with mistakes are left out, and reported."""
    before, complete = report.errors, True
    places: dict[str, Block] = {}
    added: list[SiteUnit] = []
    for block in blocks:
        complete &= judge(UnitsFile, block, Owner("this file", block.place), report) is not None
        units = block.get("units")
        if not isinstance(units, Block):
            continue
        for symbol in units:
            if symbol.strip() != symbol or len(symbol) > _LONGEST:
                text = f"{quote(symbol)} is not a valid symbol of a unit"
                hint = f"use at most {_LONGEST} characters, and no space round them"
                report.error(units.keys_at[symbol], "M18", text, hint)
                continue
            own = child(units, symbol, report) if units[symbol] is not None else Block(units.keys_at[symbol])
            owner = Owner(quote(symbol), units.keys_at[symbol])
            settings = judge(UnitSettings, own, owner, report) if own is not None else None
            if settings is None or own is None:
                # Known by its name, so that nothing more is said where it is used.
                added.append(SiteUnit(symbol))
                complete = False
                continue
            own.place = units.keys_at[symbol]
            places[symbol] = own
            added.append(
                SiteUnit(
                    symbol=symbol,
                    aliases=tuple(settings.aliases),
                    base=settings.base,
                    factor=Fraction(settings.factor),
                    shift=Fraction(settings.shift),
                    unece=settings.unece,
                    ucum=settings.ucum,
                    dtdl=settings.dtdl,
                    description=settings.note,
                )
            )
    units_, findings = BUILT_IN.with_site(added) if added else (BUILT_IN, [])
    for finding in findings:
        entry = places.get(finding.symbol)
        if entry is not None:
            report.error(entry.values_at.get(finding.key, entry.place), finding.code, finding.text, finding.hint)
    if report.errors != before:
        report.mute("R05", "R10", *(() if complete else ("M12",)))  # they may follow from what is wrong here
    return units_
