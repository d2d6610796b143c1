"""What the value of a register means by the cells of its row: unit, scale, codes, range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from gateway.mapping.draft import Setting
from gateway.mapping.importers import cells, codes
from gateway.mapping.importers.cells import Gain, Scaled
from gateway.mapping.importers.lookup import NOTHING, Lookup
from gateway.mapping.importers.table import Refused
from gateway.values import TEXTS, quote

_NO_VALUE = re.compile(
    r"(?<![\w.])(0x[0-9A-Fa-f]{2,16}|-?[0-9]{3,20})\s*(?:=|:|means|is|bedeutet)?\s*"
    r"(?:not available|unavailable|not implemented|not connected|no value|no sensor|no data|n/a\b|invalid|"
    r"nicht verfügbar|nicht vorhanden|kein Wert|kein Fühler|kein Sensor|ungültig|non disponible|non valide)",
    re.IGNORECASE,
)
"""``0x8000 = not available``"""


_LONGEST_REMARK = 60
"""Characters of a remark in a note."""


def shortened(text: str) -> str:
    """A remark on one line, and not endless."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REMARK else f"{text[: _LONGEST_REMARK - 1].rstrip()}…"


_COUNTS = re.compile(
    r"\bcounter|counter\b|z(?:ä|ae)hler|\btotal energy\b|\benergy total\b|compteur|contador\b|contatore|gesamtenergie",
    re.IGNORECASE,
)
_ENERGY = re.compile("[kMGT]?(?:Wh|varh|VAh)")


def is_counter(label: str, type_: str, unit: str) -> bool:
    """Whether the label says that an energy only ever grows; one that does not say it may count a day, or a balance."""
    return type_ in ("uint32", "uint64") and bool(_ENERGY.fullmatch(unit)) and bool(_COUNTS.search(label))


class Meaning:
    """Reads the cells behind the address and the type of a row."""

    def __init__(self, lookup: Lookup, gain: Gain | None) -> None:
        self._lookup = lookup
        self._gain = gain

    def settings(self, row: int, named: str, bracket: str, remarks: list[str]) -> dict[str, Setting]:
        """The settings of a point of type ``named``; ``bracket`` is the unit behind its label.

        Raises Refused; what cannot be a setting goes to ``remarks``, and is reported where it should be one.
        """
        texts, column = self._codes(row, named)
        found = self._settings(row, named, bracket, texts, remarks)
        remarks += self._rest(row, found, column if texts.keys() & found.keys() else None)
        return found

    def _settings(
        self, row: int, named: str, bracket: str, texts: dict[str, Setting], remarks: list[str]
    ) -> dict[str, Setting]:
        unit, step = self._unit(row, bracket, remarks)
        scaled, offset = self._scaled(row, step), self._offset(row)
        if named == "bool" or named in TEXTS:
            if (scaled and scaled.number != "1") or offset:
                self._warn(row, "scale", "I17", f"a {named} has no scale; it is left out")
            return {key: setting for key, setting in (("unit", unit), *texts.items()) if setting}
        if texts and ((scaled and scaled.number != "1") or offset):
            self._warn(row, "scale", "I17", "a value with a scale has no codes; they are left out", "check the scale")
            texts = {}
        found: dict[str, Setting] = {"unit": scaled.unit if scaled and scaled.unit else unit}
        if scaled and scaled.number != "1":
            found["divide" if scaled.gain == "divide" else "scale"] = scaled.number
        found |= {"offset": offset, "nan": self._missing(row), **(texts or self._range(row, scaled, remarks))}
        return {key: setting for key, setting in found.items() if setting}

    def _warn(self, row: int, role: str, code: str, text: str, hint: str = "") -> None:
        self._lookup.warn(row, self._lookup.column(role), code, text, hint)

    # ---- unit and scale

    def _unit(self, row: int, bracket: str, remarks: list[str]) -> tuple[str, Scaled | None]:
        """The unit, and the scale that its cell holds too."""
        text, role = self._lookup.text(row, "unit"), "unit"
        if text.casefold() in NOTHING:
            text, role = bracket, "name"
        if cells.known_unit(text) is None and _listed(text, 1) is not None:
            # Codes in the unit's column: there is no unit.
            return "", None
        with self._lookup.reading(role):
            step = cells.scaled_unit(text, self._lookup.mark)
            if step is not None:
                return step.unit, step
            try:
                return cells.unit_symbol(text), None
            except Refused as wrong:
                if wrong.code != "I09":
                    raise
                self._warn(row, role, "I09", f"{wrong.text}; imported without", wrong.hint)
                remarks.append(f"unit {text}")
                return "", None

    def _scaled(self, row: int, step: Scaled | None) -> Scaled | None:
        """What the value is multiplied with or divided by, with the unit where the same cell holds it."""
        found = step
        fixed: tuple[tuple[str, Gain | None], ...] = (("scale", None), ("multiply", "multiply"), ("divide", "divide"))
        for role, always in fixed:
            text = self._lookup.text(row, role)
            if text.casefold() in NOTHING or (not text.isdecimal() and cells.known_unit(text) is not None):
                continue
            with self._lookup.reading(role):
                scaled = cells.gain(text, self._lookup.mark)
                if Decimal(scaled.number) == 1:
                    found = found or scaled._replace(number="1")
                    continue
                gain = always or scaled.gain or self._gain
                if gain is None:
                    wrong = f"{quote(text)} is not imported before it is clear what the column does"
                    raise Refused("I03", wrong, "choose --divide or --multiply")
                if found is not None and Decimal(found.number) != 1:
                    raise Refused(
                        "I11", f"{quote(text)} is a second scale beside {found.number}", "keep one of the two"
                    )
                found = Scaled(scaled.number, gain, scaled.unit or (found.unit if found else ""))
        return found

    def _offset(self, row: int) -> str:
        text = self._lookup.text(row, "offset")
        if text.casefold() in NOTHING:
            return ""
        with self._lookup.reading("offset"):
            shift = cells.number(text, self._lookup.mark)
        return shift if Decimal(shift) else ""

    # ---- codes

    def _codes(self, row: int, named: str) -> tuple[dict[str, Setting], int | None]:
        """``enum`` or ``flags``, from the first cell that holds nothing else, and its column."""
        if named in TEXTS or named.startswith("float"):
            return {}, None
        for role, fewest in (("unit", 1), ("values", 1), ("remark", 2), ("description", 2)):
            for column, text in self._lookup.texts(row, role):
                if role == "unit" and cells.known_unit(text) is not None:
                    continue
                found = _listed(text, fewest)
                if found is not None:
                    key, listed = found
                    for number in listed.repeated:
                        say = f"{number} has two texts; {quote(listed.texts[number])} is kept"
                        self._lookup.warn(row, column, "I10", say, "write each number once")
                    return {key: {str(number): meaning for number, meaning in listed.texts.items()}}, column
                if role != "unit" and codes.looks_like_codes(text):
                    say = "the codes in this cell cannot be read; they stand in the note"
                    self._lookup.warn(row, column, "I10", say, "write them like 0=Open;1=Closed")
        return {}, None

    def _rest(self, row: int, found: Mapping[str, Setting], codes_at: int | None) -> list[str]:
        """What the remarks say beyond the settings that were found."""
        rest = []
        for role in ("values", "remark"):
            for column, text in self._lookup.texts(row, role):
                told = column == codes_at or text.casefold() in NOTHING or (role == "values" and _RANGE.fullmatch(text))
                if not told and not ("nan" in found and _NO_VALUE.fullmatch(text.strip(" .;,"))):
                    rest.append(shortened(text))
        return rest

    def _missing(self, row: int) -> list[str]:
        """Raw values that a remark calls "not available" or the like."""
        cells_ = [text for role in ("remark", "values", "description") for _, text in self._lookup.texts(row, role)]
        return list(dict.fromkeys(match[1] for text in cells_ for match in _NO_VALUE.finditer(text)))

    # ---- range

    def _range(self, row: int, scaled: Scaled | None, remarks: list[str]) -> dict[str, Setting]:
        low, high, column = self._lookup.text(row, "min"), self._lookup.text(row, "max"), self._lookup.column("min")
        for other, text in self._lookup.texts(row, "values"):
            match = _RANGE.fullmatch(text)
            if match:
                low, high, column = match[1], match[2], other
        try:
            bounds = [cells.number(text.split(" ")[0], self._lookup.mark) for text in (low, high)]
        except Refused:
            return {}
        first, last = (Decimal(text) for text in bounds)
        if first >= last or (first, last) in _WHOLE_TYPES:
            return {}
        # The range of the raw value, taken for that of the value, must at least be no narrower.
        if scaled and (abs(Decimal(scaled.number)) > 1) == (scaled.gain == "multiply") and scaled.number != "1":
            say = f"the range {low}..{high} can be that of the raw value; it is left out"
            self._lookup.warn(row, column, "I17", say, "add range: yourself")
            remarks.append(f"range {low}..{high}")
            return {}
        return {"range": bounds}


_SIGNED = r"[-+−]?[0-9]+(?:[.,][0-9]+)?(?: ?%)?"
_RANGE = re.compile(rf"\[?({_SIGNED}) ?(?:-|–|…|\.\.\.?|~|\bto\b|\bbis\b|÷|;) ?({_SIGNED})(?: ?\D*)?")
_WHOLE_TYPES = frozenset(
    bounds
    for bits in (8, 16, 32, 64)
    for top in (1 << bits, 1 << bits - 1)
    for bounds in (
        (Decimal(0), Decimal(top - 1)),
        (Decimal(-top), Decimal(top - 1)),
        (Decimal(1 - top), Decimal(top - 1)),
    )
)
"""Bounds that only say how wide the register is."""


def _listed(text: str, fewest: int) -> tuple[Literal["enum", "flags"], codes.Codes] | None:
    bits = codes.flags(text)
    if bits is not None:
        return "flags", bits
    listed = codes.codes(text, fewest)
    return None if listed is None else ("enum", listed)
